"""Which channels reach people, tried in which order, and who has no channel at all."""

from typing import TYPE_CHECKING, Any

from csworkbench.analyses.touch_matrix.evidence import Inputs
from csworkbench.analyses.touch_matrix.settings import Config
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_ATTEMPTS = 20
DRAWS = 500
NO_ROUTE = "no route"


def reach_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return how far each step of each tier's route reaches, as measured in sequence.

    The first channel counts in touches that began a try, later ones in touches after others of the try reached nobody.
    What a route reaches in the end is 1 - prod(1 - p) of these; the same of all touches of the channels, whatever came
    before, stands beside it: it takes for granted that who is missed once is as easily reached the next time.

    Args:
        inputs: Attempts and reach by account, channel and place in the try.
        config: Routes, level of the intervals and seed.

    Returns:
        One row per tier and step: tier, step, channel, attempted, reach (of the step, in sequence; missing: fewer than
        20 attempts), low, high (Wilson's interval with accounts as units), any_reach (of all its touches), together
        (share reached by the end of the step; missing from the first step that cannot be told on), together_low,
        together_high (accounts drawn again), independent (1 - prod(1 - any_reach)), accounts.
    """
    import pandas as pd

    tries = inputs.tries.assign(tier=inputs.tries["account_id"].map(inputs.accounts["tier"]))
    lines: list[dict[str, Any]] = []
    for tier, route in config.routes.items():
        lines += _route(tries[tries["tier"] == tier], (tier, route), config)
    columns = [
        "tier", "step", "channel", "attempted", "reach", "low", "high", "any_reach", "together", "together_low",
        "together_high", "independent", "accounts",
    ]  # fmt: skip
    table = pd.DataFrame(lines, columns=columns)
    numbers = [name for name in columns if name not in ("tier", "step", "channel", "attempted", "accounts")]
    return table.astype(dict.fromkeys(numbers, float))


def channel_table(inputs: Inputs, config: Config, by: tuple[str, ...] = ("tier",)) -> "pd.DataFrame":
    """Return how many touches of each channel reached a person in each cell, and which channel is the wrong one there.

    Args:
        inputs: Touches added up.
        config: Level of the intervals.
        by: What makes the cells: tier, or industry and tier; accounts that lack one of them are in no cell.

    Returns:
        One row per cell and channel: the columns of `by`, channel, attempted, reach, low, high (Wilson's interval with
        accounts as units; missing where nothing is known of what came of touches), accounts, is_weak (its interval lies
        below that of another channel of the cell).
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    acts = inputs.acts.join(inputs.accounts[list(by)], on="account_id")
    lines = []
    for cell, part in acts.groupby([*by, "channel"], sort=True):
        sums = part.groupby("account_id")[["reached", "touches"]].sum().astype(float)
        share = share_of(sums["reached"], sums["touches"], config.level)
        told = (share.value, share.low, share.high) if inputs.has_events else (None, None, None)
        lines.append((*cell, int(sums["touches"].sum()), *told, len(sums)))
    columns = [*by, "channel", "attempted", "reach", "low", "high", "accounts"]
    table = pd.DataFrame(lines, columns=columns).astype({"reach": float, "low": float, "high": float})
    known = table.assign(low=table["low"].where(table["attempted"] >= LEAST_ATTEMPTS))
    return table.assign(is_weak=table["high"] < known.groupby(list(by))["low"].transform("max"))


def route_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the route of each account: what it is told about how it is reached and whom to ask.

    Args:
        inputs: Accounts and their tiers.
        config: Routes.

    Returns:
        One row per account outside quiet stages: account_id, name, csm, tier, route (channels in their order, or "no
        route"), first_channel, has_route.
    """
    accounts = inputs.accounts[~inputs.accounts["stage"].isin(config.quiet_stages)]
    named = {tier: " > ".join(route) or NO_ROUTE for tier, route in config.routes.items()}
    first = {tier: route[0] for tier, route in config.routes.items() if route}
    route = accounts["tier"].map(named).fillna(NO_ROUTE)
    table = accounts[["name", "csm", "tier"]].assign(
        route=route, first_channel=accounts["tier"].map(first), has_route=route != NO_ROUTE
    )
    return table.rename_axis("account_id").reset_index()


def _route(tries: "pd.DataFrame", named: tuple[str, tuple[str, ...]], config: Config) -> list[dict[str, Any]]:
    import numpy as np

    from csworkbench.features.estimating import share_of

    tier, route = named
    accounts = sorted(tries["account_id"].unique())
    steps = [_sums(tries, channel, "first" if place == 0 else "later", accounts) for place, channel in enumerate(route)]
    alone = 1.0
    lines = []
    for place, channel in enumerate(route):
        attempted, reached, any_attempted, any_reached = steps[place].T
        enough = attempted.sum() >= LEAST_ATTEMPTS
        share = share_of(_series(reached), _series(attempted), config.level) if enough else Estimate(None, "share", 0)
        usual = float(any_reached.sum() / any_attempted.sum()) if any_attempted.sum() else np.nan
        alone *= 1 - usual
        together = _together(np.stack(steps[: place + 1]), config)
        lines.append(
            {
                "tier": tier, "step": place + 1, "channel": channel, "attempted": int(attempted.sum()),
                "reach": share.value, "low": share.low, "high": share.high, "any_reach": usual,
                "together": together.value, "together_low": together.low, "together_high": together.high,
                "independent": 1 - alone, "accounts": int((attempted > 0).sum()),
            }
        )  # fmt: skip
    return lines


def _series(values: "Floats") -> Any:
    import pandas as pd

    return pd.Series(values)


def _sums(tries: "pd.DataFrame", channel: str, place: str, accounts: list[str]) -> "Floats":
    """Return accounts x (attempted, reached) in sequence at a place, and of all touches of the channel."""
    import numpy as np

    rows = tries[tries["channel"] == channel]
    here = rows[rows["place"] == place].groupby("account_id")[["attempted", "reached"]].sum()
    every = rows.groupby("account_id")[["any_attempted", "any_reached"]].sum()
    both = (here.reindex(accounts, fill_value=0), every.reindex(accounts, fill_value=0))
    return np.hstack([part.to_numpy(float) for part in both])


def _together(steps: "Floats", config: Config) -> Estimate:
    """Return the share reached by the end of the steps: steps x accounts x (attempted, reached, ...)."""
    import numpy as np

    from csworkbench.inference.resampling import account_weights, interval

    n = steps.shape[1]
    totals = steps[:, :, :2].sum(axis=1)
    if (totals[:, 0] < LEAST_ATTEMPTS).any():
        return Estimate(None, "share", n)
    weights = np.array(list(account_weights(np.arange(n), DRAWS, config.seed)))
    drawn = np.einsum("dn,snc->dsc", weights, steps[:, :, :2])
    with np.errstate(divide="ignore", invalid="ignore"):  # a draw may hold no attempt: it tells nothing
        reached = 1 - np.prod(1 - drawn[:, :, 1] / drawn[:, :, 0], axis=1)
    value = float(1 - np.prod(1 - totals[:, 1] / totals[:, 0]))
    return interval(value, reached, n, "share", is_share=True, level=config.level)
