"""The units of two arms with one metric, and the test that the draw asks for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.email_touch.facts import Facts
from csworkbench.experiments import Experiment, Metric
from csworkbench.inference.accounts import AccountSums, CannotTell, with_covariate
from csworkbench.inference.contacts import within_accounts
from csworkbench.inference.effects import Effect, judge

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The units of a variant and its baseline with one metric.

    Args:
        sums: One entry per unit, arm 1 the variant.
        account: Number of the account of each unit.
        missing: Share of units without the covariate; None without one.
        contacts: Contacts that were added up to accounts; 0 where units are as they were drawn.
    """

    sums: AccountSums
    account: "NDArray[np.int64]"
    missing: float | None = None
    contacts: int = 0

    def one_armed(self) -> "NDArray[np.bool_]":
        """Return for each unit whether all units of its account are in one arm."""
        import numpy as np

        everybody, in_variant = np.bincount(self.account), np.bincount(self.account, self.sums.arm)
        return np.asarray(((in_variant == 0) | (in_variant == everybody))[self.account])


def pair_of(
    experiment: Experiment,
    facts: Facts,
    metric: Metric,
    variant: str,
    only: "pd.Series[bool] | None" = None,
    *,
    is_before: bool = False,
) -> Pair:
    """Return the units of a variant and its baseline with one metric.

    Args:
        experiment: The experiment.
        facts: What is known of it.
        metric: The metric.
        variant: Name of the arm.
        only: Units that count besides; None = all that are read.
        is_before: What was measured before the draw, as the outcome.
    """
    import pandas as pd

    units, found = facts.units, facts.metrics[metric.name]
    baseline = experiment.baseline(metric)
    kept = (units["why"] == "") & (found["why"] == "") & units["variant"].isin([variant, baseline])
    if only is not None:
        kept &= only
    total, size = ("pre_total", "pre_size") if is_before else ("total", "size")
    if is_before:
        kept &= found[size] > 0
    rows, values, contacts = units[kept], found[kept], 0
    if experiment.unit == "contact" and _are_apart(rows):
        contacts = len(rows)
        rows, values = _by_account(rows, values)
    stratum = None
    if experiment.strata and len(set(rows["stratum"])) > 1:
        stratum = pd.factorize(rows["stratum"], sort=True)[0].astype(int)
    sums = AccountSums(
        rows["variant"].isin([variant]).to_numpy().astype("int64"),
        values[total].to_numpy(dtype=float),
        values[size].to_numpy(dtype=float),
        stratum,
    )
    account = pd.factorize(rows["account_id"], sort=True)[0].astype("int64")
    if metric.covariate is None or is_before or not len(rows):
        return Pair(sums, account, contacts=contacts)
    sums, covered = with_covariate(sums, values["pre_total"].to_numpy(float), values["pre_size"].to_numpy(float))
    return Pair(sums, account, covered.missing, contacts)


def _are_apart(rows: "pd.DataFrame") -> bool:
    """Return whether accounts have several contacts and none has them in both arms: the lot was one of accounts."""
    arms = rows.groupby("account_id")["variant"]
    return bool(len(rows) and (arms.size() > 1).any() and arms.nunique().max() == 1)


def _by_account(rows: "pd.DataFrame", values: "pd.DataFrame") -> "tuple[pd.DataFrame, pd.DataFrame]":
    sums = values[["total", "size", "pre_total", "pre_size"]].groupby(rows["account_id"]).sum().reset_index(drop=True)
    return rows.groupby("account_id")[["variant", "stratum"]].min().reset_index(), sums


def effect_of(
    experiment: Experiment,
    facts: Facts,
    asked: tuple[Metric, str],
    seed: int,
    only: "pd.Series[bool] | None" = None,
    *,
    is_before: bool = False,
) -> Effect | CannotTell:
    """Return the effect of a variant on some of the units, by the test its draw asks for.

    Args:
        experiment: The experiment.
        facts: What is known of it.
        asked: Metric, and name of the variant.
        seed: Seed of permutations.
        only: Units that count; None = all that are read.
        is_before: Of what was measured before the draw, which no mail can have changed.
    """
    pair = pair_of(experiment, facts, *asked, only, is_before=is_before)
    return within(experiment, pair, seed) or judge(pair.sums, seed=seed)


def within(experiment: Experiment, pair: Pair, seed: int) -> Effect | CannotTell | None:
    """Return the effect among contacts of the same account; None where no account has contacts in both arms.

    Args:
        experiment: The experiment.
        pair: Units of a variant and its baseline.
        seed: Seed of permutations.
    """
    if experiment.unit != "contact":
        return None
    if not len(pair.account) or pair.one_armed().all():
        return None
    sums = pair.sums
    return within_accounts(pair.account, sums.total / sums.size, sums.arm, seed=seed)
