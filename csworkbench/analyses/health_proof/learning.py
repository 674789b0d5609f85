"""Predictions of every candidate for rows of accounts it never saw, out of time where the outcome has a day."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from csworkbench.analyses.health_proof.evidence import Evidence, Scored
from csworkbench.analyses.health_proof.settings import Config, Outcome
from csworkbench.asof import Part
from csworkbench.inference.models import FOLDS, Kind, Model, fit, folds_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

CONSTANT = "constant"
CHALLENGERS: tuple[Kind, ...] = ("logistic", "boosting")


class LineName(StrEnum):
    """How rows were divided into those that teach and those that test."""

    FORWARD = "forward"
    CROSSED = "cross_validation"


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Predictions of one way of dividing the rows.

    Args:
        name: forward: learned before the cut, tested after it, accounts never on both sides; cross_validation: learned
            from other accounts of all dates.
        tests: Rows that test.
        chooses: Rows on which the best baseline and the better challenger are chosen: those that teach, each predicted
            from other accounts.
        risks: Candidate -> probability of each row; nan where it was not predicted. Scores are score.<scorecard>.
        on_both_sides: Accounts that taught and tested the same prediction; 0, or the division is broken.
        taught: Rows and events that could teach.
    """

    name: LineName
    tests: "Flags"
    chooses: "Flags"
    risks: "Mapping[str, Floats]"
    on_both_sides: int
    taught: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """Everything that was fitted.

    Args:
        lines: The proof out of time first, where there is one, then cross-validation.
        models: Challenger -> fitted on every row with a known outcome, as one would use it from now on; without those
            that could not be fitted.
    """

    lines: tuple[Line, ...]
    models: Mapping[str, Model]


def learn(evidence: Evidence, scored: Mapping[str, Scored], config: Config) -> Learned:
    """Return the predictions of scores, learned models and baselines.

    Args:
        evidence: What happened and what was known before.
        scored: Points and scores of the rows.
        config: Seed and repeats.
    """
    import numpy as np

    everywhere = np.ones(len(evidence.rows), dtype=bool)
    repeats = config.event.repeats if isinstance(config.event, Outcome) else 1
    crossed = _line(
        evidence, scored, LineName.CROSSED, (everywhere, everywhere), [config.seed + n for n in range(repeats)]
    )
    lines: tuple[Line, ...] = (crossed,)
    if evidence.cut is not None:
        divided = evidence.is_part(Part.TRAIN.value), evidence.is_part(Part.TEST.value)
        lines = (_line(evidence, scored, LineName.FORWARD, divided, [config.seed]), crossed)
    frame = challenger_frame(evidence)
    fitted = {kind: _fitted(kind, frame, everywhere, evidence, config.seed) for kind in CHALLENGERS}
    return Learned(lines, {kind: model for kind, model in fitted.items() if model is not None})


def challenger_frame(evidence: Evidence) -> "pd.DataFrame":
    """Return what the learned models see."""
    return evidence.known[list(evidence.columns.learned)]


def candidates(evidence: Evidence, scored: Mapping[str, Scored]) -> "Iterator[tuple[str, Kind, pd.DataFrame]]":
    """Yield name, kind and measures of every candidate that is fitted, in the order of the tables."""
    import numpy as np
    import pandas as pd

    for name, card in scored.items():
        scores = np.full(len(evidence.rows), np.nan)
        scores[card.rows] = card.score
        yield f"score.{name}", "logistic", pd.DataFrame({"score": scores})
    for kind in CHALLENGERS:
        yield kind, kind, challenger_frame(evidence)
    for name, column in evidence.columns.baselines.items():
        yield name, "logistic", evidence.known[[column]]


def _line(
    evidence: Evidence, scored: Mapping[str, Scored], name: LineName, divided: "tuple[Flags, Flags]", seeds: list[int]
) -> Line:
    """Return the predictions of one division; of several repeats their mean."""
    import numpy as np

    teaches, tests = divided
    folds = [folds_of(evidence.accounts, evidence.is_event, seed) for seed in seeds]
    constant = np.where(teaches | tests, _share(evidence.is_event[teaches]), np.nan)
    risks = {}
    for candidate, kind, frame in candidates(evidence, scored):
        usable = frame["score"].notna().to_numpy() if candidate.startswith("score.") else np.ones(len(frame), bool)
        found = [
            _crossed(evidence, (kind, frame), teaches & usable, (teaches | tests) & usable, fold) for fold in folds
        ]
        risks[candidate] = np.mean(found, axis=0)
    shared = sum(
        _shared(evidence.accounts, teaches & (folds[0] != fold), tests & (folds[0] == fold)) for fold in range(FOLDS)
    )
    taught = int(teaches.sum()), int(evidence.is_event[teaches].sum())
    return Line(name, tests, teaches, risks | {CONSTANT: constant}, shared, taught)


def _crossed(
    evidence: Evidence, what: "tuple[Kind, pd.DataFrame]", teaches: "Flags", wanted: "Flags", folds: "NDArray[np.int64]"
) -> "Floats":
    """Return the risk of wanted rows, each from rows that teach of accounts in the other folds."""
    import numpy as np

    kind, frame = what
    risk = np.full(len(frame), np.nan)
    for fold in range(FOLDS):
        inside, outside = teaches & (folds != fold), wanted & (folds == fold)
        if not outside.any():
            continue
        model = _fitted(kind, frame, inside, evidence, fold)
        risk[outside] = _share(evidence.is_event[inside]) if model is None else model.risk(frame[outside])
    return risk


def _fitted(kind: Kind, frame: "pd.DataFrame", rows: "Flags", evidence: Evidence, seed: int) -> Model | None:
    """Return a model of some rows; None where they hold one kind of outcome only, so that there is nothing to learn."""
    import pandas as pd

    is_event = evidence.is_event[rows]
    if is_event.all() or not is_event.any():
        return None
    accounts, _ = pd.factorize(evidence.accounts[rows])
    directions = evidence.columns.directions
    return fit(kind, frame[rows], is_event, accounts, directions=directions, by_rank=kind == "logistic", seed=seed)


def _share(is_event: "Flags") -> float:
    return float(is_event.mean()) if len(is_event) else 0.5


def _shared(accounts: "NDArray[np.int64]", teaches: "Flags", tests: "Flags") -> int:
    import numpy as np

    return len(np.intersect1d(accounts[teaches], accounts[tests]))
