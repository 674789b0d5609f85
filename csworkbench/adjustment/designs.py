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
class Design:
    """Covariates of rows, ready for a regression.

    Args:
        plain: One standardised column per number or word, gaps at the median; what balance is judged on.
        names: Name of each column of `plain`.
        origins: Covariate behind each column of `plain`.
        matrix: `plain`, its squares, and a column per number with gaps that says where they are; standardised.
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


def design_of(frame: "pd.DataFrame") -> Design:
    """Return covariates as a matrix; those that do not vary are left out.

    Nothing of the outcome or of who was touched is used, so it may be made before rows are parted into folds.

    Args:
        frame: One column per covariate: number, boolean or text; a missing number is filled and marked.
    """
    import numpy as np

    encoding = encoding_of(frame)
    raw = encoding.matrix(frame)
    gaps = np.isnan(raw)
    filled = np.column_stack([_filled(raw[:, at]) for at in range(raw.shape[1])]) if raw.shape[1] else raw
    plain, is_varied = _standard(filled)
    names = [name for name, kept in zip(encoding.names, is_varied, strict=True) if kept]
    origins = [name for name, kept in zip(encoding.origins, is_varied, strict=True) if kept]
    curved = [at for at in range(plain.shape[1]) if len(np.unique(plain[:, at])) >= FEW_VALUES]
    holes = [at for at in range(raw.shape[1]) if gaps[:, at].any()]
    more = np.column_stack([np.square(plain[:, curved]), gaps[:, holes].astype(float)])
    extra, kept = _standard(more)
    sources = [origins[at] for at in curved] + [encoding.origins[at] for at in holes]
    return Design(
        plain,
        tuple(names),
        tuple(origins),
        np.column_stack([plain, extra]),
        (*origins, *(name for name, is_kept in zip(sources, kept, strict=True) if is_kept)),
    )


def _filled(column: "Floats") -> "Floats":
    """Return a column with gaps at its median, by logarithm where its tail is long."""
    import numpy as np
    from scipy.stats import skew

    known = column[~np.isnan(column)]
    values = np.where(np.isnan(column), np.median(known) if len(known) else 0.0, column)
    is_long = len(known) > FEW_VALUES and known.std() > 0 and known.min() >= 0 and float(skew(known)) > LONG_TAIL
    return np.log1p(values) if is_long and len(np.unique(known)) > FEW_VALUES else values


def _standard(matrix: "Floats") -> "tuple[Floats, NDArray[np.bool_]]":
    """Return the columns that vary with mean 0 and spread 1, and which they are."""
    spread = matrix.std(axis=0)
    is_varied = spread > 1e-9
    return (matrix[:, is_varied] - matrix[:, is_varied].mean(axis=0)) / spread[is_varied], is_varied
