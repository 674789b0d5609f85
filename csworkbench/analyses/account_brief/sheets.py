"""The brief of each account as one or two sheets of paper."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

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
    parts = {name: dict(iter(tables[name].groupby("account_id"))) for name in TITLES}
    files = {}
    for row in listed.to_dict("records"):
        shown = [
            paper.table(part, title, [each for each in tables[name].columns if each not in LEFT_OUT], language)
            for name, title in TITLES.items()
            for part in [parts[name].get(row["account_id"], tables[name].iloc[:0])]
        ]
        title = say("{name} on {day:date}", name=row["name"], day=inputs.as_of)
        files[row["file"]] = paper.sheet(title, shown, language)
    return files
