"""The lists of the week: who is asked for what, who is left out and why, and who is held out by lot."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.nps_outreach.evidence import STEM, Inputs
from csworkbench.analyses.nps_outreach.settings import (
    ADVOCATE,
    HUMAN,
    OFFER,
    REFERRAL,
    REPLY,
    SAVE,
    UNANSWERED,
    Config,
    NoOffer,
    absent,
)
from csworkbench.analyses.nps_outreach.tiers import lot, ranked
from csworkbench.estimates import Message, say
from csworkbench.features.rates import DETRACTOR
from csworkbench.formats import text
from csworkbench.policy import account_for, decide, drawn, proposal_id, proposals, week_of

if TYPE_CHECKING:
    import pandas as pd

ACTED_ON = "on an official list since the answer"
SETTLED = "settled by the follow-up"
BUYER = "a buyer of the account is a detractor"
TOP_TIER = "no offer to this tier"
TIER_UNKNOWN = "no offer while nobody knows the tier"
RENEWING = "no offer while a renewal is open"
NEGOTIATING = "no offer while a price is negotiated"
MADE = [
    "rank", "contact_id", "account_id", "rule", "followup", "score", "seen_on", "play",
]  # fmt: skip
LISTED = [
    "proposal_id", "rule", "priority", "account_id", "contact_id", "name", "play", "channel", "csm_id", "reason",
    "mode", "minutes", "purpose", "basis", "last_touch_on", "send_from", "sent_on", "due_on", "expires_on",
    "is_must_do", "program",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """The week.

    Args:
        placed: Promoters and detractors in the order of their tiers.
        decided: One row per contact a rule asks for, with the decision of the policy, and is_elsewhere (on an official
            list of another page for the same reason).
        proposals: Those who were listed when the week began, as `policy.proposals` has them: the same all week.
        listed: The same for people, and as a release keeps them, but for those struck off and those on the official
            list of another page: `LISTED`.
        left_out: Every contact that is not listed, and those whom nobody knows: contact_id, account_id, rule, reason,
            reasons.
        struck: Those of `left_out` who were listed when the week began, with proposal_id.
        contacts: How many contacts there are, the unknown ones of the rules included.
    """

    placed: "pd.DataFrame"
    decided: "pd.DataFrame"
    proposals: "pd.DataFrame"
    listed: "pd.DataFrame"
    left_out: "pd.DataFrame"
    struck: "pd.DataFrame"
    contacts: int


def lists(inputs: Inputs, config: Config) -> Lists:
    """Return who is on which list of the week, and what became of everybody else.

    Args:
        inputs: Answers, invitations, accounts, and the ground of the policy.
        config: Settings.
    """
    import pandas as pd

    placed = ranked(inputs.answers, inputs.accounts, config)
    wanted = _with_rules(_requested(inputs, placed, config), inputs, config)
    decided = decide(wanted, inputs.ground, inputs.policy, inputs.week, inputs.timezone)
    # Who is struck off stays a proposal: the weekly list strikes it off too, and gives its place to nobody.
    chosen = _planned(decided[decided["is_listed"] | decided["is_struck"]], inputs, config)
    made = proposals(chosen, STEM, inputs.week)
    decided = _without_others(decided, inputs)
    everybody = account_for(inputs.ground, decided)
    unknown = decided[~decided["contact_id"].isin(inputs.ground.people.index)]
    columns = ["contact_id", "account_id", "rule", "reason", "reasons"]
    left_out = pd.concat([everybody[~everybody["is_listed"]][columns], unknown[columns]], ignore_index=True)
    rows = _listed(made, chosen, inputs)
    rows = rows[rows["contact_id"].isin(decided.loc[decided["is_listed"], "contact_id"])].reset_index(drop=True)
    struck = decided[decided["is_struck"]][["proposal_id", *columns]].reset_index(drop=True)
    return Lists(placed, decided, made, rows, left_out, struck, len(everybody) + len(unknown))


def _without_others(decided: "pd.DataFrame", inputs: Inputs) -> "pd.DataFrame":
    """Return the decisions without those who are on an official list of another page for the same reason."""
    import pandas as pd

    keys = zip(decided["program"], decided["contact_id"], strict=True)
    pages = pd.Series([inputs.elsewhere.get(key) for key in keys], decided.index, dtype="str")
    is_there = pages.notna() & decided["is_listed"]
    told = pages.map(lambda page: text(say("on the official list of {page} already", page=page)), na_action="ignore")
    return decided.assign(
        is_listed=decided["is_listed"] & ~is_there,
        is_elsewhere=is_there,
        reason=decided["reason"].mask(is_there, told),
        reasons=decided["reasons"].mask(is_there, told),
    )


def _requested(inputs: Inputs, placed: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return everybody a list asks for, once: the list that is served first, and in it the one ranked first."""
    import pandas as pd

    plays = {route.followup.casefold(): route.play for route in config.routes}
    answered = placed[placed["rule"] != ""].assign(seen_on=placed["answered_on"])
    told = inputs.answers["followup"].map(lambda said: plays.get(said.casefold()), na_action="ignore")
    routed = inputs.answers[told.notna()].assign(rule=REPLY, seen_on=inputs.answers["answered_on"])
    oldest = inputs.week.known - timedelta(days=config.remind_after_days)
    silent = inputs.waiting[pd.to_datetime(inputs.waiting["invited_on"]) <= pd.Timestamp(oldest)]
    silent = silent.assign(rule=UNANSWERED, seen_on=silent["invited_on"], rank=None)
    parts = [part for part in (answered, _by_lot(routed), _by_lot(silent)) if len(part)]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in (*MADE, "who")})
    rows = pd.concat(parts, ignore_index=True).reindex(columns=[*MADE, "response_id"])
    rows = rows[rows["rule"].isin(list(config.lists))]
    order = rows["rule"].map({name: rule.priority for name, rule in config.lists.items()})
    rows = rows.assign(order=order, who=rows["contact_id"].fillna(rows["response_id"]))
    first = rows.sort_values(["order", "rank", "who"], kind="stable").drop_duplicates("who")
    said = first["followup"].map(lambda each: plays.get(each.casefold()), na_action="ignore")
    usual = first["rule"].map({name: rule.play for name, rule in config.lists.items()})
    return first.assign(play=said.fillna(usual)).drop(columns=["order", "response_id"]).reset_index(drop=True)


def _by_lot(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return rows with their rank by lot, for lists without an order of their own."""
    lots = [lot(name) for name in rows["contact_id"].fillna(rows["response_id"])]
    ordered = rows.assign(lot=lots).sort_values("lot").drop(columns="lot")
    return ordered.assign(rank=range(1, len(rows) + 1))


def _with_rules(rows: "pd.DataFrame", inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the requests with what the policy asks for, and what the page itself says against them."""
    rules = {name: config.lists[name] for name in set(rows["rule"])}
    blocked, settled = _unhappy_buyers(inputs, config), {
        route.followup.casefold() for route in config.routes if route.play is None
    }  # fmt: skip
    program = [f"{STEM}.{rule}" for rule in rows["rule"]]
    is_drawn = drawn(rows.assign(program=program), config.holdout)
    is_human = rows["rule"].isin(HUMAN)
    is_must = rows["rule"].map({name: rule.is_must_do for name, rule in rules.items()}).astype(bool)
    is_late = is_drawn & is_human & ~is_must
    asked = rows.assign(is_late=is_late).to_dict("records")
    own = [next(_against(row, inputs, (config, blocked, settled)), "") for row in asked]
    keys = zip(rows["rule"], rows["account_id"], rows["contact_id"].fillna(""), strict=True)
    ids = [proposal_id(STEM, rule, str(account), contact, inputs.week) for rule, account, contact in keys]
    return rows.assign(
        own=own,
        program=program,
        proposal_id=ids,
        is_sent=[each in inputs.sent for each in ids],
        is_held=is_drawn & ~is_human & ~is_must,
        is_must_do=is_must,
        mode=["human" if human else "automated" for human in is_human],
        purpose=rows["rule"].map({name: rule.purpose for name, rule in rules.items()}),
        channels=rows["rule"].map({name: rule.channels for name, rule in rules.items()}),
        minutes=rows["rule"].map({name: rule.minutes for name, rule in rules.items()}).astype(float),
        priority=rows["rule"].map({name: rule.priority for name, rule in rules.items()}).astype("int64"),
        csm_id=rows["account_id"].map(inputs.accounts["csm_id"]).astype("str"),
    )


def _unhappy_buyers(inputs: Inputs, config: Config) -> set[str]:
    """Return the accounts of which a buyer is a detractor."""
    answers = inputs.answers
    is_buyer = answers["contact_id"].map(inputs.roles).isin(config.buyer_roles)
    return set(answers["account_id"][is_buyer & (answers["score"] <= DETRACTOR)])


def _against(row: dict[Any, Any], inputs: Inputs, known: tuple[Config, set[str], set[str]]) -> Iterator[str]:
    """Yield what the page itself says against a request."""
    config, blocked, settled = known
    seen = inputs.acted_on.get(row["contact_id"]) if isinstance(row["contact_id"], str) else None
    if seen is not None and _day(row["seen_on"]) <= seen:
        yield ACTED_ON
    if isinstance(row["followup"], str) and row["followup"].casefold() in settled:
        yield SETTLED
    if row["contact_id"] in inputs.barred:
        yield inputs.barred[row["contact_id"]]
    if row["rule"] in (ADVOCATE, REFERRAL) and row["account_id"] in blocked:
        yield BUYER
    if row["rule"] == OFFER:
        yield from _against_offer(inputs.accounts, row["account_id"], config.no_offer)
    if row["is_late"] and (starts := _starts(row, inputs, config)) > inputs.week.first:
        yield text(say("starts later by lot: {day:date}", day=starts))


def _starts(row: dict[Any, Any], inputs: Inputs, config: Config) -> date:
    """Return the Monday from which an account drawn to start later is listed: fixed by the day it came up."""
    first = week_of(inputs.came_up[row["account_id"]]).first + timedelta(weeks=1)
    return first + timedelta(weeks=config.holdout.delay_weeks)


def _against_offer(accounts: "pd.DataFrame", name: str, rules: NoOffer) -> Iterator[str]:
    account: dict[Any, Any] = accounts.loc[name].to_dict() if name in accounts.index else {}
    tier = account.get("tier")
    # What is not known may be the top tier: a discount that should not have been given cannot be taken back.
    if not isinstance(tier, str) or not tier.strip():
        yield from (TIER_UNKNOWN,) * bool(rules.tiers)
    elif not absent([tier], rules.tiers):
        yield TOP_TIER
    if account.get("is_renewing"):
        yield RENEWING
    if account.get("is_negotiating"):
        yield NEGOTIATING


def _day(moment: Any) -> date:
    import pandas as pd

    return pd.Timestamp(moment).date()


def _planned(chosen: "pd.DataFrame", inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return those who are contacted, with their days, their family and the reason in words."""
    import pandas as pd

    friday, sunday = (pd.Timestamp(inputs.week.first + timedelta(days=days)) for days in (4, 6))
    zone = inputs.timezone
    sent = chosen["send_from"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.date
    return chosen.assign(
        family="nps",
        value=float("nan"),
        value_unit=pd.array([None] * len(chosen), dtype="str"),
        reason=[text(_why(row, config)) for row in chosen.to_dict("records")],
        due_on=friday,
        expires_on=sunday,
        sent_on=sent.mask(chosen["mode"] == "human", friday.date()),
    )


def _why(row: dict[Any, Any], config: Config) -> Message:
    """Return why a contact is on its list; words of customers are never repeated."""
    day, shares = _day(row["seen_on"]), config.shares
    if row["rule"] == UNANSWERED:
        return say("Invited on {day:date} and did not answer", day=day)
    score = int(row["score"])
    match row["rule"]:
        case str(rule) if rule == ADVOCATE:
            what = say("first {share:share} of the promoters", share=shares.advocates)
        case str(rule) if rule == REFERRAL:
            what = say("first {share:share} of the promoters", share=shares.referral)
        case str(rule) if rule == SAVE:
            what = say("lowest {share:share} of the detractors", share=shares.save)
        case str(rule) if rule == OFFER:
            what = say("lowest {share:share} of the detractors", share=shares.offer)
        case _:
            what = say("the follow-up asks for a reply")
    return say("Gave {score:count} on {day:date}: {what}", score=score, day=day, what=what)


def _listed(made: "pd.DataFrame", chosen: "pd.DataFrame", inputs: Inputs) -> "pd.DataFrame":
    """Return the list for people, in the order in which it is served."""
    import pandas as pd

    # A rule names a contact once, so both together find the row again.
    key = ["rule", "contact_id", "account_id"]
    rows = made.merge(chosen[[*key, "send_from", "sent_on"]], how="left", on=key, validate="one_to_one")
    said = zip(rows["contact_id"], rows["channel"], rows["purpose"], strict=True)
    touched = pd.to_datetime(rows["contact_id"].map(dict(inputs.last_touch)))
    return rows.assign(
        name=rows["account_id"].map(inputs.accounts["name"]),
        basis=["consent" if each in inputs.ground.granted else str(inputs.policy.service_basis) for each in said],
        last_touch_on=touched,
        sent_on=pd.to_datetime(rows["sent_on"]),
    )[LISTED]
