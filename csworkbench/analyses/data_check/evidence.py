"""What is known about the data: how each table was read, what is in it on the date, what questions find."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.data_check.settings import Config, Question
from csworkbench.tables import SPECS, Role

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from csworkbench.asof import Snapshot
    from csworkbench.sources import IngestReport


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the check.
        tables: One row per table: table, rows (in the files, refused ones not counted), refused, known_rows (at as_of),
            first_event, last_event (dates, at as_of), late_rows (known more than a day after they happened), files,
            digest.
        findings: One row per rule and column that rows break: table, rule, column, count, action (kept, flagged,
            quarantined), example, place (file:line), hint.
        columns: One row per column: table, column, type, role, blanks, rows.
        found: What each question of the config finds, in its order; None where the table or a column is missing. Of
            accounts only those are counted that have not left, except in the table of accounts itself.
        outcomes: Outcome columns of accounts; index account_id.
    """

    as_of: date
    tables: "pd.DataFrame"
    findings: "pd.DataFrame"
    columns: "pd.DataFrame"
    found: tuple[int | None, ...]
    outcomes: "pd.DataFrame"


def prepare(snapshot: "Snapshot", config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return what reading the tables reported and what they hold on the date.

    Args:
        snapshot: The book at the date.
        config: Settings; its questions decide what is counted.
        upstream: Not used: the check needs no other result.
    """
    import pandas as pd

    del upstream
    reports = {name: snapshot.reports[name] for name in SPECS if name in snapshot.tables}
    findings = [
        (each.table, each.rule, each.column, each.count, each.action, each.example, each.place, each.hint)
        for report in reports.values()
        for each in report.findings
    ]
    names = ["table", "rule", "column", "count", "action", "example", "place", "hint"]
    kinds = {name: int if name == "count" else "str" for name in names}
    return Inputs(
        as_of=snapshot.as_of,
        tables=pd.DataFrame([_table_row(snapshot, report) for report in reports.values()]),
        findings=pd.DataFrame(findings, columns=names).astype(kinds),
        columns=pd.DataFrame([row for report in reports.values() for row in _column_rows(snapshot, report)]),
        found=tuple(_count(snapshot, question) for question in config.questions),
        outcomes=_outcomes(snapshot),
    )


def _table_row(snapshot: "Snapshot", report: "IngestReport") -> dict[str, Any]:
    import pandas as pd

    table, event = snapshot.tables[report.table], SPECS[report.table].event_at
    asked, zone = {"known_rows": table.count()}, None
    if event is not None and event in table.columns:
        asked |= {"first_event": table[event].min(), "last_event": table[event].max()}
        zone = snapshot.workspace.timezone if table[event].type().is_timestamp() else None
    facts = table.aggregate(**asked).execute().iloc[0]
    return {
        "table": report.table,
        "rows": report.rows,
        "refused": report.quarantined,
        "known_rows": int(facts["known_rows"]),
        "first_event": _local_day(pd.Timestamp(facts.get("first_event")), zone),
        "last_event": _local_day(pd.Timestamp(facts.get("last_event")), zone),
        "late_rows": sum(each.count for each in report.findings if each.rule == "late"),
        "files": ", ".join(report.files),
        "digest": report.digest,
    }


def _local_day(moment: "pd.Timestamp", zone: str | None) -> "pd.Timestamp":
    """Return the calendar day of an instant in UTC; of a date, where no zone is given, the date itself."""
    import pandas as pd

    if zone is None or pd.isna(moment):
        return moment
    return moment.tz_localize("UTC").tz_convert(zone).tz_localize(None).normalize()


def _column_rows(snapshot: "Snapshot", report: "IngestReport") -> "list[dict[str, Any]]":
    spec, source = SPECS[report.table], snapshot.workspace.tables[report.table]
    kinds = {column.name: column.kind for column in spec.columns}
    kinds |= {name: source.extra_column(name).type for name in source.extra}
    return [
        {
            "table": report.table,
            "column": name,
            "type": kinds[name].value,
            "role": report.extras[name].value if name in report.extras else "",
            "blanks": report.blanks.get(name, 0),
            "rows": report.rows,
        }
        for name in snapshot.tables[report.table].columns
        if name in kinds
    ]


def _count(snapshot: "Snapshot", question: Question) -> int | None:
    table = snapshot.tables.get(question.table)
    if table is None or any(column not in table.columns for column in question.where):
        return None
    for column, values in question.where.items():
        cell = table[column]
        wanted = cell.cast("string").isin(values) if values else cell.notnull()  # noqa: PD004 - Ibis
        table = table.filter(wanted)
    if question.window_days is not None:
        event = SPECS[question.table].event_at
        if event is None or event not in table.columns:
            return None
        table = table.filter(_since(snapshot, table[event], question.window_days))
    if question.count == "rows":
        return int(table.count().execute())
    accounts = snapshot.tables["accounts"]
    if question.table != "accounts" and "churned_at" in accounts.columns:
        table = table.semi_join(accounts.filter(accounts.churned_at.isnull()), "account_id")  # noqa: PD003 - Ibis
    return int(table.account_id.nunique().execute())


def _since(snapshot: "Snapshot", event: "ir.Column", window_days: int) -> "ir.BooleanValue":
    from csworkbench.asof import since

    return since(event, snapshot.as_of - timedelta(days=window_days - 1), snapshot.workspace.timezone)


def _outcomes(snapshot: "Snapshot") -> "pd.DataFrame":
    table = snapshot.tables["accounts"]
    roles = snapshot.reports["accounts"].extras
    names = [name for name, role in roles.items() if role is Role.OUTCOME and name in table.columns]
    frame: pd.DataFrame = table.select("account_id", *names).execute().set_index("account_id")
    return frame
