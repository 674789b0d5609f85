"""The result of the contents page: library, outcomes, leads, credit, recall, and contacts that stay."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.contents.checking import catalogue_table, fault_table, role_table
from csworkbench.analyses.contents.comparing import MORE
from csworkbench.analyses.contents.crediting import balance_table, ledger, orders_of, person_table
from csworkbench.analyses.contents.doubts import doubts
from csworkbench.analyses.contents.evidence import Inputs
from csworkbench.analyses.contents.funnel import roi_table, stage_table, step_table, with_stage, won_table
from csworkbench.analyses.contents.recalling import list_table, recall_table, several_table
from csworkbench.analyses.contents.sending import action_table, outcome_table, rate_table, standing_out
from csworkbench.analyses.contents.settings import Config
from csworkbench.analyses.contents.staying import ALL, kept_table, way_table
from csworkbench.errors import NothingToAnalyze
from csworkbench.estimates import Caveat, Estimate, Handout, Message, say, worst_first
from csworkbench.formats import Readable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """What came of contents and leads, who gets the credit, and who stays.

    Tables, key columns first:

    * outcomes, content and channel: see `sending.outcome_table`; rates, the same by outcome in numbers: see
      `sending.rate_table`; standing_out, rows of it that are more than chance; actions, promoted content: see `sending`
    * faults, content and field; catalogue, role and content; roles, role: see `checking`
    * stages, stage of leads; steps, step; won, owner or source; roi, source and currency: see `funnel`
    * balance, currency; credit, person; ledger, order and person; uncredited, order: see `crediting`
    * recall, lead; several, account with several leads; lists, list and contact: see `recalling`
    * ways, way contacts came in; kept, way and age: see `staying`

    Args:
        headline: Verdict in one sentence.
        figures: clicked (share of the delivered messages of the channels that record clicks), won_share (of the settled
            leads), kept_share (contacts there at the greatest age), to_recall (leads).
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
        handouts: The lists people take away, as workbooks too.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]
    handouts: tuple[Handout, ...] = ()


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return the contents page.

    Args:
        inputs: Library, messages, leads and contacts, from `prepare`.
        config: Settings.

    Raises:
        NothingToAnalyze: none of the tables it is about is there.
    """
    if {"contents", "touches", "leads", "contacts"} <= {*inputs.absent}:
        raise NothingToAnalyze("contents, touches, leads and contacts are all missing: add one of them under tables")
    leads = with_stage(inputs.leads, config)
    tables = _tables(inputs, config, leads)
    figures = _figures(inputs, config, leads, tables)
    return Result(
        headline=_headline(config, tables, figures),
        figures=figures,
        tables=tables,
        caveats=worst_first(doubts(inputs, config, tables)),
        actions=tuple(_actions(tables)) or (say("Nothing is missing: go on as you do."),),
        handouts=tuple(Handout(name, ("xlsx",)) for name in ("recall", "ledger", "lists", "catalogue")),
    )


def _tables(inputs: Inputs, config: Config, leads: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
    rates, faults, kept = rate_table(inputs, config), fault_table(inputs, config), kept_table(inputs, config)
    catalogue = catalogue_table(inputs, faults)
    orders = orders_of(inputs, leads, config)
    credited, uncredited = ledger(orders, inputs, config)
    return {
        "outcomes": outcome_table(inputs, rates),
        "rates": rates,
        "standing_out": standing_out(rates),
        "actions": action_table(inputs, config),
        "faults": faults,
        "roles": role_table(catalogue, len(inputs.library)),
        "catalogue": catalogue,
        "stages": stage_table(leads, config, inputs),
        "steps": step_table(inputs, leads, config),
        "won": won_table(leads, config),
        "roi": roi_table(leads, config, inputs.currency),
        "balance": balance_table(orders, credited, uncredited, inputs.language),
        "credit": person_table(orders, credited, uncredited),
        "ledger": credited,
        "uncredited": uncredited,
        "recall": recall_table(inputs, leads, config),
        "several": several_table(inputs, leads),
        "lists": list_table(inputs),
        "ways": way_table(inputs, config, kept),
        "kept": kept,
    }


def _figures(
    inputs: Inputs, config: Config, leads: "pd.DataFrame", tables: "Mapping[str, pd.DataFrame]"
) -> dict[str, Estimate]:
    import pandas as pd

    from csworkbench.features.estimating import share_of, share_of_rows

    told = inputs.sends["channel"].map(lambda channel: "click" in inputs.measured.get(channel, ())).astype(bool)
    sums = inputs.sends[told].groupby("account_id")[["clicked_human", "delivered"]].sum()
    found = {}
    if len(sums):
        found["clicked"] = share_of(sums["clicked_human"], sums["delivered"], config.level)
    if len(leads):
        settled = leads[leads["ends"].isin(["won", "lost"])]
        found["won_share"] = share_of_rows(settled["ends"] == "won", settled["unit"], config.level)
    kept = tables["kept"]
    oldest = kept[(kept["way"] == ALL) & (kept["days"] == max(config.kept_days))]
    for row in oldest.to_dict("records"):
        value, low, high = (
            None if pd.isna(row[name]) else row[name] for name in ("kept_share", "low_share", "high_share")
        )
        found["kept_share"] = Estimate(
            value, "share", row["accounts"], low, high, None if low is None else config.level
        )
    if len(leads):
        found["to_recall"] = Estimate(len(tables["recall"]), "leads", len(tables["recall"]))
    return found


def _headline(config: Config, tables: "Mapping[str, pd.DataFrame]", figures: Mapping[str, Estimate]) -> Message:
    clicked = tables["rates"][tables["rates"]["outcome"] == "clicked"]
    contents = (
        say(
            "{more:count} of {total:n content is|contents are} clicked more than others of the same channel",
            more=int((clicked["says"] == MORE).sum()),
            total=len(clicked),
        )
        if len(clicked)
        else say("Nothing is known of clicks on contents")
    )
    won, kept = figures.get("won_share"), figures.get("kept_share")
    leads = (
        say("{won:share} of the settled leads were won", won=won.value)
        if won and won.value is not None
        else say("no lead is settled")
    )
    stay = (
        say(
            "{kept:share} of new contacts are still there after {days:days}",
            kept=kept.value,
            days=max(config.kept_days),
        )
        if kept and kept.value is not None
        else say("how many contacts stay, nobody can tell")
    )
    return say("{contents}; {leads}; {stay}", contents=contents, leads=leads, stay=stay)


def _actions(tables: "Mapping[str, pd.DataFrame]") -> Iterator[Message]:
    faults, recall, lists, several = (tables[name] for name in ("faults", "recall", "lists", "several"))
    if len(faults):
        yield say(
            "Complete {n:n content|contents} before anybody sends it, first {name}",
            n=int(faults["content_id"].nunique()),
            name=str(faults["content_id"].iloc[0]),
        )
    if len(recall):
        by_hand = int((recall["mode"] == "manual").sum())
        yield say(
            "Take back or hand out {n:n lead|leads}, {by_hand:count} of them after a look",
            n=len(recall),
            by_hand=by_hand,
        )
    conflicts = several[several["is_conflict"]]
    if len(conflicts):
        yield say(
            "Agree who works {n:n account|accounts} with open leads of several owners, first {name}",
            n=len(conflicts),
            name=str(conflicts["name"].iloc[0]),
        )
    if len(tables["uncredited"]):
        yield say("Settle the credit of {n:n order|orders}", n=len(tables["uncredited"]))
    if len(lists):
        yield say("Follow up {n:n contact|contacts} of the lists", n=int(lists["contact_id"].nunique()))
