"""What is due, done, overdue and undefined in every cell of the matrix."""

from typing import TYPE_CHECKING

from csworkbench.analyses.touch_matrix.evidence import Began, Inputs
from csworkbench.analyses.touch_matrix.settings import Action, Config

if TYPE_CHECKING:
    import pandas as pd

DONE, DUE, OVERDUE, UNDEFINED = "done", "due", "overdue", "undefined"
BY = ("system", "csm")
EARLY_DAYS = 7  # stages are seen week by week: an account may have come in so long before
MODE = {"system": "tech", "csm": "human"}


def standing(inputs: Inputs | Began, config: Config) -> "pd.DataFrame":
    """Return how every action stands for every account that needs it.

    An action that happens once is done by a touch since the account came into the stage (a week earlier counts, because
    stages are seen week by week); one that happens again and again by a touch of its last days.

    Args:
        inputs: Who needs what, and the newest touch of each kind.
        config: Actions.

    Returns:
        One row per action and account: account_id, action, state (done, due, overdue), by, does, tier, stage, name,
        csm, last_on (newest touch that counts), deadline.
    """
    import pandas as pd

    as_of = pd.Timestamp(inputs.as_of)
    parts = []
    for action in config.matrix:
        chosen = inputs.needs.loc[inputs.needs["action"] == action.id, "account_id"]
        about = inputs.accounts.loc[chosen, ["name", "csm", "tier", "stage", "entered_on"]]
        last = _newest(inputs, action).reindex(about.index)
        entered = about["entered_on"]
        if action.within_days is not None:
            is_done = last >= entered - pd.Timedelta(days=EARLY_DAYS)
            deadline = entered + pd.Timedelta(days=action.within_days)
        else:
            # Of what happens again, the next one is wanted so long after the last, or after the account came in.
            wait = pd.Timedelta(days=action.every_days or 0)
            is_done = last > as_of - wait
            deadline = last.where(last.notna() & (last > entered), entered) + wait
        late = pd.Series(DUE, index=about.index).mask(deadline < as_of, OVERDUE)
        parts.append(
            about.assign(
                action=action.id, state=late.mask(is_done, DONE), by=action.by, does=action.does, last_on=last,
                deadline=deadline,
            ).rename_axis("account_id").reset_index()
        )  # fmt: skip
    columns = ["account_id", "action", "state", "by", "does", "tier", "stage", "name", "csm", "last_on", "deadline"]
    return pd.concat(parts, ignore_index=True)[columns]


def coverage_table(inputs: Inputs, config: Config, stands: "pd.DataFrame") -> "pd.DataFrame":
    """Return due, done, overdue and undefined of every cell of tier and stage, for the system and for CSMs.

    Args:
        inputs: Accounts in the cells.
        config: Actions, quiet stages, level of the intervals.
        stands: From `standing`.

    Returns:
        One row per cell with an account and by whom: tier, stage, by, accounts, actions (defined), done, due, overdue,
        undefined (accounts for whom nothing is defined), coverage (done / (done + overdue); missing: nothing was due),
        low, high (Wilson's interval with accounts as units).
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of_rows

    lines = []
    sizes = inputs.accounts.groupby(["tier", "stage"], sort=True).size()
    for tier, stage, size in sizes.rename("size").reset_index().itertuples(index=False, name=None):
        for by in BY:
            defined = [each for each in config.matrix if _is_for(each, str(tier), str(stage), by)]
            rows = stands[(stands["tier"] == tier) & (stands["stage"] == stage) & (stands["by"] == by)]
            states = rows["state"].value_counts()
            was_due = rows[rows["state"].isin([DONE, OVERDUE])]
            share = share_of_rows(was_due["state"] == DONE, was_due["account_id"], config.level)
            is_open = not defined and stage not in config.quiet_stages
            counts = [int(states.get(each, 0)) for each in (DONE, DUE, OVERDUE)]
            found = (share.value, share.low, share.high)
            lines.append((tier, stage, by, size, len(defined), *counts, size if is_open else 0, *found))
    columns = ["tier", "stage", "by", "accounts", "actions", DONE, DUE, OVERDUE, UNDEFINED, "coverage", "low", "high"]
    table = pd.DataFrame(lines, columns=columns).astype({"coverage": float, "low": float, "high": float})
    order = table["stage"].map({stage: place for place, stage in enumerate(inputs.stages)})
    ranked = table.assign(order=order).sort_values(["tier", "order"], kind="stable", ignore_index=True)
    return ranked.drop(columns="order")


def undefined_cells(coverage: "pd.DataFrame") -> "pd.Series[int]":
    """Return the accounts of the cells of tier and stage for which neither the system nor a CSM does anything.

    Args:
        coverage: From `coverage_table`.
    """
    counts = coverage.groupby(["tier", "stage"])["undefined"].min()
    return counts[counts > 0]


def action_table(config: Config, stands: "pd.DataFrame") -> "pd.DataFrame":
    """Return how each action of the matrix stands.

    Args:
        config: Actions.
        stands: From `standing`.

    Returns:
        One row per action, in the order of the settings: action, stage, by, does, accounts (that need it), done, due,
        overdue.
    """
    import pandas as pd

    lines = []
    for action in config.matrix:
        states = stands.loc[stands["action"] == action.id, "state"].value_counts()
        counts = [int(states.get(each, 0)) for each in (DONE, DUE, OVERDUE)]
        lines.append((action.id, action.stage, action.by, action.does, sum(counts), *counts))
    columns = ["action", "stage", "by", "does", "accounts", DONE, DUE, OVERDUE]
    return pd.DataFrame(lines, columns=columns)


def _is_for(action: Action, tier: str, stage: str, by: str) -> bool:
    return action.by == by and action.stage == stage and (not action.tiers or tier in action.tiers)


def _newest(inputs: Inputs | Began, action: Action) -> "pd.Series[pd.Timestamp]":
    """Return the newest touch or meeting that counts as the action, by account; for proposals official lists too."""
    import pandas as pd

    acts, is_chosen = inputs.acts, inputs.acts["mode"] == MODE[action.by]
    chosen = {
        "content_id": action.contents,
        "rule": action.rules,
        "family": action.families,
        "channel": action.channels,
    }
    for column, values in chosen.items():
        if values:
            is_chosen = is_chosen & acts[column].isin(values)
    if action.meetings and not any(chosen.values()):
        is_chosen = is_chosen & False
    met = inputs.meetings[inputs.meetings["kind"].isin(action.meetings)]
    columns = ["account_id", "last_on"]
    parts = [acts[is_chosen], met]
    if isinstance(inputs, Began):
        # Only an official list counts as contact, and it does before a touch tells of it: else it is sent twice.
        parts.append(inputs.official[inputs.official["action"] == action.id])
    days = pd.concat([part[columns] for part in parts if len(part)] or [acts.loc[is_chosen, columns]])
    return pd.to_datetime(days["last_on"]).groupby(days["account_id"]).max()
