"""Contracts of the tables about success plans: what was to change, the steps taken, and tasks beside them."""

from csworkbench.tables.contract import ForeignKey, NotBefore, TableSpec
from csworkbench.tables.shared import (
    ACCOUNT_ID,
    CSM_ID,
    IN_PLAN,
    KNOWN_AT,
    OF_ACCOUNT,
    OF_CSM,
    flag,
    identifier,
    instant,
    link,
    number,
    text,
    whole,
)

PLANS = TableSpec(
    name="plans",
    grain="success plan of an account",
    key=("plan_id",),
    event_at="created_at",
    planned=("due_at",),
    foreign_keys=(OF_ACCOUNT, OF_CSM),
    ordered=(
        ("created_at", "landed_at"),
        ("created_at", "closed_at"),
        ("started_at", "landed_at"),
        ("started_at", "closed_at"),
    ),
    columns=(
        identifier("plan_id", "Opaque id of the plan"),
        ACCOUNT_ID,
        text("playbook", "Playbook it follows", blank_means="none"),
        text("playbook_version", "Version of the playbook", blank_means="none"),
        text("problem", "Problem it is meant to solve"),
        text("problem_metric", "Metric that shows the problem"),
        text("theme", "Theme of the plan"),
        text("priority", "Priority, as the team sets it", varies=True),
        CSM_ID,
        instant("created_at", "When the plan was written", required=True, nullable=False),
        instant("started_at", "When work on it began", blank_means="not started yet"),
        instant("landed_at", "When its measures were in place", blank_means="not landed yet"),
        instant("due_at", "When it should be closed", blank_means="no due date", varies=True),
        instant("closed_at", "When it was closed", blank_means="still running"),
        instant("shared_at", "When it was shared with the customer", blank_means="not shared"),
        text("customer_commitments", "What the customer promised to do", blank_means="none"),
        KNOWN_AT,
    ),
)

PLAN_STEPS = TableSpec(
    name="plan_steps",
    grain="step of a plan",
    key=("plan_id", "step_no"),
    planned=("planned_at",),
    foreign_keys=(ForeignKey(("plan_id",), "plans"),),
    not_before=(NotBefore("done_at", "plans", "created_at", by="plan_id"),),
    columns=(
        identifier("plan_id", "The plan"),
        whole("step_no", "Number of the step", "", required=True, nullable=False),
        text("name", "Name of the step"),
        flag("is_mandatory", "The playbook asks for it"),
        instant("planned_at", "When it should be done", blank_means="not planned"),
        instant("done_at", "When it was done", blank_means="not done"),
        # Today's word: what was done by a date says done_at.
        text("status", "How it stands", allowed=("todo", "doing", "done", "skipped", "blocked"), varies=True),
        text(
            "blocker",
            "Who or what holds it up",
            allowed=("csm", "customer", "plan", "product", "none"),
            blank_means="none",
            varies=True,
        ),
        number("minutes", "Time it took", "minutes", low=0, known_with="done_at", blank_means="not recorded"),
        KNOWN_AT,
    ),
)

PLAN_GOALS = TableSpec(
    name="plan_goals",
    grain="metric a plan is meant to move",
    key=("plan_id", "metric"),
    foreign_keys=(ForeignKey(("plan_id",), "plans"),),
    columns=(
        identifier("plan_id", "The plan"),
        identifier("metric", "Metric that should move"),
        text("direction", "Which way is good", allowed=("higher", "lower")),
        number("baseline", "Value when the plan was written, in the metric's unit", "", blank_means="not recorded"),
        number("target", "Value that should be reached, in the metric's unit", "", blank_means="no number was set"),
        whole("pre_days", "Days before landing that are compared", "days", blank_means="the default of the analysis"),
        whole("post_days", "Days after landing that are compared", "days", blank_means="the default of the analysis"),
        KNOWN_AT,
    ),
)

TASKS = TableSpec(
    name="tasks",
    grain="task of a CSM about an account",
    key=("task_id",),
    planned=("due_at",),
    foreign_keys=(OF_ACCOUNT, IN_PLAN, OF_CSM),
    columns=(
        identifier("task_id", "Opaque id of the task"),
        ACCOUNT_ID,
        link("plan_id", "Success plan it belongs to"),
        CSM_ID,
        text("theme", "Theme of the task"),
        text("line", "Base service, or relationship and value on top", allowed=("base", "value_add")),
        text("trigger", "What called for it", blank_means="none"),
        link("proposal_id", "Proposal it belongs to"),
        instant("due_at", "When it should be done", blank_means="no due date"),
        instant("done_at", "When it was done", blank_means="not done"),
        text("status", "How it stands, as the team says", varies=True),
        text("priority", "Priority, as the team sets it", varies=True),
        text("risk", "Risk the CSM sees", blank_means="none given", varies=True),
        text("cause", "Cause the CSM found", known_with="done_at", blank_means="none given"),
        text("remedy", "What was done about it", known_with="done_at", blank_means="none given"),
        KNOWN_AT,
    ),
)
