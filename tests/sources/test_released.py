"""Official lists are read back whole or not at all: what was made official is never treated as empty."""

import json
from datetime import date
from hashlib import sha256

import pytest

from csworkbench.errors import DataError
from csworkbench.sources import released

LIST = """proposal_id,account_id,contact_id,program,mode,channel,csm_id,sent_on,name
f00d,00042,P1,nps_outreach.referral,automated,email,,2026-09-28,Åkerö
beef,42,P2,nps_outreach.save_call,human,call,C1,2026-10-02,云帆科技
"""


def official(records, content=LIST, analysis="nps_outreach"):
    """A list and its slip as a release writes them."""
    folder = records / "lists"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{analysis}-2026-09-28-{sha256(content.encode()).hexdigest()[:12]}.csv"
    path.write_text(content, encoding="utf-8", newline="")
    path.with_suffix(".json").write_text(json.dumps({"as_of": "2026-09-30"}), encoding="utf-8")
    return path


def test_rows_come_back_with_the_list_they_are_from(tmp_path):
    official(tmp_path)
    first, second = released(tmp_path)
    assert (first.account_id, first.contact_id, first.csm_id, first.sent_on) == ("00042", "P1", "", date(2026, 9, 28))
    assert (second.mode, second.program, second.csm_id) == ("human", "nps_outreach.save_call", "C1")
    assert (first.analysis, first.first_day, first.known_on) == ("nps_outreach", date(2026, 9, 28), date(2026, 9, 30))


def test_without_lists_nothing_was_released(tmp_path):
    assert released(tmp_path) == ()


def test_a_changed_list_is_refused(tmp_path):
    official(tmp_path).write_text(LIST.replace("P1", "P9"), encoding="utf-8")
    with pytest.raises(DataError, match=r"was changed after its release"):
        released(tmp_path)


def test_a_truncated_list_is_refused(tmp_path):
    path = official(tmp_path)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DataError, match=r"was changed after its release"):
        released(tmp_path)


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_half_a_release_is_refused(tmp_path, suffix):
    official(tmp_path).with_suffix(suffix).unlink()
    with pytest.raises(DataError, match=rf"\{suffix}.*is missing from the official lists"):
        released(tmp_path)


def test_a_list_without_its_columns_is_refused(tmp_path):
    official(tmp_path, "account_id\nA\n")
    with pytest.raises(DataError, match=r"does not read as a list of contacts"):
        released(tmp_path)


def test_every_damaged_list_is_named(tmp_path):
    official(tmp_path).write_text("x", encoding="utf-8")
    official(tmp_path, analysis="other").write_text("x", encoding="utf-8")
    with pytest.raises(DataError, match=r"was changed after its release") as caught:
        released(tmp_path)
    assert len(caught.value.problems) == 2


def test_a_half_written_file_is_none_yet(tmp_path):
    official(tmp_path)
    (tmp_path / "lists" / ".nps_outreach-2026-10-05-0123456789ab.csv").write_text("x", encoding="utf-8")
    assert len(released(tmp_path)) == 2
