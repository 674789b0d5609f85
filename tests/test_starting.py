"""What a new project begins with, beside the sample book."""

import shutil
from pathlib import Path

import pytest

from csworkbench.cli import main
from csworkbench.workspace import load_workspace

# Headers as a Swedish CRM writes them: the mapping has to be found.
ACCOUNTS = "Kundnr,Företag,Region,Startdatum\nK1,Åsa AB,Nord,2026-01-10\nK2,Bo AB,Syd,2026-02-10\n"
TICKETS = "ticket_id,account_id,opened_at,priority\nT1,K1,2026-03-01T10:00:00Z,high\n"


@pytest.fixture
def csw(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("kunder.csv").write_text(ACCOUNTS, "utf-8")
    Path("tickets.csv").write_text(TICKETS, "utf-8")

    def run(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        return code, capsys.readouterr().err

    return run


def test_a_project_of_own_files_has_them_with_a_mapping_and_passes_check(csw, monkeypatch):
    assert csw("init", "ours", "--template", "csv", "--data", "kunder.csv", "--data", "tickets.csv")[0] == 0
    tables = load_workspace(Path("ours/configs/workspace.yaml").absolute()).tables
    assert set(tables) == {"accounts", "tickets"}
    assert tables["accounts"].columns["account_id"] == "Kundnr"
    assert Path("ours/data/kunder.csv").read_text("utf-8") == ACCOUNTS
    readme = Path("ours/README.md").read_text("utf-8")
    assert "It runs on your own files" in readme
    assert "simulated" not in readme
    assert "data/samples" not in readme
    assert "$" not in readme
    monkeypatch.chdir("ours")
    assert csw("check")[0] == 0


def test_a_blank_project_says_where_its_data_goes(csw, monkeypatch):
    code, err = csw("init", "ours", "--template", "blank")
    assert code == 0
    assert "put your accounts into data/" in err
    assert not Path("ours/data/samples").exists()
    shutil.copyfile("kunder.csv", "ours/data/accounts.csv")
    monkeypatch.chdir("ours")
    code, err = csw("check")
    assert code == 3  # the columns are still to be named
    assert "account_id" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--template", "csv"], "no file is one of accounts"),
        (["--template", "csv", "--data", "tickets.csv"], "the files look like tickets"),
        (["--template", "csv", "--data", "nowhere.csv"], "there is no such file"),
        (["--template", "csv", "--data", "kunder.csv", "--data", "kunder.csv"], "a second file of accounts"),
        (["--data", "kunder.csv"], "files go with the template csv"),
    ],
)
def test_files_that_do_not_fit_are_refused_and_nothing_is_left(csw, options, said):
    code, err = csw("init", "ours", *options)
    assert code == 2
    assert said in err
    assert not Path("ours").exists()
