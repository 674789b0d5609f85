"""What opens and clicks can say where machines open and scan mails too.

Events are told apart before they get here (`features`); these are sums over the mails of one arm.
"""

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True, slots=True)
class Bounds:
    """A rate of people between the two extremes of what is not known.

    Args:
        raw: Share of the mails with any event.
        human: Share of the mails with an event of a person.
        low: The rate of people if everything unknown was a machine.
        high: The rate of people if everything unknown was a person.
        machine: Share of the mails that only machines are known to have touched: the share in which nobody can be
            seen.
    """

    raw: float
    human: float
    low: float
    high: float
    machine: float


def event_bounds(delivered: int, human: int, machine: int, unknown: int) -> Bounds | None:
    """Return between what the rate of people lies; None where nothing was delivered.

    Args:
        delivered: Mails that were delivered.
        human: Of these, with an event known to be a person's.
        machine: Without such an event, with one known to be a machine's or a scanner's.
        unknown: With events of which nobody knows whose they are, and no others.

    Raises:
        ValueError: a number is below 0, or there are more mails with events than delivered.
    """
    if min(delivered, human, machine, unknown) < 0 or human + machine + unknown > delivered:
        raise ValueError(
            f"{human} + {machine} + {unknown} mails with events do not fit into {delivered} delivered ones"
        )
    if not delivered:
        return None
    low = human / delivered
    return Bounds((human + machine + unknown) / delivered, low, low, (human + unknown) / delivered, machine / delivered)


def attenuation(machine: float) -> float:
    """Return what is left of a true difference of opens where machines open that share of the mails in both arms.

    Args:
        machine: Share of the mails that machines open, 0 to 1.

    Raises:
        ValueError: the share lies outside 0 to 1.

    Source: a mail that a machine opened is open whatever its reader does: (1 - m) p1 + m - ((1 - m) p0 + m).
    """
    if not isfinite(machine) or not 0 <= machine <= 1:
        raise ValueError(f"a share lies between 0 and 1, not {machine}")
    return 1 - machine
