"""The desk of a shard: the rows of one value, taken out of a result of the whole book and shown as they are."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from csworkbench.errors import RunError
from csworkbench.estimates import WORST_FIRST, Caveat, Estimate, Handout, Message, Severity, say
from csworkbench.formats import label
from csworkbench.session import write_files
from csworkbench.store import ACCOUNTS_FILE, StoredResult, read_result, write_result
from csworkbench.workspace import find_workspace, load_workspace, project_root

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.views import View

KEY, FILE = "account_id", "file"
NAMED = {KEY: "name", "csm_id": "csm"}
MOST_COUNTS = 3


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What a result of the whole book says of some accounts: their rows; nothing is estimated anew.

    Args:
        headline: How many accounts, and how many of them the result lists.
        figures: Counts.
        tables: Rows of these accounts by table, in the order of the whole.
        caveats: What the whole says, and its doubts.
        handouts: Tables that people take away, in the kinds the whole offers.
        actions: None: what is to do is said of the whole book.
        files: Files of the whole that these rows name in a column `file`, by path: their text.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    handouts: tuple[Handout, ...] = ()
    actions: tuple[Message, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def cut(whole: StoredResult, accounts: Collection[str], title: str) -> ShardResult:
    """Return the rows of some accounts out of a result; tables without a column account_id are left out.

    Args:
        whole: Result of the whole book.
        accounts: Ids of the accounts.
        title: What the accounts have in common.
    """
    found = ((name, whole.tables[name]) for name in whole.tables)
    tables = {
        name: frame[frame[KEY].isin(set(accounts))].reset_index(drop=True) for name, frame in found if KEY in frame
    }
    listed = {account for frame in tables.values() for account in frame[KEY]}
    headline = say(
        "{title}: {n:n account|accounts}, {listed:count} of them in this result",
        title=title, n=len(accounts), listed=len(listed),
    )  # fmt: skip
    counts = {name: Estimate(len(frame), "rows", len(frame)) for name, frame in list(tables.items())[:MOST_COUNTS]}
    figures = {"accounts": Estimate(len(accounts), "accounts", len(accounts)), **counts}
    return ShardResult(
        headline, figures, tables, _doubts(whole), _handouts(whole, tables), files=_files(whole, tables.values())
    )


def _files(whole: StoredResult, frames: "Iterable[pd.DataFrame]") -> dict[str, str]:
    """Return the text of each file of the whole that a row names."""
    named = {str(path) for frame in frames if FILE in frame for path in frame[FILE].dropna()}
    return {path: (whole.folder / path).read_text("utf-8") for path in whole.files if path in named}


def readable(frame: "pd.DataFrame", *, is_one: bool) -> "pd.DataFrame":
    """Return rows without the columns that tell a reader of their page nothing: ids beside names, and its own title.

    Args:
        frame: Rows of a page.
        is_one: The page is about one account: its rows need not say which.
    """
    needless = {number for number, name in NAMED.items() if name in frame}
    if is_one:
        needless |= {KEY, NAMED[KEY]}
    found = frame.drop(columns=needless & set(frame.columns))
    return found if len(found.columns) else frame


def _doubts(whole: StoredResult) -> tuple[Caveat, ...]:
    """Return what the whole says of itself: it holds for each of its rows."""
    said = say(
        "Every score and estimate was computed once, for the whole book, of which it is said: {headline}",
        headline=whole.headline,
    )
    doubts = [
        Caveat(each.code, each.severity, _as_it_is(each.text), _as_it_is(each.action) if each.action else None)
        for each in whole.caveats
    ]
    found = [*doubts, Caveat("whole_book", Severity.NOTE, said)]
    return tuple(sorted(found, key=lambda each: WORST_FIRST.index(each.severity)))


def _as_it_is(sentence: str) -> Message:
    return say("{sentence}", sentence=sentence)


def _handouts(whole: StoredResult, tables: Collection[str]) -> tuple[Handout, ...]:
    """Return the further kinds of files each table has beside the whole."""
    kinds = {
        name: {path.name.removeprefix(f"{name}.").split(".")[0] for path in (whole.folder / "tables").glob(f"{name}.*")}
        - {"csv", "parquet"}
        for name in tables
    }
    return tuple(Handout(name, tuple(sorted(each))) for name, each in kinds.items() if each)


class ShardDesk:
    """What the notebook of a shard works with. Made by `start`.

    Args:
        whole: Result of the whole book.
        accounts: Ids of the accounts of the shard.
        title: What they have in common.
        output_dir: Folder of the shard.
        language: Language of texts and numbers.
    """

    def __init__(
        self, whole: StoredResult, accounts: Collection[str], title: str, output_dir: Path, language: str
    ) -> None:
        self.result = cut(whole, accounts, title)
        self._whole, self._folder, self._language = whole, output_dir, language
        self._is_one = len(accounts) == 1

    def show(self) -> "View":
        """Return the verdict, the counts and the doubts as a view."""
        from csworkbench import views

        return views.show(self.result, self._language)

    def beside(self) -> "View":
        """Return how many rows each table has here and in the whole book, as a view."""
        import pandas as pd

        from csworkbench import views

        rows = [
            (label(name, self._language), frame[KEY].nunique(), len(frame), len(self._whole.tables[name]))
            for name, frame in self.result.tables.items()
        ]
        frame = pd.DataFrame(rows, columns=["list", "accounts_here", "rows_here", "rows_in_the_book"])
        return views.table(frame, "Rows here and in the whole book", limit=len(frame), language=self._language)

    def show_lists(self) -> None:
        """Show the first rows of every table that has some."""
        from IPython.display import display

        from csworkbench import views

        for name, frame in self.result.tables.items():
            if len(frame):
                shown = readable(frame, is_one=self._is_one)
                display(views.table(shown, label(name, self._language), language=self._language))  # type: ignore[no-untyped-call]

    def conclude(self) -> "View":
        """Write the rows and the result into the folder of the shard, and return the read-out as a view."""
        from csworkbench import views

        write_result(
            self._folder,
            self.result,
            analysis=self._whole.analysis,
            as_of=self._whole.as_of,
            config=self._whole.config,
            tables=write_files(self.result, self._folder),
            language=self._language,
        )
        return views.conclude(self.result, self._language)


def start(workspace: str, title: str, output_dir: str) -> ShardDesk:
    """Return the desk of a shard; its arguments are parameters of the notebook.

    Args:
        workspace: Path of workspace.yaml, from the project.
        title: What its accounts have in common.
        output_dir: Folder of the shard, from the project: two folders below that of the whole result.

    Raises:
        RunError: there is no folder, or it holds no accounts, or the whole result cannot be read.
    """
    path = find_workspace(workspace or None, Path.cwd())
    folder = project_root(path) / output_dir
    try:
        accounts = json.loads((folder / ACCOUNTS_FILE).read_text("utf-8")) if output_dir else None
    except (OSError, ValueError) as error:
        raise RunError(f"{ACCOUNTS_FILE}: the accounts of this page cannot be read: {error}") from error
    if accounts is None:
        raise RunError("this notebook is executed by `csw run --by`; alone it has no accounts to show")
    whole = read_result(folder.parents[1])
    return ShardDesk(whole, accounts, title, folder, load_workspace(path).language)
