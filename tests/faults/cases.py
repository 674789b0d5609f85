"""What a case of the fault matrix is."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.faults.book import Sheet
from tests.faults.verdicts import Fault


@dataclass(frozen=True)
class Case:
    """One row of the fault matrix, or a variant of it.

    Args:
        name: Its number and what happens.
        letters: What may become of it: E equal, R refused, Q set aside or flagged by name.
        make: Breaks a table; None where the table has nothing to break in this way.
        dress: What the table is like before.
        words: Pattern the words of a refusal match.
        told_by: Rules whose finding counts as a word about every row it counts.
    """

    name: str
    letters: str
    make: Callable[[Sheet, Random], Fault | None]
    dress: Callable[[Sheet], Sheet] = lambda sheet: sheet
    words: str = ""
    told_by: tuple[str, ...] = ()
