"""What the book knows of people and of what they did, as small tables the engine computes."""

from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, with_local_day

if TYPE_CHECKING:
    import pandas as pd


def contacts(before: Snapshot) -> "pd.DataFrame":
    """Return account_id, language (missing = not known) and is_primary by contact_id, of those who are there.

    Args:
        before: The book when the week began.
    """
    import pandas as pd

    columns = ["account_id", "language", "is_primary"]
    rows = before.tables.get("contacts")
    if rows is None:
        nobody = pd.DataFrame(columns=columns, index=pd.Index([], name="contact_id"), dtype="str")
        return nobody.astype({"is_primary": bool})
    if "left_at" in rows.columns:
        rows = rows.filter(rows.left_at.isnull())  # noqa: PD003 - an expression of the engine
    there = [name for name in columns if name in rows.columns]
    frame = rows.select("contact_id", *there).to_pandas().set_index("contact_id").sort_index()
    full: pd.DataFrame = frame.reindex(columns=columns)
    return full.assign(language=full["language"].astype("str"), is_primary=full["is_primary"].eq(True))


def people(before: Snapshot, roles: tuple[str, ...]) -> "pd.DataFrame":
    """Return name, languages (text) and capacity (minutes, missing = not known) by csm_id.

    Args:
        before: The book when the week began.
        roles: Roles that contact customers; without a column role everybody does.
    """
    import pandas as pd

    rows = before.tables.get("csms")
    if rows is None:
        texts = {name: pd.Series(dtype="str") for name in ("name", "languages")}
        return pd.DataFrame(texts | {"capacity": pd.Series(dtype="float64")}, index=pd.Index([], name="csm_id"))
    if "role" in rows.columns:
        rows = rows.filter(rows.role.isnull() | rows.role.isin(roles))  # noqa: PD003 - an expression of the engine
    wanted = {"name": "name", "languages": "languages", "capacity": "capacity_minutes_week"}
    there = {name: rows[column] for name, column in wanted.items() if column in rows.columns}
    frame = rows.select("csm_id", **there).to_pandas().set_index("csm_id").sort_index()
    full: pd.DataFrame = frame.reindex(columns=list(wanted))
    return full.astype({"name": "str", "languages": "str", "capacity": "float64"})


def done(now: Snapshot) -> "pd.DataFrame":
    """Return what became of proposals, as touches and tasks tell it: proposal_id, state (sent, skipped), on, why.

    A task that is closed with a status that says so was skipped; its cause is the reason.

    Args:
        now: The book at the date of the page.
    """
    import pandas as pd

    columns = ["proposal_id", "state", "on", "why"]
    parts = []
    touches, tasks, zone = now.tables.get("touches"), now.tables.get("tasks"), now.workspace.timezone
    if touches is not None and "proposal_id" in touches.columns:
        sent = with_local_day(touches.filter(touches.proposal_id.notnull()), "sent_at", zone)  # noqa: PD004 - an expression of the engine
        parts.append(sent.select("proposal_id", on="local_day").to_pandas().assign(state="sent", why=""))
    if tasks is not None and {"proposal_id", "status", "done_at"} <= set(tasks.columns):
        closed = tasks.filter(tasks.proposal_id.notnull(), tasks.done_at.notnull())  # noqa: PD004 - an expression of the engine
        cause = {"why": closed.cause} if "cause" in closed.columns else {}
        frame = with_local_day(closed, "done_at", zone).select("proposal_id", "status", on="local_day", **cause)
        told = frame.to_pandas().reindex(columns=["proposal_id", "status", "on", "why"])
        is_off = told["status"].astype("str").str.casefold().isin(SKIPPED)
        parts.append(told.assign(state=is_off.map({True: "skipped", False: "sent"})))
    found = [part.reindex(columns=columns) for part in parts if len(part)]
    if not found:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in columns})
    every: pd.DataFrame = pd.concat(found, ignore_index=True).fillna({"why": ""})
    # What was sent was sent, whatever a task says.
    ordered = every.sort_values(["proposal_id", "state", "on"], ascending=[True, True, True])
    return ordered.drop_duplicates("proposal_id", ignore_index=True)


SKIPPED = ("skipped", "cancelled", "canceled", "dropped", "rejected", "won't do")
