"""Tables that are not there, and rows that broke a rule when read: told on the page whose figures they would be in."""

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from csworkbench.estimates import Caveat, Severity, say

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot

RULES = {
    "range": say("outside what is allowed"),
    "order": say("in an impossible order"),
    "before_start": say("before the lead came in"),
    "foreign_key": say("that refers to nothing"),
}
UNREADABLE = say("that cannot be read")


def refused_rows(snapshot: "Snapshot", tables: Iterable[str], rules: Collection[str]) -> "pd.DataFrame":
    """Return what ingestion said of rows that broke a rule.

    Args:
        snapshot: The book.
        tables: Canonical tables that are looked at; those that are not there are left out.
        rules: The rules that matter.

    Returns:
        One row per table, column and rule: table, column, rule, count (rows), example.
    """
    import pandas as pd

    rows = [
        (name, each.column, each.rule, each.count, each.example)
        for name in tables
        if name in snapshot.reports
        for each in snapshot.reports[name].findings
        if each.rule in rules
    ]
    return pd.DataFrame(rows, columns=["table", "column", "rule", "count", "example"])


def about_absent(tables: Collection[str], severity: Severity) -> Iterator[Caveat]:
    """Yield the doubt that optional tables are not there; none where all are.

    Args:
        tables: Their names.
        severity: How much the page lacks without them.
    """
    if tables:
        yield Caveat(
            "tables_absent",
            severity,
            say("{tables:list} are not there: what rests on them is empty", tables=list(tables)),
            say("Add them under tables in the workspace"),
        )


def about_refused(rows: "pd.DataFrame") -> Iterator[Caveat]:
    """Yield a warning per table, column and rule.

    Args:
        rows: From `refused_rows`.
    """
    for row in rows.to_dict("records"):
        yield Caveat(
            "rows_refused",
            Severity.WARNING,
            say(
                "{n:n row|rows} of {table} have {column} {why}, such as {example}; see the data check for what became "
                "of them",
                n=int(row["count"]),
                table=str(row["table"]),
                column=str(row["column"]),
                why=RULES.get(str(row["rule"]), UNREADABLE),
                example=str(row["example"]),
            ),
            say("Correct them at the source"),
        )
