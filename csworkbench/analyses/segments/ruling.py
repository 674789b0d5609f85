"""Rules asked of what they read: once by `prepare`, and again where a setting changes a number in a condition."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.segments.settings import Config
from csworkbench.errors import AnalysisError
from csworkbench.features.dated import PLACE, TODAY
from csworkbench.features.listed import NOT_KNOWN
from csworkbench.remembering import once

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from csworkbench.filters import Condition

NO_RULE = "no rule fits"
ROW = "_row"


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Asked:
    """What the rules of `prepare` were asked of; computed for good only where others are asked.

    Args:
        config: Settings with those rules.
        weeks: Attributes that stages and tiers read, per date of `Inputs.weeks` and account.
        began: The same of `Inputs.began`.
        today: Attributes that behaviour reads, per account of `Inputs.accounts`.
        absent: Attributes that the book does not have.
    """

    config: Config
    weeks: "ir.Table"
    began: "ir.Table"
    today: "ir.Table"
    absent: frozenset[str] = frozenset()

    def places(self, config: Config, name: str, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Return the rows of dates and accounts with the stage and tier that rules give them.

        Args:
            config: The rules.
            name: weeks or began.
            rows: From `placed`.

        Raises:
            AnalysisError: a rule reads what those of `prepare` did not.
        """
        self._require((*config.stages, *config.tiers), (*self.config.stages, *self.config.tiers))
        now, then = of_places(config), of_places(self.config)
        found = {"stage": self._first(name, now[0], "", rows)} if now[0] != then[0] else {}
        if config.tiers != self.config.tiers:
            found["tier"] = self._first(name, [(each.segment, each.where) for each in config.tiers], NOT_KNOWN, rows)
        return rows.assign(**found) if found else rows

    def behaviour(self, config: Config, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Return accounts, ordered by account_id, with the segment of behaviour that rules give them.

        Args:
            config: The rules.
            rows: One row per account, with the column behaviour.

        Raises:
            AnalysisError: a rule reads what those of `prepare` did not.
        """
        if config.behaviour == self.config.behaviour:
            return rows
        self._require(config.behaviour, self.config.behaviour)
        rules = [(each.segment, each.where) for each in config.behaviour]
        return rows.assign(behaviour=self._first("today", rules, NO_RULE, rows))

    def _first(
        self, name: str, rules: "Sequence[tuple[str, Condition | None]]", otherwise: str, rows: "pd.DataFrame"
    ) -> Any:
        """Return the name of the first rule that fits each row; a rule that stays as it was is not asked again."""
        import numpy as np
        import pandas as pd

        codes = np.full(len(rows), len(rules))
        for place, (_, where) in reversed(list(enumerate(rules))):
            if where is None:
                codes[:] = place
                continue
            may, does = once(self, (name, repr(where)), partial(self._fits, name, where))
            codes[may] = len(rules) + 1
            codes[does] = place
        return pd.array([*(each for each, _ in rules), otherwise, NOT_KNOWN], dtype="str").take(codes)

    def _fits(self, name: str, where: "Condition") -> "tuple[Any, Any]":
        """Return whether each row may fit and whether it does, in their order: by date and account_id."""
        from csworkbench.filters import fits

        table = once(self, f"table {name}", lambda: _held(getattr(self, name)))
        does = fits(where, table, self.absent)
        may = fits(where, table) if where.hangs_on(self.absent) else does
        found = table.select(ROW, may=may, does=does).to_pandas()
        ordered = found if found[ROW].is_monotonic_increasing else found.sort_values(ROW)
        return ordered["may"].to_numpy(dtype=bool), ordered["does"].to_numpy(dtype=bool)

    @staticmethod
    def _require(wanted: Iterable[Any], there: Iterable[Any]) -> None:
        unread = sorted(read(wanted) - read(there))
        if unread:
            raise AnalysisError(f"rules read {', '.join(unread)}, which was not read yet; run prepare again")


def read(rules: Iterable[Any]) -> set[str]:
    """Return the attributes that rules read.

    Args:
        rules: Stages, tiers, segments or lists.
    """
    return {name for rule in rules if rule.where is not None for name in rule.where.attributes()}


def narrow(table: "ir.Table", rules: Iterable[Any], *others: str) -> "ir.Table":
    """Return only what rules read of the attributes of accounts.

    Args:
        table: From `accounts_at`.
        rules: Stages, tiers or segments.
        others: Further columns.
    """
    names = sorted({*read(rules), *others} & set(table.columns))
    return table.select(PLACE, TODAY, "account_id", *names)


def placed(asked: Asked, name: str, dates: tuple[date, ...]) -> "pd.DataFrame":
    """Return the stage and tier of every account at every date.

    Args:
        asked: Rules, and the attributes they read.
        name: weeks or began.
        dates: Its dates.

    Returns:
        One row per date and account: date, account_id, stage, tier; "not known" is a stage that hangs on what the book
        does not have.
    """
    import pandas as pd

    table: ir.Table = getattr(asked, name)
    frame = table.select(PLACE, "account_id", **stage_and_tier(table, asked.config, asked.absent)).to_pandas()
    days = pd.DatetimeIndex(dates).take(frame[PLACE].to_numpy())
    named = frame.assign(date=days)[["date", "account_id", "stage", "tier"]]
    ordered: pd.DataFrame = named.sort_values(["date", "account_id"], ignore_index=True)
    return ordered


def stage_and_tier(table: "ir.Table", config: Config, absent: Collection[str]) -> "Mapping[str, ir.Value]":
    """Return stage and tier as expressions over attributes.

    Args:
        table: Attributes that the rules read.
        config: Rules of stages and tiers.
        absent: Attributes that the book does not have.
    """
    from csworkbench.filters import first_fitting

    tiers = [(rule.segment, rule.where) for rule in config.tiers]
    stages = [(rule.stage, rule.where) for rule in config.stages]
    return {
        "stage": first_fitting(table, stages, "", absent),
        "tier": first_fitting(table, tiers, NOT_KNOWN, absent) if tiers else table.value_tier.fill_null(NOT_KNOWN),
    }


def segment(table: "ir.Table", config: Config, absent: Collection[str]) -> "ir.StringValue":
    """Return the segment of behaviour as an expression over attributes.

    Args:
        table: Attributes that the rules read.
        config: Rules of behaviour, at least one.
        absent: Attributes that the book does not have.
    """
    from csworkbench.filters import first_fitting

    return first_fitting(table, [(rule.segment, rule.where) for rule in config.behaviour], NO_RULE, absent)


def of_places(config: Config) -> tuple[Any, ...]:
    """Return what decides stage and tier: settings that are equal in it place every account alike."""
    return tuple((rule.stage, rule.where) for rule in config.stages), config.tiers


def _held(table: "ir.Table") -> "ir.Table":
    """Return attributes as rows that are there, numbered by date and account_id."""
    import ibis

    return table.mutate(**{ROW: ibis.row_number().over(order_by=[PLACE, "account_id"])}).order_by(ROW).cache()
