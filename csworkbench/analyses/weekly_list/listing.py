"""The list of the week as people get it, what was left out, and what became of the rows of official lists."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.weekly_list.evidence import Inputs
from csworkbench.analyses.weekly_list.planning import Plan
from csworkbench.analyses.weekly_list.routes import HUMAN
from csworkbench.policy import decide

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sources import Contacted

KINDS = {
    "proposal_id": "str",
    "csm_id": "str",
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
NOT_OFFICIAL = "not on the official list of the week"
OFTEN = 8
"""Weeks of official lists whose rows are still followed."""


def listed(inputs: Inputs, made: Plan) -> "pd.DataFrame":
    """Return the list of the week: the official one where there is one, else the planned one.

    Args:
        inputs: Official lists, names, addresses.
        made: The plan.

    Returns:
        One row per contact with the columns of `KINDS`, by csm_id, channel, priority and proposal_id; send_from is UTC.
    """
    official = [each for each in inputs.official if each.first_day == inputs.week.first]
    return _written(official) if official else _planned(inputs, made)


def _planned(inputs: Inputs, made: Plan) -> "pd.DataFrame":
    import pandas as pd

    rows = made.decided[made.decided["is_listed"]]
    why = inputs.proposals.set_index("proposal_id")["reason"]
    said = zip(rows["contact_id"], rows["channel"], rows["purpose"], strict=True)
    zone = inputs.timezone
    local = rows["send_from"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    # A person does it by the due day; what the system sends counts from the day it goes out.
    first = pd.Timestamp(inputs.week.first)
    due = rows["due_on"].where(rows["due_on"] >= first, first)
    sent = due.where(rows["mode"] == HUMAN, local)
    full = rows.assign(
        reason=rows["proposal_id"].map(why),
        name=rows["account_id"].map(dict(inputs.accounts)).fillna(rows["account_id"]),
        basis=["consent" if each in inputs.ground.granted else str(inputs.policy.service_basis) for each in said],
        last_touch_on=pd.to_datetime(rows["contact_id"].map(dict(inputs.last_touch))),
        sent_on=sent,
    )
    order = ["csm_id", "channel", "priority", "proposal_id"]
    return full[list(KINDS)].astype(KINDS).sort_values(order, ignore_index=True)


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


def left_out(made: Plan, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return every proposal that is not on the list, with the reason; with the list they are all proposals.

    Args:
        made: The plan.
        rows: The list.
    """
    others = made.decided[~made.decided["proposal_id"].isin(set(rows["proposal_id"]))]
    late = others["is_listed"]
    told = others.assign(
        reason=others["reason"].where(~late, NOT_OFFICIAL), reasons=others["reasons"].where(~late, NOT_OFFICIAL)
    )
    return told[LEFT].reset_index(drop=True)


def states(inputs: Inputs, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return what became of each row of this week's list and of the official lists of the weeks before.

    Args:
        inputs: Official lists, what was done, and who may not be contacted any more.
        rows: The list of this week.

    Returns:
        One row per proposal, the newest week first: proposal_id, week, is_official, state (proposed, sent, skipped,
        expired), on (missing = nothing happened), reason (of skipped).
    """
    import pandas as pd

    first, oldest = inputs.week.first, inputs.week.first - timedelta(weeks=OFTEN)
    official = {each.proposal_id for each in inputs.official if each.first_day == first}
    found = [(each, first, each in official, expires.date())
             for each, expires in zip(rows["proposal_id"], rows["expires_on"], strict=True)]  # fmt: skip
    found += [
        (each.proposal_id, each.first_day, True, _expires(each))
        for each in inputs.official
        if oldest <= each.first_day < first
    ]
    done: dict[Any, Any] = inputs.done.set_index("proposal_id").to_dict("index")
    refused = _refused(inputs)
    told = []
    for name, week, is_official, expires in found:
        what = done.get(name)
        if what is not None:
            told.append((name, week, is_official, what["state"], what["on"], str(what["why"] or "")))
        elif is_official and refused.get(name):
            told.append((name, week, is_official, "skipped", None, refused[name]))
        elif expires < inputs.as_of:
            told.append((name, week, is_official, "expired", expires, ""))
        else:
            told.append((name, week, is_official, "proposed", None, ""))
    frame = pd.DataFrame(told, columns=["proposal_id", "week", "is_official", "state", "on", "reason"])
    dated = frame.assign(week=pd.to_datetime(frame["week"]), on=pd.to_datetime(frame["on"]))
    dated = dated.astype({"proposal_id": "str", "state": "str", "reason": "str", "is_official": bool})
    return dated.sort_values(["week", "proposal_id"], ascending=[False, True], ignore_index=True)


def _refused(inputs: Inputs) -> dict[str, str]:
    """Return the rows of the official list of this week whose contact may not be contacted any more, and why not.

    Caps are not asked: the list itself has used them up.
    """
    import pandas as pd

    official = [each for each in inputs.official if each.first_day == inputs.week.first]
    asked = pd.DataFrame(
        [
            (each.proposal_id, each.contact_id, each.account_id, each.row["purpose"], (each.channel,), each.mode)
            for each in official
        ],
        columns=["proposal_id", "contact_id", "account_id", "purpose", "channels", "mode"],
    ).assign(csm_id=None, is_must_do=True, own="", is_held=False)
    bare = inputs.policy.model_copy(update={"caps": ()})
    said = decide(asked, inputs.ground, bare, inputs.week, inputs.timezone)
    no = said[~said["is_listed"]]
    return dict(zip(no["proposal_id"], no["reason"], strict=True))


def _expires(each: "Contacted") -> date:
    written = each.row.get("expires_on", "")
    return date.fromisoformat(written) if written else each.first_day + timedelta(days=6)


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
