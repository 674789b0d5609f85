"""What the experiment page rests on: who was drawn, what came of each unit, and what became of the mails."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.email_touch.settings import Config
from csworkbench.experiments import Experiment, enrolled, funnel, measured, measured_late, tables_of

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot

MAILS = ("touches", "touch_events")


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What is known of one experiment; rows of all frames are those of `units` unless said otherwise.

    Args:
        units: One row per unit: unit_id, account_id, variant, stratum, assigned_at, assigned_on, eligible, why ("" =
            it is read), and the columns of segments.
        metrics: Metric -> frame with total, size, why ("" = counted), pre_total, pre_size; metrics whose tables are
            missing are not in it.
        lacks: Metric -> tables it needs and the workspace does not have.
        late: Metric -> units whose covariate was measured on the day of the draw or later.
        funnel: One row per unit, content and day of sending, as `experiments.funnel` returns it; empty without mails.
    """

    units: "pd.DataFrame"
    metrics: "Mapping[str, pd.DataFrame]"
    lacks: Mapping[str, tuple[str, ...]]
    late: Mapping[str, int]
    funnel: "pd.DataFrame"


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the page.
        facts: Experiment -> what is known of it.
        titles: Content -> its title.
    """

    as_of: date
    facts: Mapping[str, Facts]
    titles: Mapping[str, str]


def prepare(snapshot: "Snapshot", config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return what became of every unit of every experiment, as known at the date.

    Args:
        snapshot: The book at the date of the page.
        config: Settings; only the experiments decide what is read.
        upstream: Not used: the page needs no other result.

    Raises:
        AnalysisError: an experiment names a column that does not exist.
    """
    del upstream
    facts = {experiment.id: _facts(snapshot, experiment) for experiment in config.experiments}
    return Inputs(snapshot.as_of, facts, _titles(snapshot))


def _facts(snapshot: "Snapshot", experiment: Experiment) -> Facts:
    units = enrolled(snapshot, experiment).cache()
    frame = units.to_pandas()
    order = frame["unit_id"]
    lacks = {
        metric.name: missing
        for metric in experiment.metrics
        if (missing := tuple(name for name in tables_of(metric.outcome) if name not in snapshot.tables))
    }
    there = [metric for metric in experiment.metrics if metric.name not in lacks]
    metrics = {
        metric.name: measured(snapshot, experiment, metric, units)
        .to_pandas()
        .set_index("unit_id")
        .loc[order]
        .reset_index(drop=True)
        for metric in there
    }
    counts = {metric.name: measured_late(metric, units, snapshot.workspace.timezone) for metric in there}
    late = {name: int(count.to_pyarrow().as_py() or 0) for name, count in counts.items() if count is not None}
    return Facts(frame, metrics, lacks, late, _mails(snapshot, experiment, units))


def _mails(snapshot: "Snapshot", experiment: Experiment, units: Any) -> "pd.DataFrame":
    import pandas as pd

    if not set(MAILS) <= set(snapshot.tables):
        return pd.DataFrame({"unit_id": pd.Series(dtype="str"), "sent": pd.Series(dtype=float)})
    frame: pd.DataFrame = funnel(snapshot, experiment, units).to_pandas()
    return frame.sort_values(["unit_id", "content_id", "sent_on"], ignore_index=True)


def _titles(snapshot: "Snapshot") -> dict[str, str]:
    contents = snapshot.tables.get("contents")
    if contents is None or "title" not in contents.columns:
        return {}
    frame = contents.select("content_id", "title").to_pandas()
    return dict(zip(frame["content_id"], frame["title"], strict=True))
