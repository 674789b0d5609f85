"""Strict YAML 1.2 read into nodes that know their line and column; nothing is ever executed.

Stricter than YAML where a guess could change a value: a number with leading zeros (`0046`), with underscores or with
colons (`12:30`) stays text, and so do `yes`, `no`, `on` and `off`. Keys are always text, as written.
Anchors, aliases and merge keys (`<<`) are accepted within limits; tags and several documents in a file are not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from csworkbench.errors import Problem, did_you_mean

MAX_BYTES = 200_000
MAX_TEXT = 50_000_000  # of files that are no configs; the digest in the name of a record tells of a cut
MAX_DEPTH = 100
MAX_NODES = 100_000
_TOO_LARGE = f"the file is larger than {MAX_BYTES:,} bytes: no config is"
_REPLACED = "\ufffd"  # stands where a byte was no UTF-8

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DIGITS = 4_000  # longer than any number of ours, and shorter than what Python refuses to turn into an int

Scalar = str | int | float | bool | None


@dataclass(slots=True)
class Node:
    """One value of a YAML file and where it stands; never changed once read, as aliases share it.

    Args:
        value: Scalar, list of Nodes, or mapping of key to Node.
        file: Path relative to the project root, or what else it came from.
        line: 1-based; None where it did not come from a file.
        column: 1-based.
        keys: Places of a mapping's keys as (file, line, column).
        source: A scalar as written.
        size: Number of nodes in it, aliases spelled out.
        depth: Levels below it.
        is_file: It is the top of a file.
        is_broken: A problem of it is already told.
    """

    value: "Scalar | list[Node] | dict[str, Node]"
    file: str = ""
    line: int | None = None
    column: int | None = None
    keys: dict[str, tuple[str, int | None, int | None]] = field(default_factory=dict)
    source: str = ""
    size: int = 1
    depth: int = 0
    is_file: bool = False
    is_broken: bool = False

    def problem(self, message: str, key: str = "", hint: str = "") -> Problem:
        """Return a problem at this node.

        Args:
            message: What is wrong.
            key: Dotted key.
            hint: What to do.

        Returns:
            Problem with this node's place.
        """
        return Problem(message, self.file, self.line, self.column, key, hint)


class UnreadableError(Exception):
    """A file that cannot be read into nodes.

    Args:
        problems: What is wrong, with places.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*(str(problem) for problem in problems))
        self.problems = problems


def read_document(path: Path, name: str) -> Node:
    """Return the mapping a YAML file holds.

    Args:
        path: File.
        name: How problems call it: its path relative to the project root.

    Returns:
        Node of the top mapping.

    Raises:
        UnreadableError: The file is missing, no UTF-8, no strict YAML, empty or no mapping.
    """
    return document(_text_of(path, name), name)


def document(text: str, name: str) -> Node:
    """Return the mapping a YAML text holds.

    Args:
        text: What stands in a file, decoded.
        name: How problems call it.

    Returns:
        Node of the top mapping.

    Raises:
        UnreadableError: It is no UTF-8, too large, no strict YAML, empty or no mapping.
    """
    if _REPLACED in text:
        raise UnreadableError(Problem("the file is not UTF-8", name, *_place_of(text, text.index(_REPLACED))))
    if len(text) > MAX_BYTES:
        raise UnreadableError(Problem(_TOO_LARGE, name, 1, 1))
    top = parse(text.removeprefix("\ufeff"), name)
    if not isinstance(top.value, dict):
        found = "nothing but comments" if top.value is None else "no keys"
        raise UnreadableError(Problem(f"the file must hold keys such as 'name: value'; it holds {found}", name, 1, 1))
    return replace(top, is_file=True)


@lru_cache(maxsize=64)
def parse(text: str, name: str) -> Node:
    """Return the one YAML document in a text; remembered, as one command reads the same scorecard several times.

    Args:
        text: YAML.
        name: How problems call it.

    Returns:
        Its top node.

    Raises:
        UnreadableError: It is no strict YAML.
    """
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    _refuse_brackets(text, name)
    composer = _Composer(name)
    try:
        for event in _events(text):
            composer.take(event)
    except MarkedYAMLError as error:
        raise UnreadableError(_syntax_problem(error, name)) from None
    except ReaderError as error:
        line, column = _place_of(text, error.position)
        message = f"the character U+{error.character:04X} is not allowed in YAML"
        raise UnreadableError(Problem(message, name, line, column)) from None
    if composer.problems:
        raise UnreadableError(*composer.problems)
    if composer.top is None:
        raise UnreadableError(Problem("the file is empty", name, 1, 1))
    return composer.top


def typed(source: str) -> Scalar:
    """Return what an unquoted scalar of YAML means.

    Args:
        source: The scalar as written.

    Returns:
        None, bool, int, float or the text itself.
    """
    if _NULL.fullmatch(source):
        return None
    if _BOOL.fullmatch(source):
        return source.lower() == "true"
    if _INT.fullmatch(source) and len(source) < _DIGITS:
        return int(source)
    if _FLOAT.fullmatch(source) and abs(number := float(source)) != float("inf"):
        return number
    return source


def texts_of(folder: Path, pattern: str = "*.yaml") -> dict[str, str]:
    """Return what stands in the files of a folder, by file name; what is wrong with a config, `document` says.

    Args:
        folder: Folder; one that is not there has no files.
        pattern: Their names.
    """
    return {path.name: _as_it_stands(path) for path in sorted(folder.glob(pattern))}


def _as_it_stands(path: Path) -> str:
    """Return a text to the byte where it is UTF-8; what cannot be read is empty."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_TEXT).decode("utf-8", "replace")
    except OSError:
        return ""


def _text_of(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or "unreadable").lower()
        raise UnreadableError(Problem(reason, name, hint=_near_file(path))) from None
    if len(raw) > MAX_BYTES:
        raise UnreadableError(Problem(_TOO_LARGE, name, 1, 1))
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableError(Problem("the file is UTF-16", name, 1, 1, hint="save it as UTF-8"))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place_of(raw[: error.start].decode("utf-8-sig", "replace"), None)
        message = f"the byte {raw[error.start]:#04x} is not UTF-8"
        raise UnreadableError(Problem(message, name, line, column, hint="save the file as UTF-8")) from None


def _near_file(path: Path) -> str:
    there = [other.name for other in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    return did_you_mean(path.name, there)


def _place_of(text: str, position: int | None) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _events(text: str) -> Iterator[Any]:
    from ruamel.yaml import YAML

    # The pure parser is a state machine without recursion, and lazy: a bomb is refused before it is read whole.
    yield from YAML(typ="safe", pure=True).parse(text)


def _refuse_brackets(text: str, name: str) -> None:
    """Refuse thousands of open brackets before the scanner sees them: its time grows with their square."""
    level = 0
    for found in re.finditer(r"[\[{]|[\]}]", text):
        level = level + 1 if found.group() in "[{" else max(0, level - 1)
        if level > 3 * MAX_DEPTH:
            line, column = _place_of(text, found.start())
            raise UnreadableError(Problem(f"more than {MAX_DEPTH} levels deep", name, line, column))


def _syntax_problem(error: Any, name: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    found = " ".join(str(error.problem or error.context or "this is no YAML").split())
    message, hint = found, ""
    if "'\\t'" in found:
        message, hint = "a tab cannot indent YAML", "use spaces"
    elif "mapping values are not allowed" in found:
        message, hint = "a second ':' on the line", "put a text that holds ': ' in quotes"
    elif "could not find expected ':'" in found:
        message, hint = "there is no ':' after the key before this place", "write 'key: value'"
    elif "that cannot start any token" in found:
        message, hint = f"a text cannot start so: {found.removesuffix(' that cannot start any token')}", "use quotes"
    elif "expected <block end>" in found:
        message, hint = "this does not continue what stands above it", "check the indentation and the quotes"
    elif "quoted scalar" in str(error.context) and error.context_mark and "end of stream" in found:
        mark, message = error.context_mark, "the quote opened here is never closed"
    elif "flow" in str(error.context) and error.context_mark:
        message, hint = found, f"the bracket of line {error.context_mark.line + 1} is not closed before"
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Problem(message, name, line, column, hint=hint)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    node: Node
    anchor: str | None
    key: Node | None = None
    merged: list[Node] = field(default_factory=list)


class _Composer:
    """Builds nodes from YAML events, with limits, and notes what strictness forbids."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.top: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0

    def take(self, event: Any) -> None:
        kind = type(event).__name__
        match kind:
            case "DocumentStartEvent":
                self._documents += 1
                if self._documents > 1:
                    self._stop("a config file holds one document; this starts another", event)
                if event.version not in (None, (1, 2)):
                    self._stop("configs are YAML 1.2", event)
            case "AliasEvent":
                self._add(self._alias(event))
            case "ScalarEvent":
                self._add(self._scalar(event))
            case "MappingStartEvent" | "SequenceStartEvent":
                self._start(event, {} if kind == "MappingStartEvent" else [])
            case "MappingEndEvent" | "SequenceEndEvent":
                self._end(event)

    def _stop(self, message: str, event: Any) -> NoReturn:
        raise UnreadableError(*self.problems, self._node(event, None).problem(message))

    def _node(self, event: Any, value: Any, source: str = "") -> Node:
        return Node(value, self.name, event.start_mark.line + 1, event.start_mark.column + 1, source=source)

    def _scalar(self, event: Any) -> Node:
        self._refuse_tag(event)
        is_plain = event.implicit[0]
        try:  # JSON writes "\ud83d\ude00" for one character, and JSON is YAML
            source = event.value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._stop("half of a surrogate pair is no character", event)
        node = self._node(event, typed(source) if is_plain else source, source)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _start(self, event: Any, value: Any) -> None:
        self._refuse_tag(event)
        if len(self._open) >= MAX_DEPTH:
            self._stop(f"more than {MAX_DEPTH} levels deep", event)
        self._open.append(_Open(self._node(event, value), event.anchor))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        for merged in done.merged:
            self._merge(done.node, merged)
        if done.node.size > MAX_NODES:
            self._stop(f"aliases make this more than {MAX_NODES:,} values", event)
        if done.anchor:
            self._anchors[done.anchor] = done.node
        self._add(done.node)

    def _alias(self, event: Any) -> Node:
        target = self._anchors.get(event.anchor)
        if target is None:
            self._stop(f"the alias '*{event.anchor}' has no finished anchor before it", event)
        if len(self._open) + target.depth > MAX_DEPTH:
            self._stop(f"more than {MAX_DEPTH} levels deep", event)
        return target

    def _add(self, node: Node) -> None:
        if not self._open:
            self.top = node
            return
        parent = self._open[-1]
        if isinstance(parent.node.value, list):
            parent.node.value.append(node)
        elif parent.key is None:
            parent.key = node
            return
        else:
            self._pair(parent, parent.key, node)
            parent.key = None
        parent.node.size += node.size
        parent.node.depth = max(parent.node.depth, node.depth + 1)

    def _pair(self, parent: _Open, key: Node, node: Node) -> None:
        mapping = parent.node.value
        if not isinstance(mapping, dict) or isinstance(key.value, dict | list):
            self.problems.append(key.problem("a key must be a word or a number, not a list or a mapping"))
            return
        if key.source == "<<" and key.value == "<<":
            parent.merged.extend(node.value if isinstance(node.value, list) else [node])
            return
        name = key.source
        if name in mapping:
            first = parent.node.keys[name][1]
            self.problems.append(key.problem(f"the key is already set on line {first}", name, "remove one of the two"))
            return
        mapping[name] = node
        parent.node.keys[name] = (key.file, key.line, key.column)

    def _merge(self, node: Node, merged: Node) -> None:
        if not isinstance(merged.value, dict) or not isinstance(node.value, dict):
            self.problems.append(merged.problem("'<<' merges a mapping or a list of mappings"))
            return
        for name, value in merged.value.items():
            if name not in node.value:
                node.value[name] = value
                node.keys[name] = merged.keys[name]

    def _refuse_tag(self, event: Any) -> None:
        tag = str(event.tag) if event.tag else ""
        if tag:
            problem = self._node(event, None).problem(
                f"tags are not allowed: {tag[:80]!r}", hint="write the plain value"
            )
            self.problems.append(problem)
