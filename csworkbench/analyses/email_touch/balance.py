"""Are the arms alike? Neither what came before the draw nor who is left out afterwards may tell them apart."""

from collections.abc import Iterator

from csworkbench.analyses.email_touch.exposure import Check, short_p
from csworkbench.analyses.email_touch.facts import Facts
from csworkbench.analyses.email_touch.pairs import effect_of
from csworkbench.estimates import Severity, say
from csworkbench.experiments import Experiment
from csworkbench.inference.accounts import CannotTell
from csworkbench.inference.multiplicity import holm
from csworkbench.inference.sample_ratio import BLOCKS_BELOW, WARNS_BELOW, SampleRatio, sample_ratio


def balance(experiment: Experiment, facts: Facts, seed: int) -> Iterator[Check]:
    """Yield one check: the covariates of the metrics, compared between the arms like outcomes, adjusted by Holm.

    A lot makes arms that differ by chance only, so it stops at the p-values at which the ratio of the arms stops.

    Args:
        experiment: The experiment.
        facts: What is known of it.
        seed: Seed of permutations.

    Source: Imbens and Rubin (2015), Causal Inference, ch. 21: a variable known to be unaffected as a placebo outcome.
    """
    asked = [
        (metric, variant)
        for metric in experiment.metrics
        if metric.covariate is not None and metric.name in facts.metrics and not facts.late.get(metric.name)
        for variant in experiment.variants(metric)
    ]
    judged = [(each, effect_of(experiment, facts, each, seed, is_before=True)) for each in asked]
    told = [(each, found.p) for each, found in judged if not isinstance(found, CannotTell)]
    if not told:
        return
    adjusted = holm([p for _, p in told]).p
    p, (metric, variant) = min(((p, each) for p, (each, _) in zip(adjusted, told, strict=True)), key=lambda one: one[0])
    severity = Severity.STOP if p < BLOCKS_BELOW else Severity.WARNING if p < WARNS_BELOW else None
    words = {"metric": metric.label, "p": short_p(p), "n": len(told)}
    arms = {"variant": experiment.arm(variant).label, "control": experiment.arm(experiment.baseline(metric)).label}
    if severity is None:
        finding = say("Alike before the draw in {n:n comparison|comparisons} (smallest p {p}: {metric})", **words)
        yield Check("earlier_period", None, finding, None, p, len(facts.units))
        return
    finding = say("{variant} and {control} differed before the draw already: {metric} (p {p})", **words, **arms)
    action = say("Do not read the effects. Find out who chose the arms: a lot does not make such a difference")
    yield Check("earlier_period", severity, finding, action, p, len(facts.units))


def uneven_metrics(experiment: Experiment, facts: Facts) -> tuple[str, ...]:
    """Return the metrics whose units are left out more in one arm: among who is left, the lot no longer decides.

    Args:
        experiment: The experiment.
        facts: What is known of it.
    """
    units = facts.units
    is_read = units["why"] == ""
    found: dict[str, float] = {}
    for name, values in facts.metrics.items():
        counted = is_read & (values["why"] == "")
        kept = [int((counted & (units["variant"] == arm.name)).sum()) for arm in experiment.arms]
        there = [int((is_read & (units["variant"] == arm.name)).sum()) for arm in experiment.arms]
        if kept == there or not all(there):
            continue
        told = sample_ratio(kept, there)
        if isinstance(told, SampleRatio):
            found[name] = told.p
    return tuple(name for name, p in zip(found, holm(list(found.values())).p, strict=True) if p < BLOCKS_BELOW)
