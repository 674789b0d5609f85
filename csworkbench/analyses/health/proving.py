"""What a turned score tells of what was lost: its AUC on the rows that a proof leaves for choosing settings."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from csworkbench.analyses.health.settings import Config
from csworkbench.estimates import Message, say
from csworkbench.scoring import Curve, Scorecard, grade

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.inference.proof import Proof as Proven

    Floats = NDArray[np.float64]

DRAWS = 200
KEY = ["unit_id", "account_id", "snapshot_date", "is_event"]


class Proof:
    """The rows of a stored `health_proof` that teach, scored again by turned settings.

    Whoever turns weights until the test window looks best has spent it: nothing is left to show that the score
    predicts. So settings are chosen on what was decided before the window, and `health_proof` tests them in it.

    Args:
        teaching: The table of that name of its result.
    """

    def __init__(self, teaching: "pd.DataFrame") -> None:
        known = teaching["value"].astype(object).where(teaching["text"].isna(), teaching["text"])
        wide = teaching.assign(known=known).set_index([*KEY, "measure"])
        self._values = {str(name): part["known"].unstack("measure") for name, part in wide.groupby("scorecard")}  # noqa: PD010 - each cell is there once, and text has no mean

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
        values = self._values.get(new.id)
        unknown = [each.name for each in new.measures if values is None or each.name not in values.columns]
        proof = None if values is None else _proved([card.without(unknown) for card in (old, new)], values)
        if proof is None:
            yield say(
                "{card}: before the test window of health_proof nothing is known to choose settings by", card=new.title
            )
            return
        yield say(
            "{card}: on {events:n event|events} before the test window of health_proof the AUC is {now:estimate}, as "
            "saved {then:estimate}: a difference of {more:estimate}. The window is left to prove what is chosen here",
            card=new.title,
            events=proof.rows.events,
            now=proof.measures["new"]["auc"],
            then=proof.measures["old"]["auc"],
            more=proof.differences["new", "old"],
        )
        if unknown:
            yield say(
                "{card}, without what that proof did not have: {measures:list}",
                card=new.title,
                measures=unknown,
            )


def _proved(cards: "list[Scorecard | None]", values: "pd.DataFrame") -> "Proven | None":
    """Return what the rows say of the old and the new score; None where nothing can be told."""
    import numpy as np
    import pandas as pd

    from csworkbench.inference.proof import Rows, prove

    scores = {name: _scores(card, values) for name, card in zip(("old", "new"), cards, strict=True) if card is not None}
    if len(scores) < len(cards):
        return None
    known = np.isfinite(scores["old"]) & np.isfinite(scores["new"])
    told = values.index.to_frame(index=False)[known]
    rows = Rows(told["is_event"].to_numpy(dtype=bool), pd.factorize(told["account_id"])[0])
    if not rows.rarer:
        return None
    return prove({name: -score[known] for name, score in scores.items()}, rows, 1.0, draws=DRAWS)


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
