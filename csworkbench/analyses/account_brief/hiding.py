"""Free texts without what says who people are, where the settings allow no names."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from csworkbench.analyses.account_brief.evidence import Inputs

if TYPE_CHECKING:
    import pandas as pd

HIDDEN = "[name]"
_ADDRESS = r"[^\s<>()\[\],;:]+@[^\s<>()\[\],;:]+\w"
_SURE = 3  # letters from which part of a name is no other word in lower case, such as the Swedish "bo"


def as_allowed(rows: "pd.DataFrame", column: str, inputs: Inputs) -> list[str]:
    """Return the texts of a column; where no names are allowed, without people and e-mail addresses.

    Args:
        rows: Rows with account_id.
        column: The free texts.
        inputs: Who the people of each account are; a part of a name is taken out too.
    """
    if inputs.has_names:
        return [str(text) for text in rows[column]]
    known = {account: _pattern(inputs.people.get(account, ())) for account in rows["account_id"].unique()}
    pairs = zip(rows["account_id"], rows[column], strict=True)
    return [known[account].sub(HIDDEN, str(text)) for account, text in pairs]


def _pattern(texts: Iterable[str]) -> "re.Pattern[str]":
    """Return what finds texts as they are written, each word of those that are names, and addresses; longest first."""
    whole = sorted({text.strip() for text in texts if text.strip()}, key=lambda text: (-len(text), text))
    words = sorted(
        {
            word
            for text in whole
            if not re.search(r"[\d@_]", text)
            for word in re.findall(r"[^\W\d_]{2,}", text)
        }
    )  # fmt: skip
    sure = [word for word in words if len(word) >= _SURE]
    parts = [_ADDRESS, *(f"(?i:{re.escape(text)})" for text in whole)]
    parts += [rf"\b(?i:{word})\b" if word in sure else rf"\b(?:{word}|{word.upper()})\b" for word in words]
    return re.compile("|".join(parts))
