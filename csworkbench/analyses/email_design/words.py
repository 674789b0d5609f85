"""Tables of the design page as a reader takes them in: one row per comparison, numbers with their unit."""

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING

from csworkbench.analyses.email_design.planning import STEPS, Outlook
from csworkbench.analyses.email_design.settings import Config
from csworkbench.estimates import Estimate, Message, say
from csworkbench.formats import in_unit, number, share, text
from csworkbench.inference.accounts import CannotTell
from csworkbench.inference.design import Pilot

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "cannot tell"


def size(each: Outlook, value: float | None) -> str:
    """Return a difference in words: "5.7 percentage points".

    Args:
        each: Comparison, which knows the unit.
        value: Difference in that unit; None = cannot tell.
    """
    return UNKNOWN if value is None else in_unit(value, each.unit)


def compared(each: Outlook, config: Config) -> str:
    """Return which arms are compared, by their labels.

    Args:
        each: Comparison.
        config: The experiment.
    """
    experiment = config.experiment
    control = experiment.arm(experiment.baseline(each.metric)).label
    return text(say("{variant} against {control}", variant=experiment.arm(each.variant).label, control=control))


def says(each: Outlook) -> Message:
    """Return whether the accounts there are would do, or why that cannot be told.

    Args:
        each: Comparison.
    """
    if each.reason is not None:
        return each.reason
    for answer in (each.smallest, each.needed, each.weeks):
        if isinstance(answer, CannotTell):
            return answer.message
    if each.effect is None:
        return say("set worth, and the accounts it takes are counted")
    return say("enough accounts") if each.is_enough else say("too few accounts")


def outlook_frame(shown: tuple[Outlook, ...], config: Config) -> "pd.DataFrame":
    """Return what each comparison could show, in words.

    Args:
        shown: The comparisons.
        config: The experiment.

    Returns:
        One row per comparison: metric, role, compared, asked_for, visible_now, accounts (needed of how many, both
        arms), weeks, says.
    """
    import pandas as pd

    rows = [
        (
            each.metric.label,
            each.metric.role,
            compared(each, config),
            "nothing" if each.effect is None else size(each, each.told(each.effect)),
            _ranged(each),
            _accounts(each),
            str(each.weeks) if isinstance(each.weeks, int) else UNKNOWN,
            text(says(each)),
        )
        for each in shown
    ]
    names = ["metric", "role", "compared", "asked_for", "visible_now", "accounts", "weeks", "says"]
    return pd.DataFrame(rows, columns=names)


def _ranged(each: Outlook) -> str:
    found = each.smallest
    if not isinstance(found, Estimate) or found.value is None:
        return UNKNOWN
    if found.low is None or found.high is None:
        return size(each, found.value)
    value, low, high = size(each, found.value), number(found.low), number(found.high)
    return text(say("{value} ({low} to {high})", value=value, low=low, high=high))


def _accounts(each: Outlook) -> str:
    found = each.needed
    if not isinstance(found, Estimate) or found.value is None:
        return text(say("{there:count} there", there=each.accounts))
    return text(say("{needed:count} needed, {there:count} there", needed=ceil(found.value), there=each.accounts))


def steps_frame(shown: tuple[Outlook, ...], config: Config) -> "pd.DataFrame":
    """Return the smallest difference that some numbers of accounts would show, in words.

    Args:
        shown: The comparisons.
        config: The experiment.

    Returns:
        One row per comparison: metric, compared, with_60, with_100 ... (accounts of the two arms).
    """
    import pandas as pd

    rows = []
    for each in shown:
        if each.known is not None:
            words = [size(each, each.visible(accounts)) for accounts in STEPS]
            rows.append((each.metric.label, compared(each, config), *words))
    return pd.DataFrame(rows, columns=["metric", "compared", *(f"with_{accounts}" for accounts in STEPS)])


def evidence_frame(shown: tuple[Outlook, ...], samples: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    """Return what the sample says of each metric, in words.

    Args:
        shown: The comparisons.
        samples: Metric -> what was found.

    Returns:
        One row per metric: metric, accounts, value, alike (intra-account correlation), contacts (per account, with the
        variation of their number), earlier_period (what it takes off the variance).
    """
    import pandas as pd

    rows = {}
    for each in shown:
        found, told = samples.get(each.metric.name), text(each.reason) if each.reason else UNKNOWN
        words = (told, "", "", "") if each.known is None else _evidence(each, each.known.base)
        rows[each.metric.name] = (each.metric.label, 0 if found is None else len(found), *words)
    return pd.DataFrame(
        list(rows.values()), columns=["metric", "accounts", "value", "alike", "contacts", "earlier_period"]
    )


def _evidence(each: Outlook, pilot: Pilot) -> tuple[str, str, str, str]:
    value = share(pilot.value) if each.is_share else number(pilot.value)
    used = say("takes off {part:share}", part=pilot.correlation**2)
    earlier = text(say("not used") if each.metric.covariate is None else used)
    if pilot.mean_size <= 1:
        return value, text(say("one value per account")), "", earlier
    varying = share(pilot.size_variation, 0)
    people = text(say("{size:number}, varying by {varying}", size=pilot.mean_size, varying=varying))
    return value, text(say("{icc:estimate}", icc=pilot.icc)), people, earlier
