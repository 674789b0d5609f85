"""What is written down before the first mail: question, metrics and their parts, looks, level, numbers, digests."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.email_design.drawing import Draw, weights
from csworkbench.analyses.email_design.facts import Inputs
from csworkbench.analyses.email_design.planning import Outlook
from csworkbench.analyses.email_design.settings import Config
from csworkbench.assignment import digest
from csworkbench.config import plain
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

DIGEST = "sha256"


def registration(inputs: Inputs, drawn: Draw, shown: tuple[Outlook, ...], config: Config) -> "pd.DataFrame":
    """Return the pre-registration of the experiment.

    Args:
        inputs: Date of the page.
        drawn: The draw; `assignment_sha256` is the digest of its units, arms, strata and blocks.
        shown: What the comparisons could show.
        config: The experiment; `file_sha256` is what its key `preregistered` should hold.

    Returns:
        One row per item: item, value (text); the last row is the sha256 of those before it, as `digest_of` takes it.
    """
    import pandas as pd

    rows = [(item, str(value)) for item, value in _items(inputs, drawn, shown, config)]
    rows.append((DIGEST, digest_of(rows)))
    return pd.DataFrame(rows, columns=["item", "value"])


def digest_of(rows: list[tuple[str, str]]) -> str:
    """Return the sha256 of items and values: of their JSON list of pairs, without blanks, in UTF-8."""
    return sha256(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _items(inputs: Inputs, drawn: Draw, shown: tuple[Outlook, ...], config: Config) -> Iterator[tuple[str, object]]:
    experiment = config.experiment
    yield "experiment_id", experiment.id
    yield "question", experiment.question
    yield "registered_as_of", inputs.as_of
    yield "unit", experiment.unit
    for name, weight in weights(experiment).items():
        yield f"arm.{name}", f"{experiment.arm(name).label}, weight {weight}"
    yield "control", experiment.control
    yield "first_day", experiment.first_day
    yield "last_day", experiment.last_day
    yield "looks", json.dumps(plain(experiment.looks), sort_keys=True)
    yield "alpha", f"{1 - config.level:.6g}"
    yield "power", f"{config.power:.6g}"
    for metric in experiment.metrics:
        yield f"metric.{metric.name}", json.dumps(_set(plain(metric)), ensure_ascii=False, sort_keys=True)
    for each in shown:
        if isinstance(each.needed, Estimate):
            yield f"accounts_needed.{each.metric.name}.{each.variant}", f"{each.needed.value:.0f}"
    yield "units", len(drawn.assigned)
    yield "contacts", len(drawn.people)
    for name in weights(experiment):
        yield f"units.{name}", sum(each.variant == name for each in drawn.assigned)
    yield "seed", f"{experiment.id}/{config.seed}"
    yield "file_sha256", experiment.registered_digest
    yield "assignment_sha256", digest(drawn.assigned)


def _set(values: dict[str, Any]) -> dict[str, Any]:
    """Return settings without those that were left empty, and without the name that stands before them."""
    return {key: value for key, value in values.items() if value not in (None, []) and key != "name"}
