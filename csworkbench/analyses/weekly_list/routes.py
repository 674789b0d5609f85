"""The routes a proposal could take: on which channel and through whom, as far as nothing speaks against it."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.weekly_list.evidence import Inputs
from csworkbench.analyses.weekly_list.settings import Config
from csworkbench.estimates import say
from csworkbench.formats import text
from csworkbench.policy import FALLBACKS, decide, drawn

if TYPE_CHECKING:
    import pandas as pd

HUMAN = "human"
LANGUAGE = "nobody in charge speaks the language"
EXPIRED = "expired before the week"
NOBODY = "nobody looks after the account"
NO_LIMIT = 10**9
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

    rows = inputs.proposals.sort_values(
        ["is_must_do", "priority", "proposal_id"], ascending=[False, True, True], ignore_index=True
    )
    # Who draws for its programs knows them better, be it that it holds nobody out: the lot of this page is for others.
    is_open = ~rows["analysis"].isin(list(inputs.drawn)) & ~rows["is_must_do"]
    human = rows["mode"] == HUMAN
    rows = rows.assign(order=range(len(rows)), is_drawn=drawn(rows, config.holdout), is_open=is_open)
    is_sent = rows["proposal_id"].isin(list(inputs.done["proposal_id"]))
    rows = rows.assign(is_held=rows["is_drawn"] & is_open & ~human, is_sent=is_sent)
    records = rows.to_dict("records")
    found = [_routes(row, inputs, config) for row in records]
    own = [_against(row, ways, inputs, config) for row, ways in zip(records, found, strict=True)]
    return rows.assign(own=pd.Series(own, dtype="str"), routes=pd.Series(found, dtype="object"))


def _against(row: dict[Any, Any], ways: tuple[tuple[str, str], ...], inputs: Inputs, config: Config) -> str:
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
    if not ways:
        return LANGUAGE if isinstance(row["csm_id"], str) or len(inputs.people) else NOBODY
    return ""


def _routes(row: dict[Any, Any], inputs: Inputs, config: Config) -> tuple[tuple[str, str], ...]:
    """Return the channels of a proposal, the preferred one first, each with everybody who could do it."""
    preferred = row["channel"]
    further = row["fallbacks"].split(FALLBACKS) if isinstance(row["fallbacks"], str) else []
    stand_ins = (name for name, each in config.channels.items() if preferred in each.instead_of)
    channels = (
        list(dict.fromkeys([preferred, *further, *stand_ins])) if isinstance(preferred, str) else list(config.channels)
    )
    owner = row["csm_id"] if isinstance(row["csm_id"], str) else inputs.owners.get(row["account_id"], "")
    if row["mode"] == HUMAN:
        channels = [name for name in channels if not config.channels[name].is_automated]
    else:
        return tuple((channel, owner) for channel in channels)
    language = None
    if isinstance(row["contact_id"], str) and row["contact_id"] in inputs.contacts.index:
        language = inputs.contacts.loc[row["contact_id"], "language"]
    return tuple((channel, who) for channel in channels for who in _able(owner, language, inputs, config))


def _able(owner: str, language: Any, inputs: Inputs, config: Config) -> list[str]:
    """Return who could do it by hand: who looks after the account, else colleagues who speak the language."""
    if owner and (owner not in inputs.people.index or _speaks(inputs.people.loc[owner, "languages"], language)):
        return [owner]
    if owner and not config.stand_in:
        return []
    return [who for who in inputs.people.index if _speaks(inputs.people.loc[who, "languages"], language)]


def _speaks(languages: Any, language: Any) -> bool:
    if not isinstance(languages, str) or not isinstance(language, str):
        return True
    spoken = {_language(each) for each in BETWEEN.split(languages) if each}
    return not spoken or _language(language) in spoken


def _language(code: str) -> str:
    """Return a language without its country: zh of zh-CN and zh_CN."""
    return re.split("[-_]", code.strip().casefold())[0]


def allowed(rows: "pd.DataFrame", inputs: Inputs) -> "pd.DataFrame":
    """Return each route of each proposal, and what the contact policy says to it by itself.

    The policy is asked in rounds, in which each person and each account comes once: so no proposal uses up anything
    that another one needs. Who of them gets it is decided by the plan of the week.

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
    person = single["contact_id"].map(inputs.ground.people["person"]).fillna(single["contact_id"])
    rounds: dict[tuple[str, Any], int] = {}
    turn = []
    for account, who in zip(single["account_id"], person, strict=True):
        keys = [("account", account), ("person", who)]
        now = max(rounds.get(key, 0) for key in keys)
        rounds.update(dict.fromkeys(keys, now + 1))
        turn.append(now)
    # The plan is made of what was known when the week began; who has refused since is struck off it later.
    ground = replace(inputs.ground, busy={}, since=None)
    parts = [decide(each, ground, free, inputs.week, inputs.timezone) for _, each in single.groupby(turn, sort=True)]
    columns = ["order", "channel", "is_listed", "reason", "reasons"]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})
    said = pd.concat(parts).sort_index()
    return said.assign(channel=single["channel"])[columns].reset_index(drop=True)
