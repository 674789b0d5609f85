"""The metric definitions once more, in SQL by hand over the raw tables: shares nothing with `csworkbench.features`.

Each query gives account_id, value, known_on; an account without a row, or with a null, is missing.
"""

from csworkbench.features import (
    ActiveRatio,
    ActiveUsers,
    Attribute,
    DaysSinceContact,
    DaysSinceLastUse,
    DaysToRenewal,
    FeatureBreadth,
    Nps,
    OpenTickets,
    Tenure,
    Tickets,
    Usage,
    UsageTrend,
)

KNOWN = """
with limits as (
    select date '{as_of}' as day, timezone('UTC', timezone('{zone}', (date '{as_of}' + 1)::timestamp)) as until
),
acc as (
    select * from accounts, limits
    where coalesce(signup_at < until, true) and coalesce(known_at < until, true)
),
usg as (
    select u.* from usage_daily u join acc using (account_id)
    where u.date <= acc.day and (u.known_at is null or u.known_at < acc.until)
),
used as (select * from usg where events is null or events >= 1),
subs as (
    select s.*, row_number() over (partition by s.subscription_id order by s.start_date desc) as latest
    from subscriptions s join acc using (account_id)
    where s.start_date <= acc.day and (s.known_at is null or s.known_at < acc.until)
),
paid as (
    select account_id, case when bool_and(seats is not null) then sum(seats) end as seats
    from subs, limits where latest = 1 and (end_date is null or end_date >= day) group by account_id
),
tck as (
    select t.* replace (case when t.resolved_at < acc.until then t.resolved_at end as resolved_at), acc.day, acc.until
    from tickets t join acc using (account_id)
    where t.opened_at < acc.until and (t.known_at is null or t.known_at < acc.until)
),
ans as (
    select n.*, timezone('{zone}', timezone('UTC', n.responded_at))::date as answered_on
    from nps_responses n join acc using (account_id)
    where n.invited_at < acc.until and n.responded_at < acc.until and (n.known_at is null or n.known_at < acc.until)
),
tch as (
    select t.*, timezone('{zone}', timezone('UTC', t.sent_at))::date as sent_on
    from touches t join acc using (account_id)
    where t.sent_at < acc.until and (t.known_at is null or t.known_at < acc.until)
)
"""

ACTIVE_USERS = """
, named as (select * from used where user_id is not null {and_feature_known}),
fed as (select max(date) > (select day from limits) - {days} as ok from named)
select account_id,
       case when (select ok from fed)
            then count(distinct user_id)
                 filter (where date > (select day from limits) - {days} {and_feature}) end as value,
       max(date) as known_on
from named group by account_id
"""

ACTIVE_RATIO = """
, named as (select * from used where user_id is not null),
fed as (select max(date) > (select day from limits) - {days} as ok from named),
users as (
    select account_id, max(date) as d,
           count(distinct user_id) filter (where date > (select day from limits) - {days}) as n
    from named group by account_id
)
select account_id, case when (select ok from fed) and seats > 0 then n / seats end as value, d as known_on
from users left join paid using (account_id)
"""

USAGE = """
, said as (select * from usg where {what} is not null {and_feature_known}),
fed as (select max(date) > (select day from limits) - {days} as ok from said)
select account_id,
       case when (select ok from fed) then
            coalesce(sum({what}) filter (where date > (select day from limits) - {days} {and_feature}), 0)
       end::double as value,
       max(date) as known_on
from said group by account_id
"""

FEATURE_BREADTH = """
, named as (select * from used where feature is not null),
core as (select feature from {core}),
fed as (select max(date) > (select day from limits) - {days} as ok from named)
select account_id,
       case when (select ok from fed) then
            count(distinct feature) filter (where date > (select day from limits) - {days}
                                            and feature in (select feature from core))
            / nullif((select count(*) from core), 0) end as value,
       max(date) as known_on
from named group by account_id
"""

DAYS_SINCE_LAST_USE = """
select account_id, (select day from limits) - max(date) as value, max(date) as known_on from used group by account_id
"""

USAGE_TREND = """
, said as (select * from usg where events is not null),
sums as (
    select account_id,
           coalesce(sum(events) filter (where date > day - 28), 0) as late,
           coalesce(sum(events) filter (where date > day - 112 and date <= day - 28), 0) as early,
           min(date) <= any_value(day) - 111 as covered, max(date) as known_on
    from said, limits group by account_id
),
changes as (
    select account_id, coalesce(acc.region, '?') as region, known_on,
           case when covered and early > 0 and (select max(known_on) from sums) > day - 28
                then late * 3.0::double / early - 1 end as change
    from sums join acc using (account_id)
),
usual as (select region, median(change) as m, count(change) as n from changes group by region)
select account_id,
       change - case when n >= {peers} then m
                     when (select count(change) from changes) >= {peers}
                     then (select median(change) from changes) end as value, known_on
from changes join usual using (region)
"""

OPEN_TICKETS = """
select account_id, count(ticket_id) filter (where resolved_at is null and ticket_id is not null) as value,
       (select day from limits) as known_on
from acc left join tck using (account_id) where exists (select 1 from tck) group by account_id
"""

TICKETS = """
select account_id, count(ticket_id) filter (where timezone('{zone}', timezone('UTC', opened_at))::date
                                                  > (select day from limits) - {days}) as value,
       (select day from limits) as known_on
from acc left join tck using (account_id) where exists (select 1 from tck) group by account_id
"""

NPS = """
, fresh as (
    select * from ans where score is not null and (select day from limits) - answered_on <= {days}
),
newest as (
    select a.account_id, a.score, a.answered_on from fresh a
    where a.contact_id is null or not exists (
        select 1 from fresh b where b.account_id = a.account_id and b.contact_id = a.contact_id
        and (b.responded_at, b.response_id) > (a.responded_at, a.response_id))
)
select account_id, avg(score) as value, max(answered_on) as known_on from newest group by account_id
"""

DAYS_SINCE_CONTACT = """
select account_id, (select day from limits) - max(sent_on) as value, max(sent_on) as known_on
from tch where mode = 'human' group by account_id
"""

TENURE = """
select account_id, day - timezone('{zone}', timezone('UTC', signup_at))::date as value, day as known_on from acc
"""

DAYS_TO_RENEWAL = """
select account_id, min(due_date) - any_value(acc.day) as value, any_value(acc.day) as known_on
from renewals r join acc using (account_id)
where (r.known_at is null or r.known_at < acc.until)
  and (r.outcome is null or r.outcome = 'open' or r.decided_at is null or r.decided_at >= acc.until)
group by account_id
"""

ATTRIBUTE = "select account_id, {column}::double as value, day as known_on from acc"


def answer(book, as_of, query, zone="UTC", **values):
    """Return {account_id: (value, known_on)} of a query over the raw tables of a book; missing values are left out."""
    connection = book.connection.con
    views = ", ".join(f"{name} as (select * from {table.get_name()})" for name, table in book.tables.items())
    sql = (KNOWN.replace("with limits", f"with {views}, limits", 1) + query).format(as_of=as_of, zone=zone, **values)
    return {
        account: (value, known_on)
        for account, value, known_on in connection.execute(sql).fetchall()
        if value is not None
    }


QUALIFIES = {"and_feature": "and feature in ('q', 'e')", "and_feature_known": "and feature is not null"}
ALL = {"and_feature": "", "and_feature_known": ""}
CASES = {
    "users": (ActiveUsers(), ACTIVE_USERS, {"days": 28} | ALL),
    "some_users": (ActiveUsers(window_days=60, features=("q", "e")), ACTIVE_USERS, {"days": 60} | QUALIFIES),
    "ratio": (ActiveRatio(window_days=40), ACTIVE_RATIO, {"days": 40}),
    "events": (Usage(), USAGE, {"days": 28, "what": "events"} | ALL),
    "minutes": (
        Usage(what="minutes", window_days=90, features=("q", "e")),
        USAGE,
        {"days": 90, "what": "minutes"} | QUALIFIES,
    ),
    "breadth": (FeatureBreadth(), FEATURE_BREADTH, {"days": 28, "core": "features where is_core"}),
    "last": (DaysSinceLastUse(), DAYS_SINCE_LAST_USE, {}),
    "trend": (UsageTrend(minimum_peers=1), USAGE_TREND, {"peers": 1}),
    "trend_of_few": (UsageTrend(minimum_peers=4), USAGE_TREND, {"peers": 4}),
    "open": (OpenTickets(), OPEN_TICKETS, {}),
    "tickets": (Tickets(window_days=45), TICKETS, {"days": 45}),
    "nps": (Nps(max_age_days=120), NPS, {"days": 120}),
    "contact": (DaysSinceContact(), DAYS_SINCE_CONTACT, {}),
    "tenure": (Tenure(), TENURE, {}),
    "renewal": (DaysToRenewal(), DAYS_TO_RENEWAL, {}),
    "employees": (Attribute(column="employees"), ATTRIBUTE, {"column": "employees"}),
}
