"""Tiers by rank: who of the promoters and of the detractors comes first, and how many answers are tied at the cut."""

from fractions import Fraction
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING

from csworkbench.analyses.nps_outreach.evidence import STEM
from csworkbench.analyses.nps_outreach.settings import ADVOCATE, OFFER, REFERRAL, SAVE, Config
from csworkbench.features.rates import DETRACTOR, PROMOTER

if TYPE_CHECKING:
    import pandas as pd

TIERS = (ADVOCATE, REFERRAL, OFFER, SAVE)


def size_of(share: float, people: int) -> int:
    """Return how many a share of some people is, rounded up: a fifth of 11 is 3.

    Args:
        share: As written in the settings: .2 is a fifth, not the nearest binary number.
        people: How many they are.
    """
    return ceil(Fraction(str(share)) * people)


def lot(name: str) -> str:
    """Return the place of a contact among equals: the sha256 of this page and its id."""
    return sha256(f"{STEM}:{name}".encode()).hexdigest()


def ranked(answers: "pd.DataFrame", accounts: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    """Return the promoters and the detractors in the order in which the tiers take them.

    The highest promoters and the lowest detractors come first; among equals the larger ARR (none comes last), then the
    order of sha256. A tier never reaches into the other group, or to those who gave 7 or 8.

    Args:
        answers: Newest answer of each contact: response_id, contact_id, account_id, score.
        accounts: By account_id: arr.
        config: Sizes of the tiers.

    Returns:
        The answers with group (promoter, detractor), rank (from 1, in its group) and rule (tier, "" = none), by group
        and rank.
    """
    import pandas as pd

    arr = answers["account_id"].map(accounts["arr"]).fillna(-1.0)
    who = answers["contact_id"].fillna(answers["response_id"])
    rows = answers.assign(arr=arr, lot=[lot(name) for name in who])
    best, worst = rows[rows["score"] >= PROMOTER], rows[rows["score"] <= DETRACTOR]
    shares = config.shares
    parts = []
    for group, members, is_rising, sizes in (
        ("promoter", best, False, ((ADVOCATE, shares.advocates), (REFERRAL, shares.referral))),
        ("detractor", worst, True, ((SAVE, shares.save), (OFFER, shares.offer))),
    ):
        base = len(members) if config.base == "group" else len(rows)
        ordered = members.sort_values(["score", "arr", "lot"], ascending=[is_rising, False, True])
        (few, small), (many, large) = ((name, size_of(share, base)) for name, share in sizes)
        rule = [few if place < small else many if place < large else "" for place in range(len(ordered))]
        parts.append(ordered.assign(group=group, rank=range(1, len(ordered) + 1), rule=rule))
    return pd.concat(parts, ignore_index=True).drop(columns=["arr", "lot"]).astype({"group": "str", "rule": "str"})


def tie_table(placed: "pd.DataFrame", respondents: int, config: Config) -> "pd.DataFrame":
    """Return, per tier, how many answers are tied at its lower end.

    Args:
        placed: Answers of `ranked`.
        respondents: How many answered at all.
        config: Sizes of the tiers.

    Returns:
        One row per tier: rule, base (people it is a share of), size (people down to its end, the smaller tier
        included), members (of this tier alone), cut_score (score at its end, missing = nobody), tied (people with that
        score), tied_share (of all respondents), taken (of the tied ones, down to its end).
    """
    import pandas as pd

    shares = config.shares
    told = {ADVOCATE: ("promoter", ()), REFERRAL: ("promoter", (ADVOCATE,)), SAVE: ("detractor", ()),
            OFFER: ("detractor", (SAVE,))}  # fmt: skip
    asked = {ADVOCATE: shares.advocates, REFERRAL: shares.referral, SAVE: shares.save, OFFER: shares.offer}
    rows = []
    for rule in TIERS:
        group, others = told[rule]
        members = placed[placed["group"] == group]
        inside = members[members["rule"].isin([rule, *others])]
        base = len(members) if config.base == "group" else respondents
        cut = None if inside.empty else int(inside["score"].iloc[-1])
        tied = 0 if cut is None else int((members["score"] == cut).sum())
        taken = 0 if cut is None else int((inside["score"] == cut).sum())
        share = tied / respondents if respondents else None
        own = int((members["rule"] == rule).sum())
        rows.append((rule, asked[rule], base, len(inside), own, cut, tied, share, taken))
    columns = ["rule", "share", "base", "size", "members", "cut_score", "tied", "tied_share", "taken"]
    return pd.DataFrame(rows, columns=columns).astype({"cut_score": "Int64", "tied_share": "float64", "rule": "str"})
