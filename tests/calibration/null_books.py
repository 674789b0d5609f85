"""Small books that go through everything from episodes to verdicts; in all but one of them plans do nothing."""

import numpy as np

from csworkbench.analyses.plan_validation.declared import Declared
from csworkbench.analyses.plan_validation.judging import lines_of, read_playbook
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.analyses.plan_validation.tree import OnFacts
from tests.calibration.plan_inputs import inputs_of

CREDITED = ("supported", "verified")
TAU = 45  # days after which what moved an account has faded to a third
EFFECT = 0.2  # of the one world in which plans do something, on the logarithm


def wandering(rng, accounts, days, sd=0.25):
    """Return logarithms, accounts x days: a lasting level each, about which it wanders and to which it returns."""
    keep = np.exp(-1 / TAU)
    steps = rng.normal(0, sd * np.sqrt(1 - keep**2), (accounts, days))
    now, found = rng.normal(0, sd, accounts), np.empty((accounts, days))
    for place in range(days):
        now = now * keep + steps[:, place]
        found[:, place] = now
    return rng.normal(3, 0.5, (accounts, 1)) + found


def run(account, started, landed, **columns):
    """Return a plan that was written two days before its start and closed ten weeks after its landing."""
    landing = {} if landed is None else {"landed": landed, "closed": landed + 70}
    return {"account": account, "created": started - 2, "started": started} | landing | columns


def whoever_is_low_gets_one(rng, accounts=300, days=520, hazard=0.3, lag=7):
    """Every week three in ten of those a tenth below their own history get a plan, so that who has none recovers."""
    levels = wandering(rng, accounts, days)
    sums = np.hstack([np.zeros((accounts, 1)), levels.cumsum(axis=1)])
    had, plans = np.zeros(accounts, dtype=bool), []
    for today in range(250, days - lag - 1, 7):
        recent = (sums[:, today] - sums[:, today - 21]) / 21
        history = (sums[:, today - 21] - sums[:, today - 201]) / 180
        picked = (recent - history < -0.1) & ~had & (rng.random(accounts) < hazard)
        had |= picked
        plans += [run(account, today + 2, today + lag) for account in np.flatnonzero(picked)]
    return inputs_of(np.exp(levels), plans)


def season_between_landings(rng, accounts=300, days=640):
    """From 1 July on everybody has half; most plans land on 2 June, two on 27 June."""
    levels = wandering(rng, accounts, days)
    levels[:, 547:] += np.log(0.5)
    landings = [518] * 24 + [543] * 2
    return inputs_of(np.exp(levels), [run(number, day - 18, day) for number, day in enumerate(landings)])


def drawn(rng, lag, effect=0.0, leaving=0.0, accounts=120, days=480):
    """A lot lets half of the accounts start on day 300; some leave before the others land."""
    levels = wandering(rng, accounts, days, sd=0.15)
    half = accounts // 2
    levels[:half, 300:] += effect * np.clip(np.arange(days - 300) / lag, 0, 1)
    left = {n: int(rng.integers(302, 300 + lag)) for n in range(accounts) if rng.random() < leaving}
    plans = []
    for number in range(accounts):
        lot = {"lottery": "spring", "start_order": number + 1.0}
        if number < half:
            plans.append(run(number, 300, None if number in left else 300 + lag, **lot))
        else:
            plans.append({"account": number, "created": 298} | lot)
    return inputs_of(np.exp(levels), plans, left=left)


WORLDS = {
    "whoever is low gets a plan": whoever_is_low_gets_one,
    "a season between landings": season_between_landings,
    "a tenth leaves before landing": lambda rng: drawn(rng, lag=45, leaving=0.1),
    "an effect from the start on": lambda rng: drawn(rng, lag=60, effect=EFFECT, accounts=70),
}
TRUTH = dict.fromkeys(WORLDS, 0.0) | {"an effect from the start on": EFFECT}


def judged(world, rng):
    """Return the error of the mean effect of a book, and of each met goal whether it was credited."""
    inputs, config = WORLDS[world](rng), Config(most_controls=100)
    reading = read_playbook(inputs, config, lines_of(inputs, config), Declared("rescue"))
    met = [each for each in reading.judged.values() if each.on_facts is OnFacts.DONE_MET]
    hits = [each.verdict.value in CREDITED for each in met]
    return reading.comparison.average.value - TRUTH[world], hits
