"""How far the risks of a learned model could be off: draws of its parameters, accounts as the independent units."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.inference.models import Model

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


def coefficient_draws(
    model: "Model",
    learned: "pd.DataFrame",
    is_event: "Flags",
    accounts: "NDArray[np.int64]",
    *,
    draws: int,
    seed: int,
) -> "Floats":
    """Return draws of intercept and coefficients of a logistic model, as other accounts would have taught it.

    Normal about the fitted ones, with the sandwich variance in which the rows of an account count as one.

    Args:
        model: A logistic model.
        learned: The rows it was fitted on.
        is_event: Whether each row has the event.
        accounts: Number of the account of each row, 0 to n - 1.
        draws: How many draws.
        seed: The same seed gives the same draws.

    Returns:
        One row per draw: intercept, then the coefficients in the order of `Model.design`.

    Source: Liang and Zeger (1986), Biometrika 73, with the ridge of the fit in the bread; checked against the
        cluster-robust variance of statsmodels' Logit.
    """
    import numpy as np
    from scipy.special import expit

    design = np.column_stack([np.ones(len(learned)), model.design(learned)])
    fitted = np.array([model.parameters["intercept"], *model.parameters["coefficients"]])
    probability = expit(design @ fitted)
    ridge = np.full(len(fitted), 1 / model.parameters["penalty"])
    ridge[0] = 0.0
    bread = np.linalg.pinv((design * (probability * (1 - probability))[:, None]).T @ design + np.diag(ridge))
    scores = np.zeros((int(accounts.max()) + 1, len(fitted)))
    np.add.at(scores, accounts, design * (is_event - probability)[:, None])
    groups = len(scores)
    variance = bread @ (scores.T @ scores) @ bread * (groups / max(groups - 1, 1))
    # An eigenvalue may be a hair below 0; a coefficient that was left out has none.
    values, vectors = np.linalg.eigh((variance + variance.T) / 2)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    noise = np.random.default_rng(seed).standard_normal((draws, len(fitted)))
    return np.asarray(fitted + noise @ root.T)


def risk_draws(model: "Model", coefficients: "Floats", wanted: "pd.DataFrame") -> "Floats":
    """Return the calibrated risk of rows under each draw of the coefficients.

    Args:
        model: The model the draws belong to.
        coefficients: What `coefficient_draws` returned.
        wanted: Rows with the measures of the model.

    Returns:
        One row per draw, one column per row of `wanted`.
    """
    import numpy as np
    from scipy.special import expit

    design = np.column_stack([np.ones(len(wanted)), model.design(wanted)])
    intercept, slope = model.line
    return np.asarray(expit(intercept + slope * (coefficients @ design.T)))
