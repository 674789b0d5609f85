"""The routes a proposal could take: on which channel and through whom, as far as nothing speaks against it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.weekly_list.evidence import Inputs
from csworkbench.analyses.weekly_list.settings import Config
from csworkbench.estimates import say
from csworkbench.formats import text
from csworkbench.policy import FALLBACKS, decide, drawn
from csworkbench.remembering import once

if TYPE_CHECKING:
    import pandas as pd

HUMAN = "human"
LANGUAGE = "nobody in charge speaks the language"
EXPIRED = "expired before the week"
NOBODY = "nobody looks after the account"
NO_LIMIT = 10**9
ROUTED = ["account_id", "contact_id", "csm_id", "mode", "channel", "fallbacks"]
AGAINST = [
    "proposal_id", "account_id", "contact_id", "csm_id", "mode", "due_on", "expires_on", "is_drawn", "is_open", "routes"
]  # fmt: skip
BETWEEN = re.compile(r"[\s;,、，；/|]+")  # what people write between the languages of a CSM


def requests(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the proposals in the order in which they are served, with what the page itself says about them.

    Args:
        inputs: Proposals and what is known of them.
        config: Settings.

    Returns:
        Proposals with is_drawn (by lot, of its program), is_held (left alone), is_sent (or skipped), own (why the page
        leaves it out, "" = it does not), routes (tuple of (channel, csm_id or "")) and order (place); must-do first,
        then by priority.
    """
    import pandas as pd

    key = ("routed", repr(channels_of(config)), config.stand_in)
    rows = once(inputs, key, lambda: _routed(inputs, config), most=2)
    # Who draws for its programs knows them better, be it that it holds nobody out: the lot of this page is for others.
    is_open = ~rows["analysis"].isin(list(inputs.drawn)) & ~rows["is_must_do"]
    rows = rows.assign(is_drawn=drawn(rows, config.holdout), is_open=is_open)
    rows = rows.assign(is_held=rows["is_drawn"] & is_open & (rows["mode"] != HUMAN))
    own = [_against(row, inputs, config) for row in rows[AGAINST].to_dict("records")]
    return rows.assign(own=pd.Series(own, dtype="str"))


def channels_of(config: Config) -> tuple[tuple[Any, ...], ...]:
    """Return what of the channels decides which routes there are: settings equal in it give the same ones."""
    return tuple((name, each.is_automated, each.instead_of) for name, each in config.channels.items())


def _routed(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the proposals in their order, with order, is_sent and routes."""
    import pandas as pd

    rows = inputs.proposals.sort_values(
        ["is_must_do", "priority", "proposal_id"], ascending=[False, True, True], ignore_index=True
    )
    language = _texts(inputs.contacts["language"])
    able, channels = _able(inputs, config), _channels(config)
    found = []
    for row in rows[ROUTED].to_dict("records"):
        owner = row["csm_id"] if isinstance(row["csm_id"], str) else inputs.owners.get(row["account_id"], "")
        is_human = row["mode"] == HUMAN
        who = able(owner, language.get(row["contact_id"])) if is_human else (owner,)
        first, further = (each if isinstance(each, str) else "" for each in (row["channel"], row["fallbacks"]))
        found.append(tuple((channel, each) for channel in channels(first, further, is_human) for each in who))
    is_sent = rows["proposal_id"].isin(list(inputs.done["proposal_id"]))
    return rows.assign(order=range(len(rows)), is_sent=is_sent, routes=pd.Series(found, dtype="object"))


def _against(row: dict[Any, Any], inputs: Inputs, config: Config) -> str:
    """Return why the page leaves a proposal out; "" = it does not."""
    began, week = config.holdout.began_on, inputs.week
    if row["proposal_id"] in inputs.elsewhere:
        return text(say("on the official list of {analysis} already", analysis=inputs.elsewhere[row["proposal_id"]]))
    if row["expires_on"].date() < week.first:
        return EXPIRED
    if row["due_on"].date() > week.last:
        return text(say("due later: {day:date}", day=row["due_on"].date()))
    if row["mode"] == HUMAN and row["is_drawn"] and row["is_open"] and began is not None:
        starts = began + timedelta(weeks=config.holdout.delay_weeks)
        if starts > week.last:
            return text(say("starts later by lot: {day:date}", day=starts))
    if row["contact_id"] in inputs.barred:
        return inputs.barred[row["contact_id"]]
    if not row["routes"]:
        return LANGUAGE if isinstance(row["csm_id"], str) or len(inputs.people) else NOBODY
    return ""


def _channels(config: Config) -> "Callable[[str, str, bool], tuple[str, ...]]":
    """Return what says the channels of a proposal, the preferred one first, by what it names ("" = nothing)."""

    @cache
    def channels(preferred: str, fallbacks: str, is_human: bool) -> tuple[str, ...]:
        further = fallbacks.split(FALLBACKS) if fallbacks else []
        stand_ins = (name for name, each in config.channels.items() if preferred in each.instead_of)
        named = dict.fromkeys([preferred, *further, *stand_ins]) if preferred else config.channels
        return tuple(name for name in named if not (is_human and config.channels[name].is_automated))

    return channels


def _able(inputs: Inputs, config: Config) -> "Callable[[str, str | None], tuple[str, ...]]":
    """Return what says who could do it by hand: who looks after the account, else colleagues who speak the language."""
    spoken = _texts(inputs.people["languages"])

    @cache
    def able(owner: str, language: str | None) -> tuple[str, ...]:
        if owner and (owner not in inputs.people.index or _speaks(spoken.get(owner), language)):
            return (owner,)
        if owner and not config.stand_in:
            return ()
        return tuple(who for who in inputs.people.index if _speaks(spoken.get(who), language))

    return able


def _texts(column: "pd.Series[str]") -> dict[str, str]:
    """Return what is there of a column, by its index."""
    return {str(key): text for key, text in column.dropna().items()}


def _speaks(languages: str | None, language: str | None) -> bool:
    if languages is None or language is None:
        return True
    spoken = {_language(each) for each in BETWEEN.split(languages) if each}
    return not spoken or _language(language) in spoken


def _language(code: str) -> str:
    """Return a language without its country: zh of zh-CN and zh_CN."""
    return re.split("[-_]", code.strip().casefold())[0]


def allowed(rows: "pd.DataFrame", inputs: Inputs) -> "pd.DataFrame":
    """Return each route of each proposal, and what the contact policy says to it by itself.

    Each is decided alone, so that none uses up anything another one needs: who of them gets it is decided by the plan
    of the week.

    Args:
        rows: Proposals of `requests`.
        inputs: The ground of the policy.

    Returns:
        One row per proposal and channel: order, channel, is_listed, reason, reasons.
    """
    import pandas as pd

    channels = [tuple(dict.fromkeys(each[0] for each in ways)) or ("",) for ways in rows["routes"]]
    single = rows.assign(channel=pd.Series(channels, rows.index, dtype="object")).explode("channel", ignore_index=True)
    single = single.assign(channels=pd.Series([(name,) for name in single["channel"]], dtype="object"))
    free = inputs.policy.model_copy(update={"notices_per_csm": NO_LIMIT})
    # The plan is made of what was known when the week began; who has refused since is struck off it later.
    ground = once(inputs, "ground of the plan", lambda: replace(inputs.ground, busy={}, since=None))
    said = decide(single, ground, free, inputs.week, inputs.timezone, each_alone=True)
    return said.assign(channel=single["channel"])[["order", "channel", "is_listed", "reason", "reasons"]]
