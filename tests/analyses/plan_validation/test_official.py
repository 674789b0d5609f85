"""Official lists are read back as they were written, or not at all."""

from hashlib import sha256

import pytest

from csworkbench.analyses.plan_validation.official import read_official


def named(text):
    return {f"list-{sha256(text.encode()).hexdigest()[:12]}.csv": text}


def read(texts, columns=("a", "b")):
    return read_official(texts, "lists", columns)


def test_the_rows_of_all_lists_stand_below_each_other_as_texts():
    found = read({**named("a,b,c\n1,,x\n"), **named("b,a\n0046,2\n")})
    assert sorted(found.rows.to_numpy().tolist()) == [["1", ""], ["2", "0046"]]
    assert found.problems == ()


@pytest.mark.parametrize("text", ["\ufeffa,b\r\n1,2\r\n", "a,b\n1,2\n"])
def test_marks_and_line_ends_of_spreadsheets_do_not_matter(text):
    assert read(named(text)).rows.to_numpy().tolist() == [["1", "2"]]


def test_no_list_is_no_row():
    assert read({}).rows.empty


def test_a_list_whose_digest_is_another_counts_for_nothing():
    ((name, text),) = named("a,b\n1,2\n").items()
    found = read({name: text.replace("1", "7")})
    assert found.rows.empty
    assert str(found.problems[0]).startswith(f"records/lists/{name}: is damaged")


def test_a_list_without_the_columns_counts_for_nothing():
    found = read(named("a,x\n1,2\n"))
    assert found.rows.empty
    assert "is a list of another kind: it has no b" in str(found.problems[0])
