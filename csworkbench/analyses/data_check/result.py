"""The result of the data check: verdict, contract and freshness, findings, what the data can answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.data_check.answers import answerability
from csworkbench.analyses.data_check.doubts import doubts
from csworkbench.analyses.data_check.evidence import Inputs
from csworkbench.analyses.data_check.settings import Config
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Message, Severity, say, worst_first
from csworkbench.formats import Readable
from csworkbench.tables import Rule

if TYPE_CHECKING:
    import pandas as pd

WEIGHT = {"quarantined": 0, "flagged": 1, "kept": 2}
# Facts about a source as a whole: no rows break them.
OF_SOURCES = (Rule.ASSUMED, Rule.UNUSED)
# Rows that are one too many, or none at all: their number says what a share of the rows would not.
COUNTED = (
    Rule.REPEATED,
    Rule.CONTRADICTION,
    Rule.DUPLICATE,
    Rule.OVERLAP,
    Rule.GAP,
    Rule.WIDTH,
    Rule.SHAPE,
    Rule.HEADER,
)
MOST_ACTIONS = 3


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """Whether the data can be trusted, and what it can answer.

    Tables, key columns first; every `*_share` is 0 to 1:

    * tables, one row per table: table, state (fresh, stale, not judged, no dates), rows (in the files), refused_rows,
      refused_share, known_rows (at the date), first_event, last_event, days_since_last, fresh_within_days, late_rows,
      files, digest
    * findings, rule and column, weightiest first: table, rule, column, count, action (kept, flagged, quarantined),
      example, place (file:line), hint
    * columns, one row per column: table, column, type, role, blanks, rows, history (current only, or empty),
      blank_share
    * answerability, one row per question: analysis, question, state (enough, not enough, not recorded), has (rows or
      accounts), unit (what they are), independent (what they are worth as independent units; of two groups the smaller
      one), needs (independent units it takes), reveals (margin_of_share, difference, auc_above_chance, margin_of_nps),
      effect (half-width of the interval, or the smallest that is seen), effect_unit (percentage_points, nps_points, or
      percent_of_pairs: an AUC of 0.65 puts 65 of 100 pairs in the right order), effect_points (the effects in
      percentage points), base_share (share that is expected), recorded (what is there in detail), record (what to
      record), table (the tables it goes into)

    Args:
        headline: Verdict in one sentence.
        figures: accounts, rows_refused, outcome_rate (with several outcomes outcome_rate.<column>),
            questions_answerable and tables_stale, as far as they exist; then `<table>.<column>.<rule>` for every rule
            that rows break: their share, or their number for rules about rows that are one too many.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return the verdict on the data and what it can answer.

    Args:
        inputs: What is known about the data, from `prepare`.
        config: Settings.

    Raises:
        AnalysisError: no account is known on the date.
    """
    tables = {
        "tables": _table_states(inputs, config),
        "findings": _by_weight(inputs.findings[inputs.findings["rule"] != Rule.ASSUMED]),
        "columns": inputs.columns.assign(blank_share=inputs.columns["blanks"] / inputs.columns["rows"].clip(lower=1)),
        "answerability": answerability(inputs, config),
    }
    if not _accounts(tables["tables"]):
        raise AnalysisError(f"no account is known on {inputs.as_of}; choose a later date")
    rates, outcome_caveats = _outcome_rates(inputs, config)
    found = (*doubts(inputs, tables, config), *outcome_caveats)
    caveats = worst_first(found)
    return Result(
        headline=_headline(tables["tables"], caveats),
        figures=_figures(tables, rates) | _rule_figures(inputs),
        tables=tables,
        caveats=caveats,
        actions=tuple(_actions(tables)) or (say("Nothing to do: read on to the page on health."),),
    )


def _table_states(inputs: Inputs, config: Config) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    frame = inputs.tables
    limit = frame["table"].map(config.fresh_within_days).astype(float)
    days = (pd.Timestamp(inputs.as_of) - frame["last_event"]).dt.days
    state = np.select(
        [frame["last_event"].isna(), limit.isna(), days > limit], ["no dates", "not judged", "stale"], default="fresh"
    )
    offered = frame["rows"] + frame["refused_rows"]
    frame = frame.assign(
        state=pd.array(state, dtype="str"),
        refused_share=frame["refused_rows"] / offered.clip(lower=1),
        days_since_last=days,
        fresh_within_days=limit,
    )
    columns = [
        "table",
        "state",
        "rows",
        "refused_rows",
        "refused_share",
        "known_rows",
        "first_event",
        "last_event",
        "days_since_last",
        "fresh_within_days",
        "late_rows",
        "files",
        "digest",
    ]
    return frame[columns]


def _by_weight(findings: "pd.DataFrame") -> "pd.DataFrame":
    ordered: pd.DataFrame = findings.assign(weight=findings["action"].map(WEIGHT)).sort_values(
        ["weight", "count"], ascending=[True, False], kind="stable", ignore_index=True
    )
    return ordered.drop(columns="weight")


def _outcome_rates(inputs: Inputs, config: Config) -> tuple[dict[str, Estimate], tuple[Caveat, ...]]:
    """Return the share of true outcomes with its Wilson interval, by figure name.

    Source: Wilson (1927), JASA 22, by `scipy.stats.binomtest`; checked against statsmodels `proportion_confint`.
    """
    from scipy.stats import binomtest

    rates, other = {}, []
    for column in inputs.outcomes.columns:
        values = inputs.outcomes[column].dropna()
        if not values.isin([True, False]).all():
            other.append(str(column))
        elif len(values):
            hits = int(values.eq(True).sum())
            low, high = binomtest(hits, len(values)).proportion_ci(config.level, method="wilson")
            name = "outcome_rate" if len(inputs.outcomes.columns) == 1 else f"outcome_rate.{column}"
            rates[name] = Estimate(hits / len(values), "share", len(values), float(low), float(high), config.level)
    return rates, (*_rate_caveats(rates), *_not_binary(other))


def _rate_caveats(rates: Mapping[str, Estimate]) -> Iterator[Caveat]:
    if rates:
        yield Caveat(
            "interval_of_a_book",
            Severity.NOTE,
            say("The outcome rate of this book is exact; its interval is for accounts like these, not for these"),
        )


def _not_binary(columns: list[str]) -> Iterator[Caveat]:
    if columns:
        yield Caveat(
            "outcome_not_binary",
            Severity.NOTE,
            say("{columns:list}: not yes or no, so no rate is shown", columns=columns),
            say("Declare such an outcome as boolean under extra in the workspace"),
        )


def _headline(read: "pd.DataFrame", caveats: tuple[Caveat, ...]) -> Message:
    rows, n = int(read["rows"].sum()), len(read)
    if any(caveat.severity is Severity.STOP for caveat in caveats):
        tables = list(read.sort_values("refused_share", ascending=False)["table"][:1])
        return say(
            "Today's data cannot be trusted yet: too many rows were refused, above all in {tables:list}.", tables=tables
        )
    doubts = sum(caveat.severity is Severity.WARNING for caveat in caveats)
    if doubts:
        return say(
            "Today's data can be used with care: {rows:count} rows in {n:n table|tables}, and "
            "{doubts:n warning|warnings} to read first.",
            rows=rows,
            n=n,
            doubts=doubts,
        )
    judged = int((read["state"] == "fresh").sum())
    if not judged:
        return say(
            "Today's data can be trusted as far as it was checked: {rows:count} rows in {n:n table|tables}, none "
            "refused; whether they are too old was not judged.",
            rows=rows,
            n=n,
        )
    return say(
        "Today's data can be trusted: {rows:count} rows in {n:n table|tables}, none refused, and none of the "
        "{judged:n table|tables} with a limit too old.",
        rows=rows,
        n=n,
        judged=judged,
    )


def _figures(tables: "Mapping[str, pd.DataFrame]", rates: Mapping[str, Estimate]) -> dict[str, Estimate]:
    read, asked = tables["tables"], tables["answerability"]
    accounts = _accounts(read)
    offered = int((read["rows"] + read["refused_rows"]).sum())
    figures = {
        "accounts": Estimate(accounts, "accounts", accounts),
        "rows_refused": Estimate(float(read["refused_rows"].sum() / max(offered, 1)), "share", offered),
        **rates,
    }
    if len(asked):
        figures["questions_answerable"] = Estimate(int((asked["state"] == "enough").sum()), "questions", len(asked))
    judged = int(read["state"].isin(["fresh", "stale"]).sum())
    if judged:
        figures["tables_stale"] = Estimate(int((read["state"] == "stale").sum()), "tables", judged)
    return figures


def _rule_figures(inputs: Inputs) -> dict[str, Estimate]:
    """Return what rows break, as `<table>.<column>.<rule>`; a rule about whole rows stands as `<table>.row.<rule>`."""
    offered = (inputs.tables["rows"] + inputs.tables["refused_rows"]).set_axis(inputs.tables["table"])
    broken = inputs.findings[~inputs.findings["rule"].isin(OF_SOURCES)]
    figures = {}
    sums = broken.groupby(["table", "column", "rule"], sort=True)["count"].sum().reset_index()
    for row in sums.to_dict("records"):
        rows, count = int(offered[row["table"]]), int(row["count"])
        is_share = row["rule"] not in COUNTED and count <= rows
        name = f"{row['table']}.{row['column'] or 'row'}.{row['rule']}"
        figures[name] = Estimate(count / rows, "share", rows) if is_share else Estimate(count, "rows", rows)
    return figures


def _accounts(read: "pd.DataFrame") -> int:
    return int(read.loc[read["table"] == "accounts", "known_rows"].sum())


def _actions(tables: "Mapping[str, pd.DataFrame]") -> Iterator[Message]:
    refused = tables["findings"][tables["findings"]["action"] == "quarantined"]
    if len(refused):
        first = refused.iloc[0]
        yield say(
            "Correct {table} at the source: {column} at {place} ({hint}).",
            table=first["table"],
            column=first["column"] or "row",
            place=first["place"],
            hint=first["hint"],
        )
    stale = tables["tables"].loc[tables["tables"]["state"] == "stale", "table"]
    if len(stale):
        yield say("Get new exports of {tables:list}.", tables=list(stale))
    yield from _to_record(tables["answerability"])


def _to_record(asked: "pd.DataFrame") -> Iterator[Message]:
    """Yield what to record for the first questions that cannot be answered yet, and how many more there are."""
    open_ones = asked[asked["state"] != "enough"]
    for row in open_ones.head(MOST_ACTIONS).to_dict("records"):
        named = {"question": row["question"], "what": row["record"], "needs": row["needs"]}
        so_far = {"has": row["has"], "unit": row["unit"]}
        if row["recorded"]:
            yield say(
                "To answer “{question}” record {what}: {recorded}; {needs:count} with all of it are needed.",
                recorded=row["recorded"],
                **named,
            )
        elif row["has"] - row["independent"] < 1:
            yield say(
                "To answer “{question}” record {what}: {has:count} of {needs:count} {unit:word} so far.",
                **named,
                **so_far,
            )
        else:
            yield say(
                "To answer “{question}” record {what}: {has:count} {unit:word} so far, worth {worth:count} independent "
                "ones of {needs:count}.",
                worth=int(row["independent"]),
                **named,
                **so_far,
            )
    hidden = len(open_ones) - MOST_ACTIONS
    if hidden > 0:
        yield say("See the table of answers for what {n:n more question|more questions} would take.", n=hidden)
