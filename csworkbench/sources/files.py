"""Files before they are parsed: which ones, their digest, and what their bytes look like."""

import codecs
import glob
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from csworkbench.errors import Problem
from csworkbench.workspace import TableSource, Workspace

CHUNK_BYTES = 1 << 20
HEAD_BYTES = 4096
PARQUET_MAGIC = b"PAR1"
NOT_CSV = (
    (b"PK\x03\x04", "an Excel workbook (xlsx) or another zip file", "export the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (xls)", "export the sheet as CSV"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"BZh", "a bzip2 file", "unpack it first"),
    (b"\xfd7zXZ\x00", "an xz file", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "unpack it first"),
    (b"%PDF", "a PDF", "export the data as CSV"),
    (b"SQLite format 3", "a SQLite database", "export the table as CSV"),
)
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CONTROL, STARTS_UTF8 = bytes(range(0x80, 0xA0)), bytes(range(0xC2, 0x100))
WIDE = ("utf-16", "utf-32")
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


def files_of(workspace: Workspace, root: Path) -> list[Path]:
    """Return every file that the data of a workspace is read from, unread; what is missing is left out.

    Args:
        workspace: What was declared.
        root: Project root.
    """
    patterns = [
        path
        for source in workspace.tables.values()
        for path in (*source.paths, *(path for file in source.files.values() for path in file.paths))
    ]
    found = [root / name for pattern in patterns for name in (pattern, *_matches(pattern, root))]
    if workspace.engine.database is not None:
        found += [root / workspace.engine.database, root / f"{workspace.engine.database}.wal"]
    return sorted({path for path in found if path.is_file()})


def _matches(pattern: str, root: Path) -> list[str]:
    # Path.glob refuses absolute patterns, which a workspace may hold.
    return sorted(glob.glob(pattern, root_dir=root, recursive=True))  # noqa: PTH207


def _missing(table: str, path: str, root: Path) -> Problem:
    folder = (root / path).parent
    if not folder.is_dir():
        return Problem(f"there is no folder for this file of {table}", file=path, hint=f"set tables.{table}.path")
    there = "; ".join(filter(None, (near_files(root / path), f"set tables.{table}.path")))
    return Problem(f"there is no such file for {table}", file=path, hint=there)


def near_files(path: Path) -> str:
    """Return which files lie beside one that is not there under a name like its own; empty where none does.

    Args:
        path: The file that is missing.
    """
    names = sorted(item.name for item in path.parent.iterdir()) if path.parent.is_dir() else []
    near = get_close_matches(path.name, names, n=3, cutoff=0.5)
    return f"near it: {', '.join(near)}" if near else ""


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
    marked = next((item for item in BYTE_ORDER_MARKS if head.startswith(item[0])), None)
    if marked and not _is_marked_so(codec, *marked):
        words = f"looks like {marked[1].upper()} (byte order mark), not {source.encoding}"
        return [Problem(words, file=file.name, line=1, hint=f"set {key}.encoding: {marked[1]}")]
    if not codec.startswith(WIDE):
        return _nul(file, source, key) or _undecodable(file, source, key)
    if not marked and b"\0" not in head:
        # Delimiters and line ends are ASCII, and hold a NUL in each of these.
        guess = guess_codec(head.rpartition(b"\n")[0]) or "utf-8"
        words = f"looks like {guess.upper()}, not {source.encoding}"
        return [Problem(words, file=file.name, line=1, hint=f"set {key}.encoding: {guess}")]
    return _undecodable(file, source, key)


def _is_marked_so(codec: str, mark: bytes, name: str) -> bool:
    """Return whether a byte order mark is that of a codec, and of its order of bytes where it names one."""
    if not codec.startswith(name):
        return False
    order = {"-le": (codecs.BOM_UTF16_LE, codecs.BOM_UTF32_LE), "-be": (codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)}
    return codec[-3:] not in order or mark in order[codec[-3:]]


def _foreign(head: bytes) -> tuple[str, str] | None:
    if not head:
        return "the file is empty (0 bytes)", "export it again"
    for magic, name, advice in NOT_CSV:
        if head.startswith(magic):
            return f"this is {name}, not a CSV", advice
    start = head.decode("latin-1").lstrip("\ufeffï»¿ \t\r\n").lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<?xml")):
        return "this is a web page (HTML), not a CSV; often the login page of the export", "sign in and export it again"
    if re.match(r'[\[{]\s*[\[{"]', start):
        return "this is JSON, not a CSV", "export the data as CSV"
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


def line_at(path: Path, offset: int, codec: str = "utf-8") -> int:
    """Return the line, from 1, in which a byte lies.

    Args:
        path: The file.
        offset: Place of the byte.
        codec: How the file is written; only in the wide ones a byte of another character looks like a line end.
    """
    feeds = returns = 0
    decoder = codecs.getincrementaldecoder(codec)("replace") if codec.startswith(WIDE) else None
    for start, chunk in _chunks(path):
        before = chunk[: max(0, offset - start)]
        text = decoder.decode(before).encode("ascii", "replace") if decoder else before
        feeds, returns = feeds + text.count(b"\n"), returns + text.count(b"\r")
        if start + len(chunk) > offset:
            break
    return 1 + (feeds or returns)


def _undecodable(file: SourceFile, source: TableSource, key: str) -> list[Problem]:
    codec = codecs.lookup(source.encoding).name
    offset = bad_byte(file.path, codec)
    if not codec.startswith("utf") and _is_utf8(file.path, codec, is_read=offset is None):
        # A code page of single bytes accepts any, so UTF-8 would come out as garbage without an error.
        first = next((start + _first_above(chunk) for start, chunk in _non_ascii_chunks(file.path)), 0)
        words = f"looks like UTF-8, not {source.encoding}"
        return [Problem(words, file=file.name, line=line_at(file.path, first), hint=f"set {key}.encoding: utf-8")]
    if offset is None:
        return _control(file, source, key) if codec.startswith("iso8859") else []
    looks, hint = _looks_like(file.path, codec, key)
    words = f"not {source.encoding} at byte offset {offset}{looks}"
    return [Problem(words, file=file.name, line=line_at(file.path, offset, codec), hint=hint)]


def _control(file: SourceFile, source: TableSource, key: str) -> list[Problem]:
    """Return the problem of a file with characters that Latin-1 has only by name, and Windows uses for dashes."""
    for start, chunk in _non_ascii_chunks(file.path):
        if _count(chunk, CONTROL):
            place = next(place for place, byte in enumerate(chunk) if byte in CONTROL)
            words = f"control character at byte offset {start + place}: looks like CP1252, not {source.encoding}"
            line = line_at(file.path, start + place)
            return [Problem(words, file=file.name, line=line, hint=f"set {key}.encoding: cp1252")]
    return []


def _is_utf8(path: Path, codec: str, *, is_read: bool) -> bool:
    several = sum(_count(chunk, STARTS_UTF8) for _, chunk in _non_ascii_chunks(path))
    has_single_bytes = codec.startswith(("cp125", "iso8859", "latin", "mac", "koi8", "cp437", "cp850"))
    chance = 0 if has_single_bytes or not is_read else TWO_BYTE_CHANCE
    return several > chance and bad_byte(path, "utf-8") is None


def _count(chunk: bytes, some: bytes) -> int:
    return len(chunk) - len(chunk.translate(None, some))


def _first_above(chunk: bytes) -> int:
    return next(place for place, byte in enumerate(chunk) if byte >= 0x80)


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
    repair = "repair it in the source and export again"
    if codec.startswith(WIDE):
        return "", repair
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
        return f"; {len(bad)} such line(s) among {good} good ones", repair
    guess = guess_codec(b"".join(bad))
    if guess is None or guess == codec:
        return "", f"set {key}.encoding to how it is written, or {repair}"
    return f"; looks like {guess.upper()}", f"set {key}.encoding: {guess}"


def guess_codec(sample: bytes) -> str | None:
    """Return the codec non-ASCII bytes were probably written in, of those exports use; None when none fits.

    Args:
        sample: Whole lines of a file.
    """
    for codec, is_likely in _GUESSES.items():
        try:
            text = sample.decode(codec)
        except UnicodeError:
            continue
        if is_likely(text):
            return codec
    return None


def _are_words(text: str, is_common: Callable[[str], bool], share: float = 0.8) -> bool:
    """Return whether the characters beyond ASCII stand side by side, as they do in Chinese, and are common ones.

    Western letters stand alone between ASCII letters: read in a codec of double bytes they swallow a neighbour each.
    """
    strange = [place for place, char in enumerate(text) if not char.isascii()]
    there = set(strange)
    beside = sum(place - 1 in there or place + 1 in there for place in strange)
    return (
        bool(strange)
        and beside >= 0.7 * len(strange)
        and sum(is_common(text[at]) for at in strange) > share * len(strange)
    )


def _has_lead(codec: str, first: int, last: int) -> Callable[[str], bool]:
    """Return what tells the characters of a codec's rows of common characters, by their first byte."""

    def is_common(char: str) -> bool:
        code = char.encode(codec, "ignore")
        return (len(code) == 2 and (first <= code[0] <= last)) or char in "，。、（）：；！？"

    return is_common


def _stand_alone(text: str) -> bool:
    """Return whether the characters beyond ASCII are letters between others, as they are in Western languages."""
    strange = "".join("x" if char.isascii() else "~" for char in text)
    runs = re.findall("~+", strange)
    return not runs or len("".join(runs)) <= 2 * len(runs)


_GUESSES: dict[str, Callable[[str], bool]] = {
    "utf-8": lambda _: True,
    "gb18030": partial(_are_words, is_common=_has_lead("gb2312", 0xB0, 0xD7)),
    "big5": partial(_are_words, is_common=_has_lead("big5", 0xA4, 0xC6)),
    "shift_jis": partial(_are_words, is_common=lambda char: "\u3041" <= char <= "\u30ff", share=0.2),
    "cp1252": _stand_alone,
}
"""Codecs of exports in the order they are tried -> whether what they read is likely."""
