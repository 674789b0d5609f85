"""What every result can do for a reader: text, a frame of its figures, and plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from csworkbench.estimates import Caveat, Estimate, Message
from csworkbench.formats.figures import estimate
from csworkbench.formats.inert import printable
from csworkbench.formats.sentences import label, text

if TYPE_CHECKING:
    import pandas as pd


class Readable:
    """The representations of a result; its HTML is that of `views.show`, which a desk or `%load_ext` registers."""

    __slots__ = ()

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: Sequence[Caveat]
    actions: Sequence[Message]

    def __repr__(self) -> str:
        """Return the verdict, the figures, and how many doubts and tables there are."""
        lines = [text(self.headline), *(f"{label(name)}: {estimate(each)}" for name, each in self.figures.items())]
        lines += [f"Doubts: {len(self.caveats)}; tables: {', '.join(self.tables)}"]
        return "\n".join(printable(line) for line in lines)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row per figure: figure, value, unit, n, low, high, level (missing where it cannot be told)."""
        import pandas as pd

        rows = [{"figure": name, **asdict(each)} for name, each in self.figures.items()]
        frame = pd.DataFrame(rows, columns=["figure", "value", "unit", "n", "low", "high", "level"])
        kinds = {"figure": "str", "unit": "str", "n": "int64"}
        return frame.astype(kinds | dict.fromkeys(["value", "low", "high", "level"], "float64"))

    def to_dict(self) -> dict[str, Any]:
        """Return headline, figures, doubts, next steps, and rows and columns of each table, in JSON types."""
        return {
            "headline": text(self.headline),
            "figures": {name: asdict(each) for name, each in self.figures.items()},
            "caveats": [
                {
                    "code": each.code,
                    "severity": each.severity.value,
                    "text": text(each.message),
                    "action": text(each.action) if each.action else "",
                }
                for each in self.caveats
            ],
            "actions": [text(each) for each in self.actions],
            "tables": {
                name: {"rows": len(frame), "columns": [str(column) for column in frame.columns]}
                for name, frame in self.tables.items()
            },
        }
