"""The workbench: what is due across accounts, by priority."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from csworkbench import formats
from csworkbench.analyses.portfolio.evidence import OFFLINE, ONLINE, Inputs
from csworkbench.analyses.portfolio.settings import FELL, MEETING, RENEWAL, STEP, STUCK, TASK, TOUCH, Config
from csworkbench.estimates import Message, say
from csworkbench.features.listed import time_in_stage

if TYPE_CHECKING:
    import pandas as pd

Rows = list[tuple[str, Any, Message]]
COLUMNS = ["account_id", "name", "due_on", "what", "is_overdue", "kind", "priority", "csm", "csm_id"]


def due_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return what is due for customers, the most urgent first.

    Args:
        inputs: Customers, tasks, meetings, steps of plans and what the other analyses found.
        config: How far ahead, and which kind comes first.

    Returns:
        One row per thing: account_id, name, due_on (missing = at once), what (in words), is_overdue, kind (in words),
        priority (place of its kind in the settings, 1 first), csm, csm_id; by priority and day.
    """
    import pandas as pd

    makers: dict[str, Callable[[Inputs, Config], Rows]] = {
        RENEWAL: _renewals, FELL: _fallen, STEP: _steps, TASK: _tasks, MEETING: _meetings, TOUCH: _touches,
        STUCK: _stuck,
    }  # fmt: skip
    rows = [
        (account, priority, formats.label(kind, inputs.language), formats.text(what, inputs.language), due_on)
        for priority, kind in enumerate(config.priorities, start=1)
        for account, due_on, what in makers[kind](inputs, config)
    ]
    table = pd.DataFrame(rows, columns=["account_id", "priority", "kind", "what", "due_on"])
    table = table.astype(
        {"account_id": "str", "kind": "str", "what": "str", "due_on": "datetime64[s]", "priority": "int64"}
    )
    known = table[table["account_id"].isin(inputs.accounts.index)]
    about = inputs.accounts.reindex(known["account_id"])
    late = known["due_on"] < pd.Timestamp(inputs.as_of)
    told = known.assign(is_overdue=late, **{name: about[name].to_numpy() for name in ("name", "csm", "csm_id")})
    ordered: pd.DataFrame = told.sort_values(["priority", "due_on", "account_id", "what"], kind="stable")
    return ordered[COLUMNS].reset_index(drop=True)


def is_due_known(inputs: Inputs) -> bool:
    """Return whether anything can be due: a table or a result of the run that says so is there.

    Args:
        inputs: Tables of the book and results of the run.
    """
    days = {"tasks": "due_at", "meetings": "planned_at", "plan_steps": "planned_at"}
    results = ("renewals", "health", "touch_matrix", "segments")
    return any(name in inputs.upstream for name in results) or any(inputs.knows(*each) for each in days.items())


def _soon(rows: "pd.DataFrame", day: str, inputs: Inputs, days: int) -> "Iterable[dict[str, object]]":
    import pandas as pd

    last = pd.Timestamp(inputs.as_of) + pd.Timedelta(days=days)
    near = rows[rows[day] <= last]
    return [{str(name): value for name, value in row.items()} for row in near.to_dict("records")]


def _renewals(inputs: Inputs, config: Config) -> Rows:
    found = inputs.upstream.get("renewals")
    if found is None:
        return []
    return [
        (str(row["account_id"]), row["due_date"], _renewal(row, inputs.language))
        for row in _soon(found.tables["forecast"], "due_date", inputs, config.renewal_days)
    ]


def _renewal(row: "dict[str, object]", language: str) -> Message:
    target, chance = float(row["target"]), float(row["probability"])  # type: ignore[arg-type]
    amount = "?" if target != target else formats.in_unit(round(target), str(row["currency"]), language)
    if chance != chance:
        return say("Renewal of {amount}, not decided", amount=amount)
    return say("Renewal of {amount}, {chance:share} likely", amount=amount, chance=chance)


def _fallen(inputs: Inputs, _: Config) -> Rows:
    import pandas as pd

    found = inputs.upstream.get("health")
    if found is None:
        return []
    scores = found.tables["scores"]
    fell = scores[scores["moved"] == "down"]
    return [
        (
            str(row["account_id"]),
            pd.NaT,
            say(
                "Health fell from {before} to {now}, most by {by}",
                before=_word(row["earlier_band"], inputs),
                now=_word(row["band"], inputs),
                by=row["moved_by"] if isinstance(row["moved_by"], str) else "the edge of the band",
            ),
        )
        for row in fell.to_dict("records")
    ]


def _word(name: object, inputs: Inputs) -> str:
    return formats.label(name, inputs.language) if isinstance(name, str) else "?"


def _steps(inputs: Inputs, config: Config) -> Rows:
    return [
        (str(row["account_id"]), row["planned_on"], say("{step}, plan {plan}", step=row["name"], plan=row["plan_id"]))
        for row in _soon(inputs.steps, "planned_on", inputs, config.due_days)
    ]


def _tasks(inputs: Inputs, config: Config) -> Rows:
    open_ones = inputs.tasks[inputs.tasks["done_on"].isna()]
    return [
        (str(row["account_id"]), row["due_on"], _task(row))
        for row in _soon(open_ones, "due_on", inputs, config.due_days)
    ]


def _task(row: "dict[str, object]") -> Message:
    named = [str(row[name]) for name in ("theme", "priority") if isinstance(row[name], str)]
    return (
        say("Task {task}: {named:list}", task=row["task_id"], named=named)
        if named
        else say("{task}", task=row["task_id"])
    )


def _meetings(inputs: Inputs, config: Config) -> Rows:
    import pandas as pd

    ahead = inputs.meetings[inputs.meetings["planned_on"] >= pd.Timestamp(inputs.as_of)]
    return [
        (str(row["account_id"]), row["planned_on"], say("Meeting: {kind}", kind=_word(row["kind"], inputs)))
        for row in _soon(ahead, "planned_on", inputs, config.due_days)
    ]


def _touches(inputs: Inputs, config: Config) -> Rows:
    found = inputs.upstream.get("touch_matrix")
    if found is None:
        return []
    actions = found.tables["next_actions"]
    return [
        (str(row["account_id"]), row["deadline"], say("{does}", does=row["does"]))
        for row in _soon(actions[actions["by"] == "csm"], "deadline", inputs, config.due_days)
    ]


def _stuck(inputs: Inputs, _: Config) -> Rows:
    import pandas as pd

    found = inputs.upstream.get("segments")
    if found is None:
        return []
    return [
        (
            str(row["account_id"]),
            pd.NaT,
            say("{time} in {stage}, usual are {usual:n day|days}",
                time=time_in_stage(row["days_in_stage"], is_at_least=bool(row["is_at_least"])),
                stage=row["stage"], usual=round(float(row["usual_days"]))),
        )
        for row in found.tables["stuck"].to_dict("records")
    ]  # fmt: skip


def account_table(inputs: Inputs, overdue: "pd.DataFrame") -> "pd.DataFrame":
    """Return the customers as their CSM sees them, lowest health first.

    Args:
        inputs: Customers and what the other analyses found.
        overdue: From `people.overdue_visits`.

    Returns:
        One row per customer: account_id, name, tier, stage, band, score, change, renewal_on (next open one),
        last_online, last_offline, visits_overdue, csm, csm_id; columns of analyses that did not run are missing.
    """
    import pandas as pd

    visits = inputs.visits.reindex(columns=[ONLINE, OFFLINE]).astype("datetime64[s]").add_prefix("last_")
    table = inputs.accounts.join(visits)
    late = overdue.groupby("account_id")["is_overdue"].max()
    table = table.assign(visits_overdue=late.reindex(table.index).astype("boolean"))
    for name, source, columns in (
        ("segments", "accounts", ("stage",)),
        ("health", "scores", ("band", "score", "change")),
    ):
        found = inputs.upstream.get(name)
        rows = None if found is None else found.tables[source].set_index("account_id").reindex(table.index)
        table = table.assign(**{column: None if rows is None else rows[column] for column in columns})
    renewals = inputs.upstream.get("renewals")
    due = pd.Series(dtype="datetime64[s]")
    if renewals is not None:
        due = renewals.tables["forecast"].groupby("account_id")["due_date"].min()
    table = table.assign(renewal_on=due.reindex(table.index))
    columns_shown = ["name", "tier", "stage", "band", "score", "change", "renewal_on", "last_online", "last_offline",
                     "visits_overdue", "csm", "csm_id"]  # fmt: skip
    words = table["band"].map(lambda band: formats.label(band, inputs.language), na_action="ignore")
    typed = table.assign(band=words)[columns_shown].astype(
        {"stage": "str", "band": "str", "score": float, "change": float}
    )
    ordered: pd.DataFrame = typed.rename_axis("account_id").reset_index().sort_values(["score", "account_id"])
    return ordered.reset_index(drop=True)
