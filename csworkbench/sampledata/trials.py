"""Three e-mail experiments, randomized by account, and a mail sent mostly to accounts in trouble."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from csworkbench.sampledata.delivery import MAIL, Mails
from csworkbench.sampledata.sending import Desk
from csworkbench.sampledata.world import ENGAGEMENT, LEAD_MONTHS, BookSize, World, logistic

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from csworkbench.sampledata.world import Flags, Floats, Ints, Texts, Times

WAVES = 4  # an experiment enrolls its accounts over so many weeks
WINDOW_DAYS = 28  # days after the draw that its outcomes are read in


@dataclass(frozen=True, slots=True)
class TrialModel:
    """Planted truth of one e-mail experiment.

    The share of an account's people who click in a delivered mail is drawn from a beta distribution with the mean of
    its variant and the intra-account correlation `icc` (variance = icc * mean * (1 - mean)). It goes with engagement.

    Args:
        experiment_id: Name of the experiment.
        starts: Place of its first day in the book, 0 to 1.
        ratio: Variant -> weight of the assignment as designed; `holdout` gets no mail.
        clicks: Variant -> mean share of delivered mails that a person clicks in.
        icc: Correlation of two people of an account.
        lost: Variant -> share of its accounts, the least engaged ones first, that dropped out of the records.
        engagement_link: Correlation of an account's click rate with its engagement, on normal scores.
    """

    experiment_id: str
    starts: float
    ratio: Mapping[str, int]
    clicks: Mapping[str, float]
    icc: float = 0.08
    lost: Mapping[str, float] | None = None
    engagement_link: float = 0.4

    def effect(self, variant: str = "treatment", control: str = "control") -> float:
        """Return the true difference in clicks per eligible contact: what bounces cannot be clicked in."""
        return (self.clicks[variant] - self.clicks[control]) * (1 - MAIL.bounced)


TRIALS = (
    TrialModel(
        "guide-mail",
        0.50,
        {"control": 2, "treatment": 2, "holdout": 1},
        {"control": 0.12, "treatment": 0.21},
    ),
    TrialModel("subject-line", 0.68, {"control": 1, "treatment": 1}, {"control": 0.14, "treatment": 0.14}),
    TrialModel(
        "webinar-invite",
        0.82,
        {"control": 1, "treatment": 1},
        {"control": 0.12, "treatment": 0.12},
        lost={"treatment": 0.4},
    ),
)


@dataclass(frozen=True, slots=True)
class RescueModel:
    """Planted truth of the mail `comeback-guide`, sent by the rule `no_login` at the end of a month.

    It goes to accounts in trouble: its chance in a month is rate * exp(slope * engagement), at most `most`. Given the
    engagement of that month, the engagement of the next one is higher by `effect` than without the mail; compared
    with all other accounts it is lower.
    """

    rule: str = "no_login"
    content_id: str = "comeback-guide"
    rate: float = 0.05
    slope: float = -0.9
    most: float = 0.14
    effect: float = 0.3


RESCUE = RescueModel()


def trial_days(size: BookSize) -> dict[str, tuple[date, date]]:
    """Return the first day of the draw of each experiment, a Monday, and the last day that is read, by its id.

    Args:
        size: Size of the book.
    """
    begin = size.start.astype(date)
    starts = {each.experiment_id: begin + timedelta(days=int((size.end - begin).days * each.starts)) for each in TRIALS}
    mondays = {name: start + timedelta(days=-start.weekday() % 7) for name, start in starts.items()}
    return {name: (first, first + timedelta(weeks=WAVES - 1, days=WINDOW_DAYS)) for name, first in mondays.items()}


def run_trial(desk: Desk, trial: TrialModel, number: int) -> pd.DataFrame:
    """Assign the accounts of a block to the variants of an experiment and send its mails.

    Args:
        desk: Desk that sends the mails.
        trial: The experiment.
        number: Its number: it has a random stream of its own.

    Returns:
        Columns of `experiment_units`, one row per account.
    """
    import pandas as pd

    people = desk.box.people
    world = people.world
    rng = world.stream("experiments", number)
    assigned_at = _enrollment(world, trial, rng)
    is_ready = desk.reachable(assigned_at[people.account], for_marketing=False)
    eligible = pd.Series(is_ready).groupby(people.account).sum().reindex(range(world.accounts), fill_value=0).to_numpy()
    traits = world.traits
    stratum = (traits["tier"] + "/" + traits["region"]).to_numpy(object)
    takes_part = (eligible > 0) & (assigned_at <= world.size.last_second) & _has_been_there(world, assigned_at)
    variant = _assigned(stratum, takes_part, trial, rng)
    kept = takes_part & ~_lost(world, trial, (variant, assigned_at), rng)
    _send_mails(desk, trial, (variant, assigned_at, is_ready & kept[people.account]), rng)
    units = pd.DataFrame(
        {
            "experiment_id": trial.experiment_id,
            "unit_id": traits["account_id"],
            "unit": "account",
            "stratum": stratum,
            "variant": variant,
            "assigned_at": assigned_at,
            "eligible_contacts": eligible.astype("int64"),
        }
    )
    return units.loc[kept]


def _enrollment(world: World, trial: TrialModel, rng: np.random.Generator) -> Times:
    """Return when each account would be assigned: on a Monday morning of the first weeks."""
    import numpy as np

    first = np.datetime64(trial_days(world.size)[trial.experiment_id][0], "D")
    weeks = rng.integers(0, WAVES, world.accounts) * 7
    return np.asarray((first + weeks.astype("timedelta64[D]")).astype("datetime64[s]") + np.timedelta64(21_600, "s"))


def _has_been_there(world: World, at: Times) -> Flags:
    """Return whether each account signed up at least 30 days before."""
    import numpy as np

    signup = world.traits["signup"].to_numpy("datetime64[s]")
    return np.asarray(np.add(signup, np.timedelta64(30 * 86_400, "s")) < at)


def _assigned(stratum: Texts, takes_part: Flags, trial: TrialModel, rng: np.random.Generator) -> Texts:
    """Return the variant of each account: within a stratum the weights hold exactly, up to the last few."""
    import numpy as np

    pattern = np.array([variant for variant, weight in trial.ratio.items() for _ in range(weight)], dtype=object)
    variant = np.full(len(stratum), None, dtype=object)
    for name in sorted(set(stratum[takes_part])):
        rows = rng.permutation(np.flatnonzero(takes_part & (stratum == name)))
        blocks = [rng.permutation(len(pattern)) for _ in range(-(-len(rows) // len(pattern)))]
        variant[rows] = pattern[np.concatenate(blocks)[: len(rows)]]
    return variant


def _lost(world: World, trial: TrialModel, assignment: tuple[Texts, Times], rng: np.random.Generator) -> Flags:
    """Return which accounts a frequency cap took out of one variant: mostly those in trouble, who had got much mail."""
    import numpy as np

    variant, at = assignment
    engagement = world.engagement[np.arange(world.accounts), world.month_index(at)]
    share = np.array([(trial.lost or {}).get(name, 0.0) for name in variant])
    return np.asarray(rng.random(world.accounts) < np.clip(2 * share * logistic(-2 * engagement), 0, 1))


def _send_mails(
    desk: Desk, trial: TrialModel, assignment: tuple[Texts, Times, Flags], rng: np.random.Generator
) -> None:
    """Send one mail to every eligible contact of a variant that gets one, within three days after the assignment."""
    import numpy as np

    variant, assigned_at, is_eligible = assignment
    people = desk.box.people
    rate = _click_rates(people.world, trial, (variant, assigned_at), rng)
    hours = rng.integers(2 * 3_600, 3 * 86_400, people.world.accounts).astype("timedelta64[s]")
    sent_at = np.add(assigned_at, hours)
    is_mailed = np.isin(variant, list(trial.clicks)) & (sent_at <= people.world.size.last_second)
    is_still_there = sent_at[people.account] < people.stay()[1]
    contact = np.flatnonzero(is_eligible & is_mailed[people.account] & is_still_there)
    account = people.account[contact]
    mails = Mails(desk.ids(len(contact)), contact, sent_at[account], rate[account])
    labels = {"initiator": "central", "family": "lifecycle", "rule": trial.experiment_id, "importance": "normal"}
    own = {"content_id": f"{trial.experiment_id}-" + variant[account], "experiment_id": trial.experiment_id}
    desk.send(mails, {**labels, **own, "variant": variant[account]}, rng)


def _click_rates(world: World, trial: TrialModel, assignment: tuple[Texts, Times], rng: np.random.Generator) -> Floats:
    """Return the click rate of each account: beta with the mean of its variant, by the normal score of engagement."""
    import numpy as np
    from scipy.special import betaincinv, ndtr

    variant, at = assignment
    engagement = world.engagement[np.arange(world.accounts), world.month_index(at)]
    spread = float(np.hypot(ENGAGEMENT.stable_sd, ENGAGEMENT.swing_sd))
    link = trial.engagement_link
    score = link * engagement / spread + np.sqrt(1 - link**2) * rng.normal(0, 1, world.accounts)
    mean = np.array([trial.clicks.get(name, 0.5) for name in variant])
    size = (1 - trial.icc) / trial.icc
    return np.asarray(betaincinv(mean * size, (1 - mean) * size, np.clip(ndtr(score), 1e-9, 1 - 1e-9)))


def send_rescues(desk: Desk, month: int) -> None:
    """Send the mail of the rule `no_login` at the end of a month of the book.

    Who gets it is tilted by the shock of the next month, exp(k * shock - k^2 var / 2) with k = effect / var: then the
    shock of those who got it is normal with mean `effect`, as if the mail had raised it, and no use is redrawn.
    """
    import numpy as np

    people = desk.box.people
    world = people.world
    rng = world.stream("contents", 2, month)
    column = LEAD_MONTHS + month
    shock = world.swing[:, column + 1] - ENGAGEMENT.swing_memory * world.swing[:, column]
    variance = ENGAGEMENT.swing_sd**2 * (1 - ENGAGEMENT.swing_memory**2)
    tilt = np.exp(RESCUE.effect / variance * shock - RESCUE.effect**2 / variance / 2)
    chance = np.clip(RESCUE.rate * np.exp(RESCUE.slope * world.engagement[:, column]), 0, RESCUE.most) * tilt
    at = (world.size.first_month + month).astype("datetime64[D]").astype("datetime64[s]") + np.timedelta64(
        (26 * 24 + 9) * 3_600, "s"
    )
    can = desk.reachable(at, for_marketing=False) & _has_been_there(world, np.full(world.accounts, at))[people.account]
    first = _first_of_each(people.account, can)
    chosen = first[(rng.random(world.accounts) < chance)[people.account[first]]]
    sent_at = at + rng.integers(0, 7_200, len(chosen)).astype("timedelta64[s]")
    mails = Mails(desk.ids(len(chosen)), chosen, sent_at, np.full(len(chosen), 0.1))
    labels = {"initiator": "central", "family": "behaviour", "rule": RESCUE.rule, "content_id": RESCUE.content_id}
    desk.send(mails, {**labels, "importance": "high"}, rng)


def _first_of_each(account: Ints, can: Flags) -> Ints:
    """Return the row of the first contact of each account that can be written to."""
    import numpy as np

    rows = np.flatnonzero(can)
    return rows[np.unique(account[rows], return_index=True)[1]]
