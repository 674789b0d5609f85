"""Saved lists of contacts: who fits, who of them may be contacted, and who is left out and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.segments.settings import Config, ContactList
from csworkbench.policy import Ground, Week
from csworkbench.workspace import ContactPolicy

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot

STEM = "segments"
FITS = ["list", "contact_id", "account_id"]
LISTED, LEFT_OUT = [*FITS, "channel"], [*FITS, "reason", "reasons"]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Lists:
    """Who fits the saved lists, and what decides about contacting them, all as of the date of the page.

    Args:
        fits: One row per list and contact who fits its condition: `FITS`.
        week: Week in which they would be contacted.
        ground: What the policy knows of every contact; None = it cannot tell, so nobody is listed.
        refusal: Why it cannot.
        policy: Who may be contacted.
        timezone: Zone of the workspace.
    """

    fits: "pd.DataFrame"
    week: Week
    ground: Ground | None
    refusal: str
    policy: ContactPolicy
    timezone: str


def lists(snapshot: "Snapshot", config: Config) -> Lists:
    """Return who fits the lists, and the ground of the policy, which is only asked where there are any.

    Args:
        snapshot: The book at the date of the page.
        config: Conditions of the lists.

    Raises:
        AnalysisError: a list names a channel that nobody knows.
        ConfigError: a condition reads an attribute that is not there, or tests it in a way that does not fit.
    """
    from csworkbench.errors import AnalysisError
    from csworkbench.policy import gather, require_channels, week_of

    found, week, ground, refusal = _fitting(snapshot, config), week_of(snapshot.as_of), None, ""
    asked = {name: each.channels for name, each in config.contact_lists.items()}
    require_channels(snapshot, {f"contact_lists.{name}.channels": each for name, each in asked.items()})
    if len(found):
        try:
            ground = gather(snapshot, snapshot, week, STEM).of(set(found["contact_id"]))
        except AnalysisError as error:  # the rest of the page needs no consent
            refusal = "; ".join(problem.message for problem in error.problems)
    workspace = snapshot.workspace
    return Lists(found, week, ground, refusal, workspace.contact_policy, workspace.timezone)


def decided(made: Lists, rules: Mapping[str, ContactList]) -> "pd.DataFrame":
    """Return what becomes of everybody who fits a list, each list by itself: listed, or left out with the reason.

    Args:
        made: Who fits, and what decides.
        rules: Purpose and channels of each list.

    Returns:
        One row per list and contact: `FITS`, is_listed, channel (the first one allowed; missing: left out), reason (""
        = listed), reasons.
    """
    import pandas as pd

    from csworkbench.policy import decide

    parts = []
    for name, rows in made.fits.groupby("list", sort=False):
        rule = rules[str(name)]
        # Whoever goes through a list does so by hand; it asks for nobody's time by itself.
        asked = rows.reset_index(drop=True).assign(
            purpose=rule.purpose, mode="human", csm_id=None, is_must_do=False, own="", is_held=False,
            channels=pd.Series([rule.channels] * len(rows), dtype="object"),
        )  # fmt: skip
        if made.ground is None:
            said = asked.assign(is_listed=False, channel=None, reason=made.refusal, reasons=made.refusal)
        else:
            said = decide(asked, made.ground, made.policy, made.week, made.timezone)
        parts.append(said[[*FITS, "is_listed", "channel", "reason", "reasons"]])
    columns = {**dict.fromkeys([*FITS, "channel", "reason", "reasons"], "str"), "is_listed": "bool"}
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    return (pd.concat(parts, ignore_index=True) if parts else empty).astype(columns)


def size_table(said: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return how many fit each list, and how many of them may be contacted.

    Args:
        said: From `decided`.
        config: The lists.

    Returns:
        One row per list: list, purpose, fitting (contacts who fit), contacts (of them, listed), left_out, accounts (of
        those listed).
    """
    import pandas as pd

    lines = []
    for name, rule in config.contact_lists.items():
        rows = said[said["list"] == name]
        on = rows[rows["is_listed"]]
        lines.append((name, rule.purpose, len(rows), len(on), len(rows) - len(on), on["account_id"].nunique()))
    return pd.DataFrame(lines, columns=["list", "purpose", "fitting", "contacts", "left_out", "accounts"])


def absent_of_contacts(snapshot: "Snapshot", config: Config) -> dict[str, str]:
    """Return the attributes of contacts and their accounts that lists read and the book does not have, by table.

    Args:
        snapshot: The book.
        config: Conditions of the lists.
    """
    from csworkbench.filters import absent

    wanted = {name for rule in config.contact_lists.values() for name in rule.where.attributes()}
    return absent(snapshot, wanted, config.measures, of="contacts")


def _fitting(snapshot: "Snapshot", config: Config) -> "pd.DataFrame":
    import pandas as pd

    from csworkbench.filters import check, contacts_at, fits

    empty = pd.DataFrame({name: pd.Series(dtype="str") for name in FITS})
    if not config.contact_lists or "contacts" not in snapshot.tables:
        return empty
    conditions = {name: rule.where for name, rule in config.contact_lists.items()}
    wanted = {name for condition in conditions.values() for name in condition.attributes()}
    table = contacts_at(snapshot, (snapshot.as_of,), wanted=wanted, measures=config.measures)
    check({f"contact_lists.{name}.where": condition for name, condition in conditions.items()}, table)
    gone = absent_of_contacts(snapshot, config)
    parts = [
        table.filter(fits(condition, table, gone)).select("contact_id", "account_id").to_pandas().assign(list=name)
        for name, condition in conditions.items()
    ]
    found = pd.concat([part[FITS].sort_values("contact_id") for part in parts], ignore_index=True)
    return found if len(found) else empty
