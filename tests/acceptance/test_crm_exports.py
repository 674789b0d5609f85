"""Exports of HubSpot and Zendesk by configuration alone: every table is a query over raw files."""

import shutil

import pandas as pd
import pytest

from csworkbench import sources
from csworkbench.workspace import load_workspace
from tests.acceptance.projects import DATA, csw, example_project, result

FOLDERS = [DATA / "crm_exports" / name for name in ("hubspot", "zendesk")]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDERS[0].is_dir(), reason="crm_exports is not beside this checkout (shared/data)"),
]
MEETING = "3416212491"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return example_project(tmp_path_factory.mktemp("crm") / "project", "hubspot_zendesk", FOLDERS)


@pytest.fixture(scope="module")
def run(project):
    done = csw("run", "data_check", "--workspace", project / "workspace.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "outputs" / "latest"


def opened(folder):
    workspace = load_workspace(folder / "workspace.yaml")
    return sources.open_book(workspace, folder, folder / "cache")


@pytest.fixture(scope="module")
def book(project):
    return {name: table.execute() for name, table in opened(project).tables.items()}


def raw(system, name):
    return pd.read_csv(DATA / "crm_exports" / system / f"{name}_data.csv", dtype=str, keep_default_na=False)


def test_each_table_has_the_rows_of_its_files(run):
    meetings = len(raw("hubspot", "engagement_meeting"))
    others = [len(raw("hubspot", f"engagement_{kind}")) for kind in ("call", "email", "communication", "note")]
    events = raw("hubspot", "email_event")
    merged = raw("hubspot", "contact")["property_hs_merged_object_ids"].str.split(";").explode()
    merged = merged[merged != ""]
    users, organizations = raw("zendesk", "user"), raw("zendesk", "organization")
    expected = {
        "id_map": len(raw("hubspot", "contact_merge_audit")) + len(merged) + len(users) + len(organizations),
        "accounts": len(raw("hubspot", "company")) + len(organizations),
        "contacts": len(raw("hubspot", "contact")) - len(merged) + (users["role"] == "end-user").sum(),
        "csms": len(raw("hubspot", "owner")) + (users["role"] == "agent").sum(),
        "contents": len(raw("hubspot", "email_campaign")),
        "touches": meetings + sum(others) + events["sent_by_id"].nunique(),
        "touch_participants": len(raw("hubspot", "engagement_contact")),
        "touch_events": events["type"].isin(["OPEN", "DELIVERED"]).sum(),
        "tasks": len(raw("hubspot", "engagement_task")),
        "tickets": (raw("zendesk", "ticket")["status"] != "deleted").sum(),
    }
    tables = pd.read_parquet(run / "data_check" / "tables" / "tables.parquet").set_index("table")
    assert tables["rows"].to_dict() == expected
    # counted by eye in the files: 24 companies and 10 organizations, 22 contacts of which 3 were merged, 9 end users
    assert (expected["accounts"], expected["contacts"], expected["touches"]) == (34, 28, 126)


def test_merged_contacts_are_one_contact(book):
    kept = set(book["contacts"]["contact_id"])
    assert "78971951" in kept
    assert not kept & {"76340251", "46897301", "76226001"}


def test_a_user_of_zendesk_is_not_the_contact_of_hubspot_with_the_same_number(book):
    # HubSpot merged 9999 into its contact 2222; ticket 11071 was asked by the Zendesk user 2222
    known = book["id_map"].set_index(["source", "source_id"])["contact_id"]
    assert known["hubspot", "9999"] == "2222"
    assert known["zendesk_user", "2222"] == "zendesk-2222"
    assert book["tickets"].set_index("ticket_id").loc["11071", "contact_id"] == "zendesk-2222"


def test_a_ticket_is_resolved_when_its_history_says_so(book):
    history = raw("zendesk", "ticket_field_history")
    solved = history[(history["ticket_id"] == "11071") & (history["value"] == "solved")]["updated"].max()
    ticket = book["tickets"].set_index("ticket_id").loc["11071"]
    assert ticket["resolved_at"] == pd.Timestamp(solved) == pd.Timestamp("2020-11-14 11:01:27")
    assert not ticket["reopened"]  # after it only closed
    # the other seven are solved or closed too, but the seeds hold no history of them
    assert book["tickets"]["resolved_at"].notna().sum() == 1


def test_every_open_belongs_to_its_send(book):
    events, sends = raw("hubspot", "email_event"), book["touches"][book["touches"]["mode"] == "tech"]
    opens = events[events["type"] == "OPEN"].groupby("sent_by_id").size()
    counted = book["touch_events"][book["touch_events"]["type"] == "open"].groupby("touch_id").size()
    assert counted.to_dict() == opens.to_dict()
    assert set(sends["touch_id"]) == set(events["sent_by_id"])
    assert set(sends["initiator"]) == {"marketing"}


def test_rows_without_a_known_account_are_reported(run):
    figures = result(run, "data_check")["figures"]
    for name, rows in (("contacts", 28), ("touches", 126), ("tickets", 8)):
        figure = figures[f"{name}.account_id.foreign_key"]
        assert (figure["value"], figure["n"]) == (1.0, rows)


# --- with rows that belong together, as real exports have them --------------------------------------------------------


@pytest.fixture(scope="module")
def joined(tmp_path_factory):
    """The example on a copy of the seeds in which some rows of different files belong together."""
    folder = example_project(tmp_path_factory.mktemp("joined") / "project", "hubspot_zendesk", [])
    for source in FOLDERS:
        shutil.copytree(source, folder / "data" / source.name)
    hubspot, zendesk = folder / "data" / "hubspot", folder / "data" / "zendesk"
    company, recipient = raw("hubspot", "company")["id"][0], "o2wjpPyUfzBfq9OSt9I2NQ=="
    append(hubspot / "engagement_company_data.csv", f"{company},{MEETING},MEETING,192,2023-06-08 23:22:50,X")
    for contact in ("76340251", "36842001"):
        append(hubspot / "engagement_contact_data.csv", f"{contact},{MEETING},MEETING,194,2023-06-08 23:22:50,X")
    replace_in(hubspot / "contact_data.csv", "d63232cbab97fc1bb5808e4cba500347", "a36c23a4fc947f305fabd392b7d23635")
    event = raw("hubspot", "email_event").query("type == 'OPEN' and recipient == @recipient").iloc[0]
    append(
        hubspot / "email_event_data.csv",
        ",".join(["E1", *event.drop(["id", "type"])[:11], "CLICK", "false", recipient]),
    )
    append(hubspot / "email_event_click_data.csv", "E1,2020-03-16 19:06:20,,,,,https://example.com/guide,")
    append(
        zendesk / "ticket_comment_data.csv", "1,2020-08-30,hello,2020-08-28 19:00:00,FALSE,TRUE,11071,FALSE,1111,FALSE"
    )
    append(
        zendesk / "ticket_comment_data.csv", "2,2020-08-30,please,2020-08-28 18:10:00,FALSE,TRUE,11071,FALSE,2222,FALSE"
    )
    append(
        zendesk / "ticket_comment_data.csv", "3,2020-08-30,note,2020-08-28 18:20:00,FALSE,FALSE,11071,FALSE,1111,FALSE"
    )
    append(zendesk / "ticket_field_history_data.csv", "status,11071,2020-11-14 12:00:00,2020-11-15,,open")
    return {name: table.execute() for name, table in opened(folder).tables.items()}


def append(path, line):
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + f"\n{line}\n", encoding="utf-8")


def replace_in(path, old, new):
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_a_meeting_of_two_people_is_one_touch(joined):
    meeting = joined["touches"].set_index("touch_id").loc[[MEETING]]
    assert meeting["account_id"].tolist() == [raw("hubspot", "company")["id"][0]]
    assert meeting["contact_id"].isna().all()
    there = joined["touch_participants"].query("touch_id == @MEETING")["contact_id"]
    assert set(there) == {"78971951", "36842001"}  # the first under the id it was merged into


def test_a_recipient_is_the_contact_with_the_same_address(joined):
    # the address of contact 36842001 in the copy, in base64 in the events
    sends = joined["touches"].query("mode == 'tech'")
    assert (sends["contact_id"] == "36842001").sum() == 4


def test_the_link_of_a_click_comes_from_the_file_of_clicks(joined):
    click = joined["touch_events"].query("type == 'click'")
    assert click["link"].tolist() == ["https://example.com/guide"]
    assert click["touch_id"].isin(joined["touches"]["touch_id"]).all()


def test_the_first_response_is_public_and_of_somebody_else(joined):
    ticket = joined["tickets"].set_index("ticket_id").loc["11071"]
    assert ticket["first_response_at"] == pd.Timestamp("2020-08-28 19:00:00")
    assert ticket["reopened"]  # open again an hour after it was solved
