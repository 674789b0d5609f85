"""The parts of a brief that say how an account stands: facts, best practices, health, issues, plans and people."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from csworkbench import formats
from csworkbench.analyses.account_brief.evidence import Inputs
from csworkbench.analyses.account_brief.settings import Config
from csworkbench.estimates import Message, say
from csworkbench.features.listed import time_in_stage

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "?"


def told(message: Message, inputs: Inputs) -> str:
    """Return a message in the language of the workspace."""
    return formats.text(message, inputs.language)


def word(value: object, inputs: Inputs) -> str:
    """Return a name of ours as a reader knows it; "?" where it is missing."""
    return formats.label(value, inputs.language) if isinstance(value, str) else UNKNOWN


def of_result(inputs: Inputs, analysis: str, table: str) -> "pd.DataFrame | None":
    """Return the rows of a table of another analysis for the accounts of the briefs; None where it did not run.

    Args:
        inputs: Results of the run.
        analysis: Which one.
        table: Its table, with account_id.
    """
    found = inputs.upstream.get(analysis)
    if found is None or table not in found.tables:
        return None
    rows = found.tables[table]
    kept: pd.DataFrame = rows[rows["account_id"].isin(inputs.accounts.index)].reset_index(drop=True)
    return kept


def by_account(inputs: Inputs, analysis: str, table: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the first row of each account in a table of another analysis, by account_id; nothing without it.

    Args:
        inputs: Results of the run.
        analysis: Which one.
        table: Its table.
    """
    rows = of_result(inputs, analysis, table)
    if rows is None:
        return {}
    found: Any = rows.drop_duplicates("account_id").set_index("account_id").to_dict("index")
    return found  # type: ignore[no-any-return]


def named(rows: "pd.DataFrame", inputs: Inputs) -> "pd.DataFrame":
    """Return rows with the name of the account after its id, in the order of ids.

    Args:
        rows: Rows with account_id.
        inputs: Names of accounts.
    """
    found = rows.copy()
    found.insert(1, "name", found["account_id"].map(inputs.accounts["name"]))
    return found.sort_values("account_id", kind="stable", ignore_index=True)


def frame_of(rows: "Iterable[tuple[Any, ...]]", inputs: Inputs, kinds: Mapping[str, str]) -> "pd.DataFrame":
    """Return rows as a frame with account_id in front and the name behind it.

    Args:
        rows: One tuple per row: account_id, then the columns of `kinds`.
        inputs: Names of accounts.
        kinds: Column -> type.
    """
    import pandas as pd

    frame = pd.DataFrame(list(rows), columns=["account_id", *kinds])
    return named(frame.astype({"account_id": "str", **kinds}), inputs)


def fact_table(inputs: Inputs) -> "pd.DataFrame":
    """Return the first lines of each brief: account_id, name, fact, value (in words).

    Args:
        inputs: Accounts and what the other analyses found.
    """
    scores = by_account(inputs, "health", "scores")
    cells = by_account(inputs, "segments", "accounts")
    due = by_account(inputs, "renewals", "forecast")
    rows = []
    for account, about in inputs.accounts.to_dict("index").items():
        facts = {
            "tier": say("{tier:word}, {csm} looks after it", tier=about["tier"], csm=about["csm"]),
            "stage": _stage(cells.get(str(account)), inputs),
            "health": _health(scores.get(str(account)), inputs),
            "arr": _amount(about["arr"], about["currency"], inputs),
            "renewal": _renewal(due.get(str(account)), inputs),
        }
        rows += [
            (account, word(fact, inputs), told(value, inputs)) for fact, value in facts.items() if value is not None
        ]
    return frame_of(rows, inputs, {"fact": "str", "value": "str"})


def _stage(row: Mapping[str, Any] | None, inputs: Inputs) -> Message | None:
    if row is None:
        return None
    time, stage = time_in_stage(row["days_in_stage"], is_at_least=bool(row["is_at_least"])), word(row["stage"], inputs)
    if row["is_stuck"]:
        return say("{stage} for {time}, longer than is usual", stage=stage, time=time)
    return say("{stage} for {time}", stage=stage, time=time)


def _health(row: Mapping[str, Any] | None, inputs: Inputs) -> Message | None:
    if row is None:
        return None
    band = word(row["band"], inputs)
    if row["score"] != row["score"]:
        return say("{band}: too little is known", band=band)
    if row["change"] != row["change"]:
        return say("{band}, {score:points} points", band=band, score=row["score"])
    return say(
        "{band}, {score:points} points ({change:points} since the date compared with)",
        band=band, score=row["score"], change=row["change"],
    )  # fmt: skip


def _amount(arr: float, currency: str, inputs: Inputs) -> Message | None:
    return None if arr != arr else say("{amount}", amount=formats.in_unit(round(arr), currency, inputs.language))


def _renewal(row: Mapping[str, Any] | None, inputs: Inputs) -> Message | None:
    if row is None:
        return None
    target, chance = row["target"], row["probability"]
    amount = UNKNOWN if target != target else formats.in_unit(round(target), row["currency"], inputs.language)
    if chance != chance:
        return say("{day:date}, {amount}", day=row["due_date"].date(), amount=amount)
    return say(
        "{day:date}, {amount}, {chance:share} likely ({low:share} to {high:share})",
        day=row["due_date"].date(), amount=amount, chance=chance, low=row["low"], high=row["high"],
    )  # fmt: skip


def practice_table(inputs: Inputs) -> "pd.DataFrame":
    """Return the best practices of the stage and tier of each account, as the touch matrix has them, and what is open.

    Args:
        inputs: Stages of `segments`, settings and open actions of `touch_matrix`.

    Returns:
        One row per account and action: account_id, name, practice, by (system, csm), state (due, overdue, "done or not
        needed"), deadline (of those that are open); no rows without both results.
    """
    import pandas as pd

    kinds = {"practice": "str", "by": "str", "state": "str", "deadline": "datetime64[s]"}
    matrix, cells = inputs.upstream.get("touch_matrix"), of_result(inputs, "segments", "accounts")
    if matrix is None or cells is None:
        return frame_of([], inputs, kinds)
    actions = matrix.config["matrix"]
    open_ones = (
        matrix.tables["next_actions"].set_index(["account_id", "action"])[["state", "deadline"]].to_dict("index")
    )
    rows = []
    for cell in cells.to_dict("records"):
        for action in actions:
            if action["stage"] == cell["stage"] and (not action["tiers"] or cell["tier"] in action["tiers"]):
                found = open_ones.get((cell["account_id"], action["id"]), {})
                state = word(found.get("state", "done or not needed"), inputs)
                row = (cell["account_id"], action["does"], word(action["by"], inputs), state)
                rows.append((*row, found.get("deadline", pd.NaT)))
    return frame_of(rows, inputs, kinds)


def health_table(inputs: Inputs) -> "pd.DataFrame":
    """Return what the score of each account is made of and what changed, the largest loss first.

    Args:
        inputs: Contributions and changes of `health`.

    Returns:
        One row per scored account and measure: account_id, name, measure (in words), points (0 to 100), contribution
        (points of the score), lost (points it takes from 100), change (of the contribution; missing = not known then).
    """
    kinds = {"measure": "str", "points": "float64", "contribution": "float64", "lost": "float64", "change": "float64"}
    made = of_result(inputs, "health", "contributions")
    if made is None:
        return frame_of([], inputs, kinds)
    changes = inputs.upstream["health"].tables["changes"].set_index(["account_id", "measure"])["change"]
    rows = made.join(changes, on=["account_id", "measure"]).assign(
        lost=made["effective_percent"] - made["contribution"]
    )
    ordered = rows.sort_values(["account_id", "lost"], ascending=[True, False], kind="stable")
    columns = ["account_id", "label", "points", "contribution", "lost", "change"]
    return named(ordered[columns].rename(columns={"label": "measure"}), inputs)


def issue_table(inputs: Inputs) -> "pd.DataFrame":
    """Return what is open, the oldest first: account_id, name, issue, what, severity, since, days.

    Args:
        inputs: Issues.
    """
    import pandas as pd

    rows = inputs.issues
    age = (pd.Timestamp(inputs.as_of) - rows["since"]).dt.days
    found = rows.assign(
        issue=[word(kind, inputs) for kind in rows["kind"]],
        what=[word(what, inputs) for what in rows["what"]],
        days=age.astype("Int64"),
    )
    return named(found[["account_id", "issue", "what", "severity", "since", "days"]], inputs)


def plan_table(inputs: Inputs) -> "pd.DataFrame":
    """Return the plans of each account and their verdicts, running ones first.

    Args:
        inputs: Verdicts and board of `plan_validation`.

    Returns:
        One row per plan: account_id, name, plan_id, playbook, verdict, facts (in words), goal (metric that should
        move), next_step, next_on, ends_on (when its window ends); no rows without `plan_validation`.
    """
    kinds = {"plan_id": "str", "playbook": "str", "verdict": "str", "facts": "str", "goal": "str", "next_step": "str",
             "next_on": "datetime64[s]", "ends_on": "datetime64[s]"}  # fmt: skip
    verdicts = of_result(inputs, "plan_validation", "verdicts")
    if verdicts is None:
        return frame_of([], inputs, kinds)
    board = of_result(inputs, "plan_validation", "plan_board")
    steps = None if board is None else board.set_index("plan_id")[["next_step", "next_on"]]
    joined = verdicts.assign(next_step=None, next_on=None) if steps is None else verdicts.join(steps, on="plan_id")
    rows = [
        (row["account_id"], row["plan_id"], word(row["playbook"], inputs), word(row["verdict"], inputs),
         word(row["verdict_on_facts"], inputs), word(row["metric"], inputs), row["next_step"], row["next_on"],
         row["ends_on"])
        for row in joined.assign(is_over=joined["verdict_on_facts"] != "running")
        .sort_values(["is_over", "ends_on", "plan_id"], ascending=[True, False, True]).to_dict("records")
    ]  # fmt: skip
    return frame_of(rows, inputs, kinds)


def people_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the people of each account who matter, and the roles of which nobody is known.

    Args:
        inputs: Contacts.
        config: Roles that should be known.

    Returns:
        One row per person with one of the roles, primary ones, or whose newest NPS answer is below 7, and per missing
        role: account_id, name, role, who (contact_id, with the name where the workspace allows it; "nobody"),
        added_on, added_way, last_on (newest touch), score (newest NPS answer).
    """
    import pandas as pd

    rows = inputs.contacts
    is_main = rows["is_primary"].fillna(value=False).astype(bool)
    kept = rows[rows["role"].isin(config.roles) | is_main | (rows["score"] < UNHAPPY)]
    who = kept["contact_id"]
    if inputs.has_names:
        who = kept["name"].fillna(UNKNOWN) + " (" + kept["contact_id"] + ")"
    found = kept.assign(who=who, role=[word(role, inputs) for role in kept["role"]], is_missing=False)
    absent = missing_roles(inputs, config)
    gone = absent.assign(
        who=word("nobody", inputs), is_missing=True, role=[word(role, inputs) for role in absent["role"]]
    )
    columns = ["account_id", "role", "who", "added_on", "added_way", "last_on", "score", "is_missing"]
    both = pd.concat([found[columns], gone.reindex(columns=columns).astype(found[columns].dtypes.to_dict())])
    return named(both.sort_values(["is_missing", "role", "who"], kind="stable").drop(columns="is_missing"), inputs)


UNHAPPY = 7


def missing_roles(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the roles of which nobody is known: account_id, role; none without contacts.

    Args:
        inputs: Contacts.
        config: Roles that should be known.
    """
    import pandas as pd

    if "contacts" not in inputs.tables:
        return pd.DataFrame({"account_id": pd.Series(dtype="str"), "role": pd.Series(dtype="str")})
    every = pd.MultiIndex.from_product([inputs.accounts.index, config.roles], names=["account_id", "role"])
    there = pd.MultiIndex.from_frame(inputs.contacts[["account_id", "role"]])
    return every.difference(there).to_frame(index=False).astype("str")
