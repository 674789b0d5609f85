"""Who gets which variant: drawn in strata and blocks from sha256 alone, so that any machine draws the same again.

Units of a stratum are put in order of what was known of them before; each run of them is a block in which every arm has
its share. Which unit of a block gets which arm depends on nothing but the seed and the ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import gcd

LEAST_BLOCK = 4
HEADER = "unit_id,variant,stratum,block"


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that is assigned.

    Args:
        unit_id: Its id, without line breaks.
        stratum: The group within which is drawn, such as a tier; of contacts within accounts their account.
        before: What was known before, such as usage; units alike in it go into one block.
    """

    unit_id: str
    stratum: str = ""
    before: float = 0.0


@dataclass(frozen=True, slots=True)
class Assigned:
    """What one unit got.

    Args:
        unit_id: The unit.
        variant: Its arm.
        stratum: Its stratum.
        block: Number of its block within the stratum, from 0.
    """

    unit_id: str
    variant: str
    stratum: str
    block: int


def assign(units: Sequence[Unit], weights: Mapping[str, int], seed: str) -> tuple[Assigned, ...]:
    """Return the arm of each unit, in the order of their ids; a holdout is an arm like any other.

    A block holds at least four units, and as many as the weights need. In a last block that is not full the arms are as
    even as can be, and a lot decides which one gets the odd unit: none is favored.

    Args:
        units: What is assigned; the order does not matter.
        weights: Arm -> weight as a small whole number: {"control": 1, "short": 1}; with a tenth held out {"control": 9,
            "short": 9, "holdout": 2}.
        seed: Name of the draw, such as the experiment and its version.

    Raises:
        ValueError: an id comes twice, there are fewer than two arms, or a weight is below 1.

    Source: stratified permuted blocks, Pocock (1983), Clinical Trials, ch. 5; the lot is the order of sha256.
    """
    if len({unit.unit_id for unit in units}) < len(units):
        raise ValueError("a unit can be assigned only once; an id comes twice")
    if len(weights) < 2 or min(weights.values()) < 1:
        raise ValueError("at least two arms with whole weights of 1 or more are needed")
    common = gcd(*weights.values())
    turn = [arm for arm, weight in sorted(weights.items()) for _ in range(weight // common)]
    strata: dict[str, list[Unit]] = {}
    for unit in units:
        strata.setdefault(unit.stratum, []).append(unit)
    drawn = (each for stratum, members in strata.items() for each in _stratum(stratum, members, turn, seed))
    return tuple(sorted(drawn, key=lambda each: each.unit_id))


def _stratum(stratum: str, members: Sequence[Unit], turn: Sequence[str], seed: str) -> list[Assigned]:
    """Return the draw of one stratum; a block is a whole number of turns, in each of which every arm has its share."""
    ordered = sorted(members, key=lambda unit: (-unit.before, _lot(seed, "order", unit.unit_id)))
    length = len(turn) * -(-LEAST_BLOCK // len(turn))
    drawn = []
    for block, start in enumerate(range(0, len(ordered), length)):
        inside = sorted(ordered[start : start + length], key=lambda unit: _lot(seed, "unit", unit.unit_id))
        lots = {place: _lot(seed, "slot", stratum, str(block), str(place)) for place in range(length)}
        slots = sorted(range(length), key=lambda place: (place // len(turn), lots[place]))
        drawn += [
            Assigned(unit.unit_id, turn[place % len(turn)], stratum, block)
            for unit, place in zip(inside, slots, strict=False)
        ]
    return drawn


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit stands in a start order.

    Args:
        unit_id: The unit.
        stratum: Its stratum.
        place: Its place, from 1.
    """

    unit_id: str
    stratum: str
    place: int


def order(units: Sequence[Unit], seed: str) -> tuple[Place, ...]:
    """Return the order in which units start when not all can start at once; whoever waits is the comparison.

    Each stratum is spread over the whole order: the first k places hold its share of k, whatever k is, to a unit. Every
    unit has the same chance of every part of the order.

    Args:
        units: What is ordered; their order does not matter, nor does what was known before.
        seed: Name of the draw, such as the playbook and the month.

    Returns:
        Units from the first place to the last.

    Raises:
        ValueError: an id comes twice.

    Source: systematic sampling with a random start per unit, Cochran (1977), Sampling Techniques, ch. 8.
    """
    if len({unit.unit_id for unit in units}) < len(units):
        raise ValueError("a unit can be ordered only once; an id comes twice")
    strata: dict[str, list[str]] = {}
    for unit in units:
        strata.setdefault(unit.stratum, []).append(unit.unit_id)
    spread = []
    for stratum, members in strata.items():
        for rank, unit_id in enumerate(sorted(members, key=lambda each: _lot(seed, "order", each))):
            within = int(_lot(seed, "within", unit_id), 16) / 16**64  # where in its part of the order, 0 to 1
            spread.append(((rank + within) / len(members), unit_id, stratum))
    return tuple(Place(unit_id, stratum, place) for place, (_, unit_id, stratum) in enumerate(sorted(spread), 1))


def _lot(*words: str) -> str:
    # Lengths keep ("a", "bc") and ("ab", "c") apart.
    return sha256("".join(f"{len(word)}:{word}" for word in words).encode()).hexdigest()


def is_held(unit_id: str, program: str, share: float) -> bool:
    """Return whether a unit belongs to the holdout of a program: the same answer in every week and on every machine.

    Who is held by one program says nothing about another one. The number held of n units is binomial.

    Args:
        unit_id: The unit, such as an account.
        program: Name of the program; it salts the lot.
        share: Part of all units that is held, 0 to 1.
    """
    return int(_lot("holdout", program, unit_id)[:13], 16) < share * 16**13


def as_csv(assigned: Sequence[Assigned]) -> str:
    """Return an assignment as the text of `assignments.csv`, the same to the byte wherever it is drawn.

    Args:
        assigned: Units in the order of their ids.
    """
    import csv
    from io import StringIO

    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER.split(","))
    writer.writerows((each.unit_id, each.variant, each.stratum, each.block) for each in assigned)
    return text.getvalue()


def digest(assigned: Sequence[Assigned]) -> str:
    """Return the sha256 of `assignments.csv`, by which a pre-registration names it.

    Args:
        assigned: Units in the order of their ids.
    """
    return sha256(as_csv(assigned).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Contamination:
    """Somebody who meets more than one arm.

    Args:
        member: The contact, the person, or the CSM who delivers by hand.
        variants: The arms they meet, in order.
        unit_ids: The units through which they meet them, in order.
    """

    member: str
    variants: tuple[str, ...]
    unit_ids: tuple[str, ...]


def contaminated(assigned: Sequence[Assigned], members: Sequence[tuple[str, str]]) -> tuple[Contamination, ...]:
    """Return who would meet more than one arm: a contact of two accounts, a CSM who delivers two variants by hand.

    Args:
        assigned: The draw.
        members: (member, unit id) of everyone who belongs to a unit; units that were not drawn do not count.
    """
    arm = {each.unit_id: each.variant for each in assigned}
    units: dict[str, set[str]] = {}
    for member, unit_id in members:
        if unit_id in arm:
            units.setdefault(member, set()).add(unit_id)
    met = {member: tuple(sorted({arm[unit] for unit in through})) for member, through in units.items()}
    return tuple(
        Contamination(member, variants, tuple(sorted(units[member])))
        for member, variants in sorted(met.items())
        if len(variants) > 1
    )


def changed(official: Sequence[Assigned], now: Sequence[Assigned]) -> tuple[str, ...]:
    """Return the ids of units whose arm is no longer the one made official, or that came or went, in order.

    Args:
        official: The draw as it was released.
        now: The draw as it would be today, or the units as they are today.
    """
    before, after = ({each.unit_id: each.variant for each in drawn} for drawn in (official, now))
    return tuple(sorted(unit for unit in before.keys() | after.keys() if before.get(unit) != after.get(unit)))
