"""What came of each content: delivered, opened, clicked, answered, and what it asked people to do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from csworkbench.analyses.contents.checking import NOT_IN_LIBRARY
from csworkbench.analyses.contents.comparing import CANNOT_TELL, LESS, MORE, compare, in_words
from csworkbench.analyses.contents.evidence import Inputs
from csworkbench.analyses.contents.settings import Config

if TYPE_CHECKING:
    import pandas as pd

# Outcome -> its hits, what it is out of, and the event that shows whether its channel records it at all.
ASKED = {
    "delivered": ("delivered", "sent", "delivered"),
    "opened": ("opened_human", "delivered", "open"),
    "clicked": ("clicked_human", "delivered", "click"),
    "replied": ("replied", "delivered", "reply"),
}
ABOUT = ["content_id", "title", "channel"]


def rate_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return how often each content was delivered, opened, clicked and answered, channel by channel.

    Opens and clicks are those known to be a person's; where a channel never records an outcome, nothing is said of it.

    Args:
        inputs: Sums of what was sent.
        config: Least accounts, level.

    Returns:
        One row per outcome, channel and content: content_id, title, channel, outcome, and `comparing.COMPARED` without
        group and item. Contents are compared with others of the same channel.
    """
    import pandas as pd

    parts = []
    for outcome, (hits, trials, event) in ASKED.items():
        is_told = inputs.sends["channel"].map(lambda channel, event=event: event in inputs.measured.get(channel, ()))
        rows = inputs.sends[is_told.astype(bool) & (inputs.sends[trials] > 0)]
        parts.append(
            rows[["channel", "content_id", "account_id"]]
            .set_axis(["group", "item", "account_id"], axis=1)
            .assign(outcome=outcome, hits=rows[hits], trials=rows[trials])
        )
    table = compare(pd.concat(parts), config.least_accounts, config.level)
    made = table.rename(columns={"group": "channel", "item": "content_id"})
    made.insert(0, "title", made["content_id"].map(titles(inputs)))
    columns = [*ABOUT, "outcome"]
    return made[[*columns, *(name for name in made.columns if name not in columns)]]


def titles(inputs: Inputs) -> Mapping[str, str]:
    """Return the title of every content of the library or the window; its id where nobody says it.

    Args:
        inputs: The library, and what was sent.
    """
    named = dict.fromkeys(inputs.sends["content_id"], NOT_IN_LIBRARY)
    return named | dict(
        zip(inputs.library["content_id"], inputs.library["title"].fillna(inputs.library["content_id"]), strict=True)
    )


def outcome_table(inputs: Inputs, rates: "pd.DataFrame") -> "pd.DataFrame":
    """Return one line per content that was sent and channel, in the order of the library: it is no ranking.

    Args:
        inputs: The library, and sums of what was sent.
        rates: From `rate_table`.

    Returns:
        One row per content and channel: content_id, title, group_path, channel, sent, accounts, delivered, opened,
        clicked, replied (each a share with its interval in words, missing where the channel does not record it),
        machine_share (of the delivered ones opened by machines alone), unknown_share (opened by nobody knows whom),
        against_others (what the comparison of clicks says).
    """
    sums = inputs.sends.groupby(["content_id", "channel"]).agg(
        sent=("sent", "sum"), accounts=("account_id", "nunique"), came=("delivered", "sum"),
        machine=("opened_machine", "sum"), unknown=("opened_unknown", "sum"),
    ).reset_index()  # fmt: skip
    about = inputs.library.set_index("content_id")[["group_path", "sort"]]
    table = sums.join(about, on="content_id").sort_values(
        ["group_path", "sort", "content_id", "channel"], na_position="last", ignore_index=True
    )
    pairs = list(zip(table["content_id"], table["channel"], strict=True))
    for outcome in ASKED:
        told = {
            (row["content_id"], row["channel"]): in_words(row, inputs.language)
            for row in rates[rates["outcome"] == outcome].to_dict("records")
        }
        table[outcome] = [told.get(pair) for pair in pairs]
    verdict = rates[rates["outcome"] == "clicked"].set_index(["content_id", "channel"])["says"].to_dict()
    came = table["came"].where(table["came"] > 0)
    named = table.assign(
        title=table["content_id"].map(titles(inputs)),
        sent=table["sent"].astype(int),
        machine_share=table["machine"] / came,
        unknown_share=table["unknown"] / came,
        against_others=[verdict.get(pair, CANNOT_TELL) for pair in pairs],
    )
    shares = ["machine_share", "unknown_share", "against_others"]
    return named[["content_id", "title", "group_path", "channel", "sent", "accounts", *ASKED, *shares]]


def standing_out(rates: "pd.DataFrame") -> "pd.DataFrame":
    """Return the contents that were opened, clicked or answered more or less than the others of their channel.

    Args:
        rates: From `rate_table`.

    Returns:
        Rows of it whose difference is more than chance, by outcome, clicks first, and the order of ids.
    """
    import pandas as pd

    found = rates[rates["says"].isin([MORE, LESS]) & (rates["outcome"] != "delivered")]
    order = pd.Categorical(found["outcome"], ["clicked", "replied", "opened"])
    return found.assign(order=order).sort_values(["order", "channel", "content_id"], ignore_index=True).drop(
        columns="order"
    )  # fmt: skip


def action_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return how many accounts did what a content asks for, before it was sent and after.

    Args:
        inputs: Use of the promoted features.
        config: Features, days, level.

    Returns:
        One row per content of `promotes`: content_id, title, feature, accounts, before_share, after_share, low_share,
        high_share (of after), change, change_low, change_high (after less before, of the same accounts). It is no
        effect: who was about to use it may have been sent it for that.
    """
    import pandas as pd

    from csworkbench.features.estimating import ratio_of, share_of

    lines = []
    for content, feature in config.promotes.items():
        mine = inputs.actions[inputs.actions["content_id"] == content].set_index("account_id")
        ones = pd.Series(1.0, index=mine.index)
        before, after = (mine[name].astype(float) for name in ("before", "after"))
        was, became = (share_of(each, ones, config.level) for each in (before, after))
        change = ratio_of(after - before, ones, config.level)
        lines.append(
            (
                content, titles(inputs).get(content, content), feature, len(mine), was.value, became.value, became.low,
                became.high, change.value, change.low, change.high,
            )
        )  # fmt: skip
    columns = [
        "content_id", "title", "feature", "accounts", "before_share", "after_share", "low_share", "high_share",
        "change", "change_low", "change_high",
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=columns)
