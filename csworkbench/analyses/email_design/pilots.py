"""What the sample says of a metric before the experiment, and how well it is known."""

from dataclasses import dataclass, replace
from math import exp, sqrt
from typing import TYPE_CHECKING

from csworkbench.analyses.email_design.drawing import Draw
from csworkbench.analyses.email_design.facts import Inputs
from csworkbench.estimates import Estimate, say
from csworkbench.experiments import Metric, unit_of
from csworkbench.experiments.outcomes import NpsAnswers, OfMails
from csworkbench.inference.accounts import CannotTell, linearized, size_variation
from csworkbench.inference.design import USUAL, Pilot, pilot_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A metric in the sample.

    Args:
        pilot: What is known of it, for what is drawn: whole accounts, or contacts within accounts.
        base: The same for whole accounts.
        ends: The pilot at both ends of the interval of what it rests on most: how alike people of an account are, or
            how much accounts differ; empty where nothing says.
        per_account: Units of an account: 1, or its contacts where contacts are drawn within it.
    """

    pilot: Pilot
    base: Pilot
    ends: tuple[Pilot, ...]
    per_account: float = 1.0


def known(inputs: Inputs, drawn: Draw, metric: Metric, *, is_by_contact: bool) -> Known | CannotTell:
    """Return what the sample says of a metric, with the sizes of the accounts that would be drawn.

    Args:
        inputs: What was found in the sample.
        drawn: Who can be drawn.
        metric: The metric.
        is_by_contact: Contacts are drawn within accounts.
    """
    import numpy as np

    missing = inputs.lacks.get(metric.name)
    if missing == ("list",):
        return CannotTell("no_sample", say("It comes with the list of who was drawn: the sample says nothing"))
    if missing:
        return CannotTell("no_sample", say("The workspace lacks {tables:list}", tables=list(missing)))
    frame = inputs.samples[metric.name]
    is_share = unit_of(metric.outcome) == "share"
    if not is_share:
        frame = frame.assign(total=frame["total"] / frame["size"], size=1.0)
    total, size = frame["total"].to_numpy(float), frame["size"].to_numpy(float)
    before = frame["pre_total"].to_numpy(float), frame["pre_size"].to_numpy(float)
    pilot = pilot_of(total, total if is_share else total**2, size, before if metric.covariate else None)
    if isinstance(pilot, CannotTell):
        return pilot
    if not isinstance(metric.outcome, OfMails | NpsAnswers):
        return Known(pilot, pilot, () if is_share else _spread_ends(pilot, frame, has_before=bool(metric.covariate)))
    sizes = contacts_per_account(drawn)
    if is_by_contact:
        sizes = sizes[sizes > 1]
    if len(sizes):
        counted = np.asarray(sizes, dtype=np.float64)
        pilot = replace(pilot, mean_size=float(counted.mean()), size_variation=size_variation(counted))
    bounds = [each for each in (pilot.icc.low, pilot.icc.high) if each is not None]
    ends = tuple(replace(pilot, icc=Estimate(each, "share", pilot.icc.n)) for each in bounds)
    if not is_by_contact:
        return Known(pilot, pilot, ends)
    return Known(within(pilot), pilot, tuple(within(each) for each in ends), pilot.mean_size)


def contacts_per_account(drawn: Draw) -> "pd.Series[int]":
    """Return how many contacts of each account may be mailed.

    Args:
        drawn: Who can be drawn.
    """
    return drawn.people.groupby("account_id")["contact_id"].nunique()


def within(pilot: Pilot) -> Pilot:
    """Return the pilot of contacts drawn within accounts: what accounts have in common is in both arms alike.

    Args:
        pilot: What is known of the outcome when whole accounts are drawn.

    Source: variance within accounts, (1 - ICC) of that of a contact; the account is a covariate that explains ICC.
    """
    alike = min(1.0, max(0.0, pilot.icc.value or 0.0))
    return replace(
        pilot, mean_size=1.0, size_variation=0.0, icc=Estimate(0.0, "share", pilot.icc.n), correlation=sqrt(alike)
    )


def _spread_ends(pilot: Pilot, frame: "pd.DataFrame", *, has_before: bool) -> tuple[Pilot, ...]:
    """Return the pilot at both ends of the interval of the spread of what the earlier period leaves.

    Source: variance of the logarithm of a variance, (kurtosis - 1) / n; Bonett (2006), CSDA 50, 775-782.
    """
    import numpy as np

    left = frame["total"].to_numpy(float) - frame["total"].mean()
    sums, sizes = frame["pre_total"].to_numpy(float), frame["pre_size"].to_numpy(float)
    if has_before and (sizes > 0).all():
        earlier = linearized(sums, sizes)
        if earlier.any():
            left = left - (left @ earlier) / (earlier @ earlier) * earlier
    squares = float((left**2).mean())
    if len(left) < 2 or squares <= 0:
        return ()
    kurtosis = float((left**4).mean()) / squares**2
    half = USUAL.z_level * float(np.sqrt(max(0.0, kurtosis - 1) / len(left))) / 2
    return tuple(replace(pilot, spread=pilot.spread * exp(side * half)) for side in (-1, 1))
