"""Where an alert begins: as the team confirmed it, beside what the data before the judged weeks propose."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.triggers.evidence import Inputs, tiers_of
from csworkbench.analyses.triggers.kinds import Behaviour, OpenTicket
from csworkbench.analyses.triggers.settings import Config

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SHARES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25)
USUAL_SHARE = 0.1
CLEAR_STEP = 0.05
LEAST_LOST = 10
BY_LOSSES, BY_SHARE = "losses", "share"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold in use.

    Args:
        value: Where alerts begin.
        clears_at: Where it is over.
        is_low_bad: Low values are bad.
    """

    value: float
    clears_at: float
    is_low_bad: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the data propose.

    Args:
        value: Where alerts would begin.
        clears_at: Where it would be over.
        beyond: Share of the weeks of accounts beyond it.
        made_by: BY_LOSSES: losses followed often enough. BY_SHARE: too few were lost to learn from.
        accounts: Accounts behind it.
        lost: Of them, lost within the horizon.
        lift: How many times as often a loss followed weeks beyond it as any week of the same tiers; None = not known.
    """

    value: float
    clears_at: float
    beyond: float
    made_by: str
    accounts: int
    lost: int
    lift: float | None


def propose(
    values: "NDArray[np.float64]",
    is_lost: "NDArray[np.bool_]",
    account: "NDArray[np.int64]",
    *,
    is_low_bad: bool,
    useful_lift: float,
    tier: "NDArray[np.object_] | None" = None,
) -> Proposal | None:
    """Return the widest threshold beyond which losses follow often enough to be useful.

    Args:
        values: Measure of accounts at dates; nan = missing.
        is_lost: Whether the account was lost within the horizon.
        account: Number of the account.
        is_low_bad: Low values are bad.
        useful_lift: How many times as often as after any week of accounts of the same tiers.
        tier: Tier of the account; None = they are all alike.

    Returns:
        Of the thresholds beyond which 2 to 25 % of the weeks lie, the widest that is useful, else the one that comes
        closest; with fewer than 10 lost accounts the one beyond which 10 % lie. None where nothing is measured.
    """
    import numpy as np
    import pandas as pd

    known = ~np.isnan(values)
    values, is_lost, account = values[known], is_lost[known], account[known]
    if not len(values) or values.min() == values.max():
        return None
    lost = len(np.unique(account[is_lost]))
    best, best_lift = None, None
    kinds = np.zeros(len(values)) if tier is None else tier[known]
    usual = pd.Series(is_lost.astype(float)).groupby(kinds).transform("mean").to_numpy()
    for share in SHARES if lost >= LEAST_LOST else ():
        bound = _quantile(values, share, is_low_bad=is_low_bad)
        is_beyond = values < bound if is_low_bad else values > bound
        expected = float(usual[is_beyond].sum())
        lift = float(is_lost[is_beyond].sum()) / expected if expected else 0.0
        # The widest that is useful; where none is, the one that comes closest.
        if best_lift is None or lift >= min(useful_lift, best_lift):
            best, best_lift = share, lift
    share = USUAL_SHARE if best is None else best
    value = _quantile(values, share, is_low_bad=is_low_bad)
    beyond = values < value if is_low_bad else values > value
    return Proposal(
        value,
        _quantile(values, share + CLEAR_STEP, is_low_bad=is_low_bad),
        float(beyond.mean()),
        BY_SHARE if best is None else BY_LOSSES,
        len(np.unique(account)),
        lost,
        best_lift,
    )


def _quantile(values: "NDArray[np.float64]", share: float, *, is_low_bad: bool) -> float:
    """Return the value beyond which such a share lies, to three digits, as people write it into settings."""
    import numpy as np

    found = float(np.quantile(values, share if is_low_bad else 1 - share))
    return float(f"{found:.3g}")


def proposals(inputs: Inputs, config: Config, acted: "NDArray[np.bool_]") -> dict[str, Proposal]:
    """Return what the weeks before the judged ones propose for each trigger that follows a measure.

    Args:
        inputs: Measures and losses.
        config: The triggers.
        acted: Whether somebody acted, for each row of the panel: those weeks say nothing.
    """
    first, _ = inputs.panel.judged(config)
    rows = inputs.panel.rows
    # What is learned was known when the judged weeks began: who had left by then.
    learn = rows[(rows["place"] < first) & ~acted]
    learn = learn.assign(is_lost=learn["is_lost"] & (learn["lost_on"] <= inputs.panel.dates[max(first, 0)]))
    tiers = tiers_of(inputs)
    found = {}
    for name, trigger in config.triggers.items():
        if isinstance(trigger, Behaviour) and name in inputs.panel.measures:
            here = learn
            if name in inputs.panel.about:
                here = learn[inputs.panel.about[name][learn["account"], learn["place"]]]
            values = inputs.panel.measures[name][here["account"], here["place"]]
            lost, account = here["is_lost"].to_numpy(bool), here["account"].to_numpy()
            made = propose(
                values, lost, account, is_low_bad=trigger.bad == "low", useful_lift=config.useful_lift,
                tier=tiers[account],
            )  # fmt: skip
            if made is not None:
                found[name] = made
    return found


def in_use(config: Config, proposed: Mapping[str, Proposal]) -> dict[str, Threshold]:
    """Return the threshold by which each trigger alerts: the confirmed one, else the proposed one.

    Args:
        config: The triggers.
        proposed: From `proposals`.
    """
    found = {}
    for name, trigger in config.triggers.items():
        if not isinstance(trigger, Behaviour):
            continue
        made = proposed.get(name)
        is_low_bad = trigger.bad == "low"
        if trigger.threshold is not None:
            clears_at = trigger.clears_at
            if clears_at is None:
                step = abs(made.clears_at - made.value) if made else 0.0
                clears_at = trigger.threshold + (step if is_low_bad else -step)
            found[name] = Threshold(trigger.threshold, clears_at, is_low_bad)
        elif made is not None:
            found[name] = Threshold(made.value, made.clears_at, is_low_bad)
    return found


COLUMNS = {
    "trigger": "str",
    "measure": "str",
    "bad": "str",
    "threshold": "float64",
    "clears_at": "float64",
    "unit": "str",
    "is_confirmed": "bool",
    "proposed": "float64",
    "proposed_clears_at": "float64",
    "made_by": "str",
    "share_beyond": "float64",
    "lift_then": "float64",
    "accounts": "float64",
    "lost": "float64",
}


def table(inputs: Inputs, config: Config, proposed: Mapping[str, Proposal]) -> "pd.DataFrame":
    """Return the thresholds in use beside the proposed ones.

    Args:
        inputs: What was measured.
        config: The triggers.
        proposed: From `proposals`.

    Returns:
        One row per trigger with a threshold: trigger, measure, bad (low, high), threshold (in use), clears_at, unit,
        is_confirmed, proposed, proposed_clears_at, made_by (losses, share), share_beyond (of weeks of accounts),
        lift_then (how many times as often a loss followed weeks beyond it as any week of the same tiers), accounts,
        lost.
    """
    import pandas as pd

    used = in_use(config, proposed)
    lines = [*_measured(config, used, proposed), *_tickets(inputs, config)]
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype(COLUMNS)


def _measured(
    config: Config, used: Mapping[str, Threshold], proposed: Mapping[str, Proposal]
) -> Iterator[tuple[object, ...]]:
    for name, trigger in config.triggers.items():
        if isinstance(trigger, Behaviour) and name in used:
            now, made = used[name], proposed.get(name)
            told: tuple[object, ...] = (None,) * 7
            if made:
                told = (
                    made.value, made.clears_at, made.made_by, made.beyond, made.lift, made.accounts, made.lost,
                )  # fmt: skip
            yield (
                name, trigger.measure.kind, trigger.bad, now.value, now.clears_at, trigger.measure.unit,
                trigger.confirmed, *told,
            )  # fmt: skip


def _tickets(inputs: Inputs, config: Config) -> Iterator[tuple[object, ...]]:
    for name, trigger in config.triggers.items():
        if isinstance(trigger, OpenTicket) and name not in inputs.left_out:
            made = None if inputs.slow_days is None else float(round(inputs.slow_days))
            days = float(trigger.days) if trigger.days is not None else made
            if days is not None:
                by = BY_SHARE if made is not None else None
                beyond = None if made is None else 0.1
                more = (made, None, by, beyond, None, None, None)
                yield (name, "days_open", "high", days, None, "days", trigger.confirmed, *more)
