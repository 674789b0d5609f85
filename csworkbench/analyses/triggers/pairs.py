"""Topics that go with a configuration: pairs more accounts have than chance explains, and who has not asked yet.

Accounts are counted, never tickets: an account that writes ten times about its problem is one account with a problem.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.triggers.events import none, of

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

COLUMNS = {
    "trigger": "str", "topic": "str", "configuration": "str", "accounts": "int64", "expected": "float64",
    "lift": "float64", "with_configuration": "int64", "share": "float64", "low": "float64", "high": "float64",
    "others": "int64", "others_share": "float64", "p": "float64", "q": "float64", "is_enriched": "bool",
    "tickets": "int64", "first_on": "datetime64[s]", "last_on": "datetime64[s]", "silent": "int64",
}  # fmt: skip
TESTED = ("topic", "configuration", "accounts", "expected", "with_configuration", "others", "others_share", "p")
SILENT = ["trigger", "topic", "configuration", "account_id", "has_written"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the tickets.

    Args:
        window_days: Tickets of so many days.
        least_accounts: Pairs of fewer accounts are not tested.
        false_share: Share of the pairs found that may be false, on average.
        level: Coverage of the intervals.
    """

    window_days: int
    least_accounts: int
    false_share: float
    level: float = 0.95


def enriched(tickets: "pd.DataFrame", until: date, asked: Asked) -> "pd.DataFrame":
    """Return the pairs of topic and configuration, and which of them more accounts have than chance explains.

    Of the accounts that wrote in the window and whose configuration is known, those with the configuration are compared
    with the others: did they write about the topic? Accounts are compared with those that wrote about as many topics,
    because who writes much has more of every pair. The p-value is exact and
    one-sided; q-values control the false discovery rate over all pairs tested.

    Args:
        tickets: account_id, topic, configuration (either may be missing) and opened_on.
        until: Last day of the window.
        asked: Window, and what counts as found.

    Returns:
        One row per pair tested, the smallest q first: topic, configuration, accounts (with the configuration that wrote
        about the topic), expected (by chance), lift, with_configuration (accounts that wrote at all), share (of those,
        about the topic), low, high, others (accounts without it), others_share, p, q, is_enriched, tickets, first_on
        and last_on (of the accounts of the pair about the topic).

    Source: Agresti (2013), Categorical Data Analysis, ch. 7.3 (exact test over strata); Benjamini and Hochberg (1995).
    """
    import pandas as pd

    from csworkbench.inference.multiplicity import benjamini_hochberg

    first = pd.Timestamp(until - timedelta(days=asked.window_days - 1))
    recent = tickets[(tickets["opened_on"] >= first) & (tickets["opened_on"] <= pd.Timestamp(until))]
    topics, configurations = (
        recent.dropna(subset=[name]).drop_duplicates(["account_id", name])[["account_id", name]]
        for name in ("topic", "configuration")
    )
    wrote, has = (
        pd.crosstab(each["account_id"], each[name]).astype(bool)
        for each, name in ((topics, "topic"), (configurations, "configuration"))
    )
    known = wrote.index.intersection(has.index)
    wrote, has = wrote.loc[known], has.loc[known]
    # Whom the problem hit may name its configuration beside another one: their number must not be held fixed.
    strata = wrote.sum(axis=1).to_numpy()
    lines = []
    for configuration in has.columns:
        for topic in wrote.columns:
            with_it, about = has[configuration].to_numpy(), wrote[topic].to_numpy()
            if (both := int((with_it & about).sum())) >= asked.least_accounts:
                p, expected = exact(with_it, about, strata)
                lines.append((topic, configuration, both, expected, int(with_it.sum()), int((~with_it).sum()),
                              float(about[~with_it].mean()) if (~with_it).any() else None, p))  # fmt: skip
    kinds = {name: COLUMNS[name] for name in TESTED}
    made = pd.DataFrame(lines, columns=list(TESTED)).astype(kinds)
    made["q"] = pd.Series(benjamini_hochberg(list(made["p"]), asked.false_share).p, dtype="float64")
    made["is_enriched"] = made["q"] <= asked.false_share
    made["lift"] = made["accounts"] / made["expected"]
    return _told(made, recent, has, asked).sort_values(
        ["q", "p", "topic", "configuration"], kind="stable", ignore_index=True
    )


def exact(with_it: "NDArray[np.bool_]", about: "NDArray[np.bool_]", strata: "NDArray[np.int64]") -> tuple[float, float]:
    """Return the chance that so many accounts or more have both, and how many do on average, by strata.

    Within a stratum the number is hypergeometric; that of all is the sum of independent ones.

    Args:
        with_it: Whether each account has the configuration.
        about: Whether it wrote about the topic.
        strata: Number of its stratum.
    """
    import numpy as np
    from scipy.stats import hypergeom

    total, mean = np.ones(1), 0.0
    for each in np.unique(strata):
        here = strata == each
        size, marked, drawn = int(here.sum()), int(with_it[here].sum()), int(about[here].sum())
        if not marked or not drawn:
            continue
        counts = np.arange(min(marked, drawn) + 1)
        total = np.convolve(total, hypergeom.pmf(counts, size, marked, drawn))
        mean += marked * drawn / size
    both = int((with_it & about).sum())
    return float(min(1.0, total[both:].sum())), mean


def _told(made: "pd.DataFrame", recent: "pd.DataFrame", has: "pd.DataFrame", asked: Asked) -> "pd.DataFrame":
    """Return the pairs with the share of the accounts that wrote, its interval, and the days of their tickets."""
    import pandas as pd

    from csworkbench.features.estimating import share_of

    lines = []
    for row in made.to_dict("records"):
        of_pair = recent[
            (recent["topic"] == row["topic"]) & recent["account_id"].isin(has.index[has[row["configuration"]]])
        ]
        members = pd.Series(0.0, index=has.index[has[row["configuration"]]])
        members.loc[of_pair["account_id"].unique()] = 1.0
        share = share_of(members, pd.Series(1.0, index=members.index), asked.level)
        days = of_pair["opened_on"]
        lines.append((share.value, share.low, share.high, len(of_pair), days.min(), days.max()))
    columns = ["share", "low", "high", "tickets", "first_on", "last_on"]
    told = pd.DataFrame(lines, columns=columns, index=made.index).astype({name: COLUMNS[name] for name in columns})
    return pd.concat([made, told], axis=1)


def silent(tickets: "pd.DataFrame", pairs: "pd.DataFrame", customers: "Collection[Hashable]") -> "pd.DataFrame":
    """Return the accounts with the configuration of a pair found that never wrote about its topic since it began.

    Args:
        tickets: All tickets known, of any age: account_id, topic, configuration, opened_on.
        pairs: From `enriched`, with trigger.
        customers: account_id of those who are customers now.

    Returns:
        One row per pair found and account: trigger, topic, configuration, account_id, has_written (about anything since
        the first ticket of the pair). The configuration of an account is the one its newest ticket names.
    """
    import pandas as pd

    named = tickets.dropna(subset=["configuration"]).sort_values("opened_on", kind="stable")
    newest = named.drop_duplicates("account_id", keep="last").set_index("account_id")["configuration"]
    parts = []
    for row in pairs[pairs["is_enriched"]].to_dict("records"):
        since = tickets[tickets["opened_on"] >= row["first_on"]]
        asked = set(since.loc[since["topic"] == row["topic"], "account_id"])
        wrote = set(since["account_id"])
        having = sorted(set(newest.index[newest == row["configuration"]]) - asked)
        here = [each for each in having if each in customers]
        told = {name: row[name] for name in ("trigger", "topic", "configuration")}
        written = [each in wrote for each in here]
        parts.append(pd.DataFrame({"account_id": here, "has_written": written}).assign(**told))
    kinds = dict.fromkeys(SILENT, "str") | {"has_written": "bool"}
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    return pd.concat(parts, ignore_index=True)[SILENT].astype(kinds)


def told_events(found: "pd.DataFrame", name: str, on: date) -> "pd.DataFrame":
    """Return the silent accounts of a trigger as its events of this week; one of several pairs once.

    Args:
        found: From `silent`.
        name: The trigger.
        on: Day of the events.
    """
    import pandas as pd

    mine = found[found["trigger"] == name].drop_duplicates("account_id")
    if mine.empty:
        return none()
    return of(mine, happened_on=pd.Timestamp(on), subject=mine["topic"] + ", " + mine["configuration"])
