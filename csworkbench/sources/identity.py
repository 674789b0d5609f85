"""Ids of other systems turned into ours by `id_map`: tenants kept apart, merges followed to their end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.sources.fields import Field
from csworkbench.tables import TableSpec
from csworkbench.workspace import Workspace

if TYPE_CHECKING:
    import ibis

EMAIL_DOMAIN = "email_domain"
MERGED = "_merged"
Node = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Identities:
    """Where each id of another system leads.

    Args:
        ends: (column of id_map, source, id) -> our id.
        circles: (column of id_map, source, id) that lead back to themselves, in order.
    """

    ends: Mapping[tuple[str, str, str], str]
    circles: tuple[tuple[str, str, str], ...]


def resolve(rows: Iterable[Mapping[str, str | None]], homes: Mapping[str, str | None]) -> Identities:
    """Return where every id leads: an id that stands for a merged one is looked up again, until nothing is left.

    An id it leads to is looked up among the ids of the same source, then among those of the source that `accounts` or
    `contacts` take their own ids from. Ids on a circle, those that lead to one, and ids with two meanings stay.

    Args:
        rows: Rows of id_map: source, source_id, account_id or contact_id.
        homes: account_id, contact_id -> source that `accounts` or `contacts` look their own ids up in.
    """
    edges: dict[str, dict[Node, str | None]] = {"account_id": {}, "contact_id": {}}
    for row in rows:
        source, raw = str(row["source"]), str(row["source_id"])
        node = (source, raw.lower() if source == EMAIL_DOMAIN else raw)
        for column, known in edges.items():
            target = row.get(column)
            if target is not None:
                known[node] = target if known.get(node, target) == target else None
    ends: dict[tuple[str, str, str], str] = {}
    circles: list[tuple[str, str, str]] = []
    for column, known in edges.items():
        clear = {node: target for node, target in known.items() if target is not None}
        found, circling = _ends(clear, homes.get(column))
        ends |= {(column, *node): end for node, end in found.items()}
        circles += [(column, *node) for node in sorted(circling)]
    return Identities(ends, tuple(circles))


def _ends(edges: Mapping[Node, str], home: str | None) -> tuple[dict[Node, str], set[Node]]:
    """Return the last id each node leads to, and the nodes on circles."""
    ends: dict[Node, str | None] = {}
    circling: set[Node] = set()
    for start in edges:
        path: dict[Node, None] = {}
        node: Node | None = start
        while node is not None and node not in ends and node not in path:
            path[node] = None
            node = _next(node, edges, home)
        walked = list(path)
        end = None
        if node is None:
            end = edges[walked[-1]]
        elif node in path:
            circling.update(walked[walked.index(node) :])
        else:
            end = ends[node]
        ends |= dict.fromkeys(walked, end)
    return {node: end for node, end in ends.items() if end is not None}, circling


def _next(node: Node, edges: Mapping[Node, str], home: str | None) -> Node | None:
    """Return where an id leads on; None at its end, such as a survivor that stands for itself."""
    source, target = node[0], edges[node]
    options = [(source, target), *([(home, target)] if home is not None else [])]
    return next((option for option in options if option in edges and option != node), None)


def homes(workspace: Workspace) -> dict[str, str | None]:
    """Return the sources in which `accounts` and `contacts` look up their own ids."""
    found: dict[str, str | None] = {}
    for table, column in (("accounts", "account_id"), ("contacts", "contact_id")):
        source = workspace.tables.get(table)
        declared = source.column_map(column) if source else None
        found[column] = declared.ids if declared else None
    return found


def mapped(rows: "ibis.Table", fields: Sequence[Field], spec: TableSpec, identities: Identities) -> "ibis.Table":
    """Return typed rows with the ids of other systems turned into ours; those id_map does not know stay.

    Args:
        rows: Typed rows.
        fields: Their columns.
        spec: Contract of the table.
        identities: Where ids lead.

    Returns:
        The same rows. Where the key of the table was looked up, `_merged` marks the rows of merged ids whose survivor
        has a row of its own.
    """
    for item in fields:
        if item.ids is None:
            continue
        asked = rows.mutate(_asked=_asked(rows[item.name], item.ids))
        found = asked.left_join(_lookup(item, identities), [("_asked", "_from")])
        was_merged = (found["_to"].notnull() & (found["_to"] != found[item.name])).fill_null(False)
        rows = found.mutate(**{item.name: found["_to"].coalesce(found[item.name]), MERGED: was_merged})
        rows = rows.drop("_asked", "_from", "_to")
        if spec.key == (item.name,):
            survives = rows[MERGED].cast("int8").min().over(group_by=item.name) == 0
            rows = rows.mutate(**{MERGED: rows[MERGED] & survives})
        else:
            rows = rows.drop(MERGED)
    return rows


def _asked(value: "ibis.Value", source: str) -> "ibis.Value":
    return value.re_extract("@([^@]*)$", 1).lower() if source == EMAIL_DOMAIN else value


def _lookup(item: Field, identities: Identities) -> "ibis.Table":
    import ibis
    import pyarrow as pa

    column = "contact_id" if item.name == "contact_id" else "account_id"
    pairs = [(raw, end) for (kind, source, raw), end in identities.ends.items() if (kind, source) == (column, item.ids)]
    texts = [pa.array([pair[place] for pair in pairs], pa.string()) for place in (0, 1)]
    return ibis.memtable(pa.Table.from_arrays(texts, ["_from", "_to"]))
