"""The result of the touch matrix: how every cell stands, which channels reach whom, and the six figures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.touch_matrix.asking import proposal_table
from csworkbench.analyses.touch_matrix.channels import channel_table, reach_table, route_table
from csworkbench.analyses.touch_matrix.doubts import doubts
from csworkbench.analyses.touch_matrix.evidence import Inputs
from csworkbench.analyses.touch_matrix.kpis import figures_of, kpi_table, load_table
from csworkbench.analyses.touch_matrix.lists import (
    automation_table,
    initiator_table,
    mode_table,
    overlap_table,
    warm_table,
)
from csworkbench.analyses.touch_matrix.loading import csm_load_table
from csworkbench.analyses.touch_matrix.reaching import catalog_table, family_table, mail_table
from csworkbench.analyses.touch_matrix.receiving import received_table
from csworkbench.analyses.touch_matrix.resending import LEFT_OUT, LISTED, decided
from csworkbench.analyses.touch_matrix.settings import Config
from csworkbench.analyses.touch_matrix.standing import (
    DONE,
    DUE,
    OVERDUE,
    action_table,
    coverage_table,
    standing,
    undefined_cells,
)
from csworkbench.analyses.touch_matrix.trends import board, change_table, trend_table
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Message, say, worst_first
from csworkbench.formats import Readable, text

if TYPE_CHECKING:
    import pandas as pd

NEXT = ["account_id", "name", "csm", "tier", "stage", "by", "does", "state", "deadline", "last_on", "action"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """How the matrix stands.

    Tables, key columns first; shares are 0 to 1, `low` and `high` the interval of the column before them:

    * coverage, tier, stage and by whom: see `standing.coverage_table`
    * overdue_cells, tier and by whom (cell) and stage: cell, tier, by, stage, overdue (missing: nobody needs anything)
    * actions, action: see `standing.action_table`
    * next_actions, action and account that is due or overdue, the most overdue first: NEXT
    * proposals, action and account due this week, as docs/methods/proposals.md has them
    * automation, family, rule and channel: see `lists.automation_table`
    * resend, important message that may go out again this week: resending.LISTED; resend_left_out, those that may not:
      resending.LEFT_OUT; resend_reasons, the same by reason: reason, messages
    * received, touch of the last days and contact: see `receiving.received_table`
    * initiators: see `lists.initiator_table`; overlaps: see `lists.overlap_table`; overlap_contacts: the contacts
      behind it; modes: see `lists.mode_table`; warm_ups: see `lists.warm_table`
    * reach, tier and step of its route: see `channels.reach_table`
    * steps, the same as points to draw: label, share, low, high
    * channels, tier and channel, and channel_cells, the same by industry too: see `channels.channel_table`
    * catalog, channel: see `reaching.catalog_table`
    * families, family of touches: see `reaching.family_table`
    * mail_reach, tier: see `reaching.mail_table`
    * routes, account: see `channels.route_table`
    * kpis, dimension, value and KPI: see `kpis.kpi_table`; kpi_board, the same of the book and the tiers side by side,
      with the change: see `trends.board`; kpi_trend, KPI and quarter: see `trends.trend_table`; kpi_changes, KPI: see
      `trends.change_table`
    * loads, person: see `kpis.load_table`; csm_load, CSM: see `loading.csm_load_table`

    Args:
        headline: Verdict in one sentence.
        figures: coverage (done of what was due), overdue, undefined (accounts for whom neither does anything),
            without_route, resend, automation_hours (a month,
            of the first candidate), and the six figures of the book: onboarding_days, active_ratio, nps, retention,
            expansion, accounts_per_csm; as far as they can be told.
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
    """Return what is done, due, overdue and undefined, the reach of the routes, and the six figures.

    Args:
        inputs: Accounts, needs and touches, from `prepare`.
        config: Settings.

    Raises:
        AnalysisError: no account is known on the date.
    """
    if inputs.accounts.empty:
        raise AnalysisError(f"no account is known on {inputs.as_of}; choose a later date")
    stands = standing(inputs, config)
    tables = _tables(inputs, config, stands)
    figures = _figures(inputs, config, stands, tables)
    caveats = doubts(inputs, config, tables)
    return Result(
        headline=_headline(figures, tables),
        figures=figures,
        tables=tables,
        caveats=worst_first(caveats),
        actions=tuple(_actions(tables)) or (say("Nothing to do: everything that was due is done."),),
    )


def _tables(inputs: Inputs, config: Config, stands: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
    reach, again = reach_table(inputs, config), decided(inputs.again, inputs.accounts)
    kpis, changes = kpi_table(inputs, config), change_table(inputs, config)
    left_out = again.loc[~again["is_listed"], LEFT_OUT].reset_index(drop=True)
    return {
        "coverage": coverage_table(inputs, config, stands),
        "overdue_cells": _overdue(inputs, config, stands),
        "actions": action_table(config, stands),
        "next_actions": _next(stands),
        "proposals": proposal_table(standing(inputs.began, config), inputs.again.week, config),
        "automation": automation_table(inputs, config),
        "resend": again.loc[again["is_listed"], LISTED].reset_index(drop=True),
        "resend_left_out": left_out,
        "resend_reasons": left_out["reason"].value_counts().rename_axis("reason").reset_index(name="messages"),
        "received": received_table(inputs, config, again),
        "initiators": initiator_table(inputs, config),
        "overlaps": overlap_table(inputs),
        "overlap_contacts": inputs.overlaps,
        "modes": mode_table(inputs),
        "warm_ups": warm_table(inputs, config),
        "reach": reach,
        "steps": _steps(reach),
        "channels": channel_table(inputs, config),
        "channel_cells": channel_table(inputs, config, ("industry", "tier")),
        "catalog": catalog_table(inputs, config),
        "families": family_table(inputs, config),
        "mail_reach": mail_table(inputs, config),
        "routes": route_table(inputs, config),
        "kpis": kpis,
        "kpi_board": board(kpis, changes),
        "kpi_trend": trend_table(inputs, config),
        "kpi_changes": changes,
        "loads": load_table(inputs),
        "csm_load": csm_load_table(inputs, config),
    }


def _overdue(inputs: Inputs, config: Config, stands: "pd.DataFrame") -> "pd.DataFrame":
    """Return overdue actions by tier and whose they are, and stage; missing where nothing is defined."""
    import pandas as pd

    counts = (
        stands.assign(late=stands["state"].eq(OVERDUE).astype(float)).groupby(["tier", "by", "stage"])["late"].sum()
    )
    tiers = sorted(inputs.accounts["tier"].unique())
    stages = [stage for stage in inputs.stages if stage not in config.quiet_stages]
    every = pd.MultiIndex.from_product([tiers, ["system", "csm"], stages], names=["tier", "by", "stage"])
    table = counts.reindex(every).rename("overdue").reset_index()
    cells = [
        text(say("{tier:word}, {by:word}", tier=tier, by=by))
        for tier, by in zip(table["tier"], table["by"], strict=True)
    ]
    table.insert(0, "cell", cells)
    return table


def _next(stands: "pd.DataFrame") -> "pd.DataFrame":
    open_ones = stands[stands["state"].isin([DUE, OVERDUE])]
    return open_ones.sort_values(["deadline", "account_id", "action"], ignore_index=True)[NEXT]


def _steps(reach: "pd.DataFrame") -> "pd.DataFrame":
    label = [
        text(say("{tier:word} {step}: {channel:word}", tier=row["tier"], step=str(row["step"]), channel=row["channel"]))
        for row in reach.to_dict("records")
    ]
    points = reach.assign(label=label)[["label", "together", "together_low", "together_high"]]
    return points.set_axis(["label", "share", "low", "high"], axis=1)


def _figures(
    inputs: Inputs, config: Config, stands: "pd.DataFrame", tables: "Mapping[str, pd.DataFrame]"
) -> dict[str, Estimate]:
    from csworkbench.features.estimating import share_of_rows

    asked = stands[stands["state"].isin([DONE, OVERDUE])]
    routes, n = tables["routes"], len(inputs.accounts)
    overdue = int((stands["state"] == OVERDUE).sum())
    figures = {
        "coverage": share_of_rows(asked["state"] == DONE, asked["account_id"], config.level),
        "overdue": Estimate(overdue, "actions", len(stands)),
        "undefined": Estimate(int(undefined_cells(tables["coverage"]).sum()), "accounts", n),
        "without_route": Estimate(int((~routes["has_route"]).sum()), "accounts", len(routes)),
        "resend": Estimate(len(tables["resend"]), "messages", len(inputs.again.messages)),
    }
    if len(tables["automation"]):
        first = tables["automation"].iloc[0]
        figures["automation_hours"] = Estimate(float(first["hours_month"]), "hours", int(first["accounts"]))
    return figures | dict(figures_of(tables["kpis"], config.level))


def _headline(figures: Mapping[str, Estimate], tables: "Mapping[str, pd.DataFrame]") -> Message:
    overdue = tables["next_actions"]
    late = overdue[overdue["state"] == OVERDUE]
    if figures["coverage"].value is None:
        return say("Nothing of the matrix was due yet; {n:n action is|actions are} ahead", n=len(overdue))
    return say(
        "{share:share} of what the matrix asks for is done; {n:n action is|actions are} overdue at {accounts:n "
        "account|accounts}, {by_system:count} of them the system's",
        share=figures["coverage"].value,
        n=len(late),
        accounts=late["account_id"].nunique(),
        by_system=int((late["by"] == "system").sum()),
    )


def _actions(tables: "Mapping[str, pd.DataFrame]") -> Iterator[Message]:
    actions = tables["actions"].sort_values("overdue", ascending=False, kind="stable")
    if len(actions) and actions["overdue"].iloc[0]:
        worst = actions.iloc[0]
        yield say(
            "Begin with '{does}' in {stage:word}: {n:n account waits|accounts wait} longer than the matrix says",
            does=str(worst["does"]),
            stage=str(worst["stage"]),
            n=int(worst["overdue"]),
        )
    if len(tables["automation"]):
        first = tables["automation"].iloc[0]
        yield say(
            "Make one message of what CSMs do by {channel:word} ({family:word}, {rule:word}): {repeats:n time|times} "
            "at {accounts:n account|accounts}, {hours:n hour|hours} a month",
            channel=str(first["channel"]),
            family=str(first["family"]),
            rule=str(first["rule"]),
            repeats=int(first["repeats"]),
            accounts=int(first["accounts"]),
            hours=round(float(first["hours_month"])),
        )
    if len(tables["resend"]):
        yield say(
            "Send {n:n important message|important messages} again that nobody reacted to", n=len(tables["resend"])
        )
    if len(tables["overlaps"]):
        pair = tables["overlaps"].iloc[0]
        yield say(
            "Agree who leads: {n:n contact was|contacts were} touched by two initiators within days, most often by "
            "{second:word} after {first:word}",
            n=tables["overlap_contacts"]["contact_id"].nunique(),
            first=str(pair["first"]),
            second=str(pair["second"]),
        )
    lost = int((~tables["routes"]["has_route"]).sum())
    if lost:
        yield say("Declare a route for {n:n account|accounts} without one, and tell them", n=lost)
