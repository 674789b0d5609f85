"""Files of a workspace -> checked, typed tables, with a report, a quarantine and a cache."""

from csworkbench.sources.archive import remember
from csworkbench.sources.book import Book, Finding, IngestReport, Remembered
from csworkbench.sources.cache import cache_folder, is_writable, quarantine_file, stored_report, without_trace
from csworkbench.sources.files import files_of
from csworkbench.sources.reading import Listener, open_book, read_book
from csworkbench.sources.released import Contacted, released
from csworkbench.sources.spark import rehome, require

__all__ = [
    "Book",
    "Contacted",
    "Finding",
    "IngestReport",
    "Listener",
    "Remembered",
    "cache_folder",
    "files_of",
    "is_writable",
    "open_book",
    "quarantine_file",
    "read_book",
    "rehome",
    "released",
    "remember",
    "require",
    "stored_report",
    "without_trace",
]
