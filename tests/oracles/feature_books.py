"""Small books for measures: random rows of every table they read, and books with versions and late rows."""

from datetime import date, datetime, timedelta
from random import Random

from hypothesis import strategies as st

AS_OF = date(2026, 6, 30)


def ago(days):
    return AS_OF - timedelta(days=days)


def random_tables(seed):
    random = Random(seed)

    def maybe(value, share=0.15):
        return None if random.random() < share else value

    def instant(first=160, last=-20):
        return datetime.fromisoformat("2026-06-30") - timedelta(hours=random.randint(last * 24, first * 24))

    def account():
        return random.choice("abcdefghij")

    accounts = [
        {
            "account_id": name,
            "signup_at": maybe(instant(900, -10)),
            "region": maybe(random.choice("xy")),
            "employees": maybe(random.randint(1, 99)),
            "known_at": maybe(instant(400, -5), 0.8),
        }
        for name in "abcdefghijk"
    ]
    usage = {
        (row["account_id"], row["user_id"], row["feature"], row["date"]): row
        for row in (
            {
                "account_id": account(),
                "user_id": maybe(random.choice("uvw")),
                "feature": maybe(random.choice(["q", "e", "s"])),
                "date": ago(random.randint(-5, 200)),
                "events": maybe(random.randint(0, 9)),
                "minutes": maybe(random.randint(0, 999) / 7),
                "known_at": maybe(instant(), 0.7),
            }
            for _ in range(400)
        )
    }
    subscriptions = {
        (row["subscription_id"], row["start_date"]): row
        for row in (
            {
                "subscription_id": f"{name}{random.randint(1, 2)}",
                "account_id": name,
                "start_date": ago(random.randint(-5, 300)),
                "end_date": maybe(ago(random.randint(-100, 20))),
                "seats": maybe(random.randint(0, 5), 0.08),
                "known_at": maybe(instant(), 0.8),
            }
            for name in "abcdefghij"
            for _ in range(3)
        )
    }
    tickets = [
        {
            "ticket_id": str(number),
            "account_id": account(),
            "opened_at": (opened := instant()),
            "resolved_at": maybe(opened + timedelta(hours=random.randint(0, 400)), 0.3),
            "known_at": maybe(instant(), 0.8),
        }
        for number in range(60)
    ]
    answers = [
        {
            "response_id": str(number),
            "account_id": account(),
            "contact_id": maybe(random.choice("mno")),
            "invited_at": (invited := instant(300)),
            "responded_at": (answered := maybe(invited + timedelta(days=random.randint(0, 9)), 0.3)),
            "score": None if answered is None else random.randint(0, 10),
            "known_at": maybe(instant(), 0.8),
        }
        for number in range(60)
    ]
    touches = [
        {
            "touch_id": str(number),
            "account_id": account(),
            "sent_at": instant(),
            "mode": maybe(random.choice(["human", "tech"])),
            "known_at": maybe(instant(), 0.8),
        }
        for number in range(40)
    ]
    renewals = [
        {
            "renewal_id": str(number),
            "account_id": account(),
            "due_date": ago(random.randint(-200, 60)),
            "decided_at": (decided := maybe(instant(), 0.5)),
            "outcome": "open" if decided is None else random.choice(["renewed", "churned"]),
            "known_at": maybe(instant(), 0.8),
        }
        for number in range(30)
    ]
    return {
        "accounts": accounts,
        "usage_daily": list(usage.values()),
        "subscriptions": list(subscriptions.values()),
        "tickets": tickets,
        "nps_responses": answers,
        "touches": touches,
        "renewals": renewals,
        "features": [
            {"feature": "q", "is_core": True},
            {"feature": "e", "is_core": True},
            {"feature": "s", "is_core": None},
            {"feature": "never", "is_core": True},
        ],
    }


def _days(least=0, most=130):
    return st.integers(least, most).map(ago)


def _instants(least=-3, most=130):
    last = datetime.fromisoformat("2026-06-30T23:00")
    return st.integers(24 * least, 24 * most).map(lambda hours: last - timedelta(hours=hours))


def _maybe(cells):
    return st.none() | cells


def _rows(most, key=None, **cells):
    rows = st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=most)
    return rows.map(lambda drawn: [row | ({key: str(number)} if key else {}) for number, row in enumerate(drawn)])


@st.composite
def _accounts(draw):
    """Accounts of one or two versions, some known late, some not signed up before the middle of the time."""
    accounts = []
    for name in "abc":
        signup_at, change = draw(_maybe(_instants(40))), draw(_maybe(st.integers(1, 100)))
        spans = [(ago(200), None)] if change is None else [(ago(200), ago(change)), (ago(change), None)]
        for first, last in spans:
            version = {"account_id": name, "signup_at": signup_at, "valid_from": first, "valid_to": last}
            version["known_at"] = draw(_maybe(_instants(0, 60)))
            version["region"] = draw(_maybe(st.sampled_from("xy")))
            version["plan"] = draw(_maybe(st.sampled_from(["team", "pro"])))
            version["employees"] = draw(_maybe(st.integers(1, 9)))
            accounts.append(version)
    return accounts


@st.composite
def small_books(draw):
    """Tables of three accounts over 130 days: versions, late rows, blanks, and rows of accounts not there yet."""
    of, known_at = {"account_id": st.sampled_from("abc")}, _maybe(_instants())
    strategies = {
        "accounts": _accounts(),
        "usage_daily": _rows(
            40,
            **of,
            user_id=_maybe(st.sampled_from("uvw")),
            feature=_maybe(st.sampled_from("qes")),
            date=_days(),
            events=_maybe(st.integers(0, 5)),
            minutes=_maybe(st.integers(0, 99).map(lambda number: number / 7)),
            known_at=known_at,
        ),
        "subscriptions": _rows(
            6,
            **of,
            subscription_id=st.sampled_from("12"),
            start_date=_days(-5),
            end_date=_maybe(_days(-50)),
            seats=_maybe(st.integers(0, 4)),
            known_at=known_at,
        ).map(lambda rows: list({(row["subscription_id"], row["start_date"]): row for row in rows}.values())),
        "tickets": _rows(
            8, "ticket_id", **of, opened_at=_instants(), resolved_at=_maybe(_instants()), known_at=known_at
        ),
        "nps_responses": _rows(
            8,
            "response_id",
            **of,
            contact_id=_maybe(st.sampled_from("mn")),
            invited_at=_instants(),
            responded_at=_maybe(_instants()),
            score=st.integers(0, 10),
            known_at=known_at,
        ),
        "touches": _rows(
            8, "touch_id", **of, mode=st.sampled_from(["human", "tech"]), sent_at=_instants(), known_at=known_at
        ),
        "renewals": _rows(
            5,
            "renewal_id",
            **of,
            due_date=_days(-60),
            decided_at=_maybe(_instants()),
            outcome=st.sampled_from(["open", "renewed"]),
            known_at=known_at,
        ),
    }
    features = [
        {"feature": "q", "is_core": True, "plans": None},
        {"feature": "e", "is_core": True, "plans": "pro; max"},
    ]
    made = {name: draw(rows) for name, rows in strategies.items()}
    return made | ({"features": features} if draw(st.booleans()) else {})
