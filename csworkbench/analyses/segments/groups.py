"""Accounts that behave alike: the groups the clustering finds, named by what sets them apart."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.segments.evidence import Inputs
from csworkbench.analyses.segments.settings import Config
from csworkbench.formats import label
from csworkbench.remembering import once

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.inference.clusters import Clustering

STRONG = 0.5  # standard deviations from the mean of all accounts that make a trait
TRAITS = 2  # traits in a name
LEAST_ACCOUNTS = 30


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """What the clustering says.

    Args:
        of_account: Name of the group of each account by account_id; missing: not clustered, or no stable groups.
        table: One row per group, the largest first: cluster, accounts, share, and per measure the mean in standard
            deviations from that of all accounts.
        stability: One row per number of groups, see `inference.clusters.Clustering`.
        left_out: Accounts with a missing measure, which are in no group.
        clustered: Accounts the groups were looked for in.
        unused: Measures that nobody or too few have, or that are the same for everybody.
        is_found: Whether there are stable groups; None: not looked for.
    """

    of_account: "pd.Series[str]"
    table: "pd.DataFrame"
    stability: "pd.DataFrame"
    left_out: int
    clustered: int
    unused: tuple[str, ...]
    is_found: bool | None


def find_groups(inputs: Inputs, config: Config) -> Groups:
    """Return the stable groups of accounts that behave alike, if there are any.

    Measures that more than half of the accounts lack are not used; accounts that lack one of the others are left out,
    and so are those that have left, whose rows are all alike.

    Args:
        inputs: Measures of the accounts.
        config: Measures to cluster on, most groups and seed.
    """
    asked = ("groups", config.cluster_on, config.most_groups, config.seed)
    return once(inputs, asked, lambda: _found(inputs, config))


def _found(inputs: Inputs, config: Config) -> Groups:
    import numpy as np

    from csworkbench.inference.clusters import cluster

    customers = inputs.accounts[[name for name in config.cluster_on if name in inputs.accounts]]
    customers = customers.astype(float)[~inputs.accounts["is_gone"]]
    used = [
        name
        for name in customers
        if customers[name].notna().mean() > 0.5 and customers[name].max() > customers[name].min()
    ]
    rows = customers[used].dropna() if used else customers.iloc[:0]
    unused = tuple(name for name in config.cluster_on if name not in used)
    if len(rows) < LEAST_ACCOUNTS or not used:
        nothing = cluster(np.empty((0, 0)))
        return _groups(inputs, rows.iloc[:0], nothing, (len(customers), unused), is_found=None)
    found = cluster(rows.to_numpy(float), most_groups=config.most_groups, seed=config.seed)
    return _groups(inputs, rows, found, (len(customers) - len(rows), unused), is_found=found.labels is not None)


def _groups(
    inputs: Inputs,
    rows: "pd.DataFrame",
    found: "Clustering",
    outside: tuple[int, tuple[str, ...]],
    *,
    is_found: bool | None,
) -> Groups:
    import pandas as pd

    names = list(rows.columns)
    of_account = pd.Series(None, index=inputs.accounts.index, dtype="object")
    table = pd.DataFrame({name: [] for name in ("cluster", "accounts", "share", *names)})
    if found.labels is not None:
        scores = pd.DataFrame(found.scores, index=rows.index, columns=names)
        means = scores.groupby(found.labels).mean()
        called = _names(means)
        sizes = pd.Series(found.labels).value_counts().sort_index()
        table = means.assign(cluster=called, accounts=sizes, share=sizes / len(rows)).reset_index(drop=True)
        table = table[["cluster", "accounts", "share", *names]]
        of_account.loc[rows.index] = [called[group] for group in found.labels]
    return Groups(of_account, table, found.stability, outside[0], len(rows), outside[1], is_found)


def _names(means: "pd.DataFrame") -> list[str]:
    """Return a name for each group: its strongest traits, and its number where two have the same."""
    called = []
    for _, row in means.iterrows():
        strongest = row.abs().sort_values(ascending=False, kind="stable").index[:TRAITS]
        traits = [
            f"{'high' if row[trait] > 0 else 'low'} {_word(str(trait))}"
            for trait in strongest
            if abs(row[trait]) >= STRONG
        ]
        called.append(", ".join(traits) or "about average")
    return [
        name if called.count(name) == 1 else f"{name} ({called[: place + 1].count(name)})"
        for place, name in enumerate(called)
    ]


def _word(name: str) -> str:
    words = label(name)
    return words if words[:2].isupper() else words[:1].lower() + words[1:]
