"""csworkbench: find out which customer-success work is true, from files, in notebooks, with honest numbers."""

__version__ = "0.1.0"
