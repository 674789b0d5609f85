"""Compare the plans of a playbook by the best design their data allow."""

from typing import TYPE_CHECKING

from csworkbench.adjustment.designs import Comparison, CompareRules

if TYPE_CHECKING:
    import pandas as pd


def compare(episodes: "pd.DataFrame", rules: CompareRules, *, panel: "pd.DataFrame | None" = None) -> Comparison:
    """Return the plans of one playbook held against accounts without one.

    Args:
        episodes: One row per plan of ONE playbook and per candidate control (`episodes.COLUMNS`): an account seen
            around an anchor day.
        rules: What is demanded.
        panel: Months of the same accounts (account_id, month, value, first_plan (month of the first landing, null
            without), is_eligible), for designs D and E; without it they are not tried.

    Returns:
        The comparison; design NONE with its reason where nothing can be compared.

    Raises:
        ValueError: a column is missing or there is no plan.
    """
    raise NotImplementedError
