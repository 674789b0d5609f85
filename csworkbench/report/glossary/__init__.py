"""The glossary: how each figure of the product's own results is made, for the page that shows it."""

from collections.abc import Mapping

from csworkbench.estimates import say
from csworkbench.report.glossary import customers, work
from csworkbench.report.glossary.contents import CONTENTS
from csworkbench.report.glossary.words import COUNTS_ROWS, ON_THE_DATE, STAYS_OUT, THE_WEEK, Definition

__all__ = ["Definition", "definition"]

_LISTED = Definition(
    say("contacts on the lists of the week; n = all contacts"),
    ("contacts", "consents", "suppressions", "nps_responses"),
    THE_WEEK,
    STAYS_OUT,
)
_ROWS = Definition(
    say("rows of these accounts in the result of the whole book"), ("accounts",), ON_THE_DATE, COUNTS_ROWS
)
_OWN: Mapping[str, Mapping[str, Definition]] = {
    "account_brief": customers.BRIEFS,
    "contents": CONTENTS,
    "data_check": customers.DATA,
    "email_design": work.EMAIL_DESIGN,
    "email_touch": work.EMAIL_TOUCH,
    "health": customers.HEALTH,
    "health_proof": customers.PROOF,
    "key_accounts": customers.KEY_ACCOUNTS,
    "nps_outreach": {**customers.NPS, "listed": _LISTED},
    "plan_validation": work.PLANS,
    "portfolio": {
        **customers.HEALTH,
        **customers.RENEWALS,
        **{name: customers.SEGMENTS[name] for name in ("stuck", "moved")},
        **{name: work.PLANS[name] for name in ("open_plans", "overdue_steps", "goals_met")},
        "accounts_per_csm": work.MATRIX["accounts_per_csm"],
        "touch_coverage": work.MATRIX["coverage"],
        "touches_overdue": work.MATRIX["overdue"],
        **customers.BOOK,
    },
    "reassignment": work.REASSIGNMENT,
    "renewals": customers.RENEWALS,
    "segments": customers.SEGMENTS,
    "touch_effect": work.TOUCH_EFFECT,
    "touch_matrix": work.MATRIX,
    "triggers": work.TRIGGERS,
    "weekly_list": work.WEEKLY,
}


def definition(analysis: str, figure: str, *, is_part: bool = False) -> Definition | None:
    """Return how a figure is made; None for one of an analysis that is not part of the product.

    Args:
        analysis: Name of the analysis.
        figure: Name of the figure; what follows a dot names one of several and is made alike. A broken rule of the
            data check is `<table>.<column>.<rule>`.
        is_part: The figure counts the rows of some accounts, on a page by an attribute.
    """
    stem, _, rest = figure.partition(".")
    if is_part:
        return _ROWS
    return _OWN.get(analysis, {}).get("rule" if "." in rest else stem)
