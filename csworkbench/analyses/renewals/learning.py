"""From decided renewals to a forecaster: when renewals are decided, how many are lost, what the kept ones bring."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.renewals.evidence import Inputs
from csworkbench.analyses.renewals.settings import Config
from csworkbench.analyses.renewals.simulating import Pool

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.inference.models import Model

    Floats = NDArray[np.float64]

MONTH_DAYS = 30
FIRST_MONTH, LAST_MONTH = -15, 3  # months of 30 days from the due date that are told apart
LEAST_DRAWS, MOST_CELLS = 200, 20_000_000  # draws of all renewals held at once
MOST_TIMES = 10  # beyond it the amount due is a mistake or a token, and no draw of it is a forecast
BASE_RATE, LEARNED, UNKNOWN = "base rate", "model", "cannot tell"


@dataclass(frozen=True, slots=True, eq=False)
class Forecaster:
    """What was learned by a date.

    Args:
        as_of: Nothing decided later was learned from.
        basis: model, base rate (too few lost ones for a model) or cannot tell (nothing was decided yet).
        model: The logistic model of a lost renewal; None without one.
        parameters: Draws: coefficients of the model, or the base rate itself; one row each.
        timing: Table of `decision_hazards`.
        pool: What the renewals that were kept brought of their targets.
        decided: Renewals that were learned from.
        lost: How many of them were lost.
        accounts: Accounts behind them.
    """

    as_of: date
    basis: str
    model: "Model | None"
    parameters: "Floats"
    timing: "pd.DataFrame"
    pool: Pool
    decided: int
    lost: int
    accounts: int

    @property
    def digest(self) -> str:
        """Hash of the model; empty without one."""
        return "" if self.model is None else str(self.model.to_json()["sha256"])

    def p_lost(self, rows: "pd.DataFrame") -> "tuple[Floats, Floats]":
        """Return the probability that open renewals are lost: at best guess, and under each draw of the parameters.

        Early and late decisions are weighed by how probable it is that one comes late.

        Args:
            rows: Open renewals with days_to_due and the measures.

        Returns:
            One value per row, and one row per draw; nan where nothing was learned.
        """
        import numpy as np

        from csworkbench.inference.parameters import risk_draws

        # A book of many renewals is simulated less often, so that it fits into memory.
        parameters = self.parameters[: max(LEAST_DRAWS, MOST_CELLS // max(1, len(rows)))]
        if self.model is None:
            rate = (self.lost / self.decided) if self.decided else np.nan
            return np.full(len(rows), rate), np.repeat(parameters, len(rows), axis=1)
        late = late_share(self.timing, rows["days_to_due"].to_numpy())
        best, drawn = np.zeros(len(rows)), np.zeros((len(parameters), len(rows)))
        for is_late, share in ((False, 1 - late), (True, late)):
            asked = rows.assign(is_late=is_late)
            best += share * self.model.risk(asked)
            drawn += share * risk_draws(self.model, parameters, asked)
        return best, drawn


def learn(inputs: Inputs, config: Config, known_on: date) -> Forecaster:
    """Return what can be learned from the renewals decided by a date.

    Args:
        inputs: Renewals at every month end and what came of them.
        config: Settings.
        known_on: Rows count whose window has ended by this date: the purge.
    """
    import numpy as np
    import pandas as pd

    from csworkbench.inference.models import fit
    from csworkbench.inference.parameters import coefficient_draws

    timing = decision_hazards(inputs, known_on)
    seen = inputs.outcomes[inputs.outcomes["known_by"] <= pd.Timestamp(known_on)]
    rows = inputs.rows.merge(seen, on=["snapshot_date", "renewal_id"])
    due = rows["snapshot_date"] + pd.to_timedelta(rows["days_to_due"], unit="D")
    frame = rows[["days_to_due", *inputs.features]].assign(is_late=rows["decided_on"] > due)
    is_lost, accounts = rows["is_lost"].to_numpy(bool), pd.factorize(rows["account_id"])[0]
    each = rows.drop_duplicates("renewal_id")
    decided, lost, groups = len(each), int(each["is_lost"].sum()), int(each["account_id"].nunique())
    pool = _kept(inputs, each)

    def found(basis: str, model: "Model | None", parameters: "Floats") -> Forecaster:
        return Forecaster(known_on, basis, model, parameters, timing, pool, decided, lost, groups)

    if not decided:
        return found(UNKNOWN, None, np.full((config.draws, 1), np.nan))
    if lost < config.minimum_events or decided - lost < config.minimum_events:
        # Accounts, not renewals, are independent: Jeffreys' prior and as many trials as there are accounts.
        share = groups / decided
        rng = np.random.default_rng(config.seed)
        rates = rng.beta(0.5 + lost * share, 0.5 + (decided - lost) * share, (config.draws, 1))
        return found(BASE_RATE, None, rates)
    model = fit("logistic", frame, is_lost, accounts, by_rank=True, seed=config.seed)
    parameters = coefficient_draws(model, frame, is_lost, accounts, draws=config.draws, seed=config.seed)
    return found(LEARNED, model, parameters)


def _kept(inputs: Inputs, each: "pd.DataFrame") -> Pool:
    known = inputs.renewals.loc[each.loc[~each["is_lost"].astype(bool), "renewal_id"]]
    priced = known[(known["target"] > 0) & known["final"].notna()]
    # Amounts of different currencies cannot be compared: each currency counts by its number of renewals.
    weights = priced["target"] / priced.groupby("currency")["target"].transform("mean")
    ratios = (priced["final"] / priced["target"]).clip(upper=MOST_TIMES)
    return Pool(ratios.to_numpy(float), weights.to_numpy(float))


def decision_hazards(inputs: Inputs, known_on: date) -> "pd.DataFrame":
    """Return how probable a decision is in each month about the due date, for renewals that are still open then.

    A renewal counts from the month end at which it was first seen open (it may have been decided before, and would not
    be here) until it is decided; where that has not happened by the date it is censored, and a month that has not
    ended by then does not count.

    Args:
        inputs: Renewals at every month end and what came of them.
        known_on: Decisions up to this date count.

    Returns:
        One row per month of 30 days from the due date, ascending: month (-1 = the last one before it, 0 = the first
        one after), at_risk, decided, hazard (missing where nobody was at risk), open_share (Kaplan-Meier: share not
        decided by the end of the month).

    Source: Kaplan and Meier (1958) with delayed entry; checked against lifelines.
    """
    import numpy as np
    import pandas as pd

    cut = pd.Timestamp(known_on)
    known = inputs.rows[inputs.rows["snapshot_date"] <= cut]
    first = known.drop_duplicates("renewal_id").set_index("renewal_id")
    facts = inputs.renewals.loc[first.index]
    entered = np.ceil(-first["days_to_due"].to_numpy(float) / MONTH_DAYS)
    day = (facts["decided_on"] - facts["due_date"]).dt.days.where(facts["decided_on"] <= cut).to_numpy(float)
    decided = np.ceil(day / MONTH_DAYS) - 1
    watched = np.floor(((cut - facts["due_date"]).dt.days.to_numpy(float)) / MONTH_DAYS)
    months = np.arange(FIRST_MONTH, LAST_MONTH)[:, None]
    is_there = (entered <= months) & (months < watched) & ~(decided < months)
    at_risk, events = is_there.sum(axis=1), (is_there & (decided == months)).sum(axis=1)
    hazard = np.divide(events, at_risk, out=np.full(len(months), np.nan), where=at_risk > 0)
    return pd.DataFrame(
        {
            "month": months[:, 0],
            "at_risk": at_risk,
            "decided": events,
            "hazard": hazard,
            "open_share": np.cumprod(1 - np.nan_to_num(hazard)),
        }
    )


def late_share(timing: "pd.DataFrame", days_to_due: "Floats") -> "Floats":
    """Return how probable it is that open renewals are decided only after their due date.

    Args:
        timing: Table of `decision_hazards`.
        days_to_due: Days to the due date of each renewal; 1 for those past due.
    """
    import numpy as np

    before = timing[timing["month"] < 0]
    stays = 1 - before["hazard"].fillna(0.0).to_numpy()[::-1]  # the month before the due date comes first
    after = np.concatenate([[1.0], np.cumprod(stays)])
    months = np.clip(days_to_due / MONTH_DAYS, 0, len(stays))
    whole = np.floor(months).astype(int)
    # Part of a month lies ahead: the same chance every day of it.
    part = np.append(stays, 1.0)[whole] ** (months - whole)
    return np.where(days_to_due < 0, 1.0, after[whole] * part)


def coefficient_table(forecaster: Forecaster, level: float) -> "pd.DataFrame":
    """Return what the model learned, the most telling measure first.

    Args:
        forecaster: What was learned.
        level: Coverage of the intervals.

    Returns:
        One row per column of the model: measure, odds (factor on the odds of losing the renewal when the measure is
        one standard deviation higher among the learned rows), low, high. Empty without a model.
    """
    import numpy as np
    import pandas as pd

    if forecaster.model is None:
        return pd.DataFrame({"measure": pd.Series(dtype="str"), "odds": [], "low": [], "high": []})
    model = forecaster.model
    names = [*model.encoding.names, *_gap_names(model)]
    slope = model.line[1]
    drawn = slope * forecaster.parameters[:, 1:]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    best = slope * np.asarray(model.parameters["coefficients"])
    table = pd.DataFrame(
        {"measure": names, "odds": np.exp(best), "low": np.exp(low), "high": np.exp(high), "size": np.abs(best)}
    )
    return table.sort_values("size", ascending=False, kind="stable", ignore_index=True).drop(columns="size")


def _gap_names(model: Any) -> list[str]:
    return [f"{model.encoding.names[at]} not recorded" for at in model.parameters["gaps"]]
