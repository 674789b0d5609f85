"""What a turned score tells of what was lost: its AUC on the rows that a proof leaves for choosing settings."""

from collections.abc import Iterator
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from csworkbench.analyses.health.settings import Config
from csworkbench.estimates import Estimate, Message, say
from csworkbench.scoring import Curve, Scorecard, grade

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DRAWS = 100  # the standard deviation of so many draws is right within 7 %, and a turn has to be quick
LEAST = 30  # rows with the event, and rows without: below it `health_proof` says nothing either


class Proof:
    """The rows of a stored `health_proof` that teach, scored again by turned settings.

    Whoever turns weights until the test window looks best has spent it: nothing is left to show that the score
    predicts. So settings are chosen on what was decided before the window, and `health_proof` tests them in it.

    Args:
        teaching: The table of that name of its result.
    """

    def __init__(self, teaching: "pd.DataFrame") -> None:
        self._teaching = teaching

    @cached_property
    def _values(self) -> "dict[str, pd.DataFrame]":
        """By scorecard: what was known, a row each and a column per measure."""
        rows = self._teaching
        known = rows["value"].astype(object).where(rows["text"].isna(), rows["text"])
        wide = rows.assign(known=known).set_index(["row", "account", "is_event", "measure"])
        return {str(name): part["known"].unstack("measure") for name, part in wide.groupby("scorecard")}  # noqa: PD010 - each cell is there once, and text has no mean

    @cached_property
    def _reads(self) -> dict[tuple[str, str], str]:
        """By scorecard and measure: what its values depend on."""
        each = self._teaching.drop_duplicates(["scorecard", "measure"])
        return dict(zip(zip(each["scorecard"], each["measure"], strict=True), each["reads"], strict=True))

    def said(self, before: Config, after: Config) -> Iterator[Message]:
        """Yield what other points and weights do to the AUC of each scorecard that they change; bands do nothing to it.

        Args:
            before: Settings as they are saved.
            after: Settings as they are turned.
        """
        for old, new in zip(before.scorecards, after.scorecards, strict=True):
            if _asked(old) != _asked(new):
                yield from self._said(old, new)

    def _said(self, old: Scorecard, new: Scorecard) -> Iterator[Message]:
        # A measure that is read in another way now has other values than the proof kept.
        unknown = [each.name for each in new.measures if self._reads.get((new.id, each.name)) != each.reads]
        found = self._beside(old.without(unknown), new.without(unknown))
        if found is None:
            yield say(
                "{card}: before the test window of health_proof too little is known to choose settings by",
                card=new.title,
            )
            return
        events, (then, now, more) = found
        yield say(
            "{card}: on {events:n event|events} before the test window of health_proof the AUC is {now:estimate}, as "
            "saved {then:estimate}: a difference of {more:estimate}. The window is left to prove what is chosen here",
            card=new.title,
            events=events,
            now=now,
            then=then,
            more=more,
        )
        if unknown:
            yield say("{card}, without what that proof did not have: {measures:list}", card=new.title, measures=unknown)

    def _beside(
        self, old: Scorecard | None, new: Scorecard | None
    ) -> tuple[int, tuple[Estimate, Estimate, Estimate]] | None:
        """Return the events, and the AUC of both scores with their difference; None where too little is known."""
        import numpy as np

        from csworkbench.inference.proof import Rows, auc_beside

        if old is None or new is None:
            return None
        values = self._values[new.id]
        scores = _scores(old, values), _scores(new, values)
        known = np.isfinite(scores[0]) & np.isfinite(scores[1])
        accounts, events = (values.index.get_level_values(name)[known] for name in ("account", "is_event"))
        rows = Rows(events.to_numpy(dtype=bool), np.unique(accounts, return_inverse=True)[1])
        if rows.rarer < LEAST:
            return None
        return rows.events, auc_beside(-scores[0][known], -scores[1][known], rows, draws=DRAWS)


def _asked(card: Scorecard) -> str:
    return card.model_dump_json(exclude={"bands", "hysteresis_points"})


def _scores(card: Scorecard, values: "pd.DataFrame") -> "Floats":
    """Return the score of each row; values carried from earlier dates are in them already."""
    import pandas as pd

    asked = pd.DataFrame(
        {
            each.name: values[each.name].astype(float) if isinstance(each.points, Curve) else values[each.name]
            for each in card.measures
        }
    )
    return grade(card, asked, (date.min,)).score
