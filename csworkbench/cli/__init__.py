"""The command line `csw` (also `csworkbench`): results on stdout, talk on stderr, exit codes that mean something."""

import sys
from collections.abc import Sequence

from csworkbench.cli.faults import guarded
from csworkbench.cli.program import command

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 done, warnings allowed; 1 a notebook failed or a gate stopped its dependents; 2 usage or config; 3 data refused;
    4 environment; 130 and 143 stopped by a signal.

    Args:
        arguments: Words after the program's name; None takes them from the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    return guarded(lambda: command().main(words, prog_name="csw", standalone_mode=False), as_json="--json" in words)
