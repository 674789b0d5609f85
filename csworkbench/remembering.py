"""What was computed for an object, kept as long as it lives: a changed setting redoes what depends on it only."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
MOST = 32
"""So many answers are kept for an object; the oldest goes first."""

_kept: WeakKeyDictionary[Any, dict[Hashable, Any]] = WeakKeyDictionary()


def once(owner: object, key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` returns, computed the first time only; nobody may change it.

    Args:
        owner: What it is computed from, never changed: an `Inputs`, which is equal to itself alone.
        key: All else it is computed from, and what it is.
        make: Computes it, from nothing but those.
    """
    found = _kept.setdefault(owner, {})
    if key not in found:
        if len(found) >= MOST:
            del found[next(iter(found))]
        found[key] = make()
    kept: T = found[key]
    return kept
