"""An installed wheel alone makes a project that passes unedited."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.acceptance.projects import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of commands of a venv that has the wheel; its dependencies come from this environment's packages."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
        text=True,
    )
    wheel = next(folder.glob("*.whl"))
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    site = next((folder / "venv").glob("lib/python*/site-packages"))
    # `--python` and not `--prefix`: that would first uninstall the package of the environment the tests run in.
    install = [sys.executable, "-m", "pip", "--python", folder / "venv" / "bin" / "python", "install", "--no-deps"]
    subprocess.run([*install, "--quiet", "--no-index", wheel], check=True, capture_output=True, text=True)
    # Paths of this environment come after the venv's own, so that the wheel's package is the one that is imported.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "venv" / "bin"


def call(bin_folder, *arguments, cwd):
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    script = f"import sys; from csworkbench.cli import main; sys.argv = ['csw', *{list(arguments)!r}]; main()"
    return subprocess.run(
        [bin_folder / "python", "-c", script], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_init_check_and_run_pass_unedited_in_an_empty_folder(installed, tmp_path):
    where = subprocess.run(
        [installed / "python", "-c", "import csworkbench; print(csworkbench.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(installed.parent)
    for arguments, cwd in ((("init", "x"), tmp_path), (("check",), tmp_path / "x"), (("run",), tmp_path / "x")):
        done = call(installed, *arguments, cwd=cwd)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    assert (tmp_path / "x" / "outputs" / "latest" / "index.html").is_file()
