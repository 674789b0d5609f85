"""csworkbench: find out which customer-success work is true, from files, in notebooks, with honest numbers."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def load_ipython_extension(shell: Any) -> None:
    """Make `%load_ext csworkbench` work: see `session.load_extension`."""
    # IPython looks here for an extension of this name, and every floor imports this package: only the call goes up.
    import_module("csworkbench.session").load_extension(shell)
