"""Episodes: an account seen around an anchor day, with or without a plan, in windows of the same geometry."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "episode_id",
    "account_id",
    "playbook",
    "is_plan",
    "month",
    "before_2",
    "before_1",
    "after",
    "tier",
    "tenure_months",
    "csm_load",
    "band",
    "lottery",
    "start_order",
    "is_waiting",
    "threshold_distance",
    "csm_id",
)
"""Columns of an episode frame: before_2 and before_1 are the older and the newer half of the window before, `after` the
window after, all on the scale of the analysis; `band` of eligibility at the start; `lottery` null without one;
`is_waiting` = in the lottery and not started over the whole window; `threshold_distance` below 0 (or 0) on the side
where the rule starts plans, null without a declared rule. `has_left` may be added: the account left before the end of
the window after, which then counts 0."""
