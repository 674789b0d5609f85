"""What bare pandas and bare DuckDB make of a broken file: equal, refused, or other content without a word."""

import warnings
from collections import Counter
from pathlib import Path

import duckdb
import pandas as pd


def with_pandas(path: Path) -> Counter:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _content(pd.read_csv(path))


def with_duckdb(path: Path) -> Counter:
    return _content(duckdb.read_csv(str(path)).to_arrow_table().to_pandas())


def _content(frame: pd.DataFrame) -> Counter:
    """Return the rows as a bag that depends on the order of neither rows nor columns."""
    names = sorted(map(str, frame.columns))
    cells = [frame[name].astype(object).map(str).to_list() for name in sorted(frame.columns, key=str)]
    return Counter([tuple(names), *zip(*cells, strict=True)])


PEERS = {"pandas": with_pandas, "DuckDB": with_duckdb}


def verdict(read, before: Counter, broken: Path) -> str:  # type: ignore[no-untyped-def]
    """Return "equal", "refused" or "silent".

    Args:
        read: One of `PEERS`.
        before: What it made of the file before.
        broken: The file after.
    """
    try:
        found = read(broken)
    except Exception:  # noqa: BLE001  # every word of protest counts as one
        return "refused"
    return "equal" if found == before else "silent"
