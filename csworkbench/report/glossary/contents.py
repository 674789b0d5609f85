"""Figures about contents, leads, and people who were added."""

from collections.abc import Mapping

from csworkbench.estimates import say
from csworkbench.report.glossary.words import ON_THE_DATE, WINDOW_DAYS, Definition

CONTENTS: Mapping[str, Definition] = {
    "clicked": Definition(
        say("messages clicked by a person / messages delivered, of the channels that record clicks"),
        ("contents", "touches", "touch_events"),
        WINDOW_DAYS,
        say("clicks of machines count as none; messages that have not had wait_days to be read are left out"),
    ),
    "won_share": Definition(
        say("leads whose stage ends in won / leads whose stage ends in won or lost"),
        ("leads",),
        ON_THE_DATE,
        say("open and recalled leads, and those of a status the settings do not name, are left out"),
    ),
    "kept_share": Definition(
        say("contacts still there at the greatest age of kept_days, by Kaplan-Meier from the age each began with"),
        ("contacts", "accounts"),
        WINDOW_DAYS,
        say("contacts whose account left are watched until then; without a day of adding they are left out"),
    ),
    "to_recall": Definition(
        say("open leads without protection that fit a rule of the setting recall"),
        ("leads", "lead_events"),
        ON_THE_DATE,
        say("rules that ask for follow-ups are left out where nobody records them"),
    ),
}
