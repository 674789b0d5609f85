"""A contact that is erased is in no byte of what a project keeps, and what is left is whole."""

import hashlib
import io
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from base64 import b64decode, b64encode
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from csworkbench.cli import main
from csworkbench.errors import ConfigError, EnvironmentProblem, RunError
from csworkbench.exports import workbook
from csworkbench.sources import released, remember
from csworkbench.sources.archive import remembered
from csworkbench.sources.forgetting import forget
from csworkbench.store import Person, erase, find, known_words, release, when_erased
from csworkbench.store.folders import held
from csworkbench.store.redacting import without
from tests.books import book
from tests.house.places import ROOT

NOW = datetime(2026, 11, 22, 4, 15, tzinfo=UTC)
FEW_KILLS, MANY_KILLS = 4, 60
GONE = ("P0000042", "Åsa Öberg", "asa.oberg@kund.example", "+46701234567")
ROWS = [GONE, ("P0000421", "李雷", "li.lei@kund.example", "+8613900000000")]


def in_any_form(path: Path) -> str:
    """Return all a reader or a program could find in a file: raw, unzipped, unpacked, decoded."""
    content = path.read_bytes()
    texts = [path.name, content.decode("utf-8", "ignore")]
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            texts += [source.read(name).decode("utf-8", "ignore") for name in source.namelist()]
    if path.suffix == ".parquet":
        texts += [str(row) for row in duckdb.sql(f"select * from read_parquet('{path}')").fetchall()]
    texts += [b64decode(each).decode("utf-8", "ignore") for each in re.findall(r";base64,([A-Za-z0-9+/=]+)", texts[1])]
    both = "\n".join(texts)
    return both + re.sub(r"\\u[0-9a-f]{4}", lambda found: json.loads(f'"{found[0]}"'), both)


def holders(*folders: Path) -> list[str]:
    """Return the files in which the contact is found."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(word.casefold() in in_any_form(path).casefold() for word in GONE)]


MODULE = """
from dataclasses import dataclass
import pandas as pd
from csworkbench.config import Section
from csworkbench.estimates import Handout, Release, say

READS, READS_IF_PRESENT = ("accounts", "contacts"), ("contact_pii",)
NEEDS, NEEDS_IF_PRESENT = (), ()

class Config(Section): ...

@dataclass(frozen=True)
class Inputs:
    people: pd.DataFrame

@dataclass(frozen=True)
class Result:
    headline: object
    tables: dict
    figures = {}
    caveats = ()
    actions = ()
    handouts = (Handout("people", ("xlsx",)),)
    releases = (Release("people", "lists/calls-2026-06-30"),)

def prepare(snapshot, config, upstream):
    return Inputs(snapshot.tables["contact_pii"].to_pandas())

def analyze(inputs, config):
    frame = inputs.people.sort_values("contact_id").assign(
        proposal_id=lambda rows: "call-" + rows.contact_id + "-1", account_id="A1", program="", mode="human",
        channel="phone", csm_id="", sent_on="2026-06-30",
    )
    return Result(say("First is {name}", name=frame["name"].iloc[0]), {"people": frame})
"""
CELLS = (
    'workspace = ""\nconfig = ""\nas_of = ""\noutput_dir = ""\noverrides = {}',
    "import sys\nsys.path.insert(0, '.')\nfrom analyses import calls\nfrom csworkbench import session, views",
    "desk = session.start(workspace, config, as_of, output_dir, overrides)\nconfig = desk.config(calls)",
    "result = calls.analyze(calls.prepare(desk.snapshot, config, {}), config)",
    "views.table(result.tables['people'], 'Whom to call')",
    "desk.conclude(result)",
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with an official list and two runs, the second of which took the stored result of the first."""
    for name in ("analyses", "configs", "notebooks", "data"):
        (tmp_path / name).mkdir()
    tables = "".join(f"  {name}: {{path: data/{name}.csv}}\n" for name in ("accounts", "contacts", "contact_pii"))
    (tmp_path / "workspace.yaml").write_text(
        f"version: 1\nname: Nordbok\nas_of: 2026-06-30\nbatch: batch.yaml\ntables:\n{tables}"
    )
    (tmp_path / "batch.yaml").write_text("version: 1\nnotebooks:\n  - {name: calls}\n")
    (tmp_path / "data" / "accounts.csv").write_text("account_id,name,signup_at\nA1,Kund,2026-01-10\n")
    people = [f"{each},A1,admin,2026-02-01" for each, *_ in ROWS]
    (tmp_path / "data" / "contacts.csv").write_text("\n".join(["contact_id,account_id,role,added_at", *people, ""]))
    personal = [",".join(row) for row in ROWS]
    (tmp_path / "data" / "contact_pii.csv").write_text(
        "\n".join(["contact_id,name,email,phone", *personal, ""]), "utf-8"
    )
    (tmp_path / "analyses" / "calls.py").write_text(MODULE)
    (tmp_path / "configs" / "calls.yaml").write_text("{}\n")
    cells = [
        {"cell_type": "code", "metadata": {"tags": [] if n else ["parameters"]}, "source": source}
        | {"id": f"c{n}", "outputs": [], "execution_count": None}
        for n, source in enumerate(CELLS)
    ]
    data = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "notebooks" / "calls.ipynb").write_text(json.dumps(data))
    monkeypatch.chdir(tmp_path)
    assert [main(["run"]), main(["run"])] == [0, 0]
    release((tmp_path / "outputs" / "latest").resolve(), "calls", tmp_path / "records", NOW)
    return tmp_path


def digests(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_an_erased_contact_is_in_no_byte_of_outputs_and_records_and_what_is_left_is_whole(project, capsys):
    outputs, records = project / "outputs", project / "records"
    places = {Path(each).relative_to(project).parts[:2] for each in holders(outputs, records)}
    assert {("outputs", "runs"), ("outputs", "store"), ("outputs", "cache"), ("records", "lists")} <= places
    assert ("records", "history") in places

    # listed first: nothing changes
    before = digests(project)
    assert main(["prune", "--contact", GONE[0], "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    after = {path: digest for path, digest in digests(project).items() if not path.endswith(".lock")}
    assert after == {path: digest for path, digest in before.items() if not path.endswith(".lock")}
    assert {str(project / each) for each in (*listed["changed"], *listed["removed"])} >= set(holders(outputs, records))
    assert listed["still_in"] == ["contacts", "contact_pii"]

    assert main(["prune", "--contact", GONE[0], "--yes"]) == 0
    said = capsys.readouterr()
    assert holders(outputs, records) == []
    assert not any(word in said.out + said.err for word in GONE[1:])
    assert "or the next run brings it back" in said.err

    # every record states its files as they are, and the store still has the result
    run = outputs / "latest" / "run.json"
    [notebook] = json.loads(run.read_text("utf-8"))["notebooks"]
    for artifact in notebook["artifacts"]:
        content = (run.parent / artifact["path"]).read_bytes()
        stated = (artifact["size_bytes"], artifact["sha256"])
        assert stated == (len(content), hashlib.sha256(content).hexdigest())
    assert find(outputs, notebook["key"]) is not None
    table = json.loads((run.parent / "calls" / "result.json").read_text("utf-8"))["tables"]["people"]
    written = (run.parent / "calls" / "tables" / "people.csv").read_bytes()
    assert table["sha256"] == hashlib.sha256(written).hexdigest()

    # the row stays for the account, nobody else is touched, and the list reads as an official one
    assert [(row.contact_id, row.account_id) for row in released(records)] == [("erased", "A1"), ("P0000421", "A1")]
    frame = pd.read_parquet(run.parent / "calls" / "tables" / "people.parquet")
    assert frame["name"].tolist() == ["erased", "李雷"]


def test_the_records_say_that_something_was_erased_to_those_who_know_the_id_alone(project, capsys):
    assert main(["prune", "--contact", GONE[0], "--yes"]) == 0
    [entry] = (project / "records" / "erasures").iterdir()
    assert set(json.loads(entry.read_text("utf-8"))) == {"version", "erased_at", "files", "salt", "contact"}
    assert len(when_erased(project / "records", GONE[0])) == 1
    assert when_erased(project / "records", "P0000421") == ()
    # erased again, nothing is found, and no second entry is made
    (project / "data" / "contacts.csv").write_text(
        "contact_id,account_id,role,added_at\nP0000421,A1,admin,2026-02-01\n"
    )
    (project / "data" / "contact_pii.csv").write_text("contact_id,name,email,phone\n")
    capsys.readouterr()
    assert main(["prune", "--contact", GONE[0], "--yes"]) == 0
    assert "Nothing holds this contact; it was erased at " in capsys.readouterr().err
    assert len(list((project / "records" / "erasures").iterdir())) == 1


ERASE = """
import sys
from datetime import datetime
from pathlib import Path
from csworkbench.store import Person, erase
from tests.soak.light import die_at
project, at, count, *words = sys.argv[1:]
die_at(int(count))
person = Person(words[0], tuple(words[1:]))
erase((Path(project, "outputs"),), Path(project, "records"), person, datetime.fromisoformat(at), is_dry=False)
"""


def erasing(project: Path, count: int) -> "subprocess.CompletedProcess[str]":
    """Erase the contact in a process of its own, which is killed when it changes the disk for the `count`-th time."""
    words = [sys.executable, "-c", ERASE, str(project), NOW.isoformat(), str(count), *GONE]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def left(project: Path) -> dict[str, bytes]:
    """Return every file of outputs and records, those of the entries and locks left out."""
    files = [path for name in ("outputs", "records") for path in (project / name).rglob("*") if path.is_file()]
    kept = [path for path in files if path.parent.name != "erasures" and path.name != ".lock"]
    return {str(path.relative_to(project)): path.read_bytes() for path in kept}


@pytest.mark.parametrize("part", [0, pytest.param(1, marks=pytest.mark.soak)])
def test_an_erasure_killed_at_any_instant_is_finished_by_calling_it_again(project, tmp_path_factory, part):
    folder = tmp_path_factory.mktemp("killed")
    undisturbed = Path(shutil.copytree(project, folder / "undisturbed", symlinks=True))
    done = erasing(undisturbed, 10**9)
    assert done.returncode == 0, done.stderr
    changes, expected = int(done.stdout), left(undisturbed)
    draw = random.Random(part)
    for number in range(FEW_KILLS if part == 0 else MANY_KILLS):
        killed = Path(shutil.copytree(project, folder / str(number), symlinks=True))
        at = draw.randint(1, changes)
        assert erasing(killed, at).returncode == -signal.SIGKILL
        assert when_erased(killed / "records", GONE[0]) == (), at
        erase((killed / "outputs",), killed / "records", Person(GONE[0], GONE[1:]), NOW, is_dry=False)
        assert left(killed) == expected, at
        assert len(when_erased(killed / "records", GONE[0])) == 1, at
        assert [path.suffix for path in (killed / "records" / "erasures").iterdir()] == [".json"]
        assert len(released(killed / "records")) == 2


def test_a_run_in_progress_keeps_an_erasure_waiting_outside(project):
    with held(project / "outputs", "run r9"), pytest.raises(EnvironmentProblem, match=r"run r9"):
        erase((project / "outputs",), project / "records", Person(*GONE[:1]), NOW, is_dry=False)


# Files


@pytest.mark.parametrize(
    ("name", "content", "left"),
    [
        ("a.csv", 'P0000042,"call-P0000042-1",P00000421,XP0000042\n', 'erased,"call-erased-1",P00000421,XP0000042\n'),
        (
            "a.json",
            '{\n  "P0000042": "\\nP0000042 \\u00c5sa \\u00d6berg"\n}\n',
            '{\n  "erased": "\\nerased erased"\n}\n',
        ),
        ("a.jsonl", '{"a": "x\\nASA.OBERG@kund.example"}\n', '{"a": "x\\nerased"}\n'),
        ("a.html", "<p>&Aring;sa, Åsa Öberg, asa.oberg%40kund.example</p>", "<p>&Aring;sa, erased, erased</p>"),
    ],
)
def test_a_person_is_taken_out_in_every_form_and_nobody_else(tmp_path, name, content, left):
    path = tmp_path / name
    path.write_text(content, "utf-8")
    cleaned = without(path, Person(GONE[0], GONE[1:]))
    assert cleaned is not None
    assert cleaned.decode() == left


def test_a_person_is_taken_out_of_pictures_and_workbooks(tmp_path):
    picture, sheet = tmp_path / "a.html", tmp_path / "a.xlsx"
    drawn = b64encode("<svg><text>Åsa Öberg</text></svg>".encode()).decode()
    picture.write_text(f'<img src="data:image/svg+xml;base64,{drawn}">')
    sheet.write_bytes(workbook(pd.DataFrame({"name": ["Åsa Öberg", "Bo"]}), "people"))
    for path in (picture, sheet):
        cleaned = without(path, Person(GONE[0], GONE[1:]))
        assert cleaned is not None
        path.write_bytes(cleaned)
    assert holders(tmp_path) == []
    assert pd.read_excel(sheet)["name"].tolist() == ["erased", "Bo"]


def test_a_file_without_the_person_stays_as_it_is(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"")
    pd.DataFrame({"n": [1], "name": ["Bo"], "tags": [["x"]]}).to_parquet(tmp_path / "a.parquet")
    assert without(tmp_path / "a.parquet", Person(GONE[0])) is None


@pytest.mark.parametrize("word", ["42", "1234", "Bo", ""])
def test_what_cannot_be_told_from_other_content_is_refused(word):
    with pytest.raises(ConfigError, match=r"cannot be told"):
        Person(word)


def test_short_words_of_the_data_are_left_out_and_chinese_names_are_not():
    assert known_words([None, "Bo", "李雷", " a@b.example ", "李雷"], ["Åsa Öberg"]) == (
        "李雷",
        "a@b.example",
        "Åsa Öberg",
    )


def test_a_file_nobody_can_read_is_named_and_not_passed_over(tmp_path):
    out = tmp_path / "outputs"
    (out / "runs" / "r1").mkdir(parents=True)
    (out / "runs" / "r1" / "note.bin").write_bytes(b"\xff\xfe\x00P0000042\x00")
    (out / "runs" / "r1" / "note.txt").write_text("P0000042")
    with pytest.raises(RunError, match=r"note\.bin.*still holds the person"):
        erase((out,), tmp_path / "records", Person(GONE[0]), NOW, is_dry=False)
    assert (out / "runs" / "r1" / "note.txt").read_text() == "erased"


def test_names_of_one_file_stay_names_of_one_file(tmp_path):
    out = tmp_path / "outputs"
    for run in ("r1", "r2"):
        (out / "runs" / run).mkdir(parents=True)
    (out / "runs" / "r1" / "a.csv").write_text("P0000042\n")
    (out / "runs" / "r2" / "a.csv").hardlink_to(out / "runs" / "r1" / "a.csv")
    erase((out,), tmp_path / "records", Person(GONE[0]), NOW, is_dry=False)
    first, second = ((out / "runs" / run / "a.csv") for run in ("r1", "r2"))
    assert first.read_text() == "erased\n"
    assert first.samefile(second)


# What was remembered of exports


def seen(role: str, *contacts: str):
    rows = [{"contact_id": each, "account_id": "A1", "role": role, "added_at": "2026-01-01"} for each in contacts]
    accounts = [{"account_id": "A1", "signup_at": "2026-01-01"}]
    return book({"accounts": accounts, "contacts": rows})


def test_the_archive_forgets_a_person_and_its_chain_of_files_holds(tmp_path):
    remember(seen("user", "P0000042", "P2"), tmp_path, date(2026, 6, 1))
    remember(seen("admin", "P0000042", "P2"), tmp_path, date(2026, 6, 2))
    remember(seen("buyer", "P2"), tmp_path, date(2026, 6, 3))
    listed = forget(tmp_path, lambda value: value == "P0000042")
    assert len(listed) == 3
    assert forget(tmp_path, lambda value: value == "P0000042", is_dry=False) == listed
    assert holders(tmp_path) == []
    made = seen("buyer", "P2")
    # reading the archive checks every digest and every name a file follows
    versions = remembered(made.connection, tmp_path)["contacts"].versions.to_pandas()
    assert sorted(zip(versions["contact_id"], versions["role"], strict=True)) == [
        ("P2", "admin"),
        ("P2", "buyer"),
        ("P2", "user"),
    ]
