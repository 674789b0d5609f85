"""One language of conditions on accounts and contacts, for every list and rule.

A condition is a tree of `all`, `any` and `not` over tests of attributes, written in YAML and compiled to an Ibis
expression:

    all:
      - {attribute: value_tier, in: [large, mid]}
      - {attribute: added_at, within_days: 1}
      - not: {attribute: last_human_touch_on, is_known: true}

`accounts_at` and `contacts_at` give the attributes of a book at one date or several, `check` says what is wrong with
conditions, `fits` is one of them as an expression, `first_fitting` the name of the first rule that fits, and
`contacts_by_rule` all of this for contacts at once. A test of a missing value fails, so every condition is true or
false, never unknown. What the book has no column or table for (`absent`) is another matter: nobody fits by lacking it.
"""

from csworkbench.filters.attributes import absent, absent_tables, accounts_at, contacts_at
from csworkbench.filters.choosing import contacts_by_rule
from csworkbench.filters.conditions import Condition
from csworkbench.filters.matching import check, first_fitting, fits

__all__ = [
    "Condition", "absent", "absent_tables", "accounts_at", "check", "contacts_at", "contacts_by_rule", "first_fitting",
    "fits",
]  # fmt: skip
