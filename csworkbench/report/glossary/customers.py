"""Figures about the data and about customers: health, its proof, segments, renewals, key accounts, NPS, the book."""

from collections.abc import Mapping

from csworkbench.estimates import say
from csworkbench.report.glossary.words import (
    COMPARED,
    COUNTS_ROWS,
    LEFT_OUT,
    NO_AMOUNT,
    NO_OUTCOME,
    ON_THE_DATE,
    PERIOD,
    QUARTER,
    RATED,
    TEST,
    UNDATED,
    UNSCORED,
    WINDOW_DAYS,
    Definition,
)

_SCORED = ("accounts", "usage_daily", "features", "tickets", "nps_responses", "touches", "judgements")
_EVENTS = ("accounts", "renewals", "usage_daily", "features", "tickets", "nps_responses", "touches")
_FORECAST = ("renewals", "accounts", "usage_daily", "features", "tickets", "nps_responses")
_MEETINGS = ("meetings", "accounts")
_ANSWERS = ("nps_responses", "contacts", "accounts")

DATA: Mapping[str, Definition] = {
    "accounts": Definition(
        say("number of accounts in the table accounts"),
        ("accounts",),
        ON_THE_DATE,
        say("rows that break the contract of the table are set aside and not counted"),
    ),
    "rows_refused": Definition(
        say("rows set aside because they break a rule / all rows offered, over all tables"),
        ("accounts",),
        ON_THE_DATE,
        say("a row that breaks several rules is one row; tables that are not there count for nothing"),
    ),
    "outcome_rate": Definition(
        say("accounts with the outcome / accounts whose outcome is known"),
        ("accounts",),
        ON_THE_DATE,
        LEFT_OUT,
    ),
    "questions_answerable": Definition(
        say("questions whose tables are there and hold enough rows for an answer, of all questions that are asked"),
        ("accounts",),
        ON_THE_DATE,
        say("a question without its table counts as not answerable"),
    ),
    "tables_stale": Definition(
        say("tables whose newest event is older than their limit in the settings"),
        ("accounts",),
        ON_THE_DATE,
        say("tables without a limit or without events are not judged"),
    ),
    "rule": Definition(
        say("rows of the table that break the rule / rows read, or their number where a share says nothing"),
        ("accounts",),
        ON_THE_DATE,
        say("a row that breaks the rule twice is one row"),
    ),
}

HEALTH: Mapping[str, Definition] = {
    "share_at_risk": Definition(
        say("accounts in the lowest band / accounts with a score"),
        _SCORED,
        ON_THE_DATE,
        UNSCORED,
    ),
    "moved_down": Definition(
        say("accounts now in a lower band than at the earlier date; n = accounts with a score at both"),
        _SCORED,
        COMPARED,
        UNSCORED,
    ),
    "moved_up": Definition(
        say("accounts now in a higher band than at the earlier date; n = accounts with a score at both"),
        _SCORED,
        COMPARED,
        UNSCORED,
    ),
    "median_score": Definition(
        say("median of the scores, 0 to 100 points: weighted means of the points of the measures of a scorecard"),
        _SCORED,
        ON_THE_DATE,
        say("a missing measure is left out, taken as middling or carried on, as the scorecard says for each"),
    ),
    "accounts_not_scored": Definition(
        say("customers whose known measures have less than the minimum coverage of the weights of the scorecard"),
        _SCORED,
        ON_THE_DATE,
        COUNTS_ROWS,
    ),
    "auc_in_sample": Definition(
        say("share of pairs of an account with the bad outcome and one without in which the former scores lower"),
        _SCORED,
        ON_THE_DATE,
        LEFT_OUT,
    ),
}

PROOF: Mapping[str, Definition] = {
    "auc_score": Definition(
        say("share of pairs of a lost and a kept row in which the score of the lost one is lower; ties count one half"),
        _EVENTS,
        TEST,
        NO_OUTCOME,
    ),
    "auc_challenger": Definition(
        say("the same share for the better of two learned models, each row predicted from other accounts of before"),
        _EVENTS,
        TEST,
        NO_OUTCOME,
    ),
    "auc_best_baseline": Definition(
        say("the same share for what is known without a score, such as tenure: the best of it on the rows that teach"),
        _EVENTS,
        TEST,
        NO_OUTCOME,
    ),
    "auc_difference": Definition(
        say("AUC of the score less that of the best baseline, on the same rows"),
        _EVENTS,
        TEST,
        NO_OUTCOME,
    ),
    "base_rate": Definition(say("lost rows / all rows of the test"), _EVENTS, TEST, NO_OUTCOME),
    "captured_score": Definition(
        say("share of the lost rows among those with the lowest scores, as many as the team has time for"),
        _EVENTS,
        TEST,
        NO_OUTCOME,
    ),
    "events": Definition(say("lost rows of the test; n = all its rows"), _EVENTS, TEST, NO_OUTCOME),
    "asof_violations": Definition(
        say("values with a fact younger than the date of their row; it must be 0"),
        _EVENTS,
        TEST,
        COUNTS_ROWS,
    ),
    "accounts_on_both_sides": Definition(
        say("accounts that teach and test at once; it must be 0"),
        _EVENTS,
        TEST,
        COUNTS_ROWS,
    ),
}

SEGMENTS: Mapping[str, Definition] = {
    "accounts": Definition(
        say("accounts, each in exactly one cell of value tier and stage"),
        ("accounts",),
        ON_THE_DATE,
        say("a test of a missing value fails, so that every account gets the first stage that fits"),
    ),
    "stuck": Definition(
        say("accounts that have been in their stage for longer than its usual days"),
        ("accounts", "usage_daily", "milestones", "renewals"),
        say("time in the stage, counted from the first Sunday the account was seen in it"),
        say("a stage without usual days, set or found, holds nobody up"),
    ),
    "moved": Definition(
        say("accounts in another tier or stage than at the earlier date / accounts there at both dates"),
        ("accounts", "usage_daily", "milestones", "renewals"),
        say("the cut-off date, and the date so many weeks before it as compare_weeks says"),
        say("accounts that were not there at the earlier date are left out"),
    ),
    "stable_groups": Definition(
        say("groups of alike behaviour that are found again when accounts are drawn anew; 0 = none"),
        ("accounts", "usage_daily", "features", "tickets", "nps_responses"),
        ON_THE_DATE,
        say("accounts without one of the measures are not clustered"),
    ),
}

RENEWALS: Mapping[str, Definition] = {
    "expected_amount_quarter": Definition(
        say("amounts settled, plus probability x amount due x usual share kept of every open renewal of the quarter"),
        _FORECAST,
        QUARTER,
        say("a missing measure is a value of its own to the model; without an amount due: left out"),
    ),
    "expected_rate_quarter": Definition(
        say("renewals kept, plus the probabilities of the open ones / all renewals due in the quarter"),
        _FORECAST,
        QUARTER,
        say("a missing measure is a value of its own to the model"),
    ),
    "grr": Definition(
        say("amounts kept, each at most its amount due / amounts due, of decided renewals"),
        ("renewals",),
        RATED,
        NO_AMOUNT,
    ),
    "nrr": Definition(
        say("amounts after the decision, rises included / amounts due, of decided renewals"),
        ("renewals",),
        RATED,
        NO_AMOUNT,
    ),
    "forecast_bias": Definition(
        say("mean probability that was forecast less the share that renewed; above 0 = too optimistic"),
        ("renewals", "renewal_calls"),
        say("past quarters, each as known before it began"),
        NO_OUTCOME,
    ),
    "brier": Definition(
        say("mean squared distance of the forecast probability from what came, 0 or 1"),
        ("renewals", "renewal_calls"),
        say("past quarters, each as known before it began"),
        NO_OUTCOME,
    ),
    "renewals_due": Definition(
        say("renewals due, decided or not"),
        ("renewals",),
        say("the calendar year of the cut-off date"),
        COUNTS_ROWS,
    ),
    "amount_due": Definition(
        say("sum of the amounts due, decided or not, each currency by itself"),
        ("renewals",),
        say("the calendar year of the cut-off date"),
        LEFT_OUT,
    ),
    "amount_due_quarter": Definition(
        say("sum of the amounts due, where the steps to what was renewed begin"),
        ("renewals",),
        say("the calendar quarter of the cut-off date"),
        LEFT_OUT,
    ),
    "renewals_open": Definition(say("renewals that are not decided"), ("renewals",), ON_THE_DATE, COUNTS_ROWS),
    "renewals_overdue": Definition(
        say("open renewals whose due date has passed; n = open renewals"),
        ("renewals",),
        ON_THE_DATE,
        COUNTS_ROWS,
    ),
    "shock_sd": Definition(
        say("how far whole quarters missed their forecast, beyond chance: deviation of the common shock, in logits"),
        ("renewals",),
        say("past quarters, each as known before it began"),
        NO_OUTCOME,
    ),
    "disagreements": Definition(
        say("open renewals past a checkpoint on which the CSM and the model differ by more than disagree_above"),
        ("renewals", "renewal_calls"),
        ON_THE_DATE,
        say("renewals without a call are counted as missing calls instead"),
    ),
    "calls_missing": Definition(
        say("checkpoints that have passed without a call; n = checkpoints"),
        ("renewals", "renewal_calls"),
        ON_THE_DATE,
        say("tiers that are not called have no checkpoints"),
    ),
}

KEY_ACCOUNTS: Mapping[str, Definition] = {
    "cadence": Definition(
        say("periods with a regular meeting that was held / all periods, of the first tier of the key accounts"),
        _MEETINGS,
        WINDOW_DAYS,
        say("a meeting without a day on which it was held counts for nothing"),
    ),
    "wins_more_than_sales": Definition(
        say("win rate of opportunities of service less that of sales, with the same tiers, regions and amounts"),
        ("opportunities", "accounts"),
        ON_THE_DATE,
        say("opportunities that are open, or have no source, are left out"),
    ),
    "key_point_meetings": Definition(
        say("happenings with a meeting of the right kind within the days around / happenings whose time is over"),
        ("meetings", "renewals", "tickets"),
        WINDOW_DAYS,
        say("happenings whose time still runs are left out and listed"),
    ),
    "closeness": Definition(
        say("mean over accounts of the newest rating of closeness by each rater, 1 to 5 points"),
        ("relationship_ratings",),
        say("the days of the setting rating_days up to the cut-off date"),
        say("accounts without a rating in the window are left out and listed as overdue"),
    ),
    "key_accounts": Definition(
        say("customers of the tiers, or named, in the settings"),
        ("accounts",),
        ON_THE_DATE,
        COUNTS_ROWS,
    ),
}

NPS: Mapping[str, Definition] = {
    "nps": Definition(
        say("100 x (answers of 9 and 10 less answers of 0 to 6) / answers, the newest one of each contact"),
        _ANSWERS,
        WINDOW_DAYS,
        say("who did not answer is left out; the weighted figure beside it shows what that may hide"),
    ),
    "response_rate": Definition(
        say("contacts who answered / contacts who were invited"),
        _ANSWERS,
        WINDOW_DAYS,
        say("answers without an invitation are left out"),
    ),
    "nps_weighted": Definition(
        say("the NPS if every group of the setting weight_by had answered as often"),
        _ANSWERS,
        WINDOW_DAYS,
        say("cannot be told where nobody of a group answered, or nothing says who belongs to which"),
    ),
}

BOOK: Mapping[str, Definition] = {
    "customers": Definition(
        say("accounts that have signed up and not left"),
        ("accounts",),
        ON_THE_DATE,
        COUNTS_ROWS,
    ),
    "arr": Definition(
        say("sum of ARR of customers, each currency by itself"),
        ("accounts",),
        ON_THE_DATE,
        say("customers without ARR are left out, and n says how many have one"),
    ),
    "visits_overdue": Definition(
        say("accounts whose last online or offline visit is older than fresh_days says / accounts to be visited"),
        ("touches", "meetings", "accounts"),
        ON_THE_DATE,
        say("who was never visited counts from the day it signed up; planned meetings are no visits"),
    ),
    "tasks_done": Definition(
        say("tasks that are done / tasks due, without dropped ones"),
        ("tasks",),
        PERIOD,
        UNDATED,
    ),
    "due": Definition(
        say("things to do for customers: renewals, falls, steps of plans, tasks, meetings, actions, long stays"),
        ("renewals", "tasks", "meetings", "plan_steps", "accounts"),
        say("open on the cut-off date, or due within the days of the setting due_days"),
        UNDATED,
    ),
    "due_overdue": Definition(
        say("of the things to do, those whose day has passed"),
        ("renewals", "tasks", "meetings", "plan_steps", "accounts"),
        ON_THE_DATE,
        UNDATED,
    ),
}

BRIEFS: Mapping[str, Definition] = {
    "briefs": Definition(
        say("customers, or the accounts named in the settings: one brief each"),
        ("accounts",),
        ON_THE_DATE,
        COUNTS_ROWS,
    ),
    "meetings_ahead": Definition(
        say("accounts with a meeting that is planned after the cut-off date"),
        ("meetings",),
        ON_THE_DATE,
        COUNTS_ROWS,
    ),
    "actions_late": Definition(
        say("open tasks, steps of running plans and promises of the customer whose day has passed; n = all open ones"),
        ("tasks", "plan_steps", "plans"),
        ON_THE_DATE,
        UNDATED,
    ),
    "issues_open": Definition(
        say("open tickets, questions without an answer, and wishes to leave that are not decided"),
        ("tickets", "messages", "cancel_requests"),
        say("on the cut-off date; questions of the days of the setting timeline_days"),
        COUNTS_ROWS,
    ),
}
