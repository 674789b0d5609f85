"""One page per playbook: the evidence so far, where it works and where not, its cases, and what should change."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.plan_validation.evidence import NO_PLAYBOOK
from csworkbench.analyses.plan_validation.patching import COLUMNS, WriteBack
from csworkbench.estimates import Caveat, Estimate, Message, Part, Severity, Shown, say
from csworkbench.formats import spaced
from csworkbench.playbooks import CASES, STUCK_PLANS, Library, Playbook, Standing

if TYPE_CHECKING:
    import pandas as pd

LEAST_ACCOUNTS = 5
CASE_COLUMNS = ["plan_id", "account_id", "verdict_on_facts", "verdict", "evidence", "effect", "low", "high"]
WHERE_COLUMNS = [
    "attribute",
    "value",
    "is_declared",
    "is_expected",
    "plans",
    "accounts",
    "effect",
    "low",
    "high",
    "reads",
]
WORKS, HARMS, OPEN, FEW = "above nothing", "below nothing", "no difference from nothing shown", "too few to tell"


@dataclass(frozen=True, slots=True)
class Known:
    """What the evidence says of a playbook as a whole, the account it was written for left out.

    Args:
        effect: Its effect pooled over accounts, in the unit a reader sees.
        standing: What that shows; None = nothing yet.
        is_drawn: A lot drew who starts when.
        inside: Its effect over the accounts inside the declared trait, where it is shown to work there only; else None.
    """

    effect: Estimate
    standing: Standing | None = None
    is_drawn: bool = False
    inside: Estimate | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The page of one playbook, in the shape of a result.

    Args:
        headline: What is known of it, in one sentence.
        figures: effect (pooled over accounts, where it can be told), effect.inside (of those inside the declared trait,
            where it works there only), plans, judged.
        tables: `where` (one row per attribute and value: whether it was declared, mean effect with a Student interval
            over accounts), `forest` (those of them that have an effect, for a picture), `verdicts` (plans per
            verdict), `cases` (one row per plan that could be judged), `changes` (what is proposed for its file).
        caveats: Doubts.
        actions: What to do next.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]


def pages(
    library: Library,
    verdicts: "pd.DataFrame",
    accounts: "pd.DataFrame",
    write_back: WriteBack,
    known: Mapping[str, Known],
) -> Mapping[str, Page]:
    """Return a page for every playbook that is in the library or that plans name, by id.

    Args:
        library: The playbooks, and what is wrong with some files.
        verdicts: One row per plan: plan_id, account_id, playbook, verdict_on_facts, verdict, evidence, effect, low,
            high (on the scale of the analysis).
        accounts: Accounts by account_id, with the attributes that traits and scopes name.
        write_back: What is proposed.
        known: Playbook -> what the evidence says of it; absent = it has no effect that can be told.
    """
    names = sorted({*library.playbooks, *library.broken, *verdicts["playbook"].dropna()} - {NO_PLAYBOOK})
    return {name: _page(name, library, verdicts, (accounts, write_back), known.get(name)) for name in names}


def parts(
    library: Library,
    verdicts: "pd.DataFrame",
    accounts: "pd.DataFrame",
    write_back: WriteBack,
    known: Mapping[str, Known],
) -> tuple[Part, ...]:
    """Return the pages of all playbooks as parts of the result.

    Args:
        library: The playbooks, and what is wrong with some files.
        verdicts: One row per plan, as `pages` reads them.
        accounts: Accounts by account_id, with the attributes that traits and scopes name.
        write_back: What is proposed.
        known: Playbook -> what the evidence says of it; absent = it has no effect that can be told.
    """
    made = pages(library, verdicts, accounts, write_back, known)
    return tuple(
        Part("playbook", name, library.playbooks[name].title if name in library.playbooks else name, page, _shown(page))
        for name, page in made.items()
    )


def _shown(page: Page) -> tuple[Shown, ...]:
    leads = {
        "verdicts": say("Look at the first row: that is what most plans came to"),
        "forest": say("Look for an interval on one side of 0: to the right it works, to the left it does harm"),
        "where": say("Look for a value whose interval lies on one side of 0; only the declared trait was asked before"),
        "changes": say("Nothing is written before csw playbooks apply shows it"),
        "cases": say("Each plan that could be judged, with its own effect and interval"),
    }
    titles = {
        "verdicts": "Plans by verdict",
        "forest": "Effect by trait",
        "where": "Where it works",
        "changes": "Proposed changes of its file",
        "cases": "Cases",
    }
    words = {"verdicts": ("verdict",), "cases": ("verdict_on_facts", "verdict", "evidence")}
    tables = {
        name: Shown(name, titles[name], lead=lead, options={"words": words.get(name, ())})
        for name, lead in leads.items()
        if len(page.tables[name])
    }
    if "forest" in tables:
        options = {"unit": page.tables["forest"]["unit"].iloc[0], "reference": 0.0}
        columns = ("name", "effect", "low", "high")
        tables["forest"] = Shown("forest", titles["forest"], columns, "intervals", leads["forest"], options)
    return tuple(tables.values())


def _page(
    name: str,
    library: Library,
    verdicts: "pd.DataFrame",
    around: "tuple[pd.DataFrame, WriteBack]",
    known: Known | None,
) -> Page:
    accounts, write_back = around
    own, playbook = verdicts[verdicts["playbook"] == name], library.playbooks.get(name)
    judged = own[own["verdict"].isin(CASES)]
    changes = write_back.table[write_back.table["playbook"] == name]
    figures = {} if known is None else {"effect": known.effect}
    figures |= {} if known is None or known.inside is None else {"effect.inside": known.inside}
    figures |= {"plans": Estimate(len(own), "plans", len(own)), "judged": Estimate(len(judged), "plans", len(own))}
    return Page(
        _headline(name, playbook, own, known),
        figures,
        {
            "where": (rows := where(playbook, judged, accounts)),
            "forest": _forest(rows, None if known is None else known.effect),
            "verdicts": _counts(own),
            "cases": judged[CASE_COLUMNS].sort_values("plan_id", ignore_index=True),
            "changes": changes[list(COLUMNS[1:])].reset_index(drop=True),
        },
        tuple(_caveats(name, library, judged)),
        tuple(_actions(playbook, own, len(changes), known))
        or (say("Nothing to do: its file says what its plans show."),),
    )


def where(playbook: Playbook | None, judged: "pd.DataFrame", accounts: "pd.DataFrame") -> "pd.DataFrame":
    """Return the effects of a playbook by the values of attributes: the declared trait first, the tier beside it.

    Args:
        playbook: The playbook; None = there is no file, so nothing was declared.
        judged: Its plans that could be judged: account_id, effect.
        accounts: Accounts by account_id.

    Returns:
        One row per attribute and value: attribute, value, is_declared, is_expected (to work, by the declared trait;
        missing for other attributes), plans, accounts, effect (mean over accounts before they are drawn to each other;
        of shares, of their logarithms), low, high (Student, 95 %; missing for fewer than five accounts), reads.
        What was not declared is a candidate to declare next time, no finding.
    """
    import pandas as pd

    trait = playbook.trait if playbook else None
    names = [trait.name] if trait else []
    names += [name for name in ("tier",) if name not in names]
    rows = []
    for name in (each for each in names if each in accounts.columns):
        values = accounts[name].reindex(judged["account_id"]).fillna("not known").to_numpy()
        is_declared = trait is not None and name == trait.name
        for value, part in judged.assign(value=values).groupby("value", sort=True):
            expected = str(value) in trait.expected if trait is not None and is_declared else None
            rows.append((name, str(value), is_declared, expected, len(part), *_mean(part)))
    frame = pd.DataFrame(rows, columns=WHERE_COLUMNS)
    return frame.astype({"is_expected": "boolean", "effect": "float64", "low": "float64", "high": "float64"})


def _forest(rows: "pd.DataFrame", effect: Estimate | None) -> "pd.DataFrame":
    """Return the rows of `where` that have an effect, as name, effect, low, high and unit."""
    told = rows[rows["effect"].notna()] if effect is not None else rows.iloc[:0]
    names = told["attribute"].map(spaced) + ": " + told["value"]
    found = told.assign(name=names, unit="" if effect is None else effect.unit)
    return found[["name", "effect", "low", "high", "unit"]].reset_index(drop=True)


def _mean(part: "pd.DataFrame") -> tuple[int, float | None, float | None, float | None, str]:
    from math import expm1, log1p, sqrt

    from scipy.stats import t

    # A pooled effect is a mean of logarithms, so this one is; points stay as they are.
    is_share = "unit" in part and bool((part["unit"] == "share").all())
    values = part.assign(effect=part["effect"].map(log1p)) if is_share else part
    by_account = values.groupby("account_id")["effect"].mean().dropna()
    n = len(by_account)
    if n < LEAST_ACCOUNTS:
        return n, None, None, None, FEW
    mean = float(by_account.mean())
    half = float(t.ppf(0.975, n - 1)) * float(by_account.std(ddof=1)) / sqrt(n)
    reads = WORKS if mean - half > 0 else HARMS if mean + half < 0 else OPEN
    low, middle, high = (expm1(each) if is_share else each for each in (mean - half, mean, mean + half))
    return n, middle, low, high, reads


def _counts(own: "pd.DataFrame") -> "pd.DataFrame":
    counts = own.groupby("verdict").size().rename("plans").reset_index()
    counts = counts.assign(share=counts["plans"] / max(1, len(own)))
    return counts.sort_values(["plans", "verdict"], ascending=[False, True], ignore_index=True)


def _headline(name: str, playbook: Playbook | None, own: "pd.DataFrame", known: Known | None) -> Message:
    """Return what is known of a playbook as a whole: no single plan's verdict speaks for it."""
    title, standing = playbook.title if playbook else name, known.standing if known else None
    if known is not None and standing is not None and standing.says == "harm":
        return say("{title} shows harm: {effect:estimate}", title=title, effect=known.effect)
    stops = own.loc[own["verdict"] == "not_executable", "stop_step"].value_counts()
    if len(stops) and stops.iloc[0] >= STUCK_PLANS:
        return say(
            "{title} cannot be carried out as it is written: {n:n plan|plans} stopped at the step {step}",
            title=title,
            n=int(stops.iloc[0]),
            step=str(stops.index[0]),
        )
    if known is not None and known.inside is not None and playbook is not None and playbook.trait is not None:
        words = {
            "title": title,
            "trait": playbook.trait.name,
            "values": list(playbook.trait.expected),
            "effect": known.inside,
        }
        if known.is_drawn:
            return say(
                "{title} is verified by a drawn start order where {trait:word} is {values:words}: {effect:estimate}",
                **words,
            )
        return say(
            "{title} is supported by comparable accounts where {trait:word} is {values:words}: {effect:estimate}",
            **words,
        )
    if known is None or standing is None:
        return say(
            "Whether {title} does anything is open: {judged:count} of {n:n plan|plans} could be judged",
            title=title,
            judged=int(own["verdict"].isin(CASES).sum()),
            n=len(own),
        )
    if standing.says == "less":
        return say(
            "{title} does less than the smallest effect of note: {effect:estimate}", title=title, effect=known.effect
        )
    if known.is_drawn:
        return say("{title} is verified by a drawn start order: {effect:estimate}", title=title, effect=known.effect)
    return say("{title} is supported by comparable accounts: {effect:estimate}", title=title, effect=known.effect)


def _caveats(name: str, library: Library, judged: "pd.DataFrame") -> Iterator[Caveat]:
    if name in library.broken:
        said = "; ".join(str(problem) for problem in library.problems if f"/{name}.yaml" in problem.file)
        yield Caveat(
            "playbook_unreadable",
            Severity.WARNING,
            say("The file of {name} cannot be read, so nothing declared in it was used: {said}", name=name, said=said),
            say("Mend the file, then run again"),
        )
    elif name not in library.playbooks:
        yield Caveat(
            "playbook_unknown",
            Severity.WARNING,
            say("Plans name the playbook {name}, and the library has no such file", name=name),
            say("Write configs/playbooks/{name}.yaml, or mend the name in the plans", name=name),
        )
    elif library.playbooks[name].trait is None:
        yield Caveat(
            "no_trait",
            Severity.NOTE,
            say("No trait was declared before its plans, so differences between groups are candidates only"),
            say("Declare the one attribute that may decide where it works, before its next plans start"),
        )
    accounts = int(judged["account_id"].nunique())
    if 0 < accounts < LEAST_ACCOUNTS:
        yield Caveat(
            "few_accounts",
            Severity.WARNING,
            say("Its evidence comes from {n:n account|accounts} only", n=accounts),
        )


def _actions(playbook: Playbook | None, own: "pd.DataFrame", changes: int, known: Known | None) -> Iterator[Message]:
    if changes:
        yield say("Read {n:n proposed change|proposed changes}, then decide: csw playbooks apply latest", n=changes)
    found = set(own["verdict"])
    if "not_executable" in found:
        yield say("Rewrite the step at which its plans stop, with those who have to carry it out")
    if known is not None and known.standing is not None and known.standing.says in ("harm", "less"):
        yield say("Start no further plans with it before it has been redesigned")
    if playbook is not None and found <= {"in_progress", "too_early"} and found:
        yield say("Wait: none of its plans has been in place for the whole window yet")
