"""Numbers a model can learn from: a frame of numbers, texts and booleans as one matrix, the same way every time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KNOTS = 21  # of a number that counts by its order
MOST_WORDS = 12  # rarer words of a text share the column of none


@dataclass(frozen=True, slots=True)
class Encoding:
    """Columns of a frame, as columns of a matrix.

    Args:
        numbers: Columns that are numbers or booleans; missing stays nan.
        words: Text column -> its frequent words, each a column of 0 and 1; a missing or other text is 0 in all.
        knots: Values of each number that part it into equal shares, from the least to the largest: it then counts by
            its order, 0 to 1. Empty = it counts as it is.
    """

    numbers: tuple[str, ...]
    words: tuple[tuple[str, tuple[str, ...]], ...]
    knots: tuple[tuple[float, ...], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each column of the matrix: that of the frame, or `column = word`."""
        return (*self.numbers, *(f"{name} = {word}" for name, known in self.words for word in known))

    @property
    def origins(self) -> tuple[str, ...]:
        """Column of the frame behind each column of the matrix."""
        return (*self.numbers, *(name for name, known in self.words for _ in known))

    def matrix(self, frame: "pd.DataFrame") -> "Floats":
        """Return the frame as rows of numbers.

        Args:
            frame: The columns of the encoding, further ones are left out.

        Raises:
            KeyError: a column is not there.
        """
        import numpy as np

        columns = [frame[name].to_numpy(dtype=float, na_value=np.nan) for name in self.numbers]
        columns = [_ranks(*each) for each in zip(columns, self.knots, strict=True)] if self.knots else columns
        columns += [
            frame[name].eq(word).to_numpy(dtype=float, na_value=0.0) for name, known in self.words for word in known
        ]
        return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def encoding_of(frame: "pd.DataFrame", *, by_rank: bool = False) -> Encoding:
    """Return how a frame becomes a matrix, learned from these rows alone.

    Columns without two different values tell nothing apart and are left out.

    Args:
        frame: One column per measure: number, boolean or text.
        by_rank: Numbers count by their order.
    """
    import numpy as np
    import pandas as pd

    varied = [str(name) for name in frame.columns if len(frame[name].unique()) > 1]
    numbers = [
        name for name in varied if pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_bool_dtype(frame[name])
    ]
    words = []
    for name in varied:
        if name not in numbers:
            counts = frame[name].value_counts().sort_index().sort_values(ascending=False, kind="stable")
            # Two words are one column: the other word is its 0.
            shown = 1 if len(counts) == 2 and frame[name].notna().all() else MOST_WORDS
            words.append((name, tuple(str(word) for word in counts.index[:shown])))
    if not by_rank:
        return Encoding(tuple(numbers), tuple(words))
    values = [frame[name].to_numpy(dtype=float, na_value=np.nan) for name in numbers]
    shares = np.linspace(0, 1, KNOTS)
    knots = tuple(tuple(np.quantile(each[~np.isnan(each)], shares).tolist()) for each in values)
    return Encoding(tuple(numbers), tuple(words), knots)


def _ranks(values: "Floats", knots: tuple[float, ...]) -> "Floats":
    """Return where values lie among the knots, 0 to 1; one that many rows share lies in the middle of its knots."""
    import numpy as np

    levels = np.linspace(0, 1, len(knots))
    first, after = (np.searchsorted(knots, values, side=side) for side in ("left", "right"))
    between = np.interp(values, knots, levels)
    shared = (levels[np.minimum(first, len(knots) - 1)] + levels[np.maximum(after - 1, 0)]) / 2
    return np.where(np.isnan(values), np.nan, np.where(after > first, shared, between))
