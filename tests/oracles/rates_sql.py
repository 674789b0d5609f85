"""The sums behind the fixed rates once more, in SQL by hand over the raw tables: shares nothing with `features.rates`.

`{day}` is the date of the snapshot in a UTC calendar, `{first}` and `{last}` the period.
"""

RENEWALS_DUE = """
with known as (
    select *, coalesce(case when decided_at < date '{day}' + 1 then outcome end, 'open') as state,
           case when decided_at < date '{day}' + 1 then final_amount end as paid
    from renewals where known_at is null or known_at < date '{day}' + 1
),
due as (
    select *, case when state = 'churned' then coalesce(paid, 0) else paid end as amount
    from known where due_date between date '{first}' and date '{last}'
),
counted as (select *, state <> 'open' and amount is not null and target_amount is not null as priced from due)
select account_id, coalesce(currency, '') as currency,
       count(*) filter (where state <> 'open')::double as decided,
       count(*) filter (where state in ('renewed', 'partial', 'upsell'))::double as kept,
       count(*) filter (where state = 'open' and due_date < date '{day}')::double as past_due,
       count(*) filter (where state <> 'open' and not priced)::double as unpriced,
       count(*) filter (where state in ('renewed', 'partial', 'upsell') and target_amount is not null and paid is null
                       )::double as unrecorded,
       coalesce(sum(target_amount) filter (where priced), 0)::double as target,
       coalesce(sum(least(amount, target_amount)) filter (where priced), 0)::double as retained,
       coalesce(sum(amount) filter (where priced), 0)::double as final
from counted group by all order by all
"""

NPS_ANSWERS = """
with valid as (
    select * from nps_responses
    where invited_at < date '{day}' + 1 and responded_at < date '{day}' + 1 and score is not null
      and responded_at >= date '{day}' - {days} + 1
),
latest as (
    select * from valid v where contact_id is null or not exists (
        select 1 from valid w where w.account_id = v.account_id and w.contact_id = v.contact_id
        and (w.responded_at > v.responded_at or (w.responded_at = v.responded_at and w.response_id > v.response_id)))
)
select account_id, count(*)::double as answered, count(*) filter (where score in (9, 10))::double as promoters,
       count(*) filter (where score < 7)::double as detractors
from latest group by account_id order by account_id
"""

SENT_TOUCHES = """
with sent as (
    select * from touches where sent_at >= date '{first}' and sent_at < date '{last}' + 1 and sent_at < date '{day}' + 1
),
seen as (select * from touch_events where occurred_at < date '{day}' + 1)
select account_id, coalesce(channel, '') as channel, count(*)::double as attempted,
       count(*) filter (where touch_id in (select touch_id from seen where type = 'delivered'))::double as delivered,
       count(*) filter (where touch_id in (select touch_id from seen where type in ('open', 'click', 'reply')
           and coalesce(agent, '') not in ('machine', 'scanner')))::double as reached,
       count(*) filter (where touch_id in (select touch_id from seen where type = 'delivered')
           and touch_id in (select touch_id from seen where type = 'click'
           and coalesce(agent, '') not in ('machine', 'scanner')))::double as clicked
from sent group by all order by all
"""

ACCOUNT_DAYS = """
with days as (select unnest(generate_series(date '{first}', date '{last}', interval 1 day))::date as day)
select csm_id, count(*)::double as account_days
from assignments join days on day >= valid_from and (valid_to is null or day < valid_to)
where role = 'csm' and valid_from <= date '{day}' group by csm_id order by csm_id
"""
