"""The words that go with the simulated book: its README with column notes, and its workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from csworkbench.sampledata.world import BLOCK_ACCOUNTS, BookSize
from csworkbench.tables import SPECS, Kind

PARQUET = ("usage_daily", "touches", "touch_events")  # the big ones; in a book of several blocks all are
EXTRA: Mapping[str, Mapping[str, tuple[Kind, str]]] = {
    "accounts": {
        "lead_source": (Kind.TEXT, "Where the account came from: partner, inbound, event, outbound"),
        "sso_enabled": (Kind.BOOLEAN, "Whether single sign-on is set up"),
    },
}

_README = """\
# The sample book

**This is simulated data.** No company, person or comment in it is real. It was drawn by `csworkbench.sampledata` and
comes out the same each time:

    csw sample --out DIR --accounts {accounts} --months {months} --seed {seed}

{accounts:,} accounts (15 % large, 30 % mid, 55 % small) in China, Sweden and Ireland, {months} months from {start}
to {end}. Days are calendar days, instants are UTC, amounts are in the currency of the row (CNY, SEK, EUR: never add
them up).

Content digest (sha256 over the typed values of sorted rows, whatever the file format): `{digest}`

## Good to know

- Every account has a hidden engagement that changes from month to month. Use, tickets, NPS answers, the attention of
  CSMs and, by a logistic model, the renewals follow it. A quarter of the accounts starts to decline for good at some
  month; other dips come and go by themselves. What was planted is in the code, for tests; an analysis must find it.
- Use drops on weekends, at Chinese New Year and in the first week of October (China), in July and at Midsummer
  (Sweden), at Christmas and on St Patrick's Day (Ireland).
- `usage_daily` has a row only where something was used, and none on the day of the signup.
- A few rows are late on purpose: `known_at` is filled only where the warehouse learned of a row after it happened
  ({late_usage} rows of `usage_daily`, {late_tickets} of `tickets`, {late_responses} of `nps_responses`; some of them
  after {end}), in `subscriptions` where a term began before the customer had decided ({late_terms} rows), and in
  `renewals`, where it is the start of the term.
- `subscriptions` is a chain of terms. Seats added during a term are a further row of the same `subscription_id` with
  the same `end_date`: of the rows that have started, the latest counts. `seats` is blank for site licences.
- `renewals` begin with {start}: earlier ones were not kept. Amounts are for the whole term (6 or 12 months).
  `open` is not decided, also where it is past due.
- `nps_responses` keeps invitations that nobody answered. `contact_id` is the id of a user with P instead of U.
- `accounts.arr` holds the last known value, as exports do: it has no history.
"""


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table as written: file name, number of rows, columns in their order, rows with known_at, digest of the rows."""

    file: str
    rows: int
    columns: tuple[str, ...]
    dated_rows: int
    digest: str


def file_name(table: str, size: BookSize) -> str:
    """Return the name of the file of a table: a book of several blocks is Parquet throughout."""
    return f"{table}.parquet" if table in PARQUET or size.accounts > BLOCK_ACCOUNTS else f"{table}.csv"


def kind_of(table: str, column: str) -> Kind:
    """Return what a cell of a column of the book is."""
    extra = EXTRA.get(table, {})
    return extra[column][0] if column in extra else SPECS[table].column(column).kind


def readme_text(size: BookSize, files: Mapping[str, TableFile], digest: str) -> str:
    """Return the README of a book: what it is, what to know, its files, and a note on every column.

    Args:
        size: Size and seed.
        files: Table -> the file as written.
        digest: Digest of the content.
    """
    head = _README.format(
        accounts=size.accounts,
        months=size.months,
        seed=size.seed,
        start=size.start,
        end=size.end,
        digest=digest,
        late_usage=files["usage_daily"].dated_rows,
        late_tickets=files["tickets"].dated_rows,
        late_responses=files["nps_responses"].dated_rows,
        late_terms=files["subscriptions"].dated_rows,
    )
    names = [name for name in SPECS if name in files]
    listed = [
        f"| [{files[name].file}]({files[name].file}) | {SPECS[name].grain} | {files[name].rows:,} |" for name in names
    ]
    index = ["## Files", "", "| file | one row per | rows |", "|---|---|---:|", *listed, ""]
    return "\n".join([head, *index, *(_column_notes(name, files[name].columns) for name in names)])


def _column_notes(table: str, columns: tuple[str, ...]) -> str:
    """Return one section of the README: a line per column."""
    lines = [f"### {table}", "", "| column | kind | unit | meaning | blank means |", "|---|---|---|---|---|"]
    for name in columns:
        if name in EXTRA.get(table, {}):
            kind, note = EXTRA[table][name]
            lines.append(f"| {name} | {kind} | | {note} (extra column) | |")
        else:
            column = SPECS[table].column(name)
            note = column.description + (f": {', '.join(column.allowed)}" if column.allowed else "")
            lines.append(f"| {name} | {column.kind} | {column.unit} | {note} | {column.blank_means} |")
    return "\n".join([*lines, ""])


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

# Your files, one entry per canonical table; only accounts is required. Paths are relative to the folder of the project.
# A file with other headers, delimiter or dates needs no code: add columns, delimiter, decimal, encoding or dates to its
# entry. A table you do not have: delete its entry, and what needs it is skipped with the reason.
tables:
  # One row per account. extra names the columns beyond the canonical ones that you want to keep, with their type:
  # text, integer, decimal, share, boolean, date or instant.
  accounts:
    path: {folder}{accounts}
    extra:
      lead_source: text
      sso_enabled: boolean
{tables}"""
_TABLE_COMMENTS = {
    "usage_daily": "Use per account, user, feature and day. A list of files or a glob is read as one table.",
    "features": "Which features are core (they count for feature breadth) and which are of high value.",
    "subscriptions": "Terms with seats and monthly amount; the latest row that has started counts.",
    "renewals": "One row per term end, decided or open.",
    "tickets": "Support tickets.",
    "nps_responses": "NPS invitations, with or without an answer.",
    "csms": "The people who look after accounts.",
    "assignments": "Who looked after which account, from when to when.",
    "touches": "Calls, visits, messages and e-mails.",
    "judgements": "What CSMs say: a pulse that expires, or an override with its reason.",
}


def workspace_text(folder: str, size: BookSize) -> str:
    """Return the workspace.yaml of the book, with a comment above each key.

    Args:
        folder: Folder of the data files as seen from the project, with a slash at its end; "" = the project itself.
        size: Size of the book, whose last day is the as-of date.
    """
    tables = [
        f"  # {_TABLE_COMMENTS[name]}\n  {name}:\n    path: {folder}{file_name(name, size)}\n"
        for name in SPECS
        if name in _TABLE_COMMENTS
    ]
    return _WORKSPACE.format(
        as_of=size.end.isoformat(), folder=folder, accounts=file_name("accounts", size), tables="".join(tables)
    )
