"""Settings of the plan validation: windows, scales, who is comparable, and the thresholds of the verdict tree."""

from typing import Annotated, Literal

from pydantic import Field

from csworkbench.analyses.plan_validation.around import Around
from csworkbench.config import FromFolder, Section, setting

Scale = Literal["relative", "points"]
Days = Annotated[int, Field(ge=14, le=365)]


class VerdictRules(Section):
    """Thresholds of the verdict tree."""

    fidelity: float = setting(
        1.0, gt=0, le=1, unit="share", tunable=True, description="Mandatory steps that must be done"
    )
    stops: int = setting(5, ge=2, le=1000, unit="plans", description="Plans stopped at one step that blame the plan")
    stop_csms: int = setting(3, ge=1, le=100, unit="CSMs", description="CSMs over whom these stops must be spread")
    chance: float = setting(
        0.8, gt=0.5, lt=1, unit="share", tunable=True, description="Probability from which something counts as shown"
    )
    goal_share: float = setting(
        0.5, gt=0, le=1, unit="share", tunable=True, description="Part of the goal that is the smallest effect of note"
    )
    accounts: int = setting(
        5, ge=2, le=1000, unit="accounts", description="Other accounts that evidence must come from"
    )
    csms: int = setting(2, ge=1, le=100, unit="CSMs", description="CSMs whose plans the evidence must come from")
    scope_level: float = setting(
        0.05, gt=0, lt=0.5, unit="share", description="p-value below which the declared trait limits a playbook"
    )
    scope_plans: int = setting(
        45, ge=10, le=10_000, unit="plans", description="Plans without which a trait stays a candidate"
    )


class Config(Section):
    """Settings of `plan_validation`."""

    playbooks: Annotated[dict[str, str], FromFolder()] = setting(
        default_factory=dict, description="Folder of the playbooks: goals, the declared trait, founders"
    )
    pre_days: Days = setting(60, unit="days", description="Days before landing that are compared, in two halves")
    post_days: Days = setting(60, unit="days", description="Days after landing that are compared")
    anticipation_days: int = setting(
        0,
        ge=0,
        le=180,
        unit="days",
        description="Days before landing in which accounts may have changed as the plan was coming: windows before end"
        " so much earlier",
    )
    lasting_days: int = setting(
        0,
        ge=0,
        le=1000,
        unit="days",
        description="Days after landing in which a plan may still act, so that its account is nobody's comparison; the"
        " window after counts at least",
    )
    review: Literal["days", "quarter"] = setting(
        "days", description="Where the window after landing ends: after post_days, or with the quarter of the review"
    )
    history_days: int = setting(
        180, ge=60, le=730, unit="days", description="Days before those windows that are an account's own history"
    )
    scales: dict[str, Scale] = setting(
        default_factory=dict, description="Scale of a metric: relative (log), or points; others are relative"
    )
    not_bad_above: float = setting(
        0.03,
        ge=-1,
        le=1,
        unit="share",
        description="A metric this far above its own history, less what peers had, and not below the median of its"
        " tier, was no problem at the start",
    )
    largest_fall: float = setting(
        0.5,
        gt=0.1,
        lt=1,
        unit="share",
        description="A fall beyond this counts as this much, so that no account that left outweighs all that stayed",
    )
    band_edges: tuple[float, ...] = setting(
        (-0.25, -0.1, 0.05),
        min_length=1,
        max_length=6,
        unit="share",
        description="Edges of the eligibility bands: how far a metric is from its own history, less what peers had",
    )
    business_metric: str = setting("queries_run", description="Business metric shown beside the goal of each plan")
    most_accounts: int = setting(
        5000, ge=50, le=20_000, unit="accounts", description="Accounts without a plan that are read at most"
    )
    most_controls: int = setting(
        300, ge=20, le=5000, unit="accounts", description="Accounts a plan's days are looked at in, at most"
    )
    around: Around = setting(
        default_factory=Around, description="What is built around plans: boards, start orders, baselines, the ledger"
    )
    rules: VerdictRules = setting(default_factory=VerdictRules, description="Thresholds of the verdict tree")
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", description="Coverage of the intervals")
    seed: int = setting(1, ge=0, le=2**31, description="The same seed draws the same permutations")

    @property
    def anticipation_months(self) -> int:
        """The days of anticipation as whole months, for what is read month by month."""
        return -(-self.anticipation_days // 31)

    def scale(self, metric: str) -> Scale:
        """Return the scale of a metric: points for the ratio and the score, relative for what is counted.

        Args:
            metric: Name as in `plan_goals`.
        """
        return self.scales.get(metric, "points" if metric in ("active_ratio", "health_score") else "relative")
