"""What a new project begins with: the sample book, nothing yet, or files of one's own with the mapping proposed."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from csworkbench.errors import ConfigError, Problem

DATA = "data"
NOTHING_YET = f"  accounts:\n    path: {DATA}/accounts.csv  # put your accounts here, or change the path\n"


def empty_tables(project: Path) -> str:
    """Return the tables of a project whose data is still to come, and make the folder it goes to.

    Args:
        project: Folder of the project.
    """
    (project / DATA).mkdir()
    return NOTHING_YET


def own_tables(project: Path, files: Sequence[Path]) -> str:
    """Return the tables of a project of one's own files: copied into it, each with the mapping that fits best.

    Args:
        project: Folder of the project.
        files: CSV or Parquet files, each of another table.

    Raises:
        ConfigError: No file is named or is of accounts, two are of one table, or two have one name.
        DataError: A file cannot be read.
    """
    from csworkbench.sources.proposal import propose

    (project / DATA).mkdir()
    found: dict[str, str] = {}
    for file in files:
        if not file.is_file():
            raise ConfigError(Problem("there is no such file", file=str(file), key="--data"))
        proposal, place = propose(file, None), f"{DATA}/{file.name}"
        if proposal.table in found or (project / place).exists():
            hint = "start with one of them, and add the other to configs/workspace.yaml by hand"
            raise ConfigError(Problem(f"a second file of {proposal.table}, or of one name", file=str(file), hint=hint))
        shutil.copyfile(file, project / place)
        fit = f"  # {proposal.table} with {proposal.confidence:.0%} confidence; `csw doctor data` says more\n"
        found[proposal.table] = fit + "".join(
            f"  {line}\n" for line in proposal.to_yaml(place).rstrip("\n").split("\n")
        )
    if "accounts" not in found:
        hint = f"the files look like {', '.join(found)}" if found else "name one with --data FILE, repeatable"
        raise ConfigError(Problem("no file is one of accounts", key="--data", hint=hint))
    return "".join(found.values())
