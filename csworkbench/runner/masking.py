"""Values of secrets kept out of what a run writes: masked where a notebook says them, refused where it stores them."""

import html
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import markupsafe

from csworkbench.store import Failure

FEWEST_CHARACTERS = 8
"""Shorter values, and plain words, cannot be told from other text, and are no secrets that hold."""


def hidden(names: Iterable[str], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what stands for each form in which the value of a secret may be written, the longest form first.

    Args:
        names: Names of environment variables.
        environment: The environment of the kernels.
    """
    found: dict[str, str] = {}
    for name in names:
        value = environment.get(name, "")
        if len(value) >= FEWEST_CHARACTERS and not value.isalpha():
            marked = (html.escape(value), str(markupsafe.escape(value)))  # two ways to write a quote
            told = (repr(value)[1:-1], json.dumps(value)[1:-1], quote(value, safe=""), value.replace('"', '""'))
            forms = (value, *told, *marked)
            found |= dict.fromkeys(forms, f"env:{name}")
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def masked(data: Any, stands_for: Mapping[str, str]) -> Any:
    """Return JSON types in which the name of a secret stands for its value.

    Args:
        data: Text, or lists and mappings of it.
        stands_for: What stands for each value.
    """
    if isinstance(data, str):
        for value, name in stands_for.items():
            data = data.replace(value, name)
        return data
    if isinstance(data, Mapping):
        return {key: masked(value, stands_for) for key, value in data.items()}
    return [masked(each, stands_for) for each in data] if isinstance(data, list | tuple) else data


def mask_outputs(executed: Any, stands_for: Mapping[str, str]) -> None:
    """Take the values of secrets out of the outputs of a notebook.

    Args:
        executed: The executed notebook; it is changed.
        stands_for: What stands for each value.
    """
    import nbformat

    for cell in executed.cells if stands_for else ():
        if cell.get("outputs"):
            cell.outputs = [nbformat.from_dict(masked(each, stands_for)) for each in cell.outputs]  # type: ignore[no-untyped-call]


def mask_failure(failure: Failure | None, stands_for: Mapping[str, str]) -> Failure | None:
    """Return a failure that says no secret.

    Args:
        failure: Why a notebook stopped; None when it did not.
        stands_for: What stands for each value.
    """
    if failure is None or not stands_for:
        return failure
    return replace(failure, message=masked(failure.message, stands_for), detail=masked(failure.detail, stands_for))


def remove_spilled(home: Path, stands_for: Mapping[str, str]) -> Failure | None:
    """Remove all files of a notebook where the value of a secret stands in one, and return that as a failure.

    A workbook or a packed table hides what it holds; the same rows stand beside it as CSV, so all of them go.

    Args:
        home: Its folder.
        stands_for: What stands for each value.
    """
    files = [path for path in sorted(home.rglob("*")) if stands_for and path.is_file()]
    for path in files:
        content = path.read_bytes()
        name = next((name for value, name in stands_for.items() if value.encode() in content), "")
        if name:
            for each in files:
                each.unlink()
            where = path.relative_to(home).as_posix()
            return Failure("secret", f"it wrote a secret, and its files were removed: {where} held the value of {name}")
    return None
