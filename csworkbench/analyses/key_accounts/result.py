"""The result of the key accounts page: three questions, ratings, KPI sheets, selling in service, meetings, facts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.key_accounts.doubts import doubts
from csworkbench.analyses.key_accounts.evidence import Inputs
from csworkbench.analyses.key_accounts.handing import balance_table, hand_off_table
from csworkbench.analyses.key_accounts.means import in_words
from csworkbench.analyses.key_accounts.meeting import cadence_table, called_table, key_point_table
from csworkbench.analyses.key_accounts.questions import question_table
from csworkbench.analyses.key_accounts.rating import card_table, dimension_table, rater_table
from csworkbench.analyses.key_accounts.selling import MORE, claim_table, source_table
from csworkbench.analyses.key_accounts.settings import Config
from csworkbench.analyses.key_accounts.sheets import guard_table, kpi_table
from csworkbench.errors import NothingToAnalyze
from csworkbench.estimates import Caveat, Estimate, Handout, Message, say, worst_first
from csworkbench.formats import Readable

if TYPE_CHECKING:
    import pandas as pd


EVENTS = {"renewal": say("renewals"), "serious_ticket": say("serious tickets")}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """What is true of the key accounts, and what service does for business there.

    Tables, key columns first:

    * questions, question and metric: see `questions.question_table`
    * dimensions, dimension of the relationship: see `rating.dimension_table`
    * scorecard, key account and dimension: see `rating.card_table`
    * raters, dimension: see `rating.rater_table`
    * kpis, sheet and KPI; guardrail, outcome of service: see `sheets`; questions and kpis have the numbers in words too
    * sources, source of opportunities; claims, claim and other source: see `selling`
    * cadence, tier; overdue, account without a regular meeting for too long: see `meeting.cadence_table`
    * key_points, event; missing_meetings, account and event: see `meeting.key_point_table`; called, kind and trigger of
      the meetings that were held: see `meeting.called_table`
    * balance, CSM, the first row for all: see `handing.balance_table`
    * steps, step from new fact to won; hand_off, fact sales has not heard of: see `handing.hand_off_table`
    * team_gaps, key account and role nobody holds: account_id, name, role

    Args:
        headline: Verdict in one sentence.
        figures: cadence (share of periods with a regular meeting), wins_more_than_sales (difference of win rates with
            the same mix), key_point_meetings (share held), closeness (points), key_accounts.
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
    """Return the key accounts page.

    Args:
        inputs: Accounts and the tables there are, from `prepare`.
        config: Settings.

    Raises:
        NothingToAnalyze: there is no key account.
    """
    if inputs.key.empty:
        raise NothingToAnalyze(f"no key account is there on {inputs.as_of}: say under tiers or accounts who they are")
    tables = _tables(inputs, config)
    figures = _figures(inputs, config, tables)
    return Result(
        headline=_headline(inputs, tables),
        figures=figures,
        tables=tables,
        caveats=worst_first(doubts(inputs, config, tables)),
        actions=tuple(_actions(tables)) or (say("Nothing is missing: go on as you do."),),
        handouts=tuple(Handout(name, ("xlsx",)) for name in ("scorecard", "missing_meetings", "hand_off")),
    )


def _tables(inputs: Inputs, config: Config) -> "dict[str, pd.DataFrame]":
    cadence, overdue = cadence_table(inputs, config)
    points, missing = key_point_table(inputs, config)
    steps, hand_off = hand_off_table(inputs, config)
    dimensions = dimension_table(inputs, config)
    tables = {
        "dimensions": dimensions,
        "scorecard": card_table(inputs, config),
        "raters": rater_table(inputs, config),
        "kpis": kpi_table(inputs, config, dimensions),
        "guardrail": guard_table(inputs, config),
        "sources": source_table(inputs, config),
        "claims": claim_table(inputs, config),
        "cadence": cadence,
        "overdue": overdue,
        "key_points": points,
        "missing_meetings": missing,
        "called": called_table(inputs, config),
        "balance": balance_table(inputs, config),
        "steps": steps,
        "hand_off": hand_off,
        "team_gaps": _gaps(inputs, config),
    }
    tables = {"questions": question_table(inputs, config, tables), **tables}
    worded = {name: in_words(tables[name], config.level, inputs.language) for name in ("questions", "kpis")}
    return {**tables, **worded}


def _gaps(inputs: Inputs, config: Config) -> "pd.DataFrame":
    import pandas as pd

    held = set(zip(inputs.tables["assignments"]["account_id"], inputs.tables["assignments"]["role"], strict=True))
    rows = [
        (account, name, role)
        for account, name in inputs.key["name"].items()
        for role in config.team_roles
        if (account, role) not in held
    ]
    return pd.DataFrame(rows, columns=["account_id", "name", "role"])


def _figures(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> dict[str, Estimate]:
    claims, first = tables["claims"], tables["cadence"][tables["cadence"]["tier"].isin(config.tiers)]
    wins = claims[(claims["claim"] == "wins more often") & (claims["against"] == "sales")]
    points, close = tables["key_points"], tables["dimensions"].query("dimension == 'closeness'")
    asked: list[tuple[str, pd.DataFrame, tuple[str, str, str]]] = [
        ("cadence", first, ("share", "accounts", "share")),
        ("wins_more_than_sales", wins, ("adjusted", "opportunities", "share")),
        ("key_point_meetings", points, ("share", "accounts", "share")),
        ("closeness", close, ("level", "accounts", "points")),
    ]
    found = {name: _estimate(rows, names, config.level) for name, rows, names in asked if len(rows)}
    return {**found, "key_accounts": Estimate(len(inputs.key), "accounts", len(inputs.key))}


def _estimate(rows: "pd.DataFrame", names: tuple[str, str, str], level: float) -> Estimate:
    import pandas as pd

    row: Mapping[Any, Any] = rows.iloc[0].to_dict()
    value, n, unit = row[names[0]], int(row[names[1]]), names[2]
    level = float(row.get("level", level)) if names[0] == "adjusted" else level
    if pd.isna(value):
        return Estimate(None, unit, n)
    if pd.isna(row["low"]):
        return Estimate(float(value), unit, n)
    return Estimate(float(value), unit, n, float(row["low"]), float(row["high"]), level)


def _headline(inputs: Inputs, tables: "Mapping[str, pd.DataFrame]") -> Message:
    claims, point = tables["claims"], tables["key_points"].iloc[0]
    holds = claims[claims["verdict"] == MORE]
    wins, costs = (sorted(holds.loc[holds["claim"] == claim, "against"]) for claim in ("wins more often", "costs less"))
    met, events, what = int(point["met"]), int(point["events"]), EVENTS[str(point["event"])]
    meetings = (
        say("{met:count} of {events:count} {what} had their key-point meeting", met=met, events=events, what=what)
        if events
        else say("nothing called for a key-point meeting")
    )
    if not wins:
        return say(
            "{n:n key account|key accounts}: that service wins more often than other sources is not shown; {meetings}",
            n=len(inputs.key),
            meetings=meetings,
        )
    return say(
        "{n:n key account|key accounts}: with the same mix, service wins more often than {wins:words} and costs less "
        "than {costs:words}; {meetings}",
        n=len(inputs.key),
        wins=wins,
        costs=costs or ["none"],
        meetings=meetings,
    )


def _actions(tables: "Mapping[str, pd.DataFrame]") -> Iterator[Message]:
    missing, overdue = tables["missing_meetings"], tables["overdue"]
    coming = missing[missing["state"] != "had none"]
    if len(coming):
        yield say("Hold {n:n key-point meeting|key-point meetings} whose time still runs", n=len(coming))
    unplanned = overdue[overdue["next_on"].isna()]
    if len(unplanned):
        yield say(
            "Invite {n:n account|accounts} that wait for a regular meeting and have none planned, first {name}",
            n=len(unplanned),
            name=str(unplanned["name"].iloc[0]),
        )
    if len(tables["hand_off"]):
        yield say("Tell sales of {n:n new fact|new facts} without an opportunity", n=len(tables["hand_off"]))
    if len(tables["team_gaps"]):
        yield say("Fill {n:n role|roles} nobody holds at key accounts", n=len(tables["team_gaps"]))
