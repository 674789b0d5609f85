"""Which families of touches are left to the system alone, and whom e-mail can reach at all."""

from typing import TYPE_CHECKING

from csworkbench.analyses.touch_matrix.evidence import Inputs
from csworkbench.analyses.touch_matrix.settings import Config
from csworkbench.policy import ADDRESS, Reason, decide

if TYPE_CHECKING:
    import pandas as pd

ALL, NOT_KNOWN = "all", "not known"


def family_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return volume and outcome of each family of touches, and what people do beside the system in it.

    Args:
        inputs: Touches added up.
        config: Level of the intervals.

    Returns:
        One row per family: family, touches, share, accounts, reach, low, high (touches that reached a person; missing
        where nothing is known of what came of touches), by_hand, hand_share, hand_low, hand_high (touches by people;
        Wilson's intervals with accounts as units), is_automated (the system does all of it: nothing completes it).
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    acts = inputs.acts.assign(family=inputs.acts["family"].fillna(NOT_KNOWN))
    acts = acts.assign(hand=acts["touches"].where(acts["mode"] == "human", 0))
    lines = []
    for family, part in acts.groupby("family", sort=True):
        sums = part.groupby("account_id")[["reached", "hand", "touches"]].sum().astype(float)
        reach = share_of(sums["reached"], sums["touches"], config.level)
        hand = share_of(sums["hand"], sums["touches"], config.level)
        came = (reach.value, reach.low, reach.high) if inputs.has_events else (None, None, None)
        count, by_hand = int(sums["touches"].sum()), int(sums["hand"].sum())
        told = (*came, by_hand, hand.value, hand.low, hand.high, by_hand == 0)
        lines.append((family, count, count / int(acts["touches"].sum()), len(sums), *told))
    columns = [
        "family", "touches", "share", "accounts", "reach", "low", "high", "by_hand", "hand_share", "hand_low",
        "hand_high", "is_automated",
    ]  # fmt: skip
    numbers = ["share", "reach", "low", "high", "hand_share", "hand_low", "hand_high"]
    return pd.DataFrame(lines, columns=columns).astype({**dict.fromkeys(numbers, float), "is_automated": bool})


def catalog_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the channels in use, and what each takes and shows.

    Args:
        inputs: Touches added up.
        config: Live channels and routes.

    Returns:
        One row per channel of touches or of a route: channel, direction (active = we begin, passive = customers do,
        both; missing: no touch says who began), touches, by_system, minutes (per touch by people, missing = none),
        address (of the contact it needs, missing = none), measured_by (what tells that a person was reached; missing
        where nothing is known of what came of touches), tiers (that have it in their route, "" = none), by_hand
        (touches by people that we began), answered, low, high (share of them that reached a person; Wilson's interval
        with accounts as units), accounts (behind it).
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    lines = []
    names = {*inputs.acts["channel"].dropna(), *(name for route in config.routes.values() for name in route)}
    for name in sorted(names):
        rows = inputs.acts[inputs.acts["channel"] == name]
        begun = rows["initiator"].dropna().eq("customer")
        direction = None if begun.empty else "passive" if begun.all() else "both" if begun.any() else "active"
        people = rows[rows["mode"] == "human"]
        sent, by_people = int(rows["touches"].sum()), int(people["touches"].sum())
        minutes = float(people["minutes"].sum()) / by_people if by_people else None
        seen = "delivery" if name in config.live_channels else "open, click or reply"
        tiers = ", ".join(tier for tier, route in config.routes.items() if name in route)
        by_system = int(rows.loc[rows["mode"] == "tech", "touches"].sum())
        measured = seen if inputs.has_events else None
        tried = people[people["initiator"] != "customer"].groupby("account_id")[["reached", "touches"]].sum()
        hits, trials = (tried[each].astype(float) for each in ("reached", "touches"))
        rate = share_of(hits, trials if inputs.has_events else 0 * trials, config.level)
        answers = (int(trials.sum()), rate.value, rate.low, rate.high, rate.n)
        lines.append((name, direction, sent, by_system, minutes, ADDRESS.get(name), measured, tiers, *answers))
    columns = [
        "channel", "direction", "touches", "by_system", "minutes", "address", "measured_by", "tiers", "by_hand",
        "answered", "low", "high", "accounts",
    ]  # fmt: skip
    texts = dict.fromkeys(["channel", "direction", "address", "measured_by", "tiers"], "str")
    numbers = dict.fromkeys(["minutes", "answered", "low", "high"], "float64")
    return pd.DataFrame(lines, columns=columns).astype({**texts, **numbers})


def mail_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return whom a service mail can reach, in each tier and in the whole book, when the week began.

    Args:
        inputs: What the policy knows of contacts, and where accounts are.
        config: Routes, quiet stages, level of the intervals.

    Returns:
        One row per tier, and "all": tier, contacts (who are there), with_address, reachable (may be mailed too, caps
        aside), share, low, high (reachable of contacts; Wilson's interval with accounts as units), accounts, covered
        (accounts with at least one who is reachable), first_channel (of the tier's route, missing = none). Empty where
        addresses or consents are not known.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    columns = [
        "tier", "contacts", "with_address", "reachable", "share", "low", "high", "accounts", "covered", "first_channel",
    ]  # fmt: skip
    kinds = dict.fromkeys(["share", "low", "high"], "float64") | dict.fromkeys(["tier", "first_channel"], "str")
    people, lines = _people(inputs, config), []
    for tier in [ALL, *sorted(people["tier"].unique())] if len(people) else []:
        rows = people if tier == ALL else people[people["tier"] == tier]
        sums = rows.assign(one=1.0).groupby("account_id")[["has_email", "is_reachable", "one"]].sum().astype(float)
        share = share_of(sums["is_reachable"], sums["one"], config.level)
        counts = (len(rows), int(sums["has_email"].sum()), int(sums["is_reachable"].sum()))
        covered, route = int((sums["is_reachable"] > 0).sum()), config.routes.get(tier, ())
        lines.append((tier, *counts, share.value, share.low, share.high, len(sums), covered, next(iter(route), None)))
    return pd.DataFrame(lines, columns=columns).astype(kinds)


def _people(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return contacts of accounts outside quiet stages: account_id, tier, has_email, is_reachable."""
    import pandas as pd

    ground = inputs.again.ground
    if ground is None or not inputs.has_addresses:
        return pd.DataFrame({"account_id": [], "tier": [], "has_email": [], "is_reachable": []})
    accounts = inputs.accounts[~inputs.accounts["stage"].isin(config.quiet_stages)]
    there = ground.people[~ground.people["has_left"] & ground.people["account_id"].isin(accounts.index)].reset_index()
    asked = there[["contact_id", "account_id", "has_email"]].assign(
        purpose="service", mode="automated", csm_id=None, is_must_do=False, own="", is_held=False,
        channels=pd.Series([("email",)] * len(there), dtype="object"), tier=there["account_id"].map(accounts["tier"]),
    )  # fmt: skip
    # How much was sent of late is no matter of who can be reached at all.
    free = inputs.again.policy.model_copy(update={"caps": ()})
    said = decide(asked, ground, free, inputs.again.week, inputs.again.timezone)
    is_reachable = said["is_listed"] | said["reason"].eq(Reason.SAME_PERSON.value)
    return said.assign(is_reachable=is_reachable)[["account_id", "tier", "has_email", "is_reachable"]]
