"""Pages by an attribute of accounts: which accounts have which value, and a job for each value of each result."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from csworkbench.errors import ConfigError, Problem, did_you_mean
from csworkbench.estimates import say
from csworkbench.formats import label, printable, text
from csworkbench.planner.keys import cell_digests, hash_of
from csworkbench.store import ACCOUNTS_FILE, PARTS_FOLDER, Job, RunInfo, RunRecord, Shard, read_notebook, shard_names
from csworkbench.tables import SPECS, Kind, Role
from csworkbench.workspace import ExtraColumn, Workspace

if TYPE_CHECKING:
    from csworkbench.asof import Snapshot
    from csworkbench.sources import Book

ALIASES = {"tier": "value_tier"}
CSM, ACCOUNT = "csm", "account"
MOST_PAGES = 5_000
WORKBOOK = "pages.xlsx"


@dataclass(frozen=True, slots=True)
class Group:
    """The accounts that have one value.

    Args:
        value: The value; empty for those without.
        title: The value as a reader sees it.
        folder: Name of the folder of its page.
        accounts: Ids, in order.
    """

    value: str
    title: str
    folder: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Division:
    """A book divided by one attribute: each account is in one group.

    Args:
        by: The attribute, as it was asked for.
        groups: In the order of their titles; those without last.
    """

    by: str
    groups: tuple[Group, ...]


def check_attribute(workspace: Workspace, by: str) -> None:
    """Refuse what accounts do not share, before any data is read: a workspace declares every column it keeps.

    Args:
        workspace: What was declared.
        by: csm, account, tier, or any attribute of accounts that is a text or yes or no.

    Raises:
        ConfigError: There is no such attribute, or it is an amount or a date.
    """
    from csworkbench.filters.attributes import ACCOUNT_FACTS

    source = workspace.tables.get("accounts")
    extras = [(name, _extra(each)) for name, each in source.extra.items()] if source else []
    kinds = {column.name: column.kind for column in SPECS["accounts"].columns if column.name != "account_id"}
    kinds |= {name: Kind.INTEGER if fact.is_count else Kind.DATE for name, fact in ACCOUNT_FACTS.items()}
    kinds |= {name: each.type for name, each in extras if each.role is Role.ATTRIBUTE}
    kinds |= {CSM: Kind.TEXT, ACCOUNT: Kind.TEXT} | {name: kinds[column] for name, column in ALIASES.items()}
    shared = [name for name, kind in kinds.items() if kind in {Kind.TEXT, Kind.BOOLEAN}]
    if by not in kinds:
        hint = did_you_mean(by, kinds, f"there are {', '.join(shared)}")
        raise ConfigError(Problem(f"accounts have no attribute '{by}'", key="--by", hint=hint))
    if by not in shared:
        what = "a date" if kinds[by] in {Kind.DATE, Kind.INSTANT} else "an amount"
        hint = "choose one that is a text, such as region, tier or csm"
        raise ConfigError(
            Problem(f"'{by}' is {what}, and pages need values that accounts share", key="--by", hint=hint)
        )


def _extra(declared: Kind | ExtraColumn) -> ExtraColumn:
    return declared if isinstance(declared, ExtraColumn) else ExtraColumn(type=declared)


def divide(book: "Book", as_of: date, by: str) -> Division:
    """Return the accounts of a book by an attribute, as it was known on a day.

    Args:
        book: The book.
        as_of: The day.
        by: What `check_attribute` lets pass.
    """
    from csworkbench.asof import take

    snapshot = take(book, as_of)
    if by == ACCOUNT:
        names = {account: _named(name, account) for account, name in _attribute(snapshot, "name").items()}
        values = {account: account for account in names}
    elif by == CSM:
        values, names = _csms(snapshot)
    else:
        values, names = _attribute(snapshot, ALIASES.get(by, by)), {}
    members: dict[str, list[str]] = {}
    for account, value in values.items():
        members.setdefault(value, []).append(account)
    return Division(by, _groups(by, members, names, snapshot.workspace.language))


def _groups(by: str, members: Mapping[str, list[str]], names: Mapping[str, str], language: str) -> tuple[Group, ...]:
    what = label(by, language)
    what = what if what.isupper() else what[:1].lower() + what[1:]
    without = text(say("Without {what}", what=what), language)
    titles = {value: printable(names.get(value, value)) if value else without for value in members}
    values = sorted(members, key=lambda value: (not value, titles[value].casefold(), value))
    # Who is called like nobody else has the folder of that name; ids of accounts need no name to tell them apart.
    shown = {value: value if by == ACCOUNT or not value else titles[value] for value in values}
    folders = shard_names(by, [shown[value] for value in values])
    return tuple(
        Group(value, titles[value], folder, tuple(sorted(members[value])))
        for value, folder in zip(values, folders, strict=True)
    )


def _attribute(snapshot: "Snapshot", name: str) -> dict[str, str]:
    """Return the value of each account as text, by account_id; empty where there is none."""
    from csworkbench.filters import accounts_at

    table = accounts_at(snapshot, [snapshot.as_of], wanted=[name])
    frame = table.select("account_id", name).to_pandas().set_index("account_id")[name]
    return {str(account): _text(value) for account, value in frame.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.strip() if isinstance(value, str) else ""


def _csms(snapshot: "Snapshot") -> tuple[dict[str, str], dict[str, str]]:
    """Return the csm_id of each account, empty without one, and what each CSM is called; two of one name by both."""
    from csworkbench.features import owner_names, owners

    held, called = owners(snapshot).to_dict(), owner_names(snapshot).to_dict()
    names = {str(csm): str(called[account]).strip() for account, csm in held.items()}
    often = {name for name in names.values() if list(names.values()).count(name) > 1}
    names = {csm: _named(name, csm) if name in often or not name else name for csm, name in names.items()}
    accounts = snapshot.tables["accounts"].select("account_id").to_pandas()["account_id"]
    return {str(account): str(held.get(account, "")) for account in accounts}, names


def _named(name: str, identifier: str) -> str:
    return f"{name} ({identifier})" if name else identifier


def shard_jobs(jobs: Sequence[Job], wanted: Iterable[str], division: Division, info: RunInfo) -> tuple[Job, ...]:
    """Return a job for each value and each wanted notebook that leaves a result.

    Args:
        jobs: Jobs of the whole book.
        wanted: Names of notebooks that were asked for, not only needed.
        division: The accounts by value.
        info: What the run is made from.

    Raises:
        ConfigError: They would be too many pages.
    """
    asked = set(wanted)
    whole = [job for job in jobs if job.has_result and job.name in asked and job.skip is None]
    count = len(whole) * len(division.groups)
    if count > MOST_PAGES:
        what = f"{len(division.groups):,} values of '{division.by}' for {len(whole)} notebooks are {count:,} pages"
        hint = f"at most {MOST_PAGES:,} are made in a run; name notebooks, such as `csw run health --by {division.by}`"
        raise ConfigError(Problem(what, key="--by", hint=hint))
    path = Path(str(resources.files("csworkbench"))) / "templates" / "shard.ipynb"
    cells = cell_digests(read_notebook(path))
    return tuple(_job(job, group, division.by, (path, cells), info) for job in whole for group in division.groups)


def _job(whole: Job, group: Group, by: str, source: tuple[Path, list[str]], info: RunInfo) -> Job:
    path, cells = source
    parameters = {
        "workspace": info.workspace,
        "of": whole.name,
        "by": by,
        "value": group.value,
        "title": group.title,
        "output_dir": "",
    }
    made_of = {
        "parameters": parameters,
        "config": {},
        "workspace": {"language": info.language},
        "ends_on": "",
        "cells": cells,
        "upstream": {whole.name: whole.key},
        "inputs": {"its accounts": {"rows": len(group.accounts), "digest": hash_of(group.accounts)}},
        "code": info.code,
        "versions": dict(info.versions),
    }
    return Job(
        name=f"{whole.name}/{PARTS_FOLDER}/{group.folder}",
        notebook=path,
        parameters=parameters,
        needs=(whole.name,),
        timeout_seconds=whole.timeout_seconds,
        key=hash_of(made_of),
        made_of=made_of,
        shard=Shard(whole.name, by, group.value, group.title),
        secrets=whole.secrets,
        files={ACCOUNTS_FILE: json.dumps(group.accounts, ensure_ascii=False, indent=0) + "\n"},
    )


def pages_workbook(record: RunRecord) -> Mapping[str, bytes]:
    """Return the workbook that lists the pages of a run by an attribute, with filters; nothing where it has none.

    Args:
        record: The record of the run.
    """
    import pandas as pd

    from csworkbench.exports import workbook

    rows = [
        {
            "status": "unchanged" if item.cached_from and item.status.delivered else item.status.value,
            "analysis": label(item.shard.of, record.info.language),
            "by": item.shard.by,
            "value": item.shard.title,
            "headline": item.headline,
            "reason": item.reason,
            "page": f"{item.name}/report.html" if item.status.delivered or item.failure else "",
            "rows": sum(each.rows or 0 for each in item.artifacts if each.path.endswith(".csv")),
            "files": ", ".join(each.path for each in item.artifacts if each.path.endswith((".csv", ".xlsx"))),
        }
        for item in record.notebooks
        if item.shard is not None
    ]
    return {WORKBOOK: workbook(pd.DataFrame(rows), "pages")} if rows else {}
