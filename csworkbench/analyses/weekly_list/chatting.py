"""What chats could stand for: how many calls the free time of each CSM is worth when it goes into chats instead."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.weekly_list.evidence import Inputs
from csworkbench.analyses.weekly_list.routes import HUMAN
from csworkbench.analyses.weekly_list.settings import Config

if TYPE_CHECKING:
    import pandas as pd

MEASURED, DECLARED = "measured", "declared"
LEAST_TOUCHES = 20
"""Touches by people on a channel below which its answer rate is not told from them."""


def answer_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return how often a person answers on each channel people use, as measured where touches say so, else as declared.

    Args:
        inputs: Rates as touch_matrix measured them.
        config: Channels, with the rates they are declared with.

    Returns:
        One row per channel: channel, at_once, minutes, rate (the one that counts here), low_rate, high_rate (missing:
        declared), source (measured, declared), touches, accounts (by people on the channel), declared_rate (what the
        plan counts with).
    """
    import pandas as pd

    rates: dict[Any, Any] = inputs.rates.set_index("channel").to_dict("index")
    lines = []
    for name, each in config.channels.items():
        if each.is_automated:
            continue
        found = rates.get(name, {"by_hand": 0, "accounts": 0})
        is_told = found["by_hand"] >= LEAST_TOUCHES and not pd.isna(found["low"])
        told = (
            (found["answered"], found["low"], found["high"], MEASURED)
            if is_told
            else (each.reach, None, None, DECLARED)
        )
        counts = (found["by_hand"], found["accounts"], each.reach)
        lines.append((name, each.at_once, each.minutes, *told, *counts))
    columns = ["channel", "at_once", "minutes", "rate", "low_rate", "high_rate", "source", "touches", "accounts",
               "declared_rate"]  # fmt: skip
    kinds = {"channel": "str", "source": "str", "low_rate": "float64", "high_rate": "float64"}
    return pd.DataFrame(lines, columns=columns).astype(kinds)


def chat_table(config: Config, tables: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    """Return what the free time of each CSM is worth in calls, by telephone and in chats that stand in for it.

    Args:
        config: Channels of which one person handles several contacts at once, and what they stand in for.
        tables: capacity, list and answers.

    Returns:
        One row per CSM whose time is known and channel that stands in for another: csm_id, csm, channel, instead_of,
        free (minutes), calls (that fit into them), chats (that fit), call_equivalents (calls that reach as many people
        as those chats: chats x rate / rate of the other channel), low, high (from the ends of both intervals; missing
        where a rate is declared), rates (where they are from), listed (chats of this week), listed_equivalents.
    """
    import pandas as pd

    rates, rows, lines = tables["answers"].set_index("channel"), tables["list"], []
    known = tables["capacity"].dropna(subset="free")
    pairs = [
        (name, other)
        for name, each in config.channels.items()
        for other in each.instead_of[:1]
        if each.at_once > 1 and {name, other} <= set(rates.index) and each.minutes and config.channels[other].minutes
    ]
    listed = rows[rows["mode"] == HUMAN].groupby(["csm_id", "channel"]).size()
    for name, other in pairs:
        chat, call = rates.loc[name], rates.loc[other]
        worth, low, high = (
            chat["rate"] / call["rate"],
            chat["low_rate"] / call["high_rate"],
            chat["high_rate"] / call["low_rate"],
        )
        for row in known.to_dict("records"):
            calls = row["free"] * call["at_once"] / call["minutes"]
            chats = row["free"] * chat["at_once"] / chat["minutes"]
            count = int(listed.get((row["csm_id"], name), 0))
            said = f"{name} {chat['source']}, {other} {call['source']}"
            told = (chats * worth, chats * low, chats * high, said, count, count * worth)
            lines.append((row["csm_id"], row["name"], name, other, row["free"], calls, chats, *told))
    columns = ["csm_id", "csm", "channel", "instead_of", "free", "calls", "chats", "call_equivalents", "low", "high",
               "rates", "listed", "listed_equivalents"]  # fmt: skip
    texts = dict.fromkeys(["csm_id", "csm", "channel", "instead_of", "rates"], "str")
    return pd.DataFrame(lines, columns=columns).astype(texts)
