"""What was computed for an object, kept as long as it lives: a changed setting redoes what depends on it only."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
MOST = 32
"""So many answers of a kind are kept for an object; the oldest goes first."""

_kept: WeakKeyDictionary[Any, dict[Hashable, Any]] = WeakKeyDictionary()


def once(owner: object, key: Hashable, make: Callable[[], T], *, most: int = MOST) -> T:
    """Return what `make` returns, computed the first time only; nobody may change it.

    Args:
        owner: What it is computed from, never changed: an `Inputs`, which is equal to itself alone.
        key: All else it is computed from, and what it is.
        make: Computes it, from nothing but those.
        most: So many answers are kept whose keys begin alike; few of what is large.
    """
    found = _kept.setdefault(owner, {})
    if key not in found:
        made = make()
        alike = [each for each in found if _kind(each) == _kind(key)]
        for each in alike[: max(0, len(alike) + 1 - most)]:
            del found[each]
        found[key] = made
    kept: T = found[key]
    return kept


def _kind(key: Hashable) -> Hashable:
    return key[0] if isinstance(key, tuple) else key


class Later(Mapping[str, T]):
    """Things by name, some of them made when they are asked for first: nobody waits for what nobody looks at.

    Args:
        given: Name -> thing, or what makes it, from nothing that changes.
    """

    def __init__(self, given: Mapping[str, T | Callable[[], T]]) -> None:
        self._given = dict(given)

    def __getitem__(self, name: str) -> T:
        found = self._given[name]
        if callable(found):
            found = self._given[name] = found()
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __contains__(self, name: object) -> bool:
        return name in self._given
