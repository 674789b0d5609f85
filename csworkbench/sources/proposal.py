"""A mapping for a file nobody has declared yet: which table it is, which column is which, and how sure that is."""

import csv
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from csworkbench.errors import ConfigError, DataError, Problem
from csworkbench.sources.book import IngestReport
from csworkbench.sources.headers import likeness, names_a_person, plain, sounds_like_outcome, word_for
from csworkbench.sources.looks import ISO, CellLook, Look, look, look_at, reads_all
from csworkbench.sources.reading import open_book
from csworkbench.tables import SPECS, Column, Kind, TableSpec
from csworkbench.workspace import load_workspace

SURE, LIKELY, LEAST = 0.85, 0.7, 0.5
NAME_COUNTS = 0.2  # what the name of the file adds to the fit of a table
NUMBERS = (Kind.INTEGER, Kind.DECIMAL, Kind.SHARE)
TIMES = (Kind.DATE, Kind.INSTANT)
# ISO times in a column that holds days: read so, their time of day is cut off.
TIMES_OF_DAY = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S.%f",
)


@dataclass(frozen=True, slots=True)
class Match:
    """One column of the contract and the column of the file it probably is.

    Args:
        column: Canonical column.
        header: Column of the file.
        confidence: 0 to 1: how much the name sounds like it, times the share of its cells that fit.
        note: What to look at before trusting it; "" where nothing is doubtful.
        settings: Further keys of the mapping, such as dates and values.
    """

    column: str
    header: str
    confidence: float
    note: str
    settings: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Extra:
    """A column of the file that the table does not know, with the kind its cells look like."""

    header: str
    kind: Kind
    is_outcome: bool
    settings: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping of one file.

    Args:
        table: Canonical table it probably is.
        confidence: Share of what speaks for that table, 0 to 1.
        runner_up: Table that fits next, with its confidence; None where no other fits.
        look: What the file looks like.
        matches: Columns of the contract, in its order.
        extras: Columns the table does not know.
        missing: Columns the table needs and the file does not seem to have.
        takes_line_as_id: The file has no id, so that the line is it.
    """

    table: str
    confidence: float
    runner_up: tuple[str, float] | None
    look: Look
    matches: tuple[Match, ...]
    extras: tuple[Extra, ...]
    missing: tuple[str, ...]
    takes_line_as_id: bool

    def to_yaml(self, path: str) -> str:
        """Return the entry for `tables:` of a workspace, each line with how sure it is.

        Args:
            path: Path of the file as the entry shall name it.
        """
        return "\n".join(_yaml(self, path)) + "\n"


def propose(path: Path, table: str | None = None) -> Proposal:
    """Return the mapping that fits a file best.

    Args:
        path: A CSV or Parquet file.
        table: Canonical table it is; None = whichever fits best.

    Raises:
        ConfigError: there is no such table.
        DataError: the file cannot be read at all, or sounds like no table.
    """
    if table is not None and table not in SPECS:
        raise ConfigError(Problem(f"there is no table {table!r}", hint=f"there are {', '.join(SPECS)}"))
    seen = look(path)
    cells = {name: look_at(name, seen.cells(name)) for name in seen.header}
    names = [table] if table else list(SPECS)
    fits = [_fit(SPECS[name], seen, cells) for name in names]
    named = {name for name in names if _sounds_like_file(name, path)}
    fits.sort(key=lambda fit: -fit.confidence - (NAME_COUNTS if fit.table in named and fit.matches else 0))
    best = fits[0]
    if not best.matches:
        shown = ", ".join(seen.header[:8])
        hint = "name its table: csw doctor data FILE --table accounts"
        raise DataError(Problem(f"no column sounds like a table: {shown}", file=str(path), hint=hint))
    second = next(((fit.table, fit.confidence) for fit in fits[1:] if fit.matches), None)
    return Proposal(
        best.table, best.confidence, second, seen, best.matches, best.extras, best.missing, best.takes_line_as_id
    )


def _sounds_like_file(table: str, path: Path) -> bool:
    """Return whether the name of a file holds that of a table: tickets_2026.csv, ticket_data.csv."""
    return plain(table).removesuffix("s") in plain(path.stem)


def _fit(spec: TableSpec, seen: Look, cells: Mapping[str, CellLook]) -> Proposal:
    matches = _matches(spec, seen, cells)
    matched = {match.header for match in matches}
    found = {match.column for match in matches}
    needed = [column.name for column in spec.columns if column.required and column.name not in found]
    can_number = len(spec.key) == 1 and spec.key[0] in needed and _is_dated(spec, found)
    missing = [name for name in needed if not (can_number and name == spec.key[0])]
    weight = {column.name: 2.0 if column.required else 1.0 for column in spec.columns}
    gained = sum(weight[match.column] * match.confidence for match in matches)
    possible = sum(weight[match.column] for match in matches) + 2.0 * len(missing) + len(seen.header) - len(matched)
    extras = [
        Extra(name, cells[name].kind, sounds_like_outcome(name), _cell_settings(cells[name], cells[name].kind))
        for name in seen.header
        if name not in matched
    ]
    return Proposal(
        spec.name,
        gained / possible if possible else 0.0,
        None,
        seen,
        matches,
        tuple(extras),
        tuple(missing),
        can_number,
    )


def _is_dated(spec: TableSpec, found: Collection[str]) -> bool:
    if spec.event_at is None:
        return False
    return spec.event_at in found or spec.column(spec.event_at).falls_back_to in found


def _matches(spec: TableSpec, seen: Look, cells: Mapping[str, CellLook]) -> tuple[Match, ...]:
    """Return the best pairs of columns, the surest first taken, each column used once."""
    pairs = []
    for place, column in enumerate(spec.columns):
        for header in seen.header:
            alike = likeness(header, spec.name, column.name)
            if alike:
                confidence = alike * _share_that_fits(column, seen.cells(header), cells[header])
                pairs.append((-confidence, place, header, column))
    taken: dict[str, Match] = {}
    headers: set[str] = set()
    for negative, _, header, column in sorted(pairs, key=lambda pair: pair[:3]):
        if -negative >= LEAST and column.name not in taken and header not in headers:
            headers.add(header)
            taken[column.name] = _match(column, header, -negative, seen.cells(header), cells[header])
    return tuple(taken[column.name] for column in spec.columns if column.name in taken)


def _share_that_fits(column: Column, cells: Sequence[str], seen: CellLook) -> float:
    """Return the share of cells that a column of this kind could hold; blank columns say little."""
    if not cells:
        return LIKELY
    if column.kind in TIMES:
        return 1.0 if seen.dates else 0.0
    if column.kind is Kind.BOOLEAN:
        return 1.0 if seen.kind is Kind.BOOLEAN or set(cells) <= {"0", "1"} else 0.0
    if column.kind is Kind.TEXT:
        if column.allowed:
            return sum(word_for(cell, column.name, column.allowed) is not None for cell in cells) / len(cells)
        return 1.0 if seen.kind in {Kind.TEXT, Kind.INTEGER} else LIKELY
    if seen.kind not in NUMBERS or (column.kind is Kind.INTEGER and seen.kind is not Kind.INTEGER):
        return 0.0
    numbers = [float(cell.replace(",", ".")) for cell in cells]
    low, high = (0.0, 1.0) if column.kind is Kind.SHARE else (column.low, column.high)
    return sum((low is None or n >= low) and (high is None or n <= high) for n in numbers) / len(numbers)


def _match(column: Column, header: str, confidence: float, cells: Sequence[str], seen: CellLook) -> Match:
    settings = _cell_settings(seen, column.kind, cells)
    note = ""
    if column.kind in TIMES and seen.other_dates:
        note = f"day and month cannot be told apart here: {seen.dates} or {seen.other_dates}?"
        confidence *= LIKELY
    if column.allowed:
        words = {cell: word_for(cell, column.name, column.allowed) for cell in dict.fromkeys(cells)}
        others = {cell: word for cell, word in words.items() if word is not None and word != cell}
        settings |= {"values": others} if others else {}
        unknown = [cell for cell, word in words.items() if word is None]
        note = f"map {', '.join(map(repr, unknown[:3]))} too" if unknown else note
    return Match(column.name, header, confidence, note, settings)


def _cell_settings(seen: CellLook, kind: Kind, cells: Sequence[str] = ()) -> dict[str, object]:
    settings: dict[str, object] = {}
    if kind in TIMES and seen.dates:
        has_time = any(":" in cell for cell in cells)
        dates = seen.dates
        if dates == ISO and kind is Kind.DATE and has_time:
            dates = next((other for other in TIMES_OF_DAY if reads_all(other, cells)), ISO)
        settings["dates"] = dates
    if kind in {Kind.DECIMAL, Kind.SHARE} and seen.decimal == ",":
        settings["decimal"] = ","
    if kind is Kind.BOOLEAN and seen.values:
        settings["values"] = dict(seen.values)
    return settings


def _yaml(proposal: Proposal, path: str) -> Iterator[str]:
    seen = proposal.look
    common = _most_common([str(match.settings["dates"]) for match in proposal.matches if "dates" in match.settings])
    yield f"{proposal.table}:"
    yield f"  path: {scalar(path)}"
    if not seen.is_parquet:
        if seen.encoding != "utf-8":
            yield f"  encoding: {seen.encoding}"
        if seen.delimiter != ",":
            yield f"  delimiter: {scalar(seen.delimiter)}"
    marks = {match.settings.get("decimal") for match in proposal.matches} | {
        extra.settings.get("decimal") for extra in proposal.extras
    }
    if "," in marks:
        yield "  decimal: ','"
    if common and common != ISO:
        yield f"  dates: {scalar(common)}"
    yield "  columns:"
    if proposal.takes_line_as_id:
        yield f"    {SPECS[proposal.table].key[0]}: {{row: true}}   # no id in the file: the line is the id"
    for match in proposal.matches:
        yield f"    {match.column}: {_mapped(match.header, match.settings, common or ISO)}   # {_how_sure(match)}"
    for name in proposal.missing:
        yield f"    # {name}: needed, and nothing in the file sounds like it"
    if proposal.extras:
        yield "  extra:   # columns the table does not know; delete what nobody needs"
        for extra in proposal.extras:
            personal = names_a_person(extra.header)
            yield f"    {'# ' * personal}{_extra(extra, common or ISO)}" + "   # personal: contact_pii" * personal


def _mapped(header: str, settings: Mapping[str, object], common: str) -> str:
    own = _own(settings, common)
    if not own:
        return scalar(header)
    return "{" + ", ".join([f"from: {scalar(header)}", *own]) + "}"


def _extra(extra: Extra, common: str) -> str:
    own = _own(extra.settings, common)
    name = re.sub(r"^_+", "", extra.header) or "column"
    if name != extra.header:
        own.insert(0, f"from: {scalar(extra.header)}")
    if extra.is_outcome:
        own.append("role: outcome")
    why = "   # what became of the customer: never a predictor" if extra.is_outcome else ""
    return f"{scalar(name)}: " + ("{" + ", ".join([f"type: {extra.kind}", *own]) + "}" if own else extra.kind) + why


def _own(settings: Mapping[str, object], common: str) -> list[str]:
    """Return the settings that differ from those of the table, as YAML."""
    own = [f"dates: {scalar(str(settings['dates']))}"] if settings.get("dates", common) != common else []
    values = settings.get("values")
    if isinstance(values, Mapping):
        words = (f"{scalar(word)}: {str(to).lower() if isinstance(to, bool) else to}" for word, to in values.items())
        own.append("values: {" + ", ".join(words) + "}")
    return own


def _how_sure(match: Match) -> str:
    word = "sure" if match.confidence >= SURE else "likely" if match.confidence >= LIKELY else "a guess"
    return f"{word} ({match.confidence:.0%})" + (f": {match.note}" if match.note else "")


def _most_common(dates: Sequence[str]) -> str | None:
    return max(dict.fromkeys(dates), key=dates.count) if dates else None


def scalar(text: str) -> str:
    """Return a text as YAML: bare where nothing could take it for something else, else in double quotes."""
    is_word = re.fullmatch(r"([^\W\d_]|\.{0,2}/)[\w/.-]*( [\w/.-]+)*", text)
    is_special = text.casefold() in {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
    return text if is_word and not is_special else json.dumps(text, ensure_ascii=False)


def try_out(proposal: Proposal, path: Path) -> IngestReport:
    """Return how the file is read with the mapping; the accounts it names are taken as the whole book.

    Args:
        proposal: The mapping.
        path: The file.

    Raises:
        DataError: it cannot be read so; every problem.
        ConfigError: the mapping misses something the contract needs.
    """
    with TemporaryDirectory(prefix="csw-doctor-") as name:
        folder = Path(name)
        entries = proposal.to_yaml(str(path.absolute()))
        if proposal.table != "accounts":
            _write_accounts(proposal, path, folder / "accounts.csv")
            entries = "accounts: {path: accounts.csv}\n" + entries
        lines = "".join(f"  {line}\n" for line in entries.splitlines())
        (folder / "workspace.yaml").write_text(f"version: 1\nname: doctor\ntables:\n{lines}", encoding="utf-8")
        book = open_book(load_workspace(folder / "workspace.yaml"), folder, folder / "cache")
        try:
            return book.reports[proposal.table]
        finally:
            book.connection.disconnect()


def _write_accounts(proposal: Proposal, path: Path, out: Path) -> None:
    header = next((match.header for match in proposal.matches if match.column == "account_id"), None)
    ids = dict.fromkeys(_column(proposal.look, path, header)) if header else {}
    with out.open("w", encoding="utf-8", newline="") as stream:
        named = [[text] for text in ids if text.strip()]
        csv.writer(stream).writerows([["account_id"], *(named or [["-"]])])


def _column(seen: Look, path: Path, header: str) -> Iterator[str]:
    if seen.is_parquet:
        import pyarrow.parquet as pq

        yield from (str(cell) for cell in pq.read_table(path, columns=[header])[header].to_pylist() if cell is not None)
        return
    place = seen.header.index(header)
    with path.open(encoding=seen.encoding, newline="", errors="replace") as stream:
        yield from (row[place] for row in csv.reader(stream, delimiter=seen.delimiter) if len(row) > place)
