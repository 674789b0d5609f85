"""Who looks after each account, by the newest assignment."""

from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot
from csworkbench.features.dated import with_columns

if TYPE_CHECKING:
    import pandas as pd


def owners(snapshot: Snapshot) -> "pd.Series[str]":
    """Return the csm_id of each account that has a CSM, by account_id; nothing without assignments.

    Args:
        snapshot: The book as of a date.
    """
    import pandas as pd

    rows = snapshot.tables.get("assignments")
    if rows is None:
        return pd.Series(dtype="str")
    held = rows.filter(rows.role == "csm").select("account_id", "csm_id", "valid_from").to_pandas()
    newest = held.sort_values(["valid_from", "csm_id"]).drop_duplicates("account_id", keep="last")
    found: pd.Series[str] = newest.set_index("account_id")["csm_id"].astype("str")
    return found


def owner_names(snapshot: Snapshot) -> "pd.Series[str]":
    """Return the name of the CSM of each account that has one, by account_id; the id where nobody says the name.

    Args:
        snapshot: The book as of a date.
    """
    found = owners(snapshot)
    if "csms" not in snapshot.tables:
        return found
    csms = with_columns(snapshot.tables["csms"], name="string").to_pandas().set_index("csm_id")["name"]
    names = csms.dropna().to_dict()
    return found.map(lambda each: names.get(each, each))
