"""The words that go with the simulated book: the names of its files and its README with column notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from csworkbench.sampledata import business, success
from csworkbench.sampledata.world import BLOCK_ACCOUNTS, BookSize
from csworkbench.tables import SPECS, Kind

PARQUET = (
    "usage_daily",
    "metrics_daily",
    "touches",
    "touch_events",
)  # the big ones; in a book of several blocks all are
EXTRA: Mapping[str, Mapping[str, tuple[Kind, str]]] = {
    "accounts": {
        "lead_source": (Kind.TEXT, "Where the account came from: partner, inbound, event, outbound"),
        "sso_enabled": (Kind.BOOLEAN, "Whether single sign-on is set up"),
    },
    **success.EXTRA,
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
- `nps_responses` keeps invitations that nobody answered.
- `accounts.arr` holds the last known value, as exports do: it has no history.
- `contacts`: the id of a contact who uses the product is the id of the user with P instead of U. Some champions left,
  and a successor came. A few people have two records with one e-mail address, which nobody has merged.
- `contact_pii`: domains end in `.example` and phone numbers are kept for fiction (Sweden, Ireland) or not in use
  (China), so nothing can be sent to anybody.
- `consents` differ by region, channel and purpose; where there is no row, nothing was ever recorded. An unsubscription
  is a row of its own. A few refusals were written over by an import on the same day, or stand on the other record of
  the person: they are refusals all the same. `suppressions` by address are written in capitals.
- `touches` with an id in M are those of people and of the system; those in ME are mails to many: marketing's
  newsletters and launches, the mail `comeback-guide`, and the experiments `guide-mail`, `subject-line` and
  `webinar-invite`, whose accounts and variants are in `experiment_units`. Only visits and video calls have
  `touch_participants`.
- `touch_events`: privacy proxies open mails (`machine`), link scanners click every link within a second (`scanner`),
  and sometimes the agent is `unknown`.
- `id_map`: ids of `crm_global` have 15 characters and differ by the case of one letter; some accounts are in both CRMs,
  some contacts were two records there.
- `tickets.configuration` is what the customer runs, where the ticket says it.
{more}
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
        more="\n".join([success.NOTES.strip(), business.NOTES.strip()]),
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
