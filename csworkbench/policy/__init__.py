"""Who may be contacted: consent, caps, quiet time and suppression, with a reason for each contact left out.

`gather` asks the engine what is known of every contact, `decide` says who may be contacted and why not, `objections`
asks again about a list that stands, `account_for` adds up to all contacts, and `proposals` is the table in which
analyses ask for contacts. `drawn` says whom the lot leaves alone, `holdout_table` what that can show.
"""

from csworkbench.policy.deciding import account_for, decide, objections
from csworkbench.policy.doubts import CAPS, about_struck, doubts, without_holdout
from csworkbench.policy.ground import ADDRESS, Ground, gather, require_channels, require_lists, short_lists
from csworkbench.policy.holdouts import Holdout, book_size, drawn, holdout_table
from csworkbench.policy.proposals import COLUMNS, FALLBACKS, RELEASED, WORDS, of_accounts, proposal_id, proposals
from csworkbench.policy.reasons import Reason
from csworkbench.policy.recorded import last_touch, sent_since
from csworkbench.policy.weeks import Week, first_moment, is_quiet, week_of, zone_of
from csworkbench.policy.writings import is_among, plain_address

__all__ = [
    "ADDRESS",
    "CAPS",
    "COLUMNS",
    "FALLBACKS",
    "RELEASED",
    "WORDS",
    "Ground",
    "Holdout",
    "Reason",
    "Week",
    "about_struck",
    "account_for",
    "book_size",
    "decide",
    "doubts",
    "drawn",
    "first_moment",
    "gather",
    "holdout_table",
    "is_among",
    "is_quiet",
    "last_touch",
    "objections",
    "of_accounts",
    "plain_address",
    "proposal_id",
    "proposals",
    "require_channels",
    "require_lists",
    "sent_since",
    "short_lists",
    "week_of",
    "without_holdout",
    "zone_of",
]
