"""How the accounts that came during the simulated book got going: milestones and the answers of welcome calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sampledata.course import office
from csworkbench.sampledata.draws import until_end
from csworkbench.sampledata.world import World, only

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.world import Flags, Ints, Times

MILESTONES = {"kickoff": 7, "data_connected": 21, "first_dashboard": 35, "team_trained": 50, "first_value": 75}
CALLED_SHARE = {"large": 0.9, "mid": 0.8, "small": 0.35}
_ANSWERS = {
    "China": {
        "business": ("跨境电商", "连锁零售", "在线教育", "工业设备制造"),
        "goal": ("提高复购率", "减少人工报表", "统一各部门口径"),
        "current_tool": ("Excel 手工汇总", "自建报表系统", "没有"),
        "key_features": ("漏斗分析和用户分群", "实时看板", "数据导出接口"),
        "timeline": ("两周内上线试点", "下季度全员使用", "还没有明确计划"),
    },
    "Sweden": {
        "business": ("E-handel", "Grossist", "Kommunal verksamhet", "Tillverkning"),
        "goal": ("Färre manuella rapporter", "Högre återköp", "En bild för alla avdelningar"),
        "current_tool": ("Excel", "Eget system", "Inget i dag"),
        "key_features": ("Segment och trattar", "Instrumentpaneler", "Export till ekonomi"),
        "timeline": ("Pilot inom två veckor", "Alla före kvartalets slut", "Inte bestämt"),
    },
    "Ireland": {
        "business": ("Online retail", "Freight", "Health services", "Software"),
        "goal": ("Fewer hand-made reports", "More repeat orders", "One set of numbers"),
        "current_tool": ("Spreadsheets", "In-house reports", "Nothing yet"),
        "key_features": ("Funnels and segments", "Dashboards", "Export to finance"),
        "timeline": ("Pilot in two weeks", "Everyone by the end of the quarter", "Not decided"),
    },
}
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class OnboardingModel:
    """Planted numbers of the onboarding.

    The time from one milestone to the next is lognormal with sd `gap_sd`; its median is the planned gap times the
    factor of the tier times exp(slope * engagement in the month of the first payment). At each milestone a share of
    the accounts stops for good.
    """

    gap_sd: float = 0.6
    slope: float = -0.3
    large: float = 1.5
    mid: float = 1.1
    small: float = 0.8
    stop_share: float = 0.03


ONBOARDING = OnboardingModel()


def milestones_table(world: World, contracts: Contracts) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `milestones` of the accounts that paid first during the book, and the truth about them.

    Args:
        world: Accounts and their latent engagement.
        contracts: When accounts leave.

    Returns:
        The table, and one row per row of it: account_id, milestone, days (from the first payment to the milestone as
        if nobody left and the book went on; infinite where the account stops before).
    """
    import numpy as np
    import pandas as pd

    rng, account = world.stream("milestones"), _newcomers(world)
    planned = np.array(list(MILESTONES.values()), dtype=float)
    paid = world.traits["paid"].to_numpy("datetime64[s]")[account]
    opened = paid + np.timedelta64(8 * 3600, "s")
    engagement = world.engagement[account, world.month_index(paid)]
    factor = world.traits["tier"].map({name: getattr(ONBOARDING, name) for name in CALLED_SHARE}).to_numpy(float)
    pace = factor[account] * np.exp(ONBOARDING.slope * engagement)
    luck = np.exp(rng.normal(0, ONBOARDING.gap_sd, (len(account), len(planned))))
    stops = rng.random(luck.shape) < ONBOARDING.stop_share
    days = np.cumsum(np.where(stops, np.inf, np.diff(planned, prepend=0) * pace[:, None] * luck), axis=1)
    end = np.where(np.isnat(contracts.churned_at), world.size.last_second, contracts.churned_at)[account]
    is_reached = days < (end - opened).astype(np.int64)[:, None] / _DAY
    reached = opened[:, None] + (np.where(is_reached, days, 0) * _DAY).astype("timedelta64[s]")
    due = opened[:, None] + (planned * _DAY).astype("timedelta64[s]")
    ids = np.repeat(world.traits["account_id"].to_numpy(object)[account], len(planned))
    named = np.tile(np.array(list(MILESTONES), dtype=object), len(account))
    table = pd.DataFrame(
        {
            "account_id": ids,
            "milestone": named,
            "planned_at": due.ravel(),
            "reached_at": until_end(world, office(np.where(is_reached, reached, np.datetime64("NaT", "s")).ravel())),
            "known_at": np.repeat(opened, len(planned)),
        }
    )
    return table, pd.DataFrame({"account_id": ids, "milestone": named, "days": days.ravel()})


def _newcomers(world: World) -> Ints:
    """Return the accounts that paid first during the book, the last day left out."""
    import numpy as np

    paid = world.traits["paid"].to_numpy("datetime64[D]")
    return np.flatnonzero((paid >= world.size.start) & (paid < np.datetime64(world.size.end, "D")))


def answers_table(world: World, contracts: Contracts) -> pd.DataFrame:
    """Return `answers` to the five questions of the welcome call, in the customer's language; some stay open.

    Args:
        world: Accounts of the block.
        contracts: When accounts leave.
    """
    import numpy as np
    import pandas as pd

    rng, traits, count = world.stream("answers"), world.traits, world.accounts
    signup = traits["signup"].to_numpy("datetime64[s]")
    asked = office(signup + rng.integers(_DAY, 6 * _DAY, count).astype("timedelta64[s]"))
    is_called = rng.random(count) < traits["tier"].map(CALLED_SHARE).to_numpy(float)
    called = np.flatnonzero(is_called & _is_there(world, contracts, asked))
    regions = traits["region"].to_numpy(object)[called]
    questions = [(region, question) for region in regions for question in _ANSWERS[region]]
    share = rng.random(len(questions))
    said = [
        _ANSWERS[region][question][int(place * len(_ANSWERS[region][question]))]
        for (region, question), place in zip(questions, share, strict=True)
    ]
    per_call = len(questions) // max(len(called), 1)
    return pd.DataFrame(
        {
            "account_id": np.repeat(traits["account_id"].to_numpy(object)[called], per_call),
            "question": np.array([question for _, question in questions], dtype=object),
            "asked_at": np.repeat(asked[called], per_call),
            "answer": only(rng.random(len(questions)) >= 0.1, np.array(said, dtype=object)),
        }
    )


def _is_there(world: World, contracts: Contracts, at: Times) -> Flags:
    import numpy as np

    signed = world.traits["signup"].to_numpy("datetime64[D]") >= world.size.start
    left = np.where(np.isnat(contracts.churned_at), world.size.last_second, contracts.churned_at)
    return np.asarray(signed & (at <= left) & (at <= world.size.last_second))
