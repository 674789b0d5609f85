"""The effect of a touch nobody randomized, if all that decided who got it is among the covariates.

Two models, each learned on other accounts than it is used on: who is touched, and what would have come without the
touch. The effect is right where either of them is.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from csworkbench.adjustment.clusters import Difference, difference_of
from csworkbench.inference.models import FOLDS, few_threads, folds_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

OutcomeModel = Literal["ridge", "boosting", "best"]
PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)
EDGE = 1e-3  # a chance nearer to 0 or 1 counts as this: one row must not weigh as much as a thousand
BOOSTING = {"learning_rate": 0.1, "max_leaf_nodes": 8, "max_iter": 60, "max_bins": 63, "l2_regularization": 1.0}


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What is compared: one row per account and week, or per account.

    Args:
        is_touched: Whether each row was touched.
        outcome: What came of it.
        design: Covariates known before, standardised, without gaps.
        accounts: Number of the account of each row, 0 to n - 1.
    """

    is_touched: "Flags"
    outcome: "Floats"
    design: "Floats"
    accounts: "Ints"

    def only(self, kept: "Flags") -> "Rows":
        """Return some of the rows, accounts numbered anew.

        Args:
            kept: Which rows stay.
        """
        import numpy as np

        accounts = np.unique(self.accounts[kept], return_inverse=True)[1]
        return Rows(self.is_touched[kept], self.outcome[kept], self.design[kept], np.asarray(accounts, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What the two models say of each row, learned on other accounts.

    Args:
        chance: Probability of being touched.
        untouched: Outcome expected without the touch.
        touched: Outcome expected with it.
        model: The kind of model that predicts the outcome.
    """

    chance: "Floats"
    untouched: "Floats"
    touched: "Floats"
    model: str

    def only(self, kept: "Flags") -> "Learned":
        """Return what is said of some of the rows.

        Args:
            kept: Which rows stay.
        """
        return Learned(self.chance[kept], self.untouched[kept], self.touched[kept], self.model)


def learn(rows: Rows, *, model: OutcomeModel = "best", seed: int = 0) -> Learned:
    """Return what models learned on four fifths of the accounts say of the others, for all five fifths.

    Args:
        rows: Rows of both kinds.
        model: ridge, boosting, or whichever predicts the outcome of left-out untouched accounts better.
        seed: Seed of the folds.

    Raises:
        ValueError: some fold would learn from one kind of row only.

    Source: Chernozhukov et al. (2018), Econometrics Journal 21: cross-fitting; folds hold whole accounts.
    """
    import numpy as np

    folds = folds_of(rows.accounts, rows.is_touched, seed)
    for fold in range(FOLDS):
        inside = rows.is_touched[folds != fold]
        if inside.all() or not inside.any():
            raise ValueError("each fold needs touched and untouched rows to learn from")
    kinds = ("ridge", "boosting") if model == "best" else (model,)
    with few_threads(rows.design.size):
        chance = _out_of_fold(rows, folds, _chances)
        untouched = {kind: _out_of_fold(rows, folds, _outcomes(kind, is_touched=False)) for kind in kinds}
        others = ~rows.is_touched
        best = min(kinds, key=lambda kind: float(np.square(rows.outcome - untouched[kind])[others].mean()))
        touched = _out_of_fold(rows, folds, _outcomes("ridge", is_touched=True))
    return Learned(np.clip(chance, EDGE, 1 - EDGE), untouched[best], touched, best)


def weights_of(chance: "Floats", is_touched: "Flags") -> "Floats":
    """Return the weight of each row where untouched rows stand in for touched ones: 1, or the odds of being touched.

    Args:
        chance: Probability of being touched.
        is_touched: Whether each row was.
    """
    import numpy as np

    return np.where(is_touched, 1.0, chance / (1 - chance))


def effect_on_touched(rows: Rows, learned: Learned) -> Difference | None:
    """Return the mean effect on those who were touched (ATT); None where it has no error.

    Args:
        rows: Rows of both kinds.
        learned: What `learn` returned for them.

    Source: Robins, Rotnitzky and Zhao (1994), JASA 89; the score of DoubleML's `ATTE`, weights not normalised.
    """
    import numpy as np

    share = float(rows.is_touched.mean())
    signed = np.where(rows.is_touched, 1.0, -1.0) * weights_of(learned.chance, rows.is_touched)
    moments = signed * (rows.outcome - learned.untouched) / share
    value = float(moments.mean())
    return difference_of(value, moments - value * rows.is_touched / share, rows.accounts)


def effect_on_all(rows: Rows, learned: Learned) -> Difference | None:
    """Return the mean effect on everybody in the rows (ATE); None where it has no error.

    Args:
        rows: Rows of both kinds.
        learned: What `learn` returned for them.

    Source: as `effect_on_touched`; the score of DoubleML's `ATE`.
    """
    import numpy as np

    lift = learned.touched - learned.untouched
    over = np.where(rows.is_touched, (rows.outcome - learned.touched) / learned.chance, 0.0)
    under = np.where(rows.is_touched, 0.0, (rows.outcome - learned.untouched) / (1 - learned.chance))
    moments = lift + over - under
    value = float(moments.mean())
    return difference_of(value, moments - value, rows.accounts)


def plain_difference(rows: Rows) -> Difference | None:
    """Return the difference of the means of touched and untouched rows, nothing adjusted; None where it has no error.

    Args:
        rows: Rows of both kinds.
    """
    import numpy as np

    means = [float(rows.outcome[rows.is_touched == kind].mean()) for kind in (True, False)]
    share = float(rows.is_touched.mean())
    influence = np.where(rows.is_touched, (rows.outcome - means[0]) / share, -(rows.outcome - means[1]) / (1 - share))
    return difference_of(means[0] - means[1], influence, rows.accounts)


def regression_difference(rows: Rows, covariates: "Floats") -> Difference | None:
    """Return the difference at equal covariates by least squares; None where it has no error.

    It is an effect only where the effect is the same for all and everything is linear.

    Args:
        rows: Rows of both kinds.
        covariates: Columns that are held equal.
    """
    import numpy as np

    columns = np.column_stack([np.ones(len(covariates)), covariates])
    both = np.column_stack([rows.is_touched.astype(float), rows.outcome])
    touch, outcome = (both - columns @ np.linalg.lstsq(columns, both, rcond=None)[0]).T
    spread = float(touch @ touch)
    if spread <= EDGE * EDGE * len(touch):
        return None
    value = float(touch @ outcome) / spread
    return difference_of(value, touch * (outcome - value * touch) * len(touch) / spread, rows.accounts)


def _out_of_fold(rows: Rows, folds: "Ints", learner: Any) -> "Floats":
    import numpy as np

    said = np.empty(len(folds))
    for fold in np.unique(folds):
        away = folds == fold
        said[away] = learner(rows, ~away, rows.design[away])
    return said


def _chances(rows: Rows, inside: "Flags", asked: "Floats") -> "Floats":
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    if not rows.design.shape[1]:
        return np.full(len(asked), float(rows.is_touched[inside].mean()))
    fitted = LogisticRegression(C=1.0, solver="newton-cholesky").fit(rows.design[inside], rows.is_touched[inside])
    return np.asarray(fitted.predict_proba(asked)[:, 1])


def _outcomes(kind: str, *, is_touched: bool) -> Any:
    """Return a learner of the outcome of touched or of untouched rows."""

    def said(rows: Rows, inside: "Flags", asked: "Floats") -> "Floats":
        import numpy as np
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.linear_model import RidgeCV

        used = inside & (rows.is_touched == is_touched)
        if not rows.design.shape[1] or used.sum() <= FOLDS:
            return np.full(len(asked), float(rows.outcome[used].mean()))
        model = (
            RidgeCV(PENALTIES)
            if kind == "ridge"
            else HistGradientBoostingRegressor(**BOOSTING, early_stopping=False, random_state=0)
        )
        return np.asarray(model.fit(rows.design[used], rows.outcome[used]).predict(asked))

    return said
