"""The whole book graded: which scorecard each account has at each date, its score and its band."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.health.panel import Inputs, source_key
from csworkbench.analyses.health.settings import Config
from csworkbench.errors import AnalysisError, NothingToAnalyze
from csworkbench.features import Attribute
from csworkbench.remembering import once
from csworkbench.scoring import Grades, Scorecard, choose, grade, settle_bands

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Positions = NDArray[np.intp]

OTHERWISE = "everyone else"


@dataclass(frozen=True, slots=True, eq=False)
class CardGrades:
    """One scorecard and the grades of the accounts that have it at any date.

    Args:
        card: The scorecard, without the measures whose tables are missing.
        accounts: Positions of the accounts, ascending.
        grades: Rows of all those accounts at the first date, then at the second and so on.
    """

    card: Scorecard
    accounts: "Positions"
    grades: Grades

    def on(self, date: int, accounts: "Positions") -> Grades:
        """Return the grades of some accounts at one date.

        Args:
            date: Position of the date.
            accounts: Positions of accounts that have this scorecard at some date.
        """
        import numpy as np

        return self.grades.at(date * len(self.accounts) + np.searchsorted(self.accounts, accounts))


@dataclass(frozen=True, slots=True, eq=False)
class GradedBook:
    """Scores and bands of all accounts at all dates; every matrix is dates x accounts.

    Args:
        cards: Scorecards in the order of the config.
        card: Position in `cards`; -1 where the account is not a customer. Score, coverage and band are missing at dates
            before the history.
        rule: Position in the config's rules; their number stands for "everyone else".
        score: Points; NaN where not scored.
        coverage: Share of the weight that rests on data; NaN where not a customer.
        band: Position in the band names; -1 where not scored.
    """

    cards: tuple[CardGrades, ...]
    card: "Positions"
    rule: "Positions"
    score: "NDArray[np.float64]"
    coverage: "NDArray[np.float64]"
    band: "Positions"

    def using(self, date: int) -> "list[tuple[int, Positions]]":
        """Return for each scorecard its position and the positions of the accounts that have it at a date."""
        import numpy as np

        return [(place, np.flatnonzero(self.card[date] == place)) for place in range(len(self.cards))]


def grade_book(inputs: Inputs, config: Config, cards: Sequence[Scorecard]) -> GradedBook:
    """Return every account's score and band at every date.

    Args:
        inputs: Measures of every account at every date.
        config: Rules that choose the scorecard.
        cards: Scorecards to apply, in the order of `config.scorecards`: those of today or earlier ones.

    Raises:
        AnalysisError: no measure of a scorecard can be computed, or a measure was not prepared.
    """
    import numpy as np

    usable = [_usable(card, inputs) for card in cards]
    shape = len(inputs.dates), len(inputs.accounts)
    card, rule = (codes.reshape(shape) for codes in _choose(inputs, config))
    # Dates before the history hold carried measures only: a score of them is none, and no band begins there.
    is_shown = np.arange(shape[0])[:, None] >= shape[0] - config.history_months
    score, coverage, band = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, -1)
    graded = []
    for place, each in enumerate(usable):
        accounts = np.flatnonzero((card == place).any(axis=0))
        mine = np.ix_(np.arange(shape[0]), accounts)
        grades = _graded(each, inputs, accounts, most=2 * len(usable))
        has_it = (card[mine] == place) & is_shown
        scores = np.where(has_it, grades.score.reshape(has_it.shape), np.nan)
        score[mine] = np.where(has_it, scores, score[mine])
        coverage[mine] = np.where(has_it, grades.coverage.reshape(has_it.shape), coverage[mine])
        band[mine] = np.where(has_it, settle_bands(each, scores), band[mine])
        graded.append(CardGrades(each, accounts, grades))
    return GradedBook(tuple(graded), card, rule, score, coverage, band)


def _graded(card: Scorecard, inputs: Inputs, accounts: "Positions", *, most: int) -> Grades:
    """Return the grades of accounts at every date, which other bands leave as they are."""
    asked = ("grades", card.model_dump_json(exclude={"bands", "hysteresis_points"}), accounts.tobytes())
    return once(inputs, asked, lambda: grade(card, _values(card, inputs, accounts), inputs.dates), most=most)


def earlier_cards(config: Config) -> tuple[Scorecard, ...]:
    """Return the scorecards as they were at the earlier date: today's where no earlier file is given."""
    before = {card.id: card for card in config.earlier_scorecards}
    return tuple(before.get(card.id, card) for card in config.scorecards)


def left_out_measures(card: Scorecard, inputs: Inputs) -> dict[str, tuple[str, ...]]:
    """Return the measures of a scorecard that cannot be computed, with the tables they lack."""
    keys = {measure.name: source_key(measure.source) for measure in card.measures}
    return {name: inputs.left_out[key] for name, key in keys.items() if key in inputs.left_out}


def _usable(card: Scorecard, inputs: Inputs) -> Scorecard:
    lacking = left_out_measures(card, inputs)
    usable = card.without(lacking)
    if usable is None:
        tables = ", ".join(sorted(set().union(*lacking.values())))
        raise NothingToAnalyze(f"scorecard '{card.id}': no measure can be computed; the workspace lacks {tables}")
    unknown = [measure.name for measure in usable.measures if source_key(measure.source) not in inputs.panel.columns]
    if unknown:
        raise AnalysisError(f"scorecard '{card.id}': {', '.join(unknown)} not measured yet; run prepare again")
    return usable


def _values(card: Scorecard, inputs: Inputs, accounts: "Positions") -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    rows = (np.arange(len(inputs.dates))[:, None] * len(inputs.accounts) + accounts).ravel()
    index = inputs.panel.index[rows]
    columns = {measure.name: inputs.panel[source_key(measure.source)].array.take(rows) for measure in card.measures}
    return pd.DataFrame(columns, index=index)


def _choose(inputs: Inputs, config: Config) -> "tuple[Positions, Positions]":
    """Return the position of the scorecard and of the rule that chose it, per row of the panel."""
    import numpy as np

    named = {condition.column for rule in config.rules for condition in rule.when}
    columns = {name: inputs.panel[source_key(Attribute(column=name))] for name in named}
    ids = [card.id for card in config.scorecards]
    card, rule = choose(config.rules, ids, config.default, columns, len(inputs.panel))
    return np.where(inputs.panel["is_customer"], card, -1), rule
