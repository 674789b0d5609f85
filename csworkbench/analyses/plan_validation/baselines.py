"""What was true when a plan began, frozen: official once, so that no later change of data or settings rewrites it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from csworkbench.analyses.plan_validation.official import Official, read_official
from csworkbench.estimates import Caveat, Release, Severity, say

if TYPE_CHECKING:
    import pandas as pd

FOLDER, HELD, FRESH = "baselines", "plan_baselines", "baselines"
KEYS = ["plan_id", "metric"]
COLUMNS = [
    *KEYS, "account_id", "started_on", "value", "health_score", "band", "scored_on", "config_sha256", "frozen_on",
]  # fmt: skip
LATE_DAYS = 31
TOLERANCE = 1e-6  # of a value, relative: figures go through a text


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """The baselines that hold.

    Args:
        table: One row per plan and metric: plan_id, metric, account_id, started_on, value (mean before the start),
            health_score, band, scored_on (month end they are of, at most the start), config_sha256, frozen_on,
            is_official; where one is official, what it says.
        fresh: The rows that are not official yet.
        changed: One row per official value that would be another one today: plan_id, metric, column, official, today.
        releases: The offer to make the fresh ones official; none where there are none.
        caveats: Doubts.
    """

    table: "pd.DataFrame"
    fresh: "pd.DataFrame"
    changed: "pd.DataFrame"
    releases: tuple[Release, ...]
    caveats: tuple[Caveat, ...]

    @property
    def tables(self) -> "Mapping[str, pd.DataFrame]":
        """Tables of the result: what holds, what is offered, what would be otherwise today."""
        return {HELD: self.table, FRESH: self.fresh, "baselines_changed": self.changed}


def baselines(
    plans: "pd.DataFrame", levels: "pd.DataFrame", bands: "pd.DataFrame", config_sha256: str, as_of: date
) -> "pd.DataFrame":
    """Return what was true when each plan began, as far as it is known today.

    Args:
        plans: One row per plan, by plan_id: account_id, started_on (missing = not begun, so it has no baseline yet).
        levels: One row per plan and metric: plan_id, metric, value (mean of the window before the start).
        bands: Scores at month ends: account_id, snapshot_on, score, band; may be empty.
        config_sha256: Digest of the settings they were measured with.
        as_of: Date of the page.

    Returns:
        One row per plan and metric, as `Frozen.table` without is_official.
    """
    import pandas as pd

    begun = plans.loc[plans["started_on"].notna(), ["account_id", "started_on"]].reset_index()
    scores = bands.rename(columns={"snapshot_on": "scored_on", "score": "health_score"})
    scores = scores[["account_id", "scored_on", "health_score", "band"]].astype(
        {"account_id": "str", "scored_on": "datetime64[s]"}
    )
    scored = pd.merge_asof(
        begun.astype({"account_id": "str", "started_on": "datetime64[s]"}).sort_values("started_on"),
        scores.sort_values("scored_on"),
        left_on="started_on",
        right_on="scored_on",
        by="account_id",
    )
    rows = scored.merge(levels[[*KEYS, "value"]].drop_duplicates(KEYS), on="plan_id")
    rows = rows.assign(config_sha256=config_sha256, frozen_on=pd.Timestamp(as_of))
    return rows.sort_values(KEYS, ignore_index=True)[COLUMNS].astype({"frozen_on": "datetime64[s]"})


def official_baselines(texts: Mapping[str, str]) -> Official:
    """Return the official baselines of records/baselines; of two for one plan and metric the earlier one holds.

    Args:
        texts: Name of the file -> its text, as `FromFolder("*.csv")` gives them.

    Returns:
        One row per plan and metric, as `baselines`, and what is wrong with some lists.
    """
    import pandas as pd

    found = read_official(texts, FOLDER, COLUMNS)
    rows = found.rows
    days = {name: pd.to_datetime(rows[name]).astype("datetime64[s]") for name in COLUMNS if name.endswith("_on")}
    numbers = {name: pd.to_numeric(rows[name]).astype("float64") for name in ("value", "health_score")}
    typed = rows.assign(**days, **numbers, band=rows["band"].where(rows["band"] != ""))
    first = typed.sort_values(["frozen_on", *KEYS], kind="stable").drop_duplicates(KEYS)
    return Official(first.sort_values(KEYS, ignore_index=True), found.problems)


def freeze(now: "pd.DataFrame", official: Official) -> Frozen:
    """Return the baselines that hold: official ones as they were written down, others as they are today.

    Args:
        now: From `baselines`.
        official: From `official_baselines`.
    """
    import pandas as pd

    known = pd.MultiIndex.from_frame(official.rows[KEYS])
    is_fresh = ~pd.MultiIndex.from_frame(now[KEYS]).isin(known)
    fresh = now[is_fresh].reset_index(drop=True)
    parts = [official.rows.assign(is_official=True), fresh.assign(is_official=False)]
    held = [part for part in parts if len(part)] or parts[1:]
    table = pd.concat(held, ignore_index=True).sort_values(KEYS, ignore_index=True)
    changed = _changed(now, official.rows)
    releases = (Release(FRESH, f"{FOLDER}/plans"),) if len(fresh) else ()
    return Frozen(table, fresh, changed, releases, tuple(_doubts(fresh, changed, official)))


def _changed(now: "pd.DataFrame", official: "pd.DataFrame") -> "pd.DataFrame":
    """Return the official values that today's data and settings would give otherwise."""
    import numpy as np
    import pandas as pd

    both = official.merge(now, on=KEYS, suffixes=("_then", "_now"))
    parts = []
    for column in ("value", "health_score", "band", "started_on"):
        then, today = both[f"{column}_then"], both[f"{column}_now"]
        if column in ("value", "health_score"):
            is_same = np.isclose(then, today, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        else:
            is_same = (then.eq(today) | (then.isna() & today.isna())).to_numpy()
        rows = both.loc[~is_same, KEYS]
        parts.append(
            rows.assign(column=column, official=then[~is_same].astype("str"), today=today[~is_same].astype("str"))
        )
    return pd.concat(parts, ignore_index=True).sort_values([*KEYS, "column"], ignore_index=True)


def _doubts(fresh: "pd.DataFrame", changed: "pd.DataFrame", official: Official) -> Iterator[Caveat]:
    for problem in official.problems:
        yield Caveat("baselines_damaged", Severity.WARNING, say("Official baselines: {what}", what=str(problem)))
    if len(changed):
        yield Caveat(
            "baselines_changed",
            Severity.NOTE,
            say(
                "{n:n official baseline value|official baseline values} would be another one today; what is "
                "official holds",
                n=len(changed),
            ),
        )
    waited = (fresh["frozen_on"] - fresh["started_on"]).dt.days
    late = int(fresh.loc[waited > LATE_DAYS, "plan_id"].nunique())
    if late:
        yield Caveat(
            "baselines_late",
            Severity.NOTE,
            say(
                "The baselines of {n:n plan is|plans are} not official yet, more than a month after their start",
                n=late,
            ),
            say("Release them after each run: csw release latest plan_validation baselines"),
        )
