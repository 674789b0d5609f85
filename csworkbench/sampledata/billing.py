"""Money of the simulated book beside the contracts: invoices with late payers, and predictions of renewals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.accounts import CURRENCY
from csworkbench.sampledata.contracts import RENEWAL
from csworkbench.sampledata.course import office
from csworkbench.sampledata.draws import known_late, until_end
from csworkbench.sampledata.world import ENGAGEMENT, World, logistic

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.world import Flags, Floats, Ints, Texts, Times

LATE_INVOICES = 6
CREDIT_SHARE, UNPAID_SHARE = 0.01, 0.01
CHECKPOINTS = (180, 90)  # days before the due date at which renewals are predicted
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class PaymentModel:
    """Planted numbers of payment: days from due date to payment.

    Usual accounts pay `usual_days` (sd `usual_sd`) after the due date, minus `slope` days per unit of engagement; a
    share of the accounts pays late every time, lognormal around `late_days`.
    """

    usual_days: float = -5.0
    usual_sd: float = 6.0
    slope: float = 2.0
    late_share: float = 0.12
    late_days: float = 21.0


@dataclass(frozen=True, slots=True)
class CallModel:
    """Planted bias of the predictions of a renewal, on the logit of its probability.

    The model sees the engagement of the day with the swing faded to the due date, plus noise; the CSM is too
    hopeful and noisier, and the final call lies between the two.
    """

    model_sd: float = 0.3
    csm_bias: float = 0.8
    csm_sd: float = 0.7
    final_weight_csm: float = 0.5


PAYMENT, CALL = PaymentModel(), CallModel()


def invoices_table(world: World, contracts: Contracts) -> tuple[pd.DataFrame, Texts]:
    """Return `invoices` of the terms and upgrades that began in the book, and the accounts that pay late every time.

    Args:
        world: Accounts and their latent engagement.
        contracts: Terms of the accounts.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("invoices")
    is_late_payer = rng.random(world.accounts) < PAYMENT.late_share
    terms = _billed(world, contracts.subscriptions)
    account, count = terms["account"].to_numpy(np.int64), len(terms)
    start = terms["start_date"].to_numpy("datetime64[s]")
    known = terms["known_at"].to_numpy("datetime64[s]")
    issued = np.where(np.isnat(known), start, np.maximum(start, known))
    issued = issued.astype("datetime64[D]") + np.timedelta64(1, "D")
    issued = issued.astype("datetime64[s]") + rng.integers(7 * 3600, 15 * 3600, count).astype("timedelta64[s]")
    due = issued + np.timedelta64(30 * _DAY, "s")
    engagement = world.engagement[account, world.month_index(issued)]
    usual = rng.normal(PAYMENT.usual_days, PAYMENT.usual_sd, count) - PAYMENT.slope * engagement
    late = PAYMENT.late_days * np.exp(rng.normal(0, 0.5, count))
    days = np.maximum(np.where(is_late_payer[account], late, usual), -29)
    is_credit = rng.random(count) < CREDIT_SHARE
    paid = np.where(is_credit, issued, due + (days * _DAY).astype("timedelta64[s]"))
    paid = np.where(rng.random(count) < UNPAID_SHARE, np.datetime64("NaT", "s"), paid)
    sign = np.where(is_credit, -0.1, 1.0)
    frame = pd.DataFrame(
        {
            "account_id": terms["account_id"].to_numpy(object),
            "issued_at": issued,
            "due_at": due,
            "paid_at": until_end(world, np.where(is_credit, issued, office(paid))),
            "amount": np.round(terms["amount"].to_numpy(float) * sign, 2),
            "currency": terms["currency"].to_numpy(object),
        }
    )
    frame = frame[frame["issued_at"] <= world.size.last_second].sort_values("issued_at", kind="stable")
    frame = frame.reset_index(drop=True).assign(known_at=lambda rows: _late(world, rows))
    frame.insert(0, "invoice_id", world.ids("I", 7, range(len(frame))))
    return frame, world.traits["account_id"].to_numpy(object)[is_late_payer]


def _late(world: World, rows: pd.DataFrame) -> Times:
    return known_late(world, rows["issued_at"].to_numpy("datetime64[s]"), LATE_INVOICES, 11)


def _billed(world: World, subscriptions: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `subscriptions` to bill with account (number) and amount: a whole term, or what was added."""
    import numpy as np
    import pandas as pd

    rows = subscriptions.sort_values(["subscription_id", "start_date"], kind="stable")
    rows = rows.assign(account=pd.Index(world.traits["account_id"]).get_indexer(rows["account_id"]))
    term = rows.groupby(["subscription_id", "end_date"], sort=False)
    is_first = term.cumcount() == 0
    months = np.round((rows["end_date"] - rows["start_date"]).dt.days / 30.44)
    added = term["mrr"].diff().fillna(0)
    rows["amount"] = np.where(is_first, rows["mrr"], added) * months
    return rows.loc[(rows["start_date"] >= pd.Timestamp(world.size.start)) & (rows["amount"] > 0)]


def renewal_calls_table(world: World, contracts: Contracts) -> pd.DataFrame:
    """Return `renewal_calls`: at 180 and 90 days before the due date the model's, the CSM's and the final call.

    Small accounts have no CSM of their own: only the model speaks. Nothing is called before the renewal is known or
    after it was decided.

    Args:
        world: Accounts and their latent engagement.
        contracts: Renewals.
    """
    import pandas as pd

    rng = world.stream("renewal_calls")
    account = pd.Index(world.traits["account_id"]).get_indexer(contracts.renewals["account_id"])
    calls = pd.concat([_checkpoint(world, contracts.renewals, account, days, rng) for days in CHECKPOINTS])
    calls = calls.sort_values(["made_at", "renewal_id", "source"], kind="stable", ignore_index=True)
    return calls[["renewal_id", "made_at", "source", "p_renew", "amount", "currency"]]


def _checkpoint(
    world: World, renewals: pd.DataFrame, account: Ints, days: int, rng: np.random.Generator
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    count = len(renewals)
    at = renewals["due_date"].to_numpy("datetime64[D]") - days
    logit = -_logit_churned(world, renewals, account, at)
    model = logit + rng.normal(0, CALL.model_sd, count)
    csm = logit + CALL.csm_bias + rng.normal(0, CALL.csm_sd, count)
    final = (1 - CALL.final_weight_csm) * model + CALL.final_weight_csm * csm
    is_small = world.traits["tier"].to_numpy(object)[account] == "small"
    parts: list[pd.DataFrame] = []
    for source, value, wait in (("model", model, (0, 1)), ("csm", csm, (1, 6)), ("final", final, (7, 12))):
        made = (at + rng.integers(*wait, count)).astype("datetime64[s]")
        made = made + (rng.integers(7 * 3600, 15 * 3600, count) if source != "model" else np.full(count, 18_000))
        chance = np.round(logistic(value), 3) if source == "model" else np.round(logistic(value) * 20) / 20
        kept = _is_callable(world, renewals, made) & ((source == "model") | ~is_small)
        parts.append(
            pd.DataFrame(
                {
                    "renewal_id": renewals["renewal_id"].to_numpy(object),
                    "made_at": made,
                    "source": source,
                    "p_renew": chance,
                    "amount": np.round(renewals["target_amount"].to_numpy(float) * chance, 2),
                    "currency": world.traits["region"].map(CURRENCY).to_numpy(object)[account],
                }
            )[kept]
        )
    return pd.concat(parts)


def _logit_churned(world: World, renewals: pd.DataFrame, account: Ints, at: Times) -> Floats:
    """Return the logit of losing each renewal as one can tell on a day: by what the swing fades to."""
    import numpy as np

    column = world.month_index(at)
    ahead = np.maximum(world.month_index(renewals["due_date"].to_numpy("datetime64[D]")) - 2 - column, 0)
    fading = world.swing[account, column] * ENGAGEMENT.swing_memory**ahead
    tier = world.traits["tier"].to_numpy(object)[account]
    is_first = renewals["renewal_id"].str.endswith("-01").to_numpy(bool)
    return np.asarray(
        RENEWAL.intercept
        + RENEWAL.engagement * (world.stable[account] + world.decline[account, column] + fading)
        + RENEWAL.first_term * is_first
        + RENEWAL.small * (tier == "small")
        + RENEWAL.large * (tier == "large")
    )


def _is_callable(world: World, renewals: pd.DataFrame, made: Times) -> Flags:
    import numpy as np

    decided = renewals["decided_at"].to_numpy("datetime64[s]")
    is_before = np.isnat(decided) | (made < decided)
    is_known = made >= renewals["known_at"].to_numpy("datetime64[s]")
    return np.asarray(is_before & is_known & (made >= world.size.start) & (made <= world.size.last_second))
