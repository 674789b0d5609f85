"""Contracts of the tables about new business and how close the two sides are: deals, projects, leads, ratings."""

from csworkbench.tables.contract import ForeignKey, NotBefore, TableSpec
from csworkbench.tables.shared import (
    ACCOUNT_ID,
    CSM_ID,
    CURRENCY,
    KNOWN_AT,
    OF_ACCOUNT,
    OF_CSM,
    day,
    flag,
    identifier,
    instant,
    link,
    number,
    text,
    whole,
)

OPPORTUNITIES = TableSpec(
    name="opportunities",
    grain="chance to sell to an account",
    key=("opportunity_id",),
    event_at="created_at",
    foreign_keys=(
        OF_ACCOUNT,
        OF_CSM,
        ForeignKey(("origin_task_id",), "tasks", keep_orphans=True, others=("task_id",)),
    ),
    ordered=(("created_at", "closed_at"),),
    columns=(
        identifier("opportunity_id", "Opaque id of the opportunity"),
        ACCOUNT_ID,
        text("source", "Where it comes from", allowed=("service", "sales", "marketing")),
        CSM_ID,
        text("stage", "Stage, as the sales process names it", known_with="closed_at", varies=True),
        number("amount", "Amount that is expected", "money", low=0, varies=True),
        number("cost", "Cost of winning it", "money", low=0, blank_means="not recorded", varies=True),
        CURRENCY,
        instant("created_at", "When it was opened", required=True, nullable=False),
        instant("closed_at", "When it was won or lost", blank_means="still open"),
        flag("is_won", "It was won", known_with="closed_at", blank_means="still open"),
        link("origin_task_id", "Task it came from"),
        KNOWN_AT,
    ),
)

PROJECTS = TableSpec(
    name="projects",
    grain="delivery project at an account",
    key=("project_id",),
    planned=("planned_end",),
    foreign_keys=(OF_ACCOUNT,),
    columns=(
        identifier("project_id", "Opaque id of the project"),
        ACCOUNT_ID,
        day("planned_end", "Day it should end"),
        instant("ended_at", "When it ended", blank_means="still running"),
        number(
            "quality",
            "Quality of the delivery, on the team's own scale",
            "points",
            low=0,
            known_with="ended_at",
            blank_means="not rated",
        ),
        number("utilization", "Time billed over time available", "share", low=0, varies=True),
        number("cash_due", "Amount that is due so far", "money", low=0, varies=True),
        number("cash_collected", "Amount that was paid so far", "money", low=0, varies=True),
        CURRENCY,
        KNOWN_AT,
    ),
)

LEADS = TableSpec(
    name="leads",
    grain="lead; an account may have several",
    key=("lead_id",),
    event_at="created_at",
    planned=("protect_until",),
    foreign_keys=(ForeignKey(("account_id",), "accounts", keep_orphans=True),),
    ordered=(("created_at", "closed_at"),),
    columns=(
        identifier("lead_id", "Opaque id of the lead"),
        text("account_id", "Account it belongs to", blank_means="no account yet", varies=True),
        text("status", "How it stands, as the team says", known_with="closed_at", varies=True),
        text("owner", "Who works on it", blank_means="nobody", varies=True),
        day("protect_until", "Last day it is the owner's alone", blank_means="not protected"),
        number("amount", "Amount that is expected", "money", low=0, blank_means="none given", varies=True),
        CURRENCY,
        text("credit_to", "Who gets the credit", known_with="closed_at", blank_means="nobody yet", varies=True),
        instant("created_at", "When it came in"),
        instant("closed_at", "When it was won or lost", blank_means="still open, or not recorded"),
        text("source", "Where it comes from", blank_means="not known"),
        number("cost", "Cost of getting and working it", "money", low=0, blank_means="not recorded", varies=True),
        KNOWN_AT,
    ),
)

LEAD_EVENTS = TableSpec(
    name="lead_events",
    grain="thing that happened to a lead",
    key=("event_id",),
    event_at="occurred_at",
    foreign_keys=(ForeignKey(("lead_id",), "leads"),),
    not_before=(NotBefore("occurred_at", "leads", "created_at", by="lead_id", is_exact=True),),
    columns=(
        identifier("event_id", "Opaque id of the event"),
        identifier("lead_id", "The lead"),
        text(
            "type",
            "What happened; ordered is an order that came of it, credited who gets how much of the credit",
            required=True,
            nullable=False,
            allowed=("assigned", "transferred", "contacted", "qualified", "ordered", "credited", "lost", "recalled"),
        ),
        instant("occurred_at", "When it happened", required=True, nullable=False),
        text("person", "Who it went to, who did it, or who gets the credit", blank_means="nobody"),
        link("order_id", "The order, of ordered"),
        number("amount", "Amount of the order, of ordered", "money", low=0, blank_means="none"),
        CURRENCY,
        number("share", "Part of the credit, of credited", "share", low=0, high=1, blank_means="none"),
        KNOWN_AT,
    ),
)

RELATIONSHIP_RATINGS = TableSpec(
    name="relationship_ratings",
    grain="rating of the relationship with an account by one person",
    key=("account_id", "dimension", "rated_at", "rater"),
    event_at="rated_at",
    foreign_keys=(OF_ACCOUNT,),
    columns=(
        ACCOUNT_ID,
        text(
            "dimension",
            "What is rated",
            required=True,
            nullable=False,
            allowed=("closeness", "solution_acceptance", "price_acceptance", "behaviour_mastery"),
        ),
        instant("rated_at", "When it was rated", required=True, nullable=False),
        identifier("rater", "Who rates"),
        whole("level", "Level from 1 to 5", "points", low=1, high=5, required=True, nullable=False),
        KNOWN_AT,
    ),
)

JUDGEMENTS = TableSpec(
    name="judgements",
    grain="judgement of a person about an account",
    key=("account_id", "made_at", "author", "kind"),
    event_at="made_at",
    planned=("expires_at",),
    foreign_keys=(OF_ACCOUNT,),
    ordered=(("made_at", "expires_at"),),
    columns=(
        ACCOUNT_ID,
        instant("made_at", "When it was made", required=True, nullable=False),
        identifier("author", "Who made it"),
        text(
            "kind",
            "A pulse informs, an override replaces",
            required=True,
            nullable=False,
            allowed=("pulse", "override"),
        ),
        number("value", "The score this person gives", "points", low=0, high=100, required=True, nullable=False),
        text("reason", "Why"),
        instant("expires_at", "When it stops counting", blank_means="never"),
        KNOWN_AT,
    ),
)
