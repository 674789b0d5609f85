"""What strict reading costs: our book against bare DuckDB and pandas on the same CSV, in one run.

The peers neither check nor quarantine nor digest: they are the floor, not the competition. Prints CPU and ratios.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROWS = 500_000
WORKSPACE = """version: 1
name: Benchmark
as_of: 2026-09-30
tables:
  accounts: {path: accounts.csv}
  usage_daily: {path: usage.csv}
"""


def make(folder: Path) -> None:
    """Write the accounts and the first rows of the sample book's usage as CSV."""
    import pandas as pd

    samples = Path(__file__).resolve().parents[1] / "data" / "samples"
    usage = pd.read_parquet(samples / "usage_daily.parquet").head(ROWS)
    usage.to_csv(folder / "usage.csv", index=False)
    (folder / "accounts.csv").write_bytes((samples / "accounts.csv").read_bytes())
    (folder / "workspace.yaml").write_text(WORKSPACE, encoding="utf-8")


def cpu(call: Callable[[], object]) -> float:
    """Return the least CPU seconds of three calls."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        call()
        taken.append(time.process_time() - start)
    return min(taken)


def main() -> None:
    """Print one line per reader."""
    import duckdb
    import pandas as pd

    from csworkbench.sources import open_book
    from csworkbench.workspace import load_workspace

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        workspace = load_workspace(folder / "workspace.yaml")
        usage = str(folder / "usage.csv")

        def ours() -> None:
            with tempfile.TemporaryDirectory() as cache:
                open_book(workspace, folder, Path(cache))

        warm = folder / "warm"
        open_book(workspace, folder, warm)
        readers = {
            "duckdb read_csv to parquet": lambda: duckdb.sql(
                f"copy (select * from read_csv('{usage}')) to '{folder}/peer.parquet'"
            ),
            "pandas read_csv": lambda: pd.read_csv(usage),
            "csworkbench, first time": ours,
            "csworkbench, again (typed tables are there)": lambda: open_book(workspace, folder, warm),
        }
        taken = {reader: cpu(call) for reader, call in readers.items()}
    floor = taken["duckdb read_csv to parquet"]
    sys.stdout.write(f"{ROWS:,} usage rows\n")
    for reader, seconds in taken.items():
        sys.stdout.write(f"{reader:45} {seconds:7.2f} CPU s  {seconds / floor:6.2f} x\n")


if __name__ == "__main__":
    main()
