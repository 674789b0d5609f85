"""The house stands: import-linter's contracts hold, and none of them has an ignore list."""

import os
import subprocess
import sys
import tomllib

from tests.house.places import ROOT


def test_a_module_imports_only_from_lower_floors():
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(cache_dir=None))",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"NO_COLOR": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def test_no_contract_ignores_an_import():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert [contract["name"] for contract in contracts if "ignore_imports" in contract] == []
    assert any(contract["type"] == "layers" and contract["exhaustive"] for contract in contracts)
