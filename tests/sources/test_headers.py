"""Names of columns: mapped exactly, and every mismatch is named with the nearest names of both sides."""

import pytest

from csworkbench.errors import DataError
from tests.sources.conftest import column, finding, rows


def test_a_missing_required_column_names_the_nearest_one_of_the_file_and_the_key(project):
    with pytest.raises(
        DataError,
        match=r"accounts.csv:1: tables.accounts.columns.account_id: column 'account_id' is missing; "
        r"the file has AccountID, name \(did you mean 'AccountID'\? set tables.accounts.columns.account_id",
    ):
        project.accounts("AccountID,name\nA1,x\n")


def test_a_mapped_column_that_is_not_in_the_file_is_refused(project):
    with pytest.raises(DataError, match=r"column 'Customer' \(for account_id\) is missing; the file has Custmer ID"):
        project.accounts("Custmer ID,name\nA1,x\n", columns={"account_id": "Customer"})


def test_a_missing_extra_column_names_its_own_key(project):
    with pytest.raises(DataError, match=r"column 'Churn' is missing.*set tables.accounts.extra.Churn.from"):
        project.accounts("account_id,churned\nA1,x\n", extra={"Churn": "text"})


@pytest.mark.parametrize(
    ("header", "message"),
    [
        pytest.param("account_id,name,name", "column 'name' occurs 2 times", id="F20 doubled"),
        pytest.param("account_id, name ,plan", "column 2 has blanks.*rename it to 'name'", id="F21 padded"),
        pytest.param("account_id,name\u200b,plan", "column 2 has .*invisible characters", id="F21 zero width"),
        pytest.param("account_id,,plan", "column 2 has no name", id="F22 missing"),
    ],
)
def test_doubled_padded_and_missing_names_are_refused(project, header, message):
    with pytest.raises(DataError, match=message):
        project.accounts(f"{header}\nA1,x,y\n")


def test_all_problems_of_a_header_come_at_once(project):
    with pytest.raises(DataError, match="has no name") as refused:
        project.accounts("id,,plan,plan\nA1,x,y,z\n")
    assert len(refused.value.problems) == 3  # no account_id, a name missing, plan twice


def test_a_padded_name_that_is_mapped_as_it_is_is_accepted(project):
    book = project.accounts("account_id, name \nA1,x\n", columns={"name": " name "})
    assert column(book, "name") == ["x"]


def test_columns_nobody_asked_for_are_reported_with_the_column_they_look_like(project):
    found = finding(project.accounts("account_id,Industry,zzz\nA1,x,y\n"), "accounts", "unused")  # F23
    assert (found.count, found.example) == (2, "Industry, zzz")
    assert "'Industry' looks like industry" in found.hint


def test_a_constant_and_a_line_id_need_no_column(project):
    book = project.with_accounts(
        nps_responses={
            "path": project.write("nps.csv", "account_id,score,day\nA,9,2026-01-01\nA,9,2026-01-01\n"),
            "columns": {"response_id": {"row": True}, "channel": {"const": "email"}, "responded_at": "day"},
        }
    )
    assert column(book, "response_id", "nps_responses") == ["2", "3"]  # equal rows are both kept
    assert column(book, "channel", "nps_responses") == ["email", "email"]


def test_line_ids_of_several_files_are_distinct(project):
    project.write("n1.csv", "account_id,score,responded_at\nA,9,2026-01-01\n")
    project.write("n2.csv", "account_id,score,responded_at\nA,8,2026-01-02\n")
    book = project.with_accounts(nps_responses={"path": "n?.csv", "columns": {"response_id": {"row": True}}})
    assert column(book, "response_id", "nps_responses") == ["n1.csv:2", "n2.csv:2"]


def test_value_maps_turn_words_of_the_file_into_words_of_the_table(project):
    book = project.with_accounts(
        renewals={
            "path": project.write(
                "r.csv", "renewal_id,account_id,due_date,result\nR1,A,2026-01-01,Förnyad\nR2,A,2026-01-01,\n"
            ),
            "columns": {"outcome": {"from": "result", "values": {"Förnyad": "renewed"}}},
        }
    )
    assert column(book, "outcome", "renewals") == [None, "renewed"]


def test_an_extra_column_takes_its_type_and_role_from_the_workspace(project):
    book = project.accounts(
        "account_id,Left\nA1,Yes\nA2,No\n",
        extra={"churn": {"type": "boolean", "from": "Left", "role": "outcome", "values": {"Yes": True, "No": False}}},
    )
    assert rows(book) == [{"account_id": "A1", "churn": True}, {"account_id": "A2", "churn": False}]
    assert book.reports["accounts"].extras == {"churn": "outcome"}


def test_a_second_header_inside_the_file_is_set_aside_by_its_line(project):
    book = project.accounts("account_id,name\nA1,x\naccount_id,name\nA2,y\n")  # F29
    assert column(book, "account_id") == ["A1", "A2"]
    assert finding(book, "accounts", "header").place == "accounts.csv:3"


def test_rows_of_another_width_are_set_aside_by_their_line(project):
    book = project.accounts("account_id,name\nA1,x,extra\nA2\nA3,y\nA4,z\nA5,w\n")  # F17, F19
    assert column(book, "account_id") == ["A3", "A4", "A5"]
    assert [(row["line"], row["rule"]) for row in project.quarantine("accounts")] == [("2", "width"), ("3", "width")]
    assert book.reports["accounts"].quarantined == 2


def test_a_file_whose_rows_mostly_have_another_width_is_refused(project):
    with pytest.raises(DataError, match=r"accounts.csv:2: 2 of 3 rows do not have the width of the header.*delimiter"):
        project.accounts("account_id,arr\nA1,1,5\nA2,2,5\nA3,4\n")


def test_a_row_with_a_bare_carriage_return_in_a_field_is_set_aside(project):
    book = project.accounts("account_id,name\nA1,x\nA2,ba\rd\nA3,y\n")  # F38
    assert column(book, "account_id") == ["A1", "A3"]
    assert finding(book, "accounts", "shape").place == "accounts.csv:3"


def test_a_table_without_a_needed_column_is_told_its_delimiter_too(project):
    content = "contact_id;address;valid_from;reason\nP1;;2026-01-01;bounced\n"
    with pytest.raises(DataError, match=r"look separated by ';', not ','.*set tables.suppressions.delimiter: ';'"):
        project.with_accounts(suppressions=project.write("s.csv", content))
