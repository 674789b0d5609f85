"""What each contact received of late: what came of it, and whether it goes out again, and why."""

from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.touch_matrix.settings import Config
from csworkbench.analyses.touch_matrix.touching import ordered

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from csworkbench.analyses.touch_matrix.evidence import Inputs
    from csworkbench.asof import Snapshot

CAME = ("is_delivered", "is_bounced", "is_opened", "is_clicked", "is_replied", "by_machine")
KEPT = [
    "touch_id", "account_id", "contact_id", "sent_on", "channel", "mode", "initiator", "family", "rule", "content_id",
    "importance",
]  # fmt: skip
RECEIVED = [
    "account_id", "name", "csm", "contact_id", "sent_on", "channel", "by", "initiator", "family", "rule", "content_id",
    "importance", "outcome", "delivered", "opened", "clicked", "replied", "only_machines", "again", "why", "touch_id",
]  # fmt: skip
SINCE = "a person clicked or answered since the week began"


def received(snapshot: "Snapshot", config: Config, touches: "ir.Table") -> "pd.DataFrame":
    """Return the touches of the last days, one row per contact, those who took part too.

    Args:
        snapshot: The book at the date of the page.
        config: How many days.
        touches: Touches, from `touching.sent`.

    Returns:
        One row per touch and contact: `KEPT` (contact_id missing = not recorded), `CAME`, is_guest (took part, and is
        not the contact of the touch).
    """
    import ibis
    import pandas as pd

    first = snapshot.as_of - timedelta(days=config.received_days - 1)
    late = touches.filter(touches.sent_on >= ibis.literal(first))
    rows = ordered(late.select(*KEPT, *CAME), ["sent_on", "touch_id"]).assign(is_guest=False)
    if "touch_participants" not in snapshot.tables:
        return rows
    table = snapshot.tables["touch_participants"].semi_join(late, "touch_id")
    guests = ordered(table.select("touch_id", guest="contact_id").distinct(), ["touch_id", "guest"])
    found = rows.drop(columns="is_guest").merge(guests, on="touch_id")
    others = found[found["guest"] != found["contact_id"]].assign(is_guest=True)
    others = others.assign(contact_id=others["guest"])[list(rows.columns)]
    # Where only those who took part are recorded, there is no nameless person beside them.
    own = rows[rows["contact_id"].notna() | ~rows["touch_id"].isin(guests["touch_id"])]
    parts = [part for part in (own, others) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else rows


def received_table(inputs: "Inputs", config: Config, again: "pd.DataFrame") -> "pd.DataFrame":
    """Return what each contact received in the last days, and what came of it, the newest first.

    Args:
        inputs: Touches of the last days, and whose accounts they are.
        config: Importances and days of what is sent again; channels on which delivery is reach.
        again: Messages that might go out again, from `resending.decided`.

    Returns:
        One row per touch and contact: `RECEIVED`. outcome is the most that happened, in words; delivered, opened,
        clicked and replied are by people (missing where nothing is known of what came of touches); only_machines: it
        was opened or clicked, and by no person; again: whether it goes out again this week, and why, or why not.
    """
    rows, about = inputs.received, inputs.accounts[["name", "csm"]].reindex(inputs.received["account_id"])
    table = rows.assign(
        name=about["name"].to_numpy(), csm=about["csm"].to_numpy(),
        by=rows["mode"].map({"tech": "system", "human": "person"}).astype("str"),
        outcome=_outcome(rows, config, is_known=inputs.has_events),
        why=_why_not(rows, inputs, config),
        only_machines=rows["by_machine"] & ~(rows["is_opened"] | rows["is_clicked"] | rows["is_replied"]),
    ).rename(columns={f"is_{name}": name for name in ("delivered", "opened", "clicked", "replied")})  # fmt: skip
    flags = ["delivered", "opened", "clicked", "replied", "only_machines"]
    known = table[flags].astype("boolean")
    if not inputs.has_events:
        known = known.mask(known.notna())
    told = again.set_index("touch_id")
    said = table["touch_id"].map(told["reason"]).where(~table["is_guest"])
    has_reaction = table["clicked"] | table["replied"]
    is_again = table["touch_id"].map(told["is_listed"]).eq(True) & ~table["is_guest"]
    why = said.fillna(table["why"]).mask(is_again & has_reaction, SINCE).astype("str")
    table = table.assign(again=is_again & ~has_reaction, why=why, **{name: known[name] for name in flags})
    order = ["sent_on", "touch_id", "is_guest", "contact_id"]
    return table.sort_values(order, ascending=[False, True, True, True], ignore_index=True)[RECEIVED]


def _outcome(rows: "pd.DataFrame", config: Config, *, is_known: bool) -> "pd.Series[str]":
    """Return the most that happened to each touch."""
    import pandas as pd

    if not is_known:
        return pd.Series("not known", index=rows.index, dtype="str")
    is_live = rows["channel"].isin(config.live_channels)
    least = [
        (rows["is_bounced"], "bounced"),
        (rows["is_delivered"], "delivered, not opened"),
        (rows["by_machine"], "opened by machines only"),
        (rows["is_delivered"] & is_live, "reached"),
        (rows["is_opened"], "opened"),
        (rows["is_clicked"], "clicked"),
        (rows["is_replied"], "answered"),
    ]
    found = pd.Series("nothing recorded", index=rows.index, dtype="str")
    for holds, words in least:
        found = found.mask(holds, words)
    return found


def _why_not(rows: "pd.DataFrame", inputs: "Inputs", config: Config) -> "pd.Series[str]":
    """Return why a touch that is not among the messages in question does not go out again: the first reason."""
    import pandas as pd

    known, wanted = pd.Timestamp(inputs.again.week.known), config.resend
    reasons = [
        (rows["is_guest"], "took part"),
        (rows["mode"] != "tech", "by a person"),
        (~rows["importance"].isin(wanted.important), "not important"),
        (rows["is_clicked"] | rows["is_replied"], "a person clicked or answered"),
        (~rows["is_delivered"], "not delivered"),
        (rows["sent_on"] > known - pd.Timedelta(days=wanted.after_days), "too new when the week began"),
        (rows["sent_on"] <= known - pd.Timedelta(days=wanted.within_days), "too old"),
    ]
    found = pd.Series("another one of this content is newer, or was answered", index=rows.index, dtype="str")
    for holds, words in reversed(reasons):
        found = found.mask(holds, words)
    return found
