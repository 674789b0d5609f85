"""What was known before a touch, as a matrix both models of the adjustment read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.inference.encoding import encoding_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LONG_TAIL = 2.0  # skewness from which a number that is never negative counts by its logarithm
FEW_VALUES = 3  # a number with fewer values than this has no square of its own


@dataclass(frozen=True, slots=True, eq=False)
class Covariates:
    """Covariates of rows, ready for a regression.

    Args:
        plain: One standardised column per number or word, gaps at the median; what balance is judged on.
        names: Name of each column of `plain`.
        origins: Covariate behind each column of `plain`.
        matrix: `plain`, a logarithm for each long tail, squares, and a column per number with gaps that says where they
            are; standardised.
        sources: Covariate behind each column of `matrix`.
    """

    plain: "Floats"
    names: tuple[str, ...]
    origins: tuple[str, ...]
    matrix: "Floats"
    sources: tuple[str, ...]

    def without(self, *covariates: str) -> "Floats":
        """Return the matrix without some covariates.

        Args:
            covariates: Their names.
        """
        import numpy as np

        return self.matrix[:, np.array([name not in covariates for name in self.sources], dtype=bool)]


def covariates_of(frame: "pd.DataFrame") -> Covariates:
    """Return covariates as a matrix; those that do not vary are left out.

    Nothing of the outcome or of who was touched is used, so it may be made before rows are parted into folds.

    Args:
        frame: One column per covariate: number, boolean or text; a missing number is filled and marked.
    """
    import numpy as np

    encoding = encoding_of(frame)
    raw = encoding.matrix(frame)
    gaps = np.isnan(raw)
    filled = np.column_stack([_filled(column) for column in raw.T]) if raw.shape[1] else raw
    plain, is_varied = _standard(filled)
    names = [name for name, kept in zip(encoding.names, is_varied, strict=True) if kept]
    origins = [name for name, kept in zip(encoding.origins, is_varied, strict=True) if kept]
    more = [(encoding.origins[at], gaps[:, at].astype(float)) for at in range(len(gaps.T)) if gaps[:, at].any()]
    for origin, scaled, column in zip(origins, plain.T, filled[:, is_varied].T, strict=True):
        more += [(origin, each) for each in _curves(scaled, column)]
    extra, kept = _standard(np.column_stack([column for _, column in more]) if more else plain[:, :0])
    sources = [name for (name, _), is_kept in zip(more, kept, strict=True) if is_kept]
    return Covariates(plain, tuple(names), tuple(origins), np.column_stack([plain, extra]), (*origins, *sources))


def _filled(column: "Floats") -> "Floats":
    """Return a column with gaps at its median."""
    import numpy as np

    known = column[~np.isnan(column)]
    return np.where(np.isnan(column), np.median(known) if len(known) else 0.0, column)


def _curves(scaled: "Floats", column: "Floats") -> "list[Floats]":
    """Return what stands beside a number so that a line may bend: its square; where its tail is long, its logarithm."""
    import numpy as np
    from scipy.stats import skew

    if len(np.unique(column)) < FEW_VALUES:
        return []
    if column.min() < 0 or float(skew(column)) <= LONG_TAIL:
        return [np.square(scaled)]
    logs = np.log1p(column)
    return [logs, np.square(logs - logs.mean())]


def _standard(matrix: "Floats") -> "tuple[Floats, NDArray[np.bool_]]":
    """Return the columns that vary with mean 0 and spread 1, and which they are."""
    spread = matrix.std(axis=0)
    is_varied = spread > 1e-9
    return (matrix[:, is_varied] - matrix[:, is_varied].mean(axis=0)) / spread[is_varied], is_varied
