"""What other demands do: accounts needed and the smallest effect they would show, before and after."""

from csworkbench.analyses.email_design.result import Result
from csworkbench.changes import Change, figures_beside
from csworkbench.estimates import Shown, say

BESIDE = ["worth", "accounts_needed", "smallest_effect", "weeks"]


def compare(before: Result, after: Result) -> Change:
    """Return what each comparison needs and could show under two settings.

    Args:
        before: Result with the settings as they are saved.
        after: Result with changed settings.

    Returns:
        Change with the tables plans, comparison, in the order of the file: metric, compared, and worth,
        accounts_needed, smallest_effect and weeks before and after (units as in the table plans of the result); and
        power_curve of the changed settings.
    """
    keys = ["metric", "compared"]
    plans = after.tables["plans"][[*keys, *BESIDE, "effect_unit"]].merge(
        before.tables["plans"][[*keys, *BESIDE]], on=keys, how="left", suffixes=("_after", "_before")
    )
    sides = [f"{name}_{side}" for name in BESIDE for side in ("before", "after")]
    needed = figures_beside(before, after).set_index("figure")
    told = {
        side: needed.loc["accounts_needed", side] if "accounts_needed" in needed.index else None
        for side in ("before", "after")
    }
    headline = say(
        "Accounts needed: {after:estimate}, as saved {before:estimate}; {there:n account|accounts} can be drawn",
        there=int(after.figures["accounts"].value or 0),
        **told,
    )
    written = after.tables["preregistration"].set_index("item")["value"]
    shown = (
        Shown("plans", "What each comparison needs and could show", options={"words": ("effect_unit",)}),
        Shown(
            "power_curve",
            "Chance to see a true difference with the changed settings",
            ("accounts", "power", "effect"),
            "rising",
            options={"level": float(written["power"]), "along": "accounts in the two arms", "up": "chance"},
        ),
    )
    tables = {"plans": plans[[*keys, *sides, "effect_unit"]], "power_curve": after.tables["power_curve"]}
    return Change(headline, tables, shown)
