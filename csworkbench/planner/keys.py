"""Keys: one hash over all that determines a result, so that the same key means the same result."""

import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any

SOURCES = ("*.py", "*.html", "*.css", "*.j2")


def hash_of(data: Any) -> str:
    """Return the sha256 of data in JSON types; the order of keys does not matter.

    Args:
        data: JSON types.
    """
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def job_key(
    *,
    parameters: Mapping[str, Any],
    config: str,
    cells: Iterable[str],
    upstream: Mapping[str, str],
    inputs: Mapping[str, str],
    code: str,
    versions: Mapping[str, str],
) -> str:
    """Return the key of a job.

    Args:
        parameters: Its parameters.
        config: Digest of its resolved config.
        cells: Sources of its code cells.
        upstream: Key of each result it reads.
        inputs: Digest of each table it reads.
        code: Digest of the source of the package and of the project's own analyses.
        versions: Versions of the libraries.
    """
    return hash_of([dict(parameters), config, list(cells), dict(upstream), dict(inputs), code, dict(versions)])


def code_digest(root: Path) -> str:
    """Return the digest of the source that computes results: the package's, and the project's own analyses.

    Args:
        root: Folder of the project.
    """
    digest = hashlib.sha256()
    for base in (package_folder(), root / "analyses"):
        found = {path for pattern in SOURCES for path in base.rglob(pattern)} if base.is_dir() else set()
        for path in sorted(path for path in found if "_project" not in path.parts):
            digest.update(path.relative_to(base).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
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


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
