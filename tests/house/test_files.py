"""What the repository holds, and what it must not."""

import re
import subprocess

from tests.house.places import ROOT


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_pins_carry_no_index_address():
    assert "://" not in (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_no_third_party_data_is_tracked():
    shared = ROOT.parent / "shared" / "data"
    foreign = (
        {path.name for path in shared.rglob("*") if path.is_file()} - {"README.md"}
        if shared.is_dir()
        else {"telco.csv"}
    )
    assert [path.name for path in tracked() if path.name in foreign] == []


def test_no_tracked_text_names_a_path_of_this_machine():
    own_path = re.compile(rf"(^|[^\w.]){re.escape(str(ROOT))}/")
    texts = [
        path
        for path in tracked()
        if path.suffix in {".py", ".md", ".yaml", ".toml", ".ipynb", ".txt", ".csv", ".cfg", ".j2"}
    ]
    assert [path.name for path in texts if own_path.search(path.read_text(encoding="utf-8"))] == []


def test_the_samples_stay_small():
    assert sum(path.stat().st_size for path in (ROOT / "data" / "samples").iterdir()) <= 15_000_000
