"""The further files of a table that people take away: a workbook, and files for imports elsewhere."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from csworkbench.exports.crm import HUBSPOT, SALESFORCE, crm_files
from csworkbench.exports.sheets import workbook
from csworkbench.exports.tables import ExportedTable
from csworkbench.files import write_file

if TYPE_CHECKING:
    import pandas as pd

PROFILES = {profile.name: profile for profile in (HUBSPOT, SALESFORCE)}


def write_handout(
    frame: "pd.DataFrame", folder: Path, name: str, kinds: Sequence[str], written: ExportedTable
) -> ExportedTable:
    """Write further files of a table beside its CSV and Parquet, and return all its files.

    Args:
        frame: The table.
        folder: Folder of its files.
        name: Its name.
        kinds: xlsx, hubspot, salesforce.
        written: What was written of it.

    Raises:
        ValueError: a kind is none of them.
    """
    unknown = [kind for kind in kinds if kind != "xlsx" and kind not in PROFILES]
    if unknown:
        raise ValueError(f"a handout is xlsx, {' or '.join(PROFILES)}, not {', '.join(unknown)}")
    content: dict[str, bytes] = {}
    for kind in kinds:
        if kind == "xlsx":
            content[f"{name}.xlsx"] = workbook(frame, name)
            continue
        parts = crm_files(frame, PROFILES[kind])
        for number, text in enumerate(parts, 1):
            content[f"{name}.{kind}{'' if len(parts) == 1 else f'.{number}'}.csv"] = text.encode()
    for file, data in content.items():
        write_file(folder / file, data)
    return replace(written, files=(*written.files, *(f"{folder.name}/{file}" for file in content)))
