"""Everything around plans in one call: boards, sheets, frozen baselines, start-order lotteries and the ledger."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from csworkbench.analyses.plan_validation.baselines import baselines, freeze, official_baselines
from csworkbench.analyses.plan_validation.boards import boards
from csworkbench.analyses.plan_validation.boards_inputs import Surroundings
from csworkbench.analyses.plan_validation.ledger import ledger
from csworkbench.analyses.plan_validation.lottery import Lottery, draw, eligible, recorded
from csworkbench.analyses.plan_validation.sheet import sheets
from csworkbench.config import FromFolder, Section, setting
from csworkbench.estimates import Caveat, Estimate, Message, Release, Severity, say
from csworkbench.playbooks import Library

if TYPE_CHECKING:
    import pandas as pd

Places = Annotated[int, Field(ge=1, le=100_000)]
Lists = Annotated[dict[str, str], FromFolder("*.csv", is_optional=True)]
NO_BANDS = ("at_risk", "other")


class Around(Section):
    """Settings of what is built around plans."""

    window_days: int = setting(
        60, ge=7, le=365, unit="days", description="Window before a date in which the ledger looks, and before a start"
    )
    capacity: dict[str, Places] = setting(
        default_factory=dict,
        description="Playbook and how many of its plans can start now; where more accounts are eligible, a lot decides",
    )
    strata: tuple[str, ...] = setting(("tier",), description="Columns of accounts over whose values a lot is spread")
    seed: int = setting(1, ge=0, le=2**31, description="The same seed draws the same order")
    lotteries: Lists = setting(default_factory=dict, description="Folder of the official start orders")
    baselines: Lists = setting(default_factory=dict, description="Folder of the official baselines")


@dataclass(frozen=True, slots=True, eq=False)
class Bands:
    """The history of health.

    Args:
        history: One row per month end and account: account_id, snapshot_on, score, band; may be empty.
        names: Names of the bands, worst first.
    """

    history: "pd.DataFrame"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Aside:
    """What is known around the plans, in the parts of a result.

    Args:
        figures: Of the boards and the ledger.
        tables: Boards, overdue steps and step_funnel; plan_sheets; plan_baselines, baselines (to be made official),
            baselines_changed; eligible and one drawn order per playbook; ledger and drivers.
        caveats: Doubts.
        actions: What to do next.
        files: The sheets, from the folder of the notebook.
        releases: Baselines and drawn orders that can be made official.
        headline: What the ledger comes to; None = nothing was read around the plans, or there is no history.
    """

    figures: Mapping[str, Estimate] = field(default_factory=dict)
    tables: "Mapping[str, pd.DataFrame]" = field(default_factory=dict)
    caveats: tuple[Caveat, ...] = ()
    actions: tuple[Message, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    releases: tuple[Release, ...] = ()
    headline: Message | None = None


def bands_of(upstream: Mapping[str, Any]) -> Bands:
    """Return the history of the health page where it is part of the run, else an empty one.

    Args:
        upstream: Results of other analyses by name.
    """
    import pandas as pd

    found = upstream.get("health")
    table = None if found is None else found.tables.get("account_history")
    if found is None or table is None:
        kinds = {"account_id": "str", "snapshot_on": "datetime64[s]", "score": "float64", "band": "str"}
        return Bands(pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()}), NO_BANDS)
    names = tuple(str(band["name"]) for band in found.config["scorecards"][0]["bands"])
    history = table[["account_id", "snapshot_on", "score", "band"]].astype({"snapshot_on": "datetime64[s]"})
    return Bands(history.reset_index(drop=True), names)


def look_around(
    found: Surroundings, bands: Bands, library: Library, settings: Around, *, config_sha256: str, language: str = "en"
) -> Aside:
    """Return everything that is built around plans.

    Args:
        found: What is known around them.
        bands: History of health.
        library: The playbooks.
        settings: Windows, capacities, official lists.
        config_sha256: Digest of the settings of the page, kept with each baseline.
        language: Language tag of the sheets.
    """
    board = boards(found.plans, found.steps, found.accounts, found.notes, found.as_of)
    sheet = sheets(
        found.plans, found.steps, found.goals, found.accounts, library, people=found.people, language=language
    )
    today = baselines(found.plans, found.levels, bands.history, config_sha256, found.as_of)
    frozen = freeze(today, official_baselines(settings.baselines))
    book = ledger(bands.history, found.accounts, found.facts, bands.names)
    orders = recorded(settings.lotteries)
    who = {
        name: eligible(library.playbooks[name], found.accounts, found.plans, orders.rows)
        for name in settings.capacity
        if name in library.playbooks and library.playbooks[name].starts_when is None
    }
    drawn = [each for name, rows in who.items() if (each := _drawn(found, library, name, rows, settings)) is not None]
    tables = {
        **board.tables,
        "plan_sheets": sheet.table,
        **frozen.tables,
        "eligible": _who(who),
        **{name: table for each in drawn for name, table in each.tables.items()},
        "ledger": book.rows,
        "drivers": book.drivers,
    }
    damaged = (
        Caveat("lottery_damaged", Severity.WARNING, say("Official start orders: {what}", what=str(problem)))
        for problem in orders.problems
    )
    return Aside(
        {**board.figures, **book.figures},
        tables,
        (
            *board.caveats,
            *sheet.caveats,
            *frozen.caveats,
            *damaged,
            *_unknown(settings, library),
            *_ruled(settings, library),
            *book.caveats,
        ),
        tuple(_actions(board.tables["overdue"], drawn)),
        sheet.files,
        (*frozen.releases, *(each.release for each in drawn)),
        book.headline,
    )


def _drawn(found: Surroundings, library: Library, name: str, rows: "pd.DataFrame", settings: Around) -> Lottery | None:
    accounts = found.accounts.loc[rows.loc[rows["why"] == "", "account_id"]]
    kept = [column for column in settings.strata if column in accounts.columns]
    words = accounts[kept].fillna("-").astype("str")
    strata = {str(account): "/".join(values) for account, values in zip(words.index, words.to_numpy(), strict=True)}
    official = set(recorded(settings.lotteries).rows["lottery"])
    return draw(
        library.playbooks[name], strata, settings.capacity[name], found.as_of, seed=settings.seed, official=official
    )


def _who(who: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    """Return how many accounts could start each playbook, and why the others could not."""
    import pandas as pd

    parts = [rows.assign(playbook=name) for name, rows in who.items()]
    columns = ["playbook", "why", "accounts"]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype="int64" if name == "accounts" else "str") for name in columns})
    rows = pd.concat(parts).replace({"why": {"": "eligible"}})
    return rows.groupby(["playbook", "why"]).size().rename("accounts").reset_index()


def _unknown(settings: Around, library: Library) -> Iterator[Caveat]:
    lost = sorted(set(settings.capacity) - set(library.playbooks))
    if lost:
        yield Caveat(
            "capacity_unknown",
            Severity.WARNING,
            say("capacity names {names:list}, and the library has no such playbook", names=lost),
            say("Mend the name in configs/plan_validation.yaml"),
        )


def _ruled(settings: Around, library: Library) -> Iterator[Caveat]:
    """Tell for which playbooks no lot is drawn, because a metric decides who may start."""
    for name in sorted(set(settings.capacity) & set(library.playbooks)):
        rule = library.playbooks[name].starts_when
        if rule is not None:
            yield Caveat(
                "lottery_not_drawn",
                Severity.WARNING,
                say(
                    "No start order is drawn for {title}: its plans start where {metric} is below {value:number}, and "
                    "a lot would also draw accounts that are not",
                    title=library.playbooks[name].title,
                    metric=rule.metric,
                    value=rule.below,
                ),
                say("Take it out of capacity, or starts_when out of its file"),
            )


def _actions(overdue: "pd.DataFrame", drawn: list[Lottery]) -> Iterator[Message]:
    if len(overdue):
        yield say(
            "Settle the {n:n overdue step|overdue steps} of {plans:n plan|plans}, the oldest first: table overdue.",
            n=len(overdue),
            plans=int(overdue["plan_id"].nunique()),
        )
    yield from (each.action for each in drawn)
