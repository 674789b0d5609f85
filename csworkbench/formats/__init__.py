"""Numbers, money, dates, estimates and Messages as text, by language; plain text, never HTML.

figures     number, share, money, day, month, estimate, figure, in_unit
sentences   text, label, answer, inside, spaced, sentence
languages   ACRONYMS, words, is_foreign, speak: catalogues of Swedish and Chinese; a language left empty is the desk's
readable    Readable: text, frame and plain data of a result
inert       printable, neutral: text that commands no terminal and no spreadsheet

Placeholders of a Message, `{name:spec}`:

    {x}               text as it is; a date, number, Estimate or Message in its usual form
    {x:count}         1,234
    {x:n day|days}    "1 day", "1,234 days"
    {x:number}        three significant digits: 0.741, 12.3, 1,234
    {x:points}        one decimal: 61.3
    {x:share}         26.5% of 0.265 (`percent` is the same)
    {x:days}          "12 days"
    {x:date}          30 Sep 2026 as the language writes it
    {x:money SEK}     SEK 1,235
    {x:estimate}      0.74 (0.72 to 0.76, n 7,043)
    {x:word}          a name of ours, such as a band, in the reader's language; with a capital where it begins all
    {x:list}          a, b, c and 2 more
    {x:words}         the same of names of ours

`{{` and `}}` stand for braces. A missing value (None, NaN) reads "not known".
"""

from csworkbench.formats.figures import day, estimate, figure, in_unit, is_missing, money, month, number, share
from csworkbench.formats.inert import neutral, printable
from csworkbench.formats.languages import (
    ACRONYMS,
    WRITTEN,
    catalog,
    is_foreign,
    is_written,
    likely_language,
    locale_of,
    spaced,
    speak,
    words,
)
from csworkbench.formats.readable import Readable
from csworkbench.formats.sentences import NAME, answer, inside, label, sentence, text

__all__ = [
    "ACRONYMS",
    "NAME",
    "WRITTEN",
    "Readable",
    "answer",
    "catalog",
    "day",
    "estimate",
    "figure",
    "in_unit",
    "inside",
    "is_foreign",
    "is_missing",
    "is_written",
    "label",
    "likely_language",
    "locale_of",
    "money",
    "month",
    "neutral",
    "number",
    "printable",
    "sentence",
    "share",
    "spaced",
    "speak",
    "text",
    "words",
]
