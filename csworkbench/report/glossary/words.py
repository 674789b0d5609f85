"""What an entry of the glossary consists of, and the windows and rules that several figures share."""

from dataclasses import dataclass

from csworkbench.estimates import Message, say


@dataclass(frozen=True, slots=True)
class Definition:
    """How a figure is made.

    Args:
        formula: What is counted or divided by what.
        reads: Tables it is made from, by canonical name.
        window: The time it is about.
        missing: What happens to rows that lack a value.
    """

    formula: Message
    reads: tuple[str, ...]
    window: Message
    missing: Message


ON_THE_DATE = say("what was known at the end of the cut-off date")
THE_WEEK = say("the week of the cut-off date, as known on the Sunday before it")
WINDOW_DAYS = say("the days of the setting window_days up to the cut-off date")
PERIOD = say("the days of the setting period_days up to the cut-off date")
LANDED = say("plans whose window after landing was over at the cut-off date (settings pre_days and post_days)")
COMPARED = say("the cut-off date, and the date so many months before it as compare_months says")
TEST = say("the newest months of the history (setting test_months), each row as of its own date")
EXPERIMENT = say("from the draw of each unit until its window of the experiment file has ended")
QUARTER = say("the calendar quarter of the day after the cut-off date")
RATED = say("the months of the setting rate_months before the cut-off date, by due date")

UNSCORED = say("accounts below the minimum coverage of the scorecard have no score and are left out")
NO_OUTCOME = say("rows whose outcome is not known yet are left out and counted; open is not renewed")
LEFT_OUT = say("rows without the value are left out, and n says how many remain")
COUNTS_ROWS = say("nothing is left out: every row counts")
STAYS_OUT = say("who is not listed is in the table of those left out, with the reason")
NO_AMOUNT = say(
    "a currency without a rate keeps a figure of its own; while a kept renewal lacks its amount, none is told"
)
UNDATED = say("what has no day is not late")
