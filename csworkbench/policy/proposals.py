"""Proposals: what every analysis that wants contacts or accounts to be touched puts into its table `proposals`.

docs/methods/proposals.md is the contract; `weekly_list` reads the table of every analysis of a run.
"""

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from csworkbench.policy.weeks import Week

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "proposal_id": "str",
    "account_id": "str",
    "contact_id": "str",
    "rule": "str",
    "family": "str",
    "play": "str",
    "mode": "str",
    "purpose": "str",
    "channel": "str",
    "fallbacks": "str",
    "csm_id": "str",
    "minutes": "float64",
    "priority": "int64",
    "value": "float64",
    "value_unit": "str",
    "reason": "str",
    "due_on": "datetime64[us]",
    "is_must_do": "bool",
    "program": "str",
    "expires_on": "datetime64[us]",
}
"""Columns of `proposals` and their types, in order."""
WORDS = {
    "family": ("lifecycle", "behaviour", "nps", "manual"),
    "mode": ("automated", "human"),
    "purpose": ("service", "marketing"),
}
FALLBACKS = "; "
"""What stands between the channels of `fallbacks`."""
DIGITS = 16
RELEASED = (
    "proposal_id", "account_id", "contact_id", "program", "mode", "purpose", "channel", "csm_id", "sent_on",
    "expires_on",
)  # fmt: skip
"""Columns a list must have to be made official and asked about again, see `sources.released` and `objections`."""


def proposal_id(analysis: str, rule: str, account_id: str, contact_id: str, week: Week) -> str:
    """Return the id of a proposal: the same proposal has the same id whenever and wherever it is made.

    Args:
        analysis: Analysis that makes it.
        rule: Its rule.
        account_id: The account.
        contact_id: The contact, "" for the account as a whole.
        week: Week it is for.
    """
    words = (analysis, rule, account_id, contact_id, week.first.isoformat())
    # Lengths keep ("a", "bc") and ("ab", "c") apart.
    return sha256("".join(f"{len(word)}:{word}" for word in words).encode()).hexdigest()[:DIGITS]


def proposals(rows: "pd.DataFrame", analysis: str, week: Week) -> "pd.DataFrame":
    """Return the table `proposals` of an analysis: ids given, columns in order and typed, the most urgent first.

    Args:
        rows: One row per proposal with the columns of `COLUMNS` but proposal_id; a column of which nothing is known may
            be left out.
        analysis: Name of the analysis.
        week: Week the proposals are for.

    Returns:
        One row per proposal with `COLUMNS`, by priority, account_id, contact_id and rule; priority counts from 1.

    Raises:
        ValueError: a column that is needed is missing or blank, a word is not among `WORDS`, a value has no unit (or a
            unit no value), or a proposal comes twice.
    """
    needed = [name for name in COLUMNS if name not in _OPTIONAL]
    absent = [name for name in needed if name not in rows or rows[name].isna().any()]
    if absent:
        raise ValueError(f"proposals of {analysis}: {', '.join(absent)} must be filled in every row")
    for name, allowed in WORDS.items():
        wrong = set(rows[name]) - set(allowed)
        if wrong:
            raise ValueError(f"proposals of {analysis}: {name} is one of {', '.join(allowed)}, not {sorted(wrong)}")
    full = rows.reindex(columns=[name for name in COLUMNS if name != "proposal_id"])
    if (full["value"].notna() != full["value_unit"].notna()).any():
        raise ValueError(f"proposals of {analysis}: a value has a unit, and without an experiment there is neither")
    contacts = full["contact_id"].fillna("")
    ids = [
        proposal_id(analysis, str(rule), str(account), str(contact), week)
        for rule, account, contact in zip(full["rule"], full["account_id"], contacts, strict=True)
    ]
    made = full.assign(proposal_id=ids)[list(COLUMNS)].astype(COLUMNS)
    if made["proposal_id"].duplicated().any():
        raise ValueError(f"proposals of {analysis}: one rule names a contact of an account twice")
    order = ["priority", "account_id", "contact_id", "rule"]
    return made.sort_values(order, kind="stable", ignore_index=True)


def of_accounts(
    rows: "pd.DataFrame", source: tuple[str, str], week: Week, *, play: str, priority: int
) -> "pd.DataFrame":
    """Return the proposals that somebody talks to accounts as a whole, by hand and about what they have bought.

    Args:
        rows: One row per occasion, the most urgent of an account first: account_id, reason; csm_id and minutes where
            they are known.
        source: Name of the analysis, and its rule.
        week: Week the proposals are for; they are due on its Friday.
        play: Key of the script.
        priority: Priority of all of them.

    Returns:
        One row per account with `COLUMNS`, see `proposals`.
    """
    import pandas as pd

    analysis, rule = source
    first = rows.drop_duplicates("account_id")
    return proposals(
        first.assign(
            rule=rule,
            family="lifecycle",
            play=play,
            mode="human",
            purpose="service",
            priority=priority,
            due_on=pd.Timestamp(week.first + timedelta(days=4)),
            is_must_do=False,
            program=f"{analysis}.{rule}",
            expires_on=pd.Timestamp(week.last),
        ),
        analysis,
        week,
    )


_OPTIONAL = ("proposal_id", "contact_id", "channel", "fallbacks", "csm_id", "minutes", "value", "value_unit")
