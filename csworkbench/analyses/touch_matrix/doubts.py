"""What to know before acting on the matrix."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from csworkbench.analyses.touch_matrix.channels import LEAST_ATTEMPTS
from csworkbench.analyses.touch_matrix.evidence import Inputs
from csworkbench.analyses.touch_matrix.settings import Config
from csworkbench.analyses.touch_matrix.standing import undefined_cells
from csworkbench.estimates import Caveat, Severity, say

if TYPE_CHECKING:
    import pandas as pd


def doubts(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> tuple[Caveat, ...]:
    """Return the caveats of the matrix, in no particular order.

    Args:
        inputs: Touches and accounts.
        config: Settings.
        tables: Tables of the result.
    """
    return (
        *_about_definitions(inputs, config, tables),
        *_about_reach(inputs, tables["reach"]),
        *_about_sources(inputs),
    )


def _about_definitions(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    cells = undefined_cells(tables["coverage"])
    if len(cells):
        yield Caveat(
            "cells_undefined",
            Severity.WARNING,
            say(
                "For {cells:n cell|cells} of tier and stage nobody has said what the system or the CSM does: "
                "{n:n account has|accounts have} nothing defined",
                cells=len(cells),
                n=int(cells.sum()),
            ),
            say("Add actions to the matrix, or name the stage under quiet_stages"),
        )
    tiers = set(inputs.accounts["tier"])
    named = {*config.routes, *(tier for action in config.matrix for tier in action.tiers)}
    if named - tiers:
        yield Caveat(
            "tiers_empty",
            Severity.NOTE,
            say("No account is of tier {tiers:list}, which the settings name", tiers=sorted(named - tiers)),
            say("Check how segments names the tiers"),
        )


def _about_reach(inputs: Inputs, reach: "pd.DataFrame") -> Iterator[Caveat]:
    if not inputs.has_events:
        yield Caveat(
            "reach_unknown",
            Severity.WARNING,
            say("Nothing is recorded of what came of touches, so nobody can tell which channel reaches people"),
            say("Add touch_events under tables in the workspace"),
        )
        return
    untold = reach[reach["reach"].isna()]
    if len(untold):
        yield Caveat(
            "steps_untold",
            Severity.WARNING,
            say(
                "{n:n step|steps} of the routes cannot be told: fewer than {least:count} touches were sent at that "
                "place, after the steps before had reached nobody ({steps:list})",
                n=len(untold),
                least=LEAST_ATTEMPTS,
                steps=[f"{row['tier']}: {row['channel']}" for row in untold.to_dict("records")],
            ),
            say("Try the routes in their order, and record every attempt"),
        )
    if len(reach):
        yield Caveat(
            "reach_describes",
            Severity.NOTE,
            say(
                "Reach is that of the people who were tried on a channel at a place, whom CSMs chose: it describes the "
                "routes as they were used, and promises nothing for others"
            ),
        )


def _about_sources(inputs: Inputs) -> Iterator[Caveat]:
    if inputs.absent:
        yield Caveat(
            "figures_absent",
            Severity.NOTE,
            say(
                "{names:list} cannot be told, because {tables:list} are not there",
                names=list(inputs.absent),
                tables=sorted(set(inputs.absent.values())),
            ),
            say("Add the tables under tables in the workspace"),
        )
    if not bool(inputs.warm["is_warmed"].any()):
        yield Caveat(
            "no_warm_up",
            Severity.NOTE,
            say(
                "No message of the system is recorded as preparing a touch by a person, so warming up cannot be judged"
            ),
            say("Record linked_touch_id of touches"),
        )
