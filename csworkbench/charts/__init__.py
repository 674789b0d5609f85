"""Charts by shape: calm SVG pictures with their numbers in the alt text and the data in a table below.

Every function takes a frame and names its columns; none knows an analysis. A chart follows the reader's light or dark
mode, runs no script and needs nothing from the network.
"""

from csworkbench.charts.canvas import Chart
from csworkbench.charts.columns import histogram, stacked
from csworkbench.charts.grids import heat_table
from csworkbench.charts.lines import agreement, curves, forecasts, rising
from csworkbench.charts.pairs import mirrored, moved
from csworkbench.charts.rows import bars, intervals, waterfall
from csworkbench.charts.studies import before_after, course

__all__ = [
    "Chart",
    "agreement",
    "bars",
    "before_after",
    "course",
    "curves",
    "forecasts",
    "heat_table",
    "histogram",
    "intervals",
    "mirrored",
    "moved",
    "rising",
    "stacked",
    "waterfall",
]
