"""The contract of every canonical table."""

from collections.abc import Mapping
from types import MappingProxyType

from csworkbench.tables.contract import Column, ForeignKey, Kind, NotBefore, TableSpec

ROLES = ("csm", "tech_touch", "delivery", "support", "sales", "marketing")
OUTCOMES = ("renewed", "churned", "partial", "upsell", "open")

_ACCOUNT_ID = Column("account_id", Kind.TEXT, "The account this row belongs to", required=True, nullable=False)
_CURRENCY = Column("currency", Kind.TEXT, "ISO currency of the amounts; absent = the workspace's currency")
_KNOWN_AT = Column(
    "known_at",
    Kind.INSTANT,
    "When the warehouse knew the row; absent = when it happened",
    blank_means="known when it happened",
)
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
        Column(
            "outcome",
            Kind.TEXT,
            "How it ended; open is censored, never renewed",
            allowed=OUTCOMES,
            known_with="decided_at",
            blank_means="open",
        ),
        Column(
            "final_amount",
            Kind.DECIMAL,
            "Amount that was renewed",
            unit="money",
            low=0,
            known_with="decided_at",
            blank_means="not decided yet",
        ),
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
        Column("reopened", Kind.BOOLEAN, "Was opened again", known_with="resolved_at", blank_means="not resolved yet"),
        Column("topic", Kind.TEXT, "What it is about"),
        Column("tags", Kind.TEXT, "Tags, as exported", blank_means="none"),
        Column("severity", Kind.TEXT, "Severity, as the desk sets it"),
        Column(
            "csat",
            Kind.DECIMAL,
            "Satisfaction the customer gave, on the desk's own scale",
            unit="points",
            low=0,
            known_with="resolved_at",
            blank_means="not asked or not answered",
        ),
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
        Column(
            "score",
            Kind.INTEGER,
            "Would recommend, 0 to 10",
            unit="points",
            low=0,
            high=10,
            known_with="responded_at",
            blank_means="no answer",
        ),
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
        Column(
            "reason",
            Kind.TEXT,
            "Why the account changed hands",
            allowed=("new", "leaver", "low_engagement", "complaint", "balance"),
            blank_means="none given",
        ),
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
        Column(
            "kind",
            Kind.TEXT,
            "A pulse informs, an override replaces",
            required=True,
            nullable=False,
            allowed=("pulse", "override"),
        ),
        Column(
            "value",
            Kind.DECIMAL,
            "The score this person gives",
            unit="points",
            low=0,
            high=100,
            required=True,
            nullable=False,
        ),
        Column("reason", Kind.TEXT, "Why"),
        Column("expires_at", Kind.INSTANT, "When it stops counting", blank_means="never"),
        _KNOWN_AT,
    ),
)

SPECS: Mapping[str, TableSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            _ACCOUNTS,
            _USAGE_DAILY,
            _FEATURES,
            _SUBSCRIPTIONS,
            _RENEWALS,
            _TICKETS,
            _NPS_RESPONSES,
            _CSMS,
            _ASSIGNMENTS,
            _TOUCHES,
            _JUDGEMENTS,
        )
    }
)
"""Every canonical table by name; tables others refer to come first."""
