"""The sample book with payloads in every text field: what a customer, a form or another system could have put there."""

import re
from itertools import cycle
from pathlib import Path
from zlib import crc32

import pandas as pd
from ruamel.yaml import YAML

from csworkbench.tables import SPECS, Column, Kind, TableSpec
from tests.pages import PAYLOADS

FORMULAS = (
    *(
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "=cmd|' /C calc'!A0",
        "\t=1+1",
        "\u200b=1+1",
        "\u00a0=1+1",
        "＝1+1",
        "＠SUM(A1)",
    ),
    *("|calc", '=HYPERLINK("http://192.0.2.1/","y")', "-2+3+cmd|' /C calc'!A0", "%0A=1"),
)
COMMANDS = (
    *(
        "$(touch hit)",
        "`touch hit`",
        "'; DROP TABLE accounts; --",
        "$\\href{javascript:hit()}{x}$",
        "../../hit",
        "{hit}",
    ),
    *("\x1b[31mred\x1b]8;;http://192.0.2.1/\x07link", "first\n2026-09-30 ERROR forged", "\u202egnitrever"),
)
EVERYTHING = (*PAYLOADS, *FORMULAS, *COMMANDS)
# A payload in one row of seven leaves every analysis something to find; words that are only shown have one in each row.
ONE_OF = 7
SHOWN = {"name", "title", "team", "note", "comment", "summary", "followup", "crm_url", "customer_commitments"}
# Where configs name every value of a column that others refer to, few rows have one that configs do not name.
FEW = 97
REFERRED = {"playbook"}
# The contract checks what these hold: a row with anything else is set aside.
CHECKED = {"currency"}


def spoil(project: Path, payloads: tuple[str, ...] = EVERYTHING) -> dict[tuple[str, str], int]:
    """Put payloads into every text field of a project's tables, in turn.

    Args:
        project: Folder of the project.
        payloads: What is put before the texts.

    Returns:
        Number of cells with a payload, by table and column.
    """
    configs = project / "configs"
    workspace = YAML().load(configs / "workspace.yaml")
    named = {word for path in configs.glob("**/*.yaml") for word in re.findall(r"[\w-]+", path.read_text("utf-8"))}
    count = {}
    for table, keys in workspace["tables"].items():
        path = project / keys["path"]
        frame = _read(path)
        for place, name in enumerate(_texts(SPECS[table], frame, keys.get("extra", {}))):
            made = _by_value(frame[name], payloads, named) if _is_link(SPECS[table], name) else frame[name]
            if made.equals(frame[name]):
                made = _by_row(frame[name], _turned(payloads, place), _step(SPECS[table], name))
            count[table, name] = int((made != frame[name]).sum())
            frame[name] = made
        _write(frame, path)
    workspace["name"] = f"{workspace['name']} {payloads[0]}"
    YAML().dump(workspace, configs / "workspace.yaml")
    return count


def _texts(spec: TableSpec, frame: pd.DataFrame, extra: dict[str, str]) -> list[str]:
    free = {column.name for column in spec.columns if _is_free(column)}
    free |= {name for name, kind in extra.items() if kind == "text"}
    return [name for name in frame.columns if name in free]


def _is_free(column: Column) -> bool:
    return column.kind is Kind.TEXT and not column.allowed and column.name not in CHECKED


def _is_link(spec: TableSpec, name: str) -> bool:
    links = {column for link in spec.foreign_keys for column in link.columns}
    return name.endswith("_id") or name in spec.key or name in links | REFERRED


def _step(spec: TableSpec, name: str) -> int:
    return 1 if name in SHOWN else FEW if _is_link(spec, name) else ONE_OF


def _turned(payloads: tuple[str, ...], place: int) -> tuple[str, ...]:
    """Begin elsewhere in each column, so that all of them meet in a row."""
    start = place % len(payloads)
    return (*payloads[start:], *payloads[:start])


def _by_value(cells: pd.Series, payloads: tuple[str, ...], named: set[str]) -> pd.Series:
    """Rename some ids, the same wherever they stand; those that configs name stay."""
    chosen = {
        text: f"{payloads[crc32(text.encode()) // ONE_OF % len(payloads)]} {text}"
        for text in cells.dropna().unique()
        if text and text not in named and crc32(text.encode()) % ONE_OF == 0
    }
    return cells.map(lambda text: chosen.get(text, text), na_action="ignore")


def _by_row(cells: pd.Series, payloads: tuple[str, ...], step: int) -> pd.Series:
    made = cells.to_list()
    for row, payload in zip(range(0, len(made), step), cycle(payloads), strict=False):
        made[row] = f"{payload} {made[row] or ''}".rstrip()
    return pd.Series(made, cells.index, dtype=cells.dtype)


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
        return frame.astype(dict.fromkeys(frame.select_dtypes("category"), "str"))
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
