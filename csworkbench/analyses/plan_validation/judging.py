"""Each playbook held against accounts without it, and the verdict of each of its plans."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from csworkbench.adjustment.comparing import compare
from csworkbench.adjustment.designs import CompareRules, Comparison, Design
from csworkbench.adjustment.pooling import Pooled, pool, pool_part
from csworkbench.adjustment.scoping import Scope, scope
from csworkbench.analyses.plan_validation.declared import Declared, column_of, declared_of, goal_of, inside, sign_of
from csworkbench.analyses.plan_validation.episodes import episodes_of
from csworkbench.analyses.plan_validation.evidence import NO_PLAYBOOK, Inputs
from csworkbench.analyses.plan_validation.months import starts_by_month
from csworkbench.analyses.plan_validation.settings import Config, VerdictRules
from csworkbench.analyses.plan_validation.tree import Evidence, Facts, Judged, judge
from csworkbench.remembering import once

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Reading:
    """What the plans of one playbook say.

    Args:
        name: Playbook.
        declared: What its file says.
        metric: Metric that is compared: that of most of its plans; empty where none names one.
        goal: Goal on the scale of the analysis; None = nobody set one.
        lines: Its plans: timeline, execution and diagnosis side by side, index plan_id.
        episodes: What was compared; empty where nothing was.
        comparison: The comparison; None where no plan has run to its end.
        pooled: What it does across accounts; None without an effect.
        is_inside: Whether each compared plan's account has the declared trait; None without a declared trait.
        scope: Difference between accounts inside and outside, without the founder; None without a declared trait.
        sides: Pooled effects inside (True) and outside (False), without the founder.
        evidence: Plan -> what other accounts say.
        judged: Plan -> verdict.
        founder: Account it was written for, as its file says, else that of its first compared plan.
        elsewhere: `pooled` without that account: whether it works is asked there only; None where nobody else is left.
        all_started: What a matched playbook does over all plans that started, however far they were run.
    """

    name: str
    declared: Declared
    metric: str
    goal: float | None
    lines: "pd.DataFrame"
    episodes: "pd.DataFrame"
    comparison: Comparison | None
    pooled: Pooled | None
    is_inside: "pd.Series[bool] | None"
    scope: Scope | None
    sides: Mapping[bool, Pooled | None]
    evidence: Mapping[str, Evidence]
    judged: Mapping[str, Judged]
    founder: str | None = None
    elsewhere: Pooled | None = None
    all_started: Pooled | None = None

    @property
    def is_limited(self) -> bool:
        """Whether the declared trait is shown to limit the playbook."""
        return bool(self.evidence) and any(each.is_limited for each in self.evidence.values())

    def is_proven_inside(self, rules: VerdictRules) -> bool:
        """Return whether it is limited by the declared trait, and shown at enough accounts to work inside.

        A difference alone is no such proof: outside may be worse than nothing, and inside no better than it.
        """
        inside, worth = self.sides.get(True), self.worth(rules)
        if not self.is_limited or inside is None or worth is None:
            return False
        return inside.n >= rules.accounts and inside.chance_above(worth) >= rules.chance

    @property
    def sign(self) -> float:
        """Which way of the metric is good: 1 or -1."""
        return sign_of(self.declared, self.metric, self.lines)

    def worth(self, rules: VerdictRules) -> float | None:
        """Return the smallest effect of note: a part of the goal."""
        return None if self.goal is None else self.goal * rules.goal_share


def read_playbooks(
    inputs: Inputs, config: Config, lines: "pd.DataFrame", files: Iterable[Declared] = ()
) -> tuple[Reading, ...]:
    """Return what the plans of each playbook say, by name.

    Args:
        inputs: What is known.
        config: Settings.
        lines: Timeline, execution and diagnosis of all plans, index plan_id.
        files: What was declared of the playbooks.
    """
    return judge_playbooks(weigh_playbooks(inputs, config, lines, files), config)


def weigh_playbooks(
    inputs: Inputs, config: Config, lines: "pd.DataFrame", files: Iterable[Declared] = ()
) -> tuple[Reading, ...]:
    """Return what the plans of each playbook say, by name, but no verdicts yet: neither chance nor goal_share counts.

    Args:
        inputs: What is known.
        config: Settings.
        lines: Timeline, execution and diagnosis of all plans, index plan_id.
        files: What was declared of the playbooks.
    """
    known = tuple(files)
    return tuple(
        _weighed(inputs, config, part, declared_of(str(name), known))
        for name, part in lines.groupby("playbook", sort=True)
    )


def judge_playbooks(readings: Iterable[Reading], config: Config) -> tuple[Reading, ...]:
    """Return the playbooks with the verdicts of their plans.

    Args:
        readings: What `weigh_playbooks` returned.
        config: Settings.
    """
    return tuple(_judged(each, config) for each in readings)


def read_playbook(inputs: Inputs, config: Config, lines: "pd.DataFrame", declared: Declared) -> Reading:
    """Return what the plans of one playbook say.

    Args:
        inputs: What is known.
        config: Settings.
        lines: Its plans.
        declared: What was declared of it.
    """
    return _judged(_weighed(inputs, config, lines, declared), config)


def _weighed(inputs: Inputs, config: Config, lines: "pd.DataFrame", declared: Declared) -> Reading:
    import pandas as pd

    metric = str(lines["metric"].mode().iloc[0]) if lines["metric"].notna().any() else ""
    goal = goal_of(declared, metric, config.scale(metric), lines)
    is_same = (lines["metric"] == metric) & (lines["sign"] == sign_of(declared, metric, lines))
    counted = lines[is_counted(lines, config.rules) & is_same]
    episodes = pd.DataFrame()
    if len(counted) and declared.name != NO_PLAYBOOK:  # plans that have nothing in common are not pooled
        episodes = episodes_of(inputs, config, counted, metric, starts_below=declared.starts_below)
    comparison = _compared(inputs, config, counted, metric, episodes) if len(episodes) else None
    pooled = None if comparison is None else pool(comparison.effects, level=config.level)
    founder = _founder(declared, lines, pooled)
    is_inside = inside(declared, inputs.accounts, counted) if pooled is not None else None
    limit = elsewhere = None
    sides: dict[bool, Pooled | None] = {}
    if comparison is not None and pooled is not None and founder is not None:
        elsewhere = _part(comparison, comparison.effects["account_id"] != founder, config)
    if comparison is not None and pooled is not None and is_inside is not None:
        others = is_inside.loc[lines.loc[is_inside.index, "account_id"] != founder]
        limit = scope(
            comparison.effects,
            others,
            min_treated=config.rules.scope_plans,
            level=config.level,
            influence=comparison.influence,
        )
        if column_of(declared.trait) in inputs.of_today:
            limit = replace(limit, is_candidate=True)
        here = comparison.effects["episode_id"].map(is_inside)
        is_other = comparison.effects["account_id"] != founder
        for side in (True, False):
            sides[side] = _part(comparison, is_other & (here == side).fillna(False), config)
    return Reading(
        declared.name, declared, metric, goal, lines, episodes, comparison, pooled, is_inside, limit, sides, {}, {},
        founder, elsewhere, _all_started(inputs, config, lines[is_same], comparison),
    )  # fmt: skip


def _part(comparison: Comparison, is_part: "pd.Series[bool]", config: Config) -> Pooled | None:
    return pool_part(comparison.effects, is_part.astype(bool), comparison.influence, level=config.level)


def _founder(declared: Declared, lines: "pd.DataFrame", pooled: Pooled | None) -> str | None:
    if declared.founder is not None or pooled is None:
        return declared.founder
    plans = lines[lines.index.isin(pooled.accounts["episode_id"])]
    return str(plans.sort_values("created_on", kind="stable")["account_id"].iloc[0])


def _compared(
    inputs: Inputs, config: Config, lines: "pd.DataFrame", metric: str, episodes: "pd.DataFrame"
) -> Comparison:
    """Return the comparison by windows, and where these allow none, by months, which are only then read."""
    rules = CompareRules(level=config.level, seed=config.seed, anticipation=config.anticipation_months)
    found = compare(episodes, rules)
    if found.design is not Design.NONE:
        return found
    return compare(episodes, rules, panel=starts_by_month(inputs, config, lines, metric, episodes))


def is_counted(lines: "pd.DataFrame", rules: VerdictRules) -> "pd.Series[bool]":
    """Return which plans say something about their playbook: run to the end, for a problem that was one.

    The calendar says when: the window after landing is over. Whether somebody has closed the plan does not count, for
    those that missed their goal stay open longer. Nor do steps that come after landing: who skips them is who fell.
    Plans whose start was drawn by lot all count once they have started: leaving some out would undo the lot.

    Args:
        lines: Timeline, execution and diagnosis.
        rules: Thresholds; only the fidelity counts.
    """
    is_run = (lines["run_by_landing"] >= rules.fidelity) & ~lines["is_wrong"].fillna(False).astype(bool)
    found: pd.Series[bool] = has_started(lines) & (is_run | lines["lottery"].notna())
    return found


def has_started(lines: "pd.DataFrame") -> "pd.Series[bool]":
    """Return which plans have started, whatever became of them, with a window after that is over.

    Args:
        lines: Timeline of the plans.
    """
    begun = lines["started_on"].notna() | lines["landed_on"].notna()
    found: pd.Series[bool] = begun & lines["is_matured"] & ~lines["is_backward"]
    return found


def _all_started(inputs: Inputs, config: Config, lines: "pd.DataFrame", comparison: Comparison | None) -> Pooled | None:
    """Return what a matched playbook does over all plans that started, however far they were run."""
    if comparison is None or comparison.design is not Design.MATCHED:
        return None
    if not (has_started(lines) & ~is_counted(lines, config.rules)).any():
        return pool(comparison.effects, level=config.level)
    every = lines[has_started(lines)]
    episodes = episodes_of(inputs, config, every, str(every["metric"].iloc[0]))
    found = compare(
        episodes, CompareRules(level=config.level, seed=config.seed, anticipation=config.anticipation_months)
    )
    return pool(found.effects, level=config.level)


def _judged(reading: Reading, config: Config) -> Reading:
    asked = ("evidence", repr(config.rules.model_copy(update={"chance": 1.0})))
    evidence = once(reading, asked, lambda: evidence_of(reading, config.rules))
    facts = once(reading, "facts", lambda: [facts_of(line) for line in reading.lines.to_dict("records")])
    judged = {
        str(plan): judge(each, evidence[str(plan)], config.rules)
        for plan, each in zip(reading.lines.index, facts, strict=True)
    }
    return replace(reading, evidence=evidence, judged=judged)


def facts_of(line: "Mapping[Any, Any]") -> Facts:
    """Return the facts of a plan from its row of timeline, execution and diagnosis.

    Args:
        line: Column -> value.
    """
    import pandas as pd

    def answer(name: str) -> bool | None:
        value = line[name]
        return None if pd.isna(value) else bool(value)

    share = line["fidelity"]
    return Facts(
        is_closed=not pd.isna(line["closed_on"]),
        is_matured=bool(line["is_matured"]),
        is_blocked=bool(line["is_blocked"]),
        is_wrong=answer("is_wrong"),
        fidelity=None if pd.isna(share) else float(share),
        is_reached=answer("is_reached"),
        blocker=str(line["blocker"]),
        stops=int(line["stops"]),
        stop_csms=int(line["stop_csms"]),
    )


def evidence_of(reading: Reading, rules: VerdictRules) -> dict[str, Evidence]:
    """Return what other accounts say of the playbook, for each of its plans.

    Args:
        reading: The comparison, pooled and by side of the declared trait.
        rules: Thresholds; all but the chance count.
    """
    import pandas as pd

    comparison, pooled, worth = reading.comparison, reading.elsewhere, reading.worth(rules)
    plans = [str(plan) for plan in reading.lines.index]
    if comparison is None or pooled is None or worth is None:
        is_comparable = comparison is not None and comparison.design is not Design.NONE
        return dict.fromkeys(plans, Evidence(is_comparable=is_comparable))
    is_limited = _is_limited(reading, rules)
    whole = _Chances(pooled, reading, worth)
    sides = {side: None if each is None else _Chances(each, reading, worth) for side, each in reading.sides.items()}
    trait = reading.is_inside if is_limited else None
    found = {}
    rows = zip(plans, *(reading.lines[name] for name in ("account_id", "goal", "metric")), strict=True)
    for plan, account, goal, metric in rows:
        if metric != reading.metric:  # what is known is of another metric
            found[plan] = Evidence(is_comparable=False)
            continue
        side = None if trait is None or pd.isna(trait.get(plan)) else bool(trait[plan])
        own = whole if side is None else (sides[side] or whole)
        elsewhere = sides.get(True)
        found[plan] = Evidence(
            is_comparable=comparison.design is not Design.NONE,
            is_randomized=comparison.design is Design.LOTTERY,
            accounts=own.accounts(account),
            csms=own.csms(account),
            above=own.above(plan, account, worth),
            harm=own.harm(plan, account),
            above_goal=own.above(plan, account, float(goal)) if goal == goal else None,
            is_outside=side is False,
            is_limited=is_limited,
            above_inside=None if elsewhere is None else elsewhere.above(plan, account, worth),
            accounts_inside=0 if elsewhere is None else elsewhere.accounts(account),
        )
    return found


def _is_limited(reading: Reading, rules: VerdictRules) -> bool:
    found = reading.scope
    if found is None or found.p is None or found.is_candidate or None in reading.sides.values():
        return False
    return found.p < rules.scope_level and (found.difference.value or 0.0) > 0


class _Chances:
    """Probabilities of a playbook's mean effect without one account after the other, each looked up once."""

    def __init__(self, pooled: Pooled, reading: Reading, worth: float) -> None:
        self._pooled = pooled
        self._worth = worth
        effects = pooled.accounts
        csms = reading.lines["csm_id"].reindex(effects["episode_id"]).to_numpy()
        self._plans = effects.drop_duplicates("account_id").set_index("account_id")["episode_id"].to_dict()
        self._of_csm = effects["account_id"].groupby(csms).agg(set).tolist()
        self._episodes = frozenset(effects["episode_id"])
        self._without = pooled.chances_without()

    def accounts(self, account: str) -> int:
        """Return how many other accounts have an effect."""
        return len(self._plans) - (account in self._plans)

    def csms(self, account: str) -> int:
        """Return how many CSMs the plans of other accounts had."""
        return sum(held != {account} for held in self._of_csm)

    def above(self, plan: str, account: str, effect: float) -> float | None:
        """Return P(mean effect >= a value) without an account; None where no other is left."""
        # Another plan of the account among the effects goes out with it, and says the same.
        among = plan if plan in self._episodes else self._plans.get(account)
        if among is not None:
            return self._without(among, effect)
        return self._pooled.chance_above(effect)

    def harm(self, plan: str, account: str) -> float | None:
        """Return P(mean effect < - smallest effect of note) without an account."""
        above = self.above(plan, account, -self._worth)
        return None if above is None else 1 - above


def lines_of(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return timeline, execution and diagnosis of all plans side by side, index plan_id; lottery is an official one.

    Args:
        inputs: What is known.
        config: Settings.
    """
    from csworkbench.analyses.plan_validation.episodes import starts
    from csworkbench.analyses.plan_validation.execution import executed
    from csworkbench.analyses.plan_validation.timeline import timeline

    lines = timeline(inputs, config)
    lines = lines.assign(lottery=lines["lottery"].where(lines["lottery"].isin(inputs.official)))
    return lines.join(executed(inputs)).join(starts(inputs, config, lines))
