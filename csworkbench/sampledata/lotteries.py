"""The start orders that plans of the sample book were drawn by, as the workbench records released ones."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from csworkbench.sampledata.picking import WAVES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_COLUMNS = [
    "lottery", "account_id", "playbook", "playbook_version", "stratum", "start_order", "starts_now", "eligible_on"
]  # fmt: skip


def lottery_records(frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return the files of records/lotteries of a book: name -> text, one per lottery, in the drawn order.

    A plan in the book says when its account became eligible; the draw was made on the first such day, before the first
    start. Who does not start now comes in a later wave.

    Args:
        frames: `plans` and `accounts` of the book.
    """
    import pandas as pd

    tiers = frames["accounts"].set_index("account_id")["value_tier"]
    records = {}
    for name, plans in frames["plans"].dropna(subset="lottery").groupby("lottery", sort=True):
        order = pd.to_numeric(plans["start_order"]).astype("int64")
        rows = pd.DataFrame(
            {
                "lottery": name,
                "account_id": plans["account_id"],
                "playbook": plans["playbook"],
                "playbook_version": pd.to_numeric(plans["playbook_version"]).astype("int64"),
                "stratum": plans["account_id"].map(tiers),
                "start_order": order,
                "starts_now": ((order - 1) * WAVES // len(plans) == 0).map({True: "true", False: "false"}),
                "eligible_on": pd.to_datetime(plans["eligible_at"]).min().strftime("%Y-%m-%d"),
            }
        )
        text = rows[_COLUMNS].sort_values("start_order").to_csv(index=False, lineterminator="\n")
        records[f"{name}-{sha256(text.encode()).hexdigest()[:12]}.csv"] = text
    return records
