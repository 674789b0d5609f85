"""The canonical tables: what one row stands for, columns with unit and meaning, keys, and the checks they imply.

Nothing here reads data. `sources` types files by these contracts, `asof` cuts the tables to a date with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What a cell is. `INSTANT` is a time in UTC, `DATE` a calendar day, `SHARE` a number from 0 to 1."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    SHARE = "share"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"

    @property
    def engine_type(self) -> str:
        """Ibis type of a column of this kind; decimals are exact, so that sums do not depend on their order."""
        return _ENGINE_TYPES[self]


_ENGINE_TYPES = {
    Kind.TEXT: "string",
    Kind.INTEGER: "int64",
    Kind.DECIMAL: "decimal(18, 6)",
    Kind.SHARE: "float64",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.INSTANT: "timestamp",
}


class Role(StrEnum):
    """What an extra column may be used for: an `OUTCOME` is never a predictor."""

    ATTRIBUTE = "attribute"
    OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table.

    Args:
        name: Name in snake_case.
        kind: What a cell is.
        description: Meaning, one sentence.
        unit: Unit of a number, "" where there is none.
        required: The source must have the column.
        nullable: A row may leave it blank.
        allowed: The values a text may take; empty = any.
        low: Smallest number allowed.
        high: Largest number allowed.
        known_with: Instant column of the same row that reveals this value (`resolved_at` reveals `csat`).
        falls_back_to: Column whose value stands in where this one is blank or not mapped.
        blank_means: What a blank says where it is normal ("not resolved yet"); "" where a blank is a gap in the data.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    required: bool = False
    nullable: bool = True
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    known_with: str | None = None
    falls_back_to: str | None = None
    blank_means: str = ""

    @property
    def is_id(self) -> bool:
        """Whether the cell is an opaque identifier: never a number, never "missing" because it reads `NA`."""
        return self.kind is Kind.TEXT and self.name.endswith("_id")


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns whose values must exist in the columns of the same name of another table.

    Args:
        columns: Columns of both tables.
        table: The other table; not checked where the workspace does not have it.
        keep_orphans: Report orphans and keep the rows, instead of putting them in quarantine.
    """

    columns: tuple[str, ...]
    table: str
    keep_orphans: bool = False


@dataclass(frozen=True, slots=True)
class NotBefore:
    """A day that may not lie before a day of the same account in another table.

    Args:
        column: Date or instant of this table.
        table: The other table, joined by `account_id`.
        other: Date or instant of the other table.
    """

    column: str
    table: str
    other: str


@dataclass(frozen=True, slots=True)
class TableSpec:
    """The contract of one canonical table.

    Args:
        name: Name of the table.
        grain: What one row stands for.
        key: Columns that identify a row; those a source does not have are left out.
        columns: All columns, the key first.
        event_at: Column that says when a row happened; None where rows have no event.
        known_at: Optional column that says when the warehouse knew the row; absent = with the event.
        planned: Dates that may lie in the future and are never masked.
        foreign_keys: References to other tables.
        ordered: Pairs of dates of a row: the first may not lie after the second.
        on_unknown: Value a masked column falls back to.
        not_before: Dates that may not lie before a date of another table.
        version: Key column of tables that keep history; absent = one row per key.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    event_at: str | None = None
    known_at: str | None = "known_at"
    planned: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    ordered: tuple[tuple[str, str], ...] = ()
    on_unknown: Mapping[str, str] = field(default_factory=dict)
    not_before: tuple[NotBefore, ...] = ()
    version: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, the key first."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column of that name.

        Raises:
            KeyError: the table has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}")

    def key_among(self, present: Sequence[str]) -> tuple[str, ...]:
        """Return the key columns (with the version column) that are among the columns present."""
        wanted = (*self.key, self.version) if self.version else self.key
        return tuple(name for name in wanted if name in present)


ROLES = ("csm", "tech_touch", "delivery", "support", "sales", "marketing")
OUTCOMES = ("renewed", "churned", "partial", "upsell", "open")

_ACCOUNT_ID = Column("account_id", Kind.TEXT, "The account this row belongs to", required=True, nullable=False)
_CURRENCY = Column("currency", Kind.TEXT, "ISO currency of the amounts; absent = the workspace's currency")
_KNOWN_AT = Column("known_at", Kind.INSTANT, "When the warehouse knew the row; absent = when it happened",
                   blank_means="known when it happened")
_ACCOUNT = ForeignKey(("account_id",), "accounts")
_CSM = ForeignKey(("csm_id",), "csms", keep_orphans=True)


def _id(name: str, description: str) -> Column:
    return Column(name, Kind.TEXT, description, required=True, nullable=False)


def _link(name: str, description: str) -> Column:
    return Column(name, Kind.TEXT, description, blank_means="none")


_ACCOUNTS = TableSpec(
    name="accounts",
    grain="account",
    key=("account_id",),
    version="valid_from",
    event_at="signup_at",
    planned=("trial_until", "valid_to"),
    ordered=(("signup_at", "churned_at"), ("valid_from", "valid_to")),
    columns=(
        _id("account_id", "Opaque id of the account"),
        Column("valid_from", Kind.DATE, "First day this version of the row holds", nullable=False),
        Column("valid_to", Kind.DATE, "Day this version ends, exclusive", blank_means="current"),
        Column("name", Kind.TEXT, "Name of the account"),
        _link("parent_account_id", "Account this one belongs to"),
        Column("industry", Kind.TEXT, "Industry of the account"),
        Column("region", Kind.TEXT, "Region of the account: its holidays and language"),
        Column("employees", Kind.INTEGER, "Size of the account", unit="people", low=0),
        Column("value_tier", Kind.TEXT, "Tier of value, as the team sets it"),
        Column("plan", Kind.TEXT, "Plan the account pays for"),
        Column("arr", Kind.DECIMAL, "Annual recurring revenue", unit="money", low=0),
        _CURRENCY,
        Column("signup_at", Kind.INSTANT, "When the account signed up"),
        Column("trial_until", Kind.DATE, "Last day of the trial", blank_means="no trial"),
        Column("paid_at", Kind.INSTANT, "When the account paid first", blank_means="not paid yet"),
        Column("churned_at", Kind.INSTANT, "When the account left", blank_means="still a customer"),
        Column("language", Kind.TEXT, "Language of the account"),
        Column("timezone", Kind.TEXT, "IANA time zone of the account"),
        Column("qualification", Kind.TEXT, "How well the account fits, as the team sets it"),
        Column("crm_url", Kind.TEXT, "Page of the account in the CRM"),
        _KNOWN_AT,
    ),
)

_USAGE_DAILY = TableSpec(
    name="usage_daily",
    grain="user, feature and day of an account",
    key=("account_id", "user_id", "feature", "date"),
    event_at="date",
    foreign_keys=(_ACCOUNT,),
    not_before=(NotBefore("date", "accounts", "signup_at"),),
    columns=(
        _ACCOUNT_ID,
        Column("user_id", Kind.TEXT, "Who used the product", blank_means="a sum over the users of the account"),
        Column("feature", Kind.TEXT, "Feature that was used", blank_means="a sum over features"),
        Column("date", Kind.DATE, "Day of the use", required=True, nullable=False),
        Column("events", Kind.INTEGER, "Number of events", unit="events", low=0),
        Column("minutes", Kind.DECIMAL, "Time of use", unit="minutes", low=0),
        Column("sessions", Kind.INTEGER, "Number of sessions", unit="sessions", low=0),
        _KNOWN_AT,
    ),
)

_FEATURES = TableSpec(
    name="features",
    grain="feature of the product",
    key=("feature",),
    known_at=None,
    columns=(
        _id("feature", "Name of the feature, as in usage_daily"),
        Column("is_core", Kind.BOOLEAN, "Counts for feature breadth"),
        Column("is_high_value", Kind.BOOLEAN, "Shows that the product pays off"),
    ),
)

_SUBSCRIPTIONS = TableSpec(
    name="subscriptions",
    grain="subscription from a start date on",
    key=("subscription_id", "start_date"),
    event_at="start_date",
    planned=("end_date",),
    foreign_keys=(_ACCOUNT,),
    ordered=(("start_date", "end_date"),),
    columns=(
        _id("subscription_id", "Opaque id of the subscription"),
        Column("start_date", Kind.DATE, "First day of the term", required=True, nullable=False),
        _ACCOUNT_ID,
        Column("product", Kind.TEXT, "Product that is subscribed"),
        Column("plan", Kind.TEXT, "Plan of the product"),
        Column("seats", Kind.INTEGER, "Seats that are paid for", unit="seats", low=0, blank_means="a site licence"),
        Column("mrr", Kind.DECIMAL, "Monthly recurring revenue", unit="money", low=0),
        _CURRENCY,
        Column("end_date", Kind.DATE, "Last day of the term", blank_means="open-ended"),
        Column("auto_renew", Kind.BOOLEAN, "Renews without a decision"),
        Column("change_type", Kind.TEXT, "How the term came about", allowed=("new", "upgrade", "downgrade", "renew")),
        _KNOWN_AT,
    ),
)

_RENEWALS = TableSpec(
    name="renewals",
    grain="end of a term",
    key=("renewal_id",),
    planned=("due_date",),
    foreign_keys=(_ACCOUNT,),
    on_unknown=MappingProxyType({"outcome": "open"}),
    not_before=(NotBefore("due_date", "accounts", "signup_at"),),
    columns=(
        _id("renewal_id", "Opaque id of the renewal, one per term end"),
        _ACCOUNT_ID,
        Column("due_date", Kind.DATE, "Day the term ends", required=True, nullable=False),
        Column("target_amount", Kind.DECIMAL, "Amount that is due", unit="money", low=0),
        Column("decided_at", Kind.INSTANT, "When the customer decided", blank_means="not decided yet"),
        Column("outcome", Kind.TEXT, "How it ended; open is censored, never renewed", allowed=OUTCOMES,
               known_with="decided_at", blank_means="open"),
        Column("final_amount", Kind.DECIMAL, "Amount that was renewed", unit="money", low=0, known_with="decided_at",
               blank_means="not decided yet"),
        Column("reason", Kind.TEXT, "Why it was lost or won", known_with="decided_at", blank_means="none given"),
        _CURRENCY,
        _KNOWN_AT,
    ),
)

_TICKETS = TableSpec(
    name="tickets",
    grain="support ticket",
    key=("ticket_id",),
    event_at="opened_at",
    foreign_keys=(_ACCOUNT,),
    ordered=(("opened_at", "first_response_at"), ("opened_at", "resolved_at")),
    columns=(
        _id("ticket_id", "Opaque id of the ticket"),
        _ACCOUNT_ID,
        _link("contact_id", "Who wrote"),
        Column("opened_at", Kind.INSTANT, "When the ticket was opened", required=True, nullable=False),
        Column("first_response_at", Kind.INSTANT, "When somebody answered first", blank_means="not answered yet"),
        Column("resolved_at", Kind.INSTANT, "When the ticket was resolved", blank_means="not resolved yet"),
        Column("reopened", Kind.BOOLEAN, "Was opened again", known_with="resolved_at"),
        Column("topic", Kind.TEXT, "What it is about"),
        Column("tags", Kind.TEXT, "Tags, as exported", blank_means="none"),
        Column("severity", Kind.TEXT, "Severity, as the desk sets it"),
        Column("csat", Kind.DECIMAL, "Satisfaction the customer gave, on the desk's own scale", unit="points", low=0,
               known_with="resolved_at", blank_means="not asked or not answered"),
        Column("is_feature_request", Kind.BOOLEAN, "Asks for something the product does not do"),
        Column("configuration", Kind.TEXT, "Configuration the ticket is about"),
        _KNOWN_AT,
    ),
)

_NPS_RESPONSES = TableSpec(
    name="nps_responses",
    grain="invitation to an NPS survey, answered or not",
    key=("response_id",),
    event_at="invited_at",
    foreign_keys=(_ACCOUNT,),
    ordered=(("invited_at", "responded_at"),),
    columns=(
        _id("response_id", "Opaque id of the invitation"),
        _link("contact_id", "Who was asked"),
        _ACCOUNT_ID,
        Column("invited_at", Kind.INSTANT, "When the survey was sent", nullable=False, falls_back_to="responded_at"),
        Column("responded_at", Kind.INSTANT, "When the answer came", blank_means="no answer"),
        Column("score", Kind.INTEGER, "Would recommend, 0 to 10", unit="points", low=0, high=10,
               known_with="responded_at", blank_means="no answer"),
        Column("followup", Kind.TEXT, "What was done about the answer", known_with="responded_at", blank_means="none"),
        Column("comment", Kind.TEXT, "Words of the customer", known_with="responded_at", blank_means="none"),
        Column("channel", Kind.TEXT, "Where the survey was sent"),
        _KNOWN_AT,
    ),
)

_CSMS = TableSpec(
    name="csms",
    grain="customer success manager",
    key=("csm_id",),
    known_at=None,
    columns=(
        _id("csm_id", "Opaque id of the CSM"),
        Column("name", Kind.TEXT, "Name of the CSM"),
        Column("team", Kind.TEXT, "Team of the CSM"),
        _link("manager_id", "Who leads the CSM"),
        Column("languages", Kind.TEXT, "Languages the CSM works in"),
        Column("capacity_minutes_week", Kind.INTEGER, "Time for customers in a week", unit="minutes", low=0),
        Column("role", Kind.TEXT, "Role of the person", allowed=ROLES),
    ),
)

_ASSIGNMENTS = TableSpec(
    name="assignments",
    grain="time in which a person holds a role at an account",
    key=("account_id", "role", "valid_from"),
    event_at="valid_from",
    planned=("valid_to",),
    foreign_keys=(_ACCOUNT, _CSM),
    ordered=(("valid_from", "valid_to"),),
    columns=(
        _ACCOUNT_ID,
        Column("role", Kind.TEXT, "Role at the account", required=True, nullable=False, allowed=ROLES),
        Column("valid_from", Kind.DATE, "First day of the assignment", required=True, nullable=False),
        _id("csm_id", "Who is assigned"),
        Column("valid_to", Kind.DATE, "Day the assignment ends, exclusive", blank_means="current"),
        Column("reason", Kind.TEXT, "Why the account changed hands",
               allowed=("new", "leaver", "low_engagement", "complaint", "balance"), blank_means="none given"),
        _KNOWN_AT,
    ),
)

_TOUCHES = TableSpec(
    name="touches",
    grain="anything sent to or held with a customer",
    key=("touch_id",),
    event_at="sent_at",
    foreign_keys=(_ACCOUNT, _CSM),
    columns=(
        _id("touch_id", "Opaque id of the touch"),
        _ACCOUNT_ID,
        _link("contact_id", "Who was touched"),
        _link("csm_id", "Who touched"),
        Column("channel", Kind.TEXT, "Channel of the touch"),
        Column("mode", Kind.TEXT, "By a person or by the system", allowed=("human", "tech")),
        Column("initiator", Kind.TEXT, "Who started it", allowed=("central", "csm", "customer", "marketing")),
        Column("family", Kind.TEXT, "Kind of reason", allowed=("lifecycle", "behaviour", "nps", "manual")),
        Column("rule", Kind.TEXT, "Rule that asked for it", blank_means="none"),
        _link("content_id", "Content that was sent"),
        Column("importance", Kind.TEXT, "Importance, as the team sets it"),
        Column("sent_at", Kind.INSTANT, "When it was sent or held", required=True, nullable=False),
        Column("minutes", Kind.DECIMAL, "Time it took", unit="minutes", low=0),
        _link("linked_touch_id", "Touch this one answers"),
        _link("plan_id", "Success plan it belongs to"),
        _link("proposal_id", "Proposal it belongs to"),
        _link("experiment_id", "Experiment it belongs to"),
        Column("variant", Kind.TEXT, "Variant of the experiment", blank_means="none"),
        Column("note", Kind.TEXT, "Note of the CSM", blank_means="none"),
        Column("sentiment", Kind.TEXT, "How it felt, as the CSM says", blank_means="none given"),
        _KNOWN_AT,
    ),
)

_JUDGEMENTS = TableSpec(
    name="judgements",
    grain="judgement of a person about an account",
    key=("account_id", "made_at", "author", "kind"),
    event_at="made_at",
    planned=("expires_at",),
    foreign_keys=(_ACCOUNT,),
    ordered=(("made_at", "expires_at"),),
    columns=(
        _ACCOUNT_ID,
        Column("made_at", Kind.INSTANT, "When it was made", required=True, nullable=False),
        Column("author", Kind.TEXT, "Who made it", required=True, nullable=False),
        Column("kind", Kind.TEXT, "A pulse informs, an override replaces", required=True, nullable=False,
               allowed=("pulse", "override")),
        Column("value", Kind.DECIMAL, "The score this person gives", unit="points", low=0, high=100, required=True,
               nullable=False),
        Column("reason", Kind.TEXT, "Why"),
        Column("expires_at", Kind.INSTANT, "When it stops counting", blank_means="never"),
        _KNOWN_AT,
    ),
)

SPECS: Mapping[str, TableSpec] = MappingProxyType({
    spec.name: spec
    for spec in (
        _ACCOUNTS, _USAGE_DAILY, _FEATURES, _SUBSCRIPTIONS, _RENEWALS, _TICKETS, _NPS_RESPONSES, _CSMS, _ASSIGNMENTS,
        _TOUCHES, _JUDGEMENTS,
    )
})
"""Every canonical table by name; tables others refer to come first."""
