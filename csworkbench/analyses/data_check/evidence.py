"""What is known about the data: how each table was read, what is in it on the date, what questions find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.data_check.counting import Found, find, unknown_columns
from csworkbench.analyses.data_check.settings import Config
from csworkbench.estimates import Caveat
from csworkbench.formats import words
from csworkbench.tables import SPECS, Role

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from csworkbench.asof import Snapshot
    from csworkbench.sources import IngestReport

CURRENT_ONLY = "current only"


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the check.
        tables: One row per table: table, rows (in the files, refused ones not counted), refused_rows, known_rows (at
            as_of), first_event, last_event (dates, at as_of), late_rows (known more than a day after they happened),
            files, digest.
        findings: One row per rule and column that rows break: table, rule, column, count, action (kept, flagged,
            quarantined), example, place (file:line), hint.
        columns: One row per column: table, column, type, role, blanks, rows, history (current only: it holds today's
            value, nobody recorded earlier ones; else empty).
        shows_today: as_of lies before the newest day, and columns without a past show today's value all the same.
        found: What each question of the config finds, in its order; None where its table or a column is missing.
        unknown_columns: Columns of questions that neither the contract nor the workspace knows.
        outcomes: Outcome columns of accounts; index account_id.
        stray: Warnings about rows far later than the day the book ends on.
    """

    as_of: date
    tables: "pd.DataFrame"
    findings: "pd.DataFrame"
    columns: "pd.DataFrame"
    shows_today: bool
    found: tuple[Found | None, ...]
    unknown_columns: tuple[str, ...]
    outcomes: "pd.DataFrame"
    stray: tuple[Caveat, ...] = ()


def prepare(snapshot: "Snapshot", config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return what reading the tables reported and what they hold on the date.

    Args:
        snapshot: The book at the date.
        config: Settings; its questions decide what is counted.
        upstream: Not used: the check needs no other result.
    """
    import pandas as pd

    from csworkbench.asof import stray_days

    del upstream
    reports = [snapshot.reports[name] for name in SPECS if name in snapshot.tables]
    earlier = snapshot.current_only
    findings = [
        (each.table, each.rule, each.column, each.count, each.action, each.example, each.place, words(each.hint))
        for report in reports
        for each in report.findings
    ]
    names = ["table", "rule", "column", "count", "action", "example", "place", "hint"]
    kinds = {name: int if name == "count" else "str" for name in names}
    return Inputs(
        as_of=snapshot.as_of,
        tables=_tables(snapshot, reports),
        findings=pd.DataFrame(findings, columns=names).astype(kinds),
        columns=_columns(snapshot, reports, earlier),
        shows_today=bool(earlier),
        found=find(snapshot, config.questions),
        unknown_columns=unknown_columns(snapshot, config.questions),
        outcomes=_outcomes(snapshot),
        stray=stray_days(snapshot),
    )


def _tables(snapshot: "Snapshot", reports: "list[IngestReport]") -> "pd.DataFrame":
    """Return the row of each table; what it holds on the date comes from one query over all of them."""
    import ibis
    import pandas as pd

    counts = [_contents(snapshot.tables[report.table], report.table) for report in reports]
    facts = {row["table"]: row for row in ibis.union(*counts).to_pyarrow().to_pylist()}
    return pd.DataFrame([_table_row(snapshot, report, facts[report.table]) for report in reports])


def _contents(table: "ir.Table", name: str) -> "ir.Table":
    import ibis

    event = SPECS[name].event_at
    asked = {"known_rows": table.count()}
    dates: dict[str, ir.Value] = dict.fromkeys(("first_at", "last_at"), ibis.literal(None, type="timestamp"))
    if event is not None and event in table.columns:
        moment = table[event].cast("timestamp")
        asked, dates = asked | {"first_at": moment.min(), "last_at": moment.max()}, {}
    return table.aggregate(**asked).mutate(**dates, table=ibis.literal(name))


def _table_row(snapshot: "Snapshot", report: "IngestReport", facts: Mapping[str, Any]) -> dict[str, Any]:
    import pandas as pd

    table, event = snapshot.tables[report.table], SPECS[report.table].event_at
    is_instant = event in table.columns and table[event].type().is_timestamp()
    zone = snapshot.workspace.timezone if is_instant else None
    return {
        "table": report.table,
        "rows": report.rows,
        "refused_rows": report.quarantined,
        "known_rows": int(facts["known_rows"]),
        "first_event": _local_day(pd.Timestamp(facts["first_at"]), zone),
        "last_event": _local_day(pd.Timestamp(facts["last_at"]), zone),
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


def _columns(
    snapshot: "Snapshot", reports: "list[IngestReport]", earlier: Mapping[str, tuple[str, ...]]
) -> "pd.DataFrame":
    """Return the row of each column, marking those whose past nobody recorded (on an earlier day: of that day)."""
    import pandas as pd

    from csworkbench.sources.archive import overwritten

    rows = []
    for report in reports:
        present = snapshot.tables[report.table].columns
        today = earlier.get(report.table, ()) if earlier else overwritten(snapshot.workspace, report.table, present)
        rows += _column_rows(snapshot, report, today)
    return pd.DataFrame(rows)


def _column_rows(snapshot: "Snapshot", report: "IngestReport", today: Sequence[str]) -> "list[dict[str, Any]]":
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
            "history": CURRENT_ONLY if name in today else "",
        }
        for name in snapshot.tables[report.table].columns
        if name in kinds
    ]


def _outcomes(snapshot: "Snapshot") -> "pd.DataFrame":
    table = snapshot.tables["accounts"]
    roles = snapshot.reports["accounts"].extras
    names = [name for name, role in roles.items() if role is Role.OUTCOME and name in table.columns]
    frame: pd.DataFrame = table.select("account_id", *names).execute().set_index("account_id")
    return frame
