"""Traits that nobody declared: what sets plans that worked apart may be declared before the next ones start."""

from typing import TYPE_CHECKING, Any

from csworkbench.adjustment.scoping import scope
from csworkbench.analyses.plan_validation.evidence import Inputs
from csworkbench.analyses.plan_validation.frames import natural, unit_of
from csworkbench.analyses.plan_validation.judging import Reading
from csworkbench.analyses.plan_validation.settings import Config
from csworkbench.inference.multiplicity import holm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

TRAITS = ("tier", "region", "industry", "plan", "qualification")
LEAST = 5  # plans on each side
COLUMNS = ["playbook", "trait", "value", "plans", "others", "difference", "low", "high", "unit", "p", "p_holm", "says"]
CANDIDATE = "candidate: declare it before the next plans start"


def candidate_table(inputs: Inputs, config: Config, readings: "Sequence[Reading]") -> "pd.DataFrame":
    """Return how effects differ by traits that were not declared, all tests judged together by Holm.

    Found after the fact, so they change no verdict and limit no playbook.

    Args:
        inputs: What is known.
        config: Settings.
        readings: The playbooks.

    Returns:
        One row per playbook, trait and value with at least `LEAST` plans on each side: playbook, trait, value, plans,
        others, difference, low, high (effect less that of the others: share or points, `unit`), unit, p, p_holm, says
        (candidate, or nothing).
    """
    import pandas as pd

    rows = [row for reading in readings for row in _rows(inputs, config, reading)]
    adjusted = holm([row[-1] for row in rows], 1 - config.level).p if rows else ()
    told = [(*row, p, CANDIDATE if p < config.rules.scope_level else "") for row, p in zip(rows, adjusted, strict=True)]
    return pd.DataFrame(told, columns=COLUMNS).sort_values(["p_holm", "playbook", "trait"], ignore_index=True)


def _rows(inputs: Inputs, config: Config, reading: Reading) -> "Iterator[tuple[Any, ...]]":
    if reading.comparison is None or reading.pooled is None:
        return
    effects = reading.comparison.effects.dropna(subset=["effect"])
    for trait in TRAITS:
        if trait == reading.declared.trait or trait not in inputs.accounts.columns:
            continue
        values = inputs.accounts[trait].reindex(effects["account_id"]).set_axis(effects["episode_id"])
        counts = values.value_counts()
        for value in sorted(counts.index[(counts >= LEAST) & (len(values) - counts >= LEAST)]):
            is_inside = values.eq(value).where(values.notna()).astype("boolean")
            found = scope(effects, is_inside, level=config.level, influence=reading.comparison.influence)
            gap = found.difference
            if found.p is not None and gap.value is not None and gap.low is not None and gap.high is not None:
                scale = config.scale(reading.metric)
                told = (natural(each, scale, reading.sign) for each in (gap.value, gap.low, gap.high))
                yield reading.name, trait, str(value), found.n_inside, found.n_outside, *told, unit_of(scale), found.p
