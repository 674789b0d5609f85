"""What the verdicts of plans say about their playbook, as changes of its file that a person accepts or not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import unified_diff
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from csworkbench.config import edited, load_text, plain
from csworkbench.estimates import Message, say
from csworkbench.playbooks.definition import PLAYBOOKS, Case, Playbook, Status

if TYPE_CHECKING:
    import pandas as pd

CASES = (
    "verified",
    "supported",
    "reached_not_attributable",
    "effective_but_goal_too_high",
    "unlucky",
    "inconclusive",
    "out_of_scope",
    "not_representative",
    "harmful",
)
"""Verdicts that become cases: every plan that was carried out and could be judged, whatever came of it.

A list of successes alone would make any playbook look good.
"""
DIGITS = 4  # of an effect in a file
STUCK_PLANS = 2  # at a step that cannot be carried out: one plan says nothing of its playbook


@dataclass(frozen=True, slots=True)
class ScopeFound:
    """What the test of the pre-declared trait found.

    Args:
        trait: The attribute.
        values: Its values for which the playbook works.
        is_shown: The test is passed with enough plans; otherwise it is a candidate and changes nothing, as is one
            that finds the effect for other values than the declared ones.
        plans: Plans behind it.
    """

    trait: str
    values: tuple[str, ...]
    is_shown: bool
    plans: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the evidence says of a playbook as a whole, where it says something.

    Args:
        says: It works; it does harm; it does less than the smallest effect of note.
        accounts: Accounts behind it.
        is_sure: It would say so at a probability of .95 too, not only at that of the verdicts.
    """

    says: Literal["works", "harm", "less"]
    accounts: int
    is_sure: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """Changes of one playbook.

    Args:
        playbook: Its id.
        version: Version it was made from.
        sha256: Digest of the text it was made from: another text is not changed.
        changes: Dotted key -> new value; empty = nothing is proposed.
        reasons: Why, one sentence per change.
        cases: The cases that are new or say something else, as rows of the file.
    """

    playbook: str
    version: int
    sha256: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    reasons: tuple[Message, ...] = ()
    cases: tuple[Case, ...] = ()

    @property
    def file(self) -> str:
        """Path of the playbook's file from the project root."""
        return f"{PLAYBOOKS}/{self.playbook}.yaml"


def propose(
    playbook: Playbook,
    text: str,
    verdicts: "pd.DataFrame",
    as_of: date,
    scope: ScopeFound | None = None,
    *,
    standing: Standing | None = None,
) -> Proposal:
    """Return what the verdicts on plans change in their playbook.

    Cases are added or brought up to date; the status follows the worst that the evidence on the whole playbook shows
    (harm, steps that cannot be carried out, no effect elsewhere: redesign; works for some values of the trait only:
    narrowed; works: active, if it was a draft), the scope the trait that was declared before. Retired playbooks keep
    their status. What a playbook under redesign needs is a new design: no verdict on its old plans makes it active
    again.

    Who looks every month finds by chance sooner or later what one look finds in one of fifty idle playbooks. So the
    evidence speaks when the accounts among the cases have passed 8, 16, 32 ... since those in the file, and in between
    only where it is sure. Steps that cannot be carried out are counted, not estimated, and speak at once.

    Args:
        playbook: The playbook as it is.
        text: Text of its file.
        verdicts: One row per plan of any playbook: plan_id, account_id, playbook, verdict, stop_step, evidence, effect,
            low, high.
        as_of: Date of the validation.
        scope: What the test of its trait found; None = no test.
        standing: What the evidence says of it as a whole; None = nothing yet.
    """
    own = verdicts[verdicts["playbook"] == playbook.id]
    is_look = _is_look(playbook, own)
    shown = scope if scope is not None and is_look and _is_declared(playbook, scope) else None
    heard = standing if standing is not None and (is_look or standing.is_sure) else None
    fresh = _cases(playbook, own, as_of)
    changes: dict[str, Any] = {}
    reasons: list[Message] = []
    for key, value, reason in (*_status(playbook, own, shown, heard), *_scope(playbook, shown)):
        changes[key] = value
        reasons.append(reason)
    if fresh:
        changes["cases"] = [_row(case) for case in _merged(playbook.cases, fresh)]
        added = len({case.plan for case in fresh} - {case.plan for case in playbook.cases})
        reasons.append(
            say(
                "{n:n case|cases} added or brought up to date, {added:count} of them new",
                n=len(fresh),
                added=added,
            )
        )
    if changes:
        changes["version"] = playbook.version + 1
    digest = sha256(text.encode()).hexdigest()
    return Proposal(playbook.id, playbook.version, digest, MappingProxyType(changes), tuple(reasons), fresh)


def patched(text: str, proposal: Proposal) -> str:
    """Return the text of a playbook with what is proposed, its comments kept.

    Args:
        text: Text of its file.
        proposal: Made from the same text.

    Returns:
        Text that holds a valid playbook.

    Raises:
        ConfigError: the changed text would hold no valid playbook.
        ValueError: the proposal was made from another text.
    """
    if sha256(text.encode()).hexdigest() != proposal.sha256:
        raise ValueError(f"the proposal for {proposal.playbook} was made from another text")
    if not proposal.changes:
        return text
    changed = edited(text, proposal.changes, proposal.file)
    load_text(changed, Playbook, proposal.file)
    return changed


def difference(before: str, after: str, file: str) -> str:
    """Return the unified diff of a file, as `git apply` and people read it; "" where nothing changes.

    Args:
        before: Its text.
        after: Its text afterwards.
        file: Path from the project root.
    """
    lines = unified_diff(before.splitlines(), after.splitlines(), f"a/{file}", f"b/{file}", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _cases(playbook: Playbook, own: "pd.DataFrame", as_of: date) -> tuple[Case, ...]:
    """Return the cases that the file does not hold, or holds with another verdict, in the order of their plans."""
    known = {case.plan: case for case in playbook.cases}
    judged = own[own["verdict"].isin(CASES)].drop_duplicates("plan_id").sort_values("plan_id")
    found = (_case(row, as_of) for row in judged.to_dict("records"))
    return tuple(case for case in found if case.plan not in known or _is_news(known[case.plan], case))


def _case(row: Mapping[Any, Any], as_of: date) -> Case:
    effect, low, high = (_number(row.get(name)) for name in ("effect", "low", "high"))
    if low is None or high is None:
        low = high = None
    return Case(
        account=str(row["account_id"]),
        plan=str(row["plan_id"]),
        verdict=str(row["verdict"]),
        evidence=str(row["evidence"]) if _is_there(row.get("evidence")) else "",
        effect=effect,
        low=low,
        high=high,
        as_of=as_of,
    )


def _is_news(known: Case, case: Case) -> bool:
    """Say whether a case says something else: an estimate that moves a little each night is no news."""
    return (known.verdict, known.evidence) != (case.verdict, case.evidence)


def _merged(known: tuple[Case, ...], fresh: tuple[Case, ...]) -> list[Case]:
    """Return the cases with fresh ones in the place of those of the same plan, new ones at the end."""
    by_plan = {case.plan: case for case in fresh}
    kept = [by_plan.pop(case.plan, case) for case in known]
    return [*kept, *by_plan.values()]


def _row(case: Case) -> dict[str, Any]:
    return {key: value for key, value in plain(case).items() if value not in (None, "")}


def _number(value: object) -> float | None:
    return round(float(value), DIGITS) if _is_there(value) else None  # type: ignore[arg-type]


def _is_there(value: object) -> bool:
    return value is not None and value == value  # only NaN differs from itself


def _is_look(playbook: Playbook, own: "pd.DataFrame") -> bool:
    """Say whether the accounts of its cases have passed a power of two since the file was written."""
    known = {case.account for case in playbook.cases}
    now = known | {str(account) for account in own.loc[own["verdict"].isin(CASES), "account_id"]}
    return len(now).bit_length() > len(known).bit_length()


def _status(
    playbook: Playbook, own: "pd.DataFrame", scope: ScopeFound | None, standing: Standing | None
) -> Iterator[tuple[str, Status, Message]]:
    """Yield the change of the status, if there is one."""
    stops = own.loc[own["verdict"] == "not_executable", "stop_step"].value_counts()
    wanted = _wanted(int(stops.max()) if len(stops) else 0, scope, standing)
    if wanted is None or playbook.status is Status.RETIRED or wanted[0] is playbook.status:
        return
    status, reason = wanted
    is_settled = status in (Status.ACTIVE, Status.NARROWED) and playbook.status is not Status.DRAFT
    if is_settled and (status is Status.ACTIVE or playbook.status is Status.REDESIGN):
        return
    yield "status", status, reason


def _wanted(stuck: int, scope: ScopeFound | None, standing: Standing | None) -> tuple[Status, Message] | None:
    """Return the status that the evidence asks for, and why; None where it asks for none."""
    says, accounts = (None, 0) if standing is None else (standing.says, standing.accounts)
    if says == "harm":
        return Status.REDESIGN, say("it does harm, over {n:n account|accounts}", n=accounts)
    if stuck >= STUCK_PLANS:
        return Status.REDESIGN, say(
            "{n:count} plans stopped at one step, which cannot be carried out as it is written", n=stuck
        )
    if scope is not None:
        return Status.NARROWED, say(
            "it works where {trait:word} is {values:words}, and not elsewhere",
            trait=scope.trait,
            values=list(scope.values),
        )
    if says == "less":
        return Status.REDESIGN, say(
            "carried out, it does not do what it was written for, over {n:n account|accounts}", n=accounts
        )
    return (Status.ACTIVE, say("it works, over {n:n account|accounts}", n=accounts)) if says == "works" else None


def _is_declared(playbook: Playbook, scope: ScopeFound) -> bool:
    """Say whether a finding may narrow a playbook: its test is passed, and trait and values were declared before."""
    trait = playbook.trait
    is_named = trait is not None and scope.trait == trait.name and set(scope.values) <= set(trait.expected)
    return scope.is_shown and is_named and bool(scope.values)


def _scope(playbook: Playbook, scope: ScopeFound | None) -> Iterator[tuple[str, list[str], Message]]:
    """Yield the change of the scope, if there is one."""
    if scope is not None and set(playbook.scope.where.get(scope.trait, ())) != set(scope.values):
        reason = say(
            "the test of {trait}, declared before, is passed over {n:n plan|plans}", trait=scope.trait, n=scope.plans
        )
        yield f"scope.where.{scope.trait}", list(scope.values), reason
