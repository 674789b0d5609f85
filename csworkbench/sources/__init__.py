"""Files of a workspace -> checked, typed tables, with a report, a quarantine and a cache."""

from csworkbench.sources.book import Book, Finding, IngestReport
from csworkbench.sources.reading import open_book
from csworkbench.sources.spark import rehome

__all__ = ["Book", "Finding", "IngestReport", "open_book", "rehome"]
