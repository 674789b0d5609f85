"""The brief of each account as one or two sheets of paper."""

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.account_brief.evidence import Inputs
from csworkbench.estimates import Message, say
from csworkbench.files import slugs
from csworkbench.formats import paper

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "briefs"
TITLES: Mapping[str, Message] = {
    "facts": say("How it stands"),
    "next_meeting": say("Next meeting"),
    "agenda": say("Agenda"),
    "open_actions": say("Open actions"),
    "last_meeting": say("Last meeting"),
    "practices": say("Best practices of its stage"),
    "health": say("Health, and what changed"),
    "issues": say("Open issues"),
    "plans": say("Plans and their verdicts"),
    "people": say("People, and who is missing"),
    "timeline": say("What they received, attended and wrote"),
}
"""Table -> its title, in the order of the sheet; what to raise is in the agenda."""
LEFT_OUT = ("account_id", "name", "no", "file", "csm", "added_way", "note")


def sheet_table(inputs: Inputs) -> "pd.DataFrame":
    """Return where the sheet of each account lies: account_id, name, file (below the folder of the page).

    Args:
        inputs: Accounts.
    """
    table = inputs.accounts[["name"]].rename_axis("account_id").reset_index()
    return table.assign(file=[f"{FOLDER}/{stem}.html" for stem in slugs(table["account_id"].tolist())])


def sheet_files(inputs: Inputs, tables: "Mapping[str, pd.DataFrame]", listed: "pd.DataFrame") -> Mapping[str, str]:
    """Return the sheets by path.

    Args:
        inputs: Date and language.
        tables: Tables of the page.
        listed: From `sheet_table`.
    """
    language = inputs.language
    shown: dict[Any, list[str]] = {account: [] for account in listed["account_id"]}
    for name, title in TITLES.items():
        rows, columns = _by_account(tables[name]), [each for each in tables[name].columns if each not in LEFT_OUT]
        for account, parts in shown.items():
            parts.append(paper.table(rows.get(account, ()), title, columns, language))
    return {
        row["file"]: paper.sheet(
            say("{name} on {day:date}", name=row["name"], day=inputs.as_of), shown[row["account_id"]], language
        )
        for row in listed.to_dict("records")
    }


def _by_account(table: "pd.DataFrame") -> Mapping[Any, list[dict[Hashable, Any]]]:
    """Return the rows of each account: taken from the frame at once, which costs a fifth of a frame per account."""
    found: dict[Any, list[dict[Hashable, Any]]] = {}
    for row in table.to_dict("records"):
        found.setdefault(row["account_id"], []).append(row)
    return found
