"""Account-level features at the date of a snapshot: the fixed metric definitions, as Ibis expressions.

`measure` gives one of them as an expression, `measures` all of a scorecard as one frame from one query,
`panel` the same at several dates, `at_dates` the tables themselves.
"""

from csworkbench.features.calendars import planned
from csworkbench.features.dated import PLACE, at_dates
from csworkbench.features.foreign import ForeignIds, about_rejected, foreign_ids
from csworkbench.features.kinds import (
    ActiveRatio,
    ActiveUsers,
    Attribute,
    DaysSinceContact,
    DaysSinceLastUse,
    DaysToRenewal,
    FeatureBreadth,
    MeasureSource,
    Nps,
    OpenTickets,
    Tenure,
    Tickets,
    Usage,
    UsageTrend,
)
from csworkbench.features.measuring import columns_of_today, measure, measures, missing_tables, panel, substitutions
from csworkbench.features.owners import owner_names, owners

__all__ = [
    "PLACE",
    "ActiveRatio",
    "ActiveUsers",
    "Attribute",
    "DaysSinceContact",
    "DaysSinceLastUse",
    "DaysToRenewal",
    "FeatureBreadth",
    "ForeignIds",
    "MeasureSource",
    "Nps",
    "OpenTickets",
    "Tenure",
    "Tickets",
    "Usage",
    "UsageTrend",
    "about_rejected",
    "at_dates",
    "columns_of_today",
    "foreign_ids",
    "measure",
    "measures",
    "missing_tables",
    "owner_names",
    "owners",
    "panel",
    "planned",
    "substitutions",
]
