"""Contracts of the tables about customers: accounts, the people there, and what may be sent to them."""

from csworkbench.tables.contract import ForeignKey, TableSpec
from csworkbench.tables.shared import (
    CONTACT_ID,
    CURRENCY,
    KNOWN_AT,
    OF_ACCOUNT,
    OF_CONTACT,
    VALID_FROM,
    VALID_TO,
    day,
    flag,
    identifier,
    instant,
    link,
    number,
    text,
    whole,
)

# Accounts themselves may be mapped through it, so it refers to no table: rows that come out wrong are orphans there.
ID_MAP = TableSpec(
    name="id_map",
    grain="id of an account or a contact in another system",
    key=("source", "source_id"),
    known_at=None,
    one_of=(("account_id", "contact_id"),),
    columns=(
        identifier("source", "System or tenant the id is from, or email_domain"),
        identifier("source_id", "Id in that system, or the domain"),
        link("account_id", "Account it stands for", "it stands for a contact"),
        link("contact_id", "Contact it stands for", "it stands for an account"),
    ),
)

ACCOUNTS = TableSpec(
    name="accounts",
    grain="account",
    key=("account_id",),
    version="valid_from",
    event_at="signup_at",
    planned=("trial_until", "valid_to"),
    foreign_keys=(ForeignKey(("parent_account_id",), "accounts", keep_orphans=True, others=("account_id",)),),
    ordered=(("signup_at", "churned_at"), ("valid_from", "valid_to")),
    columns=(
        identifier("account_id", "Opaque id of the account"),
        VALID_FROM,
        VALID_TO,
        text("name", "Name of the account"),
        link("parent_account_id", "Account this one belongs to"),
        text("industry", "Industry of the account"),
        text("region", "Region of the account: its holidays and language"),
        whole("employees", "Size of the account", "people", varies=True),
        text("value_tier", "Tier of value, as the team sets it", varies=True),
        text("plan", "Plan the account pays for", varies=True),
        number("arr", "Annual recurring revenue", "money", low=0, varies=True),
        CURRENCY,
        instant("signup_at", "When the account signed up"),
        day("trial_until", "Last day of the trial", blank_means="no trial"),
        instant("paid_at", "When the account paid first", blank_means="not paid yet"),
        instant("churned_at", "When the account left", blank_means="still a customer"),
        text("language", "Language of the account"),
        text("timezone", "IANA time zone of the account"),
        text("qualification", "How well the account fits, as the team sets it", varies=True),
        text("crm_url", "Page of the account in the CRM"),
        KNOWN_AT,
    ),
)

CONTACTS = TableSpec(
    name="contacts",
    grain="person at an account",
    key=("contact_id",),
    version="valid_from",
    event_at="added_at",
    planned=("valid_to",),
    foreign_keys=(OF_ACCOUNT,),
    ordered=(("added_at", "left_at"), ("valid_from", "valid_to")),
    columns=(
        identifier("contact_id", "Opaque id of the contact"),
        VALID_FROM,
        VALID_TO,
        text("account_id", "Account the person works for", required=True, nullable=False, varies=True),
        text("role", "Part the person plays", allowed=("admin", "champion", "buyer", "exec", "user"), varies=True),
        flag("is_primary", "First person to turn to at the account", varies=True),
        text("tags", "Tags, as exported", blank_means="none", varies=True),
        text("language", "Language of the person"),
        text("timezone", "IANA time zone of the person"),
        instant("added_at", "When the person was added"),
        text("added_way", "How the person came in, such as an import or a form", blank_means="unknown"),
        instant("left_at", "When the person left", blank_means="still there"),
        KNOWN_AT,
    ),
)

CONTACT_PII = TableSpec(
    name="contact_pii",
    grain="name and addresses of a contact",
    key=("contact_id",),
    known_at=None,
    foreign_keys=(ForeignKey(("contact_id",), "contacts"),),
    columns=(
        CONTACT_ID,
        text("name", "Name of the person", is_personal=True),
        text("email", "E-mail address", blank_means="none known", is_personal=True),
        text("phone", "Phone number", blank_means="none known", is_personal=True),
        text("wechat_id", "WeChat id", blank_means="none known", is_personal=True),
    ),
)

CONSENTS = TableSpec(
    name="consents",
    grain="what a contact allows on a channel for a purpose, from a time on",
    key=("contact_id", "channel", "purpose", "valid_from"),
    event_at="valid_from",
    planned=("valid_to",),
    foreign_keys=(OF_CONTACT,),
    ordered=(("valid_from", "valid_to"),),
    fails_closed=True,
    columns=(
        CONTACT_ID,
        identifier("channel", "Channel it is about"),
        text("purpose", "What for", required=True, nullable=False, allowed=("service", "marketing")),
        instant("valid_from", "When it began to hold", required=True, nullable=False),
        instant("valid_to", "When it ends, exclusive", blank_means="current"),
        text(
            "status",
            "Whether it is allowed; unknown is not granted",
            required=True,
            nullable=False,
            allowed=("granted", "denied", "unknown"),
        ),
        text("basis", "What it rests on, such as a form or a contract", blank_means="none given"),
        KNOWN_AT,
    ),
)

SUPPRESSIONS = TableSpec(
    name="suppressions",
    grain="contact or address nothing may be sent to",
    key=("contact_id", "address", "valid_from"),
    event_at="valid_from",
    planned=("until",),
    foreign_keys=(OF_CONTACT,),
    ordered=(("valid_from", "until"),),
    one_of=(("contact_id", "address"),),
    fails_closed=True,
    columns=(
        link("contact_id", "Contact it is about", "the address says who"),
        text(
            "address",
            "E-mail address or phone number it is about",
            blank_means="the contact says who",
            is_personal=True,
        ),
        day("valid_from", "First day it holds", blank_means="since ever"),
        day("until", "First day it no longer holds", blank_means="for good"),
        text("reason", "Why", blank_means="none given"),
        KNOWN_AT,
    ),
)
