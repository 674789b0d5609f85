"""The tables of the experiment page."""

from collections.abc import Iterator, Sequence
from math import nan
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.email_touch.comparing import Line
from csworkbench.analyses.email_touch.exposure import Check, mail_sums, read_units, reconciliation, week_of
from csworkbench.analyses.email_touch.facts import Inputs
from csworkbench.analyses.email_touch.reading import Reading
from csworkbench.estimates import say
from csworkbench.experiments import unit_of
from csworkbench.features.estimating import share_of
from csworkbench.formats import text
from csworkbench.inference.effects import Method

if TYPE_CHECKING:
    import pandas as pd

EFFECTS = [
    "experiment_id", "metric", "variant", "control", "value_variant", "value_control", "effect", "low", "high", "p",
    "p_adjusted", "n_units", "hypothesis", "method", "role", "state", "unit", "low_adjusted", "high_adjusted",
    "level_adjusted", "relative_effect", "relative_low", "relative_high", "variance_kept", "reason",
]  # fmt: skip
STEPS = (
    ("delivered", "delivered", "sent"),
    ("opened_raw", "opened by anybody", "delivered"),
    ("opened_human", "opened at least", "delivered"),
    ("opened_most", "opened at most", "delivered"),
    ("clicked", "clicked", "delivered"),
    ("replied", "replied", "delivered"),
    ("unsubscribed", "unsubscribed", "delivered"),
)
QUALITY = ("delivered",)  # steps that tell nothing of the answer, so that a running experiment may show them
FUNNEL = ["experiment_id", "variant", "week", "step", "label", "share", "low", "high", "hits", "mails", "n_units"]
CHECKS = ["experiment_id", "experiment", "check", "state", "finding", "action", "p", "n"]
WORDS = {None: "ok", "note": "note", "warning": "warning", "stop": "stop"}


def verdict_table(readings: Sequence[Reading]) -> "pd.DataFrame":
    """Return one row per experiment: experiment_id, experiment, verdict, in_words, units, last_day."""
    import pandas as pd

    rows = [
        (
            each.experiment.id,
            each.experiment.label,
            each.verdict.value,
            text(each.sentence),
            len(read_units(each.facts)),
            pd.Timestamp(each.experiment.last_day),
        )
        for each in readings
    ]
    return pd.DataFrame(rows, columns=["experiment_id", "experiment", "verdict", "in_words", "units", "last_day"])


def check_table(readings: Sequence[Reading]) -> "pd.DataFrame":
    """Return what was looked at before the effects, columns as in `email_touch.Result`."""
    import pandas as pd

    rows = [_check_row(each, check) for each in readings for check in each.checks]
    return pd.DataFrame(rows, columns=CHECKS).astype({"p": float})


def _check_row(reading: Reading, check: Check) -> tuple[object, ...]:
    experiment = reading.experiment
    action = text(check.action) if check.action else ""
    p = nan if check.p is None else check.p
    return experiment.id, experiment.label, check.name, WORDS[check.severity], text(check.finding), action, p, check.n


def ratio_frame(readings: Sequence[Reading]) -> "pd.DataFrame":
    """Return the sample ratios of all experiments, columns as `exposure.ratio_table`."""
    import pandas as pd

    return pd.concat([each.ratios for each in readings], ignore_index=True)


def week_frame(readings: Sequence[Reading]) -> "pd.DataFrame":
    """Return the units of each arm over those the lot should have given, week by week: week, arm, ratio."""
    import pandas as pd

    rows = pd.concat([_weeks(each.ratios).assign(label=each.experiment.label) for each in readings])
    week = rows["slice"].str.slice(-5) + " " + rows["label"]
    return pd.DataFrame({"week": week, "arm": rows["variant"], "ratio": rows["ratio"]}).reset_index(drop=True)


def _weeks(ratios: "pd.DataFrame") -> "pd.DataFrame":
    """Return the weeks, or the whole where all units were drawn in one."""
    weeks = ratios[ratios["slice_kind"] == "week"]
    return weeks if len(weeks) else ratios[ratios["slice_kind"] == "all"]


def reconciliation_frame(readings: Sequence[Reading]) -> "pd.DataFrame":
    """Return what became of every unit that was drawn, columns as `exposure.reconciliation`."""
    import pandas as pd

    return pd.concat([reconciliation(each.experiment, each.facts) for each in readings], ignore_index=True)


def effect_frame(lines: Sequence[tuple[Reading, Line]]) -> "pd.DataFrame":
    """Return comparisons, columns as in `email_touch.Result`; shares and differences of shares are 0 to 1."""
    import pandas as pd

    rows = [_effect_row(reading, line) for reading, line in lines]
    texts = {"experiment_id", "metric", "variant", "control", "hypothesis", "method", "role", "state", "unit", "reason"}
    kinds: dict[str, Any] = {name: float for name in EFFECTS if name not in texts | {"n_units"}}
    return pd.DataFrame(rows, columns=EFFECTS).astype(kinds)


def _effect_row(reading: Reading, line: Line) -> tuple[object, ...]:
    effect, relative = line.effect, line.relative
    low, high = line.bounds or (None, None)
    adjusted, coverage = line.adjusted
    values = (effect.value_variant, effect.value_control) if effect else line.seen
    return (
        reading.experiment.id,
        line.metric.name,
        line.variant,
        line.control,
        *values,
        effect.value if effect else None,
        low,
        high,
        line.p,
        line.p_adjusted,
        line.n_units,
        line.hypothesis,
        _method(line),
        line.metric.role,
        line.state,
        unit_of(line.metric.outcome),
        *(adjusted or (None, None)),
        coverage,
        *((relative.value, relative.low, relative.high) if relative else (None, None, None)),
        effect.variance_kept if effect else None,
        text(line.reason) if line.reason else "",
    )


def _method(line: Line) -> str:
    if line.effect is None:
        return Method.DESCRIPTIVE.value
    return (
        f"{line.effect.method.value} with covariate"
        if line.effect.variance_kept is not None
        else line.effect.method.value
    )


def forest_frame(readings: Sequence[Reading]) -> "pd.DataFrame":
    """Return the effects on shares that are tested, for a picture: name, effect, low, high, all in percentage points.

    The intervals are those that allow for the other tests, so that those which leave out 0 are those that are decided.
    """
    import pandas as pd

    rows = [
        (_name(each, line, is_alone=len(readings) == 1), line.effect.value, *(line.adjusted[0] or (nan, nan)))
        for each in readings
        for line in each.lines
        if line.effect is not None and line.metric.role in ("primary", "secondary")
        if unit_of(line.metric.outcome) == "share"
    ]
    frame = pd.DataFrame(rows, columns=["name", "effect", "low", "high"])
    return frame.assign(**{name: 100 * frame[name].astype(float) for name in ("effect", "low", "high")})


def _name(reading: Reading, line: Line, *, is_alone: bool) -> str:
    """Return a short name of a comparison; the picture has room for some 25 letters."""
    name = line.metric.name if is_alone else f"{reading.experiment.label}: {line.metric.name}"
    return f"{name}, {line.variant}" if len(reading.experiment.variants(line.metric)) > 1 else name


def funnel_frame(readings: Sequence[Reading], level: float) -> "pd.DataFrame":
    """Return what became of the mails of each arm, all weeks together and week by week.

    Args:
        readings: The experiments.
        level: Coverage of intervals, which allow for accounts.

    Returns:
        One row per experiment, arm, week ("all", or first day of the week of sending) and step; columns as in
        `email_touch.Result`. While an experiment runs, and where its draw is broken, what was delivered only.
    """
    import pandas as pd

    rows = [row for each in readings for row in _funnel_rows(each, level)]
    return pd.DataFrame(rows, columns=FUNNEL).astype({"share": float, "low": float, "high": float})


def _funnel_rows(reading: Reading, level: float) -> Iterator[tuple[object, ...]]:
    mails = reading.facts.funnel
    if mails.empty:
        return
    weeks = week_of(mails["sent_on"])
    known = mails["unit_id"].isin(read_units(reading.facts)["unit_id"])
    steps = [row for row in STEPS if reading.shows_outcomes or row[0] in QUALITY]
    for arm in reading.experiment.arms:
        own = mails[known & (mails["variant"] == arm.name)]
        for week in ["all", *sorted(weeks[own.index].unique())] if len(own) else []:
            rows = own if week == "all" else own[weeks[own.index] == week]
            sums = rows.groupby("unit_id")[[name for name in rows.columns if rows[name].dtype == float]].sum()
            for step, label, base in steps:
                share = share_of(sums[step], sums[base], level)
                hits, trials = int(sums[step].sum()), int(sums[base].sum())
                told = (share.value, share.low, share.high)
                yield reading.experiment.id, arm.name, week, step, label, *told, hits, trials, share.n


def funnel_bars(funnel: "pd.DataFrame", reading: Reading) -> "pd.DataFrame":
    """Return the funnel of one experiment, all weeks together, for a picture: name, share, low, high.

    Args:
        funnel: What `funnel_frame` returned.
        reading: The experiment.
    """
    rows = funnel[(funnel["experiment_id"] == reading.experiment.id) & (funnel["week"] == "all")]
    rows = rows[rows["step"] != "opened_raw"]
    order = {name: place for place, (name, *_) in enumerate(STEPS)}
    rows = rows.assign(place=rows["step"].map(order)).sort_values(["place", "variant"])
    names = [
        text(say("{step:word}, {variant:word}", step=step, variant=variant))
        for step, variant in zip(rows["label"], rows["variant"], strict=True)
    ]
    rows = rows.assign(name=names)
    return rows[["name", "share", "low", "high"]].reset_index(drop=True)


def content_frame(readings: Sequence[Reading], inputs: Inputs, level: float) -> "pd.DataFrame":
    """Return what was sent in the experiments, with what people did, best clicked first.

    While an experiment runs, and where its draw is broken, nothing is said of what people did.

    Args:
        readings: The experiments.
        inputs: Titles of contents.
        level: Coverage of intervals, which allow for accounts.

    Returns:
        One row per experiment and content: experiment_id, content_id, title, variant, mails (delivered), click_share,
        low_share, high_share, reply_share, experiment_verdict. Experiments had other readers at other times: only rows
        of one experiment can be compared.
    """
    import pandas as pd

    shares = ["click_share", "low_share", "high_share", "reply_share"]
    columns = ["experiment_id", "content_id", "title", "variant", "mails", *shares]
    rows = []
    for each in readings:
        mails = each.facts.funnel
        mails = mails[mails["unit_id"].isin(read_units(each.facts)["unit_id"])]
        for (content, variant), own in mails.groupby(["content_id", "variant"]) if len(mails) else ():
            sums = own.groupby("unit_id")[["clicked", "replied", "delivered"]].sum()
            clicks = share_of(sums["clicked"], sums["delivered"], level)
            replies = share_of(sums["replied"], sums["delivered"], level)
            told = (clicks.value, clicks.low, clicks.high, replies.value) if each.shows_outcomes else (nan,) * 4
            title = inputs.titles.get(str(content), "")
            rows.append(
                (each.experiment.id, content, title, variant, int(sums["delivered"].sum()), *told, each.verdict.value)
            )
    frame = pd.DataFrame(rows, columns=[*columns, "experiment_verdict"]).astype(dict.fromkeys(shares, float))
    return frame.sort_values(
        ["experiment_id", "click_share", "content_id"], ascending=[True, False, True], ignore_index=True
    )


def machine_share(reading: Reading) -> float | None:
    """Return the share of delivered mails that a machine opened; None without mails."""
    if reading.facts.funnel.empty:
        return None
    sums = mail_sums(reading.facts)
    delivered = float(sums["delivered"].sum())
    return float(sums["machine_opened"].sum()) / delivered if delivered else None
