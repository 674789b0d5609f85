"""The result of the proof: the stamp, the figures behind it, the tables, and what to do next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.health_proof.doubts import doubts
from csworkbench.analyses.health_proof.drift import drift_table, rolling_table
from csworkbench.analyses.health_proof.evidence import Evidence, Scored, gather, score
from csworkbench.analyses.health_proof.leaks import leak_table
from csworkbench.analyses.health_proof.learning import Learned, learn
from csworkbench.analyses.health_proof.reading import SCORE, Reading, main_readings, read
from csworkbench.analyses.health_proof.settings import Config
from csworkbench.analyses.health_proof.tables import (
    calibration_table,
    gain_table,
    label_of,
    proof_table,
    segment_table,
    teaching_table,
)
from csworkbench.analyses.health_proof.weights import suggested_weights, weight_table
from csworkbench.analyses.health_proof.wording import event_words, stamp_words
from csworkbench.estimates import Caveat, Estimate, Message, say, worst_first
from csworkbench.features.estimating import share_of
from csworkbench.formats import Readable, month
from csworkbench.inference.proof import Stamp

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.asof import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs, measured and fitted once.

    Args:
        evidence: What happened and what was known before.
        scored: Points and scores by scorecard.
        learned: Predictions of every candidate, and the fitted models.
    """

    evidence: Evidence
    scored: Mapping[str, Scored]
    learned: Learned


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """Whether the score predicts, and what it adds.

    Tables, key columns first; shares are 0 to 1, `*_percent` 0 to 100, low and high are intervals over accounts.

    * proof, scorecard, line, candidate and measure: scorecard, line (forward, cross_validation), candidate, label,
      kind, measure (auc, average_precision, captured, lift, brier, intercept, slope), value, low, high, rows, events,
      accounts, chosen
    * stamps, scorecard, line and candidate: scorecard, line, candidate, label, stamp, against, auc, low, high,
      difference, difference_low, difference_high, events
    * calibration, scorecard, candidate and group: scorecard, candidate, label, group, said, came, low, high, rows,
      events
    * gain, scorecard, candidate and share looked at: scorecard, candidate, label, looked_at, found
    * segments, scorecard, segment, value and candidate: scorecard, segment, value, candidate, label, auc, low, high,
      rows, events, accounts
    * weights, scorecard and measure: scorecard, measure, label, group, hand_percent, suggested_percent, loss (of AUC
      without it), low, high, known_share
    * leaks, column: column, label, used_by, auc, error, auc_today, today_only, suspicion, is_suspected
    * drift, scorecard and column: scorecard, column, label, stability_index, by_chance, verdict, before, after,
      missing_before, missing_after
    * rolling, scorecard, window and candidate: scorecard, first_on, last_on, candidate, label, auc, low, high, rows,
      events, accounts
    * models, learned model: model, rows, events, sha256, document (JSON: everything to compute its risks elsewhere)
    * teaching, scorecard, row and measure: scorecard, row, measure, account, is_event, value, text, reads; what was
      known of the rows before the cut, without ids, for who turns the settings of health

    Args:
        headline: The stamp of the default scorecard.
        figures: auc_score, auc_challenger, auc_best_baseline, base_rate, then auc_difference, captured_score, events,
            asof_violations and accounts_on_both_sides; with several scorecards also `<name>.<scorecard>`.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
        stamps: Analysis -> what stands on its page: the stamp of each scorecard.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]
    stamps: Mapping[str, tuple[Message, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """What the charts of the page show: the default scorecard, as its stamp rests on it.

    Args:
        forest: label, value, low and high of the AUC of each candidate.
        calibration: said, came, low and high of the score.
        gain: label, looked_at and found of the candidates compared.
        rolling: window, auc, low and high of the score.
    """

    forest: "pd.DataFrame"
    calibration: "pd.DataFrame"
    gain: "pd.DataFrame"
    rolling: "pd.DataFrame"


def pictures(result: Result) -> Pictures:
    """Return what the charts of the page show.

    Args:
        result: What `analyze` returned.
    """
    tables, first = result.tables, result.tables["stamps"].iloc[0]
    proof, rolling = (tables[name][tables[name]["scorecard"] == first["scorecard"]] for name in ("proof", "rolling"))
    calibration, gain = (
        tables[name][tables[name]["scorecard"] == first["scorecard"]] for name in ("calibration", "gain")
    )
    ends = [
        f"{month(start)} – {month(end)}" for start, end in zip(rolling["first_on"], rolling["last_on"], strict=True)
    ]
    return Pictures(
        forest=proof[(proof["line"] == first["line"]) & (proof["measure"] == "auc")],
        calibration=calibration[calibration["candidate"] == SCORE],
        gain=gain,
        rolling=rolling.assign(window=ends)[rolling["candidate"] == SCORE],
    )


def prepare(snapshot: "Snapshot", config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return what happened, what was known before, and what was learned from it.

    Args:
        snapshot: The book as of the day of the study.
        config: Settings; event, baselines and columns decide what is read and fitted.
        upstream: The result of health: its resolved settings hold the scorecards.

    Raises:
        AnalysisError: the event is not recorded or nothing has been decided, or a scorecard is not there.
    """
    return inputs_of(gather(snapshot, config, upstream["health"].config), config)


def inputs_of(evidence: Evidence, config: Config) -> Inputs:
    """Return evidence with its scores and with everything that was fitted to it.

    Args:
        evidence: What happened and what was known before.
        config: Settings.

    Raises:
        AnalysisError: no measure of a scorecard can be computed.
    """
    scored = score(evidence)
    return Inputs(evidence, scored, learn(evidence, scored, config))


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return whether the scores predict, and what they add to what is known without them.

    Args:
        inputs: Evidence and predictions, from `prepare`.
        config: Settings; capacity, windows, level and the least number of events may differ from those of `prepare`.
    """
    evidence = inputs.evidence
    readings = read(evidence, inputs.scored, inputs.learned, config)
    first = main_readings(readings)
    titles = {name: card.card.title for name, card in inputs.scored.items()}
    tables = {
        "proof": proof_table(readings, config),
        "stamps": _stamp_table(readings, config),
        "calibration": calibration_table(readings, config),
        "gain": gain_table(readings, config),
        "segments": segment_table(readings, evidence, config),
        "weights": weight_table(readings, inputs.scored, _suggested(inputs, config), config),
        "leaks": leak_table(evidence, config),
        "drift": drift_table(evidence, inputs.scored),
        "rolling": rolling_table(readings, evidence, config),
        "models": _model_table(inputs.learned, evidence),
        "teaching": teaching_table(evidence, inputs.scored),
    }
    caveats = doubts(evidence, readings, tables, config)
    return Result(
        headline=stamp_words(first[0], _title(titles, first[0], first), config),
        figures=_figures(first, evidence, config),
        tables=tables,
        caveats=worst_first(caveats),
        actions=tuple(_actions(first[0], tables, config)),
        stamps={"health": tuple(stamp_words(each, _title(titles, each, first), config) for each in first)},
    )


def _suggested(inputs: Inputs, config: Config) -> "dict[str, NDArray[np.float64]]":
    """Return the weights suggested for each scorecard by the rows that teach, where they hold enough events."""
    import pandas as pd

    evidence, line = inputs.evidence, inputs.learned.lines[0]
    found = {}
    for name, card in inputs.scored.items():
        teaches = line.chooses[card.rows]
        is_event = evidence.is_event[card.rows[teaches]]
        if config.least_events <= is_event.sum() < len(is_event):
            accounts, _ = pd.factorize(evidence.accounts[card.rows[teaches]])
            found[name] = suggested_weights(card.points[teaches], is_event, accounts, config.seed)
    return found


def _title(titles: Mapping[str, str], reading: Reading, readings: Sequence[Reading]) -> Message:
    """Return how the score is called: by its scorecard where there are several."""
    return say("The score ({card})", card=titles[reading.scorecard]) if len(readings) > 1 else say("The score")


def _figures(readings: Sequence[Reading], evidence: Evidence, config: Config) -> dict[str, Estimate]:
    figures = _figures_of(readings[0], config)
    figures["asof_violations"] = Estimate(evidence.violations, "values", len(evidence.rows))
    shared = max(reading.line.on_both_sides for reading in readings)
    figures["accounts_on_both_sides"] = Estimate(shared, "accounts", readings[0].proof.rows.account_count)
    if len(readings) > 1:
        for reading in readings:
            of_card = _figures_of(reading, config)
            figures |= {f"{name}.{reading.scorecard}": estimate for name, estimate in of_card.items()}
    return figures


def _figures_of(reading: Reading, config: Config) -> dict[str, Estimate]:
    import pandas as pd

    rows = reading.proof.rows
    by_account = pd.Series(rows.is_event.astype(float)).groupby(rows.accounts)
    return {
        "auc_score": reading.measure(SCORE),
        "auc_challenger": reading.measure(reading.challenger),
        "auc_best_baseline": reading.measure(reading.baseline),
        "base_rate": share_of(by_account.sum(), by_account.count().astype(float), config.level),
        "auc_difference": reading.difference(SCORE),
        "captured_score": reading.measure(SCORE, "captured"),
        "events": Estimate(rows.events, "events", len(rows.is_event)),
    }


def _stamp_table(readings: Sequence[Reading], config: Config) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for reading in readings:
        for candidate in dict.fromkeys((SCORE, reading.challenger)):
            alone, more = reading.measure(candidate), reading.difference(candidate)
            rows.append(
                (reading.scorecard, reading.line.name.value, candidate, label_of(candidate, config),
                 reading.stamp(candidate, config).value, label_of(reading.baseline, config), alone.value, alone.low,
                 alone.high, more.value, more.low, more.high, reading.proof.rows.events)
            )  # fmt: skip
    names = ["scorecard", "line", "candidate", "label", "stamp", "against", "auc", "low", "high"]
    numbers = ["auc", "low", "high", "difference", "difference_low", "difference_high"]
    frame = pd.DataFrame(rows, columns=[*names, "difference", "difference_low", "difference_high", "events"])
    return frame.astype(dict.fromkeys(numbers, float))


def _model_table(learned: Learned, evidence: Evidence) -> "pd.DataFrame":
    import json

    import pandas as pd

    documents = {name: model.to_json() for name, model in learned.models.items()}
    counts = len(evidence.rows), int(evidence.is_event.sum())
    rows = [
        (name, *counts, document["sha256"], json.dumps(document, sort_keys=True, ensure_ascii=False))
        for name, document in documents.items()
    ]
    return pd.DataFrame(rows, columns=["model", "rows", "events", "sha256", "document"])


def _actions(reading: Reading, tables: "Mapping[str, pd.DataFrame]", config: Config) -> Iterator[Message]:
    stamp, baseline = reading.stamp(SCORE, config), label_of(reading.baseline, config).lower()
    if stamp is Stamp.ADDS:
        yield say("Use the score to choose whom to call first; prove it again each quarter.")
    elif stamp is Stamp.PREDICTS:
        yield say(
            "Do not count on the score to tell more than {baseline:word} alone: nobody can say yet. Prove it again "
            "when more {what} are known.",
            baseline=baseline,
            what=event_words(config),
        )
    elif stamp is Stamp.NOT_SHOWN:
        yield say("Do not choose whom to call by this score: change what it measures and prove it again.")
    else:
        yield say(
            "Wait until {least:count} {what} and as many rows without lie in the test window before the score decides "
            "anything.",
            least=config.least_events,
            what=event_words(config),
        )
    better = reading.proof.differences[reading.challenger, SCORE]
    weights = tables["weights"][tables["weights"]["scorecard"] == reading.scorecard]
    if better.low is not None and better.low > 0:
        gap = (weights["suggested_percent"] - weights["hand_percent"]).sort_values(ascending=False)
        yield say(
            "The same data can tell more than the score does ({more:estimate}): give {measures:list} more weight and "
            "prove it again.",
            more=better,
            measures=list(weights.loc[gap.index[gap > 0], "label"])[:3],
        )
    useless = weights[(weights["high"] < 0) | ((weights["loss"] <= 0) & (weights["suggested_percent"] == 0))]
    if len(useless) and stamp is not Stamp.TOO_FEW:
        yield say(
            "Ask what {measures:list} is in the score for: the score tells no less without it.",
            measures=list(useless["label"]),
        )
    suspects = tables["leaks"][tables["leaks"]["is_suspected"]]
    if len(suspects):
        yield say("Find out when {columns:list} is written.", columns=list(suspects["label"]))
