"""Real files in other clothes: declared they are the same tables, undeclared they are refused, never read as others."""

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from random import Random

import pytest
from ruamel.yaml import YAML

from csworkbench.errors import DataError
from csworkbench.sources import open_book
from csworkbench.workspace import Workspace
from tests.acceptance.projects import ROOT, TELCO
from tests.faults.verdicts import told_badly

RAVENSTACK = TELCO.parent / "ravenstack"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (TELCO.is_file() and RAVENSTACK.is_dir()), reason="the files are not beside this checkout (shared/data)"
    ),
]

NAMES = {"wide": "云帆科技 – Åkerö", "chinese": "云帆科技公司", "western": "Åkerö Öst"}


@dataclass(frozen=True)
class File:
    """One file of a real export.

    Args:
        name: Its name.
        named: Column whose first rows get a name beyond ASCII, so that there is something to get wrong.
        days: Columns of days.
        times: Columns of times.
        numbers: Columns of numbers with decimals.
        booleans: Columns of True and False.
    """

    name: str
    named: str = ""
    days: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    booleans: tuple[str, ...] = ()

    def rows(self, words: str) -> list[dict[str, str]]:
        folder = RAVENSTACK if self.name.startswith("ravenstack") else TELCO.parent
        with (folder / self.name).open(encoding="utf-8", newline="") as stream:
            found = list(csv.DictReader(stream))
        for row in found[:40] if self.named else []:
            row[self.named] = NAMES[words]
        return found


TELCO_FILE = File("telco.csv", named="PaymentMethod", numbers=("MonthlyCharges", "TotalCharges"))
ACCOUNTS = File("ravenstack_accounts.csv", "account_name", ("signup_date",), booleans=("is_trial", "churn_flag"))
SUBSCRIPTIONS = File(
    "ravenstack_subscriptions.csv",
    days=("start_date", "end_date"),
    booleans=("is_trial", "upgrade_flag", "downgrade_flag", "churn_flag", "auto_renew_flag"),
)
TICKETS = File(
    "ravenstack_support_tickets.csv",
    days=("submitted_at",),
    times=("closed_at",),
    numbers=("resolution_time_hours", "satisfaction_score"),
    booleans=("escalation_flag",),
)
USAGE = File("ravenstack_feature_usage.csv", days=("usage_date",), booleans=("is_beta_feature",))
FILES = (TELCO_FILE, ACCOUNTS, SUBSCRIPTIONS, TICKETS, USAGE)


@dataclass(frozen=True)
class Dress:
    """Another way to write the same tables.

    Args:
        name: What it is.
        words: Which characters the names have.
        encoding: Codec.
        delimiter: Character between the fields.
        end: Line end.
        decimal: Decimal mark.
        days: How days are written; "" = as they are.
        times: How times are written; "" = as they are.
        capitals: TRUE and FALSE.
        quoted: Everything is quoted.
        shuffled: Columns and rows are in another order.
    """

    name: str
    words: str = "wide"
    encoding: str = "utf-8"
    delimiter: str = ","
    end: str = "\n"
    decimal: str = "."
    days: str = ""
    times: str = ""
    capitals: bool = False
    quoted: bool = False
    shuffled: bool = False

    def dressed(self, file: File) -> bytes:
        rows = [self._row(row, file) for row in file.rows(self.words)]
        header = list(rows[0])
        if self.shuffled:
            Random(1).shuffle(rows)
            Random(2).shuffle(header)
        out = io.StringIO(newline="")
        quoting = csv.QUOTE_ALL if self.quoted else csv.QUOTE_MINIMAL
        writer = csv.DictWriter(out, header, delimiter=self.delimiter, quoting=quoting, lineterminator=self.end)
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue().encode(self.encoding)

    def _row(self, row: dict[str, str], file: File) -> dict[str, str]:
        made = dict(row)
        for names, written in ((file.days, self.days), (file.times, self.times)):
            made |= {name: _date(row[name], written) for name in names if written and row[name]}
        made |= {name: row[name].replace(".", self.decimal) for name in file.numbers}
        return made | ({name: row[name].upper() for name in file.booleans} if self.capitals else {})

    def keys(self) -> dict[str, str]:
        """Keys of a file in the workspace."""
        return {"encoding": self.encoding, "delimiter": self.delimiter}


def _date(text: str, written: str) -> str:
    moment = datetime.fromisoformat(text)
    if "{" in written:
        return written.format(d=moment)
    return moment.strftime(written)


US_DAY, US_TIME = "{d.month}/{d.day}/{d.year}", "{d.month}/{d.day}/{d.year} {d.hour}:{d.minute:02}"
CODES = {US_DAY: "%m/%d/%Y", US_TIME: "%m/%d/%Y %H:%M"}
ALL_AT_ONCE = Dress(
    "all at once",
    encoding="utf-16",
    delimiter=";",
    decimal=",",
    end="\r\n",
    days="%d.%m.%Y",
    times="%d.%m.%Y %H:%M",
    quoted=True,
    shuffled=True,
)
DRESSES = [
    Dress("day first", days="%d/%m/%Y", times="%d/%m/%Y %H:%M:%S"),
    Dress("resaved by a spreadsheet", days=US_DAY, times=US_TIME, capitals=True, end="\r\n"),
    Dress("semicolon and decimal comma", delimiter=";", decimal=","),
    Dress("GB18030", encoding="gb18030", words="chinese"),
    Dress("Latin-1", encoding="latin-1", words="western"),
    Dress("UTF-16", encoding="utf-16"),
    ALL_AT_ONCE,
]
UNSEEN = [
    Dress("capitals", capitals=True),
    Dress("CRLF", end="\r\n"),
    Dress("shuffled", shuffled=True),
    Dress("everything quoted", quoted=True),
]
"""Dresses that need no declaration."""


def example(name):
    """The tables of an example's workspace."""
    return YAML(typ="safe").load((ROOT / "examples" / name / "workspace.yaml").read_text(encoding="utf-8"))


def workspace(dress, *, declared):
    """RavenStack's tables as its example maps them, without what its queries compute from dates."""
    raven = example("ravenstack")
    names = ["accounts", "subscriptions", "tickets"]
    if dress.name in {"plain", "semicolon and decimal comma", "all at once"}:
        # The other dresses would say nothing new of 25,000 rows.
        names.append("usage_daily")
    tables = {name: dict(raven["tables"][name]) for name in names}
    accounts, tickets = tables["accounts"], tables["tickets"]
    for table in (accounts, tickets):
        table["path"] = next(iter(table.pop("files").values()))["path"]
        del table["query"]
    accounts["columns"] = {name: column for name, column in accounts["columns"].items() if name != "churned_at"}
    if declared:
        for table in tables.values():
            _declare(table, dress)
        times = CODES.get(dress.times, dress.times)
        if times:
            tickets["columns"] = tickets["columns"] | {"resolved_at": {"from": "closed_at", "dates": times}}
    return Workspace.model_validate({"version": 1, "name": "Dress", "tables": tables})


def telco(dress, *, declared):
    tables = {"accounts": dict(example("telco")["tables"]["accounts"])}
    if declared:
        _declare(tables["accounts"], dress)
    return Workspace.model_validate({"version": 1, "name": "Dress", "tables": tables})


def _declare(table, dress):
    table |= {"decimal": dress.decimal} | ({"dates": CODES.get(dress.days, dress.days)} if dress.days else {})
    if "files" in table:
        table["files"] = {name: source | dress.keys() for name, source in table["files"].items()}
    else:
        table |= dress.keys()


BOOKS = {"ravenstack": workspace, "telco": telco}


def digests(folder, dress, book, *, declared):
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for file in FILES:
        (folder / "data" / file.name).write_bytes(dress.dressed(file))
    opened = open_book(BOOKS[book](dress, declared=declared), folder, folder / "cache")
    opened.connection.disconnect()
    return {name: report.digest for name, report in opened.reports.items()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return {
        (words, book): digests(tmp_path_factory.mktemp(words), Dress("plain", words), book, declared=False)
        for words in NAMES
        for book in BOOKS
    }


def expected(plain, dress, book, found):
    """The digests of the plain reading, of the tables that were read."""
    return {name: digest for name, digest in plain[dress.words, book].items() if name in found}


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("dress", DRESSES, ids=lambda dress: dress.name)
def test_a_declared_dress_gives_the_same_tables(tmp_path, plain, dress, book):
    found = digests(tmp_path, dress, book, declared=True)
    assert found == expected(plain, dress, book, found)


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("dress", UNSEEN, ids=lambda dress: dress.name)
def test_a_dress_that_changes_no_meaning_needs_no_declaration(tmp_path, plain, dress, book):
    found = digests(tmp_path, dress, book, declared=False)
    assert found == expected(plain, dress, book, found)


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("dress", DRESSES, ids=lambda dress: dress.name)
def test_an_undeclared_dress_is_refused_with_the_keys_to_set(tmp_path, plain, dress, book):
    if book == "telco" and dress.name in {"day first", "resaved by a spreadsheet"}:  # it has no dates
        found = digests(tmp_path, dress, book, declared=False)
        assert found == expected(plain, dress, book, found)
        return
    with pytest.raises(DataError, match=r"looks? .*set tables\.") as refused:
        digests(tmp_path, dress, book, declared=False)
    assert told_badly(refused.value) == []
