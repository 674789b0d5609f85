"""The draw: units with their group and what was known of them, arms by lot, and what could mix the arms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING

from csworkbench.analyses.email_design.facts import Inputs
from csworkbench.analyses.email_design.settings import Config
from csworkbench.assignment import Assigned, Contamination, Unit, assign, contaminated
from csworkbench.config import digest
from csworkbench.experiments import Experiment
from csworkbench.remembering import once

if TYPE_CHECKING:
    import pandas as pd

COARSE, FINE = 100, 100_000  # weights are taken as fractions with such denominators: small ones make even blocks
NEAR = 0.01  # how far a coarse fraction may lie from the weight, in parts of it
ASSIGNMENT = ["experiment_id", "unit_id", "unit", "stratum", "variant", "assigned_at", "eligible_contacts"]


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """Who gets what.

    Args:
        assigned: Arm of each unit, in the order of their ids.
        week: Unit -> week of the draw, from 0.
        table: Rows for experiment_units: `ASSIGNMENT`.
        people: Contacts that may be mailed, with their unit_id.
        shared: People who would meet more than one arm through several contacts.
        mixed: CSMs who look after units of more than one arm that gets mail.
    """

    assigned: tuple[Assigned, ...]
    week: Mapping[str, int]
    table: "pd.DataFrame"
    people: "pd.DataFrame"
    shared: tuple[Contamination, ...]
    mixed: tuple[Contamination, ...]


def weights(experiment: Experiment) -> dict[str, int]:
    """Return the weights of the arms as the smallest whole numbers; a holdout is an arm like any other."""
    parts = {arm.name: _fraction(arm.weight) for arm in experiment.arms}
    scale = lcm(*(part.denominator for part in parts.values()))
    whole = {name: int(part * scale) for name, part in parts.items()}
    common = gcd(*whole.values())
    return {name: number // common for name, number in whole.items()}


def _fraction(weight: float) -> Fraction:
    found = Fraction(weight).limit_denominator(COARSE)
    is_near = abs(float(found) - weight) <= NEAR * weight
    return found if is_near else Fraction(weight).limit_denominator(FINE) or Fraction(1, FINE)


def draw(inputs: Inputs, config: Config) -> Draw:
    """Return the draw of the experiment; the same settings and the same book draw the same on any machine.

    Whole accounts are drawn within their group, in blocks of like use; contacts within their account.

    Args:
        inputs: Who may be drawn.
        config: Experiment, weeks and seed.
    """
    # What is asked of the mails draws nobody: the draw stays while level, power and differences are turned.
    experiment = config.experiment.model_copy(update={"metrics": ()})
    asked = digest(config.model_copy(update={"level": 0.0, "power": 0.0, "experiment": experiment}))
    return once(inputs, ("draw", asked), lambda: _drawn(inputs, config))


def _drawn(inputs: Inputs, config: Config) -> Draw:
    experiment = config.experiment
    people = inputs.people[inputs.people["why"] == ""]
    people = people.assign(unit_id=people[f"{experiment.unit}_id"])
    units = _units(people, inputs, experiment)
    seed = f"{experiment.id}/{config.seed}"
    assigned = assign(units, weights(experiment), seed)
    week = _weeks(assigned, experiment, config.weeks, seed)
    is_by_account = experiment.unit == "account"
    members = people[["person", "unit_id"]].drop_duplicates()
    served = inputs.managers.merge(people[["account_id", "unit_id"]].drop_duplicates(), on="account_id")
    delivered = tuple(each for each in assigned if not experiment.arm(each.variant).is_holdout)
    return Draw(
        assigned,
        week,
        _table(assigned, week, people, config, inputs.starts),
        people,
        contaminated(assigned, list(members.itertuples(index=False, name=None))),
        # Within an account every CSM would meet both arms: that is the design, not a fault of it.
        contaminated(delivered, list(served[["csm_id", "unit_id"]].itertuples(index=False, name=None)))
        if is_by_account
        else (),
    )


def _units(people: "pd.DataFrame", inputs: Inputs, experiment: Experiment) -> list[Unit]:
    if experiment.unit == "contact":
        rows = people[["contact_id", "account_id"]]
        return [Unit(name, account) for name, account in rows.itertuples(index=False)]
    chosen = inputs.accounts[inputs.accounts["account_id"].isin(people["account_id"])]
    if not experiment.strata:
        chosen = chosen.assign(stratum="")
    return [Unit(*row) for row in chosen[["account_id", "stratum", "before"]].itertuples(index=False)]


def _weeks(assigned: tuple[Assigned, ...], experiment: Experiment, weeks: int, seed: str) -> dict[str, int]:
    """Return the week of each unit: whole blocks, or whole accounts, are drawn to a week."""
    if weeks == 1:
        return {each.unit_id: 0 for each in assigned}
    is_by_account = experiment.unit == "account"
    group = {each.unit_id: f"{each.stratum}/{each.block}" if is_by_account else each.stratum for each in assigned}
    turn = {f"{week:02}": 1 for week in range(weeks)}
    drawn = assign([Unit(name) for name in sorted(set(group.values()))], turn, f"{seed}/weeks")
    week_of = {each.unit_id: int(each.variant) for each in drawn}
    return {unit: week_of[name] for unit, name in group.items()}


def _table(
    assigned: tuple[Assigned, ...],
    week: Mapping[str, int],
    people: "pd.DataFrame",
    config: Config,
    starts: tuple[datetime, ...],
) -> "pd.DataFrame":
    import pandas as pd

    eligible = people.groupby("unit_id")["contact_id"].nunique().to_dict()
    experiment = config.experiment
    rows = [
        (
            experiment.id,
            each.unit_id,
            experiment.unit,
            each.stratum,
            each.variant,
            starts[week[each.unit_id]],
            eligible[each.unit_id],
        )
        for each in assigned
    ]
    frame = pd.DataFrame(rows, columns=ASSIGNMENT)
    frame["assigned_at"] = pd.to_datetime(frame["assigned_at"]).astype("datetime64[us]")
    return frame.astype({"eligible_contacts": "int64"})


def balance(drawn: Draw, inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return how alike the arms are: variant, arm, units, contacts, use_before (mean events of an account).

    Args:
        drawn: The draw.
        inputs: What was known of accounts before.
        config: The experiment.
    """
    import pandas as pd

    before = inputs.accounts.set_index("account_id")["before"]
    rows = []
    for arm in config.experiment.arms:
        mine = drawn.table[drawn.table["variant"] == arm.name]
        accounts = drawn.people.loc[drawn.people["unit_id"].isin(mine["unit_id"]), "account_id"]
        use = before.reindex(accounts.unique()).mean() if len(accounts) else float("nan")
        rows.append((arm.name, arm.label, len(mine), int(mine["eligible_contacts"].sum()), use))
    return pd.DataFrame(rows, columns=["variant", "arm", "units", "contacts", "use_before"])
