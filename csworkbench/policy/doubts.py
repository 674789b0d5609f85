"""Doubts about the files that say who must not be contacted, for every page that makes a list."""

from collections.abc import Iterator

from csworkbench.estimates import Caveat, Severity, say
from csworkbench.policy.ground import Ground


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
