"""What must be quick to import is."""

import subprocess
import sys

import pytest

from tests.house.places import stems

HEAVY = (
    "pandas",
    "numpy",
    "scipy",
    "sklearn",
    "statsmodels",
    "matplotlib",
    "papermill",
    "ibis",
    "duckdb",
    "pyarrow",
    "great_tables",
    "nbformat",
    "nbconvert",
)


def loaded_by(statement):
    script = f"import sys\n{statement}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("\nLOADED\n")[2].split()) & set(HEAVY)


def test_the_command_line_loads_nothing_heavy():
    assert loaded_by("import csworkbench.cli") == set()


HELP = """
from csworkbench.cli import main
sys.argv = ["csw", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code
print("LOADED")
"""


def test_help_loads_nothing_heavy():
    assert loaded_by(HELP) == set()


@pytest.mark.parametrize("stem", stems())
def test_reading_the_surface_of_an_analysis_loads_nothing_heavy(stem):
    assert loaded_by(f"from csworkbench.analyses.{stem} import Config, NEEDS, READS") == set()
