"""Leads to take back, customers several people work at once, and contacts to follow up."""

from typing import TYPE_CHECKING

from csworkbench.analyses.contents.evidence import Inputs
from csworkbench.analyses.contents.settings import Config
from csworkbench.features.listed import NO_ONE

if TYPE_CHECKING:
    import pandas as pd

RECALL = [
    "lead_id", "account_id", "name", "owner", "rule", "mode", "status", "protected_until", "created_on", "followed_on",
    "follow_ups", "amount", "currency",
]  # fmt: skip


def recall_table(inputs: Inputs, leads: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return the open leads that are taken back, those of the system first, the longest waiting first.

    Args:
        inputs: Names of accounts.
        leads: From `funnel.with_stage`.
        config: Rules of recall.

    Returns:
        One row per lead: the columns RECALL; mode is auto or manual, owner "nobody" where nobody took it.
    """
    modes = {rule.name: rule.mode for rule in config.recall}
    rows = leads[leads["recall"] != ""]
    told = rows.assign(
        name=rows["account_id"].map(inputs.accounts["name"]),
        owner=rows["owner"].fillna(NO_ONE),
        rule=rows["recall"],
        mode=rows["recall"].map(modes),
        currency=rows["currency"].fillna(inputs.currency),
    )
    ordered: pd.DataFrame = told.sort_values(["mode", "protected_until", "created_on", "lead_id"], ignore_index=True)
    return ordered[RECALL]


def several_table(inputs: Inputs, leads: "pd.DataFrame") -> "pd.DataFrame":
    """Return the accounts with several leads, and where one owner works while another's protection runs.

    Args:
        inputs: Names of accounts.
        leads: From `funnel.with_stage`.

    Returns:
        One row per account with at least two leads, conflicts first: account_id, name, csm, leads, open, won, owners
        (of open leads), protected_by (owners whose protection runs), is_conflict (somebody else has an open lead too).
    """
    import pandas as pd

    lines = []
    for account, rows in leads.dropna(subset=["account_id"]).groupby("account_id", sort=True):
        if len(rows) < 2:
            continue
        is_open = rows["ends"] == "open"
        owners = sorted(set(rows.loc[is_open, "owner"].dropna()))
        guards = sorted(set(rows.loc[is_open & rows["is_protected"], "owner"].dropna()))
        counted = (len(rows), int(is_open.sum()), int((rows["ends"] == "won").sum()))
        lines.append((account, *counted, ", ".join(owners), ", ".join(guards), bool(guards) and len(owners) > 1))
    columns = ["account_id", "leads", "open", "won", "owners", "protected_by", "is_conflict"]
    table = pd.DataFrame(lines, columns=columns).astype({"is_conflict": bool})
    about = inputs.accounts[["name", "csm"]]
    named = table.join(about, on="account_id")[["account_id", "name", "csm", *columns[1:]]]
    return named.sort_values(["is_conflict", "account_id"], ascending=[False, True], ignore_index=True)


def list_table(inputs: Inputs) -> "pd.DataFrame":
    """Return who is on the lists of the settings.

    Args:
        inputs: Contacts and lists.

    Returns:
        One row per list and contact: list, contact_id, account_id, name (of the account), csm, way, added_on.
    """
    about = inputs.contacts.set_index("contact_id")[["account_id", "way", "added_on"]]
    rows = inputs.listed.join(about, on="contact_id").join(inputs.accounts[["name", "csm"]], on="account_id")
    return rows[["list", "contact_id", "account_id", "name", "csm", "way", "added_on"]].reset_index(drop=True)
