"""CSV for imports into other systems: their column names, ids and addresses exact, within their limits.

Sources of the limits and names, read on 2026-11-22:
HubSpot, https://knowledge.hubspot.com/import-and-export/set-up-your-import-file: UTF-8, one header row whose columns
are properties, below 1000 columns, at most 1,048,576 rows per file.
Salesforce, https://help.salesforce.com/s/articleView?id=sf.faq_import_general.htm: the Data Import Wizard takes up to
50,000 records at a time and files up to 100 MB; names are those of the fields of Task.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from csworkbench.exports.tables import csv_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Profile:
    """How one system wants its rows.

    Args:
        name: Name of the system, which is part of the name of the files.
        columns: Column of ours -> column of the system; those a table does not have are left out.
        most_rows: Most rows of one file, the header not counted.
        always: Column of the system -> the same text in every row.
    """

    name: str
    columns: Mapping[str, str]
    most_rows: int
    always: Mapping[str, str] = field(default_factory=dict)


HUBSPOT = Profile(
    "hubspot",
    {
        "contact_id": "Contact ID",
        "email": "Email",
        "phone": "Phone Number",
        "account_id": "Company ID",
        "name": "Company Name",
        "proposal_id": "Proposal ID",
        "csm_id": "CSM ID",
        "channel": "Outreach Channel",
        "play": "Outreach Script",
        "reason": "Outreach Reason",
        "mode": "Outreach Mode",
        "basis": "Consent Basis",
        "last_touch_on": "Last Touch",
        "due_on": "Outreach Due",
    },
    1_048_576 - 1,  # the header is a row of the file
)
SALESFORCE = Profile(
    "salesforce",
    {
        "proposal_id": "Proposal_Id__c",
        "contact_id": "WhoId",
        "account_id": "WhatId",
        "csm_id": "OwnerId",
        "play": "Subject",
        "reason": "Description",
        "due_on": "ActivityDate",
        "channel": "Channel__c",
        "mode": "Mode__c",
        "basis": "Consent_Basis__c",
        "last_touch_on": "Last_Touch__c",
        "email": "Email__c",
        "phone": "Phone__c",
    },
    50_000,
    {"Status": "Not Started"},
)
EXACT = ("email", "phone")


def crm_files(frame: "pd.DataFrame", profile: Profile) -> tuple[str, ...]:
    """Return a table as the CSV files a system imports: one, or as many as its limit of rows asks for.

    Where the table has ids of the system itself (`salesforce_account_id`, `salesforce_contact_id`), these are written
    in place of ours, and rows that lack one are left out: the system would take them for others, or refuse them.

    Ids, e-mail addresses and phone numbers are as they were, a leading + too; any other text a spreadsheet would take
    for a formula gets an apostrophe, for these files are looked at before they are imported.

    Args:
        frame: The table; columns the profile does not name are left out.
        profile: The system.
    """
    theirs = {f"{profile.name}_{name}": name for name in ("account_id", "contact_id")}
    if theirs.keys() <= set(frame.columns):
        frame = frame.dropna(subset=list(theirs)).drop(columns=list(theirs.values())).rename(columns=theirs)
    ours = [name for name in profile.columns if name in frame.columns]
    ids = [profile.columns[name] for name in ours if name.endswith("_id") or name in EXACT]
    named = frame[ours].rename(columns=dict(profile.columns)).assign(**profile.always)
    starts = range(0, max(1, len(named)), profile.most_rows)
    return tuple(csv_text(named.iloc[start : start + profile.most_rows], ids) for start in starts)
