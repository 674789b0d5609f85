"""What to know before acting on the page on touches."""

from collections.abc import Iterator, Sequence

from csworkbench.analyses.touch_effect.facts import Inputs, Observed
from csworkbench.analyses.touch_effect.settings import Config, UseAfter, WeeklyTouch
from csworkbench.analyses.touch_effect.verdicts import CAUSAL, Judged, Verdict, declared_design
from csworkbench.estimates import Caveat, Severity, say, worst_first

WEIGHTS = {
    Verdict.NOT_ANSWERABLE: Severity.STOP,
    Verdict.NOT_FIXABLE: Severity.STOP,
    Verdict.CONFOUNDED: Severity.WARNING,
    Verdict.DESCRIPTIVE_ONLY: Severity.WARNING,
}


def doubts(inputs: Inputs, config: Config, judged: Sequence[Judged]) -> tuple[Caveat, ...]:
    """Return the caveats of the page, the most severe first.

    Args:
        inputs: Rows of each touch.
        config: Settings.
        judged: Touches with their verdicts.
    """
    found = [*_about_verdicts(judged), *_about_checks(judged), *_about_data(inputs, config), *_always(judged)]
    return worst_first(found)


def _about_verdicts(judged: Sequence[Judged]) -> Iterator[Caveat]:
    for verdict, severity in WEIGHTS.items():
        named = [each.found.touch.label for each in judged if each.verdict is verdict]
        if not named:
            continue
        match verdict:
            case Verdict.NOT_ANSWERABLE:
                message = say("These data cannot answer what {touches:list} did", touches=named)
            case Verdict.NOT_FIXABLE:
                message = say(
                    "Adjustment does not repair the figures of {touches:list}: where a lot was drawn for the same, it "
                    "says something else",
                    touches=named,
                )
            case Verdict.CONFOUNDED:
                message = say(
                    "What set off {touches:list} also moves the outcome: nothing here says that the touch did it",
                    touches=named,
                )
            case _:
                message = say("The figures of {touches:list} only describe: a check failed", touches=named)
        yield Caveat(verdict.value, severity, message, say("Draw a lot for the next touches, and read that"))


def _about_checks(judged: Sequence[Judged]) -> Iterator[Caveat]:
    for each in judged:
        failed = [check for check in each.found.checks if check.is_passed is False and not check.is_fatal]
        for check in failed:
            yield Caveat(
                f"{check.name}_failed",
                Severity.WARNING,
                say(
                    "{touch}, {check:word}: {finding}",
                    touch=each.found.touch.label,
                    check=check.name,
                    finding=check.finding,
                ),
            )
        weak = [check for check in each.found.checks if check.name == "compliance" and check.is_passed is None]
        for check in weak:
            finding = say("{touch}: {finding}", touch=each.found.touch.label, finding=check.finding)
            yield Caveat("weak_instrument", Severity.WARNING, finding)


def _about_data(inputs: Inputs, config: Config) -> Iterator[Caveat]:
    for touch in config.touches:
        facts = inputs.facts[touch.id]
        design = declared_design(touch)
        if design is not None:
            yield Caveat(
                "design_not_read",
                Severity.WARNING,
                say(
                    "{touch}: {design} is declared and cannot be checked, so its figures are differences and no more",
                    touch=touch.label,
                    design=design,
                ),
                say("Give the draw as a touch of the kind lot, which reads experiment_units"),
            )
        if isinstance(facts, Observed) and facts.lacks:
            yield Caveat(
                "covariate_left_out",
                Severity.WARNING,
                say("{touch}: {names:list} cannot be held equal", touch=touch.label, names=list(facts.lacks)),
                say(
                    "Add {tables:list} to the workspace",
                    tables=sorted({t for each in facts.lacks.values() for t in each}),
                ),
            )
        if isinstance(touch, WeeklyTouch) and isinstance(facts, Observed) and isinstance(touch.outcome, UseAfter):
            yield Caveat(
                "left_counts_zero",
                Severity.NOTE,
                say(
                    "{touch}: an account that left in the follow-up has no use there, and counts so", touch=touch.label
                ),
            )


def _always(judged: Sequence[Judged]) -> Iterator[Caveat]:
    if any(each.verdict not in CAUSAL for each in judged):
        yield Caveat(
            "unmeasured",
            Severity.NOTE,
            say("What nobody recorded cannot be held equal; the sensitivity table says how strong it would have to be"),
        )
    if len(judged) > 1:
        yield Caveat(
            "several_touches",
            Severity.NOTE,
            say(
                "{n:n touch is|touches are} judged, each at its own level: expect a false alarm now and then",
                n=len(judged),
            ),
        )
