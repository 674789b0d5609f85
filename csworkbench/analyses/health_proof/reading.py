"""The proof of each scorecard: candidates on the same rows, and what may be said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.health_proof.evidence import Evidence, Scored
from csworkbench.analyses.health_proof.learning import CHALLENGERS, CONSTANT, Learned, Line, LineName
from csworkbench.analyses.health_proof.settings import Config
from csworkbench.estimates import Estimate
from csworkbench.inference.discrimination import auc, ranked
from csworkbench.inference.proof import Proof, Rows, Stamp, prove

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Positions = NDArray[np.intp]

SCORE = "score"


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the rows that test say of one scorecard.

    Args:
        scorecard: Its id.
        line: How rows were divided.
        rows: Positions of the rows that test and have a score.
        score: The score of each of them.
        risks: Candidate -> probability of each of them; the score's own is called score.
        ranks: Candidate -> what it is ranked by, where that is not its probability.
        proof: Measures of every candidate.
        challenger: The better learned model, chosen where the line chooses; the first where no row there is scored.
        baseline: The best baseline, chosen there too; in the test where no row there is scored.
        not_scored: Rows that test, but have no score.
    """

    scorecard: str
    line: Line
    rows: "Positions"
    score: "Floats"
    risks: "Mapping[str, Floats]"
    ranks: "Mapping[str, Floats]"
    proof: Proof
    challenger: str
    baseline: str
    not_scored: int

    def measure(self, candidate: str, name: str = "auc") -> Estimate:
        """Return a measure of a candidate.

        Args:
            candidate: Its name.
            name: Name of the measure.
        """
        return self.proof.measures[candidate][name]

    def difference(self, candidate: str) -> Estimate:
        """Return how far the AUC of a candidate lies above that of the best baseline."""
        return self.proof.differences[candidate, self.baseline]

    def stamp(self, candidate: str, config: Config) -> Stamp:
        """Return what may be said of a candidate against the best baseline.

        Args:
            candidate: Its name.
            config: The least number of events.
        """
        return self.proof.stamp(candidate, self.baseline, config.least_events)

    def risk_of(self, candidate: str) -> "Floats":
        """Return what a candidate is ranked by."""
        return self.ranks.get(candidate, self.risks[candidate])


def read(evidence: Evidence, scored: Mapping[str, Scored], learned: Learned, config: Config) -> tuple[Reading, ...]:
    """Return the proof of every scorecard by every line: the default scorecard first, out of time before crossed.

    Args:
        evidence: What happened.
        scored: Points and scores of the rows.
        learned: Predictions of every candidate.
        config: Capacity, draws and level.
    """
    return tuple(_read(evidence, card, line, config) for card in scored.values() for line in learned.lines)


def main_readings(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Return the reading of each scorecard that its stamp rests on: out of time where there is one."""
    first: dict[str, Reading] = {}
    for reading in readings:
        first.setdefault(reading.scorecard, reading)
    return tuple(first.values())


def capacity_share(evidence: Evidence, config: Config) -> float:
    """Return the accounts the team can look after as a share of all customers."""
    return min(1.0, config.capacity_accounts / max(1, evidence.customers))


def _read(evidence: Evidence, card: Scored, line: Line, config: Config) -> Reading:
    import numpy as np
    import pandas as pd

    has_score = np.isfinite(card.score)
    tests, chooses = (card.rows[mask[card.rows] & has_score] for mask in (line.tests, line.chooses))
    score = np.full(len(evidence.rows), np.nan)
    score[card.rows] = card.score
    names = {f"score.{card.card.id}": SCORE}
    kept = {names.get(name, name): risk for name, risk in line.risks.items() if "." not in name or name in names}
    rows = Rows(evidence.is_event[tests], pd.factorize(evidence.accounts[tests])[0])
    risks = {name: risk[tests] for name, risk in kept.items()}
    ranks = {SCORE: -score[tests], CONSTANT: np.zeros(len(tests))}
    # Without a scored row to choose by, the score has to beat the baseline that is luckiest in the test.
    rivals = chooses if len(chooses) else tests
    told = {name: _auc(risk[rivals], evidence.is_event[rivals]) for name, risk in kept.items() if name != CONSTANT}
    # To beat everybody alike is to predict at all: it stands in only where nothing else is known.
    baselines = {name: told[name] for name in evidence.columns.baselines} or {CONSTANT: 0.5}
    # No model is chosen there: what is said of the better one would be said of the luckier one.
    challengers = {name: told[name] if len(chooses) else 0.0 for name in CHALLENGERS}
    return Reading(
        scorecard=card.card.id,
        line=line,
        rows=tests,
        score=score[tests],
        risks=risks,
        ranks=ranks,
        proof=_prove(risks, ranks, rows, capacity_share(evidence, config), config),
        challenger=max(challengers, key=challengers.__getitem__),
        baseline=max(baselines, key=baselines.__getitem__),
        not_scored=int((line.tests[card.rows] & ~has_score).sum()),
    )


def _auc(risk: "Floats", is_event: "Flags") -> float:
    import numpy as np

    value = auc(ranked(risk, is_event)) if np.isfinite(risk).all() else float("nan")
    return value if np.isfinite(value) else 0.0


def _prove(
    risks: "Mapping[str, Floats]", ranks: "Mapping[str, Floats]", rows: Rows, capacity: float, config: Config
) -> Proof:
    if rows.events and rows.events < len(rows.is_event):
        return prove(risks, rows, capacity, ranks=ranks, draws=config.draws, seed=config.seed, level=config.level)
    unknown = Estimate(None, "auc", rows.account_count)
    names = list(risks)
    measures = {name: dict.fromkeys(("auc", "average_precision", "captured", "lift"), unknown) for name in names}
    return Proof(rows, measures, {(one, other): unknown for one in names for other in names if one != other})


def shown_candidates(reading: Reading) -> Iterator[str]:
    """Yield the candidates that a page compares: the score, the better learned model, the best baseline."""
    yield from dict.fromkeys((SCORE, reading.challenger, reading.baseline))


__all__ = [
    "SCORE",
    "LineName",
    "Reading",
    "capacity_share",
    "main_readings",
    "read",
    "shown_candidates",
]
