"""Bad files through the whole way, from CSV to the list: refused, set aside or suppressed, never a wrong contact."""

from datetime import UTC, date, datetime

import pytest

from csworkbench.analyses import nps_outreach
from csworkbench.asof import take
from csworkbench.errors import AnalysisError, DataError
from csworkbench.sources import open_book
from csworkbench.workspace import Workspace

AS_OF = date(2026, 9, 30)
OPT_OUTS = (
    "no", "No", "NO", "n", "false", "0", "opt-out", "OPT OUT", "opted_out", "unsubscribe", "Unsubscribed", "STOP",
    "withdrawn", "refused", "nej", "退订", "denied ",
)  # fmt: skip
CONFIG = {
    "shares": {"advocates": 0.05, "referral": 0.2, "offer": 1, "save": 0.05},
    "lists": {"churn_offer": {"play": "p", "purpose": "marketing", "channels": ["email"], "priority": 1}},
    "holdout": {"share": 0},
    "no_offer": {"tiers": [], "stages": []},
}


@pytest.fixture
def page(tmp_path):
    """Result of a project of detractors P0, P1 ..., with files as they are given."""
    opened = []

    def made(people=3, config=CONFIG, policy=None, **files):
        names = [f"P{place}" for place in range(people)]
        texts = {
            "accounts": ["account_id", *(f"A{name[1:]}" for name in names)],
            "contacts": ["contact_id,account_id", *(f"{name},A{name[1:]}" for name in names)],
            "contact_pii": ["contact_id,email", *(f"{name},{name}@x.example" for name in names)],
            "consents": consents(dict.fromkeys(names, "granted")),
            "suppressions": ["contact_id,address", "P99,"],
            "nps_responses": answers(dict.fromkeys(names, "3")),
        } | files
        tables = {}
        for name, lines in texts.items():
            tables[name] = {"path": f"{name}.csv"}
            if lines is not None:
                (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        rules = {"caps": [], "quiet": None, **(policy or {})}
        data = {"version": 1, "name": "Bad files", "as_of": AS_OF, "tables": tables, "contact_policy": rules}
        now = datetime(2026, 9, 30, 12, tzinfo=UTC)
        book = open_book(Workspace.model_validate(data), tmp_path, tmp_path / "cache", now=now)
        opened.append(book)
        settings = nps_outreach.Config.model_validate(config)
        return nps_outreach.analyze(nps_outreach.prepare(take(book, AS_OF), settings, {}), settings)

    yield made
    for book in opened:
        book.connection.disconnect()


def consents(status, purpose="marketing"):
    header = "contact_id,channel,purpose,valid_from,status"
    return [header, *(f"{name},email,{purpose},2026-01-01,{each}" for name, each in status.items())]


def answers(scores, at="2026-09-20T12:00:00Z"):
    header = "response_id,contact_id,account_id,invited_at,responded_at,score"
    return [header, *(f"N{name},{name},A{name[1:]},{at},{at},{score}" for name, score in scores.items())]


def listed(found):
    return set(found.tables["list"]["contact_id"])


def reasons(found):
    rows = found.tables["left_out"]
    return dict(zip(rows["contact_id"], rows["reason"], strict=True))


def test_all_seventeen_spellings_of_opting_out_and_a_blank_are_refusals_of_service_too(page):
    # Beside a consent of the same day, and over the basis of service; the other people keep their consent.
    service = {"churn_offer": {**CONFIG["lists"]["churn_offer"], "purpose": "service"}}
    said = consents({f"P{place}": "granted" for place in range(60)}, "service")
    refused = {f"P{place}": word for place, word in enumerate((*OPT_OUTS, ""))}
    said += consents(refused, "service")[1:]
    config = {**CONFIG, "lists": service, "shares": {**CONFIG["shares"], "save": 1e-9}}
    found = page(people=60, config=config, policy={"service_basis": "contract"}, consents=said)
    (called,) = (name for name, why in reasons(found).items() if why == "no rule asks for it")  # the one save call
    assert {name for name, why in reasons(found).items() if why == "refused"} == set(refused) - {called}
    assert listed(found) == {f"P{place}" for place in range(18, 60)} - {called}


def test_a_file_of_nothing_but_spellings_nobody_declared_is_refused(page):
    people = {f"P{place}": word for place, word in enumerate(OPT_OUTS)}
    with pytest.raises(DataError, match=r"values are not one of granted, denied, unknown"):
        page(people=17, consents=consents(people))


def test_an_unknown_is_no_consent_for_marketing(page):
    found = page(consents=consents({"P0": "unknown", "P1": "unknown", "P2": "unknown"}))
    assert listed(found) == set()


def test_scores_that_are_none_are_set_aside(page):
    wrong = ("-1", "11", "10.5", "9/10", "inf", "ten", "#DIV/0!")
    scores = {f"P{place}": score for place, score in enumerate((*wrong, *["3", "10"] * 10))}
    found = page(people=27, nps_responses=answers(scores))
    assert found.figures["nps"].n == 20
    assert found.figures["nps"].value == 0  # ten promoters, ten detractors


def test_a_blank_score_is_no_answer_and_not_a_zero(page):
    found = page(nps_responses=answers({"P0": "", "P1": "10"}))
    assert found.figures["nps"].value == 100
    assert found.figures["response_rate"].value == 0.5


def test_an_answer_of_the_future_does_not_count(page):
    late = answers({"P0": "0"}, "2026-10-09T12:00:00Z")[1:]
    found = page(nps_responses=[*answers({"P1": "10", "P2": "10"}), *late])
    assert found.figures["nps"].value == 100


@pytest.mark.parametrize("table", ["consents", "suppressions"])
def test_a_missing_file_stops_the_run(page, table):
    with pytest.raises(DataError, match=rf"{table}\.csv: there is no such file"):
        page(**{table: None})


@pytest.mark.parametrize("table", ["consents", "suppressions"])
def test_a_file_of_its_header_alone_stops_every_list(page, table):
    header = {"consents": consents({}), "suppressions": ["contact_id,address"]}[table]
    with pytest.raises(AnalysisError, match=rf"nobody is listed: {table}: 0 rows, at least 1 are expected"):
        page(**{table: header})


def test_a_channel_that_nobody_knows_lists_nobody(page):
    lists = {"save_call": nps_outreach.Config().lists["save_call"].model_dump() | {"channels": ["e-mail", "wechatt"]}}
    with pytest.raises(AnalysisError, match=r"unknown channel 'wechatt'") as caught:
        page(config={"lists": lists})
    assert [(each.key, each.hint) for each in caught.value.problems] == [
        ("lists.save_call.channels", "did you mean 'wechat'?")
    ]


def test_a_file_truncated_within_a_line_stops_the_run(page):
    rows = consents({"P0": "granted", "P1": "denied"})
    with pytest.raises(DataError, match=r"consents\.csv"):
        page(consents=[*rows[:-1], rows[-1][:9]])


def test_a_file_truncated_between_lines_stops_every_list_below_the_declared_rows(page):
    with pytest.raises(AnalysisError, match=r"consents: 2 rows, at least 3 are expected"):
        page(policy={"least_consents": 3}, consents=consents({"P0": "granted", "P1": "granted"}))


def test_a_person_on_two_records_is_suppressed_on_both(page):
    pii = ["contact_id,email", "P0,same@x.example", "P1,SAME@x.example", "P2,p2@x.example"]
    found = page(contact_pii=pii, suppressions=["contact_id,address", "P0,"])
    assert {name for name, why in reasons(found).items() if why == "suppressed"} <= {"P0", "P1"}
    assert listed(found) <= {"P2"}


@pytest.mark.parametrize("payload", ["=1+1", "@SUM(A1)"])
def test_words_of_customers_reach_no_table_as_a_formula(page, payload):
    header = "response_id,contact_id,account_id,responded_at,score,followup,comment"
    cell = '"' + payload.replace('"', '""') + '"'
    found = page(nps_responses=[header, f"N0,P0,A0,2026-09-20T12:00:00Z,3,{cell},{cell}"])
    cells = [cell for frame in found.tables.values() for cell in frame.to_numpy().ravel() if isinstance(cell, str)]
    assert payload not in cells
