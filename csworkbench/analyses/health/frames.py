"""The tables of the health analysis that show one date: scores, parts, measures, judgements, scorecards."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from csworkbench.analyses.health.graded import OTHERWISE, CardGrades, GradedBook
from csworkbench.analyses.health.panel import Inputs, source_key
from csworkbench.analyses.health.settings import Config
from csworkbench.estimates import say
from csworkbench.formats import text
from csworkbench.scoring import (
    BASES,
    FROM_DATA,
    FULL_POINTS,
    NOT_SCORED,
    Carry,
    Measure,
    Neutral,
    effective_weights,
    settle_bands,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


def words(names: Sequence[str], codes: "NDArray[np.intp]") -> "pd.api.extensions.ExtensionArray":
    """Return names by position as a text array; -1 takes the last name."""
    import pandas as pd

    return pd.array(list(names), dtype="str").take(codes % len(names))


def score_table(inputs: Inputs, config: Config, book: GradedBook) -> "pd.DataFrame":
    """Return the score, band and weakest measure of every customer at the last date, lowest score first.

    Args:
        inputs: Measures of every account at every date.
        config: Settings.
        book: Scores and bands.

    Returns:
        One row per account: account_id, name, score (points), band, weakest (label of the measure that costs most),
        lost_points (what it costs), coverage (share), scorecard, scorecard_title (its name on pages), rule. Accounts
        that are not scored come last.
    """
    import numpy as np
    import pandas as pd

    weakest = np.full(len(inputs.accounts), None, dtype=object)
    lost = np.full(len(inputs.accounts), np.nan)
    for place, accounts in book.using(-1):
        graded = book.cards[place]
        grades = graded.on(len(inputs.dates) - 1, accounts)
        losses = grades.weights * (FULL_POINTS - np.nan_to_num(grades.points))
        labels = np.array([measure.label for measure in graded.card.measures], dtype=object)
        costs = (losses.max(axis=1) > 0) & ~np.isnan(grades.score)
        weakest[accounts] = np.where(costs, labels[losses.argmax(axis=1)], None)
        lost[accounts] = np.where(costs, losses.max(axis=1), np.nan)
    rules = [*(rule.label for rule in config.rules), OTHERWISE]
    frame = pd.DataFrame(
        {
            "account_id": inputs.accounts.index,
            "name": inputs.accounts["name"].array,
            "score": book.score[-1],
            "band": words([*config.band_names, NOT_SCORED], book.band[-1]),
            "weakest": pd.array(weakest, dtype="str"),
            "lost_points": lost,
            "coverage": book.coverage[-1],
            "scorecard": words([card.id for card in config.scorecards], book.card[-1]),
            "scorecard_title": words([card.title for card in config.scorecards], book.card[-1]),
            "rule": words(rules, book.rule[-1]),
        }
    )
    customers: pd.DataFrame = frame[book.card[-1] >= 0]
    return customers.sort_values(["score", "account_id"], na_position="last").reset_index(drop=True)


def contribution_table(inputs: Inputs, book: GradedBook) -> "pd.DataFrame":
    """Return what each measure adds to the score of each scored account at the last date.

    Returns:
        One row per account and measure that takes part: account_id, measure, label, group, points, effective_percent
        (weight after missing measures gave theirs away; adds up to 100 per account), contribution (points; adds up to
        the score).
    """
    import numpy as np
    import pandas as pd

    parts = []
    for place, accounts in book.using(-1):
        graded = book.cards[place]
        scored = accounts[~np.isnan(book.score[-1, accounts])]
        grades = graded.on(len(inputs.dates) - 1, scored)
        frame = _lines(graded, inputs.accounts.index[scored]).assign(
            points=grades.points.ravel(),
            effective_percent=100 * grades.weights.ravel(),
            contribution=grades.contributions.ravel(),
        )
        parts.append(frame[frame["points"].notna()])
    return pd.concat(parts, ignore_index=True)


def measure_table(inputs: Inputs, book: GradedBook, *, is_scored: bool | None = None) -> "pd.DataFrame":
    """Return every measure of every customer at the last date.

    Args:
        inputs: Measures of every account at every date.
        book: Scores and bands.
        is_scored: Only customers who have a score, or have none; None = all.

    Returns:
        One row per account and measure of its scorecard: account_id, measure, label, group, value (in the unit of the
        measure) or text, points (missing = takes no part), basis (measured, carried, assumed, missing), age_days (of
        the newest fact behind the value).
    """
    import numpy as np
    import pandas as pd

    today = inputs.panel.iloc[-len(inputs.accounts) :]
    parts = []
    for place, accounts in book.using(-1):
        graded = book.cards[place]
        if is_scored is not None:
            accounts = accounts[~np.isnan(book.score[-1, accounts]) == is_scored]
        keys = [source_key(measure.source) for measure in graded.card.measures]
        columns = [today[key].array.take(accounts) for key in keys]
        are_text = [isinstance(column, pd.Categorical) for column in columns]
        nothing = np.full(len(accounts), np.nan)
        values = [nothing if text else column for column, text in zip(columns, are_text, strict=True)]
        texts = [
            column.astype(object) if text else np.full(len(accounts), None, dtype=object)
            for column, text in zip(columns, are_text, strict=True)
        ]
        grades = graded.on(len(inputs.dates) - 1, accounts)
        parts.append(
            _lines(graded, inputs.accounts.index[accounts]).assign(
                value=np.column_stack(values).astype(float).ravel(),
                text=pd.array(np.column_stack(texts).ravel(), dtype="str"),
                points=grades.points.ravel(),
                basis=words([basis.value for basis in BASES], grades.basis.astype(np.intp).ravel()),
                age_days=inputs.ages[keys].to_numpy(dtype=float)[accounts].ravel(),
            )
        )
    return pd.concat(parts, ignore_index=True)


def scorecard_table(inputs: Inputs, book: GradedBook) -> "pd.DataFrame":
    """Return what each measure weighs in each scorecard.

    Returns:
        One row per scorecard and measure: scorecard, measure, label, group, weight, group_weight, effective_percent
        (adds up to 100 per scorecard), missing (policy), accounts (customers with this scorecard), known_share (of
        them, with a value from data).
    """
    import pandas as pd

    parts = []
    for place, accounts in book.using(-1):
        graded = book.cards[place]
        basis = graded.on(len(inputs.dates) - 1, accounts).basis
        frame = effective_weights(graded.card).assign(
            missing=[_policy(measure) for measure in graded.card.measures],
            accounts=len(accounts),
            known_share=(basis <= FROM_DATA).mean(axis=0) if len(accounts) else float("nan"),
        )
        frame.insert(0, "scorecard", graded.card.id)
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def edges(config: Config) -> dict[str, float]:
    """Return the scores at which the bands of the first scorecard begin, above the lowest, by what a chart says there.

    Args:
        config: Settings.
    """
    bands = config.scorecards[0].bands[1:]
    return {text(say("{band:word} from {low:number}", band=band.label, low=band.low)): band.low for band in bands}


def judgement_table(inputs: Inputs, config: Config, book: GradedBook) -> "pd.DataFrame":
    """Return what people said that is still in force: the newest pulse and the newest override per account.

    Args:
        inputs: Measures of every account at every date.
        config: Settings.
        book: Scores and bands.

    Returns:
        One row per account and kind: account_id, kind, value (points), judged_band (band of the value on the account's
        scorecard, which keeps the computed band within the hysteresis), band (computed), agrees (also where there is no
        score to disagree with), author, reason, made_on, expires_on (missing = no end).
    """
    import numpy as np
    import pandas as pd

    said = inputs.judgements
    is_pulse = said["expires_on"].isna() & (said["kind"] == "pulse")
    ends = said["expires_on"].mask(is_pulse, said["made_on"] + pd.Timedelta(days=config.pulse_days))
    said = said.assign(expires_on=ends).drop_duplicates(["account_id", "kind"])
    positions = inputs.accounts.index.get_indexer(pd.Index(said["account_id"]))
    is_customer = (positions >= 0) & (book.card[-1, positions] >= 0)
    in_force = is_customer & ~(said["expires_on"] <= pd.Timestamp(inputs.as_of)).to_numpy()
    said, positions = said.loc[in_force], positions[in_force]
    judged, computed = np.full(len(said), -1), book.band[-1, positions]
    for place, graded in enumerate(book.cards):
        mine = book.card[-1, positions] == place
        values = said["value"].to_numpy(dtype=float)[None, mine]
        judged[mine] = settle_bands(graded.card, values, computed[mine])[0]
    names = [*config.band_names, NOT_SCORED]
    frame: pd.DataFrame = said.assign(
        judged_band=words(names, judged),
        band=words(names, computed),
        agrees=(judged == computed) | (computed < 0),
    ).sort_values(["account_id", "kind"])
    columns = ["account_id", "kind", "value", "judged_band", "band", "agrees", "author", "reason", "made_on"]
    return frame[[*columns, "expires_on"]].reset_index(drop=True)


def _lines(graded: CardGrades, accounts: "pd.Index[str]") -> "pd.DataFrame":
    """Return one row per account and measure: account_id, measure, label, group."""
    import numpy as np
    import pandas as pd

    measures = graded.card.measures
    groups = {group.name: group.label for group in graded.card.groups}
    each = np.tile(np.arange(len(measures)), len(accounts))
    return pd.DataFrame(
        {
            "account_id": accounts.repeat(len(measures)),
            "measure": words([measure.name for measure in measures], each),
            "label": words([measure.label for measure in measures], each),
            "group": words([groups[measure.group] for measure in measures], each),
        }
    )


def _policy(measure: Measure) -> str:
    policy = measure.missing
    if isinstance(policy, Carry):
        return f"carry {policy.max_age_days} days, then {policy.then.kind}"
    return f"neutral {policy.points:g}" if isinstance(policy, Neutral) else policy.kind
