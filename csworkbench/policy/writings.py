"""Channels and addresses in the one writing in which they are compared: a refusal must hold however it was typed."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache

ANY = ""
"""A cell of a refusal that does not read: it counts for every channel, or every purpose."""

# Other words for a channel; those of the phone stand for calls, which need the same address.
ALIASES = {
    "mail": "email",
    "emails": "email",
    "phone": "call",
    "calls": "call",
    "tel": "call",
    "telephone": "call",
    "phonecall": "call",
    "text": "sms",
    "textmessage": "sms",
    "weixin": "wechat",
    "wecom": "wechat",
}
SEPARATORS = re.compile(r"[\s_\-./]+")
TAIL = 8  # last digits of a phone number that are the same with and without the country's code


@cache
def plain_channel(channel: str) -> str:
    """Return a channel in one writing: small letters, no blanks or hyphens, the usual word.

    Args:
        channel: As written.
    """
    bare = SEPARATORS.sub("", _plain(channel))
    return ALIASES.get(bare, bare)


def is_among(channel: str, channels: Collection[str]) -> bool:
    """Return whether a channel is one of some, however they are written; none of them stands for all.

    Args:
        channel: As written.
        channels: As written in the settings, such as those of a cap.
    """
    return not channels or plain_channel(channel) in {plain_channel(each) for each in channels}


def plain_address(address: str) -> str:
    """Return an address in one writing: e-mail in small letters, phone numbers as digits, with 00 for +.

    Args:
        address: E-mail address, phone number or WeChat id as written; a name before <...> and mailto: are left out.
    """
    bare = _plain(address)
    bare = bare[bare.rfind("<") + 1 : bare.rfind(">")].strip() if "<" in bare and bare.endswith(">") else bare
    bare = bare.removeprefix("mailto:").removeprefix("tel:").strip()
    digits = "".join(letter for letter in bare if letter.isdecimal())
    if "@" in bare or len(digits) < 6 or any(letter.isalpha() for letter in bare):
        return bare
    return f"+{digits[2:]}" if bare.startswith("00") else f"+{digits}" if bare.startswith("+") else digits


def plain_addresses(cell: str) -> Iterator[str]:
    """Yield every address of a cell that may hold several, such as `jo@x.com; al@x.com`.

    Args:
        cell: As written.
    """
    for part in re.split(r"[;,\n]", cell):
        if part.strip():
            yield plain_address(part)


def phone_tail(address: str) -> str | None:
    """Return the end of a phone number, which is the same with and without the country's code; None for others.

    Args:
        address: In the writing of `plain_address`.
    """
    digits = address.removeprefix("+")
    return digits[-TAIL:] if digits.isdecimal() and len(digits) >= TAIL else None


def _plain(text: str) -> str:
    """Return a text without invisible letters, in usual widths and small letters."""
    seen = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFKC", seen).strip().casefold()
