"""The simulated book: what its files promise, and that what was planted can be found in them."""

import dataclasses
import re
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import statsmodels.api as sm

from csworkbench.errors import ConfigError
from csworkbench.sampledata import BookSize, content_digest, read, simulate, workspace_text, write
from csworkbench.sampledata.accounts import make_world
from csworkbench.sampledata.book import blocks
from csworkbench.sampledata.contracts import make_contracts
from csworkbench.sampledata.digest import TableDigest
from csworkbench.sampledata.notes import EXTRA
from csworkbench.sampledata.world import LEAD_MONTHS, STREAMS, stream, working_share
from csworkbench.sources import open_book
from csworkbench.tables import SPECS, Kind
from csworkbench.workspace import load_workspace

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "data" / "samples"
SMALL = BookSize(accounts=40, months=4, seed=7)
SIMULATED = [name for name in SPECS if name != "lead_events"]  # that team keeps the status of leads, not their course
LAST_YEAR = pd.Timestamp("2025-09-30 23:59:59")


@pytest.fixture(scope="module")
def book():
    return simulate()


@pytest.fixture(scope="module")
def accounts(book):
    return book.frames["accounts"].set_index("account_id")


@pytest.fixture(scope="module")
def many_renewals():
    """Decided renewals of a book big enough for tight standard errors; usage is not drawn."""
    size = BookSize(accounts=20_000, seed=11)
    return pd.concat([make_contracts(make_world(size, number)).truth for number in range(4)], ignore_index=True)


def renewal_design(truth):
    return pd.DataFrame(
        {
            "intercept": 1.0,
            "engagement": truth["engagement"],
            "first_term": truth["is_first"].astype(float),
            "small": (truth["tier"] == "small").astype(float),
            "large": (truth["tier"] == "large").astype(float),
        }
    )


def coefficients(model):
    fitted = model.fit(disp=0) if isinstance(model, sm.Logit) else model.fit()
    return fitted.params, fitted.bse


# The contract of the tables


@pytest.mark.parametrize("name", SIMULATED)
def test_every_column_is_canonical_or_a_declared_extra(book, name):
    columns = set(book.frames[name].columns)
    assert columns - set(SPECS[name].names) == set(EXTRA.get(name, {}))
    assert {column.name for column in SPECS[name].columns if column.required} <= columns


@pytest.mark.parametrize("name", SIMULATED)
def test_every_value_is_allowed_by_its_column(book, name):
    frame = book.frames[name]
    for column in SPECS[name].columns:
        if column.name not in frame:
            continue
        values = frame[column.name].dropna()
        assert column.nullable or len(values) == len(frame), column.name
        assert not column.allowed or set(values) <= set(column.allowed), column.name
        if column.kind in (Kind.INTEGER, Kind.DECIMAL):
            assert column.low is None or values.min() >= column.low, column.name
            assert column.high is None or values.max() <= column.high, column.name
        if column.kind in (Kind.DATE, Kind.INSTANT):
            assert pd.api.types.is_datetime64_dtype(values), column.name


@pytest.mark.parametrize("name", SIMULATED)
def test_a_key_identifies_one_row(book, name):
    frame = book.frames[name]
    assert not frame.duplicated(list(SPECS[name].key_among(tuple(frame.columns)))).any()


@pytest.mark.parametrize("name", SIMULATED)
def test_every_reference_leads_somewhere(book, name):
    for key in SPECS[name].foreign_keys:
        (column,), (other,) = key.columns, key.others or key.columns
        if column in book.frames[name]:
            assert set(book.frames[name][column].dropna()) <= set(book.frames[key.table][other])


def test_people_and_features_that_no_key_checks_lead_somewhere_too(book):
    csms = set(book.frames["csms"]["csm_id"])
    assert set(book.frames["csms"]["manager_id"].dropna()) <= csms
    assert set(book.frames["judgements"]["author"]) <= csms
    assert set(book.frames["usage_daily"]["feature"]) == set(book.frames["features"]["feature"])


@pytest.mark.parametrize("name", SIMULATED)
def test_dates_of_a_row_are_in_order(book, name):
    frame = book.frames[name]
    for earlier, later in SPECS[name].ordered:
        if earlier in frame and later in frame:
            both = frame[[earlier, later]].dropna()
            assert (both[earlier] <= both[later]).all()


@pytest.mark.parametrize("name", ["usage_daily", "tickets", "nps_responses", "touches", "judgements"])
def test_events_lie_in_the_book_after_the_signup_and_before_the_account_left(book, accounts, name):
    frame, event = book.frames[name], SPECS[name].event_at
    at = frame[event]
    account = frame["account_id"].astype(str)
    left = account.map(accounts["churned_at"]).fillna(pd.Timestamp("2026-10-01"))
    assert at.min() >= pd.Timestamp("2024-10-01")
    assert pd.Timestamp("2026-09-10") <= at.max() < pd.Timestamp("2026-10-01")
    assert (at.dt.normalize() > account.map(accounts["signup_at"]).dt.normalize()).all()
    assert (at < left).all()


# What the book is made of


def test_the_default_book_has_600_accounts_in_three_tiers(accounts):
    assert accounts["value_tier"].value_counts().to_dict() == {"large": 90, "mid": 180, "small": 330}


def test_region_language_time_zone_currency_and_name_go_together(accounts):
    together = accounts[["region", "language", "timezone", "currency"]].drop_duplicates()
    assert sorted(together.itertuples(index=False, name=None)) == [
        ("China", "zh", "Asia/Shanghai", "CNY"),
        ("Ireland", "en", "Europe/Dublin", "EUR"),
        ("Sweden", "sv", "Europe/Stockholm", "SEK"),
    ]
    is_chinese = accounts["name"].str.contains("[\u4e00-\u9fff]", regex=True)
    assert is_chinese.eq(accounts["region"] == "China").all()
    assert accounts.loc[accounts["region"] == "Sweden", "name"].str.endswith(" AB").all()
    assert accounts["name"].is_unique


def test_amounts_are_in_the_currency_of_the_account(book, accounts):
    for name in ("subscriptions", "renewals"):
        frame = book.frames[name]
        assert frame["currency"].eq(frame["account_id"].map(accounts["currency"])).all()


def test_enough_renewals_are_decided_and_lost_and_some_are_open_past_due_partial_or_grown(book):
    renewals = book.frames["renewals"]
    lost = renewals["outcome"] == "churned"
    is_open = renewals["outcome"] == "open"
    assert (~is_open).sum() >= 500
    assert (lost & (renewals["due_date"] > LAST_YEAR)).sum() >= 60
    assert (lost & (renewals["decided_at"] > LAST_YEAR)).sum() >= 60
    assert (is_open & (renewals["due_date"] > pd.Timestamp("2026-09-30"))).sum() >= 100
    assert (is_open & (renewals["due_date"] < pd.Timestamp("2026-09-30"))).any()
    assert {"partial", "upsell", "renewed"} <= set(renewals["outcome"])


def test_amounts_say_the_outcome(book):
    decided = book.frames["renewals"].query("outcome != 'open'")
    ratio = decided["final_amount"] / decided["target_amount"]
    assert (ratio[decided["outcome"] == "churned"] == 0).all()
    assert ratio[decided["outcome"] == "partial"].between(0, 0.98, inclusive="neither").all()
    assert ratio[decided["outcome"] == "renewed"].between(0.98, 1.02).all()
    assert (ratio[decided["outcome"] == "upsell"] > 1.02).all()
    undecided = book.frames["renewals"].query("outcome == 'open'")
    assert undecided[["decided_at", "final_amount", "reason"]].isna().all(axis=None)


def test_an_account_leaves_with_its_lost_renewal_and_with_nothing_else(book, accounts):
    lost = book.frames["renewals"].query("outcome == 'churned'").set_index("account_id")
    gone = accounts["churned_at"].dropna()
    day_after = lost["due_date"] + pd.Timedelta(days=1)
    left = pd.concat([lost["decided_at"], day_after], axis=1).max(axis=1)
    assert gone.eq(left.reindex(gone.index)).all()
    assert (left.drop(gone.index) > pd.Timestamp("2026-09-30")).all()


def test_terms_of_a_subscription_follow_each_other_without_a_gap(book):
    terms = book.frames["subscriptions"].drop_duplicates(["subscription_id", "end_date"])
    following = terms.groupby("subscription_id")["start_date"].shift(-1)
    has_next = following.notna()
    assert (following[has_next] - terms.loc[has_next, "end_date"]).eq(pd.Timedelta(days=1)).all()
    assert {"new", "renew", "upgrade", "downgrade"} == set(book.frames["subscriptions"]["change_type"])
    assert book.frames["subscriptions"]["seats"].isna().any()


def test_assignments_of_an_account_follow_each_other_and_the_leaver_has_no_customer_left(book, accounts):
    assignments = book.frames["assignments"]
    before = assignments.groupby("account_id")["valid_to"].shift()
    is_second = before.notna()
    assert is_second.sum() >= 30
    assert before[is_second].eq(assignments.loc[is_second, "valid_from"]).all()
    assert assignments.groupby("account_id").tail(1)["valid_to"].isna().all()
    moved = assignments[assignments["reason"] == "leaver"]
    assert len(moved) > 5
    assert moved["valid_from"].nunique() == 1
    left_on = moved["valid_from"].iloc[0]
    kept = assignments[(assignments["csm_id"] == "CSM05") & ~(assignments["valid_to"] <= left_on)]
    assert (kept["account_id"].map(accounts["churned_at"]) < left_on).all()  # what left before stays on the leaver
    assert (kept["valid_from"] < left_on).all()


def test_14_csms_work_in_teams_with_a_lead_each(book):
    csms = book.frames["csms"]
    assert len(csms) == 14
    assert csms[csms["manager_id"].isna()].groupby("team").size().eq(1).all()


def test_query_is_a_core_feature_among_eight(book):
    features = book.frames["features"].set_index("feature")
    assert len(features) == 8
    assert features.loc["query", "is_core"]
    assert features["is_high_value"].any()
    assert not features["is_core"].all()


def test_invitations_without_an_answer_are_kept_and_ten_is_heaped(book):
    responses = book.frames["nps_responses"]
    counts = responses["score"].value_counts()
    assert responses["responded_at"].isna().mean() > 0.4
    assert responses["score"].notna().eq(responses["responded_at"].notna()).all()
    assert counts.idxmax() == 10
    assert counts[10] > 3 * counts[9]


def test_pulses_expire_and_a_few_overrides_have_a_reason(book):
    judgements = book.frames["judgements"]
    overrides = judgements[judgements["kind"] == "override"]
    assert 5 <= len(overrides) <= 20
    assert overrides["reason"].str.len().gt(10).all()
    pulses = judgements[judgements["kind"] == "pulse"]
    assert (pulses["expires_at"] - pulses["made_at"]).eq(pd.Timedelta(days=90)).all()


def test_touches_of_people_have_a_csm_and_minutes_and_those_of_the_system_have_neither(book):
    touches = book.frames["touches"]
    is_human = touches["mode"] == "human"
    assert touches["csm_id"].notna().eq(is_human).all()
    assert touches["minutes"].gt(0).eq(is_human).all()
    assert touches["channel"].nunique() >= 5


def test_exactly_the_planted_rows_are_late(book):
    planted = {"usage_daily": 20, "tickets": 8, "nps_responses": 4}
    for name, count in planted.items():
        frame = book.frames[name].dropna(subset="known_at")
        assert len(frame) == count
        assert (frame["known_at"] - frame[SPECS[name].event_at] > pd.Timedelta(days=4)).all()
    known = pd.concat([book.frames[name]["known_at"] for name in planted])
    assert (known > pd.Timestamp("2026-10-01")).any()


def test_a_term_is_known_late_only_where_the_customer_decided_late(book):
    terms = book.frames["subscriptions"].dropna(subset="known_at")
    decided = book.frames["renewals"].set_index(["account_id", "due_date"])["decided_at"]
    ends_before = pd.MultiIndex.from_arrays([terms["account_id"], terms["start_date"] - pd.Timedelta(days=1)])
    assert (terms["known_at"] > terms["start_date"]).all()
    assert terms["known_at"].to_numpy().tolist() == decided.reindex(ends_before).to_numpy().tolist()


# Seasons


@pytest.mark.parametrize(
    ("day", "china", "sweden", "ireland"),
    [
        ("2026-02-18", 0.08, 1.0, 1.0),  # Wednesday, second day of the Chinese year
        ("2026-02-11", 0.6, 1.0, 1.0),  # Wednesday of the week before it
        ("2025-10-01", 0.08, 1.0, 1.0),  # Wednesday, Chinese National Day
        ("2026-07-08", 1.0, 0.35, 1.0),  # Wednesday in Swedish July
        ("2026-06-19", 1.0, 0.05, 1.0),  # Midsummer Eve, a Friday
        ("2026-03-17", 1.0, 1.0, 0.1),  # St Patrick's Day, a Tuesday
        ("2025-12-25", 1.0, 0.1, 0.12),  # Christmas Day, a Thursday
        ("2026-05-09", 0.08, 0.08, 0.08),  # Saturday
        ("2026-05-06", 1.0, 1.0, 1.0),  # Wednesday without anything
    ],
)
def test_each_region_rests_on_its_own_days(day, china, sweden, ireland):
    shares = working_share(np.array([day], dtype="datetime64[D]"))
    assert shares[:, 0] == pytest.approx([china, sweden, ireland])


def test_use_in_sweden_dips_in_july_and_in_ireland_it_does_not(book, accounts):
    usage = book.frames["usage_daily"]
    days = usage.groupby([usage["account_id"].astype(str).map(accounts["region"]), "date"]).size().unstack(0)
    june, july = days.loc["2026-06-01":"2026-06-18"].mean(), days.loc["2026-07-01":"2026-07-31"].mean()
    assert july["Sweden"] / june["Sweden"] < 0.5
    assert july["Ireland"] / june["Ireland"] > 0.75


# Determinism and files


def test_the_same_seed_gives_the_same_content_and_another_seed_another():
    first, again = (simulate(20, 3, seed=5) for _ in range(2))
    assert content_digest(first.frames) == content_digest(again.frames)
    assert content_digest(first.frames) != content_digest(simulate(20, 3, seed=6).frames)


def test_the_order_of_rows_and_columns_does_not_change_the_digest():
    frames = simulate(20, 3, seed=5).frames
    shuffled = {name: frame.sample(frac=1, random_state=1).iloc[:, ::-1] for name, frame in reversed(frames.items())}
    assert content_digest(shuffled) == content_digest(frames)


def test_one_changed_cell_changes_the_digest():
    frames = dict(simulate(20, 3, seed=5).frames)
    before = content_digest(frames)
    employees = frames["accounts"]["employees"].where(lambda column: column.index != 3, 1)
    frames["accounts"] = frames["accounts"].assign(employees=employees)
    assert content_digest(frames) != before


def test_a_table_has_the_stream_of_its_place_so_a_new_table_changes_no_other():
    children = np.random.SeedSequence(SMALL.seed).spawn(len(STREAMS))
    for place, name in enumerate(STREAMS):
        expected = np.random.default_rng(children[place]).random(3)
        assert stream(SMALL, name).random(3) == pytest.approx(expected, abs=0)


def test_a_streamed_book_is_the_book_in_memory(tmp_path):
    book = simulate(SMALL.accounts, SMALL.months, SMALL.seed)
    write(SMALL, tmp_path / "streamed")
    write(book, tmp_path / "at_once")
    expected = content_digest(book.frames)
    for folder in ("streamed", "at_once"):
        assert content_digest(read(tmp_path / folder)) == expected
        assert expected in (tmp_path / folder / "README.md").read_text(encoding="utf-8")


def test_another_parquet_writer_does_not_change_the_digest(tmp_path):
    write(SMALL, tmp_path)
    before = content_digest(read(tmp_path))
    table = pq.read_table(tmp_path / "usage_daily.parquet")
    path = tmp_path / "usage_daily.parquet"
    pq.write_table(table, path, compression="gzip", row_group_size=100, use_dictionary=False)
    assert content_digest(read(tmp_path)) == before


def test_usage_is_sorted_by_date_and_kept_in_small_integers(book):
    schema = pq.read_schema(SAMPLES / "usage_daily.parquet")
    assert [str(schema.field(name).type) for name in ("events", "minutes", "sessions")] == ["int16", "int16", "int8"]
    assert pq.ParquetFile(SAMPLES / "usage_daily.parquet").metadata.row_group(0).column(0).compression == "ZSTD"
    order = book.frames["usage_daily"][["date", "account_id", "user_id", "feature"]]
    assert order.equals(order.sort_values(["date", "account_id", "user_id", "feature"]))
    assert 600_000 <= len(order) <= 1_200_000


def test_the_shipped_files_are_what_the_simulator_draws_and_their_readme_says_so(book):
    digest = content_digest(read(SAMPLES))
    assert digest == content_digest(book.frames), "the simulator changed: run csw sample --out data/samples"
    assert f"`{digest}`" in (SAMPLES / "README.md").read_text(encoding="utf-8")


def test_the_readme_says_it_is_simulated_and_notes_every_column(book):
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert "**This is simulated data.**" in text
    for name, frame in book.frames.items():
        section = text.partition(f"### {name}\n")[2].partition("###")[0]
        noted = re.findall(rf"^\| (\w+) \| (?:{'|'.join(Kind)}) \|", section, re.MULTILINE)
        assert noted == list(frame.columns)


def test_the_shipped_files_are_small():
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) <= 15_000_000


def test_the_default_book_is_drawn_in_under_twenty_seconds():
    before = time.process_time()
    simulate()
    assert time.process_time() - before < 20  # about 5 on a free machine


@pytest.mark.parametrize(
    "size",
    [BookSize(1, 3), BookSize(7, 5, 1, date(2026, 2, 10)), BookSize(3, 60, 1, date(2024, 12, 31))],
)
def test_tiny_and_odd_books_are_books_too(size, tmp_path):
    write(size, tmp_path)
    frames = read(tmp_path)
    assert set(frames) == set(SIMULATED)
    assert len(frames["accounts"]) == size.accounts
    assert frames["usage_daily"]["date"].max() <= pd.Timestamp(size.end)


def test_every_bound_that_a_size_breaks_is_named():
    named = "accounts: 0 is not in 1 to 1000000\nmonths: 61 is not in 3 to 60\nseed: -1 is not in 0"
    with pytest.raises(ConfigError, match=named):
        BookSize(accounts=0, months=61, seed=-1)
    with pytest.raises(ConfigError, match="year of end: 2036 is not in 2021 to 2035"):
        BookSize(end=date(2036, 1, 1))


# Blocks


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 20 accounts in place of 5,000, so that a small book has several."""
    modules = [module for name, module in sys.modules.items() if name.startswith("csworkbench.sampledata.")]
    for module in modules:
        if hasattr(module, "BLOCK_ACCOUNTS"):
            monkeypatch.setattr(module, "BLOCK_ACCOUNTS", 20)


@pytest.mark.usefixtures("small_blocks")
def test_a_longer_book_begins_with_the_shorter_one():
    size = BookSize(accounts=50, months=4, seed=7)
    first, *others = blocks(size)
    alone = next(blocks(dataclasses.replace(size, accounts=20)))
    assert len(others) == 2
    assert content_digest(first.frames) == content_digest(alone.frames)


@pytest.mark.usefixtures("small_blocks")
def test_rows_of_several_blocks_have_keys_and_references_of_their_own():
    frames = simulate(accounts=50, months=6, seed=7).frames
    for name, frame in frames.items():
        assert not frame.duplicated(list(SPECS[name].key_among(tuple(frame.columns)))).any(), name
        for key in SPECS[name].foreign_keys:
            (column,), (other,) = key.columns, key.others or key.columns
            if column in frame:
                assert set(frame[column].dropna()) <= set(frames[key.table][other]), (name, column)
    assert frames["accounts"]["account_id"].tolist() == [f"A{number:06d}" for number in range(1, 51)]


@pytest.mark.usefixtures("small_blocks")
def test_a_book_of_several_blocks_is_parquet_with_the_digest_it_has_in_memory(tmp_path):
    size, told = BookSize(accounts=50, months=4, seed=7), []
    (tmp_path / "accounts.csv").write_text("of an earlier, smaller book", encoding="utf-8")
    write(size, tmp_path, with_workspace=True, progress=lambda done, of: told.append((done, of)))
    assert {path.suffix for path in tmp_path.iterdir()} == {".parquet", ".md", ".yaml"}
    assert told == [(1, 3), (2, 3), (3, 3)]
    expected = content_digest(simulate(size.accounts, size.months, size.seed).frames)
    assert content_digest(read(tmp_path)) == expected
    assert expected in (tmp_path / "README.md").read_text(encoding="utf-8")
    opened = open_book(load_workspace(tmp_path / "workspace.yaml"), tmp_path, tmp_path / "cache")
    assert set(opened.reports) == set(SIMULATED)
    assert sum(report.quarantined for report in opened.reports.values()) == 0


def test_a_digest_does_not_depend_on_the_number_of_chunks():
    touches = simulate(20, 3, seed=5).frames["touches"]
    whole, parts = TableDigest("touches"), TableDigest("touches")
    whole.add(touches)
    for first in range(0, len(touches), 7):
        parts.add(touches.iloc[first : first + 7])
    assert parts.hexdigest() == whole.hexdigest()


def test_no_block_has_more_ids_than_are_kept_for_it():
    world = make_world(SMALL)
    assert world.ids("T", 7, range(2)).tolist() == ["T0000001", "T0000002"]
    assert dataclasses.replace(world, number=3).ids("T", 7, range(1)).tolist() == ["T3000001"]
    with pytest.raises(ValueError, match="at most 1000000 ids of a kind, not 1000001"):
        world.ids("T", 7, range(1_000_001))


_PEAK = """
import sys
from pathlib import Path
from csworkbench.sampledata import BookSize, write
for name, module in list(sys.modules.items()):
    if name.startswith("csworkbench.sampledata.") and hasattr(module, "BLOCK_ACCOUNTS"):
        module.BLOCK_ACCOUNTS = 500
write(BookSize(accounts=int(sys.argv[1]), months=3), Path(sys.argv[2]))
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads the peak of memory from /proc")
def test_four_times_the_accounts_take_no_more_memory(tmp_path):
    peaks = {}
    for accounts in (1_000, 4_000):
        command = [sys.executable, "-c", _PEAK, str(accounts), str(tmp_path / str(accounts))]
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
        peaks[accounts] = int(done.stdout)  # in kB
    # what grows by the account would grow by 3,000 accounts; the allowance is a tenth for allocators
    assert peaks[4_000] <= 1.1 * peaks[1_000]


# The workspace


def test_the_workspace_of_the_book_names_every_table_and_each_file_exists():
    workspace = load_workspace(ROOT / "configs" / "workspace.yaml")
    assert set(workspace.tables) == set(SIMULATED)
    assert workspace.as_of == date(2026, 9, 30)
    assert all((ROOT / path).is_file() for source in workspace.tables.values() for path in source.paths)


def test_every_key_of_the_workspace_has_a_comment_above_it():
    lines = workspace_text("data/samples/", BookSize()).splitlines()
    keys = [place for place, line in enumerate(lines) if re.match(r"( {2})?\w+:", line)]
    assert len(keys) >= 17
    assert [lines[place] for place in keys if not lines[place - 1].lstrip().startswith("#")] == []


def test_a_written_book_is_a_project_whose_workspace_says_the_same_as_the_shipped_one(tmp_path):
    write(SMALL, tmp_path, with_workspace=True)
    made, shipped = load_workspace(tmp_path / "workspace.yaml"), load_workspace(ROOT / "configs" / "workspace.yaml")
    assert all((tmp_path / path).is_file() for source in made.tables.values() for path in source.paths)
    extras = [{name: source.extra for name, source in one.tables.items()} for one in (made, shipped)]
    assert extras[0] == extras[1]
    assert (made.as_of, made.timezone, made.currency) == (shipped.as_of, shipped.timezone, shipped.currency)


@pytest.mark.slow
def test_the_data_contract_finds_nothing_in_the_shipped_book_but_what_is_planted(tmp_path, book):
    opened = open_book(load_workspace(ROOT / "configs" / "workspace.yaml"), ROOT, tmp_path)
    assert {name: report.quarantined for name, report in opened.reports.items() if report.quarantined} == {}
    findings = [finding for report in opened.reports.values() for finding in report.findings]
    others = [(item.table, item.column) for item in findings if item.rule not in {"late", "assumed", "currency"}]
    gaps = {("contacts", "role"), ("projects", "quality"), ("plans", "lottery")}  # plans of a lottery have an order
    assert set(others) <= gaps | {("plans", "eligible_at"), ("plans", "start_order")}
    late = {finding.table: finding.count for finding in findings if finding.rule == "late"}
    planted = {"usage_daily": 20, "metrics_daily": 40, "tickets": 8, "nps_responses": 4}
    also_late = ("subscriptions", "plans", "invoices", "opportunities")
    assert late == planted | {name: int(book.frames[name]["known_at"].notna().sum()) for name in also_late}


# The truths


def test_engagement_is_stable_level_plus_decline_plus_swing(book):
    truths = book.truths
    assert truths.engagement == pytest.approx(truths.stable[:, None] + truths.decline + truths.swing)
    assert truths.engagement.shape == (600, LEAD_MONTHS + 24)
    assert str(truths.months[-1]) == "2026-09"


def test_a_quarter_of_the_accounts_declines_for_good(book):
    declines = book.truths.decline[:, -1] < 0
    # 600 draws at .25: standard error sqrt(.25 * .75 / 600) = .018
    assert declines.mean() == pytest.approx(0.25, abs=3 * 0.018)
    assert (np.diff(book.truths.decline, axis=1) <= 0).all()
    assert book.truths.decline.min() == pytest.approx(8 * -0.2)


def test_lost_renewals_follow_the_planted_logistic_model(many_renewals, book):
    planted = dataclasses.asdict(book.truths.renewal_model)
    estimate, error = coefficients(sm.Logit(many_renewals["is_lost"].astype(float), renewal_design(many_renewals)))
    assert error["engagement"] < 0.03
    for name, value in planted.items():
        assert abs(estimate[name] - value) <= 3 * error[name], name


def test_the_shipped_book_itself_shows_the_effect_of_engagement_on_renewals(book):
    truth, renewals = book.truths.renewals, book.frames["renewals"].set_index("renewal_id")
    lost = renewals.loc[truth["renewal_id"], "outcome"].eq("churned").to_numpy()
    assert (lost == truth["is_lost"]).all()
    estimate, error = coefficients(sm.Logit(lost.astype(float), renewal_design(truth)))
    assert abs(estimate["engagement"] - book.truths.renewal_model.engagement) <= 3 * error["engagement"]
    assert estimate["engagement"] < -5 * error["engagement"]


def account_months(book, accounts):
    """One row per account and full month in which it was a customer all the time."""
    months = pd.PeriodIndex(book.truths.months[LEAD_MONTHS:].astype(str), freq="M")
    grid = pd.MultiIndex.from_product([accounts.index, months], names=["account_id", "month"]).to_frame(index=False)
    grid["engagement"] = book.truths.engagement[:, LEAD_MONTHS:].ravel()
    start, end = grid["month"].dt.start_time, grid["month"].dt.end_time
    signup, left = grid["account_id"].map(accounts["signup_at"]), grid["account_id"].map(accounts["churned_at"])
    return grid[(signup + pd.Timedelta(days=2) < start) & (left.isna() | (left > end))]


def with_counts(grid, happenings):
    month = happenings["at"].dt.to_period("M").rename("month")
    counts = happenings.groupby(["account_id", month]).size().rename("n")
    return grid.join(counts, on=["account_id", "month"]).fillna({"n": 0})


def test_tickets_fall_with_engagement_as_planted(book, accounts):
    grid = account_months(book, accounts)
    grid = with_counts(grid, book.frames["tickets"].rename(columns={"opened_at": "at"}))
    tier = pd.get_dummies(grid["account_id"].map(accounts["value_tier"]), dtype=float)
    design = tier.assign(engagement=grid["engagement"])
    offset = np.log(grid["month"].dt.days_in_month.to_numpy() / 30.44)
    estimate, error = coefficients(sm.GLM(grid["n"], design, family=sm.families.Poisson(), offset=offset))
    assert abs(estimate["engagement"] - book.truths.service_model.tickets_slope) <= 3 * error["engagement"]
    # planted monthly rates at engagement 0: large .9, mid .35, small .12
    for name, rate in {"large": 0.9, "mid": 0.35, "small": 0.12}.items():
        assert abs(estimate[name] - np.log(rate)) <= 3 * error[name]


def test_answers_to_nps_grow_with_engagement_as_planted(book, accounts):
    responses = book.frames["nps_responses"]
    asked = responses[responses["invited_at"] < pd.Timestamp("2026-09-01")]  # the last wave is still being answered
    month = (asked["invited_at"].dt.to_period("M") - pd.Period("2024-10", "M")).map(lambda step: step.n)
    place = accounts.index.get_indexer(asked["account_id"])
    engagement = book.truths.engagement[place, LEAD_MONTHS + month.to_numpy()]
    design = pd.DataFrame({"intercept": 1.0, "engagement": engagement})
    estimate, error = coefficients(sm.Logit(asked["score"].notna().astype(float).to_numpy(), design))
    model = book.truths.service_model
    assert abs(estimate["intercept"] - model.answer_base) <= 3 * error["intercept"]
    assert abs(estimate["engagement"] - model.answer_slope) <= 3 * error["engagement"]
    given = asked["score"].notna().to_numpy()
    assert np.corrcoef(engagement[given], asked["score"].dropna().astype(float))[0, 1] > 0.25


def test_csms_turn_to_accounts_whose_engagement_is_low(book, accounts):
    grid = account_months(book, accounts)
    touches = book.frames["touches"].query("mode == 'human'")
    grid = with_counts(grid, touches.rename(columns={"sent_at": "at"}))
    tier = pd.get_dummies(grid["account_id"].map(accounts["value_tier"]), dtype=float)
    design = tier.assign(engagement=grid["engagement"])
    estimate, error = coefficients(sm.GLM(grid["n"], design, family=sm.families.Poisson()))
    assert abs(estimate["engagement"] - book.truths.service_model.touch_slope) <= 3 * error["engagement"]


@pytest.mark.parametrize("what", ["users", "features", "queries"])
def test_users_breadth_and_queries_rise_with_engagement(book, accounts, what):
    usage = book.frames["usage_daily"]
    usage = usage.assign(month=usage["date"].dt.to_period("M"), account_id=usage["account_id"].astype(str))
    queries = usage[usage["feature"] == "query"].groupby(["account_id", "month"])["events"].mean()
    by_month = usage.groupby(["account_id", "month"])
    values = {
        "users": by_month["user_id"].nunique(),
        "features": by_month["feature"].nunique(),
        "queries": queries,
    }[what]
    grid = account_months(book, accounts).set_index(["account_id", "month"]).join(values.rename("value"))
    grid = grid[grid["value"].notna()]
    # within an account, so that its size and tastes drop out
    within = grid - grid.groupby("account_id").transform("mean")
    assert within["engagement"].corr(within["value"]) > 0.2


def test_a_dip_of_the_swing_fades_by_itself(book):
    truths = book.truths
    month, later = 10, 6
    dips = np.argsort(truths.swing[:, month])[:120]  # the lowest fifth
    start, end = truths.swing[dips, month].mean(), truths.swing[dips, month + later].mean()
    memory, sd = truths.engagement_model.swing_memory, truths.engagement_model.swing_sd
    # AR(1): E[x(t + k) | x(t)] = memory^k x(t), variance sd^2 (1 - memory^2k)
    error = sd * np.sqrt(1 - memory ** (2 * later)) / np.sqrt(len(dips))
    assert start < -sd
    assert abs(end - memory**later * start) <= 3 * error
