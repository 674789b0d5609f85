"""What every analysis returns: estimates with intervals, caveats, messages, and the shape of a result.

Nothing here computes or formats: `formats` turns a `Message` or an `Estimate` into text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import pandas as pd

MOST_FIGURES = 4
"""So many figures of a result are shown at once; the most important come first."""


class Severity(StrEnum):
    """How much a doubt weighs: `note` informs, `warning` weakens a figure, `stop` forbids acting on it."""

    NOTE = "note"
    WARNING = "warning"
    STOP = "stop"


WORST_FIRST = tuple(reversed(Severity))
"""Order in which doubts are told."""


@dataclass(frozen=True, slots=True)
class Message:
    """One sentence a reader sees, before it is put into words of their language.

    `key` is the English sentence with typed placeholders (a gettext msgid), for example
    `"{n:n account|accounts} of {total:count} are at risk ({share:percent})"`; the specs are listed in `formats`.

    Args:
        key: English template.
        values: Values of the placeholders: plain numbers, text, dates, Estimates.
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))


def say(key: str, **values: Any) -> Message:
    """Return the Message of an English template and its values."""
    return Message(key, values)


@dataclass(frozen=True, slots=True)
class Caveat:
    """A doubt that stands beside a number.

    Args:
        code: Stable name in snake_case, for tests and machines.
        severity: How much it weighs.
        message: What is doubtful, with the numbers.
        action: What the reader can do about it; None where nothing helps.
    """

    code: str
    severity: Severity
    message: Message
    action: Message | None = None


def worst_first(caveats: Iterable[Caveat]) -> tuple[Caveat, ...]:
    """Return caveats, the most severe first; equal ones stay in their order."""
    return tuple(sorted(caveats, key=lambda caveat: WORST_FIRST.index(caveat.severity)))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its uncertainty and its sample size.

    Args:
        value: Point value; None says "cannot tell".
        unit: What it counts: "share", "points", "accounts", "days", "auc", a currency code ...
        n: Number of independent units behind it.
        low: Lower bound of the interval; None for an exact count.
        high: Upper bound; None exactly when `low` is None.
        level: Coverage of the interval, between 0 and 1; None exactly when `low` is None.

    Raises:
        ValueError: bounds are incomplete or out of order, or a number is not finite.
    """

    value: float | None
    unit: str
    n: int
    low: float | None = None
    high: float | None = None
    level: float | None = None

    def __post_init__(self) -> None:
        if len({self.low is None, self.high is None, self.level is None}) > 1:
            raise ValueError("an interval needs low, high and level together")
        if any(number is not None and not isfinite(number) for number in (self.value, self.low, self.high)):
            raise ValueError(f"an estimate holds finite numbers or None, not {self.value}, {self.low}, {self.high}")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"bounds must be in order, not {self.low} to {self.high}")
        if self.value is not None and self.low is not None and self.high is not None:
            slack = 1e-9 * max(1.0, abs(self.value))
            if not self.low - slack <= self.value <= self.high + slack:
                raise ValueError(f"value {self.value} lies outside its interval {self.low}..{self.high}")
        if self.level is not None and not 0 < self.level < 1:
            raise ValueError(f"level must lie between 0 and 1, not {self.level}")


@dataclass(frozen=True, slots=True)
class Release:
    """A table of a result that `csw release` can make official; a Result offers them as `releases`.

    Args:
        table: The table.
        place: Folder and name below records/, such as "assignments/guide-mail"; a digest is added to it.
        beside: Tables that are kept with it, such as what was registered.
        is_once: It can be made official once: another one of the same place is refused.
    """

    table: str
    place: str
    beside: tuple[str, ...] = ()
    is_once: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture or table on the page of a part, as data: an analysis draws nothing.

    Args:
        table: The table of the part it is made from.
        title: What it shows.
        columns: Columns it takes, in the order the chart or table asks for them; empty shows a whole table.
        shape: Name of the chart in `charts`; "table" shows the rows.
        lead: What to look for, one sentence before it.
        options: Further keyword arguments of the chart or of `views.table`.
    """

    table: str
    title: str
    columns: tuple[str, ...] = ()
    shape: str = "table"
    lead: Message | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """What a result says of one value of a dimension, such as one playbook, on a page of its own.

    A Result offers its `parts`; they are published below by/ beside its own page and listed there.

    Args:
        dimension: What it is one of, such as "playbook".
        value: Which one; its page is called after it.
        title: Heading of the page.
        result: The verdict, figures, tables and doubts of this value alone.
        shown: Pictures and tables of the page, in order.
    """

    dimension: str
    value: str
    title: str
    result: "Result"
    shown: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class Handout:
    """A table of a result that people take away; a Result offers them as `handouts`.

    Args:
        table: The table.
        kinds: Files beside its CSV and Parquet: xlsx, hubspot, salesforce.
    """

    table: str
    kinds: tuple[str, ...]


@runtime_checkable
class Result(Protocol):
    """The shape of every analysis' result."""

    @property
    def headline(self) -> Message:
        """The verdict in one sentence."""

    @property
    def figures(self) -> Mapping[str, Estimate]:
        """Name -> Estimate, the most important first."""

    @property
    def tables(self) -> Mapping[str, "pd.DataFrame"]:
        """Name -> frame whose first columns are its key."""

    @property
    def caveats(self) -> Sequence[Caveat]:
        """Doubts beside the figures, the most severe first."""

    @property
    def actions(self) -> Sequence[Message]:
        """What to do next."""
