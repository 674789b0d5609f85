"""The command that explains: a score in parts, why a contact is listed or not, and what a key does."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from csworkbench.cli.console import answer, answer_json, answer_rows, tell
from csworkbench.cli.options import JsonOption, OutOption, WorkspaceOption

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.cli.catalog import Project
    from csworkbench.cli.meaning import Meaning
    from csworkbench.cli.stored import Past
    from csworkbench.store import StoredResult

HEALTH = "health"
SUM_TOLERANCE = 1e-9
"""Parts of a score and the score are the same sum in another order: they differ by rounding alone."""
NEAR_NAME = 0.75
SHOWN_ACCOUNTS = 3
STANDINGS = {"left_out": "left out", "struck": "struck off", "held_out": "held out", "proposals": "proposed"}
"""Ends of the names of tables with contacts, and how somebody stands there; in any other list they are listed."""
SAID = ("rule", "list", "play", "channel", "purpose", "basis", "last_touch_on", "due_on", "program")
"""What is told of a contact beside the reason: nothing that is a name or an address."""


def explain(
    what: Annotated[str, typer.Argument(metavar="account|contact|KEY", help="What is asked about.")],
    ident: Annotated[str, typer.Argument(metavar="ID", help="Id of the account or contact.")] = "",
    *,
    workspace: WorkspaceOption = None,
    out: OutOption = None,
    json: JsonOption = False,
) -> None:
    """Explain a health score, why a contact is on each list or not, or what a key does.

    Args:
        what: account, contact, or a dotted key such as health.compare_months.
        ident: Id of the account or contact.
        workspace: The workspace.yaml.
        out: Folder of all outputs.
        json: Answer as JSON.

    Raises:
        ConfigError: An id is missing, too many, or unknown; there is no result yet; or no config has the key.
    """
    from csworkbench.cli.catalog import open_project
    from csworkbench.errors import ConfigError, Problem

    kinds = {"account": _account, "contact": _contact}
    if (what in kinds) != bool(ident):
        message = "which one? its id is missing" if what in kinds else "a key takes no id"
        raise ConfigError(Problem(message, key=what, hint="csw explain account ID | contact ID | KEY"))
    project = open_project(workspace)
    if what not in kinds:
        _key(project, out, what, as_json=json)
        return
    said = kinds[what](project, out, ident)
    if json:
        answer_json({"exit_code": 0, **said})
    else:
        (_answer_account if what == "account" else _answer_contact)(said)


def _account(project: "Project", out: Path | None, ident: str) -> dict[str, Any]:
    """Return the score of an account with the weight, data and share of each part."""
    from csworkbench.cli.stored import newest
    from csworkbench.errors import ConfigError, Problem, RunError

    past = newest(project, out, HEALTH)
    tables = past.results[HEALTH].tables
    scores = tables["scores"].set_index("account_id", drop=False)
    if ident not in scores.index:
        hint = _meant(ident, {str(key): str(name) for key, name in scores["name"].items()})
        raise ConfigError(Problem("no account of the latest health result has this id", key=ident, hint=hint))
    parts = tables["measures"].query("account_id == @ident")
    adds = tables["contributions"].query("account_id == @ident")[["measure", "effective_percent", "contribution"]]
    whole = _plain(scores.loc[ident].to_dict())
    if whole["score"] is not None and abs(adds["contribution"].sum() - whole["score"]) > SUM_TOLERANCE:
        raise RunError(f"the parts of the score of {ident} do not add up to it: run `csw run health --force`")
    merged = parts.merge(adds, on="measure", how="left").drop(columns="account_id")
    return {**past.to_json(HEALTH), **whole, "parts": [_plain(row) for row in merged.to_dict("records")]}


def _meant(word: str, names: Mapping[str, str]) -> str:
    """Return the hint for a word that is the id of no account: those of that name or a near one, else a near id."""
    from difflib import get_close_matches

    from csworkbench.errors import did_you_mean

    folded = {ident: name.casefold() for ident, name in names.items()}
    near = get_close_matches(word.casefold(), folded.values(), n=1, cutoff=NEAR_NAME)
    found = [ident for ident, name in folded.items() if word.casefold() in name] or [
        ident for ident, name in folded.items() if name in near
    ]
    if not found:
        return did_you_mean(word, names, "accounts that have left are not scored")
    shown = " or ".join(f"{ident} ({names[ident]})" for ident in found[:SHOWN_ACCOUNTS])
    return f"did you mean {shown}?"


def _answer_account(said: Mapping[str, Any]) -> None:
    from csworkbench.formats import label, number, share

    if said["score"] is None:
        told = f"not scored: {share(said['coverage'], 0)} of the weight rests on data, too little"
    else:
        told = f"{number(said['score'], 1)} points, {label(said['band'])}"
    answer(f"{said['account_id']} {said['name']}: {told} (scorecard {said['scorecard']}: {said['rule']})")
    answer()
    lines = [
        (part["label"], part["group"], part["text"] or _figure(part["value"]), str(part["basis"]),
         _figure(part["age_days"]), _figure(part["points"]), _figure(part["effective_percent"]),
         _figure(part["contribution"], 4))
        for part in said["parts"]
    ]  # fmt: skip
    answer_rows(("part", "group", "data", "basis", "days old", "points", "weight %", "adds"), lines)
    if said["score"] is not None:
        answer()
        answer(f"sum {_figure(said['score'], 4)}; a part adds its points times its weight")
    if said.get("override"):
        answer(f"set by hand to {said['override']}: {said['override_reason'] or 'no reason was given'}")
    _answer_source(said)


def _contact(project: "Project", out: Path | None, ident: str) -> dict[str, Any]:
    """Return how a contact stands on each list of the newest run that made one."""
    from csworkbench.cli.stored import newest
    from csworkbench.errors import ConfigError, Problem, did_you_mean

    def has_lists(results: "Mapping[str, StoredResult]") -> bool:
        return any(_is_list(table) for result in results.values() for table in result.tables)

    past = newest(project, out, fits=has_lists)
    accounts = _people(project, out, past)
    if ident not in accounts:
        hint = did_you_mean(ident, accounts, "ids are those of the table contacts")
        raise ConfigError(Problem("no contact of the data has this id", key=ident, hint=hint))
    lists = {name: dict(_lists(result.tables)) for name, result in past.results.items()}
    said = []
    for name, tables in lists.items():
        rows = [row for table, frame in tables.items() for row in _standings(table, frame, ident)]
        none = {"standing": "not listed", "reason": "no rule asks for it"}
        said += [{"analysis": name, **row} for row in rows or ([none] if tables else [])]
    return {
        **past.to_json(*(n for n, tables in lists.items() if tables)),
        "contact_id": ident,
        "account_id": accounts[ident],
        "lists": said,
    }


def _people(project: "Project", out: Path | None, past: "Past") -> dict[str, str | None]:
    """Return the account of each contact by id; nothing else of a person is read."""
    from datetime import date

    from csworkbench.asof import take
    from csworkbench.planner.inputs import reopened
    from csworkbench.workspace import load_workspace

    place = out.absolute() if out else project.root / "outputs"
    with reopened(load_workspace(project.workspace), project.root, place, is_dry=True) as book:
        snapshot = take(book, date.fromisoformat(past.as_of))
        if "contacts" not in snapshot.tables:
            return {}
        frame = snapshot.tables["contacts"].select("contact_id", "account_id").execute()
    return {str(row.contact_id): row.account_id for row in frame.itertuples()}


def _lists(tables: "Mapping[str, pd.DataFrame]") -> "Iterator[tuple[str, pd.DataFrame]]":
    for name in filter(_is_list, tables):
        frame = tables[name]
        if "contact_id" in frame.columns:
            yield name, frame


def _is_list(table: str) -> bool:
    return table.endswith(tuple(STANDINGS)) or table.startswith(("list", "resend"))


def _standings(table: str, frame: "pd.DataFrame", ident: str) -> Iterator[dict[str, Any]]:
    standing = next((word for end, word in STANDINGS.items() if table.endswith(end)), "listed")
    for row in frame[frame["contact_id"] == ident].to_dict("records"):
        plain = _plain({name: row.get(name) for name in SAID})
        why = row.get("reasons") or row.get("reason") or ("drawn for the holdout" if "held" in standing else "")
        yield {"table": table, "standing": standing, "reason": _plain({"why": why})["why"] or "", **plain}


def _answer_contact(said: Mapping[str, Any]) -> None:
    answer(f"{said['contact_id']} of account {said['account_id'] or 'not known'}")
    answer()
    for row in said["lists"]:
        rule = row.get("rule") or row.get("list")
        answer(f"{row['analysis']}{f' ({rule})' if rule else ''}: {row['standing']}: {row['reason'] or '-'}")
        facts = {name: row.get(name) for name in SAID if name not in ("rule", "list") and row.get(name)}
        if facts:
            answer("    " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items()))
    _answer_source(said)


def _key(project: "Project", out: Path | None, word: str, *, as_json: bool) -> None:
    from csworkbench.cli.meaning import meanings
    from csworkbench.cli.stored import newest
    from csworkbench.errors import ConfigError

    found = meanings(project, word)
    try:
        past = newest(project, out)
    except ConfigError:
        past = None
    figures = {name: list(result.figures) for name, result in past.results.items()} if past else {}
    if as_json:
        keys = [{**each.to_json(), "figures": {n: figures.get(n, []) for n in each.moves}} for each in found]
        source = past.to_json() if past else {}
        answer_json({"exit_code": 0, **source, "keys": keys})
        return
    for each in found:
        _answer_meaning(each, figures)


def _answer_meaning(each: "Meaning", figures: Mapping[str, list[str]]) -> None:
    key = each.key
    answer(f"{each.name}.{key.key}: {key.description}")
    answer(f"  allowed  {key.type}{f', in {key.unit}' if key.unit else ''}")
    answer(f"  default  {'none, it is required' if key.is_required else key.default or 'not set'}")
    where = f"set in {key.place}" if key.place else f"the default; {each.file or 'no file'} does not set it"
    answer(f"  now      {key.value or 'not set'} ({where})")
    for place, name in enumerate(each.moves):
        shown = f": {', '.join(figures[name])}" if figures.get(name) else ""
        answer(f"  {'moves   ' if not place else ' ' * 8} {name}{shown}")
    if not each.moves:
        answer("  moves    no figure")


def _answer_source(said: Mapping[str, Any]) -> None:
    answer()
    answer(f"from run {said['run_id']}, nothing known after {said['as_of']}")
    reasons: dict[str, list[str]] = {}
    for name, why in said["stale"].items():
        reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        tell(f"not fresh: {', '.join(names)}: {why}; `csw run {' '.join(names)}` computes that again")


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row in JSON types; a missing value is null, an instant its day."""
    from csworkbench.formats import is_missing

    def one(value: Any) -> Any:
        if is_missing(value):
            return None
        if hasattr(value, "date"):
            return value.date().isoformat()
        return value.item() if hasattr(value, "item") else value

    return {str(name): one(value) for name, value in row.items()}


def _figure(value: float | None, digits: int | None = None) -> str:
    from csworkbench.formats import number

    return "-" if value is None else number(value, digits)
