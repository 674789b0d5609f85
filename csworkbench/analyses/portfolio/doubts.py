"""Doubts beside the panorama: which block lacks what, and what the data say twice or not at all."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from csworkbench.analyses.portfolio.comparing import ALONE, FEWER, MORE
from csworkbench.analyses.portfolio.evidence import Inputs
from csworkbench.analyses.portfolio.people import loads
from csworkbench.analyses.portfolio.performance import BLOCKS
from csworkbench.analyses.portfolio.settings import Config
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.features.listed import about_two_csms

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

HALF = 0.5  # share of the time below which recorded touches cannot be all the work
TABLES = {"customers": ("tasks",), "people": ("assignments", "csms", "touches", "meetings", "tasks"), "workbench": (
    "tasks", "meetings", "plan_steps",
)}  # fmt: skip
"""Block -> tables it reads itself."""


def caveats(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    """Yield the doubts.

    Args:
        inputs: What the page is made of.
        config: Settings.
        tables: Tables of the page.
    """
    yield from _lacking(inputs)
    yield from _about_people(inputs, tables)
    yield from _about_meetings(inputs, config)
    currencies = sorted(set(tables["arr"]["currency"]))
    if len(currencies) > 1:
        yield Caveat(
            "several_currencies",
            Severity.NOTE,
            say(
                "ARR is in {currencies:list}: each is a row of its own, and none is added to another",
                currencies=currencies,
            ),
        )
    unasked = sorted(set(inputs.accounts["tier"]) - set(config.fresh_days))
    if unasked:
        n = int(inputs.accounts["tier"].isin(unasked).sum())
        yield Caveat(
            "tiers_not_visited",
            Severity.NOTE,
            say("No visit is asked for at {n:n account|accounts} of the tiers {tiers:words}", n=n, tiers=unasked),
            say("Name them under fresh_days, if they should be"),
        )


def _lacking(inputs: Inputs) -> Iterator[Caveat]:
    for block in dict.fromkeys([*BLOCKS, *TABLES]):
        tables = [name for name in TABLES.get(block, ()) if name not in inputs.tables]
        results = [name for name in BLOCKS.get(block, ()) if name not in inputs.upstream]
        if tables:
            yield Caveat(
                f"{block}_lacks_tables",
                Severity.NOTE,
                say("The block {block} lacks the tables {tables}: what is made of them is left blank",
                    block=block, tables=", ".join(tables)),
                say("Add them to the workspace"),
            )  # fmt: skip
        if results:
            yield Caveat(
                f"{block}_lacks_results",
                Severity.NOTE,
                say("The block {block} lacks the results of {names}, which are not part of this run",
                    block=block, names=", ".join(results)),
                say("Run the whole batch, or name them too, where their tables are there"),
            )  # fmt: skip


def _about_people(inputs: Inputs, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    yield from about_two_csms(inputs.doubled)
    people = tables["people"].dropna(subset="csm_id")
    without = people[~(people["capacity_week"] > 0)]
    if len(without):
        yield Caveat(
            "no_capacity",
            Severity.WARNING,
            say("Nobody knows the capacity of {names:list}: their load cannot be told", names=list(without["csm"])),
            say("Fill csms.capacity_minutes_week"),
        )
    known = people.dropna(subset=["minutes_week", "capacity_week"])
    whole = float(known["capacity_week"].sum())
    if whole and "touches" in inputs.tables and known["minutes_week"].sum() < HALF * whole:
        yield Caveat(
            "load_is_recorded",
            Severity.NOTE,
            say(
                "Load counts the minutes of recorded touches alone, {share:share} of everybody's time together: what "
                "is done beside them is not in it, so look at who lies apart, not at 100 %",
                share=float(known["minutes_week"].sum()) / whole,
            ),
            say("See reassignment for the load with what an account of each tier takes"),
        )
    nobody = int(inputs.accounts["csm_id"].isna().sum())
    if nobody and "assignments" in inputs.tables:
        yield Caveat(
            "without_csm",
            Severity.WARNING,
            say("{n:n customer has no CSM, and is|customers have no CSM, and are} on nobody's page", n=nobody),
            say("Assign them"),
        )
    found = tables["differences"]
    if len(found):
        named = found[found["says"].isin([MORE, FEWER])]
        yield Caveat(
            "people_not_ranked",
            Severity.NOTE,
            say(
                "People are in the order of their names; {n:count} of {all:n comparison|comparisons} of their accounts "
                "with those of colleagues in the same tiers show a difference, which says nothing of its cause",
                n=len(named),
                all=len(found),
            ),
        )
        alone = sorted(set(found.loc[found["says"] == ALONE, "csm"].dropna()))
        if alone:
            yield Caveat(
                "nobody_to_compare",
                Severity.NOTE,
                say("Nobody else has accounts of the tiers of {names:list}: they cannot be compared", names=alone),
            )
    pools = loads(inputs)
    if len(pools) and pools["is_pool"].any():
        held = inputs.people["csm"].reindex(pools[pools["is_pool"]].index).dropna()
        yield Caveat(
            "pools",
            Severity.NOTE,
            say("{names:list}: a pool of accounts served by tech touch, compared with nobody", names=sorted(held)),
        )


def _about_meetings(inputs: Inputs, config: Config) -> Iterator[Caveat]:
    import pandas as pd

    today = pd.Timestamp(inputs.as_of)
    first = today - pd.Timedelta(days=config.period_days - 1)
    passed = inputs.meetings["planned_on"].between(first, today - pd.Timedelta(days=1))
    if passed.any():
        yield Caveat(
            "meetings_not_recorded",
            Severity.NOTE,
            say(
                "{n:n meeting|meetings} of the last {days:n day|days} had been planned and nobody recorded that they "
                "were held: they count as no visit, like those that lie ahead",
                n=int(passed.sum()),
                days=config.period_days,
            ),
            say("Fill meetings.held_at"),
        )
