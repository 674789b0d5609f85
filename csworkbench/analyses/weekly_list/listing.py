"""The list of the week as people get it, what was left out, and what became of the rows of official lists."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.weekly_list.calendars import expires_on
from csworkbench.analyses.weekly_list.evidence import Inputs
from csworkbench.analyses.weekly_list.planning import Plan
from csworkbench.analyses.weekly_list.routes import HUMAN
from csworkbench.policy import CAPS, objections

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sources import Contacted

KINDS = {
    "proposal_id": "str",
    "rank": "Int64",
    "csm_id": "str",
    "csm": "str",
    "channel": "str",
    "priority": "int64",
    "account_id": "str",
    "name": "str",
    "contact_id": "str",
    "analysis": "str",
    "rule": "str",
    "play": "str",
    "reason": "str",
    "mode": "str",
    "purpose": "str",
    "basis": "str",
    "last_touch_on": "datetime64[us]",
    "minutes": "float64",
    "due_on": "datetime64[us]",
    "send_from": "datetime64[us]",
    "sent_on": "datetime64[us]",
    "expires_on": "datetime64[us]",
    "is_must_do": "bool",
    "value": "float64",
    "value_unit": "str",
    "program": "str",
}
"""Columns of the list and their types, in order."""
LEFT = ["proposal_id", "analysis", "account_id", "contact_id", "rule", "priority", "is_must_do", "reason", "reasons"]
STRUCK = ["proposal_id", "account_id", "contact_id", "channel", "csm_id", "reason"]
NOT_OFFICIAL = "not on the official list of the week"
OFTEN = 8
"""Weeks of official lists whose rows are still followed."""


def struck(inputs: Inputs, made: Plan) -> "pd.DataFrame":
    """Return who is struck off the list of the week, or an earlier one whose row still holds: nobody contacts them now.

    Nobody moves up for them, so that this and the list are together the same all week.

    Args:
        inputs: Official lists, what was done, and what the policy knows now.
        made: The plan.

    Returns:
        One row per contact with `STRUCK`, by proposal_id.
    """
    import pandas as pd

    done, parts = set(inputs.done["proposal_id"]), []
    if not _official(inputs):
        parts.append(made.decided[made.decided["is_struck"]])
    # Rows of earlier weeks may still be done: what has become known since holds for them too.
    standing = [each for each in inputs.official if each.first_day <= inputs.week.first <= expires_on(each)]
    for first in sorted({each.first_day for each in standing}):
        rows = [each for each in standing if each.first_day == first and each.proposal_id not in done]
        asked = pd.DataFrame([{**each.row, "proposal_id": each.proposal_id} for each in rows])
        if len(asked):
            why = objections(asked, inputs.ground, inputs.policy, inputs.week, inputs.timezone)
            told = asked.assign(reason=asked["proposal_id"].map(why).astype("str"))
            parts.append(told[told["proposal_id"].isin(list(why))])
    found = pd.concat([pd.DataFrame(columns=STRUCK), *(part[STRUCK] for part in parts if len(part))])
    return found.astype("str").sort_values("proposal_id", ignore_index=True)


def _official(inputs: Inputs) -> "list[Contacted]":
    return [each for each in inputs.official if each.first_day == inputs.week.first]


def listed(inputs: Inputs, made: Plan, off: "pd.DataFrame") -> "pd.DataFrame":
    """Return the list of the week: the official one where there is one, else the planned one.

    Args:
        inputs: Official lists, names, addresses.
        made: The plan.
        off: Who is struck off.

    Returns:
        One row per contact with the columns of `KINDS`, by csm_id, channel, priority and proposal_id; rank is the place
        in which a row is served, must-do first (missing = on an official list without ranks); send_from is UTC.
    """
    official = _official(inputs)
    if not official:
        return _planned(inputs, made)
    rows = _written(official)
    rows = rows.assign(csm=rows["csm"].fillna(rows["csm_id"].map(_called(inputs, rows["csm_id"]))).astype("str"))
    return rows[~rows["proposal_id"].isin(off["proposal_id"])].reset_index(drop=True)


def _planned(inputs: Inputs, made: Plan) -> "pd.DataFrame":
    import pandas as pd

    rows = made.decided[made.decided["is_listed"]]
    # Whoever is struck off keeps the place, so that the rank of nobody else moves.
    served = made.decided.loc[made.decided["is_listed"] | made.decided["is_struck"], "order"].rank()
    why = inputs.proposals.set_index("proposal_id")["reason"]
    said = zip(rows["contact_id"], rows["channel"], rows["purpose"], strict=True)
    zone = inputs.timezone
    local = rows["send_from"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    # A person does it by the due day; what the system sends counts from the day it goes out.
    first = pd.Timestamp(inputs.week.first)
    due = rows["due_on"].where(rows["due_on"] >= first, first)
    sent = due.where(rows["mode"] == HUMAN, local)
    full = rows.assign(
        rank=served.reindex(rows.index),
        reason=rows["proposal_id"].map(why),
        csm=rows["csm_id"].map(_called(inputs, rows["csm_id"])),
        name=rows["account_id"].map(dict(inputs.accounts)).fillna(rows["account_id"]),
        basis=["consent" if each in inputs.ground.granted else str(inputs.policy.service_basis) for each in said],
        last_touch_on=pd.to_datetime(rows["contact_id"].map(dict(inputs.last_touch))),
        sent_on=sent,
    )
    order = ["csm_id", "channel", "priority", "proposal_id"]
    return full[list(KINDS)].astype(KINDS).sort_values(order, ignore_index=True)


def _called(inputs: Inputs, who: "pd.Series[str]") -> dict[str, str]:
    """Return the names of CSMs, the id where nobody says the name."""
    return {each: inputs.names.get(each, each) for each in who.dropna().unique()}


def _written(official: "list[Contacted]") -> "pd.DataFrame":
    """Return an official list as it was written, so that its bytes are the same again."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, kind in KINDS.items():
        texts = [each.row.get(name, "") or None for each in official]
        if kind == "bool":
            columns[name] = pd.Series([text == "true" for text in texts])
        elif kind.startswith("datetime"):
            columns[name] = pd.to_datetime(pd.Series(texts, dtype="str"), format="ISO8601")
        elif kind == "str":
            columns[name] = pd.Series(texts, dtype="str")
        else:
            columns[name] = pd.to_numeric(pd.Series(texts, dtype="str"))
    return pd.DataFrame(columns).astype(KINDS)


def left_out(made: Plan, rows: "pd.DataFrame", off: "pd.DataFrame") -> "pd.DataFrame":
    """Return every proposal that is not on the list, with the reason; with the list they are all proposals.

    Args:
        made: The plan.
        rows: The list.
        off: Who is struck off it.
    """
    others = made.decided[~made.decided["proposal_id"].isin(set(rows["proposal_id"]))]
    late = others["is_listed"]
    told = others.assign(
        reason=others["reason"].where(~late, NOT_OFFICIAL), reasons=others["reasons"].where(~late, NOT_OFFICIAL)
    )
    why = told["proposal_id"].map(off.set_index("proposal_id")["reason"])
    told = told.assign(reason=why.fillna(told["reason"]), reasons=told["reasons"].where(why.isna() | ~late, why))
    return told[LEFT].reset_index(drop=True)


def states(inputs: Inputs, rows: "pd.DataFrame", off: "pd.DataFrame") -> "pd.DataFrame":
    """Return what became of each row of this week's list and of the official lists of the weeks before.

    Args:
        inputs: Official lists, what was done, and who may not be contacted any more.
        rows: The list of this week.
        off: Who is struck off it.

    Returns:
        One row per proposal, the newest week first: proposal_id, week, is_official, state (proposed, sent, skipped,
        expired), on (missing = nothing happened), reason (of skipped, and of what is struck off).
    """
    import pandas as pd

    first, oldest = inputs.week.first, inputs.week.first - timedelta(weeks=OFTEN)
    official = _official(inputs)
    ends = dict(zip(rows["proposal_id"], rows["expires_on"].dt.date, strict=True)) if not official else {}
    found = [(each, first, False, expires) for each, expires in ends.items()]
    found += [
        (each.proposal_id, each.first_day, True, expires_on(each))
        for each in inputs.official
        if oldest <= each.first_day <= first
    ]
    done: dict[Any, Any] = inputs.done.set_index("proposal_id").to_dict("index")
    why = dict(zip(off["proposal_id"], off["reason"], strict=True))
    told = []
    for name, week, is_official, expires in found:
        what = done.get(name)
        if what is not None:
            told.append((name, week, is_official, what["state"], what["on"], str(what["why"] or "")))
        # Who is at a cap since may have got this very contact, where no touch names it: nobody can tell.
        elif is_official and why.get(name) and why[name] not in CAPS:
            told.append((name, week, is_official, "skipped", None, why[name]))
        else:
            is_over = expires < inputs.as_of
            told.append((name, week, is_official, "expired" if is_over else "proposed", expires if is_over else None,
                         why.get(name, "")))  # fmt: skip
    frame = pd.DataFrame(told, columns=["proposal_id", "week", "is_official", "state", "on", "reason"])
    dated = frame.assign(week=pd.to_datetime(frame["week"]), on=pd.to_datetime(frame["on"]))
    dated = dated.astype({"proposal_id": "str", "state": "str", "reason": "str", "is_official": bool})
    return dated.sort_values(["week", "proposal_id"], ascending=[False, True], ignore_index=True)


def addresses(inputs: Inputs, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return the list with e-mail address and phone number, for imports into other systems.

    Args:
        inputs: Addresses of the contacts that were proposed.
        rows: The list.
    """
    return rows.assign(
        email=rows["contact_id"].map(inputs.addresses["email"].to_dict()).astype("str"),
        phone=rows["contact_id"].map(inputs.addresses["phone"].to_dict()).astype("str"),
    )
