"""The V rows: what people and programs do to the rows and cells of an export."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from csworkbench.tables import Column, Kind
from tests.faults.book import Sheet
from tests.faults.cases import Case
from tests.faults.verdicts import Fault

Pick = Callable[[Sheet], list[str]]
NUMBERS = {Kind.INTEGER, Kind.DECIMAL, Kind.SHARE}
TIMES = {Kind.DATE, Kind.INSTANT}


def of_kind(*kinds: Kind, beside_key: bool = False) -> Pick:
    """Columns of some kinds that have values."""
    return lambda sheet: [
        name
        for name, kind in sheet.kinds.items()
        if kind in kinds and any(sheet.cells(name)) and not (beside_key and name in sheet.key)
    ]


def of_contract(accepts: Callable[[Sheet, Column], bool]) -> Pick:
    """Columns of the contract that have values."""
    return lambda sheet: [
        name for name, column in sheet.contract.items() if accepts(sheet, column) and any(sheet.cells(name))
    ]


IDS = of_contract(lambda _, column: column.is_id)
NEEDED = of_contract(lambda _, column: not column.nullable and column.falls_back_to is None)
COUNTED = of_contract(lambda _, column: column.low == 0 and column.kind in NUMBERS)
LISTED = of_contract(lambda _, column: bool(column.allowed))
SCORES = of_contract(lambda sheet, column: sheet.table == "nps_responses" and column.name == "score")
LINKS = of_contract(lambda sheet, column: column.name in sheet.links_of(keeps=False))
LOOSE_LINKS = of_contract(lambda sheet, column: column.name in sheet.links_of(keeps=True))
DATED = of_contract(lambda sheet, column: column.kind in TIMES and column.name not in {*sheet.spec.planned, "valid_to"})


def cells(sheet: Sheet, random: Random, pick: Pick, texts: Sequence[str] | Callable[[str], str], share: float = 0.1):  # type: ignore[no-untyped-def]
    """Other texts in some filled cells of one column, at most three of them unless a share of rows says more."""
    names = pick(sheet)
    if not names:
        return None
    name = random.choice(sorted(names))
    filled = [index for index, text in enumerate(sheet.cells(name)) if text]
    few = max(1, min(3, int(len(filled) * share))) if share < 1 else len(filled)
    some = sorted(random.sample(filled, few))
    old = sheet.cells(name)
    new = {at: texts(old[at]) if callable(texts) else texts[place % len(texts)] for place, at in enumerate(some)}
    broken = sheet.with_cells(name, new)
    return Fault(broken.text().encode(), broken, touched=frozenset(some))


def several(name: str, pick: Pick, texts: Sequence[str], letters: str = "Q") -> Case:
    """As many texts as may be slips, each in a row of its own: every row is set aside with its reason."""

    def make(sheet: Sheet, random: Random) -> Fault | None:
        # One bad cell of two is most of the column, which is refused.
        names = [name for name in pick(sheet) if sum(map(bool, sheet.cells(name))) > 2]
        if not names:
            return None
        column = random.choice(sorted(names))
        filled = [index for index, text in enumerate(sheet.cells(column)) if text]
        some = sorted(random.sample(filled, min(len(texts), max(1, int(len(filled) * 0.4)))))
        broken = sheet.with_cells(column, dict(zip(some, random.sample(texts, len(some)), strict=True)))
        return Fault(broken.text().encode(), broken, touched=frozenset(some))

    return Case(name, letters, make)


def whole_column(
    sheet: Sheet, random: Random, pick: Pick, change: Callable[[str], str], keys: dict[str, Any] | None = None
) -> Fault | None:
    """Every cell of a column written in another way, declared or not."""
    names = pick(sheet)
    if not names:
        return None
    name = random.choice(sorted(names))
    changed = sheet.with_cells(name, {at: change(text) for at, text in enumerate(sheet.cells(name)) if text})
    touched = frozenset(at for at, text in enumerate(sheet.cells(name)) if text)
    return Fault(changed.text().encode(), changed, touched=touched, source=declare(sheet, name, keys) if keys else None)


def declare(sheet: Sheet, name: str, keys: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of a table that say how one of its columns is written."""
    where = "columns" if name in sheet.contract else "extra"
    old = dict(sheet.source.get(where, {}))
    at = old.get(name, {"from": name})
    long = ({"from": at} if where == "columns" else {"type": at}) if isinstance(at, str) else dict(at)
    return {where: old | {name: long | keys}}


def equal_row(sheet: Sheet, random: Random) -> Fault:
    """A row that is there twice, word for word."""
    at = random.randrange(len(sheet.rows))
    twice = replace(sheet, rows=(*sheet.rows, sheet.rows[at]))
    return Fault(
        twice.text().encode(), twice, origin=(*range(len(sheet.rows)), at), touched=frozenset([len(sheet.rows)])
    )


def other_row(sheet: Sheet, random: Random) -> Fault | None:
    """A second row with the same key that says something else."""
    free = [
        name
        for name, column in sheet.contract.items()
        if name not in {*sheet.key, *sheet.links} and column.kind is Kind.TEXT and not column.known_with
    ]
    free = [name for name in free if len({*sheet.cells(name)} - {""}) > 1]
    if not free or not sheet.key:
        return None
    name = random.choice(sorted(free))
    words = sorted({*sheet.cells(name)} - {""})
    at = random.choice([index for index, text in enumerate(sheet.cells(name)) if text])
    other = next(word for word in words if word != sheet.cells(name)[at])
    row = tuple(other if place == sheet.at(name) else cell for place, cell in enumerate(sheet.rows[at]))
    both = replace(sheet, rows=(*sheet.rows, row))
    last = len(sheet.rows)
    return Fault(both.text().encode(), both, origin=(*range(last), at), touched=frozenset([at, last]))


def three_currencies(sheet: Sheet, random: Random) -> Fault | None:
    """Amounts in the currency of the workspace and in two others."""
    own = [at for at, text in enumerate(sheet.cells("currency")) if text == "EUR"] if "currency" in sheet.header else []
    if not own:
        return None
    some = sorted(random.sample(own, min(len(own), 2)))
    broken = sheet.with_cells("currency", dict(zip(some, ["XAU", "ISK"], strict=False)))
    return Fault(broken.text().encode(), broken, touched=frozenset(some))


def swapped_order(sheet: Sheet, random: Random) -> Fault | None:
    """A time before the one it has to follow."""
    pairs = [pair for pair in sheet.spec.ordered if set(pair) <= set(sheet.header) and any(sheet.cells(pair[1]))]
    event, known = sheet.spec.event_at, sheet.spec.known_at
    # A day may be known before it comes: terms and assignments are agreed ahead.
    if known in sheet.header and sheet.kinds.get(str(event)) is Kind.INSTANT and event not in sheet.spec.planned:
        pairs.append((str(event), str(known)))
    if not pairs:
        return None
    first, second = random.choice(pairs)
    both = [index for index, row in enumerate(sheet.rows) if row[sheet.at(first)]]
    at = random.choice(both)
    earlier = _moved(sheet.cells(first)[at], timedelta(days=-40), sheet.kinds[second])
    broken = sheet.with_cells(second, {at: earlier})
    return Fault(broken.text().encode(), broken, touched=frozenset([at]))


def before_start(sheet: Sheet, random: Random) -> Fault | None:
    """An event long before what it belongs to began."""
    names = [rule.column for rule in sheet.spec.not_before if rule.column in sheet.header]
    if not names:
        return None
    name = random.choice(sorted(names))
    at = random.choice([index for index, text in enumerate(sheet.cells(name)) if text])
    broken = sheet.with_cells(name, {at: _moved(sheet.cells(name)[at], timedelta(days=-9000), sheet.kinds[name])})
    return Fault(broken.text().encode(), broken, touched=frozenset([at]))


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moved(text: str, by: timedelta, kind: Kind) -> str:
    moment = (_time(text) + by).astimezone(UTC)
    return moment.strftime("%Y-%m-%d" if kind is Kind.DATE else "%Y-%m-%dT%H:%M:%SZ")


def with_offsets(sheet: Sheet, random: Random) -> Fault | None:
    """The same instants, each with an offset of its own."""
    zones = [timezone(timedelta(minutes=minutes)) for minutes in (120, -300, 330, 0, 765)]
    pick = of_kind(Kind.INSTANT)
    return whole_column(sheet, random, pick, lambda text: _time(text).astimezone(random.choice(zones)).isoformat(" "))


def as_wall_clock(text: str, zone: str, dates: str = "%Y-%m-%d %H:%M:%S") -> str:
    """The same instant as a clock on a wall shows it."""
    return _time(text).astimezone(ZoneInfo(zone)).strftime(dates)


def unpadded(text: str, dates: str = "{m}/{d}/{y} {H}:{M:02}") -> str:
    """A time as a spreadsheet writes it back."""
    moment = _time(text)
    parts = {"y": moment.year, "m": moment.month, "d": moment.day, "H": moment.hour, "M": moment.minute}
    return dates.format(**parts)


def to_minutes(sheet: Sheet) -> Sheet:
    """Instants without seconds, as spreadsheets keep them; of rows whose keys are equal then, the first.

    Rounded up: what is answered is not before what was asked in another table.
    """
    for name, kind in sheet.kinds.items():
        if kind is Kind.INSTANT:
            up = timedelta(seconds=59)
            whole = {
                at: f"{_time(text) + up:%Y-%m-%dT%H:%M}:00Z"
                for at, text in enumerate(sheet.cells(name))
                if len(text) > 10
            }
            sheet = sheet.with_cells(name, whole)
    if not sheet.key:
        return sheet
    places = [sheet.at(name) for name in sheet.key]
    first = {tuple(row[place] for place in places): row for row in reversed(sheet.rows)}
    return replace(sheet, rows=tuple(reversed(first.values())))


def grouped(text: str, mark: str, point: str = ".") -> str:
    """A number with its thousands kept apart."""
    whole, _, rest = text.partition(".")
    return f"{int(whole):,}".replace(",", mark) + (point + rest if rest else "")


def as_strptime(dates: str) -> Callable[[str], str]:
    return lambda text: _time(text).strftime(dates)


def column_case(name: str, letters: str, pick: Pick, change: Callable[[str], str], **more: Any) -> Case:
    """A case about a whole column: `keys` declares it, the rest is of the case."""
    keys = more.pop("keys", None)
    return Case(name, letters, lambda sheet, random: whole_column(sheet, random, pick, change, keys), **more)


def _cells(name: str, letters: str, pick: Pick, texts: Any, **more: Any) -> Case:
    return Case(name, letters, lambda sheet, random: cells(sheet, random, pick, texts), **more)


def _long(sheet: Sheet) -> list[str]:
    """Number columns of which more than half have thousands to keep apart."""
    names = of_kind(Kind.DECIMAL, Kind.INTEGER)(sheet)
    size = {name: [len(text.partition(".")[0]) > 3 for text in sheet.cells(name) if text] for name in names}
    return [name for name, long in size.items() if sum(long) > len(long) / 2]


DATES = of_kind(Kind.DATE)
INSTANTS = of_kind(Kind.INSTANT)
NO_SCORE = ("-1", "11", "10.5", "9/10", "１０", "inf", "ten", "9 10")
NO_NUMBER = (
    "inf",
    "-inf",
    "nan",
    "NaN",
    "Infinity",
    "1e400",
    "#DIV/0!",
    "#N/A",
    "#REF!",
    "NULL",
    "-",
    "n/a",
    "(300)",
    "12k",
    "1 234,50",
    "1\u00a0234",
    "1\u202f234,5",
    "1.234,50",
    "1'234.50",
    "1,234.50",
    "$300",
    "300 EUR",
    "１０",
    "٣٠٠",
    "0x10",
    "1_000",
    "--5",
    "5-",
    "½",
    "12%",
    "−5",
    "3 / 4",
    "1e",
    "=1+1",
    "3,5",
)
NO_DAY = (
    "2026-02-30",
    "2026-13-01",
    "0026-01-01",
    "31.12.2025",
    "12/31/2025",
    "1767225600",
    "46023",
    "soon",
    "0000-00-00",
    "2026-1-5",
    "2026-W05-1",
    "２０２６-01-01",
)
NO_TIME = (
    "2026-01-01T25:00:00Z",
    "2026-01-01T23:59:60Z",
    "2026-01-01 24:00",
    "2026-01-01T10:00:00+25:00",
    "10:30",
    "2026-01-01 8:05",
    "2026-01-01T10:61Z",
)

CASES = (
    Case("V01 the same row twice", "EQ", equal_row),
    Case("V02 two rows that contradict each other", "Q", other_row),
    _cells("V03 blanks around an id", "E", IDS, lambda text: f"  {text} "),
    _cells("V03 no-break spaces around an id", "E", IDS, lambda text: f"\u00a0{text}\u202f"),
    _cells("V03 zero width inside an id", "E", IDS, lambda text: f"{text[:2]}\u200b{text[2:]}\ufeff"),
    _cells("V06 orphans", "Q", LINKS, ["NOBODY-1", "NOBODY-2", "NOBODY-3"]),
    _cells("V06 orphans that are kept", "Q", LOOSE_LINKS, ["NOBODY-1"], told_by=("foreign_key",)),
    _cells("V07 blank keys and links", "Q", NEEDED, [""]),
    _cells("V07 keys of blanks only", "Q", NEEDED, [" \u00a0", "\u200b"]),
    several("V08 no score from 0 to 10", SCORES, NO_SCORE),
    Case("V09 known before it happened, answered before asked", "Q", swapped_order),
    # Refused where it is the only value of its column: then none of the column fits.
    _cells("V09 in the year 2199", "QR", DATED, ["2199-01-01"], words="not a day from 1900 to 2100"),
    several("V10 below zero", COUNTED, ("-1", "-0.5", "-1e9")),
    several("V11, V12 no number", of_kind(*NUMBERS), NO_NUMBER),
    several("V19 no day", of_kind(Kind.DATE), NO_DAY),
    several("V19 no time", INSTANTS, NO_DAY + NO_TIME),
    several("no boolean", of_kind(Kind.BOOLEAN), ("perhaps", "2", "yes", "是", "-1")),
    _cells("a word that is not allowed", "Q", LISTED, ["Other", "unknown?"]),
    _cells("a seventh decimal", "Q", of_kind(Kind.DECIMAL), lambda text: f"{float(text):.6f}7", told_by=("rounded",)),
    column_case("V12 thousands, comma", "R", _long, partial(grouped, mark=","), words="thousands"),
    column_case("V12 thousands, apostrophe", "R", _long, partial(grouped, mark="'"), words="thousands: .'"),
    column_case("V12 thousands, blank", "R", _long, partial(grouped, mark=" "), words="thousands"),
    column_case(
        "V12 thousands, point and decimal comma",
        "R",
        _long,
        partial(grouped, mark=".", point=","),
        words="thousands|decimal",
    ),
    column_case("V12 thousands, comma, declared", "E", _long, partial(grouped, mark=","), keys={"thousands": ","}),
    column_case("V12 thousands, apostrophe, declared", "E", _long, partial(grouped, mark="'"), keys={"thousands": "'"}),
    column_case(
        "V12 thousands, no-break space, declared",
        "E",
        _long,
        partial(grouped, mark="\u00a0", point=","),
        keys={"thousands": " ", "decimal": ","},
    ),
    column_case(
        "V12 thousands, narrow space, declared",
        "E",
        _long,
        partial(grouped, mark="\u202f", point=","),
        keys={"thousands": " ", "decimal": ","},
    ),
    column_case(
        "V12 thousands, point, declared",
        "E",
        _long,
        partial(grouped, mark=".", point=","),
        keys={"thousands": ".", "decimal": ","},
    ),
    Case("V13 three currencies", "Q", three_currencies, told_by=("currency",)),
    Case("V19 offsets mixed", "E", with_offsets),
    column_case(
        "V19 naive, in the zone of the table", "E", INSTANTS, lambda text: _time(text).strftime("%Y-%m-%d %H:%M:%S")
    ),
    column_case(
        "times of a spreadsheet, month first",
        "R",
        INSTANTS,
        unpadded,
        dress=to_minutes,
        words="dates: '%m/%d/%Y %H:%M'",
    ),
    column_case(
        "times of a spreadsheet, month first, declared",
        "E",
        INSTANTS,
        unpadded,
        dress=to_minutes,
        keys={"dates": "%m/%d/%Y %H:%M"},
    ),
    column_case(
        "times of a spreadsheet, year first",
        "ERQ",
        INSTANTS,
        partial(unpadded, dates="{y}-{m:02}-{d:02} {H}:{M:02}"),
        dress=to_minutes,
        words="%Y-%m-%d %H:%M",
    ),
    column_case(
        "times of a spreadsheet, year first, declared",
        "E",
        INSTANTS,
        partial(unpadded, dates="{y}-{m:02}-{d:02} {H}:{M:02}"),
        dress=to_minutes,
        keys={"dates": "%Y-%m-%d %H:%M"},
    ),
    column_case("dates day first", "R", DATES, as_strptime("%d/%m/%Y"), words="dates: '%d/%m/%Y'|dates: '%m/%d/%Y'"),
    column_case("dates day first, declared", "E", DATES, as_strptime("%d/%m/%Y"), keys={"dates": "%d/%m/%Y"}),
    column_case("dates in Chinese", "R", DATES, as_strptime("%Y年%m月%d日"), words="%Y年%m月%d日"),
    column_case("dates in Chinese, declared", "E", DATES, as_strptime("%Y年%m月%d日"), keys={"dates": "%Y年%m月%d日"}),
    column_case("epoch seconds", "R", INSTANTS, lambda text: str(int(_time(text).timestamp())), words="epoch_s"),
    column_case(
        "epoch seconds, declared",
        "E",
        INSTANTS,
        lambda text: str(int(_time(text).timestamp())),
        keys={"dates": "epoch_s"},
    ),
    column_case(
        "epoch milliseconds, declared",
        "E",
        INSTANTS,
        lambda text: str(int(_time(text).timestamp()) * 1000),
        keys={"dates": "epoch_ms"},
    ),
    column_case(
        "epoch milliseconds declared as seconds",
        "R",
        INSTANTS,
        lambda text: str(int(_time(text).timestamp()) * 1000),
        keys={"dates": "epoch_s"},
        words="dates: .?epoch_ms",
    ),
    column_case(
        "epoch seconds declared as milliseconds",
        "R",
        INSTANTS,
        lambda text: str(int(_time(text).timestamp())),
        keys={"dates": "epoch_ms"},
        words="dates: .?epoch_s",
    ),
    column_case("booleans in capitals", "E", of_kind(Kind.BOOLEAN), str.upper),
    column_case("booleans as 0 and 1", "E", of_kind(Kind.BOOLEAN), lambda text: str(int(text == "true"))),
    column_case(
        "booleans in Swedish",
        "R",
        of_kind(Kind.BOOLEAN),
        lambda text: "ja" if text == "true" else "nej",
        words="values: ",
    ),
    column_case(
        "booleans in Chinese, declared",
        "E",
        of_kind(Kind.BOOLEAN),
        lambda text: "是" if text == "true" else "否",
        keys={"values": {"是": True, "否": False}},
    ),
    column_case("words of a list in capitals", "R", LISTED, str.upper, words="values: "),
    Case("V20/V22 before what it belongs to began", "Q", before_start),
)
"""The V rows that fit any table."""
