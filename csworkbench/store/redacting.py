"""A person taken out of the bytes of a file: ids, names and addresses, in every form files of a run write them."""

import html
import io
import json
import re
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from csworkbench.errors import ConfigError, Problem

ERASED = "erased"
"""What stands where the person stood: rows stay, so that counts and what was done for the account stay true."""
SHORTEST = 5
_SVG = "data:image/svg+xml;base64,"
_PICTURE = re.compile(re.escape(_SVG) + r"([A-Za-z0-9+/=]+)")
_BEFORE, _AFTER = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))", r"(?![A-Za-z0-9])"


@dataclass(frozen=True)
class Person:
    """Who is to be taken out.

    Args:
        contact_id: Id of the contact, matched as it is written.
        personal: Names, addresses and numbers of the person, matched in capitals or not.

    Raises:
        ConfigError: A text is too short, or is a short number: it cannot be told from other content.
    """

    contact_id: str
    personal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = [
            Problem(f"{word!r} cannot be told from other numbers and words", hint=_TOO_SHORT)
            for word in (self.contact_id, *self.personal)
            if not can_be_told(word)
        ]
        if problems:
            raise ConfigError(*problems)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Return what matches the person in a text."""
        words = sorted({form for word in self.personal for form in _forms(word)}, key=len, reverse=True)
        exact = sorted(_forms(self.contact_id), key=len, reverse=True)
        parts = [*map(_bounded, exact), *(f"(?i:{_bounded(word)})" for word in words)]
        return re.compile("|".join(parts))

    def out_of(self, text: str) -> str:
        """Return a text without the person; also pictures in it are looked into.

        Args:
            text: Any text.
        """
        if _SVG in text:
            text = _PICTURE.sub(self._picture, text)
        return self.pattern.sub(ERASED, text)

    def _picture(self, match: re.Match[str]) -> str:
        drawn = b64decode(match[1]).decode("utf-8", "replace")
        cleaned = self.pattern.sub(ERASED, drawn)
        return match[0] if cleaned == drawn else _SVG + b64encode(cleaned.encode()).decode("ascii")


_TOO_SHORT = (
    f"words of {SHORTEST} letters or more, or with letters no other word has, can be erased; else remove outputs/ whole"
)


def can_be_told(word: str) -> bool:
    """Return whether a word is told from other content: no number of few digits, no word of few Latin letters.

    Args:
        word: An id, a name, an address or a number.
    """
    return len(word) >= SHORTEST or (len(word) > 1 and not word.isascii())


def without(path: Path, person: Person) -> bytes | None:
    """Return what a file holds without a person; None where the person is not in it.

    Args:
        path: A file of a run, of the store or of the records.
        person: Who is taken out.

    Raises:
        OSError: The file cannot be read.
    """
    content = path.read_bytes()
    if path.suffix == ".parquet":
        return _parquet(content, person)
    if zipfile.is_zipfile(io.BytesIO(content)):
        return _zipped(content, person)
    try:
        before = content.decode("utf-8")
    except UnicodeDecodeError:
        return None  # no file of ours; `remains` looks at its bytes
    after = _json(before, person) if path.suffix in {".json", ".ipynb"} else person.out_of(before)
    return None if after == before else after.encode()


def remains(content: bytes, person: Person) -> bool:
    """Return whether a person is still to be read in the bytes of a file as they are.

    Args:
        content: Bytes of a file.
        person: Who was taken out.
    """
    return any(person.pattern.search(content.decode(code, "ignore")) for code in ("utf-8", "utf-16-le"))


def _forms(word: str) -> set[str]:
    """Return a word as JSON, HTML and addresses of links write it."""
    escaped = html.escape(word)
    return {
        word,
        json.dumps(word)[1:-1],
        json.dumps(word, ensure_ascii=False)[1:-1],
        escaped,
        escaped.replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        quote(word),
        quote(word, safe=""),
    }


def _bounded(form: str) -> str:
    """Return the pattern of a word that stands alone where its ends are Latin letters or digits."""
    first, last = (each.isascii() and each.isalnum() for each in (form[0], form[-1]))
    return f"{_BEFORE if first else ''}{re.escape(form)}{_AFTER if last else ''}"


def _json(text: str, person: Person) -> str:
    """Return JSON without a person, in the same layout; what is no JSON is treated as text."""
    try:
        data = json.loads(text)
    except ValueError:
        return person.out_of(text)
    cleaned = _inside(data, person)
    if cleaned == data:
        return text
    first = text.split("\n", 2)[1:2] or [""]
    indent = len(first[0]) - len(first[0].lstrip(" ")) if "\n" in text.strip() else None
    return json.dumps(cleaned, ensure_ascii=False, indent=indent) + ("\n" if text.endswith("\n") else "")


def _inside(value: Any, person: Person) -> Any:
    match value:
        case str():
            return person.out_of(value)
        case list():
            return [_inside(each, person) for each in value]
        case dict():
            return {person.out_of(str(key)): _inside(each, person) for key, each in value.items()}
    return value


def _zipped(content: bytes, person: Person) -> bytes | None:
    """Return a workbook without a person: a zip of XML texts."""
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        members = [(info, source.read(info)) for info in source.infolist()]
    cleaned = [(info, person.out_of(data.decode()).encode() if _is_text(data) else data) for info, data in members]
    if cleaned == members:
        return None
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written:
        for info, data in cleaned:
            written.writestr(info, data)
    return target.getvalue()


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _parquet(content: bytes, person: Person) -> bytes | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(content))
    columns = [_column(column, person) for column in table.columns]
    if all(column is None for column in columns):
        return None
    arrays = [old if new is None else new for old, new in zip(table.columns, columns, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays, schema=table.schema), sink, compression="zstd", store_schema=False)
    return bytes(sink.getvalue().to_pybytes())


def _column(column: Any, person: Person) -> Any:
    """Return a column of texts, or of lists of them, without a person; None where the person is not in it."""
    import pyarrow as pa

    kind = column.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (is_text or pa.types.is_nested(kind)):
        return None
    if is_text and not any(value and person.pattern.search(value) for value in column.unique().to_pylist()):
        return None
    before = column.to_pylist()
    after = _inside(before, person)
    return None if after == before else pa.chunked_array([pa.array(after, kind)])


def known_words(values: Iterable[str | None], also: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the personal texts that can be told from other content, each once.

    Args:
        values: What the book says of the person; None where it says nothing.
        also: What was given beside it, all of which must be fit.
    """
    said = [value.strip() for value in values if value and can_be_told(value.strip())]
    return tuple(dict.fromkeys([*said, *also]))
