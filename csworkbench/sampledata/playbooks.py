"""The eight playbooks of the simulated book: what they are for, their steps, and what they truly do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

PRE_DAYS = POST_DAYS = 60
_USUAL_RUN = {"finished": 0.78, "ticked": 0.05, "stuck_csm": 0.06, "stuck_customer": 0.06, "dropped": 0.05}


@dataclass(frozen=True, slots=True)
class Selection:
    """When an account is picked for a plan, by its engagement in the two months before.

    Args:
        recent_at_most: Largest mean engagement.
        fall_at_most: Largest change of that mean against the six months before those; unlike a dip, which is hidden, a
            fall shows in the metrics.
        dip_at_most: Largest mean swing; the lower, the more comes back by itself.
        dip_at_least: Smallest mean swing.
        decline_at_least: Smallest planted decline; 0 = none so far.
        share_of_book: First and last month in which plans start, as shares of the book.
        may_overlap: Whether an account that has another plan may be picked.
    """

    recent_at_most: float = 0.0
    fall_at_most: float = 9.0
    dip_at_most: float = -0.1
    dip_at_least: float = -9.0
    decline_at_least: float = -9.0
    share_of_book: tuple[float, float] = (0.25, 0.78)
    may_overlap: bool = False


@dataclass(frozen=True, slots=True)
class Playbook:
    """A playbook and the truth about it.

    Args:
        name: Id, as in `plans.playbook`.
        problem: What it is for.
        metric: Goal metric and problem metric, in `metrics_daily`.
        theme: Theme of its plans.
        steps: Name -> is it mandatory, in their order.
        quota: Tier -> plans per 600 accounts.
        effect: What a plan that was run to the end adds to the logarithm of the metric from landing on, for good.
        works_in: Tiers in which it has that effect; in the others none.
        truth: What a validation should find: verified, supported, one_tier, not_executable, regression, redesign,
            private_selection or too_few.
        uplift: Goal, as a share of the baseline.
        landing_days: Shortest and longest time from start to landing.
        review_days: Shortest and longest time from landing to closing.
        run: Share of plans that were finished; ticked off at closing without the work; stuck with the CSM, the customer
            or the plan itself; or dropped.
        selection: When an account is picked.
    """

    name: str
    problem: str
    metric: str
    theme: str
    steps: Mapping[str, bool]
    quota: Mapping[str, int]
    effect: float
    works_in: tuple[str, ...]
    truth: str
    uplift: float = 0.25
    landing_days: tuple[int, int] = (21, 42)
    review_days: tuple[int, int] = (POST_DAYS + 3, POST_DAYS + 16)
    run: Mapping[str, float] = field(default_factory=lambda: MappingProxyType(_USUAL_RUN))
    selection: Selection = Selection()

    def effect_in(self, tier: str) -> float:
        """Return the true effect of a finished plan in a tier, in the logarithm of the metric."""
        return self.effect if tier in self.works_in else 0.0


LOTTERY = Playbook(
    name="team_rollout",
    problem="Only one team works with the product",
    metric="active_dashboards",
    theme="adoption",
    steps={
        "Map the teams": True,
        "Agree on champions": True,
        "Train each team": True,
        "Set up team dashboards": True,
        "Review with the sponsor": True,
        "Share the story": False,
    },
    quota={"large": 12, "mid": 18},
    effect=0.34,
    works_in=("large", "mid", "small"),
    truth="verified",
    run={"finished": 0.9, "stuck_csm": 0.05, "stuck_customer": 0.05},
    selection=Selection(recent_at_most=0.1, dip_at_most=-0.1),
)
PRIVATE = Playbook(
    name="sponsor_program",
    problem="No executive stands behind the product",
    metric="orders_handled",
    theme="relationship",
    steps={
        "Find the sponsor": True,
        "Prepare the value report": True,
        "Meet the sponsor": True,
        "Agree on a yearly goal": True,
        "Invite to the customer council": False,
    },
    quota={"large": 11, "mid": 13},
    effect=0.0,
    works_in=(),
    truth="private_selection",
    selection=Selection(recent_at_most=0.3, dip_at_most=0.2),
)
TOO_FEW = Playbook(
    name="peak_season",
    problem="The customer is not ready for its peak season",
    metric="orders_handled",
    theme="adoption",
    steps={
        "Ask for the season plan": True,
        "Check limits and quotas": True,
        "Load test": True,
        "Agree on a hotline": False,
        "Go live": True,
    },
    quota={"large": 11, "mid": 13},
    effect=0.2,
    works_in=("large", "mid", "small"),
    truth="too_few",
    landing_days=(35, 56),
    review_days=(8, 24),
    selection=Selection(share_of_book=(0.85, 0.97), may_overlap=True),
)
PLAYBOOKS = (  # in the order in which accounts are picked for them: the scarce ones first
    LOTTERY,
    PRIVATE,
    Playbook(
        name="executive_dashboards",
        problem="Management does not see the numbers",
        metric="active_dashboards",
        theme="adoption",
        steps={
            "Interview the executives": True,
            "Choose five figures": True,
            "Build the dashboards": True,
            "Present in the management meeting": True,
            "Hand over to the analyst": True,
            "Collect feedback": False,
        },
        quota={"large": 40, "mid": 40},
        effect=0.34,
        works_in=("large",),
        truth="one_tier",
        run={"finished": 0.85, "ticked": 0.05, "stuck_csm": 0.04, "stuck_customer": 0.03, "dropped": 0.03},
        selection=Selection(recent_at_most=0.2, dip_at_most=-0.05),
    ),
    Playbook(
        name="quick_wins",
        problem="Use has collapsed",
        metric="queries_run",
        theme="recovery",
        steps={"Call the champion": True, "Send three recipes": True, "Check after a week": True},
        quota={"mid": 12, "small": 12},
        effect=0.0,
        works_in=(),
        truth="regression",
        landing_days=(7, 14),
        run={"finished": 0.76, "ticked": 0.12, "stuck_csm": 0.06, "dropped": 0.06},
        selection=Selection(recent_at_most=0.0, fall_at_most=-0.5, dip_at_most=9.0),
    ),
    Playbook(
        name="data_integration",
        problem="Orders are typed in by hand",
        metric="orders_handled",
        theme="integration",
        steps={
            "Draw the data flow": True,
            "Get access": True,
            "Connect the order system": True,
            "Compare a week of orders": True,
            "Switch over": True,
        },
        quota={"large": 10, "mid": 14},
        effect=-0.34,
        works_in=("large", "mid", "small"),
        truth="not_executable",
        run={"finished": 0.42, "stuck_plan": 0.5, "stuck_customer": 0.08},
        landing_days=(28, 49),
    ),
    Playbook(
        name="scenario_workshop",
        problem="Only the basic questions are asked of the data",
        metric="queries_run",
        theme="adoption",
        steps={
            "Collect scenarios": True,
            "Choose two": True,
            "Workshop": True,
            "Follow up after two weeks": True,
            "Write the case": False,
        },
        quota={"large": 10, "mid": 14},
        effect=0.34,
        works_in=("large", "mid", "small"),
        truth="supported",
    ),
    Playbook(
        name="feature_tour",
        problem="Most features are never opened",
        metric="queries_run",
        theme="adoption",
        steps={"Pick five features": True, "Send the tour": True, "Webinar": True, "Quiz": False, "Follow up": True},
        quota={"mid": 12, "small": 12},
        effect=0.0,
        works_in=(),
        truth="redesign",
        uplift=0.3,
        selection=Selection(recent_at_most=-0.2, dip_at_most=0.0, dip_at_least=-0.55),
    ),
    TOO_FEW,
)
BY_NAME: Mapping[str, Playbook] = MappingProxyType({playbook.name: playbook for playbook in PLAYBOOKS})
STUCK_STEP = 3  # where plans of the playbook that cannot be executed stop

COMMITMENTS = {
    "China": (
        "客户承诺每周五反馈进展",
        "客户指定一名数据负责人",
        "客户两周内开通数据接口权限",
        "业务部门每周参加例会",
        None,
    ),
    "Sweden": (
        "Kunden utser en ansvarig analytiker",
        "Kunden öppnar åtkomst till ordersystemet före den 15:e",
        "Ledningsgruppen avsätter en timme i månaden",
        "Kunden svarar inom tre arbetsdagar",
        None,
    ),
    "Ireland": (
        "Customer names one owner per team",
        "Customer gives API access within two weeks",
        "Sponsor joins the monthly review",
        "Customer sends last quarter's numbers",
        None,
    ),
}
START_NOTES = {
    "China": "启动会：客户认可目标，希望先从一个部门开始",
    "Sweden": "Uppstartsmöte: kunden är med på målet, vill börja i liten skala",
    "Ireland": "Kick-off: they agree on the goal and want to start small",
}
GOOD_NOTES = {
    "China": "复盘：客户觉得有帮助，愿意继续推进",
    "Sweden": "Uppföljning: kunden är nöjd och vill fortsätta",
    "Ireland": "Review: they find it useful and want to go on",
}
BAD_NOTES = {
    "China": "复盘：客户反映效果不明显，投入时间太多",
    "Sweden": "Uppföljning: kunden ser ingen skillnad och tycker att det tog för mycket tid",
    "Ireland": "Review: they see little change and found it took too much time",
}
