"""What the rules of contacting need to know of every contact: gathered by the engine, one row per contact or account.

Where two records share an e-mail address, a phone number or a WeChat id they are one person: what one of them refused,
or was sent, holds for both.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.asof import Snapshot
from csworkbench.errors import AnalysisError, NothingToAnalyze, Problem, did_you_mean
from csworkbench.policy import recorded
from csworkbench.policy.weeks import Week
from csworkbench.policy.writings import ANY, is_among, phone_tail, plain_address, plain_addresses, plain_channel
from csworkbench.workspace import ContactPolicy

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from csworkbench.sources import Contacted, IngestReport

ADDRESS = {"email": "email", "call": "phone", "phone": "phone", "sms": "phone", "wechat": "wechat_id"}
"""Channel -> the address it needs; the others need none."""
ADDRESSES = ("email", "phone", "wechat_id")
OTHERS = ("in_app", "chat", "meeting", "visit", "letter", "webinar", "push")


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Ground:
    """What is known of every contact on a day.

    Args:
        people: One row per contact, by contact_id: account_id, person (first record of the same person), zone, and
            account_zone (text, missing = not known), has_left, is_account_gone, is_suppressed (any record of the
            person), has_email, has_phone, has_wechat_id (bool).
        denied: (person, channel in plain writing, purpose) of refusals that hold.
        granted: (contact_id, channel, purpose) of consents that hold.
        unsure: (contact_id, channel in plain writing, purpose) that were asked, with an answer nobody knows.
        touched: (place of the cap, person or account_id) -> touches in its window, the planned ones too.
        busy: csm_id -> rows of other official lists of this week.
        nameless: Suppressions that name nobody who is known.
        unread: Channels of refusals that nobody knows; they hold for every channel.
        idle: Channels of caps that nobody knows and no touch has; they hold nobody back.
        since: The same as known on the day of the page, which strikes off; None = nothing is known since.
        rows: proposal_id of official rows nobody has sent yet -> what each uses up of `touched`.
    """

    people: "pd.DataFrame"
    denied: frozenset[tuple[str, str, str]]
    granted: frozenset[tuple[str, str, str]]
    touched: Mapping[tuple[int, str], int]
    busy: Mapping[str, int]
    unsure: frozenset[tuple[str, str, str]] = frozenset()
    nameless: int = 0
    unread: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    since: "Ground | None" = None
    rows: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)

    def of(self, contacts: Collection[str]) -> "Ground":
        """Return the ground with no more than some of the people, for rules that are asked many times.

        Args:
            contacts: Their contact_id.
        """
        later = None if self.since is None else self.since.of(contacts)
        return replace(self, people=self.people[self.people.index.isin(contacts)], since=later)

    def without(self, proposals: Collection[str]) -> "Ground":
        """Return the ground without what some official rows use up: no row stands in its own way.

        Args:
            proposals: Their proposal_id.
        """
        spent = Counter(key for name in proposals for key in self.rows.get(name, ()))
        return replace(self, touched=Counter(self.touched) - spent)


def short_lists(policy: ContactPolicy, reports: "Mapping[str, IngestReport]") -> tuple[Problem, ...]:
    """Return which files that say who must not be contacted are missing or too short: they stop every list.

    Args:
        policy: How many rows there are at least.
        reports: Table -> what was read of it.
    """
    problems = []
    for table, least in (("consents", policy.least_consents), ("suppressions", policy.least_suppressions)):
        rows = reports[table].rows if table in reports else 0
        if rows < least:
            found = f"{rows} rows, at least {least} are expected" if table in reports else "not in the workspace"
            hint = f"deliver the whole file; contact_policy.least_{table}: 0 only where the team keeps no such list"
            problems.append(Problem(f"nobody is listed: {table}: {found}", key=f"tables.{table}", hint=hint))
    return tuple(problems)


def require_lists(snapshot: Snapshot) -> None:
    """Refuse to make a list while the files that say who must not be contacted are missing or too short.

    Args:
        snapshot: The book; its workspace says how many rows there are at least.

    Raises:
        NothingToAnalyze: the workspace declares no consents or no suppressions, and no list there is too short.
        AnalysisError: consents or suppressions have fewer rows, or addresses cannot be looked up.
    """
    problems = list(short_lists(snapshot.workspace.contact_policy, snapshot.reports))
    is_undeclared = all(problem.key.removeprefix("tables.") not in snapshot.reports for problem in problems)
    by_address = recorded.with_address(snapshot.tables.get("suppressions"))
    if "contact_pii" not in snapshot.tables and by_address is not None and by_address.count().to_pyarrow().as_py():
        what = "suppressions name addresses, and contact_pii, which says whose they are, is not in the workspace"
        is_undeclared = False
        problems.append(Problem(f"nobody is listed: {what}", key="tables.contact_pii", hint="add contact_pii"))
    if problems:
        raise (NothingToAnalyze if is_undeclared else AnalysisError)(*problems)


def require_channels(snapshot: Snapshot, named: Mapping[str, Collection[str]]) -> None:
    """Refuse channels of settings that nobody knows: no consent, address or cap could be looked up for them.

    Args:
        snapshot: The book; channels of its caps and touches are known beside the usual ones.
        named: Key of the setting -> channels it names.

    Raises:
        AnalysisError: a channel is none of them.
    """
    usual = _channels(snapshot)
    strange = [(key, each) for key, names in named.items() for each in names if plain_channel(each) not in usual]
    if not strange:
        return
    known = sorted(usual | {plain_channel(each) for each in recorded.channels(snapshot.tables.get("touches"))})
    problems = [
        Problem(f"unknown channel {each!r}", key=key, hint=did_you_mean(each, known, f"known are {', '.join(known)}"))
        for key, each in strange
        if plain_channel(each) not in known
    ]
    if problems:
        raise AnalysisError(*problems)


def gather(before: Snapshot, now: Snapshot, week: Week, analysis: str) -> Ground:
    """Return what the rules need as known when the week began, and beside it (`Ground.since`) as known now.

    The first makes the list, which so stays the same all week; the second strikes off who may not be contacted since.

    Args:
        before: The book as of `week.known`.
        now: The book as of the date of the page.
        week: Week of the list.
        analysis: Analysis that makes it: what of this week's official lists is its own does not count.

    Raises:
        AnalysisError: see `require_lists`.
    """
    require_lists(now)
    others = [each for each in now.released if not (each.first_day == week.first and _is_of(each, analysis))]
    since = None if now.as_of == before.as_of else _known(now, week, others)
    known = _known(before, week, others)
    newest = known if since is None else since
    return replace(known, since=since, nameless=newest.nameless, unread=newest.unread, idle=_idle(now))


def _is_of(each: "Contacted", analysis: str) -> bool:
    """Return whether a row of an official list is of an analysis: it made the list, or proposed the row."""
    return each.analysis == analysis or each.program.startswith(f"{analysis}.")


def _known(book: Snapshot, week: Week, others: "Sequence[Contacted]") -> Ground:
    """Return the ground as one snapshot knows it, with the rows of other official lists."""
    people, nameless = _people(book)
    person: dict[Any, str] = people["person"].to_dict()
    refusals, channels = list(_said(recorded.refused(book))), _channels(book)
    meant = {channel: plain_channel(channel) for _, channel, _ in refusals}
    unread = {channel for channel, plain in meant.items() if channel and plain not in channels}
    denied = frozenset(
        (person.get(who, who), meant[channel] if meant[channel] in channels else ANY, purpose)
        for who, channel, purpose in refusals
    )
    asked = ((who, plain_channel(channel), purpose) for who, channel, purpose in _said(recorded.unsure(book)))
    unsure = frozenset((who, channel if channel in channels else ANY, purpose) for who, channel, purpose in asked)
    busy = Counter(
        each.csm_id for each in others if each.first_day == week.first and each.mode == "human" and each.csm_id
    )
    touched, rows = _touched(book, week, others, person)
    granted = frozenset(_said(recorded.agreed(book)))
    return Ground(people, denied, granted, touched, busy, unsure, nameless, tuple(sorted(unread)), rows=rows)


def _touched(
    book: Snapshot, week: Week, others: "Sequence[Contacted]", person: Mapping[str, str]
) -> tuple[Counter[tuple[int, str]], dict[str, tuple[tuple[int, str], ...]]]:
    """Return what has been used up of each cap, and what of it by rows of official lists that nobody has sent yet."""
    # A row that was sent is counted as the touch that names it, and not once more as a row.
    sent = recorded.named(book, {each.proposal_id for each in others})
    touched: Counter[tuple[int, str]] = Counter()
    rows: dict[str, tuple[tuple[int, str], ...]] = {}
    for place, cap in enumerate(book.workspace.contact_policy.caps):
        start, per_person = book.as_of - timedelta(days=cap.days - 1), cap.per == "contact"
        for table in (recorded.touched(book, cap, week), recorded.planned(book, cap, week)):
            for member, touches in _counts(table):
                touched[place, person.get(member, member) if per_person else member] += touches
        for each in others:
            is_meant = is_among(each.channel, cap.channels)
            if each.proposal_id not in sent and start <= each.sent_on <= week.last and is_meant:
                key = (place, person.get(each.contact_id, each.contact_id) if per_person else each.account_id)
                rows[each.proposal_id] = (*rows.get(each.proposal_id, ()), key)
                touched[key] += 1
    return touched, rows


def _people(book: Snapshot) -> "tuple[pd.DataFrame, int]":
    """Return the people of `Ground`, and how many suppressions name nobody who is known."""
    import pandas as pd

    if "contacts" not in book.tables:
        flags = {name: pd.Series(dtype=bool) for name in ("has_left", "is_account_gone", "is_suppressed")}
        flags |= {f"has_{name}": pd.Series(dtype=bool) for name in ADDRESSES}
        texts = {name: pd.Series(dtype="str") for name in ("account_id", "person", "zone", "account_zone")}
        return pd.DataFrame(texts | flags, index=pd.Index([], dtype="str", name="contact_id")), 0
    people = _frame(book.tables["contacts"], ("contact_id", "account_id", "timezone"))
    people = people.rename(columns={"timezone": "zone"}).set_index("contact_id").sort_index()
    accounts = _frame(book.tables["accounts"], ("account_id", "timezone")).set_index("account_id")
    people["account_zone"] = people["account_id"].map(accounts["timezone"])
    for name, column, place in (
        ("has_left", people.index, ("contacts", "contact_id", "left_at")),
        ("is_account_gone", people["account_id"], ("accounts", "account_id", "churned_at")),
    ):
        people[name] = column.isin(set(_frame(recorded.gone(book, *place), place[1:2])[place[1]]))
    addresses = _addresses(book, people.index)
    for name in ADDRESSES:
        is_known = name in addresses and "contact_pii" in book.tables
        people[f"has_{name}"] = addresses[name].notna() if is_known else "contact_pii" not in book.tables
    groups = [people.index.to_numpy(), *(addresses[name].to_numpy(object) for name in addresses)]
    people["person"] = _same(groups)
    names, listed = _suppressed(book)
    tails = {tail for each in listed if (tail := phone_tail(each))}
    is_listed = addresses.map(lambda each: each in listed or phone_tail(each) in tails, na_action="ignore")
    is_named = people.index.isin(names) | is_listed.eq(True).any(axis=1).to_numpy(bool)
    people["is_suppressed"] = people["person"].isin(people["person"][is_named])
    known = {each for name in addresses for each in addresses[name].dropna()}
    ends = {phone_tail(each) for each in known} - {None}
    nameless = sum(each not in known and phone_tail(each) not in ends for each in listed)
    return people, sum(name not in people.index for name in names) + nameless


def _frame(table: "ir.Table | None", columns: Sequence[str]) -> "pd.DataFrame":
    """Return columns of a table as a frame; those it does not have are missing."""
    import pandas as pd

    if table is None:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
    there = [name for name in columns if name in table.columns]
    frame: pd.DataFrame = table.select(*there).to_pandas()
    for name in columns:
        frame[name] = frame[name].astype("str") if name in there else pd.Series(pd.NA, frame.index, dtype="str")
    return frame


def _addresses(snapshot: Snapshot, contacts: "pd.Index[str]") -> "pd.DataFrame":
    """Return the addresses of each contact in the writing in which they are compared."""
    import pandas as pd

    rows = snapshot.tables.get("contact_pii")
    there = [] if rows is None else [name for name in ADDRESSES if name in rows.columns]
    if rows is None or not there:
        return pd.DataFrame(index=contacts)
    frame = _frame(rows, ("contact_id", *there)).drop_duplicates("contact_id").set_index("contact_id").reindex(contacts)
    written: pd.DataFrame = frame.apply(lambda column: column.map(plain_address, na_action="ignore"))
    return written.replace("", None)


def _same(groups: Sequence[Any]) -> list[str]:
    """Return the first record of the person each record belongs to: records are joined by any address they share."""
    records = [str(name) for name in groups[0]]
    parent = dict(zip(records, records, strict=True))

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for column in groups[1:]:
        first: dict[object, str] = {}
        for record, address in zip(records, column, strict=True):
            if isinstance(address, str):
                one, other = sorted((root(record), root(first.setdefault(address, record))))
                parent[other] = one
    return [root(record) for record in records]


def _suppressed(snapshot: Snapshot) -> tuple[set[str], set[str]]:
    """Return the contacts and the addresses nothing may be sent to on the date."""
    frame = _frame(recorded.suppressed(snapshot), ("contact_id", "address"))
    listed = {each for cell in frame["address"].dropna() for each in plain_addresses(cell)}
    return set(frame["contact_id"].dropna()), listed


def _said(table: "ir.Table | None") -> Iterator[tuple[str, str, str]]:
    frame = _frame(table, recorded.SAID).fillna(ANY)
    return zip(frame["contact_id"], frame["channel"], frame["purpose"], strict=True)


def _channels(book: Snapshot) -> set[str]:
    """Return the channels that are known, in plain writing: a refusal of another word is one of every channel."""
    caps = book.workspace.contact_policy.caps
    return {plain_channel(each) for each in (*ADDRESS, *OTHERS, *(name for cap in caps for name in cap.channels))}


def _idle(book: Snapshot) -> tuple[str, ...]:
    """Return the channels of caps that are none of the usual ones, and of which there is no touch."""
    named = {name for cap in book.workspace.contact_policy.caps for name in cap.channels}
    strange = sorted(name for name in named if not is_among(name, (*ADDRESS, *OTHERS)))
    written = recorded.channels(book.tables.get("touches")) if strange else frozenset()
    return tuple(name for name in strange if not any(is_among(each, (name,)) for each in written))


def _counts(table: "ir.Table | None") -> Iterator[tuple[str, int]]:
    if table is None:
        return iter(())
    frame = table.to_pandas()
    return zip(frame["member"].astype(str), frame["touches"].astype(int), strict=True)
