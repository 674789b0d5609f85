"""Where things are, and the source of the package as syntax trees: shared by the house tests."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "csworkbench"
ANALYSES = PACKAGE / "analyses"
# The tables of the sample book as the first who opened it typed them: a file that has not changed is not typed again.
SAMPLE_CACHE = ROOT / "outputs" / "cache"


@cache
def sources() -> tuple[tuple[Path, ast.Module], ...]:
    paths = sorted(
        path for path in PACKAGE.rglob("*.py") if "_project" not in path.parts and "templates" not in path.parts
    )
    return tuple((path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


def stems() -> list[str]:
    modules = [path.stem for path in ANALYSES.glob("*.py") if path.stem != "__init__"]
    packages = [path.name for path in ANALYSES.iterdir() if (path / "__init__.py").is_file()]
    return sorted(modules + packages)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def body_lines(function: ast.FunctionDef) -> int:
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def public_functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name, node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
                    yield f"{node.name}.{item.name}", item
