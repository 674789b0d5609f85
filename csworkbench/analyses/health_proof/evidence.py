"""What a proof rests on: what happened, what was known before, and the scores that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.health_proof.columns import Cards, Columns, cards_of, columns_of
from csworkbench.analyses.health_proof.happened import happened
from csworkbench.analyses.health_proof.measured import carried, measured
from csworkbench.analyses.health_proof.settings import Config
from csworkbench.asof import earlier
from csworkbench.errors import NothingToAnalyze, Problem
from csworkbench.scoring import Carry, Scorecard, choose, grade

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.asof import Snapshot

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Rows with what happened and what was known before, not scored yet.

    Args:
        as_of: Day of the study.
        cut: Day that divides learning from testing; None where the outcome has no day.
        rows: unit_id, account_id, snapshot_date (datetime64), part (train, purged, test), is_event; ordered by date.
        known: One column per source, aligned with the rows.
        carried: Scorecard -> columns that it carries on, where a value was missing.
        today: Attributes of the accounts on the day of the study, aligned with the rows.
        cards: The scorecards.
        columns: What each column is for.
        customers: Accounts that had not left on the day of the study.
        open_units: Units left out because nothing was decided in their window.
        violations: Values whose newest fact is younger than their date.
    """

    as_of: date
    cut: date | None
    rows: "pd.DataFrame"
    known: "pd.DataFrame"
    carried: "Mapping[str, pd.DataFrame]"
    today: "pd.DataFrame"
    cards: Cards
    columns: Columns
    customers: int
    open_units: int
    violations: int

    @property
    def is_event(self) -> "NDArray[np.bool_]":
        """Whether each row has the event."""
        return self.rows["is_event"].to_numpy(dtype=bool)

    @property
    def accounts(self) -> "NDArray[np.int64]":
        """Number of the account of each row, 0 to n - 1."""
        import pandas as pd

        return pd.factorize(self.rows["account_id"], sort=True)[0]

    def is_part(self, part: str) -> "NDArray[np.bool_]":
        """Return which rows are of a part: train, purged or test.

        Args:
            part: Name of the part.
        """
        return self.rows["part"].eq(part).to_numpy()


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """The rows of one scorecard.

    Args:
        card: The scorecard, without the measures whose tables are missing.
        rows: Positions of the rows whose account has this scorecard at their date.
        known: What each measure of the card is worth points for, by name; carried ones filled in.
        points: Points 0 to 100, rows x measures of the card; nan where a measure takes no part.
        score: 0 to 100; nan where too little is known.
        without: Measure -> the score without it; nan where nothing else is known.
    """

    card: Scorecard
    rows: "NDArray[np.intp]"
    known: "pd.DataFrame"
    points: "Floats"
    score: "Floats"
    without: "Mapping[str, Floats]"


def gather(snapshot: "Snapshot", config: Config, resolved: Mapping[str, Any]) -> Evidence:
    """Return the rows of the proof with everything that was known at their dates.

    Args:
        snapshot: The book as of the day of the study.
        config: Settings.
        resolved: Settings of health in JSON types, scorecards filled in.

    Raises:
        NothingToAnalyze: the event is not recorded, or nothing has been decided yet.
        AnalysisError: it never happened or always did, or a scorecard is not there.
    """
    what = happened(snapshot, config)
    if what.rows.empty:
        hint = "take more months, a shorter horizon, or another event"
        raise NothingToAnalyze(Problem("nothing has been decided yet that a score could be held against", hint=hint))
    cards = cards_of(resolved, config)
    earliest = earlier(snapshot, what.rows["snapshot_date"].min().date())
    columns = columns_of(snapshot, earliest, cards, config)
    found = measured(snapshot, columns.sources, what.rows)
    rows = what.rows[found.is_present].reset_index(drop=True)
    values = found.known[found.is_present].reset_index(drop=True)
    return Evidence(
        as_of=snapshot.as_of,
        cut=what.cut,
        rows=rows,
        known=values,
        carried=_carried(snapshot, cards, columns, rows, values),
        today=_today(snapshot, columns, rows),
        cards=cards,
        columns=columns,
        customers=_customers(snapshot),
        open_units=what.open_units,
        violations=found.violations,
    )


def score(evidence: Evidence) -> dict[str, Scored]:
    """Return the rows of each scorecard that is proved, with their points and scores.

    Args:
        evidence: What was known at the date of each row.

    Raises:
        NothingToAnalyze: no measure of a scorecard can be computed.
    """
    import numpy as np

    cards, values = evidence.cards, evidence.known
    ids = [card.id for card in cards.cards]
    names = {name: column for column, name in evidence.columns.attributes.items()}
    named = {condition.column for rule in cards.rules for condition in rule.when}
    chosen, _ = choose(cards.rules, ids, cards.default, {name: values[names[name]] for name in named}, len(values))
    return {name: _scored(evidence, name, np.flatnonzero(chosen == ids.index(name))) for name in cards.proved}


def _scored(evidence: Evidence, name: str, rows: "NDArray[np.intp]") -> Scored:
    import pandas as pd

    whole = next(card for card in evidence.cards.cards if card.id == name)
    columns = evidence.columns.of_card[name]
    card = whole.without(measure.name for measure in whole.measures if measure.name not in columns)
    if card is None:
        raise NothingToAnalyze(f"scorecard '{name}': no measure can be computed from the tables of the workspace")
    values = pd.DataFrame({measure.name: evidence.known[columns[measure.name]] for measure in card.measures})
    values = values.assign(**dict(evidence.carried.get(name, {}))).iloc[rows]
    grades = grade(card, values, (evidence.as_of,))
    without = {
        measure.name: grade(less.model_copy(update={"minimum_coverage": 0.0}), values, (evidence.as_of,)).score
        for measure in card.measures
        if (less := card.without([measure.name])) is not None
    }
    return Scored(card, rows, values, grades.points, grades.score, without)


def _carried(
    snapshot: "Snapshot", cards: Cards, columns: Columns, rows: "pd.DataFrame", values: "pd.DataFrame"
) -> "dict[str, pd.DataFrame]":
    import pandas as pd

    filled: dict[tuple[str, int], pd.Series[Any]] = {}
    found = {}
    for card in (card for card in cards.cards if card.id in cards.proved):
        mine = {}
        for measure in card.measures:
            column = columns.of_card[card.id].get(measure.name)
            if column is None or not isinstance(measure.missing, Carry):
                continue
            key = column, measure.missing.max_age_days
            if key not in filled:
                filled[key] = carried(snapshot, measure.source, key[1], rows, values[column])
            mine[measure.name] = filled[key]
        if mine:
            found[card.id] = pd.DataFrame(mine)
    return found


def _today(snapshot: "Snapshot", columns: Columns, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return the attributes that have a past, as they are on the day of the study."""
    import pandas as pd

    versioned = {name: columns.sources[name] for name in columns.attributes if name not in columns.today_only}
    if not versioned or rows["snapshot_date"].eq(pd.Timestamp(snapshot.as_of)).all():
        return pd.DataFrame(index=rows.index)
    return measured(snapshot, versioned, rows.assign(snapshot_date=pd.Timestamp(snapshot.as_of))).known


def _customers(snapshot: "Snapshot") -> int:
    accounts = snapshot.tables["accounts"]
    there = accounts.filter(accounts.churned_at.isnull()) if "churned_at" in accounts.columns else accounts  # noqa: PD003 - Ibis
    return int(there.count().execute())
