"""What must not move a figure: the order of rows, threads, kernels, time zones, locales, and facts of a later day."""

import shutil
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from csworkbench.analyses import health
from csworkbench.sampledata import BookSize, write
from tests.acceptance.projects import ROOT, csw, result

AS_OF = "2026-06-30"
LATER = timedelta(days=400)
# Table -> columns of a fact that say when it happened, and the id that tells it from others.
FACTS = {
    "usage_daily": (("date",), "user_id"),
    "tickets": (("opened_at", "first_response_at", "resolved_at", "known_at"), "ticket_id"),
    "nps_responses": (("invited_at", "responded_at", "known_at"), "response_id"),
    "touches": (("sent_at", "known_at"), "touch_id"),
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The tables health reads of a book of 60 accounts, with the configs of the sample project."""
    folder = tmp_path_factory.mktemp("book")
    write(BookSize(60, 9, end=date(2026, 9, 30)), folder / "data", with_workspace=True)
    shutil.copytree(ROOT / "configs", folder / "configs")
    (folder / "configs" / "workspace.yaml").unlink()
    workspace = YAML().load(folder / "data" / "workspace.yaml")
    read = {*health.READS, *health.READS_IF_PRESENT, *FACTS}
    tables = {name: table for name, table in workspace["tables"].items() if name in read}
    for table in tables.values():
        table["path"] = f"data/{table['path']}"
    workspace |= {"tables": tables, "as_of": AS_OF, "batch": "configs/batch/nightly.yaml"}
    YAML().dump(workspace, folder / "workspace.yaml")
    (folder / "configs" / "batch" / "nightly.yaml").write_text("version: 1\nnotebooks:\n  - name: health\n")
    return folder


@pytest.fixture(scope="module")
def base(project):
    return ran(project)


def ran(folder, kernel="stock", **env):
    """Return every table of the health page as bytes, and its figures and caveats."""
    done = csw("run", "--kernel", kernel, cwd=folder, env=env)
    assert done.returncode == 0, done.stderr
    latest = folder / "outputs" / "latest"
    tables = {path.name: path.read_bytes() for path in sorted((latest / "health" / "tables").iterdir())}
    found = result(latest, "health")
    return tables, found["figures"], found["caveats"], found["headline"]


def changed(project, folder, change):
    """Return a copy of the project with `change` applied to every table: name, frame of texts or Arrow table."""
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("outputs", "records"))
    for path in (folder / "data").iterdir():
        if path.suffix == ".csv":
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
            change(path.stem, frame).to_csv(path, index=False)
        elif path.suffix == ".parquet":
            frame = pq.read_table(path)
            pq.write_table(change(path.stem, frame), path)
    return folder


def test_the_order_of_rows_threads_and_facts_of_a_later_day_change_no_byte(project, base, tmp_path):
    folder = changed(project, tmp_path / "book", lambda name, rows: shuffled(with_later(name, rows)))
    assert len(pq.read_table(folder / "data" / "touches.parquet")) > len(
        pq.read_table(project / "data" / "touches.parquet")
    )
    workspace = YAML().load(folder / "workspace.yaml")
    workspace["engine"] = {"threads": 1}
    YAML().dump(workspace, folder / "workspace.yaml")
    assert ran(folder) == base


def test_a_warm_kernel_time_zone_locale_and_hash_seed_of_the_machine_change_no_byte(project, base, tmp_path):
    folder = changed(project, tmp_path / "else where", lambda name, rows: rows)
    machine = {"TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "7"}
    assert ran(folder, kernel="warm", **machine) == base


def shuffled(rows):
    order = pd.Series(range(len(rows))).sample(frac=1, random_state=3)
    return rows.iloc[order] if isinstance(rows, pd.DataFrame) else rows.take(pa.array(order))


def with_later(name, rows):
    """The rows of a table, and some again that a later day has."""
    if name not in FACTS:
        return rows
    times, key = FACTS[name]
    frame = rows if isinstance(rows, pd.DataFrame) else rows.to_pandas()
    more = frame.head(50).copy()
    for column in (column for column in times if column in more):
        filled = more[column].notna() & more[column].ne("")
        moved = pd.to_datetime(more.loc[filled, column]) + LATER
        if isinstance(rows, pd.DataFrame):
            more.loc[filled, column] = moved.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        else:
            more[column] = moved.dt.date if pa.types.is_date(rows.schema.field(column).type) else moved
    more[key] = "later " + more[key].astype(str)
    if isinstance(rows, pd.DataFrame):
        return pd.concat([frame, more])
    return pa.concat_tables([rows, pa.Table.from_pandas(more, rows.schema, preserve_index=False)])
