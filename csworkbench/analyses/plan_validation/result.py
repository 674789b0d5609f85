"""The result of the plan validation: verdicts with their way, what each playbook does, and what to do next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from csworkbench.adjustment.designs import Design
from csworkbench.analyses.plan_validation.around import Aside, look_around
from csworkbench.analyses.plan_validation.asking import proposal_table
from csworkbench.analyses.plan_validation.doubts import doubts
from csworkbench.analyses.plan_validation.evidence import Inputs
from csworkbench.analyses.plan_validation.extracts import diagnosis, first_course, first_design, funnel, recent
from csworkbench.analyses.plan_validation.frames import (
    balance_table,
    effect_table,
    forest_table,
    leaf_table,
    natural,
    playbook_table,
    rebound_table,
    standing,
    verdict_table,
)
from csworkbench.analyses.plan_validation.judging import Reading, judge_playbooks
from csworkbench.analyses.plan_validation.pages import Known, parts
from csworkbench.analyses.plan_validation.patching import WriteBack, write_back
from csworkbench.analyses.plan_validation.settings import Config, VerdictRules
from csworkbench.analyses.plan_validation.tree import OnFacts, Verdict
from csworkbench.analyses.plan_validation.weighing import Weighed, weigh
from csworkbench.config import digest
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Message, Part, Release, Severity, say, worst_first
from csworkbench.formats import Readable
from csworkbench.playbooks import Library, ScopeFound
from csworkbench.remembering import once

if TYPE_CHECKING:
    import pandas as pd

CREDITED = (Verdict.VERIFIED.value, Verdict.SUPPORTED.value)
EFFECT = "effect."
MET, MISSED = OnFacts.DONE_MET.value, OnFacts.DONE_MISSED.value


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """Verdicts of success plans and of the playbooks they followed.

    Tables, key columns first. Effects are shares of the level or points (`unit` beside them), good is positive.

    * verdicts, plan: see `frames.verdict_table`
    * recent, plan whose window ended last: the same in brief
    * playbooks, playbook: see `frames.playbook_table`
    * leaves, playbook and verdict: plans
    * effects, compared plan: see `frames.effect_table`
    * objectives, playbook and metric: see `objectives.objective_table`
    * before_after, plan and metric: see `objectives.before_after`
    * notes, note or feeling about a plan: plan_id, sent_on, channel, note, sentiment
    * stalls, playbook and step: see `execution.stall_table`
    * funnel, course_first: for pictures, the playbook whose plans stall most at one step, the one with the best design
    * diagnosis, problem and playbook: playbook, problem, plans, wrong (plans whose problem was none), checked, share
    * course, playbook and month from landing: see `courses.Courses`
    * placebos, playbook; sensitivity, playbook and way to count accounts that left: see `courses.Courses`
    * balance, playbook and covariate: smd_before, smd_after; balance_first, of the playbook of course_first
    * candidates, playbook and trait nobody declared: see `candidates.candidate_table`
    * forest, rebound: for pictures, see `frames`
    * proposals, account whose plan waits for a mandatory step, as docs/methods/proposals.md has them
    * playbook_changes, changed key of a playbook: see `patching.WriteBack`
    * what is known around the plans: see `around.Aside`

    Args:
        headline: Verdict in one sentence.
        figures: goals_met (of plans run to the end), credited (of those, supported or verified), problems_wrong,
            shares; playbooks_working, and effect.<playbook>.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
        files: Proposed playbook files and plan sheets, by path below the folder of the notebook.
        releases: Start orders and baselines that can be made official.
        parts: A page per playbook.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    releases: tuple[Release, ...] = ()
    parts: tuple[Part, ...] = ()


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return the verdict of every plan, and what each playbook does.

    Args:
        inputs: Plans, steps, goals and the metrics around them, from `prepare`.
        config: Settings; thresholds, windows and playbooks may differ from those of `prepare`.

    Raises:
        AnalysisError: no plan is known on the date.
    """
    require_plans(inputs)
    weighed = weigh(inputs, config)
    library = weighed.library
    readings = judge_playbooks(weighed.readings, config)
    tables = _tables(inputs, config, weighed, readings)
    back = write_back(
        library,
        tables["verdicts"],
        _scopes(readings, config.rules),
        inputs.as_of,
        inputs.language,
        standings={each.name: found for each in readings if (found := standing(each, config)) is not None},
    )
    aside = aside_of(inputs, config, library)
    once(inputs, aside_key(config), lambda: aside, most=1)  # so that a turn need not make it again
    bare = said(inputs, config, weighed, readings, (tables, aside))
    return replace(
        bare,
        tables={**tables, "playbook_changes": back.table, **aside.tables},
        caveats=worst_first((*bare.caveats, *_unpatched(back))),
        files={**back.files, **aside.files},
        releases=aside.releases,
        parts=parts(library, tables["verdicts"], inputs.accounts, back, _known(config, readings, bare.figures)),
    )


def require_plans(inputs: Inputs) -> None:
    """Refuse inputs without a plan.

    Args:
        inputs: What `prepare` returned.

    Raises:
        AnalysisError: no plan is known on the date.
    """
    if inputs.plans.empty:
        raise AnalysisError(f"no success plan is known on {inputs.as_of}; choose a later date, or add rows to plans")


def said(
    inputs: Inputs,
    config: Config,
    weighed: Weighed,
    readings: tuple[Reading, ...],
    made: "tuple[Mapping[str, pd.DataFrame], Aside]",
) -> Result:
    """Return what is said of tables, without files and pages.

    Args:
        inputs: What is known.
        config: Settings.
        weighed: What is known of the playbooks.
        readings: The playbooks with verdicts.
        made: The tables, verdicts, playbooks, diagnosis and course at least; and what is around plans.
    """
    tables, aside = made
    caveats = (
        *doubts(inputs, weighed.lines, readings, weighed.library, config.rules),
        *_blanked(tables),
        *_ledger(aside),
        *aside.caveats,
    )
    actions = (*_actions(tables), *aside.actions)
    return Result(
        headline=_headline(tables),
        figures={**_figures(tables, config), **aside.figures},
        tables=tables,
        caveats=worst_first(caveats),
        actions=actions or (say("Nothing to do: no playbook has been judged yet."),),
    )


def _known(config: Config, readings: Sequence[Reading], figures: Mapping[str, Estimate]) -> dict[str, Known]:
    """Return what the page of each playbook says: its figure of this page, and that of its side of the trait."""
    found = {}
    for each in readings:
        effect, inside = figures.get(f"{EFFECT}{each.name}"), each.sides.get(True)
        if effect is None or each.comparison is None:
            continue
        half = None
        if inside is not None and each.is_proven_inside(config.rules):
            told = (
                natural(value, config.scale(each.metric), each.sign) for value in (inside.mean, inside.low, inside.high)
            )
            mean, low, high = told
            half = Estimate(mean, effect.unit, inside.n, low, high, config.level)
        found[each.name] = Known(effect, standing(each, config), each.comparison.design is Design.LOTTERY, half)
    return found


def _blanked(tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    months = tables["course"]
    blank = months[months["effect"].isna() & (months["n_plans"] > 0)]
    if len(blank):
        yield Caveat(
            "course_months_blank",
            Severity.NOTE,
            say(
                "{n:n month|months} of the course of {playbooks:list} have too few accounts without a plan to compare "
                "with, since accounts count until a plan of their own begins: left blank",
                n=len(blank),
                playbooks=sorted(set(blank["playbook"])),
            ),
        )


def _ledger(aside: Aside) -> Iterator[Caveat]:
    if aside.headline is not None:
        yield Caveat("ledger_says", Severity.NOTE, say("Recovery ledger: {said}", said=aside.headline))


def _unpatched(back: WriteBack) -> Iterator[Caveat]:
    for problem in back.problems:
        yield Caveat(
            "playbook_unpatched",
            Severity.WARNING,
            say("A change is proposed that no file takes: {what}", what=str(problem)),
        )


def aside_key(config: Config) -> tuple[str, str]:
    """Return what names what is around plans among what is kept: it rests on no threshold.

    Args:
        config: Settings.
    """
    return "aside", digest(config.model_copy(update={"rules": VerdictRules()}))


def aside_of(inputs: Inputs, config: Config, library: Library) -> Aside:
    """Return what is known around plans: boards, sheets, lots, baselines and the ledger.

    Args:
        inputs: What is known.
        config: Settings.
        library: The playbooks.
    """
    if inputs.around is None:
        return Aside()
    # A baseline rests on no playbook: a comment in one of their files must not change what is frozen.
    sha256, language = digest(config.model_copy(update={"playbooks": {}})), inputs.language
    return look_around(inputs.around, inputs.bands, library, config.around, config_sha256=sha256, language=language)


def _tables(inputs: Inputs, config: Config, weighed: Weighed, readings: Sequence[Reading]) -> "dict[str, pd.DataFrame]":
    verdicts = verdict_table(inputs, config, readings)
    playbooks = playbook_table(config, readings)
    courses, stalls = weighed.courses, weighed.stalls
    return {
        "verdicts": verdicts,
        "playbooks": playbooks,
        "recent": recent(verdicts),
        "leaves": leaf_table(verdicts),
        "effects": effect_table(config, readings),
        "objectives": weighed.objectives,
        "before_after": weighed.before_after,
        "notes": inputs.notes,
        "stalls": stalls,
        "funnel": funnel(stalls, playbooks),
        "diagnosis": diagnosis(weighed.lines),
        "course": courses.months,
        "course_first": first_course(courses.months, playbooks),
        "placebos": courses.placebos,
        "sensitivity": courses.sensitivity,
        "balance": (balance := balance_table(readings)),
        "balance_first": balance[balance["playbook"].isin(first_design(courses.months, playbooks)["playbook"])],
        "candidates": weighed.candidates,
        "forest": forest_table(playbooks),
        "rebound": rebound_table(config, readings),
        "proposals": proposal_table(inputs.late, inputs.as_of),
    }


def _scopes(readings: Sequence[Reading], rules: VerdictRules) -> dict[str, ScopeFound]:
    return {
        each.name: ScopeFound(
            trait=each.declared.trait,
            values=each.declared.works_for,
            is_shown=each.is_proven_inside(rules),
            plans=each.scope.n_inside + each.scope.n_outside,
        )
        for each in readings
        if each.scope is not None
    }


def share_of(hits: int, n: int, level: float) -> Estimate:
    """Return a share with its Wilson interval; unknown without trials.

    Args:
        hits: Successes.
        n: Trials.
        level: Coverage.

    Source: Wilson (1927), JASA 22.
    """
    from scipy.stats import binomtest

    if n == 0:
        return Estimate(None, "share", 0)
    low, high = binomtest(hits, n).proportion_ci(level, method="wilson")
    return Estimate(hits / n, "share", n, float(low), float(high), level)


def _figures(tables: "Mapping[str, pd.DataFrame]", config: Config) -> dict[str, Estimate]:
    verdicts, playbooks = tables["verdicts"], tables["playbooks"]
    met = int((verdicts["verdict_on_facts"] == MET).sum())
    done = int(verdicts["verdict_on_facts"].isin([MET, MISSED]).sum())
    credited = int((verdicts["verdict"].isin(CREDITED)).sum())
    wrong = tables["diagnosis"]
    works = int(playbooks["says"].str.startswith("works").sum())
    figures = {
        "goals_met": share_of(met, done, config.level),
        "credited": share_of(min(credited, met), met, config.level),
        "playbooks_working": Estimate(works, "playbooks", len(playbooks)),
        "problems_wrong": share_of(int(wrong["wrong"].sum()), int(wrong["checked"].sum()), config.level),
    }
    for line in playbooks.to_dict("records"):
        if line["effect"] == line["effect"]:
            bounds = (float(line["low"]), float(line["high"]), config.level)
            figures[f"{EFFECT}{line['playbook']}"] = Estimate(
                float(line["effect"]), line["unit"], int(line["accounts"]), *bounds
            )
    return figures


def _headline(tables: "Mapping[str, pd.DataFrame]") -> Message:
    verdicts, playbooks = tables["verdicts"], tables["playbooks"]
    met = verdicts["verdict_on_facts"] == MET
    done = int(verdicts["verdict_on_facts"].isin([MET, MISSED]).sum())
    if not done:
        return say("No plan of {n:count} has run to the end and been measured yet.", n=len(verdicts))
    return say(
        "{met:count} of {done:n plan|plans} run to the end met the goal; for {credited:count} of them the playbook is "
        "shown to work at other accounts too. Playbooks: {works:count} of {playbooks:count} shown to work, "
        "{harm:count} to do harm.",
        met=int(met.sum()),
        done=done,
        credited=int(verdicts["verdict"].isin(CREDITED).sum()),
        playbooks=len(playbooks),
        works=int(playbooks["says"].str.startswith("works").sum()),
        harm=int((playbooks["says"] == "does harm").sum()),
    )


def _actions(tables: "Mapping[str, pd.DataFrame]") -> Iterator[Message]:
    verdicts, playbooks = tables["verdicts"], tables["playbooks"]
    titles = dict(zip(playbooks["playbook"], playbooks["title"], strict=True))

    def named(says: str) -> list[str]:
        return list(playbooks.loc[playbooks["says"] == says, "title"])

    if harmful := named("does harm"):
        yield say("Stop {playbooks:list}: what came after was worse than at accounts without it.", playbooks=harmful)
    if idle := named("does less than the smallest effect of note"):
        yield say("Redesign {playbooks:list}: at most accounts nothing of note changed.", playbooks=idle)
    if narrow := named("works inside its trait only"):
        yield say("Narrow {playbooks:list} to the accounts it works for.", playbooks=narrow)
    stuck = verdicts[verdicts["verdict"] == Verdict.NOT_EXECUTABLE.value]
    for (name, step), part in stuck.groupby(["playbook", "stop_step"], sort=True):
        yield say(
            "Mend the step {step} of {playbook}: {n:n plan|plans} stopped there.",
            step=str(step),
            playbook=titles.get(name, name),
            n=len(part),
        )
    if wrong := int(tables["diagnosis"]["wrong"].sum()):
        yield say(
            "Check the metric of the problem before a plan is written: it was not bad in {n:n plan|plans} of "
            "{checked:count}.",
            n=wrong,
            checked=int(tables["diagnosis"]["checked"].sum()),
        )
    own = int((verdicts["verdict"] == Verdict.EXECUTION_ISSUE.value).sum())
    if own:
        yield say("Open the review form of {n:n plan|plans} that stopped on our side.", n=own)
    if good := [*named("works"), *named("works, as far as a comparison can tell")]:
        yield say("Keep using {playbooks:list}; draw the next start order by lot.", playbooks=good)
