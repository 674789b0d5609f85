"""What the contents page rests on: the library, what was sent and what came of it, leads, and contacts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.contents.leading import events_of, leads_of
from csworkbench.analyses.contents.settings import STEM, Config
from csworkbench.asof import Snapshot, day_start, since, with_local_day
from csworkbench.errors import refuse_absent
from csworkbench.features import owner_names
from csworkbench.features.dated import with_columns
from csworkbench.features.listed import NO_ONE, NOT_KNOWN, rows_of
from csworkbench.features.mails import mail_outcomes
from csworkbench.features.refused import refused_rows
from csworkbench.filters import absent, absent_tables, check, contacts_at, fits

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

TABLES = ("contacts", "contents", "csms", "lead_events", "leads", "touch_events", "touches")
OUTCOMES = (
    "delivered", "bounced", "replied", "unsubscribed", "complained", "opened_human", "opened_machine",
    "opened_unknown", "clicked_human", "clicked_machine", "clicked_unknown",
)  # fmt: skip
BROKEN = ("range", "order", "allowed", "type", "before_start", "foreign_key")
LIBRARY = {
    **dict.fromkeys(
        ("content_id", "title", "kind", "group_path", "roles", "body", "image", "subtitle", "url", "appid", "path"),
        "string",
    ),
    "sort": "float64",
}


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the page.
        accounts: All accounts by account_id: name, csm ("nobody" without one), left_on (missing = still there).
        library: `contents` with the columns LIBRARY, in the order of content_id.
        sends: One row per content, channel and account of the window: content_id, channel, account_id, sent, and how
            many of them came to each of OUTCOMES; what is not delivered is neither opened nor clicked.
        measured: Channel -> types of events that are recorded there at all.
        actions: One row per content of `promotes` and account it was sent to: content_id, account_id, before and after
            (whether its feature was used in so many days before and after the first message).
        outside: Touches by people whose role may not see the content: content_id, role, touches.
        leads: See `leading.leads_of`.
        events: See `leading.events_of`.
        contacts: contact_id, account_id, way (how it came in), added_on, days (until it was deleted, its account left
            or the date), is_deleted.
        listed: list, contact_id: who is on each list of the settings.
        skipped: List -> table it needs and that is not there.
        people: Names and ids of those who may own leads.
        absent: Tables that are not there.
        refused: What ingestion set aside or flagged: table, column, rule, count, example.
        currency: Currency of amounts that name none.
        language: Language of the workspace.
    """

    as_of: date
    accounts: "pd.DataFrame"
    library: "pd.DataFrame"
    sends: "pd.DataFrame"
    measured: Mapping[str, frozenset[str]]
    actions: "pd.DataFrame"
    outside: "pd.DataFrame"
    leads: "pd.DataFrame"
    events: "pd.DataFrame"
    contacts: "pd.DataFrame"
    listed: "pd.DataFrame"
    skipped: Mapping[str, str]
    people: frozenset[str]
    absent: tuple[str, ...]
    refused: "pd.DataFrame"
    currency: str = "EUR"
    language: str = "en"


def prepare(snapshot: Snapshot, config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return the library, sums of what was sent, leads and contacts, of the tables there are.

    Args:
        snapshot: The book at the date of the page.
        config: Settings: days, rules of recall, lists.
        upstream: Not used: the page needs no other result.

    Raises:
        ConfigError: a condition reads an attribute that is not there, or `promotes` a content or feature that is not.
    """
    del upstream
    accounts, sent = _accounts(snapshot), _sent(snapshot, config)
    sends, measured = _sends(snapshot, sent)
    listed, skipped = _listed(snapshot, config)
    library = rows_of(snapshot, "contents", **LIBRARY)
    csms = rows_of(snapshot, "csms", csm_id="string", name="string", role="string")
    return Inputs(
        as_of=snapshot.as_of,
        accounts=accounts,
        library=library,
        sends=sends,
        measured=measured,
        actions=_actions(snapshot, config, sent, library),
        outside=_outside(sent, library, csms),
        leads=leads_of(snapshot, config),
        events=events_of(snapshot),
        contacts=_contacts(snapshot, accounts),
        listed=listed,
        skipped=skipped,
        people=frozenset({*csms["csm_id"].dropna(), *csms["name"].dropna(), *config.people}),
        absent=tuple(name for name in TABLES if name not in snapshot.tables),
        refused=refused_rows(snapshot, ("contacts", "contents", "lead_events", "leads"), BROKEN),
        currency=snapshot.workspace.currency,
        language=snapshot.workspace.language,
    )


def _accounts(snapshot: Snapshot) -> "pd.DataFrame":
    rows = rows_of(snapshot, "accounts", account_id="string", name="string", churned_at="timestamp")
    rows = rows.set_index("account_id")
    return rows.assign(
        name=rows["name"].fillna(rows.index.to_series()),
        csm=owner_names(snapshot).reindex(rows.index).fillna(NO_ONE),
        left_on=rows["churned_on"],
    )[["name", "csm", "left_on"]]


def _sent(snapshot: Snapshot, config: Config) -> "ir.Table | None":
    """Return the touches of the window that had their days to be read and carry a content; None without touches."""
    import ibis

    if "touches" not in snapshot.tables:
        return None
    zone = snapshot.workspace.timezone
    kinds = dict.fromkeys(("content_id", "channel", "csm_id"), "string")
    touches = with_columns(snapshot.tables["touches"], **kinds).drop_null("content_id")
    end = day_start(snapshot.as_of - timedelta(days=config.wait_days - 1), zone)
    first = snapshot.as_of - timedelta(days=config.window_days - 1)
    rows = touches.filter(since(touches.sent_at, first, zone), touches.sent_at < ibis.literal(end))
    return rows.select("touch_id", "account_id", "csm_id", "content_id", "sent_at", channel=rows.channel.fill_null(""))


def _sends(snapshot: Snapshot, sent: "ir.Table | None") -> "tuple[pd.DataFrame, dict[str, frozenset[str]]]":
    import pandas as pd

    by = ["content_id", "channel", "account_id"]
    if sent is None:
        empty = {**dict.fromkeys(by, "str"), **dict.fromkeys(("sent", *OUTCOMES), "float64")}
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in empty.items()}), {}
    if "touch_events" not in snapshot.tables:
        rows = sent.group_by(by).agg(sent=sent.count().cast("float64")).to_pandas()
        return rows.assign(**dict.fromkeys(OUTCOMES, 0.0)).sort_values(by, ignore_index=True), {}
    events = snapshot.tables["touch_events"].semi_join(sent, "touch_id")
    joined = sent.left_join(mail_outcomes(events), "touch_id")
    came = joined.delivered.fill_null(False)
    sums = {
        name: (joined[name].fill_null(False) & came if name not in ("delivered", "bounced") else joined[name])
        .sum().cast("float64").fill_null(0.0)
        for name in OUTCOMES
    }  # fmt: skip
    rows = joined.group_by(by).agg(sent=joined.count().cast("float64"), **sums).to_pandas()
    kinds = events.select("touch_id", "type").inner_join(sent.select("touch_id", "channel"), "touch_id")
    seen = kinds.select("channel", "type").distinct().to_pandas().groupby("channel")["type"]
    measured = {str(channel): frozenset(types) for channel, types in seen}
    return rows.sort_values(by, ignore_index=True), measured


def _actions(snapshot: Snapshot, config: Config, sent: "ir.Table | None", library: "pd.DataFrame") -> "pd.DataFrame":
    """Return whether accounts used the promoted feature in the days before and after their first message."""
    import ibis
    import pandas as pd

    columns = ["content_id", "account_id", "before", "after"]
    if not config.promotes or sent is None or "usage_daily" not in snapshot.tables:
        return pd.DataFrame(columns=columns)
    usage = with_columns(snapshot.tables["usage_daily"], feature="string")
    named = set(usage.select("feature").distinct().to_pandas()["feature"].dropna())
    asked = [(f"promotes.{content}", feature, named) for content, feature in config.promotes.items()]
    asked += [("promotes", content, set(library["content_id"])) for content in config.promotes if len(library)]
    refuse_absent(f"configs/{STEM}.yaml", asked)
    wanted = sent.filter(sent.content_id.isin(list(config.promotes)))
    local = with_local_day(wanted, "sent_at", snapshot.workspace.timezone)
    first = local.group_by(["content_id", "account_id"]).agg(first_on=local.local_day.min())
    days = config.action_days
    done = first.filter(first.first_on <= ibis.literal(snapshot.as_of - timedelta(days=days)))
    pairs = ibis.memtable(pd.DataFrame(list(config.promotes.items()), columns=["content_id", "feature"]))
    used = usage.select(user_of="account_id", what="feature", used_on="date")
    rows = done.inner_join(pairs, "content_id")
    near = rows.left_join(
        used,
        [
            rows.account_id == used.user_of,
            rows.feature == used.what,
            used.used_on >= rows.first_on - ibis.interval(days=days),
            used.used_on <= rows.first_on + ibis.interval(days=days),
        ],
    )
    table = near.group_by(["content_id", "account_id"]).agg(
        before=(near.used_on < near.first_on).any().fill_null(False),
        after=(near.used_on > near.first_on).any().fill_null(False),
    )
    found: pd.DataFrame = table.to_pandas().sort_values(columns[:2], ignore_index=True)[columns]
    return found


def _outside(sent: "ir.Table | None", library: "pd.DataFrame", csms: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    columns = ["content_id", "role", "touches"]
    known, limited = csms.dropna(subset=["role"]), library.dropna(subset=["roles"])
    if sent is None or known.empty or limited.empty:
        return pd.DataFrame(columns=columns)
    asked = sent.filter(sent.content_id.isin(list(limited["content_id"])), sent.csm_id.isin(list(known["csm_id"])))
    rows = asked.group_by(["content_id", "csm_id"]).agg(touches=asked.count()).to_pandas()
    named = rows.assign(role=rows["csm_id"].map(known.set_index("csm_id")["role"]))
    may = limited.set_index("content_id")["roles"].map(roles_in)
    # Of an empty frame, pandas would make a mask without a type.
    is_out = pd.Series(
        [role not in may[content] for content, role in zip(named["content_id"], named["role"], strict=True)],
        index=named.index, dtype=bool,
    )  # fmt: skip
    found: pd.DataFrame = named[is_out].groupby(columns[:2])["touches"].sum().reset_index()
    return found


def roles_in(said: str) -> frozenset[str]:
    """Return the roles of a cell of `roles`, which are separated by semicolons.

    Args:
        said: The cell, such as "support; marketing".
    """
    return frozenset(part.strip().lower() for part in said.split(";") if part.strip())


def _contacts(snapshot: Snapshot, accounts: "pd.DataFrame") -> "pd.DataFrame":
    """Return how long each contact stayed; whoever's account left is not known to be deleted, and counts so long."""
    import pandas as pd

    rows = rows_of(
        snapshot, "contacts", contact_id="string", account_id="string", added_way="string", added_at="timestamp",
        left_at="timestamp",
    ).dropna(subset=["added_on"])  # fmt: skip
    ends = rows["account_id"].map(accounts["left_on"]).astype("datetime64[s]")
    ends = ends.fillna(pd.Timestamp(snapshot.as_of))
    is_deleted = rows["left_on"].notna() & (rows["left_on"] <= ends)
    days = (rows["left_on"].where(is_deleted, ends) - rows["added_on"]).dt.days
    made = rows.assign(way=rows["added_way"].fillna(NOT_KNOWN), days=days.clip(lower=0), is_deleted=is_deleted)
    return made[["contact_id", "account_id", "way", "added_on", "days", "is_deleted"]].reset_index(drop=True)


def _listed(snapshot: Snapshot, config: Config) -> "tuple[pd.DataFrame, dict[str, str]]":
    """Return who is on each list, and the lists that cannot be made because a table is missing."""
    import pandas as pd

    columns = ["list", "contact_id"]
    empty = pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
    if "contacts" not in snapshot.tables:
        return empty, dict.fromkeys(config.lists, "contacts")
    missing = {name: absent_tables(snapshot, each.attributes()) for name, each in config.lists.items()}
    skipped = {name: next(iter(tables.values())) for name, tables in missing.items() if tables}
    asked = {name: each for name, each in config.lists.items() if name not in skipped}
    wanted = {name for each in asked.values() for name in each.attributes()}
    table = contacts_at(snapshot, (snapshot.as_of,), wanted=wanted)
    check({f"lists.{name}": each for name, each in asked.items()}, table)
    gone = absent(snapshot, wanted, of="contacts")
    marked = table.select("contact_id", **{name: fits(each, table, gone) for name, each in asked.items()}).to_pandas()
    parts = [marked.loc[marked[name], ["contact_id"]].assign(list=name) for name in asked]
    rows = pd.concat([empty, *parts])[columns]
    return rows.sort_values(columns, ignore_index=True), skipped
