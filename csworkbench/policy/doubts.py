"""Doubts about the files that say who must not be contacted, for every page that makes a list."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from csworkbench.estimates import Caveat, Severity, say
from csworkbench.policy.ground import Ground

if TYPE_CHECKING:
    import pandas as pd


def doubts(ground: Ground) -> Iterator[Caveat]:
    """Yield what of refusals and suppressions could not be read as it was meant.

    Args:
        ground: What is known of every contact.
    """
    if ground.nameless:
        yield Caveat(
            "nameless_suppressions",
            Severity.WARNING,
            say("{n:n suppression names|suppressions name} nobody who is known", n=ground.nameless),
            say("Check the ids and addresses of suppressions"),
        )
    if ground.unread:
        yield Caveat(
            "unknown_channels",
            Severity.WARNING,
            say(
                "Refusals name channels nobody knows ({words:list}): they are taken as refusals of every channel",
                words=list(ground.unread),
            ),
            say("Map them to the channels of touches with values: in the workspace"),
        )


def without_holdout(table: "pd.DataFrame", share: float) -> Iterator[Caveat]:
    """Yield that nobody is held out, where the settings say so and somebody is contacted by a program.

    Args:
        table: Programs of the page itself, of `holdout_table`.
        share: Share held out.
    """
    programs = int((table["accounts"] > 0).sum())
    if not share and programs:
        yield Caveat(
            "no_holdout",
            Severity.NOTE,
            say("Nobody is held out of {n:n automated program|automated programs}, as the settings say", n=programs),
            say("Whether they do any good nobody can tell then: holdout.share leaves a part of the accounts alone"),
        )
