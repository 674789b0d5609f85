"""The panorama: customers, people and performance in three blocks, and the workbench of every CSM."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from csworkbench.analyses.portfolio.customers import arr_table, customer_figures, customer_table, health_table
from csworkbench.analyses.portfolio.doubts import caveats
from csworkbench.analyses.portfolio.evidence import Inputs
from csworkbench.analyses.portfolio.people import (
    book_table,
    compared_table,
    difference_table,
    freshness_table,
    mix_table,
    overdue_visits,
    people_table,
)
from csworkbench.analyses.portfolio.performance import (
    due_by_quarter,
    quarter_table,
    rate_by_quarter,
    stage_table,
    taken_figures,
)
from csworkbench.analyses.portfolio.settings import Config
from csworkbench.analyses.portfolio.sheet import SHEET, sheet
from csworkbench.analyses.portfolio.workbench import account_table, due_table, is_due_known
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Message, say, worst_first
from csworkbench.formats import Readable

if TYPE_CHECKING:
    import pandas as pd

FIRST = ("customers", "share_at_risk", "visits_overdue", "expected_rate_quarter")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """The book on one page.

    Tables, key columns first; shares are 0 to 1, `low` and `high` the interval of the column before them:

    * customers, tier: see `customers.customer_table`; arr, tier and currency: see `customers.arr_table`; health, band:
      see `customers.health_table`; stages, tier and stage, as `segments` has them
    * people, person: see `people.people_table`, and one column per band; books, person and band: see
      `people.book_table`; freshness, tier and kind of visit: see `people.freshness_table`; differences, person and
      measure: see `people.difference_table`; compared, person: the same in words
    * renewals_due, quarter and currency, and renewal_rates, quarter, as `renewals` has them; quarters, both
    * due, thing to do for a customer: see `workbench.due_table`; accounts, customer: see `workbench.account_table`.
      With `--by csm` they are the workbench of each CSM

    Args:
        headline: Verdict in one sentence.
        figures: customers, share_at_risk, visits_overdue, expected_rate_quarter, then arr, tasks_done, due and what
            other analyses found (`performance.TAKEN`), as far as they exist.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
        files: The three blocks as one sheet of paper.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]
    files: Mapping[str, str] = field(default_factory=dict)


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return customers, people and performance of the book, and what is due.

    Args:
        inputs: Customers, people and what the other analyses found, from `prepare`.
        config: Settings.

    Raises:
        AnalysisError: no account is a customer on the date.
    """
    if inputs.accounts.empty:
        raise AnalysisError(f"no account is a customer on {inputs.as_of}; choose another date")
    overdue = overdue_visits(inputs, config)
    tables = _tables(inputs, config, overdue)
    figures = _figures(inputs, config, tables, overdue)
    headline = _headline(figures)
    return Result(
        headline=headline,
        figures=figures,
        tables=tables,
        caveats=worst_first(caveats(inputs, config, tables)),
        actions=tuple(_actions(tables)) or (_nothing(inputs),),
        files={SHEET: sheet(inputs, headline, figures, tables)},
    )


def _tables(inputs: Inputs, config: Config, overdue: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
    due, books = due_table(inputs, config), book_table(inputs, config)
    differences = difference_table(inputs, config, overdue)
    quarters, rates = due_by_quarter(inputs), rate_by_quarter(inputs)
    return {
        "due": due,
        "accounts": account_table(inputs, overdue),
        "customers": customer_table(inputs, config),
        "arr": arr_table(inputs),
        "health": health_table(inputs),
        "stages": stage_table(inputs),
        "people": mix_table(people_table(inputs, config, due), books),
        "books": books,
        "freshness": freshness_table(overdue, config.level),
        "differences": differences,
        "compared": compared_table(differences, inputs.language),
        "renewals_due": quarters,
        "renewal_rates": rates,
        "quarters": quarter_table(quarters, rates),
    }


def _figures(
    inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]", overdue: "pd.DataFrame"
) -> dict[str, Estimate]:
    from csworkbench.features.estimating import share_of

    visited = overdue.dropna(subset="is_overdue")
    by_account = visited.assign(asked=1.0, late=visited["is_overdue"].astype(float)).groupby("account_id")
    sums = by_account[["late", "asked"]].sum()
    due, is_known = tables["due"], is_due_known(inputs)
    found = {
        **customer_figures(inputs, tables["arr"], config),
        "due": Estimate(len(due) if is_known else None, "tasks", due["account_id"].nunique()),
        "due_overdue": Estimate(int(due["is_overdue"].sum()) if is_known else None, "tasks", len(due)),
        **taken_figures(inputs),
    }
    if len(inputs.visits.columns):
        found["visits_overdue"] = share_of(sums["late"], sums["asked"], config.level)
    return {name: found[name] for name in dict.fromkeys([*FIRST, *found]) if name in found}


def _headline(figures: Mapping[str, Estimate]) -> Message:
    risk, rate = figures.get("share_at_risk"), figures.get("expected_rate_quarter")
    if risk is None:
        health = say("their health is no part of this run")
    elif risk.value is None:
        health = say("their health is not known")
    else:
        health = say("{share:share} of those scored are at risk", share=risk.value)
    if rate is None:
        renewals = say("the forecast of renewals is no part of this run")
    elif rate.value is None:
        renewals = say("no forecast of renewals")
    else:
        renewals = say("{rate:share} of the next quarter's renewals are expected to come", rate=rate.value)
    due, late = figures["due"].value, figures["due_overdue"].value
    if due is None:
        waiting = say("what is due is not known")
    else:
        waiting = say("{due:n thing is|things are} due, {late:count} of them late", due=int(due), late=int(late or 0))
    return say(
        "{n:n customer|customers}; {health}; {renewals}; {waiting}",
        n=int(figures["customers"].value or 0),
        health=health,
        renewals=renewals,
        waiting=waiting,
    )


def _nothing(inputs: Inputs) -> Message:
    if is_due_known(inputs):
        return say("Nothing to do: nothing is due.")
    return say("Run the whole batch, or add tasks, meetings or plans: until then nobody can tell what is due")


def _actions(tables: "Mapping[str, pd.DataFrame]") -> Iterator[Message]:
    due = tables["due"]
    if len(due):
        first = due.iloc[0]
        yield say("Begin with {name}: {what}", name=str(first["name"]), what=str(first["what"]))
    people = tables["people"].dropna(subset="csm_id")
    full = people[people["load_share"] > 1]
    if len(full):
        yield say("Take work off {names:list}: it was more than their time", names=list(full["csm"]))
    freshness = tables["freshness"]
    worst = freshness[freshness["overdue"] > 0].sort_values("overdue_share", ascending=False).head(1)
    for row in worst.to_dict("records"):
        yield say(
            "Talk to accounts of the tier {tier:word}: the last {kind:word} visit of {n:count} of {all:count} is more "
            "than {days:n day|days} ago",
            tier=str(row["tier"]),
            kind=str(row["kind"]),
            n=int(row["overdue"]),
            all=int(row["accounts"]),
            days=int(row["limit_days"]),
        )
