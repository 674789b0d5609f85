"""How full the weeks of each CSM are, how much of the work repeats itself, and where the center gets in the way."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from csworkbench import formats
from csworkbench.analyses.touch_matrix.settings import Config
from csworkbench.analyses.touch_matrix.touching import ordered
from csworkbench.estimates import say

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from csworkbench.analyses.touch_matrix.evidence import Inputs
    from csworkbench.asof import Snapshot

WEEK_DAYS = 7
CENTRAL = ("central", "marketing")
MORE, LESS, ALIKE, ALONE = "more than the others", "less than the others", "no difference to tell", "nobody to compare"
NO_CAPACITY, TOO_FEW = "capacity not known", "not compared"
COLUMNS = [
    "csm_id", "csm", "people", "accounts", "weeks", "minutes", "capacity", "load_share", "load_low", "load_high",
    "planned", "planned_share", "against", "touches", "repetition_share", "repetition_low", "repetition_high",
    "overlaps", "overlap_minutes", "overlap_share", "load", "repetition",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What people did and have before them.

    Args:
        touches: Touches by people of the last weeks: touch_id, csm_id, account_id, week (0 = the newest), minutes,
            guidance (content or rule; missing = none is recorded), is_overlap (the center or marketing touched the same
            contact right before or after, within days).
        tasks: Tasks done in those weeks: csm_id, week.
        planned: What is planned for the week after the date: kind, csm_id.
        people: By csm_id: name, capacity (minutes of a week, missing = not known), accounts (looked after on the date).
    """

    touches: "pd.DataFrame"
    tasks: "pd.DataFrame"
    planned: "pd.DataFrame"
    people: "pd.DataFrame"


def work(snapshot: "Snapshot", config: Config, touches: "ir.Table") -> Work:
    """Return what people did in the last weeks and have planned, and who they are.

    Args:
        snapshot: The book at the date of the page.
        config: Weeks, roles of pools, days of an overlap.
        touches: Touches, from `touching.sent`.
    """
    from csworkbench.features import owners, planned

    owned = owners(snapshot)
    after = snapshot.as_of + timedelta(days=1)
    ahead = planned(snapshot, after, snapshot.as_of + timedelta(days=WEEK_DAYS))
    ahead = ahead.assign(csm_id=ahead["csm_id"].fillna(ahead["account_id"].map(owned.to_dict())))
    first = snapshot.as_of - timedelta(days=config.load.weeks * WEEK_DAYS - 1)
    return Work(
        _by_people(snapshot, config, touches.filter(touches.sent_on >= first)),
        _tasks_done(snapshot, config, owned),
        ahead[["kind", "csm_id"]],
        _people(snapshot, config, owned),
    )


def _by_people(snapshot: "Snapshot", config: Config, touches: "ir.Table") -> "pd.DataFrame":
    import ibis

    order = {"group_by": touches.contact_id, "order_by": [touches.sent_at, touches.touch_id]}
    beside = touches.mutate(
        before=touches.initiator.lag().over(**order), before_on=touches.sent_on.lag().over(**order),
        after=touches.initiator.lead().over(**order), after_on=touches.sent_on.lead().over(**order),
    )  # fmt: skip
    days = config.overlap_days
    follows = beside.before.isin(CENTRAL) & (beside.sent_on.delta(beside.before_on, unit="day") < days)
    precedes = beside.after.isin(CENTRAL) & (beside.after_on.delta(beside.sent_on, unit="day") < days)
    is_overlap = (follows.fill_null(False) | precedes.fill_null(False)) & beside.contact_id.notnull()  # noqa: PD004 - an expression of the engine
    rows = beside.mutate(
        guidance=beside.content_id.coalesce(beside.rule),
        is_overlap=is_overlap & (beside.initiator == ibis.literal("csm")).fill_null(False),
    ).filter(beside["mode"] == "human", beside.csm_id.notnull())  # noqa: PD004 - an expression of the engine
    columns = ["touch_id", "csm_id", "account_id", "sent_on", "minutes", "guidance", "is_overlap"]
    return _in_weeks(ordered(rows.select(columns), ["touch_id"]), "sent_on", snapshot)


def _in_weeks(rows: "pd.DataFrame", column: str, snapshot: "Snapshot") -> "pd.DataFrame":
    """Return rows with the week they fall into, 0 = the seven days up to the date."""
    import pandas as pd

    ago = (pd.Timestamp(snapshot.as_of) - pd.to_datetime(rows[column])).dt.days
    return rows.assign(week=(ago // WEEK_DAYS).astype("int64")).drop(columns=column)


def _tasks_done(snapshot: "Snapshot", config: Config, owned: "pd.Series[str]") -> "pd.DataFrame":
    import ibis
    import pandas as pd

    from csworkbench.asof import with_local_day
    from csworkbench.features.dated import with_columns

    if "tasks" not in snapshot.tables:
        return pd.DataFrame({"csm_id": pd.Series(dtype="str"), "week": pd.Series(dtype="int64")})
    first = snapshot.as_of - timedelta(days=config.load.weeks * WEEK_DAYS - 1)
    tasks = with_columns(snapshot.tables["tasks"], csm_id="string", done_at="timestamp", account_id="string")
    closed = with_local_day(tasks.drop_null("done_at"), "done_at", snapshot.workspace.timezone)
    late = closed.filter(closed.local_day >= ibis.literal(first))
    rows = ordered(late.select("csm_id", "account_id", "local_day"), ["local_day", "account_id"])
    rows = rows.assign(csm_id=rows["csm_id"].fillna(rows["account_id"].map(owned.to_dict()))).dropna(subset="csm_id")
    return _in_weeks(rows[["csm_id", "local_day"]], "local_day", snapshot)


def _people(snapshot: "Snapshot", config: Config, owned: "pd.Series[str]") -> "pd.DataFrame":
    """Return name, capacity and accounts of the people who look after accounts, pools apart, by csm_id."""
    import pandas as pd

    from csworkbench.features.dated import with_columns

    counts = owned.value_counts()
    if "csms" not in snapshot.tables:
        frame = pd.DataFrame(index=counts.sort_index().index).assign(name=None, capacity=float("nan"), role=None)
    else:
        table = with_columns(
            snapshot.tables["csms"], name="string", role="string", capacity_minutes_week="float64"
        ).rename(capacity="capacity_minutes_week")
        frame = ordered(table.select("csm_id", "name", "role", "capacity"), ["csm_id"]).set_index("csm_id")
    frame = frame.assign(accounts=counts.reindex(frame.index).fillna(0).astype("int64"))
    kept = frame[~frame["role"].isin(config.pool_roles) & (frame["accounts"] > 0)]
    kept = kept.assign(name=kept["name"].fillna(kept.index.to_series()))
    return kept[["name", "capacity", "accounts"]].astype({"name": "str", "capacity": "float64"})


def csm_load_table(inputs: "Inputs", config: Config) -> "pd.DataFrame":
    """Return how full the weeks of each CSM are, by name and not by load: small differences are no ranking.

    Args:
        inputs: Work of the last weeks and of the week ahead.
        config: Minutes of a task, least accounts, level of the intervals.

    Returns:
        One row per CSM with accounts, by name; those below `least_accounts` are one row together, without id and name:
        csm_id, csm, people, accounts, weeks (that are added up), minutes (recorded, of an average week), capacity
        (minutes of a week), load_share (of capacity; missing: capacity not known), load_low, load_high (Student's
        interval, weeks as units), planned (minutes of the week ahead), planned_share (of capacity), against (the others
        in the same weeks, in words, Holm's correction over CSMs), touches, repetition_share (touches whose content or
        rule the same person brought to `repeats` accounts or more), repetition_low, repetition_high (Wilson's interval,
        accounts as units), overlaps (touches that met one of the center or of marketing), overlap_minutes (theirs, of
        an average week), overlap_share (of capacity), load and repetition (the estimates in words).
    """
    import pandas as pd

    people = inputs.work.people
    is_named = people["accounts"] >= config.load.least_accounts
    groups = [((who, person["name"]), [who]) for who, person in people[is_named].sort_values("name").iterrows()]
    rest = list(people.index[~is_named])
    minutes = _minutes(inputs.work, config)
    against = _against(minutes, people[is_named], config)
    lines = [_line(name, members, ((inputs.work, inputs.language), minutes, config)) for name, members in groups]
    if rest:
        words = say("fewer than {least:n account|accounts} each", least=config.load.least_accounts)
        name = (None, formats.text(words, inputs.language))
        lines.append(_line(name, rest, ((inputs.work, inputs.language), minutes, config)))
    table = pd.DataFrame(lines, columns=[name for name in COLUMNS if name != "against"])
    told = table["csm_id"].map(against).fillna(TOO_FEW).mask(table["capacity"].isna(), NO_CAPACITY)
    kinds = dict.fromkeys(["csm_id", "csm", "against", "load", "repetition"], "str")
    return table.assign(against=told)[COLUMNS].astype(kinds | dict.fromkeys(_NUMBERS, "float64"))


_NUMBERS = [
    "minutes", "capacity", "load_share", "load_low", "load_high", "planned", "planned_share", "repetition_share",
    "repetition_low", "repetition_high", "overlap_minutes", "overlap_share",
]  # fmt: skip


def _minutes(done: Work, config: Config) -> "pd.DataFrame":
    """Return minutes of each person (columns) and week (rows, all of them)."""
    import pandas as pd

    rows = pd.concat([done.touches[["week", "csm_id", "minutes"]], done.tasks.assign(minutes=config.load.task)])
    total = rows.pivot_table(index="week", columns="csm_id", values="minutes", aggfunc="sum")
    found: pd.DataFrame = total.reindex(index=range(config.load.weeks), columns=done.people.index)
    return found.fillna(0.0).astype(float)


def _line(
    name: tuple[Any, Any], members: list[Any], given: "tuple[tuple[Work, str], pd.DataFrame, Config]"
) -> tuple[Any, ...]:
    """Return the cells of one CSM, or of several who are added up, without `against`."""
    import pandas as pd

    from csworkbench.features.estimating import ratio_of, share_of_rows

    (done, language), minutes, config = given
    about = done.people.loc[members]
    room, weekly = float(about["capacity"].sum(min_count=len(members))), minutes[members].sum(axis=1)
    full = ratio_of(weekly, pd.Series(room, index=weekly.index).fillna(0.0), config.level)
    ahead = done.planned[done.planned["csm_id"].isin(members)]["kind"]
    each = {kind: getattr(config.load, kind) for kind in ("task", "meeting", "plan_step")}
    coming = float(ahead.map(each).astype(float).sum())
    rows = done.touches[done.touches["csm_id"].isin(members)]
    reach = rows.dropna(subset="guidance").groupby(["csm_id", "guidance"])["account_id"].transform("nunique")
    is_repeated = (reach >= config.load.repeats).reindex(rows.index).fillna(value=False)
    again = share_of_rows(is_repeated, rows["account_id"], config.level)
    met = rows[rows["is_overlap"]]
    lost = float(met["minutes"].sum()) / config.load.weeks
    return (
        *name, len(members), int(about["accounts"].sum()), config.load.weeks, float(weekly.mean()), room, full.value,
        full.low, full.high, coming, coming / room if room > 0 else None, len(rows), again.value, again.low, again.high,
        len(met), lost, lost / room if room > 0 else None,
        *(formats.estimate(each, language) for each in (full, again)),
    )  # fmt: skip


def _against(minutes: "pd.DataFrame", people: "pd.DataFrame", config: Config) -> dict[Any, str]:
    """Return how the load of each compares with that of the others in the same weeks, in words, by csm_id.

    The paired t-test over weeks of the load less the mean load of the others, with Holm's correction over people.
    """
    from scipy.stats import ttest_1samp

    from csworkbench.inference.multiplicity import holm

    known = people[people["capacity"] > 0]
    if len(known) < 2:
        return dict.fromkeys(known.index, ALONE)
    loads = minutes[list(known.index)] / known["capacity"]
    others = loads.rsub(loads.sum(axis=1), axis=0) / (len(known) - 1)
    gaps = loads - others
    varies = [who for who in gaps if gaps[who].std() > 0]
    p = [float(ttest_1samp(gaps[who], 0.0).pvalue) for who in varies]
    adjusted = dict(zip(varies, holm(p).p, strict=True)) if p else {}
    told = {}
    for who in known.index:
        is_told = adjusted.get(who, 1.0) <= 1 - config.level
        told[who] = ALIKE if not is_told else MORE if gaps[who].mean() > 0 else LESS
    return told
