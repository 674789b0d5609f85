"""When a trigger alerts: thresholds with hysteresis, events in their week, and quiet afterwards."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from csworkbench.analyses.triggers.events import EVENTS
from csworkbench.analyses.triggers.evidence import Inputs
from csworkbench.analyses.triggers.kinds import Behaviour
from csworkbench.analyses.triggers.panel import Panel
from csworkbench.analyses.triggers.reading import DAY
from csworkbench.analyses.triggers.settings import Config
from csworkbench.analyses.triggers.thresholds import Threshold

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

ALERTS = ["trigger", "account", "place", *EVENTS]


def alerts(
    inputs: Inputs, config: Config, thresholds: Mapping[str, Threshold], silent: "Mapping[str, pd.DataFrame]"
) -> "pd.DataFrame":
    """Return every alert of the past and of this week, as the list of its week would have had it.

    Args:
        inputs: Events, measures and accounts.
        config: The triggers.
        thresholds: Thresholds in use, of triggers that follow measures.
        silent: Trigger on ticket clusters -> events of the accounts to be told.

    Returns:
        One row per alert, by week, trigger and account: trigger, account (number), place (of the Sunday before the
        list), and the columns of the event.
    """
    import pandas as pd

    parts = []
    for name, trigger in config.triggers.items():
        if isinstance(trigger, Behaviour):
            if name in thresholds and name in inputs.panel.measures:
                parts.append(_crossings(inputs.panel, name, thresholds[name]))
        elif (found := inputs.events.get(name, silent.get(name))) is not None:
            parts.append(_weekly(inputs, name, found))
    every = [_cooled(_fitting(part, inputs.panel), config) for part in parts if len(part)]
    if not every:
        return pd.DataFrame({name: pd.Series(dtype=EVENTS.get(name, "int64")) for name in ALERTS}).astype(
            {"trigger": "str"}
        )
    both = pd.concat(every, ignore_index=True)
    return both.sort_values(["place", "trigger", "account_id"], kind="stable", ignore_index=True)[ALERTS]


def crossings(
    values: "NDArray[np.float64]", threshold: float, clears_at: float, *, is_low_bad: bool
) -> "NDArray[np.bool_]":
    """Return in which weeks each account passes a threshold, having been on the good side of the other bound before.

    Args:
        values: Accounts x weeks; nan = missing, which changes nothing.
        threshold: Where it begins: below it, or above it.
        clears_at: Where it is over: at it, or on the good side of it.
        is_low_bad: Low values are bad.

    Returns:
        Accounts x weeks, true in the week of the alert. An account that is beyond the threshold when it is first seen
        causes none: nobody knows since when.
    """
    import numpy as np

    sign = 1.0 if is_low_bad else -1.0
    is_bad, is_clear = sign * values < sign * threshold, sign * values >= sign * clears_at
    fired = np.zeros(values.shape, dtype=bool)
    is_seen = np.zeros(len(values), dtype=bool)
    is_on = np.zeros(len(values), dtype=bool)
    for week in range(values.shape[1]):
        fired[:, week] = is_bad[:, week] & ~is_on & is_seen
        is_on = (is_on | is_bad[:, week]) & ~is_clear[:, week]
        is_seen |= ~np.isnan(values[:, week])
    return fired


def _crossings(panel: Panel, name: str, threshold: Threshold) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    values = panel.measures[name]
    fired = crossings(values, threshold.value, threshold.clears_at, is_low_bad=threshold.is_low_bad)
    account, place = np.nonzero(fired)
    found = pd.DataFrame({"account": account, "place": place}).assign(
        trigger=name,
        account_id=panel.accounts.take(account),
        happened_on=panel.dates[place],
        amount=values[account, place],
        subject=None,
        contact_id=None,
        other_on=None,
    )
    return found.astype({**EVENTS, "trigger": "str"})


def _weekly(inputs: Inputs, name: str, events: "pd.DataFrame") -> "pd.DataFrame":
    """Return events at the first Sunday that knows them; those before the first week or of accounts unknown are not."""
    import numpy as np
    import pandas as pd

    panel = inputs.panel
    place = np.searchsorted(panel.dates, events["happened_on"].to_numpy(DAY), side="left")
    account = panel.accounts.get_indexer(pd.Index(events["account_id"]))
    first = panel.dates[0] - np.timedelta64(6, "D")
    is_in = (place < len(panel.dates)) & (account >= 0) & (events["happened_on"].to_numpy(DAY) >= first)
    found: pd.DataFrame = events.assign(trigger=name, account=account, place=place)[is_in]
    return found.astype({"trigger": "str"})


def _fitting(found: "pd.DataFrame", panel: Panel) -> "pd.DataFrame":
    """Return the alerts of accounts that were customers in that week, and whom the trigger is about."""
    import numpy as np

    here = np.zeros((len(panel.accounts), len(panel.dates)), dtype=bool)
    here[panel.rows["account"].to_numpy(), panel.rows["place"].to_numpy()] = True
    name = str(found["trigger"].iloc[0])
    if name in panel.about:
        here &= panel.about[name]
    kept: pd.DataFrame = found[here[found["account"].to_numpy(), found["place"].to_numpy()]]
    return kept


def _cooled(found: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return the alerts of one trigger without those that come too soon after another of the account."""
    import pandas as pd

    if found.empty:
        return found
    quiet = pd.Timedelta(days=config.triggers[str(found["trigger"].iloc[0])].cool_down_days)
    ordered = found.sort_values(["account", "happened_on", "subject"], kind="stable")
    kept, last = [], {}  # type: list[bool], dict[int, pd.Timestamp]
    for account, day in zip(ordered["account"], ordered["happened_on"], strict=True):
        is_kept = account not in last or day - last[account] > quiet
        kept.append(is_kept)
        if is_kept:
            last[account] = day
    return ordered[kept]
