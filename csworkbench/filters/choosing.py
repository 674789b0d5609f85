"""Which rule fits each contact: what lists ask that leave people out by conditions."""

from collections.abc import Mapping

from csworkbench.asof import Snapshot
from csworkbench.errors import ConfigError, Problem
from csworkbench.filters.attributes import absent_tables, contacts_at
from csworkbench.filters.conditions import Condition
from csworkbench.filters.matching import check, first_fitting


def contacts_by_rule(snapshot: Snapshot, key: str, rules: Mapping[str, Condition]) -> dict[str, str]:
    """Return contact_id -> name of the first rule that fits; contacts that none fits are not there.

    Args:
        snapshot: The book; conditions are asked at its date. Without contacts nobody fits.
        key: Key of the rules in the settings, for errors.
        rules: Name -> condition on contacts; `account.<attribute>` reads the account.

    Raises:
        ConfigError: an attribute is unknown, is tested in a way that does not fit it, or is read from a table that is
            not there: a rule that cannot be asked would let everybody pass.
    """
    if not rules or "contacts" not in snapshot.tables:
        return {}
    absent = [
        Problem(f"'{name}' is read from {table}, which is not in the workspace", key=f"{key}.{rule}", hint=hint)
        for rule, condition in rules.items()
        for name, table in absent_tables(snapshot, condition.attributes()).items()
        for hint in (f"add {table} under tables, or take the rule out",)
    ]
    if absent:
        raise ConfigError(*absent)
    wanted = {name for condition in rules.values() for name in condition.attributes()}
    table = contacts_at(snapshot, (snapshot.as_of,), wanted=wanted)
    check({f"{key}.{rule}": condition for rule, condition in rules.items()}, table)
    frame = table.select("contact_id", rule=first_fitting(table, list(rules.items()), "")).to_pandas()
    return {who: rule for who, rule in zip(frame["contact_id"], frame["rule"], strict=True) if rule}
