"""Doubts beside the briefs: which parts lack what, and what the data say twice or not at all."""

from collections.abc import Iterator, Mapping

from csworkbench.analyses.account_brief.evidence import Inputs
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.features.listed import about_two_csms

TABLES: Mapping[str, tuple[str, ...]] = {
    "issues": ("tickets", "messages", "cancel_requests"),
    "open_actions": ("tasks", "plans"),
    "people": ("contacts", "nps_responses"),
    "timeline": ("touches", "touch_events", "meetings"),
}
RESULTS: Mapping[str, tuple[str, ...]] = {
    "facts": ("segments", "renewals"),
    "practices": ("segments", "touch_matrix"),
    "health": ("health",),
    "plans": ("plan_validation",),
}


def caveats(inputs: Inputs) -> Iterator[Caveat]:
    """Yield the doubts.

    Args:
        inputs: What the briefs are made of.
    """
    yield from _lacking(inputs)
    if inputs.unknown:
        yield Caveat(
            "unknown_accounts",
            Severity.WARNING,
            say("The settings name {ids:list}, which no customer has: they get no brief", ids=list(inputs.unknown)),
            say("Look for them in accounts: whoever has left is no customer"),
        )
    yield from about_two_csms(inputs.doubled)
    passed = _passed(inputs)
    if passed:
        yield Caveat(
            "meetings_not_recorded",
            Severity.NOTE,
            say("{n:n meeting|meetings} had been planned and nobody recorded that they were held: they are not in the "
                "timeline", n=passed),
            say("Fill meetings.held_at"),
        )  # fmt: skip
    yield from _about_names(inputs)


def _about_names(inputs: Inputs) -> Iterator[Caveat]:
    texts = (inputs.promises["said"], inputs.meetings["summary"], inputs.events["note"])
    if "contact_pii" not in inputs.tables and any(each.notna().any() for each in texts):
        yield Caveat(
            "names_not_known",
            Severity.WARNING,
            say("No table says who people are: names that notes and summaries hold are shown as they were written"),
            say("Add contact_pii to the workspace, so that they can be taken out"),
        )
    elif not inputs.has_names:
        yield Caveat(
            "no_names",
            Severity.NOTE,
            say("People stand by role and id, and names are taken out of notes: the settings allow no names"),
            say("Set names to true, where the workspace has contact_pii"),
        )


def _lacking(inputs: Inputs) -> Iterator[Caveat]:
    for part, names in TABLES.items():
        gone = [name for name in names if name not in inputs.tables]
        if gone:
            yield Caveat(
                f"{part}_lacks_tables",
                Severity.NOTE,
                say("The part {part:word} lacks the tables {tables}", part=part, tables=", ".join(gone)),
                say("Add them to the workspace"),
            )
    for part, names in RESULTS.items():
        gone = [name for name in names if name not in inputs.upstream]
        if gone:
            yield Caveat(
                f"{part}_lacks_results",
                Severity.NOTE,
                say("The part {part:word} lacks the results of {names}, which are not part of this run", part=part,
                    names=", ".join(gone)),
                say("Run the whole batch, or name them too, where their tables are there"),
            )  # fmt: skip


def _passed(inputs: Inputs) -> int:
    import pandas as pd

    rows = inputs.meetings
    is_past = rows["planned_on"] <= pd.Timestamp(inputs.as_of)
    return int((rows["held_on"].isna() & is_past).sum())
