"""The tables of the result: verdicts, playbooks, what was declared and what was found."""

from typing import TYPE_CHECKING, Any

from csworkbench import formats
from csworkbench.adjustment.pooling import Pooled
from csworkbench.analyses.plan_validation.changing import accounts_to_settle, would_change
from csworkbench.analyses.plan_validation.doubts import REFUSED
from csworkbench.analyses.plan_validation.evidence import NO_PLAYBOOK, Inputs
from csworkbench.analyses.plan_validation.judging import Reading, is_counted
from csworkbench.analyses.plan_validation.marks import MARKED, marks
from csworkbench.analyses.plan_validation.settings import Config, VerdictRules
from csworkbench.analyses.plan_validation.tree import Evidence, Verdict
from csworkbench.playbooks import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

UNDECIDED, TOO_FEW = "undecided", "too few accounts"
SURE = 0.95  # probability at which a playbook's file may change between two looks
SCALED = ("effect", "low", "high")
SHOWN = (
    "account_id",
    "metric",
    "anchor_on",
    "anchored_by",
    "ends_on",
    "baseline",
    "target",
    "fidelity",
    "stop_step",
    "blocker",
    "own_change",
    "peer_change",
)


def natural(value: float, scale: str, sign: float = 1.0) -> float:
    """Return an effect as a reader knows it: a share of the level, or points; good is positive.

    Args:
        value: Effect on the scale of the analysis.
        scale: relative or points.
        sign: Which way of the metric is good: with -1 a gain of .22 of the logarithm is a fall by 20 %, so .2.
    """
    import math

    return sign * math.expm1(sign * value) if scale == "relative" else value


def unit_of(scale: str) -> str:
    """Return the unit of `natural` effects."""
    return "share" if scale == "relative" else "points"


def verdict_table(inputs: Inputs, config: Config, readings: "Sequence[Reading]") -> "pd.DataFrame":
    """Return the verdict of each plan, by playbook and plan.

    Args:
        inputs: What is known.
        config: Settings.
        readings: The playbooks.

    Returns:
        One row per plan: plan_id, account_id, playbook, verdict_on_facts, verdict, path, probability (that the playbook
        does the smallest effect of note at other accounts), effect, low, high (of this plan; share of the level or
        points, `unit`), evidence (letter of the design, its name), n_controls, unit, name (of the account), metric,
        anchor_on, anchored_by, ends_on (day after the window), baseline, target, fidelity, stop_step, blocker,
        own_change (of the problem's metric at the start against its own history), peer_change, reached_level, others,
        others_reached (plans of the playbook that were run to the end, and those of them that met the goal),
        probabilities, would_change, marks.
    """
    import pandas as pd

    names = inputs.accounts["name"].to_dict()
    rows = [row for reading in readings for row in _rows(names, config, reading)]
    return pd.DataFrame(rows).sort_values(["playbook", "plan_id"], ignore_index=True)


def judged_table(inputs: Inputs, readings: "Sequence[Reading]") -> "pd.DataFrame":
    """Return of `verdict_table` what thresholds decide, and whom it is about.

    Args:
        inputs: What is known.
        readings: The playbooks.

    Returns:
        One row per plan, in the same order: plan_id, playbook, verdict_on_facts, verdict, name, stop_step.
    """
    import pandas as pd

    names = inputs.accounts["name"].to_dict()
    rows = [
        (str(plan), reading.name, judged.on_facts.value, judged.verdict.value, names.get(account, account), step)
        for reading in readings
        for (plan, account, step), judged in zip(
            reading.lines[["account_id", "stop_step"]].itertuples(name=None), reading.judged.values(), strict=True
        )
    ]
    columns = ["plan_id", "playbook", "verdict_on_facts", "verdict", "name", "stop_step"]
    return pd.DataFrame(rows, columns=columns).sort_values(["playbook", "plan_id"], ignore_index=True)


def _rows(names: "Mapping[Any, Any]", config: Config, reading: Reading) -> "Iterator[dict[str, object]]":
    """Yield the row of each plan of a playbook."""
    scale, unit = config.scale(reading.metric), unit_of(config.scale(reading.metric))
    effects = {} if reading.comparison is None else reading.comparison.effects.set_index("episode_id").to_dict("index")
    is_run = is_counted(reading.lines, config.rules)
    run, reached = is_run.to_dict(), (is_run & reading.lines["is_reached"].fillna(False).astype(bool)).to_dict()
    n_run, n_reached, tier = sum(run.values()), sum(reached.values()), _tier(reading)
    shown = [
        *SHOWN,
        "steps",
        "goal",
        "is_wrong",
        "is_ticked",
        "is_backward",
        "overlaps",
        "is_matured",
        "level_after",
        *MARKED,
    ]
    for plan, line in reading.lines[shown].to_dict("index").items():
        judged, evidence, effect = reading.judged[str(plan)], reading.evidence[str(plan)], effects.get(plan, {})
        yield {
            "plan_id": plan,
            "account_id": line["account_id"],
            "playbook": reading.name,
            "verdict_on_facts": judged.on_facts.value,
            "verdict": judged.verdict.value,
            "path": judged.way,
            "probability": float("nan") if evidence.above is None else evidence.above,
            **{name: natural(effect.get(name, float("nan")), scale, reading.sign) for name in SCALED},
            "evidence": tier,
            "n_controls": int(effect.get("n_controls", 0)),
            "unit": unit,
            "name": names.get(line["account_id"], line["account_id"]),
            **{name: line[name] for name in SHOWN[1:]},
            "reached_level": line["level_after"] if line["is_matured"] else float("nan"),
            "others": n_run - run[plan],
            "others_reached": n_reached - reached[plan],
            "probabilities": probabilities(reading, evidence, config),
            "would_change": formats.text(would_change(reading, str(plan), config.rules)),
            "marks": "; ".join(marks(line)),
        }


def _tier(reading: Reading) -> str:
    if reading.comparison is None:
        return "none"
    design = reading.comparison.design
    return f"{design.letter} {design.value}"


def probabilities(reading: Reading, evidence: Evidence, config: Config) -> str:
    """Return every probability a verdict used, with its threshold, as one line.

    Args:
        reading: The playbook.
        evidence: What other accounts say.
        config: Settings.
    """
    worth = reading.worth(config.rules)
    if evidence.above is None or worth is None:
        return ""
    scale = config.scale(reading.metric)
    effect = formats.in_unit(natural(worth, scale, reading.sign), unit_of(scale))
    said = [
        ("mean effect at other accounts at least " + effect, evidence.above),
        ("harm of as much", evidence.harm),
        ("mean effect at least the goal", evidence.above_goal),
        ("the same inside the declared trait", evidence.above_inside if evidence.is_limited else None),
    ]
    told = [f"{words}: {value:.2f}" for words, value in said if value is not None]
    sources = f"from {evidence.accounts} accounts of {evidence.csms} CSMs; counts from {config.rules.chance:.2f}"
    return "; ".join([*told, sources])


def playbook_table(config: Config, readings: "Sequence[Reading]") -> "pd.DataFrame":
    """Return what each playbook does.

    Args:
        config: Settings.
        readings: The playbooks.

    Returns:
        One row per playbook: playbook, title, metric, plans, run (over and run to the end), reached (of those with a
        goal), reached_of, design, reason, effect, low, high (mean over accounts but the founder, as in all that
        follows, pooled; share or points, `unit`),
        next_above (probability that it does the smallest effect of note at the next account), probability (that the
        mean effect is as large), harm, worth (smallest effect of note), goal, tau (spread between accounts, on the
        scale of the analysis), accounts, csms, trait, trait_p, trait_says, settled_by (accounts, if undecided), says.
    """
    import pandas as pd

    found = pd.DataFrame([_playbook(config, reading) for reading in readings])
    return found[found["playbook"] != NO_PLAYBOOK].reset_index(drop=True)


def _playbook(config: Config, reading: Reading) -> "dict[str, object]":
    import numpy as np

    scale, rules = config.scale(reading.metric), config.rules
    pooled, worth = reading.elsewhere, reading.worth(rules)
    run = reading.lines[is_counted(reading.lines, rules)]
    told = run["is_reached"].dropna()
    known = {"effect": np.nan, "low": np.nan, "high": np.nan, "next_above": np.nan, "probability": np.nan}
    known |= {"harm": np.nan, "tau": np.nan}
    if pooled is not None:
        known |= {name: natural(value, scale, reading.sign) for name, value in zip(SCALED, _mean(pooled), strict=True)}
        known["tau"] = pooled.tau
        if worth is not None:
            known["next_above"] = pooled.next_above(worth)
            known["probability"] = pooled.chance_above(worth)
            known["harm"] = 1 - pooled.chance_above(-worth)
    said = says(reading, config)
    settled = accounts_to_settle(reading, rules) if said in (UNDECIDED, TOO_FEW) else None
    return {
        "playbook": reading.name,
        "title": reading.declared.title or reading.name,
        "metric": reading.metric,
        "plans": len(reading.lines),
        "run": len(run),
        "reached": int(told.sum()),
        "reached_of": len(told),
        "design": _tier(reading),
        "reason": _reason(reading),
        **known,
        "worth": np.nan if worth is None else natural(worth, scale, reading.sign),
        "goal": np.nan if reading.goal is None else natural(reading.goal, scale, reading.sign),
        "unit": unit_of(scale),
        "accounts": 0 if pooled is None else int(pooled.accounts["account_id"].nunique()),
        "csms": int(run["csm_id"].nunique()),
        "trait": reading.declared.trait,
        "trait_p": np.nan if reading.scope is None or reading.scope.p is None else reading.scope.p,
        "trait_says": trait_says(reading, rules),
        "settled_by": np.nan if settled is None else settled,
        "says": said,
    }


def _reason(reading: Reading) -> str:
    """Return why the design was chosen, and why no better one."""
    if reading.comparison is None:
        return "No plan has run to its end"
    refused = [formats.text(each.message) for each in reading.comparison.caveats if each.code == REFUSED]
    return ". ".join([formats.text(reading.comparison.reason), *refused])


def _mean(pooled: Pooled) -> "tuple[float, float, float]":
    return pooled.mean, pooled.low, pooled.high


def trait_says(reading: Reading, rules: VerdictRules) -> str:
    """Return what the test of the declared trait says: limits, candidate, no difference shown, or nothing declared.

    Args:
        reading: The playbook.
        rules: Thresholds; only the plans a trait needs count.
    """
    found = reading.scope
    if not reading.declared.trait:
        return "none declared"
    if found is None or found.p is None:
        return "cannot tell"
    if reading.is_limited:
        return "limits it"
    if found.is_candidate:
        few = found.n_inside + found.n_outside < rules.scope_plans
        return "candidate: too few plans" if few else "candidate: known as of today only"
    return "no difference shown"


def says(reading: Reading, config: Config) -> str:
    """Return what the evidence says of a playbook, in a few words.

    Args:
        reading: The playbook.
        config: Settings.
    """
    rules, pooled, worth = config.rules, reading.elsewhere, reading.worth(config.rules)
    if pooled is None or worth is None or reading.comparison is None:
        return "cannot tell"
    if pooled.accounts["account_id"].nunique() < rules.accounts:
        return TOO_FEW
    if reading.is_proven_inside(rules):
        return "works inside its trait only"
    if pooled.chance_above(worth) >= rules.chance:
        return "works" if reading.comparison.design.letter == "A" else "works, as far as a comparison can tell"
    if 1 - pooled.chance_above(-worth) >= rules.chance:
        return "does harm"
    if 1 - pooled.chance_above(worth) >= rules.chance:
        return "does less than the smallest effect of note"
    return UNDECIDED


def standing(reading: Reading, config: Config) -> Standing | None:
    """Return what the evidence says of a playbook, for its file; None where nothing is settled.

    Args:
        reading: The playbook.
        config: Settings.
    """
    pooled, worth = reading.elsewhere, reading.worth(config.rules)
    if pooled is None or worth is None:
        return None
    above, harm = pooled.chance_above(worth), 1 - pooled.chance_above(-worth)
    match says(reading, config):
        case "works" | "works, as far as a comparison can tell":
            return Standing("works", pooled.n, above >= SURE)
        case "does harm":
            return Standing("harm", pooled.n, harm >= SURE)
        case "does less than the smallest effect of note":
            return Standing("less", pooled.n, 1 - above >= SURE)
    return None


def leaf_table(verdicts: "pd.DataFrame") -> "pd.DataFrame":
    """Return how many plans of each playbook ended at each leaf: playbook, verdict, plans, in the order of the tree."""
    order = {each.value: place for place, each in enumerate(Verdict)}
    counted = verdicts.groupby(["playbook", "verdict"]).size().rename("plans").reset_index()
    placed = counted.assign(place=counted["verdict"].map(order)).sort_values(["playbook", "place"], ignore_index=True)
    return placed.drop(columns="place")


def forest_table(playbooks: "pd.DataFrame") -> "pd.DataFrame":
    """Return the pooled effects of playbooks of relative metrics, for a picture: name, effect, low, high (shares)."""
    told = playbooks[playbooks["effect"].notna() & (playbooks["unit"] == "share")]
    found = told[["title", "effect", "low", "high"]].rename(columns={"title": "name"})
    return found.sort_values("effect", ascending=False, ignore_index=True)


def rebound_table(config: Config, readings: "Sequence[Reading]") -> "pd.DataFrame":
    """Return what came after plans beside what was expected without them, the level before = 100.

    Returns:
        One row per compared playbook of a relative metric: name, before (100), expected, low, high (of the
        expectation: the rebound that would have come anyway, with its interval), after, plans.
    """
    import numpy as np
    import pandas as pd

    rows = []
    for reading in readings:
        if reading.comparison is None or config.scale(reading.metric) != "relative":
            continue
        told = reading.comparison.effects.dropna(subset=["effect"])
        if told.empty:
            continue
        sign = reading.sign
        rebound, after = told["rebound"].mean(), (told["observed"] - told["before"]).mean()
        far = 1.96 * float(told["shared_error"].iloc[0])
        ends = sorted(100 * np.exp(sign * np.array([rebound - far, rebound + far])))
        points = 100 * np.exp(sign * np.array([rebound, after]))
        name = reading.declared.title or reading.name
        rows.append((name, 100.0, points[0], *ends, points[1], len(told)))
    return pd.DataFrame(rows, columns=["name", "before", "expected", "low", "high", "after", "plans"])


def balance_table(readings: "Sequence[Reading]") -> "pd.DataFrame":
    """Return how alike plans and controls were: playbook, covariate, smd_before, smd_after."""
    import pandas as pd

    parts = [each.comparison.balance.assign(playbook=each.name) for each in readings if each.comparison is not None]
    columns = ["playbook", "covariate", "smd_before", "smd_after"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def effect_table(config: Config, readings: "Sequence[Reading]") -> "pd.DataFrame":
    """Return the effect of each compared plan before and after pooling.

    Returns:
        One row per compared plan: plan_id, account_id, playbook, effect, low, high (of the plan alone), pooled,
        pooled_low, pooled_high (with what the others say), expected_change, n_controls; shares or points, `unit`.
    """
    import pandas as pd

    parts = []
    for reading in readings:
        if reading.comparison is None or reading.pooled is None:
            continue
        scale, sign = config.scale(reading.metric), reading.sign
        own = reading.comparison.effects.rename(columns={"rebound": "expected_change"})
        posterior = reading.pooled.accounts.set_index("episode_id")[["mean", "low", "high"]]
        joined = own.join(posterior.set_axis(["pooled", "pooled_low", "pooled_high"], axis=1), on="episode_id")
        for name in (*SCALED, "pooled", "pooled_low", "pooled_high", "expected_change"):
            joined[name] = joined[name].map(lambda value, scale=scale, sign=sign: natural(value, scale, sign))
        parts.append(joined.assign(unit=unit_of(scale)).rename(columns={"episode_id": "plan_id"}))
    columns = ["plan_id", "account_id", "playbook", *SCALED, "pooled", "pooled_low", "pooled_high"]
    columns += ["expected_change", "n_controls", "unit"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
