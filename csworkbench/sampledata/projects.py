"""The workspace of the simulated book, with a comment above each key."""

from __future__ import annotations

from collections.abc import Mapping

from csworkbench.sampledata import business, success
from csworkbench.sampledata.notes import EXTRA, file_name
from csworkbench.sampledata.world import BookSize
from csworkbench.tables import SPECS

_WORKSPACE = """\
# The workspace of the simulated sample book. For your own data copy this file and change what the comments say.

# Version of this file's format. Leave it at 1.
version: 1

# Name of your team or your book; it stands on every page.
name: Sample book (simulated)

# Day up to which facts are used, or latest for the newest day in the data. The sample book ends on this day.
as_of: {as_of}

# IANA time zone of days, weeks and quarters. Set it to where your team works.
timezone: Europe/Stockholm

# ISO currency of amounts whose row names none.
currency: EUR

# Language of pages and numbers.
language: en

# Regions of your accounts and their days off: country gives the public holidays (ISO 3166 code), seasons are further
# days of every year with little use. A drop in use is read against them.
regions:
  # Chinese New Year and the October week are public holidays.
  China:
    country: CN
  # Most of Sweden is away in July.
  Sweden:
    country: SE
    seasons:
      - name: summer
        first: "07-01"
        last: "07-31"
      - name: Christmas
        first: "12-23"
        last: "01-02"
  # Ireland has its bank holidays and Christmas.
  Ireland:
    country: IE
    seasons:
      - name: Christmas
        first: "12-23"
        last: "01-02"

# Your files, one entry per canonical table; only accounts is required. Paths are relative to the folder of the project.
# A file with other headers, delimiter or dates needs no code: add columns, delimiter, decimal, encoding or dates to its
# entry. A table you do not have: delete its entry, and what needs it is skipped with the reason.
tables:
{tables}"""
_COMMENTS: Mapping[str, str] = {
    "accounts": """One row per account. extra names the columns beyond the canonical ones that you want to keep, with
  # their type: text, integer, decimal, share, boolean, date or instant.""",
    "id_map": "Ids of accounts and contacts in other systems, and e-mail domains.",
    "contacts": "The people at the accounts.",
    "contact_pii": "Their names and addresses. It never leaves the machine; without it lists show ids.",
    "consents": "Who may be written to on which channel and for which purpose. A refusal always wins.",
    "suppressions": "Contacts and addresses nothing may be sent to, for good or for a while.",
    "usage_daily": "Use per account, user, feature and day. A list of files or a glob is read as one table.",
    "features": "Which features are core (they count for feature breadth) and which are of high value.",
    "subscriptions": "Terms with seats and monthly amount; the latest row that has started counts.",
    "renewals": "One row per term end, decided or open.",
    "tickets": "Support tickets.",
    "messages": "Messages between customers and their CSMs, answered or not.",
    "nps_responses": "NPS invitations, with or without an answer.",
    "csms": "The people who look after accounts.",
    "assignments": "Who looked after which account, from when to when.",
    "contents": "The library of what can be sent.",
    "touches": "Calls, visits, messages and e-mails, marketing's own ones too.",
    "touch_participants": "Who took part in visits and video calls.",
    "touch_events": "What happened to touches: delivered, opened, clicked, by people and by machines.",
    "experiment_units": "Which account was assigned to which variant of which experiment.",
    "judgements": "What CSMs say: a pulse that expires, or an override with its reason.",
    **success.COMMENTS,
    **business.COMMENTS,
}


_FIXED = {
    "accounts": """\
    # The tier is given for good here, so that today's is that of any day. Leave this out where your tiers change.
    columns:
      value_tier: {varies: false}
"""
}


def workspace_text(folder: str, size: BookSize) -> str:
    """Return the workspace.yaml of the book, with a comment above each key.

    Args:
        folder: Folder of the data files as seen from the project, with a slash at its end; "" = the project itself.
        size: Size of the book, whose last day is the as-of date.
    """
    tables = "".join(_table(name, f"{folder}{file_name(name, size)}") for name in SPECS if name in _COMMENTS)
    return _WORKSPACE.format(as_of=size.end.isoformat(), tables=tables)


def _table(name: str, path: str) -> str:
    """Return the entry of a table."""
    extra = [f"      {column}: {kind}\n" for column, (kind, _) in EXTRA.get(name, {}).items()]
    more = "".join(["    extra:\n", *extra]) if extra else ""
    return f"  # {_COMMENTS[name]}\n  {name}:\n    path: {path}\n{_FIXED.get(name, '')}{more}"
