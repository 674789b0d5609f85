"""The weights people set, beside those the data suggest, and what the proof loses without each measure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from csworkbench.analyses.health_proof.evidence import Scored
from csworkbench.analyses.health_proof.reading import SCORE, Reading, main_readings
from csworkbench.analyses.health_proof.settings import Config
from csworkbench.inference.models import FOLDS, few_threads, folds_of
from csworkbench.inference.proof import prove
from csworkbench.scoring import effective_weights

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)  # of the ridge per row, the strongest last
COLUMNS = [
    "scorecard", "measure", "label", "group", "hand_percent", "suggested_percent", "loss", "low", "high", "known_share"
]  # fmt: skip


def suggested_weights(points: "Floats", is_event: "Flags", accounts: "NDArray[np.int64]", seed: int) -> "Floats":
    """Return the weights under which points tell the event best, as shares of their sum.

    Logistic regression in which more points never make the event more likely. All points have one scale, so a ridge
    holds every point alike: a measure that is nearly always the same gets weight only for much evidence. Its strength
    is the one that predicts best accounts that were left out.

    Args:
        points: Points 0 to 100, rows x measures; missing ones count as the mean of the measure.
        is_event: Whether each row has the event; both kinds occur.
        accounts: Number of the account of each row, 0 to n - 1.
        seed: Seed of the folds.

    Returns:
        One share per measure; 0 for all where they tell accounts that were left out nothing.
    """
    import numpy as np

    known = np.isfinite(points)
    mean = np.where(known, points, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centered = np.where(known, points, mean) - mean
    design = centered / (np.sqrt((centered**2).mean()) or 1.0)
    folds = folds_of(accounts, is_event, seed)
    with few_threads(design.size):
        losses = [_left_out_loss(design, is_event, folds, strength) for strength in STRENGTHS]
        if min(losses) >= _left_out_loss(design[:, :0], is_event, folds, STRENGTHS[0]):
            return np.zeros(points.shape[1])
        # Of equals the strongest.
        strength = STRENGTHS[len(STRENGTHS) - 1 - int(np.argmin(losses[::-1]))]
        worth = _worth(design, is_event, strength)[1:]
    total = worth.sum()
    return np.asarray(worth / total) if total > 0 else worth


def _left_out_loss(design: "Floats", is_event: "Flags", folds: "NDArray[np.int64]", strength: float) -> float:
    """Return the log loss on accounts that were left out, summed over the rows."""
    total = 0.0
    for fold in range(FOLDS):
        inside = folds != fold
        if inside.any() and not inside.all():
            line = _worth(design[inside], is_event[inside], strength)
            total += _loss(line, design[~inside], is_event[~inside])[0] * float((~inside).sum())
    return total


def _worth(design: "Floats", is_event: "Flags", strength: float) -> "Floats":
    """Return the intercept, and how much a unit of each column lowers the logit of the event: never below 0."""
    import numpy as np
    from scipy.optimize import minimize

    def penalized(line: "Floats") -> "tuple[float, Floats]":
        loss, slope = _loss(line, design, is_event)
        inner = np.concatenate([[0.0], line[1:]])
        return loss + strength * float(inner @ inner) / 2, slope + strength * inner

    bounds = [(None, None), *[(0.0, None)] * design.shape[1]]
    return np.asarray(minimize(penalized, np.zeros(len(bounds)), jac=True, method="L-BFGS-B", bounds=bounds).x)


def _loss(line: "Floats", design: "Floats", is_event: "Flags") -> "tuple[float, Floats]":
    """Return the mean log loss of a line, and its gradient."""
    import numpy as np
    from scipy.special import expit

    logit = line[0] - design @ line[1:]
    residual = (expit(logit) - is_event) / max(1, len(is_event))
    loss = float(np.logaddexp(0, np.where(is_event, -logit, logit)).mean()) if len(is_event) else 0.0
    return loss, np.concatenate([[residual.sum()], -(design.T @ residual)])


def weight_table(
    readings: Sequence[Reading], scored: "Mapping[str, Scored]", suggested: "Mapping[str, Floats]", config: Config
) -> "pd.DataFrame":
    """Return the weights of each scorecard, set and suggested, and how much its proof loses without each measure.

    Args:
        readings: The proofs.
        scored: Points of the rows.
        suggested: Scorecard -> suggested share of each measure; missing where nothing could be learned.
        config: Draws and level.

    Returns:
        One row per scorecard and measure: scorecard, measure, label, group, hand_percent (weight where everything is
        known), suggested_percent (0 where the data say nothing or the opposite), loss (AUC of the score minus that of
        the score without the measure), low, high, known_share (rows in which it has points).
    """
    import numpy as np
    import pandas as pd

    rows = []
    for reading in main_readings(readings):
        card = scored[reading.scorecard]
        hand = effective_weights(card.card)
        shares = suggested.get(reading.scorecard, np.full(len(hand), np.nan))
        losses = _losses(reading, card, config)
        known = np.isfinite(card.points).mean(axis=0) if len(card.points) else np.full(len(hand), np.nan)
        for place, line in enumerate(hand.itertuples(index=False)):
            loss = losses.get(str(line.measure), (None, None, None))
            rows.append(
                (reading.scorecard, line.measure, line.label, line.group, line.effective_percent, 100 * shares[place],
                 *loss, known[place])
            )  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COLUMNS[4:], float))


def _losses(
    reading: Reading, card: Scored, config: Config
) -> "dict[str, tuple[float | None, float | None, float | None]]":
    """Return the AUC lost without each measure, with its interval, on the rows that test."""
    import numpy as np

    rows = reading.proof.rows
    if not 0 < rows.events < len(rows.is_event):
        return {}
    places = np.searchsorted(card.rows, reading.rows)
    less = {name: np.nan_to_num(score[places], nan=50.0) for name, score in card.without.items()}
    # Below 0: ranks, for which no calibration is sought.
    risks = {SCORE: -1 - reading.score} | {f"without {name}": -1 - score for name, score in less.items()}
    proof = prove(risks, rows, 1.0, draws=config.draws, seed=config.seed, level=config.level)
    found = {name: proof.differences[SCORE, f"without {name}"] for name in less}
    return {name: (each.value, each.low, each.high) for name, each in found.items()}
