"""The solution library: playbooks as files, read one by one, and changed by proposals that keep their comments.

definition  Playbook and its parts: what a file of configs/playbooks holds
library     read, parsed: the files of a folder, and what is wrong with some of them as data
proposing   propose, patched, difference: what the verdicts say about a playbook, as changes of its file
"""

from csworkbench.playbooks.definition import (
    PLAYBOOKS,
    Case,
    Goal,
    Playbook,
    Scope,
    StartsWhen,
    Status,
    Step,
    Trait,
)
from csworkbench.playbooks.library import Library, parsed, read
from csworkbench.playbooks.proposing import (
    CASES,
    STUCK_PLANS,
    Proposal,
    ScopeFound,
    Standing,
    difference,
    patched,
    propose,
)

__all__ = [
    "CASES",
    "PLAYBOOKS",
    "STUCK_PLANS",
    "Case",
    "Goal",
    "Library",
    "Playbook",
    "Proposal",
    "Scope",
    "ScopeFound",
    "Standing",
    "StartsWhen",
    "Status",
    "Step",
    "Trait",
    "difference",
    "parsed",
    "patched",
    "propose",
    "read",
]
