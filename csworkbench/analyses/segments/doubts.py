"""What to know before acting on segments."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from csworkbench import policy
from csworkbench.analyses.segments.evidence import Inputs
from csworkbench.analyses.segments.groups import LEAST_ACCOUNTS, Groups
from csworkbench.analyses.segments.ruling import NO_RULE
from csworkbench.analyses.segments.settings import Config
from csworkbench.analyses.segments.staging import LEAST_ENDED
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.features.listed import NOT_KNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from csworkbench.filters import Condition

WHO = ("accounts", "contacts")  # tables that are there wherever a rule reads a column of theirs


def doubts(inputs: Inputs, config: Config, groups: Groups, tables: "Mapping[str, pd.DataFrame]") -> tuple[Caveat, ...]:
    """Return the caveats of the segments, in no particular order.

    Args:
        inputs: Stages, tiers and measures.
        config: Settings.
        groups: What the clustering says.
        tables: Tables of the result.
    """
    return (
        *_about_sources(inputs),
        *_about_stages(inputs, config, tables["accounts"]),
        *_about_rules(tables["accounts"]),
        *_about_time(config, tables["stages"]),
        *_about_groups(config, groups),
        *_about_lists(inputs, tables["lists_left_out"]),
    )


def _about_sources(inputs: Inputs) -> Iterator[Caveat]:
    columns = [name for name, table in inputs.absent.items() if table in WHO and name != "contact_lists"]
    gone = {name: table for name, table in inputs.absent.items() if name not in columns}
    if columns:
        yield Caveat(
            "columns_absent",
            Severity.NOTE,
            say("No column of the book is {names:list}: rules that ask for it fit nobody", names=columns),
            say("Map the columns under tables in the workspace, or take the rules out"),
        )
    if gone:
        yield Caveat(
            "attributes_absent",
            Severity.WARNING,
            say(
                "Nobody has {names:list}, because {tables:list} are not there: rules that ask for it fit nobody",
                names=list(gone),
                tables=sorted(set(gone.values())),
            ),
            say("Add the tables under tables in the workspace, or take the rules out"),
        )
    if inputs.current:
        yield Caveat(
            "values_of_today",
            Severity.NOTE,
            say(
                "Exports overwrite {columns:list} of accounts: earlier dates are shown with the values of today, so "
                "moves between tiers are not seen",
                columns=list(inputs.current),
            ),
            say("They are seen from now on: each run archives these columns"),
        )


def _about_stages(inputs: Inputs, config: Config, accounts: "pd.DataFrame") -> Iterator[Caveat]:
    """Yield whose stage or behaviour hangs on what the book does not have: nobody fits by lacking it."""
    kinds: tuple[tuple[str, Sequence[tuple[str, Condition | None]]], ...] = (
        ("stage", [(each.stage, each.where) for each in config.stages]),
        ("behaviour", [(each.segment, each.where) for each in config.behaviour]),
    )
    for kind, rules in kinds:
        hanging = {name: where for name, where in rules if where is not None and where.hangs_on(inputs.absent)}
        n = int((accounts[kind] == NOT_KNOWN).sum())
        if n and hanging:
            yield Caveat(
                f"{kind}_unknown",
                Severity.WARNING,
                say(
                    "The {kind:word} of {n:n account|accounts} of {total:count} is not known: the rule {rule:word} "
                    "takes those without {names:list}, which the book does not have of anybody",
                    kind=kind,
                    n=n,
                    total=len(accounts),
                    rule=next(iter(hanging)),
                    names=sorted(next(iter(hanging.values())).attributes() & inputs.absent.keys()),
                ),
                say("Map the column or add the table under tables in the workspace, or take the rule out"),
            )


def _about_rules(accounts: "pd.DataFrame") -> Iterator[Caveat]:
    unknown = int((accounts["tier"] == NOT_KNOWN).sum())
    if unknown:
        yield Caveat(
            "tier_unknown",
            Severity.WARNING,
            say(
                "{n:n account has|accounts have} no value tier of {total:count}; they stand in a row of their own",
                n=unknown,
                total=len(accounts),
            ),
            say("Fill value_tier of accounts, or write rules under tiers"),
        )
    unfit = int((accounts["behaviour"] == NO_RULE).sum())
    if unfit:
        yield Caveat(
            "behaviour_undefined",
            Severity.NOTE,
            say("{n:n account fits|accounts fit} no behaviour segment of {total:count}", n=unfit, total=len(accounts)),
            say("Give the last behaviour segment no condition, so that it takes everybody who is left"),
        )


def _about_time(config: Config, stages: "pd.DataFrame") -> Iterator[Caveat]:
    lasting = {rule.stage for rule in config.every_stage if rule.is_lasting}
    asked = stages[~stages["stage"].isin(lasting)]
    found = asked[~asked["is_confirmed"] & asked["usual_days"].notna()]
    if len(found):
        yield Caveat(
            "usual_time_unconfirmed",
            Severity.WARNING,
            say(
                "The usual time in {stages:words} is what {share:share} of accounts took, not a target anybody "
                "confirmed: one in {one_in:count} is slower by definition",
                stages=list(found["stage"]),
                share=config.usual_share,
                one_in=round(1 / (1 - config.usual_share)),
            ),
            say("Confirm it, or set another: usual_days of the stage"),
        )
    unknown = asked[asked["usual_days"].isna()]
    if len(unknown):
        yield Caveat(
            "usual_time_unknown",
            Severity.NOTE,
            say(
                "Nobody can tell how long accounts usually stay in {stages:words}: it takes {needed:count} that were "
                "seen coming and leaving; no one is called stuck there",
                stages=list(unknown["stage"]),
                needed=LEAST_ENDED,
            ),
            say("Set usual_days of the stage, or a longer history_weeks"),
        )


def _about_lists(inputs: Inputs, left_out: "pd.DataFrame") -> Iterator[Caveat]:
    if len(left_out) and inputs.lists.ground is None:
        yield Caveat(
            "lists_refused",
            Severity.WARNING,
            say(
                "{n:n row|rows} of the saved lists may not be contacted, because nobody can tell who allows it: {why}",
                n=len(left_out),
                why=inputs.lists.refusal,
            ),
            say("Deliver consents and suppressions, whole"),
        )
    elif len(left_out):
        counts = left_out["reason"].value_counts().sort_index()
        yield Caveat(
            "lists_left_out",
            Severity.NOTE,
            say(
                "{n:n row|rows} of the saved lists may not be contacted ({why:list}); the file lists_left_out names "
                "the contacts",
                n=len(left_out),
                why=[say("{reason:word}: {n:count}", reason=reason, n=count) for reason, count in counts.items()],
            ),
        )
    if inputs.lists.ground is not None:
        yield from policy.doubts(inputs.lists.ground)


def _about_groups(config: Config, groups: Groups) -> Iterator[Caveat]:
    if not config.cluster_on:
        return
    if groups.is_found is None:
        yield Caveat(
            "too_few_to_cluster",
            Severity.NOTE,
            say(
                "{n:n account has|accounts have} all measures of the clustering, and it takes {needed:count}",
                n=groups.clustered,
                needed=LEAST_ACCOUNTS,
            ),
            say("Take measures that most accounts have"),
        )
    if groups.is_found is False:
        yield Caveat(
            "no_stable_segments",
            Severity.NOTE,
            say(
                "No stable segments: however many groups are formed, they are found again no better than those of one "
                "cloud without groups. Accounts differ by degrees, not by kind"
            ),
            say("Work with the segments by rules"),
        )
    if groups.is_found:
        yield Caveat(
            "groups_describe",
            Severity.NOTE,
            say(
                "The groups were made from these measures, so they differ in them by construction: no test of that "
                "means anything, and none is shown"
            ),
        )
    if groups.left_out and groups.clustered:
        yield Caveat(
            "not_clustered",
            Severity.NOTE,
            say(
                "{n:n account lacks|accounts lack} a measure of the clustering, so no group is told for them",
                n=groups.left_out,
            ),
        )
    if groups.unused:
        yield Caveat(
            "measures_unused",
            Severity.NOTE,
            say(
                "The clustering leaves out {names:list}: most accounts lack it, or it is the same for all",
                names=list(groups.unused),
            ),
        )
