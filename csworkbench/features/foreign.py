"""Ids of accounts and contacts in the systems a list is imported into, as `id_map` has them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot
from csworkbench.errors import ConfigError, Problem, did_you_mean
from csworkbench.estimates import Caveat, Severity, say

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("account_id", "contact_id")
REJECTED = ["system", "proposal_id", "account_id", "contact_id", "lacks"]


@dataclass(frozen=True, slots=True)
class ForeignIds:
    """What accounts and contacts are called elsewhere.

    Args:
        sources: System a list is written for -> source of its ids in `id_map`.
        known: (system, column of ours) -> our id -> its ids there, in order.
    """

    sources: Mapping[str, str]
    known: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]]

    def beside(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Return rows with a column per system and id, such as `salesforce_account_id`; missing = none, or several.

        Args:
            rows: Rows with account_id and contact_id.
        """
        found = {
            f"{system}_{column}": rows[column].map(
                {ours: theirs[0] for ours, theirs in self.known[system, column].items() if len(theirs) == 1}
            )
            for system in self.sources
            for column in COLUMNS
        }
        return rows.assign(**{name: values.astype("str") for name, values in found.items()})

    def rejected(self, rows: "pd.DataFrame") -> "pd.DataFrame":
        """Return the rows that are in no file for a system, because it has no id for them, or more than one.

        Args:
            rows: Rows with proposal_id, account_id and contact_id.

        Returns:
            One row per system, row and id that lacks: `REJECTED`.
        """
        import pandas as pd

        lines = []
        for system, source in self.sources.items():
            for column in COLUMNS:
                known = self.known[system, column]
                for row in rows[["proposal_id", *COLUMNS]].to_dict("records"):
                    count = len(known.get(row[column], ()))
                    if count != 1:
                        what = f"{count or 'no'} {column} of {source} in id_map"
                        lines.append((system, row["proposal_id"], row["account_id"], row["contact_id"], what))
        return pd.DataFrame(lines, columns=REJECTED).astype(dict.fromkeys(REJECTED, "str"))


def about_rejected(rejected: "pd.DataFrame") -> Iterator[Caveat]:
    """Yield a doubt for each system that has no id, or several, for rows of a list.

    Args:
        rejected: From `ForeignIds.rejected`.
    """
    for system, rows in rejected.groupby("system", sort=True):
        yield Caveat(
            "rows_rejected",
            Severity.WARNING,
            say(
                "{n:n row is|rows are} not in the files for {system}: {what:list}",
                n=rows["proposal_id"].nunique(),
                system=system,
                what=[f"{what}: {count}" for what, count in rows["lacks"].value_counts().sort_index().items()],
            ),
            say("Complete id_map; the table rejected names the rows"),
        )


def foreign_ids(snapshot: Snapshot) -> ForeignIds:
    """Return the ids of the systems that the workspace names under `export_ids`.

    An id of a record that was merged into another one leads to that one and not to us, so it is none of them.

    Args:
        snapshot: The book.

    Raises:
        ConfigError: id_map has no ids of a source.
    """
    sources = {str(system): source for system, source in snapshot.workspace.export_ids.items()}
    if not sources:
        return ForeignIds({}, {})
    rows = snapshot.tables["id_map"].to_pandas().sort_values(["source", "source_id"])
    written = sorted(rows["source"].unique())
    others = f"it has {', '.join(written)}"
    strange = [
        Problem(
            f"id_map has no source {source!r}", key=f"export_ids.{system}", hint=did_you_mean(source, written, others)
        )
        for system, source in sources.items()
        if source not in written
    ]
    if strange:
        raise ConfigError(*strange)
    known: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for system, source in sources.items():
        for column in COLUMNS:
            part = rows.reindex(columns=["source", "source_id", column])
            part = part[part["source"] == source].dropna(subset=column)
            known[system, column] = {str(ours): tuple(each) for ours, each in part.groupby(column)["source_id"]}
    return ForeignIds(sources, known)
