"""Who was drawn into an experiment: one row per unit, with the reason why a unit cannot be read."""

from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, with_local_day
from csworkbench.errors import AnalysisError, Problem
from csworkbench.experiments.design import Experiment, KnownColumn
from csworkbench.experiments.outcomes import ColumnValue

if TYPE_CHECKING:
    import ibis.expr.types as ir

TWO_ARMS = "drawn into two arms"
OTHER_UNIT = "another kind of unit"
UNKNOWN_VARIANT = "unknown variant"
OUTSIDE = "drawn outside the period"
GONE = "not in the book (merged or deleted)"
NOBODY = "nobody could be reached"


def enrolled(snapshot: Snapshot, experiment: Experiment) -> "ir.Table":
    """Return the units of an experiment as they were drawn.

    Args:
        snapshot: The book as of a date, with experiment_units.
        experiment: The experiment.

    Returns:
        One row per unit: unit_id, account_id (the unit itself where contacts belong to no known account), variant,
        stratum ("" = one group), assigned_at, assigned_on (calendar day of the workspace), eligible (contacts that
        could be reached, fixed at the draw; float64), why (reason to leave the unit out, "" = it is read), the columns
        of outcomes and covariates, and the segments. A unit that stands in two arms is one row.

    Raises:
        AnalysisError: a column the experiment names is not in its table.
    """
    import ibis

    units, extra = _rows(snapshot, experiment)
    tied = _with_account(snapshot, experiment, units)
    eligible = ibis.literal(1.0)
    if experiment.unit == "account":
        recorded = tied.eligible_contacts if "eligible_contacts" in tied.columns else ibis.null("int64")
        tied, counted = _with_people(snapshot, tied)
        eligible = recorded.name("eligible").cast("float64").coalesce(counted)
    arms = [arm.name for arm in experiment.arms]
    why = ibis.cases(
        (tied.variants > 1, TWO_ARMS),
        (tied.unit != experiment.unit, OTHER_UNIT),
        (tied.variant.notin(arms), UNKNOWN_VARIANT),
        (
            (tied.assigned_on < ibis.literal(experiment.first_day))
            | (tied.assigned_on > ibis.literal(experiment.last_day)),
            OUTSIDE,
        ),
        (~tied.is_known, GONE),
        (eligible <= 0, NOBODY),
        else_="",
    )
    named = ["unit_id", "account_id", "variant", "stratum", "assigned_at", "assigned_on"]
    chosen = tied.select(*named, *extra, *experiment.segments, eligible=eligible, why=why)
    return chosen.order_by("unit_id")


def _rows(snapshot: Snapshot, experiment: Experiment) -> "tuple[ir.Table, list[str]]":
    """Return one row per unit, the earliest of several, with the number of its variants and the columns asked for."""
    import ibis

    table = snapshot.tables["experiment_units"]
    extra = _columns(experiment)
    lost = [name for name in extra if name not in table.columns]
    if lost:
        hint = "declare it under extra of experiment_units in the workspace"
        problems = [Problem("there is no such column in experiment_units", key=name, hint=hint) for name in lost]
        raise AnalysisError(*problems)
    rows = table.filter(table.experiment_id == experiment.id)
    stratum = rows.stratum.fill_null("") if "stratum" in rows.columns else ibis.literal("")
    rows = with_local_day(rows.mutate(stratum=stratum), "assigned_at", snapshot.workspace.timezone)
    rows = rows.rename(assigned_on="local_day")
    kinds = rows.group_by("unit_id").agg(variants=rows.variant.nunique())
    place = ibis.row_number().over(group_by=rows.unit_id, order_by=[rows.assigned_at, rows.variant])
    first = rows.mutate(place=place).filter(ibis._.place == 0).drop("place")
    return first.inner_join(kinds, "unit_id"), extra


def _columns(experiment: Experiment) -> list[str]:
    names: list[str] = []
    for metric in experiment.metrics:
        if isinstance(metric.outcome, ColumnValue):
            names.append(metric.outcome.column)
        if isinstance(metric.covariate, KnownColumn):
            names += [
                metric.covariate.column,
                *([metric.covariate.measured_at] if metric.covariate.measured_at else []),
            ]
    return list(dict.fromkeys(names))


def _with_account(snapshot: Snapshot, experiment: Experiment, units: "ir.Table") -> "ir.Table":
    """Return the units with account_id, is_known (the book knows the unit) and the columns of segments."""
    accounts = snapshot.tables["accounts"]
    lost = [name for name in experiment.segments if name not in accounts.columns]
    if lost:
        hint = f"accounts has {', '.join(accounts.columns)}"
        raise AnalysisError(*(Problem("there is no such column in accounts", key=name, hint=hint) for name in lost))
    traits = accounts.select("account_id", *experiment.segments).rename(own_account="account_id")
    is_tied = experiment.unit == "account"
    if not is_tied and "contacts" in snapshot.tables:
        contacts = snapshot.tables["contacts"].select(person="contact_id", works_for="account_id")
        units = units.left_join(contacts, units.unit_id == contacts.person)
        units = units.mutate(account_id=units.works_for.coalesce(units.unit_id), is_known=units.person.notnull())
    else:
        # Without a table of contacts nothing says which of them belong together: each is on its own.
        units = units.mutate(account_id=units.unit_id, is_known=True)
    joined = units.left_join(traits, units.account_id == traits.own_account)
    return joined.mutate(is_known=joined.own_account.notnull()) if is_tied else joined


def _with_people(snapshot: Snapshot, units: "ir.Table") -> "tuple[ir.Table, ir.Value]":
    """Return the units, and how many contacts each had when it was drawn; 1 where no contacts are recorded at all."""
    import ibis

    if "contacts" not in snapshot.tables:
        return units, ibis.literal(1.0)
    contacts = snapshot.tables["contacts"]
    added = contacts.added_at if "added_at" in contacts.columns else ibis.null("timestamp")
    left = contacts.left_at if "left_at" in contacts.columns else ibis.null("timestamp")
    people = contacts.select(employer="account_id", came_at=added, gone_at=left)
    drawn = units.select("unit_id", drawn_at="assigned_at")
    both = drawn.inner_join(people, drawn.unit_id == people.employer)
    there = both.filter(
        both.came_at.isnull() | (both.came_at <= both.drawn_at), both.gone_at.isnull() | (both.gone_at > both.drawn_at)
    )
    counts = there.group_by("employer").agg(people=there.count())
    joined = units.left_join(counts, units.unit_id == counts.employer)
    return joined, joined.people.fill_null(0).cast("float64")
