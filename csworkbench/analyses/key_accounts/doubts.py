"""What to know before acting on the key accounts page."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from csworkbench.analyses.key_accounts.evidence import Inputs
from csworkbench.analyses.key_accounts.selling import SERVICE
from csworkbench.analyses.key_accounts.settings import Config
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.features.listed import about_two_csms
from csworkbench.features.refused import about_absent, about_refused

if TYPE_CHECKING:
    import pandas as pd


def doubts(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    """Yield the caveats, in no particular order.

    Args:
        inputs: What was read.
        config: Settings.
        tables: Tables of the result.
    """
    yield from _about_sources(inputs)
    yield from about_two_csms(inputs.doubled)
    yield from _about_ratings(config, tables)
    yield from _about_guard(tables["guardrail"])
    yield from _about_costs(inputs)
    yield from _about_meetings(inputs)
    yield Caveat(
        "not_measured",
        Severity.NOTE,
        say(
            "A system that values business, and how teams are managed by it, are not part of this page: the source it "
            "follows stops before them, and nothing is claimed of them"
        ),
    )


def _about_sources(inputs: Inputs) -> Iterator[Caveat]:
    yield from about_absent(inputs.absent, Severity.WARNING)
    yield from about_refused(inputs.refused)


def _about_ratings(config: Config, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    dimensions = tables["dimensions"]
    poor = dimensions[dimensions["agreement"] == "poor"]
    if len(poor):
        yield Caveat(
            "raters_disagree",
            Severity.WARNING,
            say(
                "Raters of the same account do not agree on {names:words} (alpha below .667): a level says as much of "
                "who rates as of the account",
                names=list(poor["dimension"]),
            ),
            say("Agree on what each level means, and rate the same accounts together once"),
        )
    unknown = dimensions[dimensions["agreement"] == "cannot tell"]
    if len(unknown):
        yield Caveat(
            "agreement_unknown",
            Severity.NOTE,
            say(
                "Nobody can tell whether raters agree on {names:words}: fewer than ten times did two rate the same "
                "account in a half-year",
                names=list(unknown["dimension"]),
            ),
        )
    apart = tables["raters"]
    biased = apart[(apart["low"] > 0) | (apart["high"] < 0)]
    if len(biased):
        yield Caveat(
            "raters_apart",
            Severity.NOTE,
            say(
                "CSMs rate {names:words} otherwise than others do at the same accounts, by {most:number} points on "
                "average at most: so a change counts only where the same person rated twice",
                names=list(biased["dimension"]),
                most=float(biased["difference"].abs().max()),
            ),
        )
    overdue = tables["scorecard"].groupby("account_id")["is_overdue"].all()
    if overdue.any():
        yield Caveat(
            "ratings_overdue",
            Severity.WARNING,
            say(
                "{n:n key account has|key accounts have} no rating of the last {days:count} days",
                n=int(overdue.sum()),
                days=config.rating_days,
            ),
            say("Rate them: the scorecard names them"),
        )


def _about_guard(guard: "pd.DataFrame") -> Iterator[Caveat]:
    hurt = guard[guard["verdict"].str.startswith("hurts")]
    if len(hurt):
        yield Caveat(
            "mining_hurts",
            Severity.WARNING,
            say(
                "Where service looks for business, {outcomes:words} suffer more than is put up with",
                outcomes=list(hurt["outcome"]),
            ),
            say("Look for business elsewhere first, or give these teams more people"),
        )
    open_ones = guard[guard["verdict"] == "cannot tell"]
    if len(open_ones):
        yield Caveat(
            "harm_unknown",
            Severity.NOTE,
            say(
                "Whether looking for business hurts {outcomes:words} cannot be told from these data; that is not the "
                "same as no harm",
                outcomes=list(open_ones["outcome"]),
            ),
        )


def _about_costs(inputs: Inputs) -> Iterator[Caveat]:
    rows = inputs.tables["opportunities"]
    free = rows[rows["cost"] == 0]
    if len(free):
        yield Caveat(
            "cost_nothing",
            Severity.NOTE,
            say(
                "{n:n opportunity has|opportunities have} a cost of 0, {mine:count} of them from service: they count "
                "in the mean cost of their source, and not in the claim that service costs less",
                n=len(free),
                mine=int((free["source"] == SERVICE).sum()),
            ),
            say("Leave the cost blank where nobody recorded it"),
        )


def _about_meetings(inputs: Inputs) -> Iterator[Caveat]:
    import pandas as pd

    rows = inputs.tables["meetings"]
    ahead = int((rows["held_at"].isna() & (rows["planned_at"] > pd.Timestamp(inputs.as_of))).sum())
    if ahead:
        yield Caveat(
            "meetings_ahead",
            Severity.NOTE,
            say(
                "{n:n meeting lies|meetings lie} in the future: they are planned, and none of them counts as held",
                n=ahead,
            ),
        )
    past = rows["held_at"].isna() & (rows["planned_at"] <= pd.Timestamp(inputs.as_of))
    if past.any():
        yield Caveat(
            "meetings_not_held",
            Severity.NOTE,
            say(
                "{n:n meeting of the past was|meetings of the past were} planned and not held, or nobody wrote it down",
                n=int(past.sum()),
            ),
        )
