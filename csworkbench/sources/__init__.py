"""Files of a workspace -> checked, typed tables, with a report, a quarantine and a cache."""

from csworkbench.sources.book import Book, Finding, IngestReport

__all__ = ["Book", "Finding", "IngestReport"]
