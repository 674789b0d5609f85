"""Time in stage, moves between stages and cells, and who stays longer than usual."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.segments.evidence import Inputs, weekly
from csworkbench.analyses.segments.settings import Config, StageRule
from csworkbench.features.listed import NOT_KNOWN
from csworkbench.policy import week_of

if TYPE_CHECKING:
    import pandas as pd

LEAST_ENDED = 10  # stays that have ended, below which their usual time cannot be told
NOT_THERE = "not there yet"
STUCK = [
    "account_id", "name", "stage", "days_in_stage", "is_at_least", "usual_days", "days_over", "is_confirmed", "tier",
    "csm",
]  # fmt: skip


def stays(inputs: Inputs) -> "pd.DataFrame":
    """Return every stay of an account in a stage that was seen.

    Stages are seen on Sundays, and on the date: so a stay begins on the same day for whoever looks on any day of a
    week, and for the lists that are made of what was known when the week began.

    Args:
        inputs: Stages Sunday by Sunday, and on the date.

    Returns:
        One row per account and uninterrupted stay, in time order: account_id, stage, tier (at its end), entered_on
        (first day it was seen there; it entered in the week before), left_on (first day it was seen elsewhere, missing
        = still there), days (until it left or the date), is_over, is_begun (its beginning was seen: it was not in the
        stage at the first date of the history), previous (stage before, missing where none was seen).
    """
    import numpy as np
    import pandas as pd

    today = pd.Timestamp(inputs.as_of)
    seen = [inputs.began[inputs.began["date"] < today], inputs.weeks[inputs.weeks["date"] == today]]
    rows = pd.concat(seen, ignore_index=True)
    accounts, days = rows["account_id"].astype("category").cat.codes.to_numpy(), rows["date"].to_numpy()
    order = np.lexsort((days, accounts))
    stages = pd.factorize(rows["stage"])[0][order]
    is_other = np.diff(accounts[order], prepend=-1) != 0
    starts = np.flatnonzero(is_other | (np.diff(stages, prepend=-1) != 0))
    first, last = order[starts], order[np.append(starts[1:], len(order)) - 1] if len(starts) else order
    entered, follows = days[first], np.append(accounts[first][1:] == accounts[first][:-1], [False])[: len(first)]
    left_on = pd.Series(np.append(entered[1:], entered[:1])).where(follows)
    before = rows["stage"].take(np.append(first[:1], first[:-1])).reset_index(drop=True)
    return pd.DataFrame(
        {
            "account_id": rows["account_id"].array.take(first),
            "stage": rows["stage"].array.take(first),
            "tier": rows["tier"].array.take(last),
            "entered_on": entered,
            "previous": before.where(~is_other[starts]).array,
            "left_on": left_on,
            "days": (left_on.fillna(today) - pd.Series(entered)).dt.days,
            "is_over": left_on.notna(),
            "is_begun": entered > rows["date"].min(),
        }
    )


def stage_table(inputs: Inputs, config: Config, seen: "pd.DataFrame") -> "pd.DataFrame":
    """Return the stages with their accounts and how long accounts usually stay.

    Args:
        inputs: Stages week by week.
        config: Stages, confirmed times and the share that makes a time usual.
        seen: Stays, from `stays`.

    Returns:
        One row per stage in their order: stage, accounts, share, before (accounts at the earlier date), median_days and
        usual_days_found (Kaplan-Meier over the stays whose beginning was seen, those that last counted as such; missing
        where nobody can tell), low, high (interval of usual_days_found), stays, ended, usual_days (what counts: the
        confirmed time, else the one found), is_confirmed, stuck (accounts that stay longer).
    """
    import pandas as pd

    now, before = _at(inputs, len(inputs.dates) - 1), _at(inputs, _earlier(inputs, config))
    lines = []
    for rule in _rules(config, inputs.weeks["stage"]):
        stage = rule.stage
        part = seen[(seen["stage"] == stage) & seen["is_begun"]]
        count = int((now["stage"] == stage).sum())
        median, usual, low, high = _times(part, config)
        lines.append(
            {
                "stage": stage,
                "accounts": count,
                "share": count / len(now) if len(now) else float("nan"),
                "before": int((before["stage"] == stage).sum()),
                "median_days": median,
                "usual_days_found": usual,
                "low": low,
                "high": high,
                "stays": len(part),
                "ended": int(part["is_over"].sum()),
                "usual_days": _usual(rule, usual),
                "is_confirmed": rule.usual_days is not None,
            }
        )
    table = pd.DataFrame(lines)
    stuck = long_stays(table, seen)["stage"].value_counts()
    return table.assign(stuck=table["stage"].map(stuck).fillna(0).astype(int))


def long_stays(stages: "pd.DataFrame", seen: "pd.DataFrame") -> "pd.DataFrame":
    """Return the stays that last and are longer than usual.

    Args:
        stages: Stages, from `stage_table`: stage, usual_days, is_confirmed.
        seen: Stays, from `stays`.

    Returns:
        The stays, with usual_days and is_confirmed of their stage.
    """
    lasting = seen[~seen["is_over"]]
    usual = stages.set_index("stage")[["usual_days", "is_confirmed"]].astype({"usual_days": float})
    over: pd.DataFrame = lasting.join(usual, on="stage")
    return over[over["days"] > over["usual_days"]]


def stuck_table(inputs: Inputs, over: "pd.DataFrame") -> "pd.DataFrame":
    """Return the accounts that are in a stage for longer than is usual, the longest overdue first.

    Args:
        inputs: Stages week by week, and accounts.
        over: From `long_stays`.

    Returns:
        One row per account: the columns STUCK; days_in_stage counts from the first day it was seen there, and
        is_at_least says that the stay began before the history, so that it is longer than that.
    """
    about = inputs.accounts[["name", "csm"]].reindex(over["account_id"])
    table = over.assign(
        name=about["name"].to_numpy(),
        csm=about["csm"].to_numpy(),
        days_in_stage=over["days"],
        is_at_least=~over["is_begun"].astype(bool),
        days_over=over["days"] - over["usual_days"],
    )
    return table.sort_values(["days_over", "account_id"], ascending=[False, True], ignore_index=True)[STUCK]


def account_table(inputs: Inputs, config: Config, seen: "pd.DataFrame", over: "pd.DataFrame") -> "pd.DataFrame":
    """Return where each account is, since when, and where it was.

    Args:
        inputs: Stages week by week, and accounts.
        config: How far back the earlier date lies.
        seen: Stays, from `stays`.
        over: From `long_stays`.

    Returns:
        One row per account: account_id, name, csm, tier, stage, entered_on, days_in_stage, is_at_least (the stay began
        before the history), previous_stage, stage_before, tier_before (at the earlier date; missing: not there),
        is_stuck, behaviour.
    """
    now = _at(inputs, len(inputs.dates) - 1).set_index("account_id")
    before = _at(inputs, _earlier(inputs, config)).set_index("account_id").reindex(now.index)
    last = seen.drop_duplicates("account_id", keep="last").set_index("account_id").reindex(now.index)
    about = inputs.accounts.reindex(now.index)
    table = now[["tier", "stage"]].assign(
        name=about["name"],
        csm=about["csm"],
        entered_on=last["entered_on"],
        days_in_stage=last["days"],
        is_at_least=~last["is_begun"].astype(bool),
        previous_stage=last["previous"],
        stage_before=before["stage"],
        tier_before=before["tier"],
        is_stuck=now.index.isin(over["account_id"]),
        behaviour=about["behaviour"],
    )
    return table.reset_index()[["account_id", "name", "csm", *table.columns.drop(["name", "csm"])]]


def week_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return where each account was when the week of the date began, for lists that stay the same all week.

    Args:
        inputs: Stages week by week up to the Sunday before.
        config: How far back they are followed.

    Returns:
        One row per account that was there: account_id, tier, stage, entered_on.
    """
    known = week_of(inputs.as_of).known
    then = replace(inputs, as_of=known, dates=weekly(known, config), weeks=inputs.began)
    last = stays(then).drop_duplicates("account_id", keep="last").set_index("account_id")
    now = _at(then, len(then.dates) - 1).set_index("account_id")
    return now.assign(entered_on=last["entered_on"].reindex(now.index))[["tier", "stage", "entered_on"]].reset_index()


def cell_table(accounts: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return the cells of tier and stage; every account is in exactly one.

    Args:
        accounts: Accounts, from `account_table`.
        config: Order of tiers and stages.

    Returns:
        One row per cell, empty ones too: tier, stage, accounts, share (of all accounts), before (accounts at the
        earlier date), change, stuck.
    """
    import pandas as pd

    stages = _names(config, accounts["stage"], accounts["stage_before"])
    pairs = pd.MultiIndex.from_product([tiers_of(accounts, config), stages], names=["tier", "stage"])
    now = accounts.groupby(["tier", "stage"]).agg(accounts=("account_id", "size"), stuck=("is_stuck", "sum"))
    before = accounts.groupby(["tier_before", "stage_before"]).size()
    table = now.reindex(pairs, fill_value=0).astype(int)
    earlier = before.rename_axis(["tier", "stage"]).reindex(pairs, fill_value=0).astype(int)
    table = table.assign(share=table["accounts"] / max(len(accounts), 1), before=earlier)
    table = table.assign(change=table["accounts"] - table["before"])
    return table.reset_index()[["tier", "stage", "accounts", "share", "before", "change", "stuck"]]


def tiers_of(accounts: "pd.DataFrame", config: Config) -> list[str]:
    """Return the tiers: in the order of the rules, else large, mid and small first, then by name; unknown last.

    Args:
        accounts: Accounts, from `account_table`.
        config: Rules of the tiers.
    """
    order = config.ordered_tiers or ("large", "mid", "small")
    found = {*accounts["tier"], *accounts["tier_before"].dropna()}
    rest = sorted(found - {*order, NOT_KNOWN})
    return [*(tier for tier in order if tier in found or config.tiers), *rest, *({NOT_KNOWN} & found)]


def transition_table(accounts: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return how many accounts went from which stage to which between the earlier date and now.

    Args:
        accounts: Accounts, from `account_table`.
        config: Order of the stages, level of the intervals.

    Returns:
        One row per pair that occurs, stages in their order: from_stage (or "not there yet"), to_stage, accounts, share
        (of those in from_stage), low, high (Wilson's interval), from_accounts.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    source = accounts["stage_before"].fillna(NOT_THERE).astype("str")
    counts = pd.crosstab(source, accounts["stage"].astype("str"))
    stages = _names(config, source, accounts["stage"])
    lines = []
    for origin in [stage for stage in (NOT_THERE, *stages) if stage in counts.index]:
        sizes = {str(stage): int(size) for stage, size in counts.T[origin].items()}
        total = sum(sizes.values())
        for target in stages:
            number = sizes.get(target, 0)
            if number:
                hits = pd.Series([1.0] * number + [0.0] * (total - number))
                share = share_of(hits, pd.Series([1.0] * total), config.level)
                lines.append((origin, target, number, share.value, share.low, share.high, total))
    columns = ["from_stage", "to_stage", "accounts", "share", "low", "high", "from_accounts"]
    return pd.DataFrame(lines, columns=columns)


def history_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the accounts in each stage at every fourth week, the date included.

    Args:
        inputs: Stages week by week.
        config: Order of the stages.

    Returns:
        One row per date and stage: date, stage, accounts.
    """
    import pandas as pd

    days = pd.DatetimeIndex(inputs.dates[::-1][::4][::-1])
    counts = inputs.weeks[inputs.weeks["date"].isin(days)].groupby(["date", "stage"]).size()
    stages = _names(config, inputs.weeks["stage"])
    every = pd.MultiIndex.from_product([days, stages], names=["date", "stage"])
    return counts.reindex(every, fill_value=0).rename("accounts").reset_index()


def _rules(config: Config, *seen: "pd.Series[str]") -> list[StageRule]:
    """Return the stages in the order pages show them; the one nobody can tell only where accounts are in it."""
    is_seen = any((each == NOT_KNOWN).any() for each in seen)
    return [each for each in config.every_stage if is_seen or each.stage != NOT_KNOWN]


def _names(config: Config, *seen: "pd.Series[str]") -> list[str]:
    return [each.stage for each in _rules(config, *seen)]


def _at(inputs: Inputs, place: int) -> "pd.DataFrame":
    import pandas as pd

    return inputs.weeks[inputs.weeks["date"] == pd.Timestamp(inputs.dates[place])]


def _earlier(inputs: Inputs, config: Config) -> int:
    return max(0, len(inputs.dates) - 1 - config.compare_weeks)


def _usual(rule: Any, found: float) -> float:
    if rule.is_lasting:
        return float("nan")
    return float(rule.usual_days) if rule.usual_days is not None else found


def _times(stays_of_stage: "pd.DataFrame", config: Config) -> tuple[float, float, float, float]:
    """Return median, usual time and its interval of stays whose beginning was seen; nan where nobody can tell."""
    import numpy as np
    from statsmodels.duration.survfunc import SurvfuncRight

    unknown = (float("nan"),) * 4
    if int(stays_of_stage["is_over"].sum()) < LEAST_ENDED:
        return unknown
    days = stays_of_stage["days"].clip(lower=1).to_numpy(float)
    curve = SurvfuncRight(days, stays_of_stage["is_over"].astype(int).to_numpy())
    median, usual = (float(curve.quantile(share)) for share in (0.5, config.usual_share))
    with np.errstate(divide="ignore", invalid="ignore"):  # the log-log transform of a curve that ends at 0
        low, high = (float(end) for end in curve.quantile_ci(config.usual_share, alpha=1 - config.level))
    if not np.isfinite([usual, low, high]).all():
        low = high = float("nan")
    known = [each if np.isfinite(each) else float("nan") for each in (median, usual)]
    return known[0], known[1], low, high
