"""Copies of finished runs in an object store, or wherever fsspec reaches: all files first, the record as commit mark.

What makes a run whole at home is a rename and a lock, and object stores have neither. There a run counts from the
instant its `run.json` stands, which is written last and whole; whoever reads ignores a run without it. No two runs have
one name, so nothing is overwritten and nobody is held back, except by `latest.json`: that is whoever wrote last.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

from csworkbench.errors import ConfigError, EnvironmentProblem, Problem
from csworkbench.store.history import RECORD, Run, read_run

LATEST = "latest.json"


def is_place(text: str) -> bool:
    """Return whether a text names a place for copies, and no folder.

    Args:
        text: What was written.
    """
    return "://" in text or "::" in text


@dataclass(frozen=True, slots=True)
class Place:
    """Where copies of runs stand. Made by `open_place`.

    Args:
        url: Its address, without anything secret.
        system: The file system that fsspec has for it.
        root: Its path there.
    """

    url: str
    system: Any
    root: str

    def runs(self) -> tuple[Run, ...]:
        """Return the runs there, the newest first; one whose record does not stand yet is none.

        Raises:
            EnvironmentProblem: It cannot be read.
        """
        with _told(self.url, "read"):
            paths = self.system.glob(f"{self.root}/runs/*/{RECORD}")
            texts = [(Path(path).parent.name, self.system.cat_file(path)) for path in paths]
        found = [run for name, text in texts if (run := read_run(Path(name), text))]
        return tuple(sorted(found, key=lambda run: (run.started_at, run.run_id), reverse=True))

    def check(self) -> None:
        """Do nothing where something can be written: asked before data is read.

        Raises:
            EnvironmentProblem: It cannot be written.
        """
        probe = f"{self.root}/.probe-{token_hex(4)}"
        with _told(self.url, "written"):
            self.system.pipe_file(probe, b"-")
            self.system.rm_file(probe)

    def copy(self, run: Path) -> str:
        """Copy a finished run, and return the address of its folder there.

        Args:
            run: Its folder at home.

        Raises:
            EnvironmentProblem: There is a run of that name, or it cannot be written; what is there then has no record.
        """
        there = f"{self.root}/runs/{run.name}"
        files = sorted(path for path in run.rglob("*") if path.is_file() and path != run / RECORD)
        with _told(self.url, "written", hint=f"the run is whole in {run.parent.name}/{run.name}; run again to copy it"):
            if self.system.exists(f"{there}/{RECORD}"):
                raise EnvironmentProblem(
                    Problem("a run of this name exists already", file=f"{self.url}/runs/{run.name}")
                )
            for path in (*files, run / RECORD):
                self._put(path.read_bytes(), f"{there}/{path.relative_to(run).as_posix()}")
            self._put(json.dumps({"version": 1, "run_id": run.name}).encode() + b"\n", f"{self.root}/{LATEST}")
        return f"{self.url}/runs/{run.name}"

    def _put(self, content: bytes, path: str) -> None:
        self.system.pipe_file(path, content)
        if self.system.size(path) != len(content):
            raise OSError(f"{path} is not there whole")


def open_place(url: str) -> Place:
    """Return a place for copies.

    Args:
        url: Its address, such as s3://bucket/folder; what lets us in is the affair of its file system.

    Raises:
        ConfigError: fsspec knows no such file system, it is one of this machine, or the address has a password in it.
        EnvironmentProblem: The extra, or the package for that file system, is not installed.
    """
    scheme, _, rest = url.partition("://")
    parts = urlsplit(url)
    if parts.password is not None or "@" in parts.netloc:
        hint = "say it by the environment or the configuration of that file system"
        raise ConfigError(Problem("who may write has no place in an address", key="--out", hint=hint))
    if "::" in url or not rest.strip("/") or scheme in {"file", "local"}:
        hint = "write a folder, or an address such as s3://bucket/folder"
        raise ConfigError(Problem(f"{url!r} is no place for copies", key="--out", hint=hint))
    if find_spec("fsspec") is None:
        hint = "pip install 'csworkbench[remote]'"
        raise EnvironmentProblem(
            Problem("copies need the package fsspec, which is not installed", key="--out", hint=hint)
        )
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(url)
    except ValueError as error:
        raise ConfigError(Problem(f"{url!r} is no place for copies: {error}", key="--out")) from error
    except ImportError as error:
        raise EnvironmentProblem(Problem(str(error), key="--out", hint="install it beside csworkbench")) from error
    return Place(url.rstrip("/"), system, str(root).rstrip("/"))


@contextmanager
def _told(url: str, what: str, *, hint: str = "") -> Iterator[None]:
    """Turn what a file system refuses into an error that names the place."""
    try:
        yield
    except OSError as error:
        said = str(error) or type(error).__name__
        raise EnvironmentProblem(Problem(f"cannot be {what}: {said}", file=url, hint=hint)) from error
