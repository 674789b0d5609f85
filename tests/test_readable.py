"""What every result can do for a reader."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
from IPython.core.formatters import DisplayFormatter

from csworkbench import session
from csworkbench.estimates import Caveat, Estimate, Severity, say
from csworkbench.formats import Readable

HOSTILE = "<script>alert(1)</script>\x1b[31m"


EXTENSION = """\
%load_ext csworkbench
from pathlib import Path
from tests.test_readable import Result
get_ipython().run_cell("import edited; print(edited.answer())")
_ = Path("edited.py").write_text("def answer():\\n    return 40 + 2\\n")
get_ipython().run_cell("print(edited.answer())")
data, metadata = get_ipython().display_formatter.format(Result())
print(metadata["csworkbench"]["slot"], "is at risk" in data["text/html"])
"""


@dataclass(frozen=True, slots=True, repr=False)
class Result(Readable):
    headline: object = say("{name} is at risk", name=HOSTILE)
    figures: dict = field(
        default_factory=lambda: {"share": Estimate(0.5, "share", 8, 0.2, 0.8, 0.95), "auc": Estimate(None, "auc", 0)}
    )
    tables: dict = field(default_factory=lambda: {"rows": pd.DataFrame({"account_id": ["a", "b"]})})
    caveats: tuple = (Caveat("few", Severity.WARNING, say("few"), say("wait")),)
    actions: tuple = (say("call"),)


def test_text_has_the_verdict_and_the_figures_and_commands_no_terminal():
    assert repr(Result()).splitlines() == [
        "<script>alert(1)</script>\\x1b[31m is at risk",
        "Share: 50.0% (20.0% to 80.0%, n 8)",
        "AUC: cannot tell (n 0)",
        "Doubts: 1; tables: rows",
    ]


def test_the_frame_has_a_row_per_figure_and_nothing_where_it_cannot_be_told():
    first, second = Result().to_frame().astype("object").to_dict("records")
    assert first == {"figure": "share", "value": 0.5, "unit": "share", "n": 8, "low": 0.2, "high": 0.8, "level": 0.95}
    assert (second["figure"], second["n"]) == ("auc", 0)
    assert pd.isna(second["value"])


def test_a_result_without_figures_has_an_empty_frame_of_the_same_columns():
    assert list(Result(figures={}).to_frame()) == list(Result().to_frame())


def test_plain_data_is_json_and_names_the_tables():
    data = json.loads(json.dumps(Result().to_dict(), allow_nan=False))
    assert data["figures"]["auc"]["value"] is None
    assert data["caveats"] == [{"code": "few", "severity": "warning", "text": "few", "action": "wait"}]
    assert (data["actions"], data["tables"]) == (["call"], {"rows": {"rows": 2, "columns": ["account_id"]}})


def test_html_is_escaped():
    formatter = DisplayFormatter()
    session._show_as_html(Result, "en", SimpleNamespace(display_formatter=formatter))
    data, _ = formatter.format(Result())
    assert "&lt;script&gt;" in data["text/html"]
    assert "<script" not in data["text/html"]


def test_the_extension_shows_results_without_a_desk_and_takes_edited_modules(tmp_path):
    (tmp_path / "edited.py").write_text("def answer():\n    return 41\n")
    (tmp_path / "tried.ipy").write_text(EXTENSION)
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "tried.ipy"]
    env = os.environ | {
        "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[1]}",
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines()[-3:] == ["41", "42", "verdict True"], done.stderr
