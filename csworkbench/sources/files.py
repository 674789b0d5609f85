"""Files before they are parsed: which ones, their digest, and what their bytes look like."""

import codecs
import glob
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from csworkbench.errors import Problem
from csworkbench.workspace import TableSource

CHUNK_BYTES = 1 << 20
HEAD_BYTES = 4096
PARQUET_MAGIC = b"PAR1"
NOT_CSV = (
    (b"PK\x03\x04", "an Excel workbook (xlsx) or another zip file", "export the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (xls)", "export the sheet as CSV"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"%PDF", "a PDF", "export the data as CSV"),
)
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A short text in a two-byte codec can be valid UTF-8 by chance; with so many characters it cannot.
TWO_BYTE_CHANCE = 8


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a table.

    Args:
        path: Where it is.
        name: Its path relative to the project root, as messages show it.
        sha256: Digest of its bytes when it was opened.
    """

    path: Path
    name: str
    sha256: str

    @property
    def is_parquet(self) -> bool:
        """Whether the file is Parquet, by its first bytes and not by its name."""
        with self.path.open("rb") as stream:
            return stream.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC


def find_files(table: str, source: TableSource, root: Path) -> tuple[list[SourceFile], list[Problem]]:
    """Return the files of a table in the order declared, and what is wrong with their paths.

    Args:
        table: Canonical table, for the messages.
        source: What the workspace declares.
        root: Project root.
    """
    files: dict[str, SourceFile] = {}
    problems: list[Problem] = []
    for path in source.paths:
        names = [path] if (root / path).is_file() else _matches(path, root)
        names = [name for name in names if (root / name).is_file()]
        if not names:
            problems.append(_missing(table, path, root))
        for name in names:
            try:
                files[name] = SourceFile(root / name, name, digest(root / name))
            except OSError as error:
                problems.append(Problem(f"cannot be read: {error.strerror}", file=name))
    return list(files.values()), problems


def _matches(pattern: str, root: Path) -> list[str]:
    # Path.glob refuses absolute patterns, which a workspace may hold.
    return sorted(glob.glob(pattern, root_dir=root, recursive=True))  # noqa: PTH207


def _missing(table: str, path: str, root: Path) -> Problem:
    folder = (root / path).parent
    if not folder.is_dir():
        return Problem(f"there is no folder for this file of {table}", file=path, hint=f"set tables.{table}.path")
    near = get_close_matches(Path(path).name, sorted(item.name for item in folder.iterdir()), n=3, cutoff=0.5)
    there = f"near it: {', '.join(near)}; " if near else ""
    return Problem(f"there is no such file for {table}", file=path, hint=f"{there}set tables.{table}.path")


def digest(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def inspect(file: SourceFile, source: TableSource, key: str) -> list[Problem]:
    """Return why the bytes of a CSV cannot be read as declared; empty when they can.

    Args:
        file: The file.
        source: What the workspace declares.
        key: Key of the table in the workspace, such as `tables.accounts`.
    """
    with file.path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    looks = _foreign(head)
    if looks:
        return [Problem(looks[0], file=file.name, hint=looks[1])]
    codec = codecs.lookup(source.encoding).name
    marked = next((name for mark, name in BYTE_ORDER_MARKS if head.startswith(mark)), None)
    if marked and not codec.startswith((marked, marked.replace("-", "_"))):
        return [
            Problem(
                f"looks like {marked.upper()} (byte order mark), not {source.encoding}",
                file=file.name,
                line=1,
                hint=f"set {key}.encoding: {marked}",
            )
        ]
    if codec.startswith(("utf-16", "utf-32")):
        return _undecodable(file, source, key)
    return _nul(file, source, key) or _undecodable(file, source, key)


def _foreign(head: bytes) -> tuple[str, str] | None:
    if not head:
        return "the file is empty (0 bytes)", "export it again"
    for magic, name, advice in NOT_CSV:
        if head.startswith(magic):
            return f"this is {name}, not a CSV", advice
    start = head.decode("latin-1").lstrip("\ufeffï»¿ \t\r\n").lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<?xml")):
        return "this is a web page (HTML), not a CSV; often the login page of the export", "sign in and export it again"
    return None


def _chunks(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield stream.tell() - len(chunk), chunk


def _nul(file: SourceFile, source: TableSource, key: str) -> list[Problem]:
    for start, chunk in _chunks(file.path):
        place = chunk.find(0)
        if place < 0:
            continue
        if start == 0 and chunk[:HEAD_BYTES].count(0) > len(chunk[:HEAD_BYTES]) // 4:
            return [
                Problem(
                    f"looks like UTF-16 without a byte order mark, not {source.encoding}",
                    file=file.name,
                    line=1,
                    hint=f"set {key}.encoding: utf-16-{'le' if chunk[1] == 0 else 'be'}",
                )
            ]
        return [
            Problem(
                f"NUL byte at byte offset {start + place}: the file is damaged or no text",
                file=file.name,
                line=line_at(file.path, start + place),
                hint="export it again",
            )
        ]
    return []


def line_at(path: Path, offset: int) -> int:
    """Return the line, from 1, in which a byte lies."""
    line = 1
    for start, chunk in _chunks(path):
        line += chunk[: max(0, offset - start)].count(b"\n")
        if start + len(chunk) > offset:
            break
    return line


def _undecodable(file: SourceFile, source: TableSource, key: str) -> list[Problem]:
    codec = codecs.lookup(source.encoding).name
    offset = bad_byte(file.path, codec)
    if offset is not None:
        line = line_at(file.path, offset)
        looks, hint = _looks_like(file.path, codec, key)
        return [Problem(f"not {source.encoding} at byte offset {offset}{looks}", file=file.name, line=line, hint=hint)]
    if codec.startswith("utf"):
        return []
    # A single-byte codec accepts any bytes, so UTF-8 would come out as garbage without an error.
    several = sum(sum(byte >= 0xC2 for byte in chunk) for _, chunk in _non_ascii_chunks(file.path))
    chance = 0 if codec.startswith(("cp125", "iso8859", "latin")) else TWO_BYTE_CHANCE
    if several > chance and bad_byte(file.path, "utf-8") is None:
        return [Problem(f"looks like UTF-8, not {source.encoding}", file=file.name, hint=f"set {key}.encoding: utf-8")]
    return []


def _non_ascii_chunks(path: Path) -> Iterator[tuple[int, bytes]]:
    return ((start, chunk) for start, chunk in _chunks(path) if not chunk.isascii())


def bad_byte(path: Path, codec: str) -> int | None:
    """Return the offset of the first byte that a codec cannot decode; None when it can decode all."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    end = 0
    try:
        for start, chunk in _chunks(path):
            pending = len(decoder.getstate()[0])
            end = start + len(chunk)
            base = start - pending
            decoder.decode(chunk)
        base = end - len(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return base + error.start
    except UnicodeError:  # utf-16 and utf-32 say "no byte order mark" so
        return 0
    return None


def _looks_like(path: Path, codec: str, key: str) -> tuple[str, str]:
    good, bad = 0, []
    with path.open("rb") as stream:
        for line in stream:
            if line.isascii():
                continue
            try:
                line.decode(codec)
                good += 1
            except UnicodeError:
                bad.append(line)
            if len(bad) > 2000:
                break
    if good and len(bad) <= good:
        return f"; {len(bad)} such line(s) among {good} good ones", "repair it in the source and export again"
    guess = guess_codec(b"".join(bad))
    return (f"; looks like {guess.upper()}", f"set {key}.encoding: {guess}") if guess else ("", "")


def guess_codec(sample: bytes) -> str | None:
    """Return the codec non-ASCII bytes were probably written in, of those exports use; None when none fits."""
    try:
        sample.decode("utf-8")
    except UnicodeError:
        pass
    else:
        return "utf-8"
    try:
        text = sample.decode("gb18030")
    except UnicodeError:
        text = ""
    strange = [char for char in text if not char.isascii()]
    common = sum("\u4e00" <= char <= "\u9fff" or char in "，。、（）：；" for char in strange)
    # Western letters stand alone between ASCII letters, so read as GB18030 they swallow their neighbours.
    paired = sum(byte >= 0xA1 for byte in sample) >= 1.9 * len(strange) if strange else False
    if strange and paired and common > 0.8 * len(strange):
        return "gb18030"
    try:
        sample.decode("cp1252")
    except UnicodeError:
        return None
    return "cp1252"
