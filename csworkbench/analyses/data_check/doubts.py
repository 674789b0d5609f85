"""What weakens the data, as caveats: refused, stale, late or undated rows, and columns without a past."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from csworkbench.analyses.data_check.evidence import CURRENT_ONLY, Inputs
from csworkbench.analyses.data_check.settings import Config
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.tables import SPECS, Role, Rule

if TYPE_CHECKING:
    import pandas as pd


def doubts(inputs: Inputs, tables: "Mapping[str, pd.DataFrame]", config: Config) -> Iterator[Caveat]:
    """Yield every doubt about the data.

    Args:
        inputs: Evidence.
        tables: Tables of the result.
        config: Settings.
    """
    yield from _about_tables(tables["tables"], config)
    yield from _about_findings(tables["findings"])
    yield from _about_time(inputs)
    yield from inputs.stray
    if inputs.unknown_columns:
        yield Caveat(
            "question_without_column",
            Severity.NOTE,
            say(
                "{columns:list}: a question asks for it, but neither the contract nor the workspace knows it",
                columns=inputs.unknown_columns,
            ),
            say("Correct the name in the settings, or keep the column under extra in the workspace"),
        )


def _about_tables(read: "pd.DataFrame", config: Config) -> Iterator[Caveat]:
    from csworkbench.sources import quarantine_file

    for row in read[read["refused_rows"] > 0].to_dict("records"):
        too_many = row["refused_share"] > config.most_refused
        yield Caveat(
            "rows_refused",
            Severity.STOP if too_many else Severity.WARNING,
            say(
                "{table}: {n:n row was|rows were} refused ({share:share}; at most {most:share} may be)",
                table=row["table"],
                n=row["refused_rows"],
                share=row["refused_share"],
                most=config.most_refused,
            ),
            say(
                "The table of findings names the first such row of each rule; {file} lists all",
                file=quarantine_file(row["table"]).as_posix(),
            ),
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
                "Rows that break a rule are kept ({n:n case|cases}): {what:list}",
                n=flagged["count"].sum(),
                what=list(flagged["table"] + "." + flagged["column"]),
            ),
            say("Read their hints in the table of findings before you use these columns"),
        )


def _about_time(inputs: Inputs) -> Iterator[Caveat]:
    """Yield what about the data's own past is not known."""
    findings = inputs.findings
    assumed = list(findings.loc[findings["rule"] == Rule.ASSUMED, "table"].drop_duplicates())
    if assumed:
        yield Caveat(
            "known_at_assumed",
            Severity.NOTE,
            say(
                "{tables:list}: no column says when the warehouse knew a row, so each counts as known when it happened",
                tables=assumed,
            ),
            say("Map known_at where the warehouse records it: what came late is then not used too early"),
        )
    undated = findings[findings["rule"] == Rule.UNDATED]
    if len(undated):
        yield Caveat(
            "undated",
            Severity.WARNING,
            say(
                "{n:n value has|values have} no date on which it became known, so no day sees it: {columns:list}",
                n=undated["count"].sum(),
                columns=[
                    _reads(table, column) for table, column in zip(undated["table"], undated["column"], strict=True)
                ],
            ),
            say("Export the date as well"),
        )
    yield from _about_today(inputs)


def _reads(table: str, column: str) -> str:
    """Return how a cell reads that nobody dated: "renewals.outcome without decided_at is always open"."""
    fallback = SPECS[table].on_unknown.get(column)
    reads = f"always {fallback}" if fallback else "missing"
    return f"{table}.{column} without {SPECS[table].column(column).known_with} is {reads}"


def _about_today(inputs: Inputs) -> Iterator[Caveat]:
    """Yield which columns exports overwrite: a note on the newest day, a warning on an earlier one."""
    today = inputs.columns[inputs.columns["history"] == CURRENT_ONLY]
    severity = Severity.WARNING if inputs.shows_today else Severity.NOTE
    attributes = today[today["role"] != Role.OUTCOME]
    if len(attributes):
        tables = attributes.groupby("table", sort=False)["column"]
        yield Caveat(
            "current_only",
            severity,
            say(
                "{n:n column holds|columns hold} today's value only, earlier ones were not recorded: {tables:list}",
                n=len(attributes),
                tables=[f"{table} ({', '.join(names)})" for table, names in tables],
            ),
            say("Proofs do not use them; runs remember them from now on, so that their history grows"),
        )
    outcomes = today[today["role"] == Role.OUTCOME]
    if len(outcomes):
        yield Caveat(
            "outcome_of_today",
            severity,
            say(
                "{columns:list}: an outcome without history holds today's value, whatever day is asked for",
                columns=list(outcomes["table"] + "." + outcomes["column"]),
            ),
        )
