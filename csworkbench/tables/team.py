"""Contracts of the tables about the team: who works there, and who looked after which account when."""

from csworkbench.tables.contract import ForeignKey, TableSpec
from csworkbench.tables.shared import (
    ACCOUNT_ID,
    KNOWN_AT,
    OF_ACCOUNT,
    OF_CSM,
    ROLES,
    VALID_TO,
    day,
    identifier,
    link,
    text,
    whole,
)

CSMS = TableSpec(
    name="csms",
    grain="customer success manager",
    key=("csm_id",),
    known_at=None,
    foreign_keys=(ForeignKey(("manager_id",), "csms", keep_orphans=True, others=("csm_id",)),),
    columns=(
        identifier("csm_id", "Opaque id of the CSM"),
        text("name", "Name of the CSM"),
        text("team", "Team of the CSM", varies=True),
        link("manager_id", "Who leads the CSM"),
        text("languages", "Languages the CSM works in"),
        whole("capacity_minutes_week", "Time for customers in a week", "minutes", varies=True),
        text("role", "Role of the person", allowed=ROLES),
    ),
)

ASSIGNMENTS = TableSpec(
    name="assignments",
    grain="time in which a person holds a role at an account",
    key=("account_id", "role", "valid_from"),
    event_at="valid_from",
    planned=("valid_to",),
    foreign_keys=(OF_ACCOUNT, OF_CSM),
    ordered=(("valid_from", "valid_to"),),
    columns=(
        ACCOUNT_ID,
        text("role", "Role at the account", required=True, nullable=False, allowed=ROLES),
        day("valid_from", "First day of the assignment", required=True, nullable=False),
        identifier("csm_id", "Who is assigned"),
        VALID_TO,
        text(
            "reason",
            "Why the account changed hands",
            allowed=("new", "leaver", "low_engagement", "complaint", "balance"),
            blank_means="none given",
        ),
        KNOWN_AT,
    ),
)
