"""What the experiment could show: accounts needed, smallest effects, power, weeks, from the sample's own variation."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from csworkbench.analyses.email_design.drawing import Draw, weights
from csworkbench.analyses.email_design.facts import Inputs
from csworkbench.analyses.email_design.pilots import Known, contacts_per_account, known, within
from csworkbench.analyses.email_design.settings import Config
from csworkbench.estimates import Estimate, Message
from csworkbench.experiments import Experiment, Metric, unit_of, window_of
from csworkbench.experiments.outcomes import OfMails
from csworkbench.inference.accounts import CannotTell
from csworkbench.inference.design import (
    USUAL,
    Pilot,
    Plan,
    accounts_needed,
    power_of,
    smallest_effect,
    weeks_needed,
)
from csworkbench.inference.power import Demand

if TYPE_CHECKING:
    import pandas as pd

FEW = 60  # accounts of the sentence that says what so few could show
STEPS = (60, 100, 200, 400, 800)
CURVE_POINTS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What one comparison could show.

    Args:
        metric: The metric.
        variant: Arm that is compared.
        plan: Level, power and share of the control.
        part: Part of all units that belong to the two arms.
        accounts: Accounts of the two arms that can be drawn.
        effect: Difference worth knowing; None where the file names none.
        known: What the sample says of the metric; None where it says nothing.
        needed: Accounts of the two arms for that difference.
        smallest: Smallest difference that the accounts there are would show.
        weeks: Weeks until all arms were mailed at the present rate.
        reason: Why nothing can be said; None where something is.
    """

    metric: Metric
    variant: str
    plan: Plan
    part: float
    accounts: int
    effect: float | None
    known: Known | None = None
    needed: Estimate | CannotTell | None = None
    smallest: Estimate | CannotTell | None = None
    weeks: int | CannotTell | None = None
    reason: Message | None = None

    @property
    def is_share(self) -> bool:
        """The outcome is a share, so that differences are percentage points."""
        return unit_of(self.metric.outcome) == "share"

    @property
    def unit(self) -> str:
        """Unit in which differences are told."""
        return "percentage_points" if self.is_share else unit_of(self.metric.outcome)

    def told(self, difference: float) -> float:
        """Return a difference in that unit."""
        return 100 * difference if self.is_share else difference

    def visible(self, accounts: int) -> float | None:
        """Return the smallest difference that so many accounts of the two arms show, in that unit; None = none."""
        if self.known is None:
            return None
        found = _visible(self.known.pilot, self, accounts)
        return None if isinstance(found, CannotTell) else self.told(found)

    @property
    def is_enough(self) -> bool:
        """The accounts that can be drawn show the difference worth knowing."""
        return isinstance(self.needed, Estimate) and (self.needed.value or 0) <= self.accounts


def outlooks(inputs: Inputs, drawn: Draw, config: Config) -> tuple[Outlook, ...]:
    """Return every comparison that decides, explains or guards, in the order of the file.

    Args:
        inputs: What the sample shows.
        drawn: Who can be drawn.
        config: Experiment, level and power.
    """
    return tuple(_comparisons(inputs, drawn, config))


def _comparisons(inputs: Inputs, drawn: Draw, config: Config) -> Iterator[Outlook]:
    experiment = config.experiment
    parts = weights(experiment)
    total = drawn.people["account_id"].nunique()
    for metric in experiment.metrics:
        if metric.role == "diagnostic":
            continue
        found = known(inputs, drawn, metric, is_by_contact=experiment.unit == "contact")
        for variant in experiment.variants(metric):
            control, own = parts[experiment.baseline(metric)], parts[variant]
            plan = Plan(Demand(_level(experiment, metric, config.level), config.power), control / (control + own))
            part = (control + own) / sum(parts.values())
            effect = metric.margin if metric.role == "guardrail" else metric.worth
            bare = Outlook(metric, variant, plan, part, int(total * part), effect)
            yield (
                replace(bare, reason=found.message)
                if isinstance(found, CannotTell)
                else _seen(replace(bare, known=found), found, inputs.per_week)
            )


def _level(experiment: Experiment, metric: Metric, level: float) -> float:
    """Return the level of one test: primaries share the error, a guardrail is tested on one side only."""
    if metric.role == "guardrail":
        return 1 - 2 * (1 - level)
    same = sum(len(experiment.variants(each)) for each in experiment.metrics if each.role == metric.role)
    return 1 - (1 - level) / same if metric.role == "primary" else level


def _seen(bare: Outlook, found: Known, per_week: float) -> Outlook:
    smallest = _ranged(found, lambda each: _visible(each, bare, bare.accounts), bare.unit, bare.told(1.0))
    needed: Estimate | CannotTell | None = None
    weeks: int | CannotTell | None = None
    if bare.effect is not None:
        # A gain, where there is room for it; towards even odds is the harder direction.
        side = 1 if found.pilot.value + bare.effect <= 1 or not found.pilot.is_share else -1
        effect = side * bare.effect
        needed = _ranged(found, lambda each: accounts_needed(each, effect, bare.plan), "accounts")
        if isinstance(needed, Estimate) and needed.value is not None:
            needed = in_accounts(needed, found.per_account)
            weeks = weeks_needed(ceil((needed.value or 0) / bare.part), per_week)
    return replace(bare, needed=needed, smallest=smallest, weeks=weeks)


def in_accounts(needed: Estimate, units: float) -> Estimate:
    """Return a number of units as whole accounts.

    Args:
        needed: Number of units.
        units: Units of an account.
    """
    value, low, high = (
        None if each is None else ceil(each / units) for each in (needed.value, needed.low, needed.high)
    )
    return Estimate(value, "accounts", needed.n, low, high, needed.level)


def _visible(pilot: Pilot, each: Outlook, accounts: int) -> float | CannotTell:
    """Return the smallest difference that so many accounts show, each with as many units as it has."""
    per_account = 1.0 if each.known is None else each.known.per_account
    return smallest_effect(pilot, int(accounts * per_account), each.plan)


def _ranged(
    found: Known, question: Callable[[Pilot], float | CannotTell], unit: str, scale: float = 1.0
) -> Estimate | CannotTell:
    """Return an answer with the bounds it has over the interval of what it rests on."""
    answer = question(found.pilot)
    if isinstance(answer, CannotTell):
        return answer
    bounds = [question(each) for each in found.ends]
    told = [scale * each for each in (*bounds, answer) if not isinstance(each, CannotTell)]
    shown = (min(told), max(told), USUAL.level) if len(told) == 3 else (None, None, None)
    return Estimate(scale * answer, unit, found.base.icc.n, *shown)


def unit_frame(shown: tuple[Outlook, ...], drawn: Draw) -> "pd.DataFrame":
    """Return what drawing accounts and drawing contacts would take, for outcomes of contacts.

    Args:
        shown: What the comparisons could show.
        drawn: Who can be drawn.

    Returns:
        One row per comparison and unit: metric, variant, unit, contacts (that can be drawn in the two arms),
        contacts_needed, smallest_effect, effect_unit.
    """
    import pandas as pd

    sizes = contacts_per_account(drawn)
    rows = []
    for each in shown:
        if each.known is None or not isinstance(each.metric.outcome, OfMails):
            continue
        base = each.known.base
        pairs = (
            ("account", base, each.accounts, base.mean_size),
            # A contact alone in its account has nobody to be held against.
            ("contact", within(base), int(sizes[sizes > 1].sum() * each.part), 1.0),
        )
        for unit, pilot, there, people in pairs:
            visible = smallest_effect(pilot, there, each.plan)
            needed = None if each.effect is None else accounts_needed(pilot, each.effect, each.plan)
            rows.append(
                (
                    each.metric.label,
                    each.variant,
                    unit,
                    round(there * people),
                    None if needed is None or isinstance(needed, CannotTell) else ceil(needed * people),
                    None if isinstance(visible, CannotTell) else each.told(visible),
                    each.unit,
                )
            )
    names = ["metric", "variant", "unit", "contacts", "contacts_needed", "smallest_effect", "effect_unit"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.astype({"contacts_needed": "Int64", "smallest_effect": "float64"})


def visible_frame(shown: tuple[Outlook, ...]) -> "pd.DataFrame":
    """Return the smallest effect that some numbers of accounts would show.

    Args:
        shown: What the comparisons could show.

    Returns:
        One row per comparison and number: metric, variant, accounts (of the two arms), smallest_effect, effect_unit.
    """
    import pandas as pd

    rows = []
    for each in shown:
        if each.known is None:
            continue
        counts = sorted({*STEPS, each.accounts} - {0})
        rows += [(each.metric.label, each.variant, count, each.visible(count), each.unit) for count in counts]
    names = ["metric", "variant", "accounts", "smallest_effect", "effect_unit"]
    return pd.DataFrame(rows, columns=names).astype({"smallest_effect": "float64"})


def curve_frame(shown: tuple[Outlook, ...]) -> "pd.DataFrame":
    """Return the power of the first comparison that decides, by accounts and true difference.

    Args:
        shown: What the comparisons could show.

    Returns:
        One row per difference and number: accounts (of the two arms), power (0 to 1), effect (in words).
    """
    import pandas as pd

    first = next((each for each in shown if each.known is not None and each.metric.role == "primary"), None)
    if first is None or first.known is None:
        return pd.DataFrame(columns=["accounts", "power", "effect"])
    pilot, per_account = first.known.pilot, first.known.per_account
    smallest = first.smallest.value if isinstance(first.smallest, Estimate) else None
    effect = first.effect or (smallest or 0.0) / first.told(1.0)
    most = max(2 * first.accounts, first.plan.least + CURVE_POINTS)
    counts = sorted({round(first.plan.least + (most - first.plan.least) * at / CURVE_POINTS) for at in range(41)})
    rows = []
    for factor in (2.0, 1.0, 0.5):
        size = factor * effect
        if size <= 0 or (pilot.is_share and pilot.value + size > 1):
            continue
        name = _named(first, size)
        rows += [(count, power_of(pilot, size, max(3, int(count * per_account)), first.plan), name) for count in counts]
    return pd.DataFrame(rows, columns=["accounts", "power", "effect"])


def _named(each: Outlook, difference: float) -> str:
    from csworkbench.formats import number

    return f"+{number(each.told(difference))} {'pp' if each.is_share else each.unit.replace('_', ' ')}"


def sample_frame(shown: tuple[Outlook, ...], samples: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    """Return what the sample says of each metric.

    Args:
        shown: What the comparisons could show.
        samples: Metric -> what was found.

    Returns:
        One row per metric: metric, accounts, value, intra_account_correlation, low, high, contacts_per_account,
        size_variation, pre_period_correlation, why (nothing can be said).
    """
    import pandas as pd

    from csworkbench.formats import text

    rows: dict[str, tuple[object, ...]] = {}
    for each in shown:
        found = samples.get(each.metric.name)
        n = 0 if found is None else len(found)
        if each.known is None:
            rows[each.metric.name] = (each.metric.label, n, *[None] * 7, text(each.reason) if each.reason else "")
            continue
        pilot = each.known.base
        told = (pilot.icc.value, pilot.icc.low, pilot.icc.high) if pilot.mean_size > 1 else (None, None, None)
        sizes = (pilot.mean_size, pilot.size_variation, pilot.correlation)
        rows[each.metric.name] = (each.metric.label, n, pilot.value, *told, *sizes, "")
    names = ["metric", "accounts", "value", "intra_account_correlation", "low", "high", "contacts_per_account"]
    frame = pd.DataFrame(list(rows.values()), columns=[*names, "size_variation", "pre_period_correlation", "why"])
    return frame.astype(dict.fromkeys(frame.columns[2:9], "float64"))


def window_weeks(experiment: Experiment) -> int:
    """Return how many weeks the last unit is watched."""
    return ceil(max(window_of(metric.outcome) or 0 for metric in experiment.metrics) / 7)
