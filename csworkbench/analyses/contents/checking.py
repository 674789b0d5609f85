"""The library: is every card complete, and who may see what?"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.contents.evidence import Inputs, roles_in
from csworkbench.analyses.contents.settings import Config
from csworkbench.estimates import Message, say
from csworkbench.tables.shared import ROLES

if TYPE_CHECKING:
    import pandas as pd

NOT_IN_LIBRARY = "not in the library"
FAULT = ["content_id", "title", "kind", "field", "value", "fault"]
ADDRESS = re.compile(r"https?://[^\s/]+\.\S+")
FORMS = {
    "url": (ADDRESS, say("no address of a page: it begins with https:// and has no blanks")),
    "appid": (re.compile(r"wx[0-9a-z]{16}"), say("no id of a mini-program: it is wx and 16 letters and digits")),
    "path": (re.compile(r"/?(?!/)(?!\w+:)\S+"), say("no page of a mini-program: it is a path such as pages/index")),
    "image": (re.compile(r"\S+"), say("no image: an address or an id has no blanks")),
}
MISSING = say("missing")


def fault_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return what is wrong with the contents of the library.

    Args:
        inputs: The library.
        config: What each kind must have.

    Returns:
        One row per content and fault: content_id, title, kind, field, value (what stands there, "" = nothing), fault
        (in the words of the workspace's language).
    """
    import pandas as pd

    from csworkbench.formats import text

    rows = [
        (row["content_id"], _said(row, "title"), _said(row, "kind"), field, value, text(fault, inputs.language))
        for row in inputs.library.to_dict("records")
        for field, value, fault in _faults(row, config)
    ]
    return pd.DataFrame(rows, columns=FAULT)


def _faults(row: Mapping[Any, Any], config: Config) -> Iterator[tuple[str, str, Message]]:
    kind = _said(row, "kind")
    if not kind:
        yield "kind", "", MISSING
    elif kind not in config.kinds:
        yield "kind", kind, say("unknown: the settings know {kinds}", kinds=", ".join(config.kinds))
    for field in config.kinds.get(kind, ()):
        value = _said(row, field)
        if not value:
            yield field, "", MISSING
        elif field in FORMS and not FORMS[field][0].fullmatch(value):
            yield field, value, FORMS[field][1]
    for role in sorted(roles_in(_said(row, "roles")) - {*ROLES}):
        yield "roles", role, say("unknown: roles are {roles}", roles=", ".join(ROLES))


def _said(row: Mapping[Any, Any], name: str) -> str:
    value = row[name]
    return value.strip() if isinstance(value, str) else ""


def catalogue_table(inputs: Inputs, faults: "pd.DataFrame") -> "pd.DataFrame":
    """Return what each role finds in the library, in its order.

    Args:
        inputs: The library, and what was sent.
        faults: From `fault_table`.

    Returns:
        One row per role and content it may see: role, group_path, content_id, title, kind, sent (messages of the
        window), is_faulty. A content whose roles are all unknown is seen by nobody.
    """
    import pandas as pd

    ordered = inputs.library.sort_values(["group_path", "sort", "content_id"], na_position="last")
    may = ordered["roles"].map(lambda said: roles_in(said) if isinstance(said, str) and said.strip() else {*ROLES})
    sent = inputs.sends.groupby("content_id")["sent"].sum()
    told = ordered.assign(
        group_path=ordered["group_path"].fillna(""),
        sent=ordered["content_id"].map(sent).fillna(0).astype(int),
        is_faulty=ordered["content_id"].isin(set(faults["content_id"])),
    )
    columns = ["group_path", "content_id", "title", "kind", "sent", "is_faulty"]
    parts = [told.loc[[role in each for each in may], columns].assign(role=role) for role in ROLES if len(told)]
    whole = pd.concat(parts) if parts else told.assign(role="")
    return whole[["role", *columns]].reset_index(drop=True)


def role_table(catalogue: "pd.DataFrame", total: int) -> "pd.DataFrame":
    """Return how much of the library each role sees.

    Args:
        catalogue: From `catalogue_table`.
        total: Contents in the library.

    Returns:
        One row per role: role, contents, hidden (contents it does not see), never_sent, faulty.
    """
    import pandas as pd

    rows = []
    for role in ROLES if total else ():
        mine = catalogue[catalogue["role"] == role]
        rows.append((role, len(mine), total - len(mine), int((mine["sent"] == 0).sum()), int(mine["is_faulty"].sum())))
    return pd.DataFrame(rows, columns=["role", "contents", "hidden", "never_sent", "faulty"])
