"""The canonical tables: what one row stands for, columns with unit and meaning, keys, and the checks they imply.

Nothing here reads data. `sources` types files by these contracts, `asof` cuts the tables to a date with them.
"""

from csworkbench.tables.contract import Column, ForeignKey, Kind, NotBefore, Role, Rule, TableSpec
from csworkbench.tables.specs import SPECS

__all__ = ["SPECS", "Column", "ForeignKey", "Kind", "NotBefore", "Role", "Rule", "TableSpec"]
