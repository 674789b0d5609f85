"""What the design page rests on: who may be drawn, what the sample shows of each metric, and how much is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.email_design.people import addressees, households, managers
from csworkbench.analyses.email_design.rehearsal import accounts_per_week, lacks, rehearsed
from csworkbench.analyses.email_design.settings import Config
from csworkbench.asof import day_start

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the page.
        people: One row per contact: contact_id, account_id, person, mails, why ("" = may be mailed).
        accounts: One row per account: account_id, stratum, before (use).
        managers: One row per CSM and account: csm_id, account_id; empty where nobody recorded it.
        samples: Metric -> what the sample shows of it: account_id, total, size, pre_total, pre_size.
        lacks: Metric -> tables it needs and the workspace does not have.
        per_week: Accounts a week that get such mails at present.
        rate_weeks: Weeks that was counted over; 0 where no mails are recorded.
        starts: Instant each week of the draw begins, in UTC.
        has_consents: Consents are recorded.
    """

    as_of: date
    people: "pd.DataFrame"
    accounts: "pd.DataFrame"
    managers: "pd.DataFrame"
    samples: "Mapping[str, pd.DataFrame]"
    lacks: Mapping[str, tuple[str, ...]]
    per_week: float
    rate_weeks: int
    starts: tuple[datetime, ...]
    has_consents: bool


def prepare(snapshot: "Snapshot", config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return who could be drawn on the date, and what the sample shows of each metric.

    Args:
        snapshot: The book at the date of the page.
        config: Settings.
        upstream: Not used: the page needs no other result.

    Raises:
        AnalysisError: a column of the strata does not exist.
    """
    import pandas as pd

    del upstream
    people = addressees(snapshot, config).cache()
    missing = {metric.name: tables for metric in config.experiment.metrics if (tables := lacks(snapshot, metric))}
    samples = {
        metric.name: rehearsed(snapshot, config, metric, people).to_pandas()
        for metric in config.experiment.metrics
        if metric.name not in missing
    }
    served = managers(snapshot)
    zone, first = snapshot.workspace.timezone, config.experiment.first_day
    per_week, weeks = accounts_per_week(snapshot, config)
    return Inputs(
        as_of=snapshot.as_of,
        people=people.to_pandas(),
        accounts=households(snapshot, config).to_pandas(),
        managers=pd.DataFrame(columns=["csm_id", "account_id"], dtype="str")
        if served is None
        else served.order_by(["csm_id", "account_id"]).to_pandas(),
        samples=samples,
        lacks=missing,
        per_week=per_week,
        rate_weeks=weeks,
        starts=tuple(day_start(first + timedelta(days=7 * week), zone) for week in range(config.weeks)),
        has_consents="consents" in snapshot.tables,
    )
