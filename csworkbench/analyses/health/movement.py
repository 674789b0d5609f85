"""The tables of the health analysis that span dates: changes, transitions, history."""

from typing import TYPE_CHECKING

from csworkbench.analyses.health.frames import words
from csworkbench.analyses.health.graded import GradedBook, earlier_cards, grade_book
from csworkbench.analyses.health.panel import Inputs
from csworkbench.analyses.health.settings import Config
from csworkbench.scoring import NOT_SCORED, decompose

if TYPE_CHECKING:
    import pandas as pd

NEW, LEFT = "new", "left"
NAMES = ("account_id", "measure", "label")
PARTS = ["change", "data", "config", "coverage"]
CHANGES = [*NAMES, "before", "after", *PARTS]


def grade_earlier(inputs: Inputs, config: Config, book: GradedBook) -> GradedBook:
    """Return the book as the scorecards of the earlier date grade it; today's book where none differs.

    Args:
        inputs: Measures of every account at every date.
        config: Names the earlier scorecards.
        book: The book by today's scorecards.

    Raises:
        AnalysisError: no measure of an earlier scorecard can be computed.
    """
    return grade_book(inputs, config, earlier_cards(config)) if config.earlier_scorecards else book


def change_table(inputs: Inputs, config: Config, before: GradedBook, book: GradedBook) -> "pd.DataFrame":
    """Return why the score of every account changed since the earlier date.

    Args:
        inputs: Measures of every account at every date.
        config: Says how far back the earlier date lies.
        before: The book by the scorecards of then.
        book: The book by today's scorecards.

    Returns:
        One row per account and measure, accounts scored at both dates: account_id, measure, label, before, after
        (contributions), change, data, config, coverage, all in points. Empty without a comparison.
    """
    import numpy as np
    import pandas as pd

    then, now = _then(inputs, config), len(inputs.dates) - 1
    both = ~np.isnan(before.score[then]) & ~np.isnan(book.score[now]) & (then < now)
    parts = [pd.DataFrame({name: pd.Series(dtype="str" if name in NAMES else float) for name in CHANGES})]
    for place, today in enumerate(book.cards):
        for earlier in before.cards:
            which = before.cards.index(earlier)
            accounts = np.flatnonzero(both & (before.card[then] == which) & (book.card[now] == place))
            if not len(accounts):
                continue
            frame = decompose(earlier.on(then, accounts), today.on(then, accounts), today.on(now, accounts))
            labels = {each.name: each.label for each in (*earlier.card.measures, *today.card.measures)}
            parts.append(frame.assign(label=frame["measure"].map(labels).astype("str"))[CHANGES])
    return pd.concat(parts, ignore_index=True)


def driver_table(changes: "pd.DataFrame") -> "pd.DataFrame":
    """Return which measures moved the mean score of the accounts scored at both dates.

    Args:
        changes: Table of `change_table`.

    Returns:
        One row per measure, largest move first: measure, label, accounts (that have it in their scorecard), change,
        data, config, coverage. Points of the mean over all compared accounts: changes add up to the change of the mean.
    """
    compared = changes["account_id"].nunique()
    sums = changes.groupby(["measure", "label"], as_index=False, sort=True).agg(
        accounts=("account_id", "size"), **{part: (part, "sum") for part in PARTS}
    )
    sums[PARTS] = sums[PARTS] / max(compared, 1)
    return sums.sort_values("change", key=abs, ascending=False, kind="stable").reset_index(drop=True)


def add_movement(
    scores: "pd.DataFrame", changes: "pd.DataFrame", inputs: Inputs, config: Config, before: GradedBook
) -> "pd.DataFrame":
    """Return the score table with the earlier score and band, the change, and the measure that moved it most.

    Args:
        scores: Table of `score_table`.
        changes: Table of `change_table`.
        inputs: Measures of every account at every date.
        config: Says how far back the earlier date lies.
        before: The book by the scorecards of then.

    Returns:
        The table with earlier_score, change (points), earlier_band, moved (up, down, same, new, not scored) and
        moved_by (label); all missing without a comparison.
    """
    import numpy as np
    import pandas as pd

    if not config.compare_months:
        nothing = pd.Series(pd.NA, index=scores.index, dtype="str")
        return scores.assign(earlier_score=np.nan, change=np.nan, earlier_band=nothing, moved=nothing, moved_by=nothing)
    then, names = _then(inputs, config), [*config.band_names, NOT_SCORED]
    rows = inputs.accounts.index.get_indexer(pd.Index(scores["account_id"]))
    was, known = before.band[then, rows], before.card[then, rows] >= 0
    now = pd.Index(names[:-1]).get_indexer(pd.Index(scores["band"]))
    moved = np.select(
        [~known, (was < 0) | (now < 0), now < was, now > was], [NEW, NOT_SCORED, "down", "up"], default="same"
    )
    earlier_score = before.score[then, rows]
    return scores.assign(
        earlier_score=earlier_score,
        change=scores["score"] - earlier_score,
        earlier_band=pd.Series(words(names, was), index=scores.index).where(known),
        moved=pd.array(moved, dtype="str"),
        moved_by=scores["account_id"].map(_largest(changes)).astype("str"),
    )


def transition_table(inputs: Inputs, config: Config, before: GradedBook, book: GradedBook) -> "pd.DataFrame":
    """Return how many accounts went from which band to which since the earlier date.

    Args:
        inputs: Measures of every account at every date.
        config: Says how far back the earlier date lies.
        before: The book by the scorecards of then.
        book: The book by today's scorecards.

    Returns:
        One row per pair that occurs: from_band (also "not scored" and "new"), to_band (also "not scored" and "left"),
        accounts, share (of the accounts of from_band). Empty without a comparison.
    """
    import numpy as np
    import pandas as pd

    names, then = [*config.band_names, NOT_SCORED], _then(inputs, config)
    frame = pd.DataFrame(
        {
            "from_band": np.where(before.card[then] < 0, len(names), before.band[then] % len(names)),
            "to_band": np.where(book.card[-1] < 0, len(names), book.band[-1] % len(names)),
        }
    )
    there = ((before.card[then] >= 0) | (book.card[-1] >= 0)) & (config.compare_months > 0)
    counts: pd.DataFrame = frame[there].value_counts(sort=False).sort_index().reset_index(name="accounts")
    share = counts["accounts"] / counts.groupby("from_band")["accounts"].transform("sum")
    return counts.assign(
        from_band=words([*names, NEW], counts["from_band"].to_numpy(dtype=int)),
        to_band=words([*names, LEFT], counts["to_band"].to_numpy(dtype=int)),
        share=share,
    )


def history_table(inputs: Inputs, config: Config, book: GradedBook) -> "pd.DataFrame":
    """Return how many accounts were in each band at each month end, scored by today's scorecards.

    Args:
        inputs: Measures of every account at every date.
        config: Settings.
        book: Scores and bands.

    Returns:
        One row per month end and band: snapshot_on, band, accounts, share (of the accounts scored that day, as in the
        figure share_at_risk), scored, customers (of that day, those not scored included).
    """
    import numpy as np
    import pandas as pd

    names = config.band_names
    rows = []
    for place in range(len(inputs.dates) - config.history_months, len(inputs.dates)):
        bands = book.band[place, book.band[place] >= 0]
        counts = np.bincount(bands, minlength=len(names))
        customers = int((book.card[place] >= 0).sum())
        rows += [
            (inputs.dates[place], name, int(count), count / len(bands), len(bands), customers)
            for name, count in zip(names, counts, strict=True)
            if len(bands)
        ]
    frame = pd.DataFrame(rows, columns=["snapshot_on", "band", "accounts", "share", "scored", "customers"])
    return frame.assign(snapshot_on=pd.to_datetime(frame["snapshot_on"]))


def account_history_table(inputs: Inputs, config: Config, book: GradedBook) -> "pd.DataFrame":
    """Return the score and band of every customer at every month end, by today's scorecards.

    Args:
        inputs: Measures of every account at every date.
        config: Settings.
        book: Scores and bands.

    Returns:
        One row per month end and account: snapshot_on, account_id, score (points), band, scorecard.
    """
    import numpy as np
    import pandas as pd

    shown = slice(len(inputs.dates) - config.history_months, None)
    customers = (book.card[shown] >= 0).ravel()
    days = pd.to_datetime(list(inputs.dates[shown])).to_numpy()
    return pd.DataFrame(
        {
            "snapshot_on": np.repeat(days, len(inputs.accounts))[customers],
            "account_id": inputs.panel.index[-len(customers) :][customers],
            "score": book.score[shown].ravel()[customers],
            "band": words([*config.band_names, NOT_SCORED], book.band[shown].ravel()[customers]),
            "scorecard": words([card.id for card in config.scorecards], book.card[shown].ravel()[customers]),
        }
    )


def _then(inputs: Inputs, config: Config) -> int:
    return len(inputs.dates) - 1 - config.compare_months


def _largest(changes: "pd.DataFrame") -> "pd.Series[str]":
    """Return per account the measure that moved the score most in the direction it went; its rows stand together."""
    import numpy as np

    accounts = changes["account_id"]
    is_first = (accounts != accounts.shift()).to_numpy(dtype=bool)
    starts, which = np.flatnonzero(is_first), np.cumsum(is_first) - 1
    change = changes["change"].to_numpy()
    push = change * np.sign(np.add.reduceat(change, starts))[which] if len(changes) else change
    most = np.maximum.reduceat(push, starts)[which] if len(changes) else push
    rows: pd.DataFrame = changes[(push == most) & (push > 0)]
    return rows.drop_duplicates("account_id").set_index("account_id")["label"]
