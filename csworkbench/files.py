"""Writing a file so that nobody ever sees half of it."""

import os
from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: beside its place, flushed to disk, then renamed over it.

    A file that is there keeps its permissions, a link to one stays a link.

    Args:
        path: Where it goes; the folder exists.
        content: Its bytes.
    """
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with beside.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        if target.exists():
            beside.chmod(target.stat().st_mode)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
