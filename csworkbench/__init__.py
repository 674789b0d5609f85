"""csworkbench: find out which customer-success work is true, from files, in notebooks, with honest numbers."""

from typing import Any

__version__ = "0.1.0"


def load_ipython_extension(shell: Any) -> None:
    """Make `%load_ext csworkbench` work: see `session.load_extension`."""
    from csworkbench.session import load_extension

    load_extension(shell)
