"""Which columns a proof reads: measures of the scorecards, baselines, and every attribute of the accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.health_proof.settings import Config
from csworkbench.errors import AnalysisError, Problem, did_you_mean
from csworkbench.features import Attribute, MeasureSource, columns_of_today, missing_tables
from csworkbench.scoring import Curve, Direction, Measure, Rule, Scorecard
from csworkbench.tables import Role

if TYPE_CHECKING:
    from csworkbench.asof import Snapshot

NO_ATTRIBUTES = {"account_id", "name"}


@dataclass(frozen=True, slots=True)
class Cards:
    """The scorecards of health as it resolved them.

    Args:
        cards: Every scorecard.
        default: Id of the one of accounts that fit no rule.
        rules: Which accounts get another one.
        proved: Ids of those that are proved, the default one first.
    """

    cards: tuple[Scorecard, ...]
    default: str
    rules: tuple[Rule, ...]
    proved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """What is measured of each row, and what each column is for.

    Args:
        sources: Column -> where its value comes from; equal sources share one column.
        labels: Column -> its name on pages.
        of_card: Scorecard -> measure -> column.
        baselines: Baseline -> column.
        learned: Columns the learned models may use.
        directions: Column -> 1 where the event must grow more likely with it, -1 less likely, as the scorecards say.
        attributes: Column -> column of accounts behind it.
        today_only: Columns that read something nobody recorded of earlier dates, because exports overwrite it.
        left_out: Measures, baselines and columns that cannot be measured -> tables or columns they lack.
    """

    sources: Mapping[str, MeasureSource]
    labels: Mapping[str, str]
    of_card: Mapping[str, Mapping[str, str]]
    baselines: Mapping[str, str]
    learned: tuple[str, ...]
    directions: Mapping[str, int]
    attributes: Mapping[str, str]
    today_only: frozenset[str]
    left_out: Mapping[str, tuple[str, ...]]


def cards_of(resolved: Mapping[str, Any], config: Config) -> Cards:
    """Return the scorecards from the settings that health ran with.

    Args:
        resolved: Settings of health in JSON types, scorecards filled in.
        config: Which of them are proved.

    Raises:
        AnalysisError: health has no such scorecard.
    """
    cards = tuple(Scorecard.model_validate(each) for each in resolved["scorecards"])
    ids = [card.id for card in cards]
    unknown = [
        Problem(f"health has no scorecard '{name}'", key="scorecards", hint=did_you_mean(name, ids, ", ".join(ids)))
        for name in config.scorecards
        if name not in ids
    ]
    if unknown:
        raise AnalysisError(*unknown)
    default = str(resolved["default"])
    proved = sorted(config.scorecards or ids, key=lambda name: (name != default, ids.index(name)))
    return Cards(cards, default, tuple(Rule.model_validate(rule) for rule in resolved["rules"]), tuple(proved))


def columns_of(snapshot: "Snapshot", earliest: "Snapshot", cards: Cards, config: Config) -> Columns:
    """Return the columns a proof reads.

    Args:
        snapshot: The book as of the day of the study.
        earliest: The book as of the first row: what it shows of today is no evidence.
        cards: The scorecards.
        config: Baselines and further columns of accounts.
    """
    usable = _usable(snapshot)
    named = [(each.label, each.source) for card in cards.cards for each in card.measures]
    named += [(each.label, each.source) for each in (*config.baselines, *config.also)]
    named += [(name, Attribute(column=name)) for name in config.segments]
    left_out = {label: lacking for label, source in named if (lacking := _lacking(snapshot, source, usable))}
    sources: dict[str, MeasureSource] = {}
    of_card = {
        card.id: {
            each.name: _column(sources, each.name, each.source, card.id)
            for each in card.measures
            if not _lacking(snapshot, each.source, usable)
        }
        for card in cards.cards
    }
    known = {
        each: _column(sources, each.name, each.source, "known")
        for each in (*config.baselines, *config.also)
        if not _lacking(snapshot, each.source, usable)
    }
    baselines = {each.name: column for each, column in known.items() if each in config.baselines}
    own = tuple(sources)
    for name in usable:
        _column(sources, name, Attribute(column=name), "accounts")
    attributes = {name: source.column for name, source in sources.items() if isinstance(source, Attribute)}
    today_only = frozenset(columns_of_today(sources, earliest))
    labels = {_column(sources, "", source, ""): label for label, source in reversed(named) if label not in left_out}
    return Columns(
        sources=sources,
        labels={name: labels.get(name, name) for name in sources},
        of_card=of_card,
        baselines={name: column for name, column in baselines.items() if column not in today_only},
        learned=tuple(column for column in own if column not in today_only),
        directions=_directions(cards.cards, of_card),
        attributes=attributes,
        today_only=today_only,
        left_out=left_out,
    )


def _column(sources: dict[str, MeasureSource], name: str, source: MeasureSource, owner: str) -> str:
    """Return the column of a source; a new one is added under its name, or its owner's where the name is taken."""
    for known, other in sources.items():
        if other == source:
            return known
    free = name if name not in sources else f"{owner}.{name}"
    sources[free] = source
    return free


def _usable(snapshot: "Snapshot") -> tuple[str, ...]:
    """Return the columns of accounts that say something of them: numbers, texts and booleans that are no outcome."""
    table, roles = snapshot.tables["accounts"], snapshot.reports["accounts"].extras
    return tuple(
        name
        for name, kind in table.schema().items()
        if (kind.is_numeric() or kind.is_boolean() or kind.is_string())
        and name not in NO_ATTRIBUTES
        and roles.get(name) is not Role.OUTCOME
    )


def _lacking(snapshot: "Snapshot", source: MeasureSource, usable: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(source, Attribute):
        return () if source.column in usable else (f"accounts.{source.column}",)
    return missing_tables({"": source}, snapshot).get("", ())


def _directions(cards: tuple[Scorecard, ...], of_card: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    """Return what the scorecards hold for good, where they agree: more of it makes a loss less likely."""
    said: dict[str, set[int]] = {}
    for card in cards:
        for measure in card.measures:
            if measure.name in of_card[card.id]:
                said.setdefault(of_card[card.id][measure.name], set()).add(_direction(measure))
    return {column: signs.pop() for column, signs in said.items() if len(signs) == 1}


def _direction(measure: Measure) -> int:
    if not isinstance(measure.points, Curve):
        return 0
    return -1 if measure.points.direction is Direction.HIGHER else 1
