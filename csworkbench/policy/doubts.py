"""Doubts about the files that say who must not be contacted, for every page that makes a list."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from csworkbench.estimates import Caveat, Severity, say
from csworkbench.policy.ground import Ground
from csworkbench.policy.reasons import Reason

if TYPE_CHECKING:
    import pandas as pd

CAPS = (Reason.CONTACT_CAP.value, Reason.ACCOUNT_CAP.value)


def doubts(ground: Ground) -> Iterator[Caveat]:
    """Yield what of refusals, suppressions and caps could not be read as it was meant.

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
    if ground.idle:
        yield Caveat(
            "unknown_caps",
            Severity.WARNING,
            say(
                "Caps name channels that nobody knows and no touch has ({words:list}): they hold nobody back",
                words=list(ground.idle),
            ),
            say("Write channels in contact_policy.caps of the workspace as touches do"),
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


def about_struck(struck: "pd.DataFrame", official: Collection[str]) -> Iterator[Caveat]:
    """Yield who has come off a list since its week began.

    Args:
        struck: One row per contact: proposal_id, reason.
        official: proposal_id of the rows of official lists.
    """
    is_official, is_capped = struck["proposal_id"].isin(list(official)), struck["reason"].str.startswith(CAPS)
    changed, capped, others = struck[is_official & ~is_capped], struck[is_official & is_capped], struck[~is_official]
    if len(changed):
        yield Caveat(
            "official_list_changed",
            Severity.WARNING,
            say(
                "{n:n contact|contacts} of the official list may not be contacted any more: {why:list}",
                n=len(changed),
                why=_counted(changed),
            ),
            say("Take them off wherever the list has gone already: the table struck names them"),
        )
    if len(capped):
        yield Caveat(
            "may_be_sent",
            Severity.NOTE,
            say("{n:n contact|contacts} of the official list are at a cap by touches since it was made", n=len(capped)),
            say("They may have got this very contact: export proposal_id with touches, and the page knows"),
        )
    if len(others):
        yield Caveat(
            "struck_off",
            Severity.NOTE,
            say(
                "{n:n contact was|contacts were} struck off the list of the week: {why:list}",
                n=len(others),
                why=_counted(others),
            ),
            say("Nobody moves up for them before next week: the table struck names them"),
        )


def _counted(struck: "pd.DataFrame") -> list[str]:
    return [f"{len(rows)} {reason}" for reason, rows in struck.groupby("reason", sort=True)]
