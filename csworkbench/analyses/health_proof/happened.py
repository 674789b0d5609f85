"""What happened, one row per thing that could: decided renewals, accounts at dates, or an outcome without a day."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from csworkbench.analyses.health_proof.settings import Churn, Config, Outcome, Renewals
from csworkbench.asof import Part, Window, earlier, labels, month_ends, windows
from csworkbench.errors import AnalysisError, Problem, did_you_mean
from csworkbench.tables import Role

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Happened:
    """The rows of a proof before anything is measured.

    Args:
        rows: unit_id (renewal or account), account_id, snapshot_date (datetime64), part (train, purged, test),
            is_event.
        cut: Day that divides learning from testing; None where the outcome has no day.
        open_units: Units left out because nothing was decided in their window.
    """

    rows: "pd.DataFrame"
    cut: date | None
    open_units: int


def happened(snapshot: "Snapshot", config: Config) -> Happened:
    """Return the rows of the event that is to be predicted.

    Args:
        snapshot: The book as of the day of the study.
        config: Which event.

    Raises:
        AnalysisError: the event is not recorded, or no window lies within what is known.
    """
    event = config.event
    if isinstance(event, Outcome):
        return Happened(_outcomes(snapshot, event), None, 0)
    dates = _dates(snapshot, event)
    cut = _cut(snapshot.as_of, dates, event)
    found = windows(dates, event.horizon_days, cut, lead_days=event.lead_days)
    if isinstance(event, Renewals):
        rows = _once(labels(snapshot, "renewals", found), event)
    else:
        rows = labels(snapshot, "accounts", found).assign(unit_id=lambda frame: frame["account_id"])
    # In a window that is not over only those who decided early are known: they are no sample of all.
    rows = rows[rows["is_complete"]]
    is_open = rows["outcome"] == "open"
    rows = _known_by_the_cut(snapshot, rows[~is_open].assign(is_event=rows["outcome"] == "churned"), found, cut)
    columns = ["unit_id", "account_id", "snapshot_date", "part", "is_event"]
    return Happened(rows[columns].reset_index(drop=True), cut, int(is_open.sum()))


def _dates(snapshot: "Snapshot", event: Renewals | Churn) -> tuple[date, ...]:
    """Return the dates of the snapshots: for churn so far apart that no departure lies in two windows."""
    if isinstance(event, Churn) and event.dates:
        return event.dates
    ends = month_ends(snapshot.as_of, event.months)
    if isinstance(event, Renewals):
        return ends
    apart, chosen = timedelta(days=event.horizon_days - event.lead_days), list[date]()
    last = snapshot.as_of - timedelta(days=event.horizon_days)
    for day in reversed([day for day in ends if day <= last]):
        if not chosen or chosen[0] - day >= apart:
            chosen.insert(0, day)
    return tuple(chosen)


def _cut(as_of: date, dates: tuple[date, ...], event: Renewals | Churn) -> date:
    """Return the first day of the test.

    Raises:
        AnalysisError: no window ends by the day of the study.
    """
    over = [day for day in dates if day + timedelta(days=event.horizon_days) <= as_of]
    if not over:
        problem = f"no window of {event.horizon_days} days has ended by {as_of}"
        raise AnalysisError(Problem(problem, hint="take a shorter horizon_days or more months"))
    if event.test_from is not None:
        return event.test_from
    first = month_ends(over[-1], event.test_months)[0]
    return next(day for day in over if day >= first)


def _once(found: "pd.DataFrame", event: Renewals) -> "pd.DataFrame":
    """Return each renewal at the last date early enough before it was decided or due, whichever came first."""
    import pandas as pd

    first = found["snapshot_date"] + pd.Timedelta(days=event.lead_days + 1)
    early = found[found["due_date"] >= first].sort_values(["snapshot_date", "renewal_id"])
    return early.drop_duplicates("renewal_id", keep="last").rename(columns={"renewal_id": "unit_id"})


def _known_by_the_cut(
    snapshot: "Snapshot", rows: "pd.DataFrame", found: tuple[Window, ...], cut: date
) -> "pd.DataFrame":
    """Return rows of which those that teach are purged where their outcome became known only after the cut."""
    import pandas as pd

    teaching = [window for window in found if window.part is Part.TRAIN]
    if not teaching or cut > snapshot.as_of:
        return rows
    table: Literal["renewals", "accounts"] = "renewals" if "due_date" in rows.columns else "accounts"
    then = labels(earlier(snapshot, cut), table, teaching)
    then = then[then["outcome"] != "open"]
    unit = "renewal_id" if table == "renewals" else "account_id"
    known = pd.MultiIndex.from_frame(then[["snapshot_date", unit]])
    is_known = pd.MultiIndex.from_frame(rows[["snapshot_date", "unit_id"]]).isin(known)
    return rows.assign(part=rows["part"].mask((rows["part"] == Part.TRAIN.value) & ~is_known, Part.PURGED.value))


def _outcomes(snapshot: "Snapshot", event: Outcome) -> "pd.DataFrame":
    import pandas as pd

    table, roles = snapshot.tables["accounts"], snapshot.reports["accounts"].extras
    known = [name for name, role in roles.items() if role is Role.OUTCOME and name in table.columns]
    if event.column not in known:
        hint = did_you_mean(event.column, known, f"they have: {', '.join(known) or 'none'}")
        raise AnalysisError(Problem(f"accounts have no outcome column '{event.column}'", key="event", hint=hint))
    if not table.schema()[event.column].is_boolean():
        hint = "declare it as boolean under extra in the workspace"
        raise AnalysisError(Problem(f"outcome '{event.column}' is not yes or no", key="event", hint=hint))
    frame = table.select("account_id", is_true=table[event.column]).execute()
    told = frame[frame["is_true"].notna()].sort_values("account_id", ignore_index=True)
    return pd.DataFrame(
        {
            "unit_id": told["account_id"],
            "account_id": told["account_id"],
            "snapshot_date": pd.Timestamp(snapshot.as_of),
            "part": Part.TEST.value,
            "is_event": told["is_true"].astype(bool) == (event.true_is == "bad"),
        }
    )
