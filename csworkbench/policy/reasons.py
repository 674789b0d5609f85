"""Why somebody is not contacted, in the order in which the reasons are given."""

from enum import StrEnum


class Reason(StrEnum):
    """The reasons, the first one first. `OWN` stands for those an analysis has beside the policy's, in its words."""

    UNKNOWN_PERSON = "nobody knows who it is"
    ACCOUNT_LEFT = "account left"
    PERSON_LEFT = "person left"
    SUPPRESSED = "suppressed"
    REFUSED = "refused"
    NO_CONSENT = "no consent"
    NO_ADDRESS = "no address for the channel"
    OWN = "rule of the analysis"
    SAME_PERSON = "same person on the list already"
    CONTACT_CAP = "contact at the cap"
    ACCOUNT_CAP = "account at the cap"
    STAFF_CAP = "CSM has enough for the week"
    HOLDOUT = "holdout"
    NOT_ASKED = "no rule asks for it"


ORDER = tuple(Reason)
