"""Compiled queries of the tests, remembered by their shape: compiling is most of a small test of an analysis.

Thousands of tests ask the same questions of books whose tables only differ in name. A query is compiled by Ibis once
for each shape (operations, columns, kinds and literals); where the shape comes again, the names in its SQL are put in
place of the first ones. What is asked, and what runs on the engine, is the same text as without.
"""

import re
from collections.abc import Mapping
from typing import Any

import ibis.expr.operations as ops
from ibis.backends.duckdb import Backend
from ibis.common.graph import Node

plainly = Backend.compile
_known: dict[tuple, tuple[str, list[str]]] = {}
_TABLES = (ops.DatabaseTable, ops.InMemoryTable)
_PLAIN_NAME = re.compile(r"\w+")


def remember() -> None:
    """Let DuckDB's backend compile each shape of query once in this process."""
    Backend.compile = _remembered


def shape_of(root: Node) -> tuple[tuple, list[str]]:
    """Return what the SQL of an expression depends on but for the names of tables, and these names in a fixed order.

    Args:
        root: Operation at the root of the expression.
    """
    places, nodes, shape, names = {root: 0}, [root], [], []
    for node in nodes:
        if isinstance(node, _TABLES):
            if node.name not in names:
                names.append(node.name)
            # Which tables are one and the same is part of the shape; what they are called is not.
            place = names.index(node.name)
            shape.append((type(node), tuple(node.schema.items()), str(getattr(node, "namespace", "")), place))
        else:
            shape.append((type(node), *(_placed(argument, places, nodes) for argument in node.__args__)))
    return tuple(shape), names


def _placed(value: Any, places: dict[Node, int], nodes: list[Node]) -> Any:
    """Return an argument of an operation, with operations replaced by their place in the walk."""
    if isinstance(value, Node):
        if value not in places:
            places[value] = len(nodes)
            nodes.append(value)
        return places[value], Node
    if isinstance(value, tuple):
        return tuple(_placed(each, places, nodes) for each in value)
    if isinstance(value, Mapping):
        return tuple((name, _placed(each, places, nodes)) for name, each in value.items())
    # 1, 1.0 and True are equal and written differently, as are 0.0 and -0.0.
    return type(value), repr(value) if isinstance(value, int | float) else value


def _remembered(self, expr, /, *, limit=None, params=None, pretty=False):
    """Do what `Backend.compile` does."""
    shape, names = shape_of(expr.as_table().op())
    if limit is not None or params or pretty or not all(map(_PLAIN_NAME.fullmatch, names)):
        return plainly(self, expr, limit=limit, params=params, pretty=pretty)
    try:
        sql, first_names = _known[shape]
    except KeyError:
        sql = plainly(self, expr)
        _known[shape] = sql, names
        return sql
    new = dict(zip(first_names, names, strict=True))
    return re.sub(r'"(\w+)"', lambda found: f'"{new.get(found[1], found[1])}"', sql)
