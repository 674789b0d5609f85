"""Success plans of the simulated book with their steps, goals and notes, and the truth about every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from csworkbench.sampledata.business_metrics import (
    METRIC,
    MetricModel,
    MetricValues,
    Shifts,
    make_metrics,
    metrics_table,
)
from csworkbench.sampledata.course import Course, make_course, office, step_rows
from csworkbench.sampledata.draws import pick
from csworkbench.sampledata.picking import Picks, before, make_picks, make_tailwinds
from csworkbench.sampledata.playbooks import (
    BAD_NOTES,
    BY_NAME,
    COMMITMENTS,
    GOOD_NOTES,
    LOTTERY,
    POST_DAYS,
    PRE_DAYS,
    START_NOTES,
    Playbook,
)
from csworkbench.sampledata.world import World, only
from csworkbench.tables import Kind

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.people import People
    from csworkbench.sampledata.world import Flags, Floats, Texts, Times

NO_GOAL_SHARE = 0.05  # plans (but those of the lottery) that were written without a number
TOO_HIGH_SHARE, TOO_HIGH = 0.2, 1.0  # of the plans of `scenario_workshop` a fifth is to double the metric
UNSHARED_SHARE = 0.12
EXTRA: Mapping[str, Mapping[str, tuple[Kind, str]]] = {
    "plans": {
        "eligible_at": (Kind.DATE, "Day the account was eligible; blank without a lottery"),
        "lottery": (Kind.TEXT, "Lottery that drew the start order among the eligible accounts; blank = none"),
        "start_order": (Kind.INTEGER, "Place in the drawn start order, from 1; the first third starts first"),
    }
}
COMMENTS: Mapping[str, str] = {
    "plans": "Success plans: which problem, which playbook, when it started, landed and was closed.",
    "plan_steps": "Steps of the plans, planned and done, and what held them up.",
    "plan_goals": "The metric a plan should move, with its baseline and target.",
    "metrics_daily": "Business metrics of the customers, one row per working day.",
}
NOTES = """\
- `plans` follow eight playbooks. Most start when things look bad, so that part of what comes after them would have come
  anyway. In `team_rollout` more accounts were eligible than could start: a lottery drew the order (`lottery`,
  `eligible_at`, `start_order`; those who wait have no `started_at`).
- `plan_goals.baseline` is the mean per working day of the metric over the `pre_days` before the plan was created.
- `metrics_daily` has a row for each Monday to Friday while the account is there, also where the value is 0;
  `active_dashboards` and `orders_handled` are known of large and mid accounts only."""


@dataclass(frozen=True, slots=True)
class SuccessTruths:
    """What was planted about success plans.

    Args:
        playbooks: The playbooks with their true effects.
        metric_model: Numbers of the business metrics.
        plans: One row per plan: plan_id, account_id, playbook, tier, run (how it was executed), is_misdiagnosed, dip
            and engagement (mean swing and engagement of the two months before), has_tailwind (the account's business
            grew by itself between the two windows of the comparison, and nobody recorded it), effect (what the plan
            truly added to the logarithm of its metric), is_reached (blank while the window is open or there is no
            goal), verdict (leaf of the tree of reverse validation if the true effects were known).
        tailwinds: One row per account whose business grew by itself: account_id, month.
    """

    playbooks: Mapping[str, Playbook]
    metric_model: MetricModel
    plans: pd.DataFrame
    tailwinds: pd.DataFrame


def joined(parts: Sequence[SuccessTruths]) -> SuccessTruths:
    """Return the truths of several blocks as one."""
    import pandas as pd

    plans, tailwinds = (
        pd.concat([getattr(part, name) for part in parts], ignore_index=True) for name in ("plans", "tailwinds")
    )
    return SuccessTruths(BY_NAME, METRIC, plans, tailwinds)


@dataclass(frozen=True, slots=True)
class _Plans:
    """Everything about the plans of a block, one value per plan, in the order of their creation."""

    ids: Texts
    picks: Picks
    course: Course
    tier: Texts
    metric: Texts
    effect: Floats
    uplift: Floats
    tailwind: Times


def success_tables(
    world: World, contracts: Contracts, people: People
) -> tuple[Mapping[str, pd.DataFrame], SuccessTruths]:
    """Return plans, plan_steps, plan_goals, metrics_daily, further touches of the plans, and the truths of a block.

    Args:
        world: Accounts and their latent engagement.
        contracts: When accounts leave.
        people: Contacts, and who looks after the accounts.
    """
    plans = _make_plans(world, contracts)
    metrics = make_metrics(world, contracts, _shifts(plans))
    goals, is_reached = _goals(world, plans, metrics)
    frames = {
        "plans": _plan_rows(world, people, plans),
        "plan_steps": step_rows(world, plans.ids, plans.picks, plans.course),
        "plan_goals": goals,
        "metrics_daily": metrics_table(world, metrics),
        "touches": _note_rows(world, people, plans, is_reached),
    }
    return MappingProxyType(frames), _truths(world, plans, is_reached)


def _make_plans(world: World, contracts: Contracts) -> _Plans:
    import numpy as np

    picks = make_picks(world, contracts)
    tailwinds = make_tailwinds(world, picks)
    picks, course = make_course(world, contracts, picks)
    tier = world.traits["tier"].to_numpy(object)[picks.account]
    metric = np.array([BY_NAME[name].metric for name in picks.playbook], dtype=object)
    effect = np.array([BY_NAME[name].effect_in(size) for name, size in zip(picks.playbook, tier, strict=True)])
    is_real = (course.run == "finished") & ~np.isnat(course.landed) & (course.landed <= world.size.last_second)
    return _Plans(
        world.ids("PL", 6, range(len(picks.account))),
        picks,
        course,
        tier,
        metric,
        np.where(is_real, effect, 0.0).astype(float),
        _uplift(world, picks),
        tailwinds,
    )


def _uplift(world: World, picks: Picks) -> Floats:
    """Return the goal of each plan as a share of its baseline, 0 for those written without a number."""
    import numpy as np

    chance = world.stream("plan_goals").random(len(picks.playbook))
    usual = np.array([BY_NAME[name].uplift for name in picks.playbook], dtype=float)
    is_too_high = (picks.playbook == "scenario_workshop") & (chance < TOO_HIGH_SHARE)
    has_none = (picks.playbook != LOTTERY.name) & (chance > 1 - NO_GOAL_SHARE)
    return np.where(has_none, 0.0, np.where(is_too_high, TOO_HIGH, usual))


def _shifts(plans: _Plans) -> Shifts:
    """Return the effects of the plans from the day after landing on, and the tailwinds from their month on."""
    import numpy as np

    works = np.flatnonzero(plans.effect != 0)
    grows = np.flatnonzero(~np.isnat(plans.tailwind))
    since = plans.course.landed[works].astype("datetime64[D]") + 1
    return Shifts(
        np.concatenate([plans.picks.account[works], grows]),
        np.concatenate([plans.metric[works], np.full(len(grows), "orders_handled", dtype=object)]),
        np.concatenate([since, plans.tailwind[grows].astype("datetime64[D]")]),
        np.concatenate([plans.effect[works], np.full(len(grows), METRIC.tailwind)]),
    )


def _goals(world: World, plans: _Plans, metrics: MetricValues) -> tuple[pd.DataFrame, Floats]:
    """Return `plan_goals`, and whether each plan reached its goal (1 or 0; NaN: no goal or the window is open)."""
    import numpy as np
    import pandas as pd

    course, account, count = plans.course, plans.picks.account, len(plans.ids)
    created = course.created.astype("datetime64[D]")
    baseline = np.round(metrics.mean(plans.metric, account, created - PRE_DAYS, created), 2)
    target = np.round(baseline * (1 + plans.uplift), 2)
    anchor = course.anchor().astype("datetime64[D]") + 1
    after = metrics.mean(plans.metric, account, anchor, anchor + POST_DAYS)
    has_goal = (plans.uplift > 0) & ~np.isnan(baseline)
    is_over = has_goal & (anchor + POST_DAYS <= np.datetime64(world.size.end, "D") + 1)
    frame = pd.DataFrame(
        {
            "plan_id": plans.ids,
            "metric": plans.metric,
            "direction": "higher",
            "baseline": baseline,
            "target": target,
            "pre_days": np.full(count, PRE_DAYS),
            "post_days": np.full(count, POST_DAYS),
            "known_at": course.known(),
        }
    )
    return frame[has_goal].reset_index(drop=True), np.where(is_over, after >= target, np.nan)


def _plan_rows(world: World, people: People, plans: _Plans) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    rng, picks, course = world.stream("plans", 2), plans.picks, plans.course
    count, account = len(picks.account), picks.account
    playbooks = [BY_NAME[name] for name in picks.playbook]
    region = world.traits["region"].to_numpy(object)[account]
    texts = [COMMITMENTS[name][place] for name, place in zip(region, rng.integers(0, 5, count), strict=True)]
    shared = course.created + rng.integers(3_600, 8 * 86_400, count).astype("timedelta64[s]")
    is_shared = (rng.random(count) >= UNSHARED_SHARE) & (shared <= course.end)
    never = np.datetime64("NaT", "s")
    is_drawn = picks.draw >= 0
    lottery = [f"{LOTTERY.name}-{_month(world, month)}-{world.number + 1}" for month in picks.month]
    return pd.DataFrame(
        {
            "plan_id": plans.ids,
            "account_id": world.traits["account_id"].to_numpy(object)[account],
            "playbook": picks.playbook,
            "playbook_version": np.where(picks.month < world.size.months // 2, "1", "2").astype(object),
            "problem": np.array([playbook.problem for playbook in playbooks], dtype=object),
            "problem_metric": plans.metric,
            "theme": np.array([playbook.theme for playbook in playbooks], dtype=object),
            "priority": pick(rng, ("high", "normal", "low"), count, (0.3, 0.5, 0.2)),
            "csm_id": people.csm_at(account, course.created),
            "created_at": office(course.created),
            "started_at": course.shown(world, course.started),
            "landed_at": course.shown(world, course.landed),
            "due_at": office(course.due),
            "closed_at": course.shown(world, course.closed),
            "shared_at": np.where(is_shared, office(shared), never),
            "customer_commitments": np.array(texts, dtype=object),
            "eligible_at": np.where(is_drawn, course.created.astype("datetime64[D]"), np.datetime64("NaT", "D")),
            "lottery": only(is_drawn, np.array(lottery, dtype=object)),
            "start_order": pd.Series(picks.order).astype("Int64").where(is_drawn),
            "known_at": course.recorded,
        }
    )


def _month(world: World, month: int) -> str:
    return str(world.size.first_month + int(month))


def _note_rows(world: World, people: People, plans: _Plans, is_reached: Floats) -> pd.DataFrame:
    """Return touches of the plans: the call at the start and the review at the end, with what the CSM wrote."""
    import numpy as np
    import pandas as pd

    rng, course = world.stream("plans", 3), plans.course
    both = [(course.started, 0, START_NOTES), (course.closed, 1, {})]
    rows = []
    for at, place, notes in both:
        at = course.shown(world, at)
        held = np.flatnonzero(~np.isnat(at) & (rng.random(len(at)) < 0.8))
        region = world.traits["region"].to_numpy(object)[plans.picks.account[held]]
        is_good = np.nan_to_num(is_reached[held], nan=0.0) + rng.normal(0, 0.3, len(held)) > 0.5
        said = [
            (notes or (GOOD_NOTES if good else BAD_NOTES))[name] for name, good in zip(region, is_good, strict=True)
        ]
        mood = np.where(is_good, "positive", "negative") if place else np.full(len(held), "neutral")
        rows.append(
            pd.DataFrame(
                {
                    "plan": held,
                    "sent_at": at[held] - np.timedelta64(600, "s"),
                    "note": np.array(said, dtype=object),
                    "sentiment": mood.astype(object),
                }
            )
        )
    notes_frame = pd.concat(rows).sort_values(["sent_at", "plan"], kind="stable", ignore_index=True)
    return _touches(world, people, plans, notes_frame)


def _touches(world: World, people: People, plans: _Plans, notes: pd.DataFrame) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    rng, place = world.stream("plans", 4), notes["plan"].to_numpy(np.int64)
    account, at = plans.picks.account[place], notes["sent_at"].to_numpy("datetime64[s]")
    return pd.DataFrame(
        {
            "touch_id": world.ids("MP", 7, range(len(notes))),
            "account_id": world.traits["account_id"].to_numpy(object)[account],
            "contact_id": people.contact_at(account, at, rng.random(len(notes)) ** 2),
            "csm_id": people.csm_at(account, at),
            "channel": pick(rng, ("call", "video", "visit"), len(notes), (0.4, 0.4, 0.2)),
            "mode": "human",
            "initiator": "csm",
            "family": "manual",
            "rule": None,
            "sent_at": at,
            "minutes": rng.integers(20, 90, len(notes)),
            "plan_id": plans.ids[place],
            "note": notes["note"],
            "sentiment": notes["sentiment"],
        }
    )


def _truths(world: World, plans: _Plans, is_reached: Floats) -> SuccessTruths:
    import numpy as np
    import pandas as pd

    picks, course, ids = plans.picks, plans.course, world.traits["account_id"].to_numpy(object)
    grows = np.flatnonzero(~np.isnat(plans.tailwind))
    wind, anchor = plans.tailwind[picks.account].astype("datetime64[s]"), course.anchor()
    blows = (plans.metric == "orders_handled") & (wind >= course.created) & (wind <= anchor + POST_DAYS * 86_400)
    frame = pd.DataFrame(
        {
            "plan_id": plans.ids,
            "account_id": ids[picks.account],
            "playbook": picks.playbook,
            "tier": plans.tier,
            "run": course.run,
            "is_misdiagnosed": picks.is_misdiagnosed,
            "dip": before(world.swing, picks),
            "engagement": before(world.engagement, picks),
            "has_tailwind": blows,
            "effect": plans.effect,
            "is_reached": pd.Series(is_reached).map({1.0: True, 0.0: False}).astype("boolean"),
            "verdict": _verdicts(world, plans, is_reached),
        }
    )
    tailwinds = pd.DataFrame({"account_id": ids[grows], "month": plans.tailwind[grows].astype("datetime64[s]")})
    return SuccessTruths(BY_NAME, METRIC, frame, tailwinds)


def _verdicts(world: World, plans: _Plans, is_reached: Floats) -> Texts:
    """Return the leaf of each plan: what the tree says to somebody who knows the true effects."""
    import numpy as np

    course, run, playbook = plans.course, plans.course.run, plans.picks.playbook
    truth = np.array([BY_NAME[name].truth for name in playbook], dtype=object)
    is_open = np.isnat(course.shown(world, course.closed))
    ends = course.anchor() + np.timedelta64(POST_DAYS * 86_400, "s")
    is_early = ends > world.size.last_second
    reached, works = is_reached == 1, plans.effect > 0
    conditions: list[tuple[Flags, str]] = [
        (is_open, "in_progress"),
        (np.isin(run, ["stuck_customer", "left"]), "blocked_by_customer"),
        (is_early, "too_early"),
        (plans.picks.is_misdiagnosed, "wrong_problem"),
        ((run != "finished") & reached, "met_without_steps"),
        (run == "stuck_plan", "not_executable"),
        (run == "stuck_csm", "execution_issue"),
        (np.isin(run, ["dropped", "ticked"]), "not_finished"),
        (np.isnan(is_reached), "not_assessable"),
        (truth == "too_few", "inconclusive"),
        (~reached & works & (plans.uplift == TOO_HIGH), "effective_but_goal_too_high"),
        (reached & works, "supported"),
        (reached, "reached_not_attributable"),
        (truth == "not_executable", "harmful"),
        ((truth == "one_tier") & ~works, "out_of_scope"),
        (np.isin(truth, ["redesign", "regression", "private_selection"]), "not_representative"),
    ]
    leaf = np.select([condition for condition, _ in conditions], [name for _, name in conditions], "unlucky")
    return np.where((leaf == "supported") & (playbook == LOTTERY.name), "verified", leaf).astype(object)
