"""Contracts of the tables about what is sent to or held with customers, what came of it, and experiments on it."""

from csworkbench.tables.contract import ForeignKey, NotBefore, TableSpec
from csworkbench.tables.shared import (
    ACCOUNT_ID,
    CONTACT_ID,
    IN_PLAN,
    KNOWN_AT,
    OF_ACCOUNT,
    OF_CONTACT,
    OF_CSM,
    flag,
    identifier,
    instant,
    link,
    number,
    text,
    whole,
)

CONTENTS = TableSpec(
    name="contents",
    grain="content that can be sent",
    key=("content_id",),
    known_at=None,
    columns=(
        identifier("content_id", "Opaque id of the content"),
        text("title", "Title of the content"),
        text("kind", "Kind of content, such as article, template or video"),
        text("group_path", "Place in the library, such as onboarding/week 1", blank_means="at the top"),
        whole("sort", "Place among its neighbors", "", blank_means="last"),
        text("roles", "Roles that may see it, separated by ;", blank_means="every role"),
        text("body", "Text of it", blank_means="none"),
        text("image", "Image: its address or its id in the library", blank_means="none"),
        text("subtitle", "Second line of a card", blank_means="none"),
        text("url", "Page an H5 card leads to", blank_means="none"),
        text("appid", "Id of the mini-program a card leads to", blank_means="none"),
        text("path", "Page of the mini-program", blank_means="none"),
    ),
)

TOUCHES = TableSpec(
    name="touches",
    grain="anything sent to or held with a customer",
    key=("touch_id",),
    event_at="sent_at",
    foreign_keys=(
        OF_ACCOUNT,
        OF_CONTACT,
        OF_CSM,
        IN_PLAN,
        ForeignKey(("content_id",), "contents", keep_orphans=True),
        ForeignKey(("linked_touch_id",), "touches", keep_orphans=True, others=("touch_id",)),
    ),
    columns=(
        identifier("touch_id", "Opaque id of the touch"),
        ACCOUNT_ID,
        link("contact_id", "Who was touched"),
        link("csm_id", "Who touched"),
        text("channel", "Channel of the touch"),
        text("mode", "By a person or by the system", allowed=("human", "tech")),
        text("initiator", "Who started it", allowed=("central", "csm", "customer", "marketing")),
        text("family", "Kind of reason", allowed=("lifecycle", "behaviour", "nps", "manual")),
        text("rule", "Rule that asked for it", blank_means="none"),
        link("content_id", "Content that was sent"),
        text("importance", "Importance, as the team sets it", blank_means="none set"),
        instant("sent_at", "When it was sent or held", required=True, nullable=False),
        number("minutes", "Time it took", "minutes", low=0),
        link("linked_touch_id", "Touch this one answers"),
        link("plan_id", "Success plan it belongs to"),
        link("proposal_id", "Proposal it belongs to"),
        link("experiment_id", "Experiment it belongs to"),
        text("variant", "Variant of the experiment", blank_means="none"),
        text("note", "Note of the CSM", blank_means="none"),
        text("sentiment", "How it felt, as the CSM says", blank_means="none given"),
        KNOWN_AT,
    ),
)

TOUCH_PARTICIPANTS = TableSpec(
    name="touch_participants",
    grain="contact who took part in a touch: a meeting of five is one touch",
    key=("touch_id", "contact_id"),
    foreign_keys=(ForeignKey(("touch_id",), "touches"), OF_CONTACT),
    columns=(identifier("touch_id", "The touch"), CONTACT_ID, KNOWN_AT),
)

# A scanner clicks several links of one message within a second, so the link belongs to the key.
TOUCH_EVENTS = TableSpec(
    name="touch_events",
    grain="thing that happened to a touch after it was sent",
    key=("touch_id", "type", "occurred_at", "link"),
    event_at="occurred_at",
    foreign_keys=(ForeignKey(("touch_id",), "touches"),),
    not_before=(NotBefore("occurred_at", "touches", "sent_at", by="touch_id", is_exact=True),),
    columns=(
        identifier("touch_id", "The touch"),
        text(
            "type",
            "What happened",
            required=True,
            nullable=False,
            allowed=("delivered", "bounced", "open", "click", "reply", "unsubscribe", "complaint"),
        ),
        instant("occurred_at", "When it happened", required=True, nullable=False),
        text("link", "Link that was clicked", blank_means="none"),
        text(
            "agent",
            "Who did it, as the sender's system says",
            allowed=("human", "machine", "scanner", "unknown"),
            blank_means="unknown",
        ),
        KNOWN_AT,
    ),
)

MEETINGS = TableSpec(
    name="meetings",
    grain="meeting with an account, planned or held",
    key=("meeting_id",),
    planned=("planned_at",),
    foreign_keys=(OF_ACCOUNT,),
    columns=(
        identifier("meeting_id", "Opaque id of the meeting"),
        ACCOUNT_ID,
        text("kind", "Kind of meeting", allowed=("key_point", "regular", "emergency", "strategy", "review")),
        flag("is_onsite", "Held at the customer's place"),
        text("trigger", "What called for it", blank_means="none"),
        instant("planned_at", "When it should be held", blank_means="not planned ahead"),
        instant("held_at", "When it was held", blank_means="not held yet"),
        text("summary", "What was agreed", known_with="held_at", blank_means="none"),
        KNOWN_AT,
    ),
)

EXPERIMENT_UNITS = TableSpec(
    name="experiment_units",
    grain="account or contact in an experiment",
    key=("experiment_id", "unit_id"),
    event_at="assigned_at",
    columns=(
        identifier("experiment_id", "The experiment, as its file is named"),
        identifier("unit_id", "Id of the account or the contact"),
        text("unit", "What is assigned", required=True, nullable=False, allowed=("account", "contact")),
        text("stratum", "Group within which was drawn", blank_means="one group"),
        identifier("variant", "Variant it was assigned to"),
        instant("assigned_at", "When it was assigned", required=True, nullable=False),
        whole("eligible_contacts", "Contacts of the unit that could be reached", "contacts"),
        KNOWN_AT,
    ),
)
