"""Contracts of the tables about money: subscriptions, invoices, renewals and what was predicted of them."""

from types import MappingProxyType

from csworkbench.tables.contract import Column, ForeignKey, Kind, NotBefore, TableSpec
from csworkbench.tables.shared import (
    ACCOUNT_ID,
    CURRENCY,
    KNOWN_AT,
    OF_ACCOUNT,
    day,
    flag,
    identifier,
    instant,
    number,
    text,
    whole,
)

SUBSCRIPTIONS = TableSpec(
    name="subscriptions",
    grain="subscription from a start date on",
    key=("subscription_id", "start_date"),
    event_at="start_date",
    planned=("end_date",),
    foreign_keys=(OF_ACCOUNT,),
    ordered=(("start_date", "end_date"),),
    columns=(
        identifier("subscription_id", "Opaque id of the subscription"),
        day("start_date", "First day of the term", required=True, nullable=False),
        ACCOUNT_ID,
        text("product", "Product that is subscribed"),
        text("plan", "Plan of the product"),
        whole("seats", "Seats that are paid for", "seats", blank_means="a site licence"),
        number("mrr", "Monthly recurring revenue", "money", low=0),
        CURRENCY,
        day("end_date", "Last day of the term", blank_means="open-ended", varies=True),
        flag("auto_renew", "Renews without a decision", varies=True),
        text("change_type", "How the term came about", allowed=("new", "upgrade", "downgrade", "renew")),
        KNOWN_AT,
    ),
)

INVOICES = TableSpec(
    name="invoices",
    grain="invoice",
    key=("invoice_id",),
    event_at="issued_at",
    planned=("due_at",),
    foreign_keys=(OF_ACCOUNT,),
    ordered=(("issued_at", "due_at"),),
    columns=(
        identifier("invoice_id", "Opaque id of the invoice"),
        ACCOUNT_ID,
        instant("issued_at", "When the invoice was issued", required=True, nullable=False),
        instant("due_at", "When it has to be paid"),
        instant("paid_at", "When it was paid", blank_means="not paid yet"),
        number("amount", "Amount of the invoice; a credit note is negative", "money"),
        CURRENCY,
        KNOWN_AT,
    ),
)

RENEWALS = TableSpec(
    name="renewals",
    grain="end of a term",
    key=("renewal_id",),
    planned=("due_date",),
    foreign_keys=(OF_ACCOUNT,),
    on_unknown=MappingProxyType({"outcome": "open"}),
    not_before=(
        NotBefore("due_date", "accounts", "signup_at"),
        NotBefore("due_date", "subscriptions", "start_date", by="subscription_id"),
    ),
    columns=(
        identifier("renewal_id", "Opaque id of the renewal, one per term end"),
        ACCOUNT_ID,
        day("due_date", "Day the term ends", required=True, nullable=False),
        number("target_amount", "Amount that is due", "money", low=0, varies=True),
        instant("decided_at", "When the customer decided", blank_means="not decided yet"),
        text(
            "outcome",
            "How it ended; open is censored, never renewed",
            allowed=("renewed", "churned", "partial", "upsell", "open"),
            known_with="decided_at",
            blank_means="open",
        ),
        number(
            "final_amount",
            "Amount that was renewed",
            "money",
            low=0,
            known_with="decided_at",
            blank_means="not decided yet",
        ),
        text("reason", "Why it was lost or won", known_with="decided_at", blank_means="none given"),
        CURRENCY,
        KNOWN_AT,
    ),
)

RENEWAL_CALLS = TableSpec(
    name="renewal_calls",
    grain="prediction of a renewal, never changed afterwards",
    key=("renewal_id", "made_at", "source"),
    event_at="made_at",
    foreign_keys=(ForeignKey(("renewal_id",), "renewals"),),
    columns=(
        identifier("renewal_id", "The renewal it is about"),
        instant("made_at", "When the prediction was made", required=True, nullable=False),
        text("source", "Who predicts", required=True, nullable=False, allowed=("model", "csm", "final")),
        Column("p_renew", Kind.SHARE, "Probability that it renews", unit="share", blank_means="none given"),
        number("amount", "Amount that is expected", "money", low=0, blank_means="none given"),
        CURRENCY,
        KNOWN_AT,
    ),
)
