"""The result of the segments analysis: one cell for every account, who is stuck, who moved, who behaves alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from csworkbench.analyses.segments.doubts import doubts
from csworkbench.analyses.segments.evidence import Inputs
from csworkbench.analyses.segments.groups import Groups, find_groups
from csworkbench.analyses.segments.listing import LEFT_OUT, LISTED, decided, size_table
from csworkbench.analyses.segments.ruling import of_places
from csworkbench.analyses.segments.settings import Config
from csworkbench.analyses.segments.staging import (
    account_table,
    cell_table,
    history_table,
    long_stays,
    stage_table,
    stays,
    stuck_table,
    transition_table,
    week_table,
)
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Message, say, worst_first
from csworkbench.features.listed import NOT_KNOWN, time_in_stage
from csworkbench.formats import Readable
from csworkbench.remembering import Later, once

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """Where every account is.

    Tables, key columns first; shares are 0 to 1, `low` and `high` the interval of the column before them:

    * accounts, account: see `staging.account_table`, and cluster (name of its group; missing: in none)
    * week_start, account when the week began: see `staging.week_table`
    * cells, tier and stage: see `staging.cell_table`; each account is in exactly one
    * stages, stage: see `staging.stage_table`
    * stuck, account longer in its stage than is usual: see `staging.stuck_table`
    * transitions, stage then and stage now: see `staging.transition_table`
    * moves, account in another cell than at the earlier date: account_id, name, csm, tier_before, stage_before, tier,
      stage
    * history, every fourth week and stage: date, stage, accounts
    * behaviour, segment by rules or group found by the clustering: segment, made_by (rules, clustering), accounts,
      share (of all accounts; of those that were clustered)
    * clusters, group: cluster, accounts, share, and per measure its mean in standard deviations
    * stability, number of groups: see `inference.clusters.Clustering`
    * curves, the same in rows to draw: groups, line, index (0 to 1)
    * lists, list and contact who may be contacted: listing.LISTED; lists_left_out, those who fit and may not be:
      listing.LEFT_OUT; list_sizes, list: see `listing.size_table`

    Args:
        headline: Verdict in one sentence.
        figures: accounts, stuck, moved (share of the accounts there at both dates that are in another cell), groups (0
            = no stable ones), as far as they can be told, and stuck_share.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return the cell, the stage history and the group of every account.

    Args:
        inputs: Stages week by week and measures, from `prepare`.
        config: Settings.

    Raises:
        AnalysisError: no account is known on the date.
    """
    if inputs.accounts.empty:
        raise AnalysisError(f"no account is known on {inputs.as_of}; choose a later date")
    groups = find_groups(inputs, config)
    inputs = _ruled(inputs, config)
    tables = _tables(inputs, config, groups)
    caveats = doubts(inputs, config, groups, tables)
    figures = _figures(config, groups, tables)
    return Result(
        headline=_headline(tables, figures, config),
        figures=figures,
        tables=tables,
        caveats=worst_first(caveats),
        actions=tuple(_actions(tables)) or (say("Nothing to do: nobody is longer in a stage than is usual."),),
    )


def _ruled(inputs: Inputs, config: Config) -> Inputs:
    """Return the inputs as the rules of `config` make them: the same ones where they are those of `prepare`."""
    asked = inputs.asked
    if asked is None:
        return inputs
    places, kinds = repr(of_places(config)), repr(config.behaviour)

    def dated() -> "tuple[pd.DataFrame, ...]":
        return tuple(asked.places(config, name, getattr(inputs, name)) for name in ("weeks", "began"))

    def made() -> Inputs:
        weeks, began = once(inputs, ("places", places), dated, most=2)
        return replace(inputs, weeks=weeks, began=began, accounts=asked.behaviour(config, inputs.accounts))

    return once(inputs, ("rules", places, kinds), made, most=2)


def _tables(inputs: Inputs, config: Config, groups: Groups) -> "Later[pd.DataFrame]":
    seen = once(inputs, "stays", lambda: stays(inputs))
    stages = stage_table(inputs, config, seen)
    over = long_stays(stages, seen)
    accounts = account_table(inputs, config, seen, over)
    accounts = accounts.assign(cluster=groups.of_account.reindex(accounts["account_id"]).to_numpy())
    asked = ("lists", repr(config.contact_lists))
    lists = once(inputs.lists, asked, lambda: decided(inputs.lists, config.contact_lists))
    return Later(
        {
            "accounts": accounts,
            "week_start": lambda: week_table(inputs, config),
            "cells": lambda: cell_table(accounts, config),
            "stages": stages,
            "stuck": stuck_table(inputs, over),
            "transitions": lambda: transition_table(accounts, config),
            "moves": _moves(accounts),
            "history": lambda: history_table(inputs, config),
            "behaviour": lambda: _behaviour(accounts, config, groups),
            "clusters": groups.table,
            "stability": groups.stability,
            "curves": lambda: _curves(groups.stability),
            "lists": lambda: lists.loc[lists["is_listed"], LISTED].reset_index(drop=True),
            "lists_left_out": lambda: lists.loc[~lists["is_listed"], LEFT_OUT].reset_index(drop=True),
            "list_sizes": size_table(lists, config),
        }
    )


def _moves(accounts: "pd.DataFrame") -> "pd.DataFrame":
    is_there = accounts["stage_before"].notna()
    other = (accounts["stage"] != accounts["stage_before"]) | (accounts["tier"] != accounts["tier_before"])
    columns = ["account_id", "name", "csm", "tier_before", "stage_before", "tier", "stage"]
    return accounts.loc[is_there & other, columns].reset_index(drop=True)


def _behaviour(accounts: "pd.DataFrame", config: Config, groups: Groups) -> "pd.DataFrame":
    import pandas as pd

    counts = accounts["behaviour"].value_counts()
    named = [rule.segment for rule in config.behaviour]
    every = [*named, *sorted(set(counts.index) - set(named))]
    sizes = [int(counts.get(name, 0)) for name in every]
    by_rule = pd.DataFrame({"segment": every, "made_by": "rules", "accounts": sizes})
    by_rule = by_rule.assign(share=by_rule["accounts"] / len(accounts))
    found = groups.table.rename(columns={"cluster": "segment"}).assign(made_by="clustering")[by_rule.columns]
    return pd.concat([by_rule, found], ignore_index=True) if len(found) else by_rule


def _curves(stability: "pd.DataFrame") -> "pd.DataFrame":
    lines = {"stability": "these accounts", "one_cloud": "one cloud", "one_cloud_high": "highest of one cloud"}
    long = stability.melt(id_vars="groups", value_vars=list(lines), var_name="line", value_name="index")
    return long.assign(line=long["line"].map(lines), index=long["index"].clip(0, 1))


def _figures(config: Config, groups: Groups, tables: "Mapping[str, pd.DataFrame]") -> dict[str, Estimate]:
    import pandas as pd

    from csworkbench.features.estimating import share_of

    accounts = tables["accounts"]
    n = len(accounts)
    there = accounts[accounts["stage_before"].notna()]
    moved = there["account_id"].isin(tables["moves"]["account_id"]).astype(float)
    figures = {
        "accounts": Estimate(n, "accounts", n),
        "stuck": Estimate(len(tables["stuck"]), "accounts", n),
        "moved": share_of(moved, pd.Series(1.0, index=moved.index), config.level),
    }
    if groups.is_found is not None:
        figures["stable_groups"] = Estimate(len(tables["clusters"]), "groups", groups.clustered)
    return figures


def _headline(tables: "Mapping[str, pd.DataFrame]", figures: Mapping[str, Estimate], config: Config) -> Message:
    stages = tables["stages"]
    largest = stages.sort_values("accounts", ascending=False, kind="stable").iloc[0]
    if largest["stage"] == NOT_KNOWN:
        return say(
            "The stage of {n:n account|accounts} of {total:count} is not known; {stuck:n account is|accounts are} "
            "longer in a stage than is usual",
            n=int(largest["accounts"]),
            total=len(tables["accounts"]),
            stuck=len(tables["stuck"]),
        )
    return say(
        "{share:share} of {n:n account|accounts} are in {stage:word}; {stuck:n account is|accounts are} longer in a "
        "stage than is usual, and {moved:share} changed tier or stage in {weeks:n week|weeks}",
        share=float(largest["share"]),
        n=len(tables["accounts"]),
        stage=str(largest["stage"]),
        stuck=len(tables["stuck"]),
        moved=figures["moved"].value,
        weeks=config.compare_weeks,
    )


def _actions(tables: "Mapping[str, pd.DataFrame]") -> Iterator[Message]:
    stuck = tables["stuck"]
    if len(stuck):
        first = stuck.iloc[0]
        yield say(
            "Ask what holds up {n:n account|accounts} that are longer in a stage than is usual, first {name}: "
            "{time} in {stage:word}",
            n=len(stuck),
            name=str(first["name"]),
            time=time_in_stage(first["days_in_stage"], is_at_least=bool(first["is_at_least"])),
            stage=str(first["stage"]),
        )
    stages = tables["stages"]
    open_ones = stages[~stages["is_confirmed"] & stages["usual_days"].notna()]
    if len(open_ones):
        yield say("Confirm the usual time of {stages:words} in the settings", stages=list(open_ones["stage"]))
    waiting = tables["list_sizes"]
    for row in waiting[waiting["contacts"] > 0].to_dict("records"):
        yield say(
            "Go through the list {name}: {n:n contact|contacts} at {accounts:n account|accounts}",
            name=str(row["list"]),
            n=int(row["contacts"]),
            accounts=int(row["accounts"]),
        )
