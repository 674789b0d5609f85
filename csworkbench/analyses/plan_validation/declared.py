"""What was declared of each playbook before anybody looked: its goal, the one trait to test, who it was written for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.playbooks import Library

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Declared:
    """What the file of a playbook says that a validation needs.

    Args:
        name: Id, as in `plans.playbook`.
        title: Name a reader sees.
        uplift: Metric -> change that is the goal: a share of the baseline, or points.
        trait: Attribute of accounts that was declared to decide where it works; empty = none.
        works_for: Values of it for which the playbook should work.
        founder: Account it was written for; None = the account of its first plan.
        starts_below: Metric and value under which a rule starts plans; None = no such rule.
        is_filed: Whether a file says so; without one the goals of the plans speak.
        lower: Metrics of its goals of which less is good.
    """

    name: str
    title: str = ""
    uplift: Mapping[str, float] | None = None
    trait: str = ""
    works_for: tuple[str, ...] = ()
    founder: str | None = None
    starts_below: tuple[str, float] | None = None
    is_filed: bool = False
    lower: tuple[str, ...] = ()


def declared_in(library: Library) -> tuple[Declared, ...]:
    """Return what the files of a library say that a validation needs.

    Args:
        library: The playbooks that could be read.
    """
    return tuple(
        Declared(
            name,
            each.title,
            {goal.metric: goal.uplift for goal in each.goals},
            "" if each.trait is None else each.trait.name,
            () if each.trait is None else tuple(each.trait.expected),
            each.founder,
            None if each.starts_when is None else (each.starts_when.metric, each.starts_when.below),
            is_filed=True,
            lower=tuple(goal.metric for goal in each.goals if goal.direction == "lower"),
        )
        for name, each in library.playbooks.items()
    )


def declared_of(name: str, files: Iterable[Declared]) -> Declared:
    """Return what was declared of a playbook; only its name where no file says more.

    Args:
        name: Id, as in `plans.playbook`.
        files: What the files of all playbooks say.
    """
    return next((each for each in files if each.name == name), Declared(name))


def goal_of(declared: Declared, metric: str, scale: str, lines: "pd.DataFrame") -> float | None:
    """Return the goal of a playbook on the scale of the analysis; good is positive, None = nobody set one.

    Args:
        declared: What its file says.
        metric: Metric that is compared.
        scale: relative or points.
        lines: Timeline of its plans: where the file is silent, the median of what they asked for.
    """
    import math

    asked = (declared.uplift or {}).get(metric)
    sign = sign_of(declared, metric, lines)
    if asked is not None and scale == "points":
        return abs(float(asked))
    if asked is not None and (sign > 0 or asked < 1):  # nothing can fall by more than all of it
        return sign * math.log1p(sign * asked)
    goals = lines.loc[lines["metric"] == metric, "goal"].dropna()
    return float(goals.median()) if len(goals) else None


def sign_of(declared: Declared, metric: str, lines: "pd.DataFrame") -> float:
    """Return which way of a metric is good for a playbook, 1 or -1: as its file says, else as most of its plans do.

    Args:
        declared: What its file says.
        metric: Metric that is compared.
        lines: Timeline of its plans, with metric and sign.
    """
    if metric in (declared.uplift or {}):
        return -1.0 if metric in declared.lower else 1.0
    return -1.0 if float(lines.loc[lines["metric"] == metric, "sign"].sum()) < 0 else 1.0


def column_of(trait: str) -> str:
    """Return the column of accounts that holds a trait."""
    return "value_tier" if trait == "tier" else trait


def inside(declared: Declared, accounts: "pd.DataFrame", lines: "pd.DataFrame") -> "pd.Series[bool] | None":
    """Return whether each plan's account has the declared trait; None without a trait, missing where unknown.

    Args:
        declared: What the file of the playbook says.
        accounts: Attributes by account_id.
        lines: Plans, index plan_id.
    """
    if not declared.trait or declared.trait not in accounts.columns:
        return None
    value = accounts[declared.trait].reindex(lines["account_id"]).set_axis(lines.index)
    found: pd.Series[bool] = value.isin(list(declared.works_for)).astype("boolean").where(value.notna())
    return found
