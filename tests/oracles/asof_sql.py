"""The cut of a book to a day in plain DuckDB SQL, written apart from `csworkbench.asof` from the words of the contract.

Each function returns one SELECT over the base tables. `after` is the instant the next day begins, in UTC, and `day` the
last day that is known. Every nullable time is null where nothing is known to have been late.
"""

from datetime import date, timedelta

from csworkbench.asof import day_start


def _times(day: date, timezone: str) -> tuple[str, str]:
    return f"DATE '{day}'", f"TIMESTAMP '{day_start(day + timedelta(days=1), timezone)}'"


def _known(after: str) -> str:
    return f"(t.known_at IS NULL OR t.known_at < {after})"


def _version(table: str, unit: str, columns: str, event: str, day: date, timezone: str) -> str:
    """One version per unit: the newest that has begun, is known, and has not ended as far as anybody knew."""
    today, after = _times(day, timezone)
    return f"""
        SELECT {columns} FROM {table} t
        WHERE (t.{event} IS NULL OR t.{event} < {after}) AND {_known(after)} AND t.valid_from <= {today}
          AND (t.valid_to IS NULL OR t.valid_to > {today} OR EXISTS (
                 SELECT 1 FROM {table} n
                 WHERE n.{unit} = t.{unit} AND n.valid_from = t.valid_to
                   AND (n.known_at >= {after} OR n.{event} >= {after})))
        QUALIFY t.valid_from = max(t.valid_from) OVER (PARTITION BY t.{unit})"""


def accounts(table: str, day: date, timezone: str) -> str:
    """Accounts: account_id, valid_from, plan, arr, and churned_at where it has come."""
    _, after = _times(day, timezone)
    columns = f"account_id, valid_from, plan, arr, CASE WHEN churned_at < {after} THEN churned_at END AS churned_at"
    return _version(table, "account_id", columns, "signup_at", day, timezone)


def contacts(table: str, account_table: str, day: date, timezone: str) -> str:
    """Contacts of accounts that are there: contact_id, account_id, valid_from, role, and left_at where it has come."""
    _, after = _times(day, timezone)
    columns = f"contact_id, account_id, valid_from, role, CASE WHEN left_at < {after} THEN left_at END AS left_at"
    versions = _version(table, "contact_id", columns, "added_at", day, timezone)
    there = accounts(account_table, day, timezone)
    return f"SELECT * FROM ({versions}) WHERE account_id IN (SELECT account_id FROM ({there}))"


def plan_steps(table: str, plan_table: str, account_table: str, day: date, timezone: str) -> str:
    """Steps of plans that are there, of accounts that are: done_at, minutes and status as far as they had come."""
    _, after = _times(day, timezone)
    return f"""
        SELECT t.plan_id, t.step_no, t.name, t.planned_at, t.blocker,
               CASE WHEN t.done_at < {after} THEN t.done_at END AS done_at,
               CASE WHEN t.done_at < {after} THEN t.minutes END AS minutes,
               CASE WHEN t.done_at IS NULL OR t.done_at < {after} THEN t.status END AS status
        FROM {table} t WHERE {_known(after)} AND t.plan_id IN (
            SELECT t.plan_id FROM {plan_table} t
            WHERE (t.created_at IS NULL OR t.created_at < {after}) AND {_known(after)}
              AND t.account_id IN (SELECT account_id FROM ({accounts(account_table, day, timezone)})))"""


def touch_events(table: str, touch_table: str, account_table: str, day: date, timezone: str) -> str:
    """Events of touches that are there, of accounts that are."""
    _, after = _times(day, timezone)
    return f"""
        SELECT t.* FROM {table} t WHERE t.occurred_at < {after} AND {_known(after)} AND t.touch_id IN (
            SELECT t.touch_id FROM {touch_table} t
            WHERE t.sent_at < {after} AND {_known(after)}
              AND t.account_id IN (SELECT account_id FROM ({accounts(account_table, day, timezone)})))"""
