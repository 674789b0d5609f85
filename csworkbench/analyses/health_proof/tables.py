"""The tables of the proof: candidates by measure, calibration, gain, segments."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from csworkbench.analyses.health_proof.evidence import Evidence, Scored
from csworkbench.analyses.health_proof.learning import CHALLENGERS, CONSTANT
from csworkbench.analyses.health_proof.reading import SCORE, Reading, main_readings, shown_candidates
from csworkbench.analyses.health_proof.settings import Config
from csworkbench.asof import Part
from csworkbench.estimates import say
from csworkbench.features.estimating import share_of
from csworkbench.formats import text
from csworkbench.inference.discrimination import captured, ranked
from csworkbench.inference.proof import Rows, auc_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

GROUPS = 10  # of rows with a like probability
STEPS = 20  # of the gain curve
MOST_VALUES = 20  # of a segment
BOUNDS = ["value", "low", "high"]
LABELS = {
    SCORE: say("Score"),
    "logistic": say("Learned: logistic"),
    "boosting": say("Learned: boosting"),
    CONSTANT: say("Everybody alike"),
}


def label_of(candidate: str, config: Config) -> str:
    """Return the name of a candidate on pages.

    Args:
        candidate: Its name in tables.
        config: Names of the baselines.
    """
    if candidate in LABELS:
        return text(LABELS[candidate])
    return next(each.label for each in config.baselines if each.name == candidate)


def kind_of(candidate: str) -> str:
    """Return whether a candidate is the score, a challenger or a baseline."""
    if candidate == SCORE:
        return SCORE
    return "challenger" if candidate in CHALLENGERS else "baseline"


def teaching_table(evidence: Evidence, scored: Mapping[str, Scored]) -> "pd.DataFrame":
    """Return what was known of the rows that teach: who chooses weights looks at these, never at those that test.

    Returns:
        One row per scorecard, row and measure: scorecard, row, measure, account (both numbers that name nobody),
        is_event, value (a number; missing = not known, or text), text (a category), reads (what the values depend on,
        `Measure.reads`). Empty without a proof out of time.
    """
    import pandas as pd

    teaches = evidence.is_part(Part.TRAIN.value) & (evidence.cut is not None)
    parts = []
    for name, card in scored.items():
        mine = teaches[card.rows]
        rows = card.rows[mine]
        for measure in card.card.measures:
            known = card.known[measure.name][mine]
            is_number = pd.api.types.is_numeric_dtype(known)
            told = {
                "scorecard": name,
                "row": rows,
                "measure": measure.name,
                "account": evidence.accounts[rows],
                "is_event": evidence.is_event[rows],
                "value": known.array if is_number else None,
                "text": None if is_number else known.array,
                "reads": measure.reads,
            }
            parts.append(pd.DataFrame(told))
    found = pd.concat(parts, ignore_index=True)
    return found.astype(dict.fromkeys(["scorecard", "measure", "text", "reads"], "str") | {"value": "float64"})


def proof_table(readings: Sequence[Reading], config: Config) -> "pd.DataFrame":
    """Return every measure of every candidate.

    Returns:
        One row per scorecard, line, candidate and measure: scorecard, line, candidate, label, kind, measure, value,
        low, high, rows, events, accounts, chosen (the better challenger and the best baseline).
    """
    import pandas as pd

    rows = [
        {
            "scorecard": reading.scorecard,
            "line": reading.line.name.value,
            "candidate": candidate,
            "label": label_of(candidate, config),
            "kind": kind_of(candidate),
            "measure": measure,
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "rows": len(reading.rows),
            "events": reading.proof.rows.events,
            "accounts": reading.proof.rows.account_count,
            "chosen": candidate in shown_candidates(reading),
        }
        for reading in readings
        for candidate, measures in reading.proof.measures.items()
        for measure, found in measures.items()
    ]
    return pd.DataFrame(rows).astype(dict.fromkeys(BOUNDS, float))


def calibration_table(readings: Sequence[Reading], config: Config) -> "pd.DataFrame":
    """Return what was said against what came, in ten groups of rows with a like probability.

    Returns:
        One row per scorecard, candidate shown and group: scorecard, candidate, label, group (1 = least likely), said
        (mean probability), came (share with the event), low, high, rows, events.
    """
    import pandas as pd

    rows = [
        {"scorecard": reading.scorecard, "candidate": name, "label": label_of(name, config), **group}
        for reading in main_readings(readings)
        for name in dict.fromkeys((SCORE, reading.challenger))
        for group in _groups(reading, name, config)
    ]
    columns = ["scorecard", "candidate", "label", "group", "said", "came", "low", "high", "rows", "events"]
    return pd.DataFrame(rows, columns=columns)


def _groups(reading: Reading, candidate: str, config: Config) -> "Iterator[dict[str, float | int | None]]":
    import numpy as np
    import pandas as pd

    risk, rows = reading.risks[candidate], reading.proof.rows
    order = np.argsort(risk, kind="stable")
    for number, places in enumerate(np.array_split(order, min(GROUPS, len(order) or 1)), start=1):
        if not len(places):
            continue
        by_account = pd.Series(rows.is_event[places].astype(float)).groupby(rows.accounts[places])
        came = share_of(by_account.sum(), by_account.count().astype(float), config.level)
        yield {
            "group": number,
            "said": float(risk[places].mean()),
            "came": came.value,
            "low": came.low,
            "high": came.high,
            "rows": len(places),
            "events": int(rows.is_event[places].sum()),
        }


def gain_table(readings: Sequence[Reading], config: Config) -> "pd.DataFrame":
    """Return which share of the events is found by looking at the riskiest rows first.

    Returns:
        One row per scorecard, candidate shown and share: scorecard, candidate, label, looked_at, found (shares 0 to 1).
    """
    import pandas as pd

    rows = []
    for reading in main_readings(readings):
        if not reading.proof.rows.events:
            continue
        for name in shown_candidates(reading):
            order = ranked(reading.risk_of(name), reading.proof.rows.is_event)
            label = label_of(name, config)
            shares = [step / STEPS for step in range(STEPS + 1)]
            rows += [(reading.scorecard, name, label, share, captured(order, share)) for share in shares]
    return pd.DataFrame(rows, columns=["scorecard", "candidate", "label", "looked_at", "found"])


def segment_table(readings: Sequence[Reading], evidence: Evidence, config: Config) -> "pd.DataFrame":
    """Return the proof within each value of each segment.

    Args:
        readings: The proofs.
        evidence: Values of the rows.
        config: Segments, draws and level.

    Returns:
        One row per scorecard, segment, value and candidate: scorecard, segment, value, candidate, label, auc, low,
        high, rows, events, accounts. No AUC where drawn accounts too seldom hold both outcomes.
    """
    import pandas as pd

    rows = []
    for reading in main_readings(readings):
        for segment, values in _segments(evidence, reading, config):
            for value in sorted(values.dropna().unique())[:MOST_VALUES]:
                chosen = values.eq(value).to_numpy(dtype=bool, na_value=False)
                for name in (SCORE, reading.challenger):
                    label = label_of(name, config)
                    rows.append(
                        (reading.scorecard, segment, value, name, label, *within(reading, name, chosen, config))
                    )
    names = ["scorecard", "segment", "value", "candidate", "label", "auc", "low", "high", "rows", "events", "accounts"]
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(["auc", "low", "high"], float))


def _segments(evidence: Evidence, reading: Reading, config: Config) -> "Iterator[tuple[str, pd.Series[str]]]":
    for column, name in evidence.columns.attributes.items():
        if name in config.segments:
            yield name, evidence.known[column].iloc[reading.rows].astype("str")


def within(
    reading: Reading, candidate: str, chosen: "Flags", config: Config
) -> "tuple[float | None, float | None, float | None, int, int, int]":
    """Return AUC, its bounds, rows, events and accounts of some rows of a reading; no AUC where it has no interval.

    Args:
        reading: The proof.
        candidate: Name of the candidate.
        chosen: Which of its rows count.
        config: Draws and level.
    """
    import pandas as pd

    rows = Rows(reading.proof.rows.is_event[chosen], pd.factorize(reading.proof.rows.accounts[chosen])[0])
    counts = len(rows.is_event), rows.events, rows.account_count
    if not 0 < rows.events < len(rows.is_event):
        return None, None, None, *counts
    found = auc_of(reading.risk_of(candidate)[chosen], rows, draws=config.draws, seed=config.seed, level=config.level)
    return (None, None, None, *counts) if found.low is None else (found.value, found.low, found.high, *counts)
