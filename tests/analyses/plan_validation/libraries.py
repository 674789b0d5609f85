"""Small playbooks and verdicts for the tests of what is built around plans."""

import pandas as pd

from csworkbench.playbooks import Standing, parsed

TOUR = """\
# A tour, for those who asked for it.
schema: 1
id: tour
title: Tour
status: active
version: 2
problem: Features are never opened
steps:
  - {name: Send the tour, mandatory: true}
  - {name: Quiz, mandatory: false}
goals:
  - {metric: queries_run, uplift: 0.25}
scope:
  where: {tier: [large, mid]}
trait: {name: tier, expected: [large]}  # declared before the first plan
cases: []
"""
WALK = TOUR.replace("id: tour", "id: walk").replace("title: Tour", "title: Walk")


def library(**texts):
    """The library of texts by id; the tour and the walk without any."""
    return parsed({f"{name}.yaml": text for name, text in (texts or {"tour": TOUR, "walk": WALK}).items()})


def verdicts(*words, playbook="tour", effect=0.25):
    """One plan per word: PL1 of account A1, PL2 of A2 and so on."""
    ids = range(1, len(words) + 1)
    return pd.DataFrame(
        {
            "plan_id": [f"PL{number}" for number in ids],
            "account_id": [f"A{number}" for number in ids],
            "playbook": playbook,
            "verdict": list(words),
            "stop_step": ["Send the tour" if word == "not_executable" else None for word in words],
            "evidence": "C",
            "effect": effect,
            "low": effect - 0.1,
            "high": effect + 0.1,
        }
    )


def standings(rows):
    """What the evidence says of each playbook where it says so of all its plans: the worst of their verdicts."""
    says = {"harmful": "harm", "not_representative": "less", "supported": "works", "verified": "works"}
    return {
        name: Standing(says[word], 9)
        for name, part in rows.groupby("playbook")
        for word in reversed(says)
        if word in set(part["verdict"])
    }
