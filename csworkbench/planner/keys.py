"""Keys: one hash over all that determines a result, so that the same key means the same result."""

import hashlib
import json
import os
import platform
import re
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from csworkbench.config.faults import is_secret
from csworkbench.store import NotebookFile

NAMED = re.compile(r"\benv:([A-Za-z_]\w*)")
SOURCES = ("*.py", "*.html", "*.css", "*.j2", "*.po")


def hash_of(data: Any) -> str:
    """Return the sha256 of data in JSON types; the order of keys does not matter.

    Args:
        data: JSON types.
    """
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def cell_digests(notebook: NotebookFile) -> list[str]:
    """Return a digest per cell: also of the text cells, which stand on its page, and of the kernel that is asked for.

    Args:
        notebook: A notebook that was read.
    """
    return [hash_of([cell.kind, cell.source, cell.tags, notebook.kernel])[:16] for cell in notebook.cells]


def secret_names(notebook: NotebookFile, *settings: Any) -> tuple[str, ...]:
    """Return the environment variables whose values nobody may read: named `env:NAME`, or called like a secret.

    Args:
        notebook: A notebook that was read; its cells may name some.
        settings: What else may name some, in JSON types.
    """
    texts = [json.dumps(settings, ensure_ascii=False), *(cell.source for cell in notebook.cells)]
    named = {name for text in texts for name in NAMED.findall(text)}
    return tuple(sorted(named | {name for name in os.environ if is_secret(name)}))


def code_digest(root: Path) -> str:
    """Return the digest of the source that computes results: the package's, and the project's analyses and modules.

    Args:
        root: Folder of the project.
    """
    digest = hashlib.sha256()
    for base in (package_folder(), root / "analyses"):
        found = {path for pattern in SOURCES for path in base.rglob(pattern)} if base.is_dir() else set()
        for path in sorted(path for path in found if "_project" not in path.parts):
            digest.update(path.relative_to(base).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for path in sorted(root.glob("*.py")):  # kernels start here: a notebook can import them
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def package_folder() -> Path:
    """Return the folder of the package."""
    return Path(str(resources.files("csworkbench")))


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of every library the package declares."""
    versions = {"python": platform.python_version()}
    try:
        declared = metadata.requires("csworkbench") or []
    except metadata.PackageNotFoundError:
        declared = []
    for requirement in declared:
        name = re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0]
        if "extra ==" not in requirement:
            versions[name] = _version(name)
    return dict(sorted(versions.items()))


def facts(root: Path) -> dict[str, str]:
    """Return what two machines must have in common to give the same results: code and versions.

    Args:
        root: Folder of the project.
    """
    return {"code": code_digest(root), **library_versions()}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
