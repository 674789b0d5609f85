"""Configs: strict YAML with places, plain English, references, overrides, digests, saving (cases C01-C15)."""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, JsonValue, ValidationError, model_validator

from csworkbench.config import (
    FromFile,
    Request,
    Section,
    SettingError,
    describe,
    digest,
    json_schema,
    load,
    load_all,
    parse_override,
    preview,
    save,
    setting,
)
from csworkbench.config.documents import parse, typed
from csworkbench.config.faults import data_of, is_secret
from csworkbench.errors import ConfigError, EnvironmentProblem


class Tier(StrEnum):
    HIGH = "high"
    LOW = "low"


class Band(Section):
    name: str = setting(description="What the band is called.", min_length=1)
    low: float = setting(0, description="Lower edge.", unit="points", ge=0, le=100)


class Usage(Section):
    kind: Literal["usage"] = setting(description="Which source.")
    window_days: int = setting(28, description="Days counted.", unit="days", ge=1, le=365)
    usage: int = setting(1, description="A key that is called as the tag is.", ge=0, le=9)


class Tickets(Section):
    kind: Literal["tickets"] = setting(description="Which source.")
    severity: str = setting(description="Severity counted.")


Source = Annotated[Usage | Tickets, Field(discriminator="kind")]


class Card(Section):
    id: str = setting(description="Name of the file.")
    bands: tuple[Band, ...] = setting((), description="Bands, lowest first.", max_length=5)
    sources: dict[str, Source] = setting({}, description="Measures by name.")

    @model_validator(mode="after")
    def _bands_ascend(self) -> "Card":
        wrong = {
            f"bands.{index}.low": f"starts below band '{before.name}'"
            for index, (before, band) in enumerate(zip(self.bands, self.bands[1:], strict=False), start=1)
            if band.low < before.low
        }
        if wrong:
            raise SettingError(wrong)
        return self


class Engine(Section):
    threads: int = setting(2, description="Threads.", ge=1, le=64)
    memory_gb: float = setting(1.5, description="Memory.", unit="GB", gt=0, le=1024)

    @model_validator(mode="after")
    def _enough(self) -> "Engine":
        if self.memory_gb < self.threads / 10:
            raise ValueError("too little memory for the threads")
        return self


class Config(Section):
    version: Literal[1] = setting(1, description="Version of the layout.")
    name: str = setting("health", description="Name.")
    as_of: date | Literal["latest"] = setting("latest", description="Cut-off date.")
    at_risk_below: float = setting(40, description="Limit.", unit="points", tunable=True, ge=0, le=100)
    accounts: int = setting(3, description="How many.", ge=1, le=1000)
    is_weekly: bool = setting(default=True, description="Every week.")
    tier: Tier = setting(Tier.LOW, description="Tier.")
    engine: Engine = setting(Engine(), description="Engine.")
    source: Source | None = setting(None, description="Where from.")
    policy: str | Band = setting("drop", description="A word or a band.")
    labels: dict[str, str] = setting({}, description="Texts by value.")
    parameters: dict[str, JsonValue] = setting({}, description="Free values by name.")
    cards: list[Annotated[Card, FromFile()]] = setting([], description="Scorecards.")
    card: Annotated[Card, FromFile()] | None = setting(None, description="One scorecard.")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "configs").mkdir()
    return tmp_path


def read(root: Path, text: str, overrides: dict[str, object] | None = None, model: type[Section] = Config) -> Any:
    (root / "configs/health.yaml").write_text(text, encoding="utf-8")
    return load(Path("configs/health.yaml"), model, root, overrides)


def problems(root: Path, text: str, overrides: dict[str, object] | None = None) -> list[str]:
    with pytest.raises(ConfigError, match=r".") as caught:
        read(root, text, overrides)
    return [str(problem) for problem in caught.value.problems]


# --- strict YAML ----------------------------------------------------------------------------------------------------


def test_misspelt_key_is_refused_at_its_line_with_the_nearest_key(root):
    expected = "configs/health.yaml:2:1: at_risk_bellow: unknown key (did you mean 'at_risk_below'?)"
    assert problems(root, "name: a\nat_risk_bellow: 30\n") == [expected]


def test_key_without_a_near_name_lists_the_known_ones(root):
    assert problems(root, "engine:\n  zzz: 1\n") == [
        "configs/health.yaml:2:3: engine.zzz: unknown key (known keys: threads, memory_gb)"
    ]


def test_misspelt_required_key_is_one_problem_not_two(root):
    (found,) = problems(root, "card:\n  idd: a\n")
    assert found == "configs/health.yaml:2:3: card.idd: unknown key (did you mean 'id'?)"


def test_doubled_key_names_both_lines(root):
    assert problems(root, "name: a\naccounts: 2\nname: b\n") == [
        "configs/health.yaml:3:1: name: the key is already set on line 1 (remove one of the two)"
    ]


def test_every_doubled_key_and_tag_of_a_file_is_reported_at_once(root):
    assert len(problems(root, "a: 1\na: 2\nb: !x 1\nc: {d: 1, d: 2}\n")) == 3


@pytest.mark.parametrize("written", ["NO", "no", "yes", "on", "0046", "12:30", "1_000", "0x1F", "2026-09-30", "1.2.3"])
def test_plain_text_stays_text_as_written(root, written):
    assert read(root, f"name: {written}\n").name == written


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("40", 40),
        ("-3", -3),
        ("+3", 3),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("~", None),
        ("0", 0),
    ],
)
def test_plain_scalars_follow_the_core_schema(written, value):
    assert typed(written) == value
    assert type(typed(written)) is type(value)


@settings(deadline=None)  # the first example also imports ruamel
@given(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"), max_size=30
    )
)
def test_quoted_text_is_never_changed(text):
    # JSON's quoted form is a YAML double-quoted scalar.
    assert data_of(parse(f"a: {json.dumps(text)}\n", "x")) == {"a": text}


def test_number_where_text_is_wanted_asks_for_quotes(root):
    assert problems(root, "name: 46\n") == [
        'configs/health.yaml:1:1: name: must be text; found 46 (put it in quotes: "46")'
    ]


def test_keys_of_a_mapping_are_text_as_written(root):
    assert read(root, "labels: {0: 'No', 1: 'Yes', 007: agent, NO: Norway}\n").labels == {
        "0": "No",
        "1": "Yes",
        "007": "agent",
        "NO": "Norway",
    }


def test_python_tag_is_refused_and_nothing_runs(root):
    (found,) = problems(root, "name: !!python/object/apply:pathlib.Path.touch [gone]\n")
    assert found.startswith("configs/health.yaml:1:7: tags are not allowed: 'tag:yaml.org,2002:python/object/apply")


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "aliases make this more than 100,000 values"),
        ("a: &a [*a]\n", "has no finished anchor"),
        ("a: " + "[" * 5000 + "]" * 5000, "more than 100 levels deep"),
        ("a: " + "{b: " * 5000, "more than 100 levels deep"),
        ("".join(" " * level + "a:\n" for level in range(600)), "more than 100 levels deep"),
        ("".join(" " * level + "a:\n" for level in range(5000)), "larger than 200,000 bytes"),
        ("a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 60 + "*a" + "]" * 60, "more than 100 levels deep"),
    ],
    ids=["aliases", "alias of itself", "lists", "mappings", "indented", "large", "deep by alias"],
)
def test_bombs_are_refused_within_a_second(root, text, says):
    start = time.perf_counter()
    (found,) = problems(root, text)
    assert says in found
    assert time.perf_counter() - start < 1


def test_refusing_a_bomb_needs_little_memory(root):
    # The peak of the new program alone: ru_maxrss would count what the test's own process held before the exec.
    status = Path("/proc/self/status")
    if not status.is_file():
        pytest.skip("the peak memory of a process is read from /proc, which this system does not have")
    (root / "bomb.yaml").write_text("a: " + "[" * 5000)
    script = (
        "from pathlib import Path\nfrom csworkbench.config import Section, load\n"
        "from csworkbench.errors import ConfigError\n"
        "try:\n    load(Path('bomb.yaml'), Section, Path())\n"
        "except ConfigError:\n    print(Path('/proc/self/status').read_text())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    peak = next(line for line in done.stdout.splitlines() if line.startswith("VmHWM:"))
    assert int(peak.split()[1]) < 200 * 1024  # KiB


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "configs/health.yaml:1:1: the file is empty"),
        ("# only a comment\n", "configs/health.yaml:1:1: the file is empty"),
        (
            "~\n",
            "configs/health.yaml:1:1: the file must hold keys such as 'name: value'; it holds nothing but comments",
        ),
        ("- a\n", "configs/health.yaml:1:1: the file must hold keys such as 'name: value'; it holds no keys"),
        ("engine:\n\tthreads: 2\n", "configs/health.yaml:2:1: a tab cannot indent YAML (use spaces)"),
        ("name: a\n---\nname: b\n", "configs/health.yaml:2:1: a config file holds one document; this starts another"),
        ("%YAML 1.1\n---\nname: a\n", "configs/health.yaml:2:1: configs are YAML 1.2"),
        ("name: a: b\n", "configs/health.yaml:1:8: a second ':' on the line (put a text that holds ': ' in quotes)"),
        ("x: 1\nname: 'it\n", "configs/health.yaml:2:7: the quote opened here is never closed"),
        ("name: a\x00b\n", "configs/health.yaml:1:8: the character U+0000 is not allowed in YAML"),
        ('name: "\\ud800"\n', "configs/health.yaml:1:7: half of a surrogate pair is no character"),
        ("[a]: b\n", "configs/health.yaml:1:1: a key must be a word or a number, not a list or a mapping"),
    ],
)
def test_broken_file_is_refused_with_its_place(root, text, found):
    assert problems(root, text) == [found]


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("name: å".encode("utf-16"), "configs/health.yaml:1:1: the file is UTF-16 (save it as UTF-8)"),
        (
            "a: 1\nname: å".encode("latin-1"),
            "configs/health.yaml:2:7: the byte 0xe5 is not UTF-8 (save the file as UTF-8)",
        ),
    ],
)
def test_other_encodings_are_named(root, raw, found):
    (root / "configs/health.yaml").write_bytes(raw)
    with pytest.raises(ConfigError, match=r".") as caught:
        load(Path("configs/health.yaml"), Config, root)
    assert str(caught.value) == found


def test_byte_order_mark_and_crlf_are_accepted(root):
    (root / "configs/health.yaml").write_bytes("\ufeffname: 漢字\r\naccounts: 4\r\n".encode())
    config = load(Path("configs/health.yaml"), Config, root)
    assert (config.name, config.accounts) == ("漢字", 4)


def test_missing_file_names_the_nearest_one(root):
    (root / "configs/health.yaml").write_text("name: a\n")
    with pytest.raises(ConfigError, match=r"^configs/helth.yaml: no such file \(did you mean 'health.yaml'\?\)$"):
        load(Path("configs/helth.yaml"), Config, root)


def test_anchors_and_merge_keys_are_accepted_and_own_keys_win(root):
    text = "labels: &base {a: x, b: y}\ncard:\n  id: k\n  sources:\n    one: &one {kind: usage, window_days: 7}\n"
    config = read(root, text + "    two: {<<: *one, usage: 3}\n    three:\n      window_days: 9\n      <<: [*one]\n")
    assert config.card.sources["two"] == Usage(kind="usage", window_days=7, usage=3)
    assert config.card.sources["three"].window_days == 9


# --- what is allowed, in plain English ------------------------------------------------------------------------------


def test_all_wrong_types_of_a_file_come_in_one_pass_in_the_order_of_lines(root):
    text = "accounts: '4'\nat_risk_below: 0,5\nis_weekly: no\nas_of: 30.9.2026\ntier: hgih\nlabels: [a]\ncards: x\n"
    where = "configs/health.yaml"
    assert problems(root, text) == [
        f"{where}:1:1: accounts: must be a whole number from 1 to 1000; found the text '4' (write 4 without quotes)",
        f"{where}:2:1: at_risk_below: must be a number from 0 to 100; found the text '0,5' (write 0.5)",
        f"{where}:3:1: is_weekly: must be true or false; found the text 'no' (write false)",
        f"{where}:4:1: as_of: must be a date such as 2026-09-30 or 'latest'; found the text '30.9.2026'",
        f"{where}:5:1: tier: must be 'high' or 'low'; found the text 'hgih' (did you mean 'high'?)",
        f"{where}:6:1: labels: must be a mapping of names to texts; found a list of 1 item",
        f"{where}:7:1: cards: must be a list of paths of files or sections; found the text 'x'",
    ]


def test_value_out_of_bounds_says_the_bounds(root):
    assert problems(root, "engine: {threads: 0, memory_gb: 2000}\n") == [
        "configs/health.yaml:1:10: engine.threads: must be a whole number from 1 to 64; found 0",
        "configs/health.yaml:1:22: engine.memory_gb: must be a number above 0 and of at most 1024; found 2000",
    ]


def test_null_is_refused_where_a_value_is_needed(root):
    assert problems(root, "accounts:\n") == [
        "configs/health.yaml:1:1: accounts: must be a whole number from 1 to 1000; found nothing"
    ]


def test_number_with_leading_zeros_is_no_number(root):
    (found,) = problems(root, "accounts: 007\n")
    assert found.endswith("found the text '007' (write 7, without leading zeros)")


def test_missing_key_is_reported_at_its_section(root):
    assert problems(root, "name: a\ncard:\n  bands: []\n") == [
        "configs/health.yaml:2:1: card.id: is missing; it must be text"
    ]


@pytest.mark.parametrize("key", ["source", "sources"])
def test_fault_in_a_tagged_section_speaks_of_that_variant_only(root, key):
    text = "source: {kind: usage, window_days: 0, usage: x}\n"
    if key == "sources":
        text = "card:\n  id: a\n  sources:\n    s: {kind: usage, window_days: 0, usage: x}\n"
    found = problems(root, text)
    assert len(found) == 2
    assert found[0].endswith("window_days: must be a whole number from 1 to 365; found 0")
    assert found[1].endswith(".usage: must be a whole number from 0 to 9; found the text 'x'")


def test_unknown_tag_is_one_problem_with_the_nearest_tag(root):
    assert problems(root, "source:\n  kind: usag\n  zzz: 1\n") == [
        "configs/health.yaml:2:3: source.kind: "
        "must be 'usage' or 'tickets'; found the text 'usag' (did you mean 'usage'?)"
    ]


def test_missing_tag_says_the_tags(root):
    assert problems(root, "source: {window_days: 3}\n") == [
        "configs/health.yaml:1:1: source: 'kind' is missing; it must be 'usage' or 'tickets'"
    ]


def test_union_of_text_and_section_is_one_problem(root):
    assert problems(root, "policy: 4\n") == [
        "configs/health.yaml:1:1: policy: must be text or a section with the keys 'name', 'low'; "
        'found 4 (put it in quotes: "4")'
    ]
    assert problems(root, "policy: {name: a, low: 200}\n") == [
        "configs/health.yaml:1:19: policy.low: must be a number from 0 to 100; found 200"
    ]


def test_validator_of_a_section_points_at_the_line_of_the_section(root):
    assert problems(root, "name: a\nengine:\n  threads: 60\n") == [
        "configs/health.yaml:2:1: engine: too little memory for the threads"
    ]


def test_validator_that_names_keys_points_at_them(root):
    text = "card:\n  id: a\n  bands:\n    - {name: x, low: 50}\n    - {name: y, low: 40}\n    - {name: z, low: 30}\n"
    assert problems(root, text) == [
        "configs/health.yaml:5:17: card.bands.1.low: starts below band 'x'",
        "configs/health.yaml:6:17: card.bands.2.low: starts below band 'y'",
    ]


def test_list_with_a_wrong_item_is_not_called_too_short(root):
    class Two(Section):
        items: tuple[Band, ...] = setting(description="Items.", min_length=2)

    with pytest.raises(ConfigError, match=r"items.1.low: must be a number") as caught:
        read(root, "items:\n  - {name: a}\n  - {name: b, low: x}\n", model=Two)
    assert len(caught.value.problems) == 1
    with pytest.raises(ConfigError, match=r"must be a list of 2 or more sections .* found a list of 1 item$"):
        read(root, "items: [{name: a}]\n", model=Two)


def test_newer_version_is_the_only_problem_told(root):
    assert problems(root, "version: 2\nnew_key: 1\n") == [
        "configs/health.yaml:1:1: version: this file is of a newer version (2); "
        "this csworkbench reads version 1 (update csworkbench)"
    ]


def test_shown_text_cannot_command_a_terminal_and_is_cut(root):
    found = "\n".join(problems(root, 'tier: "\\e]8;;x\\a\\u202e' + "long " * 100 + '"\n'))
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert len(found) < 250


# --- secrets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "db_password: hunter2\n",
        "engine: {apiKey: hunter2}\n",
        "name: postgres://reader:hunter2@db.example/book\n",
        "accounts: postgres://reader:hunter2@db.example/book\n",
        "card: {token: hunter2, id: 3}\n",
        "parameters: {api_token: hunter2}\n",
        "parameters: {source: {password: hunter2}}\n",
    ],
)
def test_secret_in_clear_text_is_refused_and_never_echoed(root, text):
    found = "\n".join(problems(root, text))
    assert "in clear text" in found
    assert "hunter2" not in found


def test_the_name_of_an_environment_variable_is_no_secret(root):
    assert read(root, "parameters: {api_token: env:CRM_TOKEN}\n").parameters == {"api_token": "env:CRM_TOKEN"}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("password", True),
        ("dbPassword", True),
        ("api_key", True),
        ("TOKEN", True),
        ("password_env", False),
        ("tokens", False),
        ("key", False),
    ],
)
def test_secret_is_known_by_the_last_word_of_its_key(key, expected):
    assert is_secret(key) is expected


def test_keys_that_are_data_may_say_password(root):
    assert read(root, "labels: {password: Lost passwords}\n").labels == {"password": "Lost passwords"}


# --- references to files --------------------------------------------------------------------------------------------


def test_referenced_file_is_merged_and_equals_the_inline_section(root):
    (root / "card.yaml").write_text("id: a\nbands:\n  - {name: x}\n")
    by_file = read(root, "cards: [card.yaml]\ncard: card.yaml\n")
    inline = read(root, "cards: [{id: a, bands: [{name: x}]}]\ncard: {id: a, bands: [{name: x}]}\n")
    assert by_file == inline
    assert digest(by_file) == digest(inline)


def test_fault_in_a_referenced_file_has_that_files_place_and_keys(root):
    (root / "card.yaml").write_text("id: a\nbands:\n  - name: x\n    lwo: 3\n")
    assert problems(root, "cards:\n  - card.yaml\n") == [
        "card.yaml:4:5: bands.0.lwo: unknown key (did you mean 'low'?)"
    ]


def test_faults_of_all_files_come_at_once(root):
    (root / "card.yaml").write_text("id: 1\n")
    (root / "broken.yaml").write_text("id: a\nid: b\n")
    found = problems(root, "accounts: x\ncards: [card.yaml, broken.yaml, crad.yaml]\n")
    assert [line.split(": ")[0] for line in found] == [
        "broken.yaml:2:1",
        "configs/health.yaml:1:1",
        "configs/health.yaml:2:33",
        "card.yaml:1:1",
    ]
    assert found[2].endswith("there is no file 'crad.yaml' (did you mean 'card.yaml'?)")


def test_one_fault_of_a_shared_file_is_told_once(root):
    (root / "card.yaml").write_text("id: 1\n")
    (root / "a.yaml").write_text("cards: [card.yaml]\n")
    (root / "b.yaml").write_text("card: card.yaml\nname: 3\n")
    with pytest.raises(ConfigError, match=r"card.yaml:1:1: id") as caught:
        load_all([Request(Path("a.yaml"), Config), Request(Path("b.yaml"), Config)], root)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize("path", ["../outside.yaml", "/etc/passwd", "configs/../../x.yaml"])
def test_reference_out_of_the_project_is_refused(root, path):
    assert "must be a path inside the project" in problems(root, f"card: {path}\n")[0]


def test_files_that_refer_in_a_circle_are_refused(root):
    class Loop(Section):
        next: "Annotated[Loop, FromFile()] | None" = setting(None, description="Next.")

    Loop.model_rebuild(_types_namespace={"Loop": Loop, "Annotated": Annotated, "FromFile": FromFile})
    (root / "a.yaml").write_text("next: b.yaml\n")
    (root / "b.yaml").write_text("next: a.yaml\n")
    with pytest.raises(ConfigError, match=r"b.yaml:1:7: .*circle: a.yaml -> b.yaml -> a.yaml"):
        load(Path("a.yaml"), Loop, root)


# --- overrides ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("45", 45),
        ("0.5", 0.5),
        ("true", True),
        ("NO", "NO"),
        ("0046", "0046"),
        ('"46"', "46"),
        ("[a, 1]", ["a", 1]),
        ("", ""),
        ("~", None),
    ],
)
def test_override_text_is_typed_as_yaml(text, value):
    override = parse_override(f"health.bands.0.high={text}")
    assert (override.name, override.key, override.value) == ("health", "bands.0.high", value)


@pytest.mark.parametrize(
    "text", ["health=3", "health.x", "=3", ".x=3", "health.a..b=1", "health.x=[", "health.x=!!python/name:os"]
)
def test_malformed_override_is_refused(text):
    with pytest.raises(ConfigError, match=r"must be NAME.key=value|--set"):
        parse_override(text)


def test_override_replaces_values_of_the_file_of_references_and_of_defaults(root):
    (root / "card.yaml").write_text("id: a\nbands: [{name: x, low: 1}]\n")
    changes: dict[str, object] = {
        "cards.0.bands.0.low": 7,
        "engine.threads": 5,
        "as_of": date(2026, 9, 30),
        "tier": Tier.HIGH,
        "source.kind": "tickets",
        "source.severity": "high",
    }
    config = read(root, "cards: [card.yaml]\n", changes)
    assert config.cards[0].bands[0].low == 7
    assert config.engine == Engine(threads=5, memory_gb=1.5)
    assert (config.as_of, config.tier) == (date(2026, 9, 30), Tier.HIGH)
    assert config.source == Tickets(kind="tickets", severity="high")


def test_override_of_an_anchor_leaves_its_aliases_alone(root):
    config = read(root, "cards:\n  - &a {id: a, bands: [{name: x}]}\n  - *a\n", {"cards.0.bands.0.low": 7})
    assert [card.bands[0].low for card in config.cards] == [7, 0]


def test_reading_again_sees_neither_overrides_nor_old_references(root):
    (root / "card.yaml").write_text("id: a\n")
    assert read(root, "card: card.yaml\n", {"card.id": "z"}).card.id == "z"
    (root / "card.yaml").write_text("id: b\n")
    assert read(root, "card: card.yaml\n").card.id == "b"


def test_wrong_override_of_a_referenced_file_is_told_with_its_whole_key(root):
    (root / "card.yaml").write_text("id: a\nbands: [{name: x}]\n")
    assert problems(root, "cards: [card.yaml]\n", {"cards.0.bands.0.low": 101}) == [
        "override of configs/health.yaml: cards.0.bands.0.low: must be a number from 0 to 100; found 101"
    ]


def test_override_can_name_another_file(root):
    (root / "card.yaml").write_text("id: a\n")
    (root / "other.yaml").write_text("id: b\n")
    assert read(root, "card: card.yaml\n", {"card": "other.yaml", "card.id": "c"}).card.id == "c"


def test_override_given_as_text_is_read_as_the_key_wants_it(root):
    config = read(root, "{}\n", {"accounts": "12", "name": "12", "is_weekly": "false"})
    assert (config.accounts, config.name, config.is_weekly) == (12, "12", False)


def test_every_wrong_override_is_told_with_its_key(root):
    changes: dict[str, object] = {"accounts": 0, "acounts": 1, "cards.0.id": "a", "name.first": "b", "tier": object()}
    found = problems(root, "name: a\n", changes)
    origin = "override of configs/health.yaml"
    assert found == [
        f"{origin}: cards.0: is no item of a list of 0, which are numbered from 0",
        f"{origin}: name: has no keys below it, so 'first' cannot be set",
        f"{origin}: tier: holds object, which no config can hold",
        f"{origin}: accounts: must be a whole number from 1 to 1000; found 0",
        f"{origin}: acounts: unknown key (did you mean 'accounts'?)",
    ]


# --- sections, digests, schema, describe ----------------------------------------------------------------------------


def test_section_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Engine().threads = 3  # type: ignore[misc]


def test_digest_is_that_of_the_values_not_of_their_spelling(root):
    assert digest(read(root, "at_risk_below: 40.0\nname: health\n")) == digest(Config())
    assert digest(read(root, "at_risk_below: 41\n")) != digest(Config())


def test_digest_does_not_depend_on_the_order_of_a_set():
    class Words(Section):
        words: frozenset[str] = setting(description="Words.")

    # The canonical JSON has sorted keys, no blanks and a set as a sorted list.
    assert digest(Words(words=frozenset("cab"))) == hashlib.sha256(b'{"words":["a","b","c"]}').hexdigest()


def test_schema_and_loader_give_the_same_verdict(root):
    jsonschema = pytest.importorskip("jsonschema", reason="ships with nbformat")
    validator = jsonschema.Draft202012Validator(json_schema(Config))
    (root / "card.yaml").write_text("id: a\n")
    verdicts = {
        "cards: [card.yaml]\n": True,
        "cards: [{id: a, bands: [{name: x}]}]\n": True,
        "cards: [{id: a, bands: [{name: x, low: 300}]}]\n": False,
        "accounts: '4'\n": False,
        "nmae: x\n": False,
        "source: {kind: usage}\n": True,
        "source: {kind: usag}\n": False,
        "tier: medium\n": False,
        "version: 2\n": False,
    }
    for text, is_valid in verdicts.items():
        assert validator.is_valid(data_of(parse(text, "x"))) is is_valid, text
        if is_valid:
            read(root, text)
        else:
            assert problems(root, text)


def test_describe_says_meaning_bounds_default_value_and_place(root):
    (root / "card.yaml").write_text("id: a\nbands:\n  - {name: x}\n  - name: y\n    low: 9\n")
    (root / "configs/health.yaml").write_text("name: b\nat_risk_below: 35\ncards: [card.yaml]\n")
    docs = {doc.key: doc for doc in describe(Config, Path("configs/health.yaml"), root)}
    risk = docs["at_risk_below"]
    assert (risk.type, risk.unit, risk.description) == ("a number from 0 to 100", "points", "Limit.")
    assert (risk.default, risk.value, risk.place, risk.tunable) == ("40", "35", "configs/health.yaml:2", True)
    assert (docs["accounts"].value, docs["accounts"].place) == ("3", "")
    assert (docs["engine.threads"].value, docs["engine.threads"].place) == ("2", "")
    assert (docs["cards.0.bands.1.low"].value, docs["cards.0.bands.1.low"].place) == ("9", "card.yaml:5")
    assert docs["cards.0.id"].is_required


def test_describe_without_a_file_lists_the_keys_of_every_variant(root):
    keys = [doc.key for doc in describe(Config, None, root)]
    assert {"cards.*.bands.*.low", "source(usage).window_days", "source(tickets).severity", "policy.name"} <= set(keys)
    assert len(keys) == len(set(keys))


# --- saving ---------------------------------------------------------------------------------------------------------

WRITTEN = """\
# Scores below this count as at risk.
at_risk_below: 40   # lowest fifth

bands:
  - {name: 'x', low: 0}
  # the middle
  - name: y
    low: 50
country: NO
id: 0046
"""


def test_save_changes_the_value_and_nothing_else(root):
    path = root / "a.yaml"
    path.write_text(WRITTEN)
    save(path, {"at_risk_below": 45, "bands.1.low": 60})
    assert path.read_text() == WRITTEN.replace("40   #", "45   #").replace("low: 50", "low: 60")


@pytest.mark.parametrize("key", ["true", "false", "null", "1"])
def test_a_key_that_yaml_does_not_take_for_text_is_changed_as_it_is_written(root, key):
    path = root / "a.yaml"
    path.write_text(f"of:\n  {key}: 20  # as agreed\n  other: 5\n")
    save(path, {f"of.{key}": 55})
    assert path.read_text() == f"of:\n  {key}: 55  # as agreed\n  other: 5\n"


def test_preview_is_the_diff_and_writes_nothing(root):
    path = root / "a.yaml"
    path.write_text(WRITTEN)
    lines = preview(path, {"at_risk_below": 45}).splitlines()
    assert [line for line in lines if line.startswith(("-", "+"))] == [
        "--- a.yaml",
        "+++ a.yaml (changed)",
        "-at_risk_below: 40   # lowest fifth",
        "+at_risk_below: 45   # lowest fifth",
    ]
    assert path.read_text() == WRITTEN
    assert preview(path, {}) == ""


AWKWARD = ["NO", "0046", "12:30", "1e3", "a: b", "#", "~", "", "å 漢", "- x", "2026-09-30"]


@settings(deadline=None)  # the first example also imports ruamel
@given(st.one_of(st.integers(-(10**9), 10**9), st.booleans(), st.sampled_from(AWKWARD)))
def test_saved_value_is_read_back_as_it_was(value):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.yaml"
        path.write_text("# c\na: 1\n")
        save(path, {"a": value})
        assert data_of(parse(path.read_text(), "x")) == {"a": value}


def test_save_keeps_line_ends_byte_order_mark_mode_and_links(root):
    path = root / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    path.chmod(0o640)
    (root / "link.yaml").symlink_to(path)
    save(root / "link.yaml", {"b": 3})
    assert path.read_bytes() == b"\xef\xbb\xbfa: 1\r\nb: 3\r\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert (root / "link.yaml").is_symlink()


def test_save_finds_a_key_that_looks_like_a_number(root):
    path = root / "a.yaml"
    path.write_text("labels:\n  1: yes\n")
    save(path, {"labels.1": "si"})
    assert path.read_text() == "labels:\n  1: si\n"


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("card: card.yaml\n", "card.id", "leads nowhere in this file.*save card.yaml instead"),
        ("a: [1]\n", "a.5", "leads nowhere"),
        ("a: &a {x: 1}\nb: *a\n", "a.x", "edit the file by hand"),
        ("a: 1\na: 2\n", "a", "already set on line 1"),
    ],
)
def test_change_that_cannot_be_made_is_refused_and_the_file_kept(root, text, key, says):
    path = root / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        save(path, {key: 3})
    assert path.read_text() == text


def test_file_that_cannot_be_written_is_left_alone(root, monkeypatch):
    path = root / "a.yaml"
    path.write_text("a: 1\n")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(EnvironmentProblem, match="no space left on device"):
        save(path, {"a": 2})
    assert path.read_text() == "a: 1\n"
    assert [entry.name for entry in root.iterdir() if entry.suffix != ".yaml"] == ["configs"]


# --- weight ---------------------------------------------------------------------------------------------------------


def test_importing_config_loads_neither_yaml_nor_data_libraries():
    heavy = "('ruamel.yaml', 'pandas', 'babel')"
    script = f"import sys, csworkbench.config\nprint([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
