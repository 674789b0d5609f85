"""Learned models of an event: fitted, calibrated inside their own rows, stored as JSON with a hash."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from csworkbench.inference.discrimination import calibration_line
from csworkbench.inference.encoding import Encoding, encoding_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

Kind = Literal["logistic", "boosting"]
FOLDS = 5
BOOSTING = {"learning_rate": 0.1, "max_leaf_nodes": 8, "max_iter": 80, "max_bins": 63, "l2_regularization": 1.0}
TREES = (10, 20, 40, 80)  # as many as predict best accounts that were left out: few events carry few trees
SMALL = 1_000_000  # cells
PENALTIES = (0.01, 0.1, 1.0)  # inverse strengths of the ridge, the strongest first


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A fitted model.

    Args:
        kind: logistic or boosting.
        encoding: How a frame becomes its matrix.
        parameters: Numbers of the model, in JSON types.
        line: Intercept and slope on the logit that make its probabilities right, learned out of fold.
    """

    kind: Kind
    encoding: Encoding
    parameters: Mapping[str, Any]
    line: tuple[float, float]

    def risk(self, frame: "pd.DataFrame") -> "Floats":
        """Return the calibrated probability of the event for each row.

        Args:
            frame: The measures it was fitted on, by name.
        """
        from scipy.special import expit

        return _calibrated(expit(_raw(self.kind, self.parameters, self.encoding.matrix(frame))), self.line)

    def design(self, frame: "pd.DataFrame") -> "Floats":
        """Return the standardised columns a logistic model multiplies with its coefficients, gaps filled.

        Args:
            frame: The measures it was fitted on, by name.
        """
        return _filled(self.parameters, self.encoding.matrix(frame))

    def to_json(self) -> dict[str, Any]:
        """Return everything that is needed to compute its risks elsewhere, with a hash of it."""
        body = {
            "kind": self.kind,
            "numbers": list(self.encoding.numbers),
            "words": [[name, list(known)] for name, known in self.encoding.words],
            "knots": [list(knots) for knots in self.encoding.knots],
            "parameters": dict(self.parameters),
            "line": list(self.line),
        }
        return body | {"sha256": _digest(body)}


def from_json(stored: Mapping[str, Any]) -> Model:
    """Return the model that `Model.to_json` stored.

    Args:
        stored: The document.

    Raises:
        ValueError: it is not what was stored: its hash does not fit.
    """
    body = {key: value for key, value in stored.items() if key != "sha256"}
    if stored.get("sha256") != _digest(body):
        raise ValueError("the model is not the one that was stored: its hash does not fit")
    words = tuple((name, tuple(known)) for name, known in body["words"])
    knots = tuple(tuple(each) for each in body["knots"])
    encoding = Encoding(tuple(body["numbers"]), words, knots)
    return Model(body["kind"], encoding, body["parameters"], tuple(body["line"]))


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def fit(
    kind: Kind,
    frame: "pd.DataFrame",
    is_event: "Flags",
    accounts: "NDArray[np.int64]",
    *,
    directions: Mapping[str, int] | None = None,
    by_rank: bool = False,
    seed: int = 0,
) -> Model:
    """Return a model of the event, calibrated on predictions of accounts it was not fitted on.

    Args:
        kind: logistic: ridge regression of standardised measures, missing ones at their median with a column that says
            so; boosting: gradient boosting of small trees, as many as predict best accounts that were left out.
        frame: One column per measure.
        is_event: Whether each row has the event; both kinds occur.
        accounts: Number of the account of each row: rows of one account are never on both sides of a fold.
        directions: Measure -> 1 where the event must grow more likely with it, -1 less likely. Boosting is bound to it;
            the logistic model leaves out a measure whose coefficient says the opposite, and is fitted again.
        by_rank: Numbers count by their order, 0 to 1 among these rows: for counts with long tails. Trees see only the
            order anyway.
        seed: Seed of the folds.

    Raises:
        ValueError: only one kind of outcome occurs.
    """
    import numpy as np

    is_event = np.asarray(is_event, dtype=bool)
    if is_event.all() or not is_event.any():
        raise ValueError("a model needs both kinds of outcome")
    encoding = encoding_of(frame, by_rank=by_rank)
    matrix = encoding.matrix(frame)
    signs = np.array([(directions or {}).get(origin, 0) for origin in encoding.origins], dtype=int)
    learn = _fit_logistic if kind == "logistic" else _fit_boosting
    folds = folds_of(accounts, is_event, seed)
    with few_threads(matrix.size):
        penalty = _penalty(matrix, is_event, folds) if kind == "logistic" else 0.0
        parameters = learn(matrix, is_event, signs, penalty)
        logits = _out_of_fold(
            kind, matrix, is_event, folds, lambda rows: learn(matrix[rows], is_event[rows], signs, penalty)
        )
    best = _best(logits, is_event)
    if kind == "boosting":
        parameters["trees"] = parameters["trees"][: TREES[best]]
    return Model(kind, encoding, parameters, _line(logits[:, best], is_event))


def few_threads(cells: int) -> AbstractContextManager[object]:
    """Return a context in which a small matrix is worked on by one thread.

    On few rows threads wait for each other longer than they work; on a busy machine ten times as long.

    Args:
        cells: Size of the matrix.
    """
    import sklearn  # noqa: F401  # loads its threads first: a limit holds only for libraries that are there
    from threadpoolctl import threadpool_limits

    return nullcontext() if cells >= SMALL else threadpool_limits(1)


def folds_of(accounts: "NDArray[np.int64]", is_event: "Flags", seed: int) -> "NDArray[np.int64]":
    """Return the fold of each row, 0 to 4: accounts whole, those with an event spread evenly.

    Args:
        accounts: Number of the account of each row, 0 to n - 1.
        is_event: Whether each row has the event.
        seed: Seed of the order.
    """
    import numpy as np

    count = int(accounts.max()) + 1
    has_event = np.bincount(accounts, weights=is_event, minlength=count) > 0
    shuffled = np.random.default_rng(seed).permutation(count)
    ordered = np.concatenate([shuffled[has_event[shuffled]], shuffled[~has_event[shuffled]]])
    fold = np.empty(count, dtype=np.int64)
    fold[ordered] = np.arange(count) % FOLDS
    return fold[accounts]


def _out_of_fold(kind: Kind, matrix: "Floats", is_event: "Flags", folds: "NDArray[np.int64]", learn: Any) -> "Floats":
    """Return the logit of each row as the other folds learned it, a column per size; nan where they cannot."""
    import numpy as np

    logits = np.full((len(matrix), len(TREES) if kind == "boosting" else 1), np.nan)
    for fold in range(FOLDS):
        inside = folds != fold
        if is_event[inside].any() and not is_event[inside].all():
            logits[~inside] = _sizes(kind, learn(inside), matrix[~inside])
    return logits


def _best(logits: "Floats", is_event: "Flags") -> int:
    """Return the size with the least log loss; ties go to the smallest."""
    import numpy as np

    told = np.isfinite(logits).all(axis=1)
    return int(np.argmin([_loss(size, is_event[told]) for size in logits[told].T]))


def _loss(logits: "Floats", is_event: "Flags") -> float:
    """Return the log loss of logits, summed over the rows."""
    import numpy as np

    return float(np.logaddexp(0, np.where(is_event, -logits, logits)).sum())


def _line(logits: "Floats", is_event: "Flags") -> tuple[float, float]:
    """Return intercept and slope of the out-of-fold predictions; those that change nothing where nobody can tell."""
    import numpy as np
    from scipy.special import expit

    told = np.isfinite(logits)
    intercept, slope = calibration_line(expit(logits[told]), is_event[told])
    # A slope that is not positive would turn the order of the risks round.
    return (intercept, slope) if np.isfinite(slope) and slope > 0 else (0.0, 1.0)


def _calibrated(probability: "Floats", line: tuple[float, float]) -> "Floats":
    import numpy as np
    from scipy.special import expit, logit

    edge = 1e-12
    return np.asarray(expit(line[0] + line[1] * logit(np.clip(probability, edge, 1 - edge))))


def _sizes(kind: Kind, parameters: Mapping[str, Any], matrix: "Floats") -> "Floats":
    """Return the logit of each row by each size of a model, one column each."""
    import numpy as np

    if kind == "logistic":
        return _logistic(parameters, matrix)[:, None]
    after = [logits for number, logits in enumerate(_steps(parameters, matrix)) if number in TREES]
    # Nothing to split on: all sizes are the same constant.
    return np.column_stack(after or [_boosting(parameters, matrix)] * len(TREES))


def _raw(kind: Kind, parameters: Mapping[str, Any], matrix: "Floats") -> "Floats":
    return _logistic(parameters, matrix) if kind == "logistic" else _boosting(parameters, matrix)


def _filled(parameters: Mapping[str, Any], matrix: "Floats") -> "Floats":
    import numpy as np

    gaps = np.isnan(matrix)
    plain = np.where(gaps, np.asarray(parameters["median"]), matrix)
    both = np.column_stack([plain, gaps[:, np.asarray(parameters["gaps"], dtype=int)].astype(float)])
    return np.asarray((both - np.asarray(parameters["center"])) / np.asarray(parameters["scale"]))


def _logistic(parameters: Mapping[str, Any], matrix: "Floats") -> "Floats":
    import numpy as np

    return np.asarray(parameters["intercept"] + _filled(parameters, matrix) @ np.asarray(parameters["coefficients"]))


def _standard(matrix: "Floats") -> dict[str, Any]:
    """Return how rows are filled and standardised, learned from these."""
    import numpy as np

    gaps = np.flatnonzero(np.isnan(matrix).any(axis=0))
    known = ~np.isnan(matrix)
    median = [
        float(np.median(matrix[known[:, at], at])) if known[:, at].any() else 0.0 for at in range(matrix.shape[1])
    ]
    width = matrix.shape[1] + len(gaps)
    plain = {"median": median, "gaps": gaps.tolist(), "center": [0.0] * width, "scale": [1.0] * width}
    filled = _filled(plain, matrix)
    spread = filled.std(axis=0)
    return plain | {"center": filled.mean(axis=0).tolist(), "scale": np.where(spread > 0, spread, 1.0).tolist()}


def _fit_logistic(matrix: "Floats", is_event: "Flags", signs: "NDArray[np.int64]", penalty: float) -> dict[str, Any]:
    import numpy as np

    parameters = _standard(matrix)
    design = _filled(parameters, matrix)
    width = design.shape[1]
    wanted = np.concatenate([signs, np.zeros(width - len(signs), dtype=int)])
    used = np.ones(width, dtype=bool)
    while True:
        coefficients, intercept = np.zeros(width), _log_odds(is_event)
        if used.any():
            fitted = _ridge(design[:, used], is_event, penalty)
            coefficients[used], intercept = fitted.coef_[0], float(fitted.intercept_[0])
        wrong = used & (coefficients * wanted < 0)
        if not wrong.any():
            return parameters | {"coefficients": coefficients.tolist(), "intercept": intercept, "penalty": penalty}
        used &= ~wrong


def _ridge(design: "Floats", is_event: "Flags", penalty: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=penalty, solver="newton-cholesky").fit(design, is_event)


def _penalty(matrix: "Floats", is_event: "Flags", folds: "NDArray[np.int64]") -> float:
    """Return the inverse strength with the least log loss on accounts that were left out; ties go to the strongest."""
    import numpy as np

    design = _filled(_standard(matrix), matrix)
    if design.shape[1] < 2:  # the calibration undoes what a ridge does to one column
        return PENALTIES[-1]
    losses = []
    for penalty in PENALTIES:
        loss = 0.0
        for fold in np.unique(folds):
            inside = folds != fold
            if not is_event[inside].any() or is_event[inside].all():
                continue
            logits = _ridge(design[inside], is_event[inside], penalty).decision_function(design[~inside])
            loss += _loss(logits, is_event[~inside])
        losses.append(loss)
    return PENALTIES[int(np.argmin(losses))]


def _log_odds(is_event: "Flags") -> float:
    import numpy as np

    share = float(is_event.mean())
    return float(np.log(share / (1 - share)))


def _fit_boosting(matrix: "Floats", is_event: "Flags", signs: "NDArray[np.int64]", penalty: float) -> dict[str, Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    del penalty  # its trees have their own
    if not matrix.shape[1]:
        return {"baseline": _log_odds(is_event), "trees": []}
    model = HistGradientBoostingClassifier(
        **BOOSTING, monotonic_cst=signs, early_stopping=False, random_state=0, categorical_features=None
    )
    fitted = model.fit(matrix, is_event)
    trees = [_tree(stage[0].nodes) for stage in fitted._predictors]  # the only place its trees are
    return {"baseline": float(fitted._baseline_prediction.ravel()[0]), "trees": trees}


def _tree(nodes: Any) -> dict[str, list[Any]]:
    names = {
        "value": "value",
        "feature": "feature_idx",
        "threshold": "num_threshold",
        "gap_left": "missing_go_to_left",
        "left": "left",
        "right": "right",
        "leaf": "is_leaf",
    }
    return {name: nodes[field].tolist() for name, field in names.items()}


def _boosting(parameters: Mapping[str, Any], matrix: "Floats") -> "Floats":
    *_, logits = _steps(parameters, matrix)
    return logits


def _steps(parameters: Mapping[str, Any], matrix: "Floats") -> "Iterator[Floats]":
    """Yield the logit of each row before the first tree, after it, after the second and so on."""
    import numpy as np

    total = np.full(len(matrix), float(parameters["baseline"]))
    yield total
    for tree in parameters["trees"]:
        total = total + _walk({name: np.asarray(column) for name, column in tree.items()}, matrix)
        yield total


def _walk(tree: Mapping[str, Any], matrix: "Floats") -> "Floats":
    """Return the leaf value of each row, all rows one level down at a time."""
    import numpy as np

    at = np.zeros(len(matrix), dtype=np.int64)
    rows = np.arange(len(matrix))
    while len(rows):
        rows = rows[~tree["leaf"][at[rows]].astype(bool)]
        node = at[rows]
        cell = matrix[rows, tree["feature"][node]]
        goes_left = np.where(np.isnan(cell), tree["gap_left"][node].astype(bool), cell <= tree["threshold"][node])
        at[rows] = np.where(goes_left, tree["left"][node], tree["right"][node])
    return np.asarray(tree["value"][at])


def importance_order(model: Model, frame: "pd.DataFrame") -> Sequence[str]:
    """Return the measures by how much the model's risks vary with them, the most telling first.

    Args:
        model: A fitted model.
        frame: Rows whose measures are set to their first row's value one after another.
    """
    import numpy as np
    from scipy.special import logit

    base = logit(np.clip(model.risk(frame), 1e-12, 1 - 1e-12))
    moved = {}
    for name in dict.fromkeys(model.encoding.origins):
        fixed = frame.assign(**{name: frame[name].mode(dropna=False).iloc[0]})
        moved[name] = float(np.std(base - logit(np.clip(model.risk(fixed), 1e-12, 1 - 1e-12))))
    return sorted(moved, key=lambda name: -moved[name])
