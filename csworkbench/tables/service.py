"""Contracts of the tables about what customers say: tickets, messages, surveys, answers, wishes to leave."""

from csworkbench.tables.contract import NotBefore, TableSpec
from csworkbench.tables.shared import (
    ACCOUNT_ID,
    KNOWN_AT,
    OF_ACCOUNT,
    OF_CONTACT,
    flag,
    identifier,
    instant,
    link,
    number,
    text,
    whole,
)

TICKETS = TableSpec(
    name="tickets",
    grain="support ticket",
    key=("ticket_id",),
    event_at="opened_at",
    foreign_keys=(OF_ACCOUNT, OF_CONTACT),
    ordered=(("opened_at", "first_response_at"), ("opened_at", "resolved_at")),
    not_before=(NotBefore("opened_at", "accounts", "signup_at"),),
    columns=(
        identifier("ticket_id", "Opaque id of the ticket"),
        ACCOUNT_ID,
        link("contact_id", "Who wrote"),
        instant("opened_at", "When the ticket was opened", required=True, nullable=False),
        instant("first_response_at", "When somebody answered first", blank_means="not answered yet"),
        instant("resolved_at", "When the ticket was resolved", blank_means="not resolved yet"),
        flag("reopened", "Was opened again", known_with="resolved_at", blank_means="not resolved yet"),
        text("topic", "What it is about"),
        text("tags", "Tags, as exported", blank_means="none", varies=True),
        text("severity", "Severity, as the desk sets it", varies=True),
        number(
            "csat",
            "Satisfaction the customer gave, on the desk's own scale",
            "points",
            low=0,
            known_with="resolved_at",
            blank_means="not asked or not answered",
        ),
        flag("is_feature_request", "Asks for something the product does not do"),
        text("configuration", "Configuration the ticket is about", blank_means="not said", varies=True),
        KNOWN_AT,
    ),
)

MESSAGES = TableSpec(
    name="messages",
    grain="message from or to a customer",
    key=("message_id",),
    event_at="sent_at",
    foreign_keys=(OF_ACCOUNT, OF_CONTACT),
    ordered=(("sent_at", "answered_at"),),
    columns=(
        identifier("message_id", "Opaque id of the message"),
        ACCOUNT_ID,
        link("contact_id", "Who wrote or was written to"),
        text("channel", "Channel of the message"),
        text("direction", "From the customer or to the customer", allowed=("in", "out")),
        instant("sent_at", "When it was sent", required=True, nullable=False),
        instant("answered_at", "When the other side answered", blank_means="not answered"),
        KNOWN_AT,
    ),
)

NPS_RESPONSES = TableSpec(
    name="nps_responses",
    grain="invitation to an NPS survey, answered or not",
    key=("response_id",),
    event_at="invited_at",
    foreign_keys=(OF_ACCOUNT, OF_CONTACT),
    ordered=(("invited_at", "responded_at"),),
    columns=(
        identifier("response_id", "Opaque id of the invitation"),
        link("contact_id", "Who was asked"),
        ACCOUNT_ID,
        instant("invited_at", "When the survey was sent", nullable=False, falls_back_to="responded_at"),
        instant("responded_at", "When the answer came", blank_means="no answer"),
        whole(
            "score",
            "Would recommend, 0 to 10",
            "points",
            high=10,
            known_with="responded_at",
            blank_means="no answer",
        ),
        text("followup", "What was done about the answer", known_with="responded_at", blank_means="none"),
        text("comment", "Words of the customer", known_with="responded_at", blank_means="none"),
        text("channel", "Where the survey was sent"),
        KNOWN_AT,
    ),
)

ANSWERS = TableSpec(
    name="answers",
    grain="answer of an account to a question: welcome call, discovery",
    key=("account_id", "question", "asked_at"),
    event_at="asked_at",
    foreign_keys=(OF_ACCOUNT,),
    columns=(
        ACCOUNT_ID,
        identifier("question", "What was asked"),
        instant("asked_at", "When it was asked", required=True, nullable=False),
        text("answer", "What was answered", blank_means="no answer"),
        KNOWN_AT,
    ),
)

CANCEL_REQUESTS = TableSpec(
    name="cancel_requests",
    grain="wish of an account to leave",
    key=("request_id",),
    event_at="requested_at",
    foreign_keys=(OF_ACCOUNT,),
    columns=(
        identifier("request_id", "Opaque id of the request"),
        ACCOUNT_ID,
        instant("requested_at", "When the account said so", required=True, nullable=False),
        text("reason", "Why, as the customer says", blank_means="none given"),
        flag("is_saved", "The account stayed all the same", blank_means="not decided yet", varies=True),
        KNOWN_AT,
    ),
)
