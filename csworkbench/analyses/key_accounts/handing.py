"""Base tasks beside tasks on top, and whether new facts found in service reach sales."""

from typing import TYPE_CHECKING

from csworkbench.analyses.key_accounts.evidence import Inputs
from csworkbench.analyses.key_accounts.settings import Config
from csworkbench.analyses.key_accounts.sheets import within

if TYPE_CHECKING:
    import pandas as pd

BALANCE = ["csm_id", "csm", "base_due", "base_done", "base_share", "low", "high", "value_add_done", "value_add_share"]
STEP = ["step", "facts", "share", "low", "high"]
HAND_OFF = ["account_id", "name", "csm", "fact", "what", "found_on", "days"]
ALL = "all"


def balance_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return base tasks done and tasks on top at key accounts, of the window.

    Args:
        inputs: Tasks, and names of CSMs.
        config: Window and level.

    Returns:
        One row for all, then one per CSM by id: the columns BALANCE; base_share is base tasks done of those due by the
        date, with its interval over accounts; value_add_share the part of tasks done that lie on top. People are not
        ranked: their numbers are small.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    rows = inputs.tables["tasks"]
    rows = rows[rows["account_id"].isin(inputs.key.index) & ~rows["status"].isin(["cancelled", "canceled"])]
    rows = rows[within(rows["due_at"].astype("datetime64[s]"), inputs, config)]
    rows = rows.assign(is_done=rows["done_at"].notna().astype(float), is_base=rows["line"] == "base")
    names = dict(zip(inputs.tables["csms"]["csm_id"], inputs.tables["csms"]["name"], strict=True))
    lines = []
    groups = [(ALL, rows), *((str(who), part) for who, part in rows.groupby("csm_id", sort=True))]
    for who, part in groups:
        base, extra = part[part["is_base"]], part[part["line"] == "value_add"]
        sums = base.groupby("account_id")["is_done"].agg(["sum", "size"]).astype(float)
        found = share_of(sums["sum"], sums["size"], config.level)
        done = part["is_done"].sum()
        lines.append(
            (
                who, names.get(who, who), len(base), int(base["is_done"].sum()), found.value, found.low, found.high,
                int(extra["is_done"].sum()), float(extra["is_done"].sum() / done) if done else None,
            )
        )  # fmt: skip
    return pd.DataFrame(lines, columns=BALANCE)


def hand_off_table(inputs: Inputs, config: Config) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Return how many new facts became opportunities and were won, and those sales has not heard of.

    A new fact is a feature request, or a task done whose trigger tells one. It reached sales when the task is what an
    opportunity came from, or an opportunity of the account was opened within the days after it.

    Args:
        inputs: Tickets, tasks and opportunities of the key accounts.
        config: Which facts, and how long they have.

    Returns:
        One row per step (found, became an opportunity, won; facts of the window that had their days): STEP. And one row
        per fact of the last `hand_off_days` without an opportunity, the newest first: HAND_OFF.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    facts = _facts(inputs, config)
    now = pd.Timestamp(inputs.as_of)
    age = (now - facts["found_on"]).dt.days
    ripe = facts[(age >= config.hand_off_days) & within(facts["found_on"], inputs, config)]
    lines: list[tuple[object, ...]] = [("found", len(ripe), None, None, None)]
    for step, column in (("became an opportunity", "is_handed"), ("won", "is_won")):
        counts = ripe.groupby("account_id")[column].agg(["sum", "size"]).astype(float)
        found = share_of(counts["sum"], counts["size"], config.level)
        lines.append((step, int(ripe[column].sum()), found.value, found.low, found.high))
    waiting = facts[(age < config.hand_off_days) & ~facts["is_handed"]].reset_index(drop=True)
    about = inputs.key.loc[waiting["account_id"], ["name", "csm"]].reset_index(drop=True)
    table = pd.concat([waiting, about], axis=1).assign(days=(now - waiting["found_on"]).dt.days)
    ordered = table.sort_values(["found_on", "account_id"], ascending=[False, True], ignore_index=True)
    return pd.DataFrame(lines, columns=STEP), ordered[HAND_OFF]


def _facts(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the new facts: account_id, fact, what, found_on, is_handed, is_won."""
    import pandas as pd

    tickets, tasks = inputs.tables["tickets"], inputs.tables["tasks"]
    wished = tickets[tickets["is_feature_request"].eq(True)]
    told = tasks[tasks["trigger"].isin(config.new_facts) & tasks["done_at"].notna()]
    columns = ["account_id", "fact", "what", "found_on", "id"]
    parts = [
        wished.assign(
            fact="feature request", what=wished["topic"], found_on=wished["opened_at"], id=wished["ticket_id"]
        ),
        told.assign(fact="task", what=told["trigger"], found_on=told["done_at"], id=told["task_id"]),
    ]
    rows = pd.concat([part[columns].astype({"found_on": "datetime64[s]"}) for part in parts], ignore_index=True)
    rows = rows[rows["account_id"].isin(inputs.key.index)].reset_index(drop=True)
    rows = rows.assign(found_on=rows["found_on"].dt.normalize())
    found = inputs.tables["opportunities"][["account_id", "created_at", "is_won", "origin_task_id"]]
    found = found.astype({"created_at": "datetime64[s]"})
    pairs = rows.reset_index().merge(found, on="account_id")
    gap = (pairs["created_at"] - pairs["found_on"]).dt.days
    is_its = (gap.between(0, config.hand_off_days)) | (pairs["origin_task_id"] == pairs["id"])
    its = pairs[is_its]
    won = its.loc[its["is_won"].eq(True), "index"]
    return rows.assign(is_handed=rows.index.isin(its["index"]), is_won=rows.index.isin(won))
