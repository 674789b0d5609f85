"""Settings of the panorama: what counts as a visit, how fresh it should be, and what is due first."""

from typing import Annotated, Literal

from pydantic import Field

from csworkbench.config import Section, setting

RENEWAL, FELL, STEP, TASK, MEETING, TOUCH, STUCK = (
    "renewal", "fell", "plan_step", "task", "meeting", "touch", "stuck",
)  # fmt: skip
KINDS = (RENEWAL, FELL, STEP, TASK, MEETING, TOUCH, STUCK)
Kind = Literal["renewal", "fell", "plan_step", "task", "meeting", "touch", "stuck"]
Days = Annotated[int, Field(ge=1, le=1095)]


class Fresh(Section):
    """How old what is known of an account by talking to it may be."""

    online: Days | None = setting(None, unit="days", description="Since the last call, video or chat; null = not asked")
    offline: Days | None = setting(None, unit="days", description="Since the last visit; null = not asked")


def _usual_days() -> dict[str, Fresh]:
    return {"large": Fresh(online=30, offline=90), "mid": Fresh(online=60, offline=180)}


class Config(Section):
    """Settings of `portfolio`."""

    period_days: int = setting(
        91, ge=28, le=730, unit="days", description="Trailing days of touches, load and completed tasks"
    )
    online_channels: tuple[str, ...] = setting(
        ("call", "video", "wechat"), description="Channels on which a CSM talks to the account from afar"
    )
    offline_channels: tuple[str, ...] = setting(("visit",), description="Channels on which the CSM is there")
    fresh_days: dict[str, Fresh] = setting(
        default_factory=_usual_days, description="Value tier -> how old the last visit may be; absent = not asked"
    )
    dropped: tuple[str, ...] = setting(
        ("cancelled", "canceled", "dropped", "skipped"), description="Statuses of tasks that nobody has to do any more"
    )
    due_days: int = setting(14, ge=1, le=90, unit="days", description="How far ahead the workbench looks")
    renewal_days: int = setting(90, ge=1, le=365, unit="days", description="How far ahead renewals are on it")
    priorities: tuple[Kind, ...] = setting(
        KINDS,
        min_length=1,
        description="Kinds of what is due, the first one served first; a kind left out is not shown",
    )
    least_accounts: int = setting(
        10, ge=2, le=1000, unit="accounts", description="Fewer accounts of a person are not shown under a name"
    )
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", description="Coverage of the intervals")
