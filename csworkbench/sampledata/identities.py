"""The ids that the accounts and people of the sample book have in other systems: `id_map`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csworkbench.sampledata.people import People
from csworkbench.sampledata.personal import domains
from csworkbench.sampledata.world import BLOCK_ACCOUNTS, BLOCK_IDS, only

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sampledata.world import Ints, Texts

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
IN_BOTH = 0.08  # of the accounts are in the CRMs of both tenants
SECOND_DOMAIN = 0.04  # of the accounts write from a second domain
MERGED = 0.03  # of the contacts of the global CRM were two records once: both ids lead to the one that is left


def id_map_table(people: People, accounts: pd.DataFrame) -> pd.DataFrame:
    """Return `id_map`: accounts in two CRM tenants and at the helpdesk, contacts of one tenant, e-mail domains.

    Ids of `crm_global` have 15 characters, and each differs from its neighbor in the case of one letter only; those of
    `crm_china` are digits with zeros in front.

    Args:
        people: Contacts of the block.
        accounts: Table `accounts` of the block.
    """
    import numpy as np
    import pandas as pd

    world = people.world
    rng = world.stream("id_map")
    ids, is_chinese = world.traits["account_id"].to_numpy(object), (world.traits["region"] == "China").to_numpy()
    number = np.arange(world.accounts) + world.number * BLOCK_ACCOUNTS
    is_both, has_second = (rng.random(world.accounts) < share for share in (IN_BOTH, SECOND_DOMAIN))
    domain = domains(world.number, accounts)
    of_accounts = [
        ("crm_global", _global_ids("001", number), ~is_chinese | is_both),
        ("crm_china", np.array([f"{place + 1:08d}" for place in number], dtype=object), is_chinese | is_both),
        ("helpdesk", np.array([str(40_000 + 7 * place) for place in number], dtype=object), np.full(len(ids), True)),
        ("email_domain", domain, np.full(len(ids), True)),
        ("email_domain", np.array([f"mail.{name}" for name in domain], dtype=object), has_second),
    ]
    parts = [_mapped(name, source_ids[chosen], "account_id", ids[chosen]) for name, source_ids, chosen in of_accounts]
    contact = np.flatnonzero(~is_chinese[people.account])
    contact = np.concatenate([contact, rng.choice(contact, round(MERGED * len(contact)), replace=False)])
    source_ids = _global_ids("003", np.arange(len(contact)) + world.number * BLOCK_IDS)
    to = people.contacts["contact_id"].to_numpy(object)[contact]
    return pd.concat([*parts, _mapped("crm_global", source_ids, "contact_id", to)], ignore_index=True)


def _global_ids(prefix: str, numbers: Ints) -> Texts:
    """Return ids of 15 characters: two neighbors differ in the case of their tenth."""
    import numpy as np

    return np.array([f"{prefix}5g0000{'qQ'[number % 2]}{_in_letters(number // 2)}" for number in numbers], dtype=object)


def _in_letters(number: int) -> str:
    """Return a number in digits and letters, five of them."""
    text = ""
    for _ in range(5):
        number, rest = divmod(number, len(_LETTERS))
        text = _LETTERS[rest] + text
    return text


def _mapped(source: str, source_ids: Texts, kind: str, ids: Texts) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    nothing = only(np.zeros(len(ids), dtype=bool), "")
    frame = pd.DataFrame({"source": source, "source_id": source_ids, "account_id": nothing, "contact_id": nothing})
    return frame.assign(**{kind: ids})
