"""Settings of the design page: which experiment is planned, who may be drawn, and how sure one wants to be."""

from typing import Annotated, Literal

from csworkbench.config import FromFile, Section, setting
from csworkbench.experiments import Experiment


class Config(Section):
    """Settings of `email_design`."""

    experiment: Annotated[Experiment, FromFile()] = setting(
        description="The experiment that is planned, as a file of its own"
    )
    purpose: Literal["service", "marketing"] = setting(
        "service", description="What the mail is for; marketing needs a consent, a refusal always wins"
    )
    service_basis: str | None = setting(
        None,
        min_length=1,
        description="What service mail rests on where nobody said yes or no; null = only who said yes",
    )
    cap_mails: int | None = setting(
        4, ge=1, le=1000, unit="mails", description="So many mails in cap_days leave a contact out; null = no cap"
    )
    cap_days: int = setting(28, ge=1, le=366, unit="days", description="Days over which mails are counted for the cap")
    clear_days: int = setting(
        28, ge=0, le=366, unit="days", description="Accounts drawn elsewhere within so many days are left out"
    )
    strata: tuple[str, ...] = setting(
        ("value_tier", "region"), description="Columns of accounts within whose groups arms are drawn"
    )
    block_days: int = setting(
        56, ge=7, le=366, unit="days", description="Accounts alike in use over so many days go into one block"
    )
    weeks: int = setting(1, ge=1, le=26, unit="weeks", description="Weeks over which whole blocks are drawn and mailed")
    like: tuple[str, ...] = setting(
        (), description="Ids of past experiments whose mails are like this one; empty = all mails but marketing's"
    )
    pilot_days: int = setting(
        365, ge=28, le=1096, unit="days", description="How far back mails tell of what this one may do"
    )
    by_hand: bool = setting(False, description="CSMs deliver the variants themselves")
    level: float = setting(
        0.95,
        ge=0.8,
        le=0.999,
        unit="share",
        tunable=True,
        description="Coverage of intervals, and one minus the significance level of tests",
    )
    power: float = setting(
        0.8, ge=0.5, le=0.999, unit="share", tunable=True, description="Chance to see a difference that is there"
    )
    seed: int = setting(20261122, ge=0, le=2**32 - 1, description="Seed of the draw; the same draws the same")
