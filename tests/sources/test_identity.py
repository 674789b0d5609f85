"""Ids of other systems: looked up in id_map, tenants kept apart, merges followed to their end."""

import pytest

from csworkbench.sources.identity import resolve
from tests.sources.conftest import column, finding, rows

TICKETS = "ticket_id,org,opened_at\n1,42,2026-01-01\n2,43,2026-01-02\n"


def opened(project, id_map, accounts="account_id\nA\nB\nC\n", tickets=TICKETS, **source):
    """Open tickets whose accounts are those of the system `desk`, looked up in id_map."""
    project.write("id_map.csv", id_map)
    project.write("accounts.csv", accounts)
    declared = {"path": project.write("t.csv", tickets), "columns": {"account_id": {"from": "org", "ids": "desk"}}}
    return project.open(accounts="accounts.csv", tickets=declared | source, id_map="id_map.csv")


def test_an_id_of_another_system_becomes_ours(project):
    book = opened(project, "source,source_id,account_id\ndesk,42,A\ndesk,43,B\n")
    assert [(row["ticket_id"], row["account_id"]) for row in rows(book, "tickets")] == [("1", "A"), ("2", "B")]


def test_an_id_that_is_not_mapped_stays(project):
    book = opened(project, "source,source_id,account_id\ndesk,42,A\n", accounts="account_id\nA\n43\n")
    assert column(book, "account_id", "tickets") == ["43", "A"]


def test_an_id_that_is_neither_mapped_nor_ours_is_an_orphan(project):
    book = opened(project, "source,source_id,account_id\ndesk,42,A\n")
    found = finding(book, "tickets", "foreign_key", "account_id")
    assert (found.example, found.place) == ("43", "t.csv:3")


def test_merges_are_followed_to_their_end(project):
    book = opened(project, "source,source_id,account_id\ndesk,42,A\ndesk,A,B\ndesk,B,C\ndesk,43,B\n")
    assert column(book, "account_id", "tickets") == ["C", "C"]


def test_tenants_with_equal_raw_ids_stay_two_accounts(project):
    project.write("id_map.csv", "source,source_id,account_id\nnorth,42,N42\nsouth,42,S42\n")
    project.write("accounts.csv", "account_id\nN42\nS42\n")
    project.write("t.csv", "ticket_id,org,opened_at\n1,42,2026-01-01\n")
    project.write("i.csv", "invoice_id,org,issued_at,amount\n1,42,2026-01-01,5\n")

    def of(tenant, path):
        return {"path": path, "columns": {"account_id": {"from": "org", "ids": tenant}}}

    book = project.open(
        id_map="id_map.csv", accounts="accounts.csv", tickets=of("north", "t.csv"), invoices=of("south", "i.csv")
    )
    assert (column(book, "account_id", "tickets"), column(book, "account_id", "invoices")) == (["N42"], ["S42"])


def test_two_tenants_in_one_file_stay_two_accounts_when_the_query_says_whose_a_row_is(project):
    project.write("id_map.csv", "source,source_id,account_id\nboth,north-42,N42\nboth,south-42,S42\n")
    for tenant in ("north", "south"):
        project.write(f"{tenant}.csv", "id\n42\n")
    book = project.open(
        id_map="id_map.csv",
        accounts={
            "files": {tenant: {"path": f"{tenant}.csv"} for tenant in ("north", "south")},
            "query": "select 'north-' || id as id from north union all select 'south-' || id from south",
            "columns": {"account_id": {"from": "id", "ids": "both"}},
        },
    )
    assert column(book, "account_id") == ["N42", "S42"]


def test_ids_that_lead_in_a_circle_stay_and_are_found_on_the_map(project):
    circle = "source,source_id,account_id\ndesk,42,A\ndesk,A,B\ndesk,B,A\ndesk,43,C\n"
    book = opened(project, circle, accounts="account_id\nA\nB\nC\n42\n")
    assert column(book, "account_id", "tickets") == ["42", "C"]
    found = finding(book, "id_map", "contradiction", "source_id")
    assert (found.count, found.example, found.place, found.action) == (2, "A", "id_map.csv:3", "flagged")


def test_an_address_is_looked_up_by_its_domain(project):
    book = opened(
        project,
        "source,source_id,account_id\nemail_domain,Acme.com,A\n",
        accounts="account_id\nA\nann@other.com\n",
        tickets="ticket_id,mail,opened_at\n1,Bo.Li@ACME.com,2026-01-01\n2,ann@other.com,2026-01-02\n",
        columns={"account_id": {"from": "mail", "ids": "email_domain"}},
    )
    assert column(book, "account_id", "tickets") == ["A", "ann@other.com"]


def test_contacts_are_looked_up_among_contacts(project):
    project.write("id_map.csv", "source,source_id,account_id,contact_id\ncrm,7,A,\ncrm2,7,,P\n")
    project.write("accounts.csv", "account_id\nA\n")
    project.write("contacts.csv", "id,org\n7,7\n")
    columns = {"contact_id": {"from": "id", "ids": "crm2"}, "account_id": {"from": "org", "ids": "crm"}}
    book = project.open(
        id_map="id_map.csv", accounts="accounts.csv", contacts={"path": "contacts.csv", "columns": columns}
    )
    assert [(row["contact_id"], row["account_id"]) for row in rows(book, "contacts")] == [("P", "A")]


def test_the_row_of_the_account_that_stayed_counts_after_a_merge(project):
    project.write("id_map.csv", "source,source_id,account_id\ncrm,A,B\n")
    project.write("accounts.csv", "id,name\nA,Old\nB,New\nC,Other\n")
    source = {"path": "accounts.csv", "columns": {"account_id": {"from": "id", "ids": "crm"}}}
    book = project.open(id_map="id_map.csv", accounts=source)
    assert [(row["account_id"], row["name"]) for row in rows(book)] == [("B", "New"), ("C", "Other")]
    found = finding(book, "accounts", "duplicate", "account_id")
    assert (found.count, found.place) == (1, "accounts.csv:2")
    assert book.reports["accounts"].quarantined == 0


def test_a_merge_in_the_system_of_the_accounts_is_followed_from_another_system(project):
    project.write("id_map.csv", "source,source_id,account_id\ndesk,42,A\ncrm,A,B\n")
    project.write("accounts.csv", "id\nB\n")
    project.write("t.csv", "ticket_id,org,opened_at\n1,42,2026-01-01\n")

    def of(source, name):
        return {"columns": {"account_id": {"from": name, "ids": source}}}

    book = project.open(
        id_map="id_map.csv",
        accounts={"path": "accounts.csv"} | of("crm", "id"),
        tickets={"path": "t.csv"} | of("desk", "org"),
    )
    assert column(book, "account_id", "tickets") == ["B"]


def test_tables_are_mapped_again_when_the_map_changes(project):
    opened(project, "source,source_id,account_id\ndesk,42,A\ndesk,43,B\n")
    book = opened(project, "source,source_id,account_id\ndesk,42,A\ndesk,43,C\n")
    assert column(book, "account_id", "tickets") == ["A", "C"]


def links(*pairs, source="s"):
    return [{"source": source, "source_id": raw, "account_id": to, "contact_id": None} for raw, to in pairs]


@pytest.mark.parametrize(
    ("pairs", "ends"),
    [
        ([("a", "b"), ("b", "b")], {"a": "b", "b": "b"}),  # b stands for itself: the survivor
        ([("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")], {}),  # d and a lead to a circle
        ([("a", "b"), ("a", "c"), ("d", "e")], {"d": "e"}),  # a has two meanings
        ([], {}),
    ],
)
def test_every_id_has_one_end_or_none(pairs, ends):
    found = resolve(links(*pairs), {}).ends
    assert {raw: end for (_, _, raw), end in found.items()} == ends


def test_a_chain_of_a_hundred_thousand_merges_ends():
    pairs = [(str(n), str(n + 1)) for n in range(100_000)]
    assert set(resolve(links(*pairs), {}).ends.values()) == {"100000"}
