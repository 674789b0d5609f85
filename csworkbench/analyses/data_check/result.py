"""The result of the data check: verdict, contract and freshness, findings, what the data can answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.data_check.evidence import Inputs
from csworkbench.analyses.data_check.settings import Config
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Message, Severity, say

if TYPE_CHECKING:
    import pandas as pd

WORST_FIRST = list(reversed(Severity))
WEIGHT = {"quarantined": 0, "flagged": 1, "kept": 2}
HALF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Whether the data can be trusted, and what it can answer.

    Tables, key columns first; every `*_share` is 0 to 1, every `*_percent` 0 to 100:

    * tables, one row per table: table, state (fresh, stale, not judged, no dates), rows (in the files), refused,
      refused_share, known_rows (at the date), first_event, last_event, days_since_last, fresh_within_days, late_rows,
      files, digest
    * findings, rule and column, weightiest first: table, rule, column, count, action (kept, flagged, quarantined),
      example, place (file:line), hint
    * columns, one row per column: table, column, type, role, blanks, rows, blank_share
    * answerability, one row per question: analysis, question, state (enough, not enough, not recorded), has, needs,
      unit, margin_percent (how far a share measured on `has` may be off, at the level of the config, if they are
      independent), record

    Args:
        headline: Verdict in one sentence.
        figures: accounts, rows_refused, outcome_rate (with several outcomes outcome_rate.<column>),
            questions_answerable and tables_stale, as far as they exist.
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
        "findings": _by_weight(inputs.findings),
        "columns": inputs.columns.assign(blank_share=inputs.columns["blanks"] / inputs.columns["rows"].clip(lower=1)),
        "answerability": _answerability(inputs, config),
    }
    if not _accounts(tables["tables"]):
        raise AnalysisError(f"no account is known on {inputs.as_of}; choose a later date")
    rates, outcome_caveats = _outcome_rates(inputs, config)
    doubts = (*_doubts(tables, config), *outcome_caveats)
    caveats = tuple(sorted(doubts, key=lambda caveat: WORST_FIRST.index(caveat.severity)))
    return Result(
        headline=_headline(tables["tables"], caveats),
        figures=_figures(tables, rates),
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
    offered = frame["rows"] + frame["refused"]
    frame = frame.assign(
        state=pd.array(state, dtype="str"),
        refused_share=frame["refused"] / offered.clip(lower=1),
        days_since_last=days,
        fresh_within_days=limit,
    )
    columns = [
        "table",
        "state",
        "rows",
        "refused",
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


def _answerability(inputs: Inputs, config: Config) -> "pd.DataFrame":
    import pandas as pd
    from scipy.stats import norm

    reach = 100 * norm.ppf((1 + config.level) / 2) * HALF
    rows = [
        {
            "analysis": question.analysis,
            "question": question.question,
            "state": "not recorded" if has is None else "enough" if has >= question.needs else "not enough",
            "has": has or 0,
            "needs": question.needs,
            "unit": question.count,
            "margin_percent": reach / has**0.5 if has else float("nan"),
            "record": question.record,
        }
        for question, has in zip(config.questions, inputs.found, strict=True)
    ]
    columns = ["analysis", "question", "state", "has", "needs", "unit", "margin_percent", "record"]
    return pd.DataFrame(rows, columns=columns)


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


def _doubts(tables: "Mapping[str, pd.DataFrame]", config: Config) -> Iterator[Caveat]:
    read, findings = tables["tables"], tables["findings"]
    for row in read[read["refused"] > 0].to_dict("records"):
        too_many = row["refused_share"] > config.most_refused
        yield Caveat(
            "rows_refused",
            Severity.STOP if too_many else Severity.WARNING,
            say(
                "{table}: {n:n row was|rows were} refused ({share:share}; at most {most:share} may be)",
                table=row["table"],
                n=row["refused"],
                share=row["refused_share"],
                most=config.most_refused,
            ),
            say("The table of findings names the first such row of each rule; the quarantine file lists all"),
        )
    for row in read[read["state"] == "stale"].to_dict("records"):
        yield Caveat(
            "stale",
            Severity.WARNING,
            say(
                "{table}: the newest row is {days:days} old; {limit:days} are allowed",
                table=row["table"],
                days=row["days_since_last"],
                limit=row["fresh_within_days"],
            ),
            say("Ask for a new export of {table}", table=row["table"]),
        )
    undated = read[(read["state"] == "no dates") & read["fresh_within_days"].notna()]
    if len(undated):
        yield Caveat(
            "no_dated_row",
            Severity.WARNING,
            say(
                "{tables:list}: a limit of age is set, but no row with a date is known on the day, so there is nothing "
                "to judge",
                tables=list(undated["table"]),
            ),
            say("Ask for a new export, or take the limit out of the settings"),
        )
    late = read[read["late_rows"] > 0]
    if len(late):
        yield Caveat(
            "late_rows",
            Severity.NOTE,
            say(
                "{n:n row|rows} became known more than a day late ({tables:list}): "
                "figures of the last days may still move",
                n=late["late_rows"].sum(),
                tables=list(late["table"]),
            ),
        )
    yield from _about_findings(findings)


def _about_findings(findings: "pd.DataFrame") -> Iterator[Caveat]:
    blank = findings[findings["rule"] == "blank"]
    if len(blank):
        worst = blank.iloc[0]
        yield Caveat(
            "blanks",
            Severity.NOTE,
            say(
                "{columns:n column has|columns have} blank cells, most of all {table}.{column} ({n:count}); "
                "a blank is missing, never zero, and no row is dropped for it",
                columns=len(blank),
                column=worst["column"],
                table=worst["table"],
                n=worst["count"],
            ),
        )
    foreign = findings[findings["rule"] == "currency"]
    if len(foreign):
        yield Caveat(
            "currencies",
            Severity.NOTE,
            say(
                "{n:n row is|rows are} in another currency than the workspace's ({tables:list}): "
                "amounts of different currencies are never added up",
                n=foreign["count"].sum(),
                tables=list(foreign["table"]),
            ),
        )
    flagged = findings[findings["action"] == "flagged"]
    if len(flagged):
        yield Caveat(
            "rows_flagged",
            Severity.WARNING,
            say(
                "{n:n row is|rows are} kept although a rule says otherwise: {what:list}",
                n=flagged["count"].sum(),
                what=list(flagged["table"] + "." + flagged["column"]),
            ),
            say("Read their hints in the table of findings before you use these columns"),
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
    offered = int((read["rows"] + read["refused"]).sum())
    figures = {
        "accounts": Estimate(accounts, "accounts", accounts),
        "rows_refused": Estimate(float(read["refused"].sum() / max(offered, 1)), "share", offered),
        **rates,
    }
    if len(asked):
        figures["questions_answerable"] = Estimate(int((asked["state"] == "enough").sum()), "questions", len(asked))
    judged = int(read["state"].isin(["fresh", "stale"]).sum())
    if judged:
        figures["tables_stale"] = Estimate(int((read["state"] == "stale").sum()), "tables", judged)
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
    for row in tables["answerability"].to_dict("records"):
        if row["state"] != "enough":
            yield say(
                "To answer “{question}” record {what}: {has:count} of {needs:count} {unit} so far.",
                question=row["question"],
                what=row["record"],
                has=row["has"],
                needs=row["needs"],
                unit=row["unit"],
            )
