"""Touches whose answers are known, by configuration alone: a lot not obeyed, two cities, and targeted e-mails."""

import pandas as pd
import pytest

from tests.acceptance.projects import DATA, csw, example_project

FILES = [DATA / "touches" / f"{name}.csv" for name in (
    "app_engagement_push", "billboard_impact", "invest_email_biased", "invest_email_rnd",
)]  # fmt: skip
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(path.is_file() for path in FILES), reason="touches/ is not beside this checkout"),
]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    project = example_project(tmp_path_factory.mktemp("touches") / "project", "touches", FILES)
    done = csw("run", "--workspace", project / "workspace.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = project / "outputs" / "latest" / "touch_effect" / "tables"
    keys = {"verdicts": ["touch_id"], "effects": ["touch_id", "estimand"]}
    return {name: pd.read_csv(folder / f"{name}.csv").set_index(key) for name, key in keys.items()}


@pytest.mark.parametrize(
    ("estimand", "value"), [("drawn", 2.36), ("share_moved", 0.718), ("compliers", 3.29), ("as_got", 13.93)]
)
def test_the_push_message_is_read_by_the_draw(tables, estimand, value):
    assert tables["verdicts"].loc["push", "verdict"] == "effect_by_design"
    assert tables["effects"].loc[("push", estimand), "effect"] == pytest.approx(value, abs=5e-3)


def test_the_billboards_are_inconclusive(tables):
    row = tables["effects"].loc[("billboard", "change_beyond_others")]
    assert (row["effect"], row["p"]) == pytest.approx((6.52, 0.25), abs=5e-3)
    assert tables["verdicts"].loc["billboard", "verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("mail", "truth", "raw", "adjusted"),
    [("em1", 0.0685, 0.048, 0.077), ("em2", 0.0609, 0.171, 0.134), ("em3", 0.0371, 0.091, 0.067)],
)
def test_targeted_mails_cannot_be_fixed_by_adjustment(tables, mail, truth, raw, adjusted):
    effects = tables["effects"]["effect"]
    assert tables["verdicts"].loc[f"targeted-{mail}", "verdict"] == "cannot_be_fixed_by_adjustment"
    assert effects[mail, "drawn"] == pytest.approx(truth, abs=1e-4)
    assert effects[f"targeted-{mail}", "naive"] == pytest.approx(raw, abs=5e-4)
    assert effects[f"targeted-{mail}", "regression"] == pytest.approx(adjusted, abs=5e-4)
