"""The result of the renewals analysis: the forecast, how good past ones were, who disagrees, and what is due."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.renewals.asking import proposal_table
from csworkbench.analyses.renewals.checkpoints import checkpoint_table, disagreement_table, missing_table
from csworkbench.analyses.renewals.doubts import VERDICTS, doubts
from csworkbench.analyses.renewals.evidence import Inputs, quarter_of
from csworkbench.analyses.renewals.forecast import OPEN, OVERDUE, TOO_LATE, Forecast, forecast
from csworkbench.analyses.renewals.learning import Forecaster, coefficient_table, learn
from csworkbench.analyses.renewals.portfolio import (
    due_now,
    due_table,
    rate_figures,
    this_year,
    total_due,
    waterfall_table,
)
from csworkbench.analyses.renewals.settings import Config
from csworkbench.analyses.renewals.track import (
    Track,
    brier_of,
    calibration_table,
    judged,
    main_basis,
    main_currency,
    track,
    verdict_table,
)
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Message, say, worst_first
from csworkbench.formats import Readable
from csworkbench.inference.calibration import Calibration, CalibrationTest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """The forecast of open renewals and how far it can be trusted.

    Tables, key columns first. Probabilities and rates are 0 to 1, amounts in the currency beside them; `low` and `high`
    are the interval of the column before them. A quarter reads 2026 Q4 and holds the renewals due in it.

    * forecast, open renewal, what a release freezes: renewal_id, account_id, quarter, probability (of renewing), low,
      high, amount (expected), amount_low, amount_high (of the expectation), currency, target (amount due), as_of,
      basis (model, base rate, cannot tell), model (sha256), name, csm, tier, due_date, days_to_due, state (open,
      overdue, overdue too long: not forecast)
    * quarters, quarter with an open renewal and currency: quarter, currency, renewals, decided, open, target, settled
      (final amount of decided ones), expected (settled and to come), low, high, not_forecast, no_amount (renewals),
      rate (share renewed of the whole quarter, all currencies), rate_low, rate_high, open_rate (of what is open),
      open_low, open_high
    * deciders, quarter, currency and account: quarter, currency, account_id, name, renewals, target, probability,
      spread_share (share of the variance of the quarter's total)
    * proposals, account whose renewal is due and not decided, as docs/methods/proposals.md has them
    * due, renewals due this calendar year by quarter, tier and CSM: see `portfolio.due_table`
    * waterfall, step of the quarter of the date: step, label, amount, renewals, quarter, currency
    * checkpoints, disagreements, missing_calls: see `checkpoints`
    * past_quarters, quarter and basis (frozen model, frozen csm, frozen final = calls as made before the quarter;
      recomputed = the model learned and applied with what was known then): renewals (open at its start and decided
      since), still_open, predicted (share renewed), low, high, actual, is_inside, currency, predicted_amount,
      amount_low, amount_high, actual_amount
    * predicted_actual, quarter: quarter, basis, predicted, low, high, actual; the main basis, then today's forecast,
      always of the renewals that were open when it was made
    * past_forecasts, the renewals behind past_quarters: renewal_id, quarter, basis, account_id, p_renew, amount,
      currency, target, is_kept, final, is_decided
    * verdicts, basis: verdict, bias, low, high, p_value, forecasts, lost, quarters
    * calibration, fifth of the forecasts of the main basis: said, kept, low, high, renewals
    * timing, month from the due date: see `learning.decision_hazards`
    * coefficients, column of the model: see `learning.coefficient_table`
    * models, date: as_of, basis, sha256, decided, lost, accounts, document (JSON; empty without a model)

    Args:
        headline: Verdict in one sentence.
        figures: expected_amount_quarter, expected_rate_quarter (both of the quarter of tomorrow), grr, nrr,
            forecast_bias, renewals_due, amount_due (both of the calendar year), amount_due_quarter (of the quarter of
            the date), renewals_open, renewals_overdue, brier, shock_sd, disagreements, calls_missing, as far as they
            exist; amounts and rates of another currency as `<name>.<currency>`.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return the forecast of open renewals, the quarters, and the record of past forecasts.

    Args:
        inputs: Renewals at every month end, their outcomes and calls, from `prepare`.
        config: Settings.

    Raises:
        AnalysisError: no renewal is known on the date.
    """
    if inputs.renewals.empty:
        raise AnalysisError(f"no renewal is known on {inputs.as_of}; choose a later date, or add rows to renewals")
    past = track(inputs, config)
    forecaster = learn(inputs, config, inputs.as_of)
    ahead = forecast(inputs, config, forecaster, past.shocks)
    verdict = judged(past.past, main_basis(past.past), config.level)
    tables = _tables(inputs, config, forecaster, past, ahead)
    caveats = doubts(inputs, config, forecaster, past, tables)
    quarter = _quarter_ahead(inputs, ahead)
    return Result(
        headline=_headline(inputs, tables, quarter, verdict),
        figures=_figures(inputs, config, past, tables, (quarter, verdict)),
        tables=tables,
        caveats=worst_first(caveats),
        actions=tuple(_actions(tables, quarter)) or (say("Nothing to do: no renewal is open."),),
    )


def _tables(
    inputs: Inputs, config: Config, forecaster: Forecaster, past: Track, ahead: Forecast
) -> "dict[str, pd.DataFrame]":
    checkpoints = checkpoint_table(inputs, config, ahead.renewals)
    basis = main_basis(past.past)
    calibration = calibration_table(past.past, config.level)
    return {
        "forecast": ahead.renewals,
        "quarters": ahead.quarters,
        "deciders": ahead.deciders,
        "due": due_table(inputs, ahead.renewals, config.level),
        "waterfall": waterfall_table(inputs),
        "checkpoints": checkpoints,
        "disagreements": disagreement_table(checkpoints, config),
        "missing_calls": missing_table(checkpoints),
        "proposals": proposal_table(inputs.undecided, inputs.as_of),
        "past_quarters": past.quarters,
        "predicted_actual": _predicted_actual(past.quarters, ahead.quarters, basis),
        "past_forecasts": past.past[["renewal_id", *past.past.columns.drop("renewal_id")]],
        "verdicts": verdict_table(past.past, config.level),
        "calibration": calibration[calibration["basis"] == basis].reset_index(drop=True),
        "timing": forecaster.timing,
        "coefficients": coefficient_table(forecaster, config.level),
        "models": _models([*past.forecasters.values(), forecaster]),
    }


def _predicted_actual(past: "pd.DataFrame", ahead: "pd.DataFrame", basis: str) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    columns = ["quarter", "basis", "predicted", "low", "high", "actual"]
    done = past.loc[past["basis"] == basis, columns]
    rates = {"open_rate": "predicted", "open_low": "low", "open_high": "high"}
    coming = (
        ahead[["quarter", *rates]]
        .drop_duplicates("quarter")
        .rename(columns=rates)
        .assign(basis="forecast", actual=np.nan)
    )
    coming = coming[~coming["quarter"].isin(done["quarter"]) & coming["predicted"].notna()]
    return pd.concat([done, coming[columns]] if len(coming) else [done], ignore_index=True)


def _models(forecasters: list[Forecaster]) -> "pd.DataFrame":
    import json

    import pandas as pd

    lines = [
        (
            pd.Timestamp(each.as_of),
            each.basis,
            each.digest,
            each.decided,
            each.lost,
            each.accounts,
            "" if each.model is None else json.dumps(each.model.to_json(), ensure_ascii=False, sort_keys=True),
        )
        for each in forecasters
    ]
    return pd.DataFrame(lines, columns=["as_of", "basis", "sha256", "decided", "lost", "accounts", "document"])


def _quarter_ahead(inputs: Inputs, ahead: Forecast) -> str | None:
    """Return the quarter of tomorrow, or the first later one with an open renewal."""
    import pandas as pd

    tomorrow = pd.Series([pd.Timestamp(inputs.as_of + timedelta(days=1))])
    now = str(quarter_of(tomorrow).iloc[0])
    later = [quarter for quarter in ahead.quarters["quarter"] if quarter >= now]
    return min(later, default=None)


def _figures(
    inputs: Inputs,
    config: Config,
    past: Track,
    tables: "Mapping[str, pd.DataFrame]",
    told: tuple[str | None, CalibrationTest],
) -> dict[str, Estimate]:
    quarter, verdict = told
    forecast_table = tables["forecast"]
    expected = _expected(tables["quarters"], quarter, config, main_currency(inputs))
    main = {name: each for name, each in expected.items() if "." not in name}
    rates = rate_figures(inputs, config.level)
    due = this_year(inputs)
    figures = main | rates
    if len(past.past):
        figures["forecast_bias"] = verdict.bias
    figures |= {name: each for name, each in expected.items() if "." in name}
    figures["renewals_due"] = Estimate(len(due), "renewals", len(due))
    for currency, rows in due.groupby("currency", sort=True):
        suffix = "" if currency == main_currency(inputs) else f".{currency}"
        figures[f"amount_due{suffix}"] = total_due(rows, str(currency))
    figures["amount_due_quarter"] = due_now(inputs)
    figures["renewals_open"] = Estimate(len(forecast_table), "renewals", len(forecast_table))
    late = int(forecast_table["state"].isin([OVERDUE, TOO_LATE]).sum())
    figures["renewals_overdue"] = Estimate(late, "renewals", len(forecast_table))
    if len(past.past):
        figures["brier"] = brier_of(past.past, main_basis(past.past), config)
    tail = (1 - config.level) / 2
    figures["shock_sd"] = Estimate(
        past.shocks.mean,
        "logits",
        past.shocks.periods,
        min(past.shocks.quantile(tail), past.shocks.mean),
        past.shocks.quantile(1 - tail),
        config.level,
    )
    if inputs.has_calls:
        checked = tables["checkpoints"]["renewal_id"].nunique()
        figures["disagreements"] = Estimate(len(tables["disagreements"]), "renewals", checked)
        figures["calls_missing"] = Estimate(len(tables["missing_calls"]), "checkpoints", len(tables["checkpoints"]))
    return figures


def _expected(quarters: "pd.DataFrame", quarter: str | None, config: Config, main: str) -> dict[str, Estimate]:
    """Return what the quarter is expected to bring, per currency, and its renewal rate."""
    import math

    figures = {}
    rows = quarters[quarters["quarter"] == quarter]
    for line in rows.to_dict("records"):
        suffix = "" if line["currency"] == main else f".{line['currency']}"
        n = int(line["renewals"] - line["not_forecast"] - line["no_amount"])
        bounds = (None,) * 3 if math.isnan(line["low"]) else (line["low"], line["high"], config.level)
        value = None if math.isnan(line["expected"]) else line["expected"]
        figures[f"expected_amount_quarter{suffix}"] = Estimate(value, line["currency"], n, *bounds)
        if not math.isnan(line["rate"]):
            behind = int(rows["renewals"].sum() - rows["not_forecast"].sum())
            rate = Estimate(line["rate"], "share", behind, line["rate_low"], line["rate_high"], config.level)
            figures.setdefault("expected_rate_quarter", rate)
    return figures


def _headline(
    inputs: Inputs, tables: "Mapping[str, pd.DataFrame]", quarter: str | None, verdict: CalibrationTest
) -> Message:
    if quarter is None:
        return say("No renewal is open on {as_of:date}: there is nothing to forecast.", as_of=inputs.as_of)
    import math

    rows = tables["quarters"][tables["quarters"]["quarter"] == quarter]
    main = rows[rows["currency"] == main_currency(inputs)]
    line = (main if len(main) else rows).to_dict("records")[0]
    renewals, open_ones = int(rows["renewals"].sum()), int(rows["open"].sum())
    if math.isnan(line["low"]) and not math.isnan(line["rate"]):
        return say(
            "{quarter}: {rate:share} of {n:n renewal|renewals} expected to renew ({low:share} to {high:share}); "
            "{open:count} still open, without an amount. {record}",
            quarter=quarter,
            rate=line["rate"],
            n=renewals,
            low=line["rate_low"],
            high=line["rate_high"],
            open=open_ones,
            record=_record(verdict),
        )
    if math.isnan(line["low"]):
        return say(
            "{quarter}: {n:n renewal is|renewals are} due and {open:count} open; nobody can tell yet how many renew.",
            quarter=quarter,
            n=renewals,
            open=open_ones,
        )
    return say(
        "{quarter}: {expected} expected ({low} to {high}) of {due} due; {open:count} of {n:n renewal|renewals} still "
        "open. {record}",
        quarter=quarter,
        expected=_money(line["expected"], line["currency"]),
        low=_money(line["low"], line["currency"]),
        high=_money(line["high"], line["currency"]),
        due=_money(line["target"], line["currency"]),
        open=open_ones,
        n=renewals,
        record=_record(verdict),
    )


def _money(value: float, currency: str) -> Estimate:
    """Return an exact amount as a reader sees it: a count of its own sample stands alone."""
    rounded = round(float(value))
    return Estimate(rounded, currency, rounded)


def _record(verdict: CalibrationTest) -> Message:
    match verdict.verdict:
        case Calibration.TOO_FEW:
            return say("Too few past forecasts to judge them.")
        case Calibration.CALIBRATED:
            return say("Past forecasts: calibrated as far as {n:n account|accounts} can tell.", n=verdict.bias.n)
        case Calibration.UNEVEN:
            return say("Past forecasts were right on average, but not both for the safe and for the risky ones.")
    return say(
        "Past forecasts were {verdict} by {bias:share} of all renewals.",
        verdict=VERDICTS[verdict.verdict.value],
        bias=abs(verdict.bias.value or 0.0),
    )


def _actions(tables: "Mapping[str, pd.DataFrame]", quarter: str | None) -> Iterator[Message]:
    forecast_table = tables["forecast"]
    late = forecast_table[forecast_table["state"] != OPEN]
    if len(late):
        yield say("Get the decision of {accounts:list}: past the due date and still open.", accounts=list(late["name"]))
    named = tables["deciders"]
    named = named[named["quarter"] == quarter].drop_duplicates("account_id")
    if len(named):
        yield say(
            "Look first at {accounts:list}: they decide {quarter}.", accounts=list(named["name"]), quarter=str(quarter)
        )
    apart = tables["disagreements"]
    if len(apart):
        yield say(
            "Settle the call on {accounts:list}: the CSM and the model disagree.", accounts=list(apart["name"].unique())
        )
    absent = tables["missing_calls"]
    if len(absent):
        yield say(
            "Make the {n:n call that is|calls that are} due and not there, {accounts:list} first.",
            n=len(absent),
            accounts=list(absent["name"].unique()),
        )
