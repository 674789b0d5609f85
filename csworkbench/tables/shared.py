"""What many table contracts share: short forms for columns, and the references to accounts, contacts and people."""

from typing import Any

from csworkbench.tables.contract import Column, ForeignKey, Kind

ROLES = ("csm", "tech_touch", "delivery", "support", "sales", "marketing")


def identifier(name: str, description: str) -> Column:
    """Return the opaque id or name of a row that every row must have."""
    return text(name, description, required=True, nullable=False)


def link(name: str, description: str, blank_means: str = "none") -> Column:
    """Return the id of a row elsewhere that a row may leave out.

    Args:
        name: Name of the column.
        description: Meaning, one sentence.
        blank_means: What a blank says.
    """
    return text(name, description, blank_means=blank_means)


def text(name: str, description: str, **more: Any) -> Column:
    """Return a column of texts; `more` are the further fields of `Column`."""
    return Column(name, Kind.TEXT, description, **more)


def flag(name: str, description: str, **more: Any) -> Column:
    """Return a column of true and false; `more` are the further fields of `Column`."""
    return Column(name, Kind.BOOLEAN, description, **more)


def whole(name: str, description: str, unit: str, **more: Any) -> Column:
    """Return a column of whole numbers that are not negative.

    Args:
        name: Name of the column.
        description: Meaning, one sentence.
        unit: What is counted.
        more: Further fields of `Column`.
    """
    return Column(name, Kind.INTEGER, description, unit=unit, **{"low": 0} | more)


def number(name: str, description: str, unit: str, **more: Any) -> Column:
    """Return a column of exact decimal numbers.

    Args:
        name: Name of the column.
        description: Meaning, one sentence.
        unit: What is measured.
        more: Further fields of `Column`.
    """
    return Column(name, Kind.DECIMAL, description, unit=unit, **more)


def day(name: str, description: str, **more: Any) -> Column:
    """Return a column of calendar days; `more` are the further fields of `Column`."""
    return Column(name, Kind.DATE, description, **more)


def instant(name: str, description: str, **more: Any) -> Column:
    """Return a column of times in UTC; `more` are the further fields of `Column`."""
    return Column(name, Kind.INSTANT, description, **more)


ACCOUNT_ID = identifier("account_id", "The account this row belongs to")
CONTACT_ID = identifier("contact_id", "The contact this row belongs to")
CSM_ID = link("csm_id", "Who is in charge", "nobody")
CURRENCY = text(
    "currency",
    "ISO currency of the amounts; absent = the workspace's currency",
    blank_means="the workspace's currency",
)
KNOWN_AT = instant(
    "known_at", "When the warehouse knew the row; absent = when it happened", blank_means="known when it happened"
)
VALID_FROM = day("valid_from", "First day this version of the row holds", nullable=False)
VALID_TO = day("valid_to", "Day this version ends, exclusive", blank_means="current")

OF_ACCOUNT = ForeignKey(("account_id",), "accounts")
# A row about an account keeps its meaning when the person in it is unknown.
OF_CONTACT = ForeignKey(("contact_id",), "contacts", keep_orphans=True)
OF_CSM = ForeignKey(("csm_id",), "csms", keep_orphans=True)
IN_PLAN = ForeignKey(("plan_id",), "plans", keep_orphans=True)
