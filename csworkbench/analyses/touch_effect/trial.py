"""The experiment each comparison imitates, written down: the target trial (Hernan and Robins 2016, AJE 183)."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from csworkbench.analyses.touch_effect.settings import (
    Config,
    Kept,
    LotTouch,
    OnceTouch,
    PeriodsTouch,
    Reached,
    Touch,
    WeeklyTouch,
)
from csworkbench.analyses.touch_effect.weekly import PAST_WEEKS
from csworkbench.estimates import Message, say
from csworkbench.formats import text

if TYPE_CHECKING:
    import pandas as pd

MODELS = {
    "ridge": say("ridge regression"),
    "boosting": say("boosted trees"),
    "best": say("ridge regression or boosted trees, whichever predicts left-out accounts better"),
}
ELEMENTS = ("eligibility", "strategies", "assignment", "start", "follow_up", "outcome", "estimand", "analysis")


def trial_frame(config: Config, as_of: date) -> "pd.DataFrame":
    """Return what each comparison imitates.

    Args:
        config: Settings.
        as_of: Date of the page.

    Returns:
        One row per touch and element: touch_id, element, touch, in_words.
    """
    import pandas as pd

    rows = [
        (touch.id, element, touch.label, text(words))
        for touch in config.touches
        for element, words in zip(ELEMENTS, _words(touch, config, as_of), strict=True)
    ]
    return pd.DataFrame(rows, columns=["touch_id", "element", "touch", "in_words"])


def _words(touch: Touch, config: Config, as_of: date) -> Iterator[Message]:
    match touch:
        case WeeklyTouch():
            return _weekly(touch, config, as_of)
        case LotTouch():
            return _lot(touch)
        case OnceTouch():
            return _once(touch, config)
    return _periods(touch)


def _weekly(touch: WeeklyTouch, config: Config, as_of: date) -> Iterator[Message]:
    yield say(
        "Account-weeks of weeks in which somebody was touched; at least {past:count} weeks in the book, not left, and "
        "not touched in the {washout:n week|weeks} before. {entry}",
        past=PAST_WEEKS,
        washout=touch.washout_weeks,
        entry=say("An account enters once, in its first such week")
        if touch.first_week_only
        else say("An account may enter in several weeks, once each; none is cloned"),
    )
    yield say(
        "Touched within {grace:n week|weeks} of the start, or not; who is not may be touched later",
        grace=touch.grace_weeks,
    )
    yield say(
        "In the trial by lot among accounts alike; {assignment}", assignment=_assignment(touch.design, touch.trigger)
    )
    yield say("Monday of the week; covariates end before it")
    yield say(
        "{horizon:n week|weeks} from the end of the touch window, up to {as_of:date}",
        horizon=touch.horizon_weeks,
        as_of=as_of,
    )
    yield _outcome(touch)
    yield say("Effect on those touched (ATT); where some have nobody to be compared with, on those who have")
    yield say(
        "Cross-fitted AIPW, five folds of whole accounts, logistic chance of the touch, outcome by {model}; use in the "
        "{past:count} weeks before and {covariates:words} held equal; errors count accounts",
        model=MODELS[config.model],
        past=PAST_WEEKS,
        covariates=list(touch.covariates) or [say("nothing else")],
    )


def _assignment(design: str, trigger: str | None) -> Message:
    if design != "none":
        return say("declared: {design}, of which nothing is read", design=design)
    if trigger:
        return say("in fact set off by {trigger}", trigger=trigger)
    return say("in fact nobody knows by what")


def _outcome(touch: WeeklyTouch) -> Message:
    match touch.outcome:
        case Reached():
            return say(
                "Milestone {name} reached from the first day of the touch window to the end of the follow-up; who had "
                "it before is left out",
                name=touch.outcome.milestone,
            )
        case Kept():
            return say("Renewals due in the follow-up and decided: kept")
    return say(
        "Use ({what:word}) per week of the follow-up, {scale:word}; 0 for an account that left",
        what=touch.outcome.what,
        scale=touch.outcome.scale,
    )


def _lot(touch: LotTouch) -> Iterator[Message]:
    experiment = touch.experiment
    others = [arm.name for arm in experiment.arms if arm.name not in touch.drawn]
    yield say("Units of the experiment {id} that are read", id=experiment.id)
    yield say("Drawn for {drawn:list}, or for {others:list}", drawn=list(touch.drawn), others=others)
    yield say("By lot, account by account") if experiment.unit == "account" else say("By lot, contact by contact")
    yield say("The draw of each unit, from {first:date} on", first=experiment.first_day)
    yield say("As the experiment says, up to {last:date}", last=experiment.last_day)
    yield say("{metric} of the experiment, each unit once", metric=touch.metric)
    yield say("Effect of being drawn (intention to treat); then on those the draw moved (compliers)")
    yield say("Difference of means; two-stage least squares with the draw as instrument; errors count accounts")


def _once(touch: OnceTouch, config: Config) -> Iterator[Message]:
    yield say("All accounts with the touch and the outcome recorded")
    yield say("Touched ({column}), or not", column=touch.touched)
    yield say(
        "In the trial by lot among accounts alike; {assignment}", assignment=_assignment(touch.design, touch.trigger)
    )
    yield say("{day:date}; covariates were measured before it", day=touch.touched_on)
    yield say("As recorded in the file")
    yield say("{outcome} ({unit})", outcome=touch.outcome, unit=touch.unit)
    yield say("Effect on those touched (ATT); where some have nobody to be compared with, on those who have")
    yield say(
        "Cross-fitted AIPW, five folds, logistic chance of the touch, outcome by {model}; {covariates:words} held "
        "equal",
        model=MODELS[config.model],
        covariates=[known.column for known in touch.covariates],
    )


def _periods(touch: PeriodsTouch) -> Iterator[Message]:
    yield say("All rows with group, time and outcome recorded")
    yield say("The group {column}, or the other", column=touch.touched)
    yield say("In the trial by lot among many groups; in fact one group was chosen, and one other is there")
    yield say("Rows of {column} are after the touch", column=touch.after)
    yield say("As recorded in the file")
    yield say("{outcome} ({unit})", outcome=touch.outcome, unit=touch.unit)
    yield say("Change of the touched group beyond that of the other")
    yield say("Difference in differences, pooled error; nothing says what else happened to one of the groups")
