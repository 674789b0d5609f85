"""Settings of the data check: how fresh and whole the data must be, and which questions it should answer."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.errors import did_you_mean
from csworkbench.formats import spaced
from csworkbench.tables import SPECS, ForeignKey, Kind

Days = Annotated[int, Field(ge=0, le=3650)]
Rows = dict[str, tuple[str, ...]]
Odds = Annotated[float, Field(gt=0, lt=1)]

WHERE = "Only rows whose columns have one of these values; [] = any value at all"
BASE = "Share that is expected, 0 to 1, or the rows among those counted whose share it is"
WORTH = "Smallest that is worth knowing; it decides how many are needed"


class ShareOf(Section):
    """A share is estimated: how wide is its interval to each side?"""

    kind: Literal["share"] = setting("share", description="A share is estimated")
    base: Odds | Rows = setting(0.5, description=BASE)
    worth: float | None = setting(None, gt=0, lt=0.5, unit="share", description=WORTH)


class Difference(Section):
    """Two groups are compared by a share: how large a difference is seen?"""

    kind: Literal["difference"] = setting("difference", description="Two groups are compared by a share")
    base: Odds | Rows = setting(0.5, description=BASE)
    control: Odds | None = setting(
        None, description="Share of those counted that will be left alone; null = the groups are there already"
    )
    against: Rows | Literal["others"] | None = setting(
        None, description="Rows that are the comparison group, or others: the accounts that are not counted"
    )
    worth: float | None = setting(None, gt=0, lt=0.5, unit="share", description=WORTH)

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        if (self.control is None) == (self.against is None):
            raise ValueError("give one of control and against")
        return self


class Ranking(Section):
    """A score ranks accounts: how good must it be to be told from chance?"""

    kind: Literal["auc"] = setting("auc", description="A score ranks those with an event above those without")
    against: Rows = setting(min_length=1, description="Rows without the event")
    worth: float | None = setting(None, gt=0.5, lt=1, unit="auc", description=WORTH)


class NetPromoters(Section):
    """The net promoter score is estimated: how wide is its interval to each side?"""

    kind: Literal["nps"] = setting("nps", description="The NPS is estimated")
    worth: float | None = setting(None, gt=0, lt=200, unit="points", description=WORTH)


Detects = Annotated[ShareOf | Difference | Ranking | NetPromoters, Field(discriminator="kind")]


class Also(Section):
    """What a counted row must have besides, in its own table or in another one."""

    label: str = setting(min_length=1, description="Words after the number, such as 'with a numeric goal'")
    table: str | None = setting(None, description="Other table, joined by what is counted; null = the same table")
    where: Rows = setting(default_factory=dict, description=WHERE)


class Question(Section):
    """Something a team wants to know, and how much data it takes."""

    analysis: str = setting(min_length=1, description="Analysis that answers it")
    question: str = setting(min_length=1, description="The question, as a reader would ask it")
    table: str = setting(min_length=1, description="Table it needs")
    count: Literal["rows", "accounts"] = setting(
        "accounts", description="What is counted: rows, or distinct accounts that have not left"
    )
    unit: str | None = setting(
        None, min_length=1, description="What that is called, in plural; null = accounts, or the name of the table"
    )
    where: Rows = setting(default_factory=dict, description=WHERE)
    window_days: int | None = setting(
        None, ge=1, le=3650, unit="days", description="Only events of the last days; null = all"
    )
    window_by: str | None = setting(
        None, min_length=1, description="Date the window goes by, such as decided_at; null = when a row happened"
    )
    per: str | None = setting(
        None,
        min_length=1,
        description="Column that tells one study from the next: only rows of the smallest count; null = one study",
    )
    also: tuple[Also, ...] = setting((), description="What each of them must have besides")
    detects: Detects | None = setting(None, description="What is found out with them; null = they are only listed")
    needs: int | None = setting(
        None, ge=1, le=1_000_000_000, description="Fewest independent ones the analysis accepts; null = by worth alone"
    )
    record: str = setting(min_length=1, description="What to record where there are too few")

    @property
    def noun(self) -> str:
        """What is counted, in plural."""
        return self.unit or ("accounts" if self.count == "accounts" else spaced(self.table))

    @property
    def dated_by(self) -> str | None:
        """Column the window goes by; None where rows have no date."""
        return self.window_by or SPECS[self.table].event_at

    def joined_by(self, other: str) -> tuple[str, ...]:
        """Return the columns in which rows of another table belong to what is counted; empty where there are none.

        Args:
            other: The other table.
        """
        own, theirs = SPECS[self.table], SPECS[other]
        candidates = [("account_id",)] if self.count == "accounts" else [own.key, theirs.key]
        return next((key for key in candidates if set(key) <= set(own.names) & set(theirs.names)), ())

    @property
    def filters(self) -> Iterator[tuple[str, str, Rows]]:
        """Key of the setting, table and condition of every filter of this question."""
        yield "where", self.table, self.where
        for place, also in enumerate(self.also):
            yield f"also.{place}.where", also.table or self.table, also.where
        for name in ("base", "against"):
            rows = getattr(self.detects, name, None)
            if isinstance(rows, Mapping):
                yield f"detects.{name}", self.table, dict(rows)


class Config(Section):
    """Settings of `data_check`."""

    most_refused: float = setting(
        0.02,
        ge=0,
        le=1,
        unit="share",
        tunable=True,
        description="Share of a table's rows that may be refused before the data cannot be trusted",
    )
    fresh_within_days: dict[str, Days] = setting(
        default_factory=dict,
        unit="days",
        description="Table -> days within which its newest event must lie; tables not named are not judged",
    )
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", tunable=True, description="Coverage of intervals")
    power: float = setting(
        0.8, ge=0.5, le=0.999, unit="share", tunable=True, description="Chance to see a difference that is there"
    )
    icc: float = setting(
        0.05,
        ge=0,
        le=1,
        unit="correlation",
        tunable=True,
        description="How alike rows of one account are taken to be: 0 = independent, 1 = all the same",
    )
    questions: tuple[Question, ...] = setting((), description="Questions the data should answer")

    @model_validator(mode="after")
    def _everything_exists(self) -> Self:
        faults = {f"fresh_within_days.{name}": _no_table(name) for name in self.fresh_within_days if name not in SPECS}
        for place, question in enumerate(self.questions):
            faults |= {f"questions.{place}.{key}": fault for key, fault in _faults(question)}
        if faults:
            raise SettingError(faults)
        return self


def _faults(question: Question) -> Iterator[tuple[str, str]]:
    if question.table not in SPECS:
        yield "table", _no_table(question.table)
        return
    if question.count == "accounts" and question.table != "accounts" and not account_of(question.table):
        yield "count", f"rows of {question.table} belong to no account; count: rows counts them"
    for place, also in enumerate(question.also):
        if also.table is not None and also.table not in SPECS:
            yield f"also.{place}.table", _no_table(also.table)
        elif not question.joined_by(also.table or question.table):
            yield f"also.{place}.table", f"nothing joins {also.table} to the {question.count} of {question.table}"
    for key, table, rows in question.filters:
        if table in SPECS:
            yield from _unknown_values(key, table, rows)
    if question.needs is None and getattr(question.detects, "worth", None) is None:
        yield "needs", "say how many it takes: give needs, or detects with worth"
    if isinstance(question.detects, NetPromoters) and question.table != "nps_responses":
        yield "detects.kind", "an NPS is made of nps_responses"
    if getattr(question.detects, "against", None) == "others":
        if not account_of(question.table):
            yield "detects.against", f"rows of {question.table} belong to no account, so there are no others"
        if isinstance(getattr(question.detects, "base", None), Mapping):
            yield "detects.base", "give a number: rows of this table say nothing about the others"
    if question.per is not None and question.per not in SPECS[question.table].names:
        hint = did_you_mean(question.per, SPECS[question.table].names)
        yield "per", f"{question.table} has no column '{question.per}'; {hint}".removesuffix("; ")
    if question.window_days is not None and question.dated_by is None:
        yield "window_days", f"{question.table} has no dates"
    dates = [column.name for column in SPECS[question.table].columns if column.kind in (Kind.DATE, Kind.INSTANT)]
    if question.window_by is not None and (question.window_by not in dates or question.window_days is None):
        yield "window_by", f"give window_days, and a date of {question.table}: {', '.join(dates)}"


def account_of(table: str) -> ForeignKey | None:
    """Return what leads from a row to its account: the reference to accounts, or to a table that has one.

    Args:
        table: Canonical table.

    Returns:
        None where rows belong to no account.
    """
    for reference in SPECS[table].foreign_keys:
        if not reference.others and "account_id" in SPECS[reference.table].names:
            return reference
    return None


def number_of(word: str) -> float | None:
    """Return the number a text is; None where it is none.

    Args:
        word: A value of `where`, as the settings have it.
    """
    try:
        return float(word)
    except ValueError:
        return None


def _unknown_values(key: str, table: str, rows: Rows) -> Iterator[tuple[str, str]]:
    for column in SPECS[table].columns:
        allowed = ("true", "false") if column.kind is Kind.BOOLEAN else column.allowed
        is_number = column.kind in (Kind.INTEGER, Kind.DECIMAL, Kind.SHARE)
        for value in rows.get(column.name, ()):
            if allowed and value not in allowed:
                hint = did_you_mean(value, allowed, f"it is one of {', '.join(allowed)}")
                yield f"{key}.{column.name}", f"{table}.{column.name} is never '{value}'; {hint}"
            elif is_number and number_of(value) is None:
                yield f"{key}.{column.name}", f"{table}.{column.name} is a number, not '{value}'"


def _no_table(name: str) -> str:
    known = f"the tables are {', '.join(SPECS)}"
    return f"there is no table '{name}'; {did_you_mean(name, SPECS, known)}"
