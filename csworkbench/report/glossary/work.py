"""Figures about what is done for customers: touches, experiments, plans, lists, triggers, loads."""

from collections.abc import Mapping

from csworkbench.estimates import say
from csworkbench.report.glossary.words import (
    COUNTS_ROWS,
    EXPERIMENT,
    LANDED,
    LEFT_OUT,
    NO_OUTCOME,
    ON_THE_DATE,
    PERIOD,
    STAYS_OUT,
    THE_WEEK,
    UNDATED,
    Definition,
)

_DRAWN = ("experiment_units", "touches", "touch_events", "accounts", "contacts")
_WEEKLY = ("touches", "usage_daily", "accounts")
_MATRIX = ("touches", "meetings", "accounts")
_PLANS = ("plans", "plan_steps", "plan_goals", "metrics_daily")
_MAILS = ("contacts", "consents", "suppressions", "touches", "accounts")
_ALERTS = ("accounts", "usage_daily", "tickets", "touches")
_LISTS = ("contacts", "consents", "suppressions", "touches", "csms")
_SHARED = ("accounts", "assignments", "csms", "touches")

EMAIL_DESIGN: Mapping[str, Definition] = {
    "accounts_needed": Definition(
        say("accounts of all arms from which a true difference worth knowing is found as often as power says"),
        _MAILS,
        say("the last mails or the last window of each metric, within pilot_days"),
        LEFT_OUT,
    ),
    "smallest_effect": Definition(
        say("the least true difference that the accounts there are would show as often as power says"),
        _MAILS,
        say("the last mails or the last window of each metric, within pilot_days"),
        LEFT_OUT,
    ),
    "weeks_to_mail": Definition(
        say("accounts needed / accounts that get such mails in a week at present, in whole weeks"),
        _MAILS,
        say("the last mails or the last window of each metric, within pilot_days"),
        say("cannot be told where no such mails are recorded"),
    ),
    "accounts": Definition(
        say("accounts with a contact that may be mailed and is in no other experiment"),
        _MAILS,
        ON_THE_DATE,
        STAYS_OUT,
    ),
    "contacts": Definition(say("contacts that may be mailed"), _MAILS, ON_THE_DATE, STAYS_OUT),
    "intra_account_correlation": Definition(
        say("how alike contacts of one account are: variance between accounts / all variance of the first metric"),
        _MAILS,
        say("the last mails or the last window of each metric, within pilot_days"),
        LEFT_OUT,
    ),
}

EMAIL_TOUCH: Mapping[str, Definition] = {
    "effect": Definition(
        say("mean of the first primary metric in the variant less that in the control, all units as they were drawn"),
        _DRAWN,
        EXPERIMENT,
        say("unknown while the experiment runs and where the draw is broken; units not ready are left out"),
    ),
    "sample_ratio_p": Definition(
        say("how often a fair lot gives arms at least as uneven as these (chi-square); below .001 the draw is broken"),
        ("experiment_units",),
        EXPERIMENT,
        say("units whose window has not ended are left out in every arm"),
    ),
    "units": Definition(
        say("units that are read; n = units drawn"),
        ("experiment_units",),
        EXPERIMENT,
        say("each unit that is left out is counted by arm and reason"),
    ),
    "machine_open_share": Definition(
        say("opens by scanners and unknown agents / all opens of the mails of the experiment"),
        ("touches", "touch_events"),
        EXPERIMENT,
        say("mails without an event were not opened"),
    ),
}

TOUCH_EFFECT: Mapping[str, Definition] = {
    "difference": Definition(
        say(
            "outcome of touched accounts less that of others made alike by weights and a model (AIPW); no effect by lot"
        ),
        _WEEKLY,
        say("weeks of touches in the history, each followed for the weeks of its settings"),
        NO_OUTCOME,
    ),
    "effect": Definition(
        say("mean outcome of the accounts drawn for the touch less that of the others of the draw"),
        ("experiment_units", "usage_daily", "accounts"),
        EXPERIMENT,
        NO_OUTCOME,
    ),
    "naive": Definition(
        say("outcome of touched accounts less that of all others, nothing held equal"),
        _WEEKLY,
        say("weeks of touches in the history, each followed for the weeks of its settings"),
        NO_OUTCOME,
    ),
    "compliers": Definition(
        say("effect on those touched because they were drawn: effect of the draw / difference in shares touched"),
        ("experiment_units", "touches"),
        EXPERIMENT,
        NO_OUTCOME,
    ),
    "share_moved": Definition(
        say("share touched among the drawn less share touched among the others"),
        ("experiment_units", "touches"),
        EXPERIMENT,
        COUNTS_ROWS,
    ),
    "touched": Definition(
        say("rows of an account and a week with the touch; n = all rows that are compared"),
        _WEEKLY,
        say("weeks of touches in the history, each followed for the weeks of its settings"),
        NO_OUTCOME,
    ),
}

PLANS: Mapping[str, Definition] = {
    "goals_met": Definition(
        say("plans run to the end that met their goal / plans run to the end whose goal could be measured"),
        _PLANS,
        LANDED,
        say("plans without baseline, target or enough days with values are not assessed"),
    ),
    "credited": Definition(
        say("plans whose verdict is verified or supported / plans that met their goal"),
        _PLANS,
        LANDED,
        say("a plan with too little to compare with gets no credit"),
    ),
    "playbooks_working": Definition(
        say("playbooks whose mean effect, beside comparable accounts, is shown to be of note; n = playbooks"),
        _PLANS,
        LANDED,
        say("playbooks with too few accounts count as not shown"),
    ),
    "problems_wrong": Definition(
        say("plans whose metric was not bad when the plan was written / plans whose problem could be checked"),
        _PLANS,
        say("before the day the plan was written (settings pre_days and history_days)"),
        say("without a third of the history nobody can tell, and the plan is left out"),
    ),
    "effect": Definition(
        say("mean over accounts of the change of the metric less that of comparable accounts on the same days"),
        _PLANS,
        LANDED,
        say("windows with values on less than 60 % of the days are left out; who left counts as 0"),
    ),
    "plans": Definition(say("plans of the playbook"), ("plans",), ON_THE_DATE, COUNTS_ROWS),
    "judged": Definition(
        say("plans with a verdict on their effect; n = plans of the playbook"),
        _PLANS,
        LANDED,
        say("a plan without comparable accounts is not judged"),
    ),
    "open_plans": Definition(say("plans that are planned, running or landed"), ("plans",), ON_THE_DATE, COUNTS_ROWS),
    "overdue_plans": Definition(
        say("open plans with a late mandatory step or end; n = open plans"),
        ("plans", "plan_steps"),
        ON_THE_DATE,
        UNDATED,
    ),
    "overdue_steps": Definition(
        say("steps of open plans whose planned day has passed"),
        ("plans", "plan_steps"),
        ON_THE_DATE,
        UNDATED,
    ),
    "most_at_once": Definition(
        say("the most plans of one account that ran on the same day"),
        ("plans",),
        say("the whole history"),
        UNDATED,
    ),
    "recovered": Definition(
        say("accounts that came out of the lowest band of health"),
        ("accounts", "usage_daily"),
        say("month ends of the health history"),
        say("months without a score are passed over"),
    ),
    "lost": Definition(
        say("accounts that left"),
        ("accounts",),
        say("month ends of the health history"),
        COUNTS_ROWS,
    ),
    "recovered_share": Definition(
        say("months in the lowest band that were followed by a better one / months in it whose sequel is known"),
        ("accounts", "usage_daily"),
        say("month ends of the health history"),
        say("months without a score are passed over"),
    ),
}

MATRIX: Mapping[str, Definition] = {
    "coverage": Definition(
        say("actions of the matrix that are done / done and overdue; what is only due is not in it"),
        _MATRIX,
        say("of each action the days it has, up to the cut-off date"),
        say("accounts without an action are left out"),
    ),
    "overdue": Definition(
        say("actions of the matrix whose time has passed without the touch; n = all actions asked for"),
        _MATRIX,
        ON_THE_DATE,
        say("a touch that is not recorded was not made"),
    ),
    "undefined": Definition(
        say("accounts in a cell of tier and stage for which neither the system nor the CSM has an action"),
        ("accounts",),
        ON_THE_DATE,
        COUNTS_ROWS,
    ),
    "without_route": Definition(
        say("customers for whose tier no order of channels is set"),
        ("accounts",),
        ON_THE_DATE,
        COUNTS_ROWS,
    ),
    "resend": Definition(
        say("important messages delivered without a click or answer of a person that may be sent again; n = messages"),
        ("touches", "touch_events", "contents", "consents", "suppressions"),
        THE_WEEK,
        STAYS_OUT,
    ),
    "automation_hours": Definition(
        say("hours a month that people spend on the first candidate: repeats x minutes"),
        ("touches",),
        PERIOD,
        say("touches without minutes are left out"),
    ),
    "onboarding_days": Definition(
        say("median of the days from sign-up to the milestone of the settings (Kaplan-Meier)"),
        ("accounts", "milestones"),
        PERIOD,
        say("accounts that are not there yet count as so long at least"),
    ),
    "active_ratio": Definition(
        say("mean over accounts of active users / seats"),
        ("usage_daily", "subscriptions", "accounts"),
        say("28 days up to the cut-off date"),
        say("accounts without seats, or that have left, are left out"),
    ),
    "nps": Definition(
        say("100 x (answers of 9 and 10 less answers of 0 to 6) / answers, the newest one of each contact"),
        ("nps_responses",),
        PERIOD,
        say("who did not answer is left out"),
    ),
    "retention": Definition(
        say("renewals that were kept / renewals decided"),
        ("renewals",),
        PERIOD,
        NO_OUTCOME,
    ),
    "expansion": Definition(
        say("accounts that upgraded / customers of the first day of the period"),
        ("subscriptions", "accounts"),
        PERIOD,
        COUNTS_ROWS,
    ),
    "accounts_per_csm": Definition(
        say("accounts of a CSM, weighted by the time they were held, mean over CSMs; pools are left out"),
        ("assignments", "csms"),
        PERIOD,
        say("accounts without a CSM are in none of the counts"),
    ),
}

TRIGGERS: Mapping[str, Definition] = {
    "proposed": Definition(
        say("contacts that the alerts of the week ask for; n = customers"),
        _ALERTS,
        THE_WEEK,
        STAYS_OUT,
    ),
    "warning": Definition(
        say("triggers after whose alerts losses are shown to be more frequent; n = triggers that losses can judge"),
        _ALERTS,
        say("the weeks of the setting judge_weeks whose outcome is known"),
        NO_OUTCOME,
    ),
    "silent": Definition(
        say("accounts with the configuration of a known problem that have not asked about it; n = customers"),
        ("tickets", "accounts"),
        THE_WEEK,
        say("accounts whose configuration is not recorded are left out"),
    ),
    "renewal_tasks_on_time": Definition(
        say("renewal tasks done by their due day / renewal tasks due"),
        ("tasks",),
        say("52 weeks up to the list"),
        say("tasks of accounts that had left before are left out"),
    ),
    "paying": Definition(
        say("sign-ups that paid within 90 days / sign-ups"),
        ("accounts", "invoices"),
        say("a year of sign-ups, the last 90 days left out"),
        say("cannot be told where no payment is recorded"),
    ),
    "precision": Definition(
        say("alerts nobody acted on that a loss followed / alerts nobody acted on"),
        _ALERTS,
        say("the weeks of the setting judge_weeks whose outcome is known"),
        NO_OUTCOME,
    ),
    "lead": Definition(
        say("median days from the first alert of an account to its loss"),
        _ALERTS,
        say("the weeks of the setting judge_weeks whose outcome is known"),
        say("accounts that were kept are left out"),
    ),
}

WEEKLY: Mapping[str, Definition] = {
    "listed": Definition(
        say("contacts on the list of the week; n = all that were proposed"), _LISTS, THE_WEEK, STAYS_OUT
    ),
    "left_out": Definition(say("proposals that did not make the list; n = all proposals"), _LISTS, THE_WEEK, STAYS_OUT),
    "used_minutes": Definition(
        say("minutes of the contacts by hand on the list, over all CSMs"),
        ("csms",),
        THE_WEEK,
        say("a contact without minutes takes those of its channel"),
    ),
    "free_minutes": Definition(
        say("capacity of a week less what is planned, at most the setting free_share of it, over all CSMs"),
        ("csms", "tasks", "meetings", "plan_steps"),
        THE_WEEK,
        say("a CSM without a capacity has no time to give"),
    ),
    "gain": Definition(
        say("what the contacts of the plan bring: money where experiments stand behind all, else people reached"),
        ("experiment_units",),
        THE_WEEK,
        say("the chance to reach somebody on a channel is as declared; official lists are not counted anew"),
    ),
    "best_hour": Definition(
        say("the most that one more hour of one CSM would bring: the price of time in the plan"),
        ("csms",),
        THE_WEEK,
        say("0 where time is left"),
    ),
    "gap": Definition(
        say("how far the list may be below the best one: 1 less its gain / the bound no list beats"),
        ("csms",),
        THE_WEEK,
        say("cannot be told where nothing competes"),
    ),
}

REASSIGNMENT: Mapping[str, Definition] = {
    "moves": Definition(
        say("accounts that get another CSM in the plan; n = customers"),
        _SHARED,
        ON_THE_DATE,
        COUNTS_ROWS,
    ),
    "highest_load": Definition(
        say("the largest share of a CSM's time that accounts take after the moves"),
        _SHARED,
        say("touches of the weeks of the setting window_weeks"),
        say("CSMs without a capacity have no load"),
    ),
    "loss_ratio": Definition(
        say("accounts lost after past transfers / losses expected of comparable accounts that stayed"),
        ("accounts", "assignments", "usage_daily"),
        say("past transfers whose days of watching are over"),
        NO_OUTCOME,
    ),
    "unplaced": Definition(
        say("accounts that nobody may have; n = customers"),
        _SHARED,
        ON_THE_DATE,
        COUNTS_ROWS,
    ),
    "excess_minutes": Definition(
        say("minutes a week above the room there is; 0 = the plan fits"),
        _SHARED,
        ON_THE_DATE,
        say("CSMs without a capacity have no room"),
    ),
}
