"""The result of the page on touches: what may be said of each, and what it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.touch_effect.doubts import doubts
from csworkbench.analyses.touch_effect.facts import Inputs
from csworkbench.analyses.touch_effect.frames import (
    balance_frame,
    check_frame,
    course_table,
    effect_frame,
    left_out_frame,
    overlap_frame,
    score_frame,
    sensitivity_frame,
    verdict_frame,
)
from csworkbench.analyses.touch_effect.judging import judged as judge_all
from csworkbench.analyses.touch_effect.settings import Config
from csworkbench.analyses.touch_effect.trial import trial_frame
from csworkbench.analyses.touch_effect.verdicts import CAUSAL, Judged
from csworkbench.estimates import Caveat, Estimate, Message
from csworkbench.formats import Readable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """What may be said of each touch.

    Tables, key columns first; `low` and `high` are the interval of the effect before them. Relative differences are
    shares (0.3 = 30 % more).

    * verdicts, touch: touch_id, touch, verdict (`verdicts.Verdict`), in_words, accounts
    * effects, touch and estimand: touch_id, estimand, touch, label, effect, low, high, p, unit, accounts, touched,
      rows, is_causal (a lot decided), says
    * target_trial, touch and element: touch_id, element, touch, in_words
    * checks, touch and check: touch_id, check, touch, state, finding
    * overlap, touch: touch_id, touch, touched, untouched (rows), effective_accounts, below_05, above_95 (share of rows
      by their raw chance), trimmed (share of touched rows), is_enough
    * scores, touch and twentieth of the chance at equal numbers: touch_id, low, high, touched, untouched (shares)
    * balance, touch and covariate: touch_id, covariate, smd_before, smd_after (standard deviations), is_flagged
    * course, touch and week around it: touch_id, week, when, difference, low, high, difference_alike, low_alike,
      high_alike, accounts
    * sensitivity, touch and covariate: touch_id, touch, robustness_value, e_value, e_value_limit, covariate, of_touch,
      of_outcome (partial R2), times, in_words
    * left_out, touch and reason: touch_id, why, rows, touched
    * first_scores, first_balance, first_course: the same of the first touch that was adjusted, for pictures

    Args:
        headline: The verdict on the first touch.
        figures: difference (effect, where a lot decided), naive, compliers, share_moved, touched, of the
            first touch and as far as they exist; then `difference.<touch>` or `effect.<touch>` of the others.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return what may be said of each touch.

    Args:
        inputs: Rows of each touch, from `prepare`.
        config: Settings.
    """
    judged = judge_all(inputs.facts, config)
    tables = {
        "verdicts": verdict_frame(judged),
        "effects": effect_frame(judged),
        "target_trial": trial_frame(config, inputs.as_of),
        "checks": check_frame(judged),
        "overlap": overlap_frame(judged),
        "scores": score_frame(judged),
        "balance": balance_frame(judged),
        "course": course_table(judged),
        "sensitivity": sensitivity_frame(judged),
        "left_out": left_out_frame(judged),
    }
    first = next((each.found.touch.id for each in judged if each.found.adjusted is not None), None)
    for name in ("scores", "balance", "course"):
        tables[f"first_{name}"] = tables[name][tables[name]["touch_id"] == first].reset_index(drop=True)
    return Result(
        headline=judged[0].sentence,
        figures=_figures(judged),
        tables=tables,
        caveats=doubts(inputs, config, judged),
        actions=tuple(each.action for each in judged),
    )


def _figures(judged: Sequence[Judged]) -> dict[str, Estimate]:
    found = judged[0].found
    figures = {} if found.main is None else {_name(judged[0]): found.main.told}
    for name in ("naive", "compliers", "share_moved"):
        line = found.line(name)
        if line is not None:
            figures[name] = line.told
    if found.main is not None:
        figures["touched"] = Estimate(found.main.touched, "rows", found.main.rows)
    for each in judged[1:]:
        if each.found.main is not None:
            figures[f"{_name(each)}.{each.found.touch.id}"] = each.found.main.told
    if not figures:
        figures["difference"] = Estimate(None, "share", 0)
    return figures


def _name(judged: Judged) -> str:
    """Return what the main figure of a touch is called: an effect only where a lot decided."""
    return "effect" if judged.verdict in CAUSAL else "difference"
