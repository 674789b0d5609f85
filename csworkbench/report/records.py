"""What the runner hands over for a page: plain records, nothing that has to be computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class SourceNote:
    """What one input table held: shown as freshness above and as provenance in the footer.

    Args:
        table: Canonical name of the table.
        rows: Rows that entered the analysis.
        last_event: Date of its newest event; None for a table without events.
        quarantined: Rows put aside because they break the data contract.
        digest: SHA-256 of its typed rows, hexadecimal.
    """

    table: str
    rows: int
    last_event: date | None = None
    quarantined: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """A file beside the page.

    Args:
        href: Path relative to the page, with forward slashes.
        label: What it holds, in words; empty shows the file name.
        rows: Rows of data in it; None where that means nothing.
        sha256: Digest of its bytes, hexadecimal.
    """

    href: str
    label: str = ""
    rows: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a notebook did not finish.

    Args:
        message: What happened, in plain words, without a traceback.
        cell: Number of the code cell counted from 1, as `In [n]` shows it; None when no cell ran.
        heading: Heading the cell stands under; empty lets the page look it up in the notebook.
    """

    message: str
    cell: int | None = None
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What another notebook of the run says of this page.

    Args:
        text: One sentence.
        href: Path of the page that shows why, relative to this page; empty where there is none.
        title: Name of that page.
    """

    text: str
    href: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class PartLink:
    """A page of its own for one value of a result.

    Args:
        href: Path of the page, relative to this one.
        title: Its heading.
        headline: Its verdict.
    """

    href: str
    title: str
    headline: str


@dataclass(frozen=True, slots=True)
class PageContext:
    """What a page says beside the notebook's own outputs.

    Args:
        name: Name of the notebook in the batch; the stem of its file.
        as_of: Cut-off date of the data; None for a page without data.
        workspace: Name of the book.
        title: Title of the page; empty takes the first heading of the notebook.
        language: Language of texts, numbers and dates.
        sources: One note per input table.
        downloads: Files beside the page, the notebook among them.
        failure: Set exactly when the notebook failed.
        key: Content key of this result.
        config_digest: SHA-256 of the resolved settings.
        versions: Program or library -> version.
        index_href: Link back to the index of the run; empty leaves it out.
        whole: The page this one is a part of; None where it is none.
        stamps: What other notebooks of the run say of this page.
        parts: Pages of their own, by what they are one of, such as "playbook".
    """

    name: str
    as_of: date | None = None
    workspace: str = ""
    title: str = ""
    language: str = "en"
    sources: tuple[SourceNote, ...] = ()
    downloads: tuple[Download, ...] = ()
    failure: Failure | None = None
    key: str = ""
    config_digest: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    index_href: str = "../index.html"
    whole: PartLink | None = None
    stamps: tuple[Stamp, ...] = ()
    parts: Mapping[str, tuple[PartLink, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One notebook on the index of a run.

    Args:
        name: Name of the notebook in the batch.
        status: "ok", "cached", "failed", "blocked" or "skipped".
        title: Title of its page; empty shows the name.
        headline: Its verdict sentence; empty when there is none.
        reason: Why it failed, was blocked or skipped, in plain words.
        href: Its page, relative to the index; empty when there is none.
        caveats: Number of caveats beside its figures.
        stops: How many of them forbid acting on the figures.
        seconds: How long it took; None when it did not run.
        downloads: Its files, relative to the index.
        pdf: Its page as PDF, relative to the index; empty when it was not printed.
        is_english: Whether the headline has no translation into the language of the index.
    """

    name: str
    status: str
    title: str = ""
    headline: str = ""
    reason: str = ""
    href: str = ""
    caveats: int = 0
    stops: int = 0
    seconds: float | None = None
    downloads: tuple[Download, ...] = ()
    pdf: str = ""
    is_english: bool = False


@dataclass(frozen=True, slots=True)
class ShardGroup:
    """Pages of one notebook by an attribute of accounts that ended alike, on the index of a run.

    Args:
        title: Title of the page of the whole.
        by: The attribute.
        status: As that of `RunEntry`.
        reason: Why they are not there, in plain words.
        entries: One per value.
    """

    title: str
    by: str
    status: str
    reason: str
    entries: tuple[RunEntry, ...]


@dataclass(frozen=True, slots=True)
class RunPage:
    """What the index of a run says.

    Args:
        run_id: Name of the run's folder.
        as_of: Cut-off date of the data.
        workspace: Name of the book.
        language: Language of texts, numbers and dates.
        started: When the run started, with time zone, from the run's record.
        ended: When it ended, from the run's record.
        entries: One per notebook, in the order of the batch.
        sources: One note per input table.
        versions: Program or library -> version.
        config_digest: SHA-256 of the batch with all resolved settings.
        shards: Pages by an attribute of accounts.
        files: Further files of the run.
    """

    run_id: str
    as_of: date | None = None
    workspace: str = ""
    language: str = "en"
    started: datetime | None = None
    ended: datetime | None = None
    entries: tuple[RunEntry, ...] = ()
    sources: tuple[SourceNote, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    config_digest: str = ""
    shards: tuple[ShardGroup, ...] = ()
    files: tuple[Download, ...] = ()
