"""Health of the exposure, before anybody looks at effects: does the data hold what the lot decided?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.email_touch.facts import Facts
from csworkbench.estimates import Message, Severity, say
from csworkbench.experiments import UNKNOWN_VARIANT, Experiment
from csworkbench.formats import words
from csworkbench.inference.accounts import AccountSums, CannotTell
from csworkbench.inference.effects import judge
from csworkbench.inference.multiplicity import holm
from csworkbench.inference.sample_ratio import (
    BLOCKS_BELOW,
    WARNS_BELOW,
    SampleRatio,
    sample_ratio,
    sample_ratio_slices,
)

if TYPE_CHECKING:
    import pandas as pd

ALL, STRATUM, WEEK = "all", "stratum", "week"
RATIO = ["experiment_id", "slice_kind", "slice", "variant", "units", "expected", "ratio", "p", "state"]
MOST_EARLY = 0.05  # share of units mailed before they were drawn above which the draw explains nothing


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at before the effects.

    Args:
        name: Stable name in snake_case.
        severity: None = nothing was found; note, warning, or stop: then no effect is shown.
        finding: What was found, with the numbers.
        action: What to do about it.
        p: P-value, where there is a test.
        n: Units behind it.
    """

    name: str
    severity: Severity | None
    finding: Message
    action: Message | None = None
    p: float | None = None
    n: int = 0


def read_units(facts: Facts) -> "pd.DataFrame":
    """Return the units that are read: those without a reason to be left out."""
    return facts.units[facts.units["why"] == ""]


def ratio_table(experiment: Experiment, facts: Facts) -> "pd.DataFrame":
    """Return the units of each arm against what the lot should have given: overall, per stratum and per week.

    Args:
        experiment: The experiment.
        facts: What is known of it.

    Returns:
        One row per slice and arm: experiment_id, slice_kind (all, stratum, week), slice (name, or first day of the
        week), variant, units, expected, ratio (units over expected), p (missing where too few are expected; strata and
        weeks adjusted by Holm), state (ok, warn, block, too few).
    """
    import pandas as pd

    units = read_units(facts)
    named = {ALL: pd.Series(ALL, index=units.index), WEEK: week_of(units["assigned_on"])}
    if experiment.strata:
        named[STRATUM] = units["stratum"]
    # One slice says what the whole says.
    named = {kind: names for kind, names in named.items() if kind == ALL or len(set(names)) > 1}
    parts = [_slices(experiment, units, kind, named[kind]) for kind in (ALL, WEEK, STRATUM) if kind in named]
    return pd.DataFrame([row for part in parts for row in part], columns=RATIO).astype(
        {"units": int, "expected": float, "ratio": float, "p": float}
    )


def week_of(days: "pd.Series[Any]") -> "pd.Series[str]":
    """Return the Monday of the week of each day, ISO.

    Args:
        days: Days.
    """
    import pandas as pd

    dated = pd.to_datetime(days)
    return (dated - pd.to_timedelta(dated.dt.dayofweek, unit="D")).dt.strftime("%Y-%m-%d")


def _slices(
    experiment: Experiment, units: "pd.DataFrame", kind: str, names: "pd.Series[str]"
) -> Iterator[tuple[object, ...]]:
    arms = [arm.name for arm in experiment.arms]
    weights = [arm.weight for arm in experiment.arms]
    counts = {
        str(name): [int((rows["variant"] == arm).sum()) for arm in arms]
        for name, rows in units.groupby(names, sort=True)
    }
    found: Any = (
        {name: sample_ratio(each, weights) for name, each in counts.items()}
        if kind == ALL
        else sample_ratio_slices(counts, weights)
    )
    for name, observed in counts.items():
        told = found[name]
        for arm, weight, n in zip(arms, weights, observed, strict=True):
            expected = sum(observed) * weight / sum(weights)
            is_told = isinstance(told, SampleRatio)
            state, p = (told.state.value, told.p) if is_told else ("too few", float("nan"))
            yield experiment.id, kind, name, arm, n, expected, n / expected, p, state


def reconciliation(experiment: Experiment, facts: Facts) -> "pd.DataFrame":
    """Return what became of every unit that was drawn: read, or left out for a named reason, per arm.

    Args:
        experiment: The experiment.
        facts: What is known of it.

    Returns:
        One row per variant and reason: experiment_id, variant, metric ("" = the experiment as a whole), outcome (read,
        or the reason), units. For each metric the rows of an arm add up to the units of that arm that are read.
    """
    import pandas as pd

    units = facts.units
    parts = [units.assign(metric="", outcome=units["why"].replace("", "read"))]
    for metric in experiment.metrics:
        if metric.name in facts.metrics:
            why = facts.metrics[metric.name]["why"]
            is_read = (units["why"] == "").to_numpy()
            parts.append(units[is_read].assign(metric=metric.name, outcome=why[is_read].replace("", "read")))
    rows = pd.concat(parts)
    counts = rows.groupby(["metric", "variant", "outcome"], sort=False).size().rename("units").reset_index()
    counts.insert(0, "experiment_id", experiment.id)
    return counts[["experiment_id", "variant", "metric", "outcome", "units"]]


def checks(
    experiment: Experiment, facts: Facts, ratios: "pd.DataFrame", others: Mapping[str, "set[str]"], seed: int
) -> tuple[Check, ...]:
    """Return everything that is looked at before the effects, in the order of the page.

    Args:
        experiment: The experiment.
        facts: What is known of it.
        ratios: What `ratio_table` returned.
        others: Name of each experiment of the same days -> its accounts.
        seed: Seed of permutations.
    """
    return (
        *_sample_ratios(experiment, ratios),
        *_reconciled(experiment, facts),
        *_exposed_twice(experiment, facts),
        *_mailed_early(facts),
        *_shared(facts, others),
        *_delivery(experiment, facts, seed),
        *_registered(experiment),
    )


def _sample_ratios(experiment: Experiment, ratios: "pd.DataFrame") -> Iterator[Check]:
    for kind in (ALL, WEEK, STRATUM):
        rows = ratios[(ratios["slice_kind"] == kind)]
        told = rows[rows["p"].notna()]
        if rows.empty:
            continue
        if told.empty:
            yield Check(f"sample_ratio_{kind}", Severity.NOTE, say("Too few units to check the ratio of the arms"))
            continue
        p = float(told["p"].min())
        worst = told[told["slice"] == told.loc[told["p"] == p, "slice"].iloc[0]]
        severity = Severity.STOP if p < BLOCKS_BELOW else Severity.WARNING if p < WARNS_BELOW else None
        yield Check(
            f"sample_ratio_{kind}",
            severity,
            _ratio_words(experiment, worst, kind, p),
            _CAUSES if severity else None,
            p,
            int(worst["units"].sum()),
        )


_CAUSES = say(
    "Do not read the effects. Compare the list the lot wrote with the table: accounts of one arm that bounced, "
    "unsubscribed, hit a frequency cap or were merged after the draw must stay in it"
)


def _ratio_words(experiment: Experiment, worst: "pd.DataFrame", kind: str, p: float) -> Message:
    seen = [f"{experiment.arm(name).label} {n:,}" for name, n in zip(worst["variant"], worst["units"], strict=True)]
    due = [f"{n:,.0f}" for n in worst["expected"]]
    words = {"seen": "; ".join(seen), "due": " : ".join(due), "p": short_p(p)}
    if kind == ALL:
        return say("{seen}; the lot should have given {due} (p {p})", **words)
    where = worst["slice"].iloc[0]
    if kind == WEEK:
        return say("Least like the lot in the week of {where:date}: {seen}, due {due} (p {p})", where=where, **words)
    return say("Least like the lot in {where}: {seen}, due {due} (p {p})", where=where, **words)


def short_p(p: float) -> str:
    """Return a p-value for a reader: two digits, four where it is small."""
    return words("below 0.0001") if p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"


def _reconciled(experiment: Experiment, facts: Facts) -> Iterator[Check]:
    why = facts.units["why"]
    lost = why[why != ""].value_counts()
    n = len(why)
    finding = say(
        "{n:n unit|units} drawn = {read:count} read + {lost:count} left out",
        n=n,
        read=n - int(lost.sum()),
        lost=int(lost.sum()),
    )
    if not len(lost):
        yield Check("reconciliation", None, finding, n=n)
        return
    reasons = [f"{count:,} {reason}" for reason, count in lost.items()]
    finding = say(
        "{n:n unit|units} drawn = {read:count} read + {lost:count} left out: {reasons:list}",
        n=n,
        read=n - int(lost.sum()),
        lost=int(lost.sum()),
        reasons=reasons,
    )
    action = say("See the table of who was left out; more in one arm than in another is a broken draw")
    strange = sorted(set(facts.units.loc[why == UNKNOWN_VARIANT, "variant"]))
    if strange:
        known = [arm.name for arm in experiment.arms]
        action = say("Nobody knows the variant {strange:list}; the arms are {known:list}", strange=strange, known=known)
    yield Check("reconciliation", Severity.WARNING, finding, action, n=n)


def _exposed_twice(experiment: Experiment, facts: Facts) -> Iterator[Check]:
    mails = facts.funnel
    holdouts = [arm.name for arm in experiment.arms if arm.is_holdout]
    if "as_other" not in mails.columns:
        return
    wrong = mails[(mails["as_other"] > 0) | mails["variant"].isin(holdouts)]
    n = int(wrong["unit_id"].nunique())
    if not n:
        yield Check("double_exposure", None, say("Nobody got a mail of another arm"), n=len(facts.units))
        return
    yield Check(
        "double_exposure",
        Severity.WARNING,
        say("{n:n unit|units} got a mail of another arm than the one drawn; they count as drawn", n=n),
        say("Find out who sent it: effects are smaller than they would be"),
        n=n,
    )


def _mailed_early(facts: Facts) -> Iterator[Check]:
    mails = facts.funnel
    if "too_early" not in mails.columns:
        return
    early = int(mails.loc[mails["too_early"] > 0, "unit_id"].nunique())
    if early:
        many = early > MOST_EARLY * len(facts.units)
        yield Check(
            "assigned_after_mail",
            Severity.STOP if many else Severity.WARNING,
            say("{n:n unit|units} had a mail of the experiment before they were drawn", n=early),
            say("Write down the draw before the first mail; what happened before it is not counted"),
            n=early,
        )
    impossible = int(mails["early_events"].sum())
    if impossible:
        yield Check(
            "events_before_send",
            Severity.WARNING,
            say("{n:n mail has|mails have} events from before it was sent; those events are not counted", n=impossible),
            say("Check the clocks of the sending system"),
            n=impossible,
        )


def _shared(facts: Facts, others: Mapping[str, "set[str]"]) -> Iterator[Check]:
    own = set(read_units(facts)["account_id"])
    shared = {label: len(own & accounts) for label, accounts in others.items() if own & accounts}
    if shared:
        names = [f"{label} ({n:,})" for label, n in shared.items()]
        n = max(shared.values())
        said = say("Accounts are in other experiments of the same days too: {names:list}", names=names)
        yield Check("overlap", Severity.NOTE, said, n=n)


def _delivery(experiment: Experiment, facts: Facts, seed: int) -> Iterator[Check]:
    if facts.funnel.empty:
        return
    sums = mail_sums(facts)
    questions = (("delivered_share", "delivered", "sent"), ("machine_open_share", "machine_opened", "delivered"))
    for name, hits, trials in questions:
        shares = {arm.name: _share(sums, arm.name, hits, trials) for arm in experiment.arms if not arm.is_holdout}
        told = {experiment.arm(key).label: share for key, share in shares.items() if share is not None}
        p = _equality(experiment, sums, (hits, trials), seed)
        severity = Severity.WARNING if p is not None and p < WARNS_BELOW else None
        words = [f"{label} {share:.1%}" for label, share in told.items()]
        yield Check(name, severity, _share_words(name, words, p), _UNLIKE[name] if severity else None, p, len(sums))


_UNLIKE = {
    "delivered_share": say("Mails of one arm arrive less often: check addresses, bounces and what spam filters see"),
    "machine_open_share": say("Machines open mails of one arm more often: read nothing from its opens"),
}


def _share_words(name: str, shares: list[str], p: float | None) -> Message:
    words = {"shares": "; ".join(shares), "p": "not tested" if p is None else f"p {short_p(p)}"}
    if name == "delivered_share":
        return say("Delivered of sent: {shares} ({p})", **words)
    return say("Opened by machines of delivered: {shares} ({p})", **words)


def mail_sums(facts: Facts) -> "pd.DataFrame":
    """Return the steps of the mails of each unit that is read, all days together; index unit_id, with variant."""
    steps = [name for name in facts.funnel.columns if name not in {"unit_id", "variant", "content_id", "sent_on"}]
    sums = facts.funnel.groupby("unit_id")[steps].sum()
    units = read_units(facts).set_index("unit_id")
    kept = sums.loc[sums.index.intersection(units.index)]
    return kept.assign(variant=units["variant"].reindex(kept.index))


def _share(sums: "pd.DataFrame", variant: str, hits: str, trials: str) -> float | None:
    rows = sums[sums["variant"] == variant]
    number = float(rows[trials].sum())
    return float(rows[hits].sum()) / number if number else None


def _equality(experiment: Experiment, sums: "pd.DataFrame", step: tuple[str, str], seed: int) -> float | None:
    """Return the p-value of equal shares in all arms that get mail; adjusted by Holm where there are more than two."""
    trials = step[1]
    mailed = [arm.name for arm in experiment.arms if not arm.is_holdout]
    rows = sums[(sums[trials] > 0) & sums["variant"].isin(mailed)]
    found = [_p(rows, (mailed[0], other), step, seed) for other in mailed[1:]]
    told = [p for p in found if p is not None]
    return min(holm(told).p) if len(told) > 1 else next(iter(told), None)


def _p(rows: "pd.DataFrame", arms: Sequence[str], step: tuple[str, str], seed: int) -> float | None:
    pair = rows[rows["variant"].isin(arms)]
    arm = pair["variant"].isin([arms[1]]).to_numpy().astype("int64")
    if not len(pair):
        return None
    sums = AccountSums(arm, pair[step[0]].to_numpy(float), pair[step[1]].to_numpy(float))
    told = judge(sums, seed=seed)
    return None if isinstance(told, CannotTell) else told.p


def _registered(experiment: Experiment) -> Iterator[Check]:
    if experiment.preregistered is None:
        yield Check("preregistration", Severity.NOTE, say("Nobody registered the plan before the first mail"))
    elif experiment.preregistered != experiment.registered_digest:
        yield Check(
            "preregistration",
            Severity.WARNING,
            say("The file of the experiment was changed after it was registered"),
            say("Say on the page what was changed and why, or read it as it was registered"),
        )
    else:
        yield Check("preregistration", None, say("The plan is the one that was registered"))
