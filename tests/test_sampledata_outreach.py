"""The people of the simulated book and what is sent to them: whole references, and planted effects that are found."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from csworkbench.sampledata import BookSize, simulate
from csworkbench.sampledata.book import blocks
from csworkbench.sampledata.world import LEAD_MONTHS
from csworkbench.tables import SPECS

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "samples"
END = pd.Timestamp("2026-10-01")


@pytest.fixture(scope="module")
def book():
    return simulate()


@pytest.fixture(scope="module")
def big():
    """More accounts than the shipped book has, for tight standard errors; their usage is not drawn."""
    return next(blocks(BookSize(accounts=2_400, seed=5)))


@pytest.fixture(scope="module")
def database():
    """The shipped files as views of a database that knows nothing of the simulator."""
    connection = duckdb.connect()
    for path in SAMPLES.iterdir():
        if path.suffix in (".csv", ".parquet"):
            reader = f"read_csv('{path}', all_varchar = true)" if path.suffix == ".csv" else f"'{path}'"
            connection.execute(f"create view {path.stem} as select * from {reader}")
    yield connection
    connection.close()


def count(connection, query):
    return connection.execute(query).fetchone()[0]


def human_clicks(frames):
    """The mails that a person clicked in."""
    events = frames["touch_events"]
    return set(events[(events["type"] == "click") & (events["agent"] == "human")]["touch_id"])


def mails_of(frames, experiment_id):
    """One row per mail of an experiment: account_id, is_treated, is_clicked (0 or 1)."""
    sent = frames["touches"][frames["touches"]["experiment_id"] == experiment_id]
    return pd.DataFrame(
        {
            "account_id": sent["account_id"],
            "is_treated": (sent["variant"] == "treatment").astype(float),
            "is_clicked": sent["touch_id"].isin(human_clicks(frames)).astype(float),
        }
    )


def effect_of(mails):
    """Difference in click shares with its cluster-robust error: OLS on mails, clustered by account."""
    design = sm.add_constant(mails[["is_treated"]])
    groups = pd.factorize(mails["account_id"])[0]
    fitted = sm.OLS(mails["is_clicked"], design).fit(cov_type="cluster", cov_kwds={"groups": groups})
    return fitted.params["is_treated"], fitted.bse["is_treated"]


def correlation_within(mails):
    """Intra-account correlation by the one-way analysis of variance (Donner 1986), arms apart."""
    between = within = accounts = weight = 0.0
    for _, arm in mails.groupby("is_treated"):
        by = arm.groupby("account_id")["is_clicked"].agg(["size", "mean"])
        between += (by["size"] * (by["mean"] - arm["is_clicked"].mean()) ** 2).sum()
        within += ((arm["is_clicked"] - arm["account_id"].map(by["mean"])) ** 2).sum()
        accounts += len(by) - 1
        weight += by["size"].sum() - (by["size"] ** 2).sum() / by["size"].sum()
    between, within = between / accounts, within / (len(mails) - accounts - 2)
    size = weight / accounts
    return (between - within) / (between + (size - 1) * within)


def trial(book, experiment_id):
    (model,) = (model for model in book.truths.trial_models if model.experiment_id == experiment_id)
    return model


# References and order, by SQL over the written files


@pytest.mark.parametrize(
    "table",
    ["touches", "tickets", "nps_responses", "messages", "consents", "contact_pii", "touch_participants", "id_map"],
)
def test_every_contact_that_a_table_names_is_in_contacts(database, table):
    query = f"select count(*) from {table} where contact_id not in (select contact_id from contacts)"
    assert count(database, query) == 0


@pytest.mark.parametrize("table", ["touches", "tickets", "messages", "nps_responses"])
def test_a_contact_is_only_named_at_the_account_it_belongs_to(database, table):
    query = (
        f"select count(*) from {table} join contacts using (contact_id) where {table}.account_id <> contacts.account_id"
    )
    assert count(database, query) == 0


@pytest.mark.parametrize(("table", "at"), [("touches", "sent_at"), ("messages", "sent_at"), ("tickets", "opened_at")])
def test_nobody_is_met_before_they_were_added_or_after_they_left(database, table, at):
    query = f"""select count(*) from {table} t join contacts c using (contact_id)
        where t.{at}::timestamp < c.added_at::timestamp or t.{at}::timestamp >= c.left_at::timestamp"""
    assert count(database, query) == 0


def test_events_and_participants_belong_to_a_touch_and_follow_it(database):
    orphans = "select count(*) from {} where touch_id not in (select touch_id from touches)"
    assert count(database, orphans.format("touch_events")) == 0
    assert count(database, orphans.format("touch_participants")) == 0
    early = "select count(*) from touch_events e join touches t using (touch_id) where e.occurred_at < t.sent_at"
    assert count(database, early) == 0
    assert count(database, "select count(*) from touch_events where occurred_at >= '2026-10-01'") == 0


def test_what_is_opened_or_clicked_was_delivered_and_nothing_is_both_delivered_and_bounced(database):
    kinds = "select touch_id from touch_events where type = '{}'"
    for later in ("open", "click", "unsubscribe", "complaint", "reply"):
        query = f"select count(*) from ({kinds.format(later)} except {kinds.format('delivered')})"
        assert count(database, query) == 0
    both = f"select count(*) from ({kinds.format('bounced')} intersect {kinds.format('delivered')})"
    assert count(database, both) == 0


def test_contents_experiments_and_units_of_touches_exist(database):
    unknown = "select count(*) from touches where content_id not in (select content_id from contents)"
    assert count(database, unknown) == 0
    unassigned = """select count(*) from touches t left join experiment_units u
        on u.experiment_id = t.experiment_id and u.unit_id = t.account_id
        where t.experiment_id is not null and (u.variant is distinct from t.variant
            or u.assigned_at::timestamp > t.sent_at)"""
    assert count(database, unassigned) == 0


# People


def test_a_replaced_champion_left_before_the_successor_came(book):
    champions = book.frames["contacts"].query("role == 'champion'")
    first = champions[champions["left_at"].notna()].set_index("account_id")
    second = champions[champions["added_way"].eq("csm") & champions["is_primary"]].set_index("account_id")
    second = second[~second["contact_id"].isin(first["contact_id"])].join(first["left_at"].rename("gone"), how="inner")
    waited = second["added_at"] - second["gone"]
    assert len(first) >= 30
    assert (waited >= pd.Timedelta(days=7)).sum() == len(first)
    assert waited.max() <= pd.Timedelta(days=21)


def test_names_are_in_three_languages_and_every_address_is_fictional(book):
    people = book.frames["contact_pii"].merge(book.frames["contacts"], on="contact_id")
    region = people["account_id"].map(book.frames["accounts"].set_index("account_id")["region"])
    assert people["name"].str.contains("[\u4e00-\u9fff]", regex=True).eq(region == "China").all()
    assert people.loc[region == "Sweden", "name"].str.contains("[åäö]", regex=True).any()
    assert people["email"].dropna().str.fullmatch(r"[a-z0-9.]+@[a-z]+-\d+\.example").all()
    # +86 100..., the numbers PTS keeps for fiction in Sweden, ComReg's 020 91x xxxx
    fiction = r"\+861000\d{7}|\+46(3139006|4062804|8465004|9803192)\d\d|\+3532091\d{5}"
    assert people["phone"].dropna().str.fullmatch(fiction).all()
    assert people.loc[region != "China", "wechat_id"].isna().all()


def test_two_records_of_a_person_share_an_address_and_contradict_each_other(book):
    people = book.frames["contact_pii"]
    twice = people[people["email"].notna() & people.duplicated("email", keep=False)]
    consents = book.frames["consents"].query("channel == 'email' and purpose == 'marketing'")
    said = consents.merge(twice, on="contact_id").groupby("email")["status"].agg(set)
    assert 5 <= len(said) <= 40
    assert said.map(lambda statuses: {"granted", "denied"} <= statuses).all()
    assert set(twice["contact_id"]) <= book.truths.outreach.refused


def test_ids_of_one_tenant_differ_by_case_only_and_those_of_the_other_begin_with_zeros(book):
    mapped = book.frames["id_map"].query("account_id.notna()")
    of_global = mapped[mapped["source"] == "crm_global"]["source_id"]
    assert of_global.str.len().eq(15).all()
    assert of_global.is_unique
    assert of_global.str.casefold().duplicated().sum() > 50
    assert mapped[mapped["source"] == "crm_china"]["source_id"].str.fullmatch(r"0\d{7}").all()
    assert mapped[mapped["source"].str.startswith("crm")].groupby("account_id")["source"].nunique().max() == 2


def test_some_contacts_were_two_records_in_the_crm(book):
    ids = book.frames["id_map"].query("contact_id.notna()").groupby("contact_id").size()
    assert set(ids) == {1, 2}


# Consent


def test_consent_to_marketing_mail_is_uneven_between_regions(book):
    first = book.frames["consents"].query("channel == 'email' and purpose == 'marketing'").drop_duplicates("contact_id")
    contacts = book.frames["contacts"]
    region = contacts["account_id"].map(book.frames["accounts"].set_index("account_id")["region"])
    share = contacts["contact_id"].isin(first[first["status"] == "granted"]["contact_id"]).groupby(region).mean()
    # planted .35, .52, .64; standard error at 1,000 contacts below .016
    assert share.to_dict() == pytest.approx({"China": 0.35, "Sweden": 0.52, "Ireland": 0.64}, abs=0.05)


def test_an_unsubscription_is_a_refusal_from_that_moment_on(book):
    events = book.frames["touch_events"].query("type == 'unsubscribe'").merge(book.frames["touches"], on="touch_id")
    refusals = book.frames["consents"].query("basis == 'unsubscribed'")
    first = events.groupby("contact_id")["occurred_at"].min()
    assert len(first) >= 50
    assert refusals.set_index("contact_id")["valid_from"].sort_index().to_dict() == first.to_dict()
    assert refusals["status"].eq("denied").all()


def test_marketing_writes_only_to_who_consented_and_not_after_an_unsubscription(book):
    sent = book.frames["touches"].query("initiator == 'marketing'")
    consents = book.frames["consents"].query("channel == 'email' and purpose == 'marketing'")
    latest = pd.merge_asof(
        sent.sort_values("sent_at"),
        consents.sort_values("valid_from"),
        left_on="sent_at",
        right_on="valid_from",
        by="contact_id",
    )
    assert latest["status"].isin(["granted", "denied"]).all()
    written_anyway = set(latest[latest["status"] == "denied"]["contact_id"])
    assert written_anyway <= book.truths.outreach.refused  # on the day of the import, between the two rows


def test_a_refusal_that_an_import_wrote_over_has_both_rows_on_one_day(book):
    consents = book.frames["consents"].assign(day=book.frames["consents"]["valid_from"].dt.normalize())
    both = consents.groupby(["contact_id", "channel", "purpose", "day"])["status"].agg(tuple)
    overwritten = both[both == ("denied", "granted")]
    assert len(overwritten) >= 3
    assert set(overwritten.index.get_level_values("contact_id")) <= book.truths.outreach.refused


def test_dead_addresses_complaints_and_disputes_are_suppressed(book):
    suppressions, events = (
        book.frames["suppressions"],
        book.frames["touch_events"].merge(book.frames["touches"], on="touch_id"),
    )
    bounced = set(suppressions.query("reason == 'bounced'")["contact_id"])
    assert bounced <= set(events.query("type == 'bounced'")["contact_id"])
    complained = suppressions.query("reason == 'complaint'")
    assert complained["contact_id"].isna().all()
    assert complained["address"].str.isupper().all()
    addresses = book.frames["contact_pii"].set_index("contact_id")["email"]
    angry = events.query("type == 'complaint'")["contact_id"].map(addresses)
    assert set(complained["address"].str.lower()) == set(angry)
    assert (suppressions.query("reason == 'dispute'")["until"] > END).all()


# Mail


def test_machines_open_and_click_as_often_as_planted(big):
    frames, model = big.frames, big.truths.mail_model
    mails = frames["touches"].query("channel == 'email' and mode == 'tech'")
    events = frames["touch_events"]
    delivered = mails[mails["touch_id"].isin(events.query("type == 'delivered'")["touch_id"])]
    bounced = mails["touch_id"].isin(events.query("type == 'bounced'")["touch_id"])
    assert bounced.mean() == pytest.approx(model.bounced, abs=4 * np.sqrt(model.bounced / len(mails)))
    fetched = delivered["touch_id"].isin(events.query("type == 'open' and agent == 'machine'")["touch_id"])
    by_person = fetched.groupby(delivered["contact_id"]).mean()
    # a person's mails are fetched always or never; 8 % of the opens have no known agent
    share = (by_person > 0).mean()
    expected = model.proxied
    assert share == pytest.approx(expected, abs=0.02 + 4 * np.sqrt(expected * (1 - expected) / len(by_person)))
    scanned = set(events.query("agent == 'scanner'").merge(mails, on="touch_id")["account_id"])
    assert scanned <= big.truths.outreach.scanned


def test_a_scanner_clicks_every_link_within_two_seconds(book):
    clicks = book.frames["touch_events"].query("type == 'click' and agent != 'human'")
    bursts = clicks.groupby("touch_id")
    assert bursts["link"].nunique().eq(5).all()
    assert (bursts["occurred_at"].max() - bursts["occurred_at"].min()).max() <= pd.Timedelta(seconds=1)


# Experiments


@pytest.mark.parametrize("experiment_id", ["guide-mail", "subject-line", "webinar-invite"])
def test_the_sample_ratio_is_broken_in_one_experiment_only(book, experiment_id):
    units = book.frames["experiment_units"].query("experiment_id == @experiment_id")
    ratio = trial(book, experiment_id).ratio
    seen = units["variant"].value_counts()
    expected = [len(units) * weight / sum(ratio.values()) for weight in ratio.values()]
    p = stats.chisquare([seen[name] for name in ratio], expected).pvalue
    assert p < 0.001 if experiment_id == "webinar-invite" else p > 0.01


@pytest.mark.parametrize("experiment_id", ["guide-mail", "subject-line"])
@pytest.mark.parametrize("which", ["shipped", "bigger"])
def test_a_plain_comparison_recovers_the_planted_effect(book, big, which, experiment_id):
    one = book if which == "shipped" else big
    effect, error = effect_of(mails_of(one.frames, experiment_id))
    truth = trial(one, experiment_id).effect()
    assert abs(effect - truth) <= 3 * error
    assert (abs(effect) > 3 * error) == (experiment_id == "guide-mail")


def test_people_of_an_account_are_as_alike_as_planted(big):
    for model in big.truths.trial_models[:2]:
        assert correlation_within(mails_of(big.frames, model.experiment_id)) == pytest.approx(model.icc, abs=0.03)


def test_every_eligible_contact_of_a_mailed_account_got_one_mail(book):
    units = book.frames["experiment_units"].query("variant != 'holdout'")
    sent = book.frames["touches"].dropna(subset="experiment_id").groupby(["experiment_id", "account_id"]).size()
    units = units.set_index(["experiment_id", "unit_id"])["eligible_contacts"]
    gap = units - sent.reindex(units.index, fill_value=0)
    assert (gap >= 0).all()
    assert gap.sum() <= 0.02 * units.sum()  # a few left between the assignment and the mail


def test_the_holdout_gets_no_mail_of_its_experiment(book):
    units = book.frames["experiment_units"].query("variant == 'holdout'")
    sent = book.frames["touches"].query("experiment_id == 'guide-mail'")
    assert len(units) > 50
    assert not set(units["unit_id"]) & set(sent["account_id"])


# A mail to accounts in trouble, and a cluster of tickets


def months_of(book):
    """One row per account and month in which it stays a customer: engagement then and in the next month, is_mailed."""
    accounts, truths = book.frames["accounts"], book.truths
    sent = book.frames["touches"].query("content_id == @book.truths.rescue_model.content_id")
    number = pd.Index(accounts["account_id"]).get_indexer(sent["account_id"])
    first = pd.Period("2024-10", "M")
    mailed = set(zip(number, sent["sent_at"].dt.to_period("M").map(lambda month: (month - first).n), strict=True))
    signup, left = (accounts[name].dt.to_period("M") for name in ("signup_at", "churned_at"))
    rows = []
    for month in range(1, 23):
        stays = (signup < first + month - 1) & ~(left <= first + month + 1)
        for account in np.flatnonzero(stays):
            path = truths.engagement[account, LEAD_MONTHS + month : LEAD_MONTHS + month + 2]
            rows.append((account, month, (account, month) in mailed, *path))
    return pd.DataFrame(rows, columns=["account", "month", "is_mailed", "engagement", "later"])


def test_a_mail_to_accounts_in_trouble_seems_to_harm_and_helps(book):
    rows = months_of(book)
    mailed, others = (rows[rows["is_mailed"] == value]["later"] for value in (True, False))
    error = np.sqrt(mailed.var() / len(mailed) + others.var() / len(others))
    assert len(mailed) >= 300
    assert mailed.mean() - others.mean() < -3 * error
    design = sm.add_constant(rows[["engagement"]].assign(is_mailed=rows["is_mailed"].astype(float)))
    fitted = sm.OLS(rows["later"], design).fit(cov_type="cluster", cov_kwds={"groups": rows["account"]})
    assert abs(fitted.params["is_mailed"] - book.truths.rescue_model.effect) <= 3 * fitted.bse["is_mailed"]


def test_use_of_the_next_month_shows_both_as_well(book):
    rows, usage = months_of(book), book.frames["usage_daily"]
    number = pd.Index(book.frames["accounts"]["account_id"]).get_indexer(usage["account_id"].astype(str))
    month = ((usage["date"].dt.year - 2024) * 12 + usage["date"].dt.month - 10).to_numpy()
    visits = usage.groupby([number, month])["sessions"].sum()
    breadth = usage.groupby([number, month])["feature"].nunique()

    def of_month(values, step):
        keys = pd.MultiIndex.from_arrays([rows["account"], rows["month"] + step])
        return np.log1p(values.reindex(keys, fill_value=0).to_numpy())

    later, is_mailed = of_month(visits, 1), rows["is_mailed"].to_numpy()
    assert later[is_mailed].mean() < later[~is_mailed].mean()
    before = [of_month(visits, 0), of_month(visits, -1), of_month(breadth, 0), is_mailed.astype(float)]
    fitted = sm.OLS(later, sm.add_constant(np.column_stack(before))).fit(
        cov_type="cluster", cov_kwds={"groups": rows["account"]}
    )
    assert fitted.params[-1] > 3 * fitted.bse[-1]


def test_tickets_of_one_topic_share_a_configuration_for_some_weeks(book):
    tickets, model = book.frames["tickets"], book.truths.cluster_model
    days = (pd.Timestamp("2026-09-30") - tickets["opened_at"].dt.normalize()).dt.days
    is_then, is_topic = days.between(model.ends, model.begins), tickets["topic"] == model.topic
    has_it = tickets["configuration"] == model.configuration
    assert (is_then & is_topic).sum() >= 30
    assert has_it[is_then & is_topic].mean() == pytest.approx(model.share, abs=0.2)
    assert has_it[~(is_then & is_topic)].mean() < 0.2


def test_messages_of_customers_are_sometimes_never_answered(book):
    messages = book.frames["messages"]
    incoming = messages[(messages["direction"] == "in") & (messages["sent_at"] < pd.Timestamp("2026-09-01"))]
    assert incoming["answered_at"].isna().mean() == pytest.approx(0.125, abs=3 * np.sqrt(0.125 * 0.875 / len(incoming)))
    assert set(messages["channel"]) == {"wechat", "email", "chat"}


def test_only_meetings_have_participants_and_some_have_several(book):
    touches = book.frames["touches"].set_index("touch_id")
    present = book.frames["touch_participants"]
    assert set(present["touch_id"].map(touches["channel"])) == {"visit", "video"}
    sizes = present.groupby("touch_id").size()
    assert sizes.max() == 5
    assert not present.duplicated(list(SPECS["touch_participants"].key)).any()
