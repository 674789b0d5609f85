"""Ids of the systems a list is imported into: written where there is one, and said where there is none or several."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from csworkbench.asof import take
from csworkbench.errors import ConfigError
from csworkbench.exports import SALESFORCE, crm_files
from csworkbench.features import about_rejected, foreign_ids
from csworkbench.formats import text
from tests.books import book

AS_OF = date(2026, 9, 30)
MAP = [
    ("crm", "001a", "A1", None), ("crm", "001A", "A2", None), ("crm", "001b", "A3", None), ("crm", "001c", "A3", None),
    ("crm", "001z", "001a", None), ("crm", "003a", None, "P1"), ("crm", "003b", None, "P2"),
    ("crm", "003c", None, "P3"), ("helpdesk", "7", "A1", None),
]  # fmt: skip
LIST = pd.DataFrame(
    {
        "proposal_id": ["1", "2", "3", "4"],
        "account_id": ["A1", "A2", "A3", "A1"],
        "contact_id": ["P1", "P2", "P3", "P4"],
    }
)


def ids_of(**sources):
    rows = [dict(zip(("source", "source_id", "account_id", "contact_id"), row, strict=True)) for row in MAP]
    made = book({"accounts": [{"account_id": "A1"}], "id_map": rows})
    return foreign_ids(take(replace(made, workspace=made.workspace.model_copy(update={"export_ids": sources})), AS_OF))


def test_files_carry_the_ids_of_the_system_in_their_very_letters():
    (content,) = crm_files(ids_of(salesforce="crm").beside(LIST), SALESFORCE)
    # 001z was merged into 001a, so it is no id of A1; A3 has two ids, and nobody knows P4 there
    assert [line.split(",")[:3] for line in content.splitlines()[1:3]] == [["1", "003a", "001a"], ["2", "003b", "001A"]]
    assert len(content.splitlines()) == 3


def test_rows_without_one_id_are_listed_as_rejected_with_what_lacks():
    found = ids_of(salesforce="crm").rejected(LIST)
    assert found[["proposal_id", "lacks"]].to_numpy().tolist() == [
        ["3", "2 account_id of crm in id_map"], ["4", "no contact_id of crm in id_map"],
    ]  # fmt: skip
    (doubt,) = about_rejected(found)
    assert text(doubt.message) == (
        "2 rows are not in the files for salesforce: "
        "2 account_id of crm in id_map: 1, no contact_id of crm in id_map: 1"
    )


def test_without_a_setting_ours_are_written():
    assert ids_of().beside(LIST).equals(LIST)


def test_a_source_id_map_does_not_have_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"export_ids.hubspot: id_map has no source 'crn' \(did you mean 'crm'\?\)"):
        ids_of(hubspot="crn")
