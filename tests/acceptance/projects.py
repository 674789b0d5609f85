"""The command line as a user calls it, and small projects to call it on."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
TELCO = DATA / "telco.csv"

ACCOUNTS = """account_id,name,value_tier,region,plan,arr,currency,signup_at
00042,Åkerö Logistik AB,large,SE,pro,1200.50,SEK,2024-03-01
42,云帆科技,mid,CN,basic,800.25,CNY,2024-05-17
NA,North Anvil Ltd,small,UK,basic,100.75,GBP,2025-01-09
9007199254740993,Two to the 53rd Plus One,small,UK,basic,90.00,GBP,2025-02-11
9007199254740992,Two to the 53rd,small,UK,basic,95.00,GBP,2025-02-12
1E5,Exponent GmbH,mid,DE,pro,500.00,EUR,2025-06-30
"""
WORKSPACE = """version: 1
name: Small book
as_of: 2026-09-30
timezone: Europe/Stockholm
currency: EUR
batch: batch.yaml
tables:
  accounts:
    path: accounts.csv
"""
BATCH = """version: 1
notebooks:
  - name: data_check
"""


def csw(*arguments, cwd=ROOT, env=None, timeout=800):
    """The finished process of one command, as text."""
    command = [str(Path(sys.executable).parent / "csw"), *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=os.environ | (env or {}), capture_output=True, text=True, timeout=timeout, check=False
    )


def small_project(folder):
    """A project of six accounts in one CSV file, with the analyses' own configs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "accounts.csv").write_text(ACCOUNTS, encoding="utf-8")
    (folder / "workspace.yaml").write_text(WORKSPACE, encoding="utf-8")
    (folder / "batch.yaml").write_text(BATCH, encoding="utf-8")
    (folder / "configs").mkdir()
    shutil.copy(ROOT / "configs" / "data_check.yaml", folder / "configs")
    return folder


def telco_project(folder):
    """The telco example as a user has it."""
    return example_project(folder, "telco", [TELCO])


def example_project(folder, name, data):
    """An example as a user has it: the repository's files, and the data where its README says."""
    shutil.copytree(ROOT / "examples" / name, folder, ignore=shutil.ignore_patterns("outputs", "data"))
    (folder / "data").mkdir()
    for path in data:
        (folder / "data" / path.name).symlink_to(path)
    return folder


def result(run, name):
    """The result.json of a notebook of a run."""
    return json.loads((run / name / "result.json").read_text(encoding="utf-8"))
