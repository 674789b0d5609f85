"""Contracts of the tables about the product in use: features, events per day, business metrics and milestones."""

from csworkbench.tables.contract import NotBefore, TableSpec
from csworkbench.tables.shared import (
    ACCOUNT_ID,
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

FEATURES = TableSpec(
    name="features",
    grain="feature of the product",
    key=("feature",),
    known_at=None,
    columns=(
        identifier("feature", "Name of the feature, as in usage_daily"),
        flag("is_core", "Counts for feature breadth"),
        flag("is_high_value", "Shows that the product pays off"),
        text("plans", "Plans that entitle to it, separated by ;", blank_means="every plan"),
    ),
)

USAGE_DAILY = TableSpec(
    name="usage_daily",
    grain="user, feature and day of an account",
    key=("account_id", "user_id", "feature", "date"),
    event_at="date",
    foreign_keys=(OF_ACCOUNT,),
    not_before=(
        NotBefore("date", "accounts", "signup_at"),
        NotBefore("date", "subscriptions", "start_date", by="subscription_id"),
    ),
    columns=(
        ACCOUNT_ID,
        text("user_id", "Who used the product", blank_means="a sum over the users of the account"),
        text("feature", "Feature that was used", blank_means="a sum over features"),
        day("date", "Day of the use", required=True, nullable=False),
        whole("events", "Number of events", "events"),
        number("minutes", "Time of use", "minutes", low=0),
        whole("sessions", "Number of sessions", "sessions"),
        KNOWN_AT,
    ),
)

METRICS_DAILY = TableSpec(
    name="metrics_daily",
    grain="business metric of an account on a day",
    key=("account_id", "metric", "date"),
    event_at="date",
    foreign_keys=(OF_ACCOUNT,),
    columns=(
        ACCOUNT_ID,
        identifier("metric", "Name of the metric, such as orders handled"),
        day("date", "Day it is about", required=True, nullable=False),
        number("value", "Value of the metric, in its own unit", ""),
        KNOWN_AT,
    ),
)

MILESTONES = TableSpec(
    name="milestones",
    grain="step of an account's onboarding or adoption",
    key=("account_id", "milestone"),
    planned=("planned_at",),
    foreign_keys=(OF_ACCOUNT,),
    columns=(
        ACCOUNT_ID,
        identifier("milestone", "Name of the milestone"),
        instant("planned_at", "When it should be reached", blank_means="not planned"),
        instant("reached_at", "When it was reached; unfinished is censored", blank_means="not reached yet"),
        KNOWN_AT,
    ),
)
