"""The result of the health analysis: verdict, figures, tables, and what to do next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.health.doubts import doubts
from csworkbench.analyses.health.frames import (
    contribution_table,
    judgement_table,
    measure_table,
    score_table,
    scorecard_table,
)
from csworkbench.analyses.health.graded import GradedBook, grade_book
from csworkbench.analyses.health.movement import (
    account_history_table,
    add_movement,
    change_table,
    driver_table,
    grade_earlier,
    history_table,
    transition_table,
)
from csworkbench.analyses.health.outcomes import OutcomeReading, read_outcome
from csworkbench.analyses.health.panel import Inputs
from csworkbench.analyses.health.settings import Config
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Message, say, worst_first
from csworkbench.formats import Readable
from csworkbench.remembering import Later
from csworkbench.scoring import NOT_SCORED, Basis

if TYPE_CHECKING:
    import pandas as pd

FIRST_COLUMNS = ["account_id", "name", "score", "band", "weakest", "lost_points", "change", "moved", "moved_by"]
LAST_COLUMNS = ["coverage", "scorecard", "scorecard_title", "rule", "pulse", "override", "override_reason"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """Scores of every customer, what they are made of, and why they changed.

    Tables, key columns first. Scores, points and contributions are 0 to 100 points; columns called `*_percent` are 0 to
    100, `share` and `coverage` 0 to 1; bands are names of the config, or "not scored".

    * scores, one row per customer, lowest score first: account_id, name, score, band, weakest (measure that costs
      most), lost_points, change, moved (up, down, same, new, not scored), moved_by (measure), earlier_score,
      earlier_band, coverage, scorecard, scorecard_title (its name on pages), rule (that chose it), pulse, override
      (points), override_reason
    * contributions, scored account and measure: account_id, measure, label, group, points, effective_percent,
      contribution (adds up to the score)
    * changes, account scored at both dates and measure: account_id, measure, label, before, after, change, data,
      config, coverage (these three add up to change, and changes to the change of the score)
    * drivers, measure: measure, label, accounts, change (of the mean score, in points), data, config, coverage
    * transitions, pair of bands: from_band, to_band, accounts, share (of from_band)
    * history, month end and band: snapshot_on, band, accounts, share (of scored), scored, customers
    * account_history, month end and customer: snapshot_on, account_id, score, band, scorecard
    * measures, customer and measure: account_id, measure, label, group, value, text, points, basis, age_days
    * scorecards, scorecard and measure: scorecard, measure, label, group, weight, group_weight, effective_percent,
      missing (policy), accounts, known_share
    * judgements, customer and kind, those in force: account_id, kind, value, judged_band, band, agrees, author, reason,
      made_on, expires_on
    * measure_auc, scorecard and measure, empty without an outcome: scorecard, measure, label, auc, low, high, n, events

    Args:
        headline: Verdict in one sentence.
        figures: share_at_risk, moved_down, median_score, accounts_not_scored, moved_up, auc_in_sample, as far as they
            exist; with several scorecards also share_at_risk.<id> and median_score.<id>.
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
    """Return scores, bands, contributions, changes and history of every customer.

    Args:
        inputs: Measures of every account, from `prepare`.
        config: Settings; points, weights, bands, coverage, hysteresis and rules may differ from those of `prepare`.

    Raises:
        AnalysisError: there is no customer, a scorecard has no measure left, or a measure was not prepared.
    """
    book = grade_book(inputs, config, config.scorecards)
    if not (book.card[-1] >= 0).any():
        raise AnalysisError(f"no account is a customer on {inputs.as_of}; scores need at least one")
    before = grade_earlier(inputs, config, book)
    outcome = read_outcome(inputs, config, book)
    tables = _tables(inputs, config, before, (book, outcome))
    caveats = (*doubts(inputs, config, book, tables["judgements"]), *outcome.caveats)
    figures = _figures(tables["scores"], config)
    if outcome.auc is not None:
        figures["auc_in_sample"] = outcome.auc
    return Result(
        headline=_headline(tables["scores"], inputs, config),
        figures=figures,
        tables=tables,
        caveats=worst_first(caveats),
        actions=tuple(_actions(tables, config, measure_table(inputs, book, is_scored=False)))
        or (say("Nothing to do: nobody is at risk, fell or is unknown."),),
    )


def _tables(
    inputs: Inputs, config: Config, before: GradedBook, known: tuple[GradedBook, OutcomeReading]
) -> "Later[pd.DataFrame]":
    book, outcome = known
    changes = change_table(inputs, config, before, book)
    judgements = judgement_table(inputs, config, book)
    scores = add_movement(score_table(inputs, config, book), changes, inputs, config, before)
    return Later(
        {
            "scores": _add_judgements(scores, judgements),
            "contributions": lambda: contribution_table(inputs, book),
            "changes": changes,
            "drivers": lambda: driver_table(changes),
            "transitions": lambda: transition_table(inputs, config, before, book),
            "history": lambda: history_table(inputs, config, book),
            "account_history": lambda: account_history_table(inputs, config, book),
            "measures": lambda: measure_table(inputs, book),
            "scorecards": lambda: scorecard_table(inputs, book),
            "judgements": judgements,
            "measure_auc": outcome.by_measure,
        }
    )


def _add_judgements(scores: "pd.DataFrame", judgements: "pd.DataFrame") -> "pd.DataFrame":
    by_kind = {kind: judgements[judgements["kind"] == kind].set_index("account_id") for kind in ("pulse", "override")}
    accounts = scores["account_id"]
    shown = scores.assign(
        pulse=accounts.map(by_kind["pulse"]["value"]).astype(float),
        override=accounts.map(by_kind["override"]["value"]).astype(float),
        override_reason=accounts.map(by_kind["override"]["reason"]).astype("str"),
    )
    return shown[[*FIRST_COLUMNS, "earlier_score", "earlier_band", *LAST_COLUMNS]]


def _figures(scores: "pd.DataFrame", config: Config) -> dict[str, Estimate]:
    figures = _levels(scores, config)
    figures["accounts_not_scored"] = Estimate(int((scores["band"] == NOT_SCORED).sum()), "accounts", len(scores))
    if config.compare_months:
        compared = int(scores["moved"].isin(["up", "down", "same"]).sum())
        moved = {way: Estimate(int((scores["moved"] == way).sum()), "accounts", compared) for way in ("down", "up")}
        at_risk, median, unscored = figures.items()
        figures = dict((at_risk, ("moved_down", moved["down"]), median, unscored, ("moved_up", moved["up"])))
    if len(config.scorecards) > 1:
        for card in config.scorecards:
            levels = _levels(scores[scores["scorecard"] == card.id], config)
            figures |= {f"{name}.{card.id}": level for name, level in levels.items()}
    return figures


def _levels(scores: "pd.DataFrame", config: Config) -> dict[str, Estimate]:
    scored = scores.loc[scores["score"].notna(), ["score", "band"]]
    at_risk, n = scored["band"] == config.band_names[0], len(scored)
    return {
        "share_at_risk": Estimate(float(at_risk.mean()) if n else None, "share", n),
        "median_score": Estimate(float(scored["score"].median()) if n else None, "points", n),
    }


def _headline(scores: "pd.DataFrame", inputs: Inputs, config: Config) -> Message:
    scored = int(scores["score"].notna().sum())
    if not scored:
        return say(
            "No score on {as_of:date} for any of {n:n account|accounts}: too little is known about them.",
            n=len(scores),
            as_of=inputs.as_of,
        )
    at_risk = int((scores["band"] == config.band_names[0]).sum())
    now = {
        "n": at_risk,
        "scored": scored,
        "share": at_risk / scored,
        "as_of": inputs.as_of,
        "band": config.scorecards[0].bands[0].label,
    }
    if not config.compare_months:
        return say(
            "{band:word} on {as_of:date}: {n:count} of {scored:n scored account|scored accounts} ({share:share}).",
            **now,
        )
    return say(
        "{band:word} on {as_of:date}: {n:count} of {scored:n scored account|scored accounts} ({share:share}); "
        "of {compared:count} scored on {then:date} too, {down:count} moved to a lower band and {up:count} to a higher "
        "one.",
        **now,
        compared=int(scores["moved"].isin(["up", "down", "same"]).sum()),
        then=inputs.dates[-1 - config.compare_months],
        down=int((scores["moved"] == "down").sum()),
        up=int((scores["moved"] == "up").sum()),
    )


def _actions(tables: "Mapping[str, pd.DataFrame]", config: Config, unscored: "pd.DataFrame") -> Iterator[Message]:
    scores = tables["scores"]
    lowest = scores[scores["band"] == config.band_names[0]]
    if len(lowest):
        yield say(
            "Look first at {accounts:list}: they score lowest; the column weakest says where each loses most.",
            accounts=lowest["name"].tolist(),
        )
    fell = scores[scores["moved"] == "down"].sort_values("change")
    if len(fell):
        yield say("Ask what happened at {accounts:list}: they moved to a lower band.", accounts=fell["name"].tolist())
        # With hysteresis a band can be lower at the same score; then no measure stands behind the fall.
        took_most = fell.loc[fell["change"] < 0, "moved_by"].value_counts().sort_index().nlargest(1)
        for measure, n in took_most.items():
            yield say(
                "Look into {measure}: it took the most points at {n:count} of "
                "{fell:n account that fell|accounts that fell}.",
                measure=measure,
                n=n,
                fell=len(fell),
            )
    if len(unscored):
        unmeasured = unscored[(unscored["basis"] == Basis.MISSING) | (unscored["basis"] == Basis.ASSUMED)]
        yield say(
            "Record {measures:list} for the {n:n account|accounts} that cannot be scored.",
            measures=list(unmeasured["label"].value_counts().index),
            n=unscored["account_id"].nunique(),
        )
    disputed = _rows_of(scores, tables["judgements"].loc[~tables["judgements"]["agrees"], "account_id"])
    if len(disputed):
        gaps = (disputed[["pulse", "override"]].sub(disputed["score"], axis=0)).abs().max(axis=1)
        yield say(
            "Compare notes on {accounts:list}: a colleague judges another band than the score.",
            accounts=list(disputed.loc[gaps.sort_values(ascending=False, kind="stable").index, "name"]),
        )


def _rows_of(table: "pd.DataFrame", accounts: "pd.Series[str]") -> "pd.DataFrame":
    import pandas as pd

    wanted: pd.DataFrame = table[pd.Index(accounts.unique()).get_indexer(pd.Index(table["account_id"])) >= 0]
    return wanted
