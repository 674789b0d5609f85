"""Huge fields and headers: read or set aside within 5 seconds and 500 MiB, the start of Python included."""

import json
import subprocess
import sys

import pytest

SECONDS, MEBIBYTES = 5, 500
READ = """
import json, resource, sys
from pathlib import Path
from csworkbench.errors import DataError
from csworkbench.sources import open_book
from csworkbench.workspace import Workspace
root = Path(sys.argv[1])
source = {"path": "accounts.csv", "extra": json.loads(sys.argv[2])}
declared = {"version": 1, "name": "T", "tables": {"accounts": source}, "engine": {"threads": 2}}
workspace = Workspace.model_validate(declared)
try:
    book = open_book(workspace, root, root / "cache")
    said = [book.reports["accounts"].rows, book.reports["accounts"].quarantined]
except DataError as error:
    said = str(error)
used = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss: that counts the process this one was forked from.
(peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps([said, used.ru_utime + used.ru_stime, int(peak) / 1024]))
"""
WIDE = ",".join(["account_id", *(f"column_{number}" for number in range(1500))])


LONG = "x" * 5_000_000
SWALLOWED = "account_id,name\nA,y\nB,y\nC," + '"' + "x\n" * 2_500_000
TALL = f"{WIDE}\n" + "".join(f"A{row}{',0' * 1500}\n" for row in range(200))


@pytest.mark.parametrize(
    ("content", "extra", "expected"),
    [
        pytest.param(f"account_id,name\nA,{LONG}\nB,y\n", {}, [1, 1], id="F34 a field of 5 MB"),
        pytest.param(f'account_id,name\nA,"{LONG}"\nB,y\n', {}, [1, 1], id="F34 quoted"),
        pytest.param(f"account_id,name\nA,{LONG}", {}, "no account is left", id="F34 and nothing else"),
        pytest.param(SWALLOWED, {}, "accounts.csv:4: a quote", id="F34 a quote that swallows the rest"),
        pytest.param(TALL, {"column_7": "integer"}, [200, 0], id="F35 1,500 columns"),
        pytest.param(TALL.replace(",", ";"), {}, "delimiter: ';'", id="F35 with another delimiter"),
    ],
)
def test_huge_fields_and_headers_stay_within_their_limits(tmp_path, content, extra, expected):
    (tmp_path / "accounts.csv").write_text(content, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path), json.dumps(extra)], capture_output=True, text=True, check=True
    )
    said, seconds, mebibytes = json.loads(done.stdout)
    if isinstance(expected, str):
        assert expected in said
        assert len(said) < 600
    else:
        assert said == expected
    assert seconds < SECONDS  # of CPU, so that a busy machine fails nothing
    assert mebibytes < MEBIBYTES
