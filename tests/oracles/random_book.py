"""Books of random rows of every table, all within twelve days: versions, late rows, blanks and links among them."""

from datetime import date, datetime, timedelta
from random import Random

from csworkbench.tables import SPECS, Kind
from tests.books import book

DAY_0, DAY = date(2026, 1, 1), timedelta(days=1)
DAYS = 12


def _cell(column, random):
    if column.nullable and random.random() < 0.3:
        return None
    if column.name.endswith("_id"):
        return random.choice("abcdefgh")
    return {
        Kind.TEXT: lambda: random.choice(column.allowed or ("x", "y", "z")),
        Kind.INTEGER: lambda: random.randint(0, 10),
        Kind.DECIMAL: lambda: random.randint(0, 100),
        Kind.SHARE: lambda: random.randint(0, 4) / 4,
        Kind.BOOLEAN: lambda: random.random() < 0.5,
        Kind.DATE: lambda: DAY_0 + timedelta(days=random.randrange(DAYS)),
        Kind.INSTANT: lambda: datetime.fromisoformat("2025-12-31T12:00") + timedelta(hours=random.randrange(DAYS * 24)),
    }[column.kind]()


def random_rows(name, random, count=60):
    """Return rows of one table, each key once."""
    spec = SPECS[name]
    rows = [{column.name: _cell(column, random) for column in spec.columns} for _ in range(count)]
    return list({tuple(row[key] for key in spec.key_among(spec.names)): row for row in rows}.values())


def random_book(seed, names=tuple(SPECS), zone="Europe/Stockholm"):
    """Return a book of some tables; the same seed and tables give the same rows."""
    random = Random(seed)
    return book({name: random_rows(name, random) for name in names}, timezone=zone)


def with_parents(names):
    """Return the tables and those whose rows theirs go with, parents first."""
    parents = {key.table for name in names for key in SPECS[name].foreign_keys if not key.keep_orphans}
    return tuple(name for name in SPECS if name in names) if parents <= names else with_parents(names | parents)
