"""Where accounts are, and which actions they need."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.touch_matrix.settings import Config
from csworkbench.errors import ConfigError, Problem, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot


def began(result: Any) -> "pd.DataFrame":
    """Return where each account was when the week began: name, csm, tier, stage and entered_on, by account_id.

    Args:
        result: The result of `segments`.
    """
    import pandas as pd

    then = result.tables["week_start"].set_index("account_id").sort_index()
    about = result.tables["accounts"].set_index("account_id")[["name", "csm"]].reindex(then.index)
    found: pd.DataFrame = then.assign(entered_on=pd.to_datetime(then["entered_on"])).join(about)
    return found


def placed(snapshot: "Snapshot", config: Config, result: Any) -> "pd.DataFrame":
    """Return where each account is: name, csm, tier, stage, entered_on, industry and cell, by account_id.

    Args:
        snapshot: The book at the date of the page.
        config: Attribute of the policy cells.
        result: The result of `segments`.
    """
    import pandas as pd

    from csworkbench.features.dated import with_columns

    columns = ["account_id", "name", "csm", "tier", "stage", "entered_on"]
    accounts: pd.DataFrame = result.tables["accounts"][columns].set_index("account_id").sort_index()
    accounts = accounts.assign(entered_on=pd.to_datetime(accounts["entered_on"]))
    kinds = with_columns(snapshot.tables["accounts"], industry="string")
    trades = kinds.select("account_id", industry=kinds.industry.cast("string")).to_pandas().set_index("account_id")
    accounts = accounts.assign(industry=trades["industry"].astype("str").reindex(accounts.index))
    if not config.kpi_by:
        return accounts.assign(cell=accounts["tier"])
    table = with_columns(snapshot.tables["accounts"], **{config.kpi_by: "string"})
    found = table.select("account_id", by=table[config.kpi_by].cast("string")).to_pandas().set_index("account_id")["by"]
    by = found.reindex(accounts.index).fillna("not known")
    return accounts.assign(cell=accounts["tier"].astype("str") + ", " + by.astype("str"))


def check_names(config: Config, stages: Sequence[str]) -> None:
    """Refuse actions of a stage that segments does not have; a tier may be empty today.

    Args:
        config: Actions.
        stages: Stages of `segments`.

    Raises:
        ConfigError: an action names an unknown stage.
    """
    problems = [
        Problem(
            f"segments has no stage '{action.stage}'",
            key=f"matrix.{place}.stage",
            hint=did_you_mean(action.stage, stages, f"it has {', '.join(stages)}"),
        )
        for place, action in enumerate(config.matrix)
        if action.stage not in stages
    ]
    if problems:
        raise ConfigError(*problems)


def needs(snapshot: "Snapshot", config: Config, accounts: "pd.DataFrame") -> "pd.DataFrame":
    """Return who needs what: action, account_id.

    Args:
        snapshot: The book at the date of the page.
        config: Actions and what their conditions read.
        accounts: Stage and tier, by account_id.

    Raises:
        ConfigError: a condition reads an attribute that is not there, or tests it in a way that does not fit.
    """
    import pandas as pd

    from csworkbench.filters import absent, accounts_at, check, fits

    asked = {action.id: action.where for action in config.matrix if action.where is not None}
    wanted = {name for condition in asked.values() for name in condition.attributes()}
    table = accounts_at(snapshot, (snapshot.as_of,), wanted=wanted, measures=config.measures)
    keys = {action.id: f"matrix.{place}.where" for place, action in enumerate(config.matrix)}
    check({keys[name]: condition for name, condition in asked.items()}, table)
    gone = absent(snapshot, wanted, config.measures)
    columns = {f"fit_{place}": fits(condition, table, gone) for place, condition in enumerate(asked.values())}
    fit = table.select("account_id", **columns).to_pandas().set_index("account_id").reindex(accounts.index)
    fit = fit.fillna(False).astype(bool).set_axis(list(asked), axis=1)
    parts = [pd.DataFrame({"action": pd.Series(dtype="str"), "account_id": pd.Series(dtype="str")})]
    for action in config.matrix:
        is_in = accounts["stage"].eq(action.stage) & (accounts["tier"].isin(action.tiers) | (not action.tiers))
        chosen = accounts.index[is_in & fit[action.id]] if action.id in fit else accounts.index[is_in]
        parts.append(pd.DataFrame({"action": action.id, "account_id": chosen}))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
