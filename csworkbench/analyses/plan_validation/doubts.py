"""What is doubtful about plans and playbooks, in words; no doubt about one plan stops the others."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.plan_validation.declared import column_of
from csworkbench.analyses.plan_validation.evidence import NO_PLAYBOOK, Inputs
from csworkbench.analyses.plan_validation.judging import Reading
from csworkbench.analyses.plan_validation.settings import VerdictRules
from csworkbench.analyses.plan_validation.timeline import STARTED, WRITTEN
from csworkbench.estimates import Caveat, Message, Severity, say
from csworkbench.playbooks import Library

if TYPE_CHECKING:
    import pandas as pd

REFUSED = "better_design_refused"


def doubts(
    inputs: Inputs, lines: "pd.DataFrame", readings: Sequence[Reading], library: Library, rules: VerdictRules
) -> Iterator[Caveat]:
    """Yield every doubt.

    Args:
        inputs: What is known.
        lines: Timeline, execution and diagnosis of all plans.
        readings: The playbooks.
        library: The files of the playbooks.
        rules: Thresholds of the verdicts.
    """
    yield from _of_designs(readings)
    yield from _of_draws(inputs)
    yield from _of_dropped(readings, rules)
    yield from _of_plans(inputs, lines)
    yield from _of_files(readings, library)
    yield from _of_tables(inputs, readings)
    yield from _of_comparisons(readings)


def _of_comparisons(readings: Sequence[Reading]) -> Iterator[Caveat]:
    """Yield the doubts of each comparison; what is a number of plans is said once for all playbooks it holds of."""
    names: dict[str, list[str]] = {}
    first: dict[str, Caveat] = {}
    plans = Counter[str]()
    for reading in readings:
        for each in () if reading.comparison is None else reading.comparison.caveats:
            if each.code == REFUSED:  # stands beside the design in the table of playbooks
                continue
            numbers = each.message.values  # noqa: PD011 - of a sentence, not of a frame
            is_counted = set(numbers) == {"n"}
            key = each.message.key if is_counted else f"{reading.name} {each.message.key}"
            names.setdefault(key, []).append(reading.declared.title or reading.name)
            plans[key] += int(numbers["n"]) if is_counted else 0
            first.setdefault(key, each)
    for key, each in first.items():
        about = replace(each.message, values={"n": plans[key]}) if plans[key] else each.message
        said = say("{playbooks:list}: {said}", playbooks=names[key], said=about)
        yield Caveat(each.code, each.severity, said, each.action)


def _of_designs(readings: Sequence[Reading]) -> Iterator[Caveat]:
    matched = [each for each in readings if each.comparison is not None and each.comparison.design.letter in "BCDE"]
    if matched:
        yield Caveat(
            "not_randomized",
            Severity.WARNING,
            say(
                "{n:n playbook was|playbooks were} compared with accounts that looked alike, not by lot: what nobody "
                "recorded, such as what the CSM knew, may be the reason. Their best verdict is supported",
                n=len(matched),
            ),
            say("Draw the start order by lot where more accounts are eligible than can start"),
        )


def _of_draws(inputs: Inputs) -> Iterator[Caveat]:
    """Tell which lotteries count as none: their order was not written down here before the first start."""
    names = set(inputs.plans["lottery"].dropna().astype("str")) - inputs.official
    if names:
        yield Caveat(
            "draw_not_recorded",
            Severity.WARNING,
            say(
                "The start order of {names:list} is in the plans, not in records/lotteries: nothing shows that a lot "
                "drew it before the first start, so these plans are compared as if nobody had drawn",
                names=sorted(names),
            ),
            say("Release the next drawn order on this page before the first plan starts"),
        )


def _of_dropped(readings: Sequence[Reading], rules: VerdictRules) -> Iterator[Caveat]:
    """Tell of which playbooks the plans that were run to the end say something else than all that started."""
    for each in readings:
        worth = each.worth(rules)
        if each.pooled is None or each.all_started is None or worth is None:
            continue
        run, every = (found.chance_above(worth) for found in (each.pooled, each.all_started))
        if run is None or every is None or (run >= rules.chance) == (every >= rules.chance):
            continue
        yield Caveat(
            "run_and_started_differ",
            Severity.WARNING,
            say(
                "{playbook}: that it does something of note is {run:percent} likely by the plans that were run to the "
                "end, and {every:percent} likely by all that started: who is run to the end may be the reason",
                playbook=each.declared.title or each.name,
                run=run,
                every=every,
            ),
            say("See all_started in the table sensitivity before anybody relies on the verdict"),
        )


def _of_plans(inputs: Inputs, lines: "pd.DataFrame") -> Iterator[Caveat]:
    over = lines[lines["closed_on"].notna()]
    yield from _of_names(lines)
    yield from _of_work(over)
    yield from _of_measures(inputs, lines, over)
    late = lines[lines["is_backward"]]
    yield from _told(
        "outcome_before_plan",
        late,
        say(
            "{n:n plan|plans} landed before anybody wrote it down: what came after cannot be credited to a plan "
            "({plans:list})",
            **_counted(late),
        ),
        say("Correct the dates, or leave plans that were written afterwards out"),
    )
    double = lines[lines["overlaps"] > 0]
    yield from _told(
        "overlapping_plans",
        double,
        say(
            "{n:n plan|plans} ran while another plan of the account did: effects cannot be told apart ({plans:list})",
            **_counted(double),
        ),
        say("Start plans of one account one after the other"),
    )


def _of_names(lines: "pd.DataFrame") -> Iterator[Caveat]:
    """Tell which plans name no playbook."""
    alone = lines[lines["playbook"] == NO_PLAYBOOK]
    yield from _told(
        "without_playbook",
        alone,
        say(
            "{n:n plan names|plans name} no playbook and is judged on facts only: what has nothing in common cannot be "
            "compared ({plans:list})",
            **_counted(alone),
        ),
        say("Name the playbook in plans, where there is one"),
    )


def _of_work(over: "pd.DataFrame") -> Iterator[Caveat]:
    """Tell what is not known of how closed plans were run."""
    bare, ticked, at_once = over[over["steps"] == 0], over[over["is_ticked"]], over[over["is_one_day"]]
    yield from _told(
        "without_steps",
        bare,
        say(
            "{n:n closed plan has|closed plans have} no steps: nobody can tell what was done ({plans:list})",
            **_counted(bare),
        ),
        say("Record the steps of the playbook with the plan"),
    )
    yield from _told(
        "ticked_at_closing",
        ticked,
        say(
            "{n:n plan|plans} had all steps ticked on the day of closing, which is no evidence that they were done "
            "({plans:list})",
            **_counted(ticked),
        ),
        say("Tick steps when they are done"),
    )
    yield from _told(
        "ticked_on_one_day",
        at_once,
        say(
            "{n:n plan|plans} had all mandatory steps ticked on one day, which may be the day of writing them up "
            "({plans:list})",
            **_counted(at_once),
        ),
        say("Tick steps when they are done"),
    )
    yield from _of_anchors(over)


def _of_anchors(over: "pd.DataFrame") -> Iterator[Caveat]:
    """Tell which closed plans are counted from another day than that of landing."""
    afloat, idle = over[over["anchored_by"] == STARTED], over[over["anchored_by"] == WRITTEN]
    yield from _told(
        "never_started",
        idle,
        say(
            "{n:n closed plan|closed plans} neither landed nor started: windows count from the day the plan was "
            "written ({plans:list})",
            **_counted(idle),
        ),
        say("Record when a plan starts and when its measures are in place"),
    )
    yield from _told(
        "never_landed",
        afloat,
        say(
            "{n:n closed plan|closed plans} never landed: windows count from the day the plan started ({plans:list})",
            **_counted(afloat),
        ),
        say("Record when the measures of a plan are in place"),
    )


def _of_measures(inputs: Inputs, lines: "pd.DataFrame", over: "pd.DataFrame") -> Iterator[Caveat]:
    """Tell where goals, metrics or their history are missing."""
    known = lines["metric"].isin(list(inputs.levels))
    unknown = lines[~known & lines["metric"].notna()]
    young = lines[lines[["before_2", "before_1"]].isna().any(axis=1) & known & lines["is_matured"]]
    unchecked = over[over["is_wrong"].isna() & known.reindex(over.index)]
    yield from _of_goals(over)
    yield from _told(
        "fewer_than_two_periods",
        young,
        say(
            "{n:n plan has|plans have} fewer than two windows before landing, too few for a comparison ({plans:list})",
            **_counted(young),
        ),
        say("Load the history of the metric, or start plans once an account has two windows of it"),
    )
    yield from _told(
        "metric_not_recorded",
        unknown,
        say("{n:n plan|plans} named a metric that no table holds ({plans:list})", **_counted(unknown)),
        say("Add the metric to metrics_daily, or name one that is there"),
    )
    for each in _told(
        "diagnosis_not_checked",
        unchecked,
        say(
            "The problem of {n:n plan|plans} could not be checked: less than two months of history, or nobody said "
            "which way of its metric is good ({plans:list})",
            **_counted(unchecked),
        ),
        say("Load the history of the metric, and give it a goal with a direction, in the plan or its playbook file"),
    ):
        yield replace(each, severity=Severity.NOTE)


def _of_goals(over: "pd.DataFrame") -> Iterator[Caveat]:
    """Tell which goals of closed plans cannot be met or missed, or not by anything that was written down."""
    is_bare = over["baseline"].isna() | over["target"].isna()
    vague, idle = over[over["goal"].isna() & is_bare], over[over["goal"].isna() & ~is_bare]
    assumed, silent = over[over["is_assumed"]], over[over["is_matured"] & over["is_known"] & over["level_after"].isna()]
    silent = silent[~(silent["has_left"] & (silent["sign"] < 0))]
    yield from _told(
        "goal_without_change",
        idle,
        say(
            "{n:n closed plan has a target|closed plans have targets} that asks for no change for the better from the "
            "baseline ({plans:list})",
            **_counted(idle),
        ),
        say("Write a target that is better than the baseline, both above 0 where a share counts"),
    )
    yield from _told(
        "goal_without_direction",
        assumed,
        say(
            "{n:n closed plan has a goal|closed plans have goals} without a direction: more counts as good "
            "({plans:list})",
            **_counted(assumed),
        ),
        say("Write higher or lower beside each goal, or name the metric in the file of the playbook"),
    )
    yield from _told(
        "nothing_after",
        silent,
        say(
            "{n:n closed plan has|closed plans have} no value in the window after: nobody can tell whether the goal "
            "was met ({plans:list})",
            **_counted(silent),
        ),
        say("Load the metric up to the end of the window, and give the goal a window of at least 14 days"),
    )
    yield from _told(
        "goal_without_numbers",
        vague,
        say(
            "{n:n closed plan has|closed plans have} no goal with baseline and target ({plans:list})", **_counted(vague)
        ),
        say("Write baseline and target when the plan is written"),
    )


def _counted(plans: "pd.DataFrame") -> dict[str, Any]:
    """Return how many plans these are, and which: what every sentence on plans says."""
    return {"n": len(plans), "plans": [str(plan) for plan in plans.index]}


def _told(code: str, plans: "pd.DataFrame", said: Message, action: Message | None) -> Iterator[Caveat]:
    if len(plans):
        yield Caveat(code, Severity.WARNING, said, action)


def _of_files(readings: Sequence[Reading], library: Library) -> Iterator[Caveat]:
    for problem in library.problems:
        yield Caveat(
            "playbook_file_refused",
            Severity.WARNING,
            say("{problem}. Its plans go by their own goals, without a declared trait", problem=str(problem)),
            say("Mend the file, or install the version of the workbench that reads it"),
        )
    absent = [each.name for each in readings if not each.declared.is_filed and each.name not in library.broken]
    absent = [name for name in absent if name != NO_PLAYBOOK]
    if absent:
        yield Caveat(
            "playbook_without_file",
            Severity.WARNING,
            say(
                "{n:n playbook has|playbooks have} no file ({names:list}): goals are those of the plans, and no trait "
                "was declared",
                n=len(absent),
                names=absent,
            ),
            say("Write configs/playbooks/<id>.yaml before the next plans start"),
        )


def _of_tables(inputs: Inputs, readings: Sequence[Reading]) -> Iterator[Caveat]:
    for name, rows in inputs.aside.items():
        yield Caveat(
            "rows_set_aside",
            Severity.WARNING,
            say(
                "{n:n row|rows} of {table} broke a rule when the files were read, such as a plan that landed before it "
                "was written: they are not on this page",
                n=rows,
                table=name,
            ),
            say("`csw check` names the rows with the reason; correct them in the source"),
        )
    for name, what in inputs.lacking.items():
        yield Caveat(
            "nothing_known",
            Severity.NOTE,
            say("Without {table} the page says nothing about {what}", table=name, what=what),
            say("Add it to the workspace, or to the batch"),
        )
    for reading in readings:
        rule = reading.declared.starts_below
        if rule is not None and rule[0] not in inputs.levels:
            yield Caveat(
                "threshold_not_measured",
                Severity.WARNING,
                say(
                    "{playbook}: plans start where {metric} is below {value:number}, and no table holds that metric",
                    playbook=reading.declared.title or reading.name,
                    metric=rule[0],
                    value=rule[1],
                ),
                say("Add the metric to metrics_daily, or correct starts_when in the file of the playbook"),
            )
    traits = {column_of(each.declared.trait) for each in readings if each.scope is not None}
    for name in sorted(traits & set(inputs.of_today)):
        yield Caveat(
            "trait_of_today",
            Severity.WARNING,
            say(
                "The trait {name} is today's: nobody recorded what it was when the plans started, and a plan that "
                "works may move an account. It is a candidate only, and limits no playbook",
                name=name,
            ),
            _record_it(name),
        )
    is_compared = any(each.comparison is not None for each in readings)
    if inputs.is_tier_of_today and len(set(inputs.accounts["tier"])) > 1 and is_compared:
        yield Caveat(
            "tier_of_today",
            Severity.WARNING,
            say(
                "Tiers are today's: a plan that works may move an account to another one, and accounts with as good a "
                "tier now would hide its effect. Accounts are compared without their tier"
            ),
            _record_it("value_tier"),
        )


def _record_it(name: str) -> Message:
    return say(
        "Export accounts with valid_from, or, if it never changes, say varies: false for the column {name} of "
        "accounts in the workspace. Each run archives it from now on",
        name=name,
    )
