"""Calendar files of the next meetings (RFC 5545), written by icalendar: same meeting, same bytes."""

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.account_brief.evidence import Inputs
from csworkbench.analyses.account_brief.sections import told
from csworkbench.analyses.account_brief.settings import Config
from csworkbench.analyses.account_brief.talking import calendar_paths
from csworkbench.estimates import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


def calendar_files(
    inputs: Inputs, config: Config, ahead: "pd.DataFrame", agenda: "pd.DataFrame"
) -> "Mapping[str, str]":
    """Return a calendar file for each next meeting, by path below the folder of the page.

    Nobody is invited in it: it holds no address, and whoever opens it adds the people.

    Args:
        inputs: Meetings with their instants.
        config: Length of a meeting, and when the calendar reminds.
        ahead: From `talking.next_meetings`.
        agenda: From `talking.agenda_table`.
    """
    begins = inputs.meetings.set_index("meeting_id")["planned_at"]
    items = {
        str(account): [f"{number}. {item}" for number, item in zip(part["no"], part["item"], strict=True)]
        for account, part in agenda.groupby("account_id")
    }
    meetings = {path: meeting for meeting, path in calendar_paths(inputs).items()}
    files = {}
    for row in ahead.to_dict("records"):
        meeting = meetings[row["file"]]
        start = begins[meeting].to_pydatetime().replace(tzinfo=UTC, microsecond=0)
        title = told(say("{name}: {kind}", name=row["name"], kind=row["kind"]), inputs)
        files[row["file"]] = _event(
            meeting, start, (title, "\n".join(items.get(row["account_id"], []))), inputs, config
        )
    return files


def _event(meeting: str, start: datetime, said: tuple[str, str], inputs: Inputs, config: Config) -> str:
    from icalendar import Alarm, Calendar, Event

    title, text = said
    event = Event()
    event.add("uid", f"{meeting}@csworkbench")
    # The day of the page, not the clock: the same run gives the same file.
    event.add("dtstamp", datetime.combine(inputs.as_of, time(), UTC))
    event.add("dtstart", start)
    event.add("dtend", start + timedelta(minutes=config.meeting_minutes))
    event.add("summary", title)
    event.add("description", text)
    if config.reminder_hours:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", title)
        alarm.add("trigger", -timedelta(hours=config.reminder_hours))
        event.add_component(alarm)
    calendar = Calendar()
    calendar.add("prodid", "-//csworkbench//account_brief//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return str(calendar.to_ical().decode("utf-8"))
