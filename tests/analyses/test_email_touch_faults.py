"""Experiments with bad files as a user has them: every fault is a refusal or a doubt in words, never a number."""

import pytest

from csworkbench import formats, session
from csworkbench.analyses import email_touch
from csworkbench.errors import ConfigError

WORKSPACE = """version: 1
name: Small experiment
as_of: 2026-08-01
timezone: Europe/Stockholm
currency: EUR
batch: batch.yaml
tables:
  accounts: {path: accounts.csv}
  touches: {path: touches.csv}
  touch_events: {path: touch_events.csv}
  experiment_units: {path: units.csv}
"""
BATCH = "version: 1\nnotebooks:\n  - name: email_touch\n"
EXPERIMENT = """id: test
label: Test
question: Does it work?
arms: [{name: old, label: Old mail}, {name: new, label: New mail}]
control: old
first_day: 2026-06-01
last_day: 2026-07-15
metrics:
  - {name: clicked, label: Clicked, role: primary, outcome: {kind: human_clicks}}
"""
SENT = "2026-06-02T09:00:00Z"


def project(folder, units, events=(), experiment=EXPERIMENT):
    """A project of 16 accounts, each with one mail."""
    names = [f"A{place:02d}" for place in range(16)]
    head = "experiment_id,unit_id,unit,variant,assigned_at,eligible_contacts"
    files = {
        "workspace.yaml": WORKSPACE,
        "batch.yaml": BATCH,
        "configs/email_touch.yaml": "experiments: [configs/experiments/test.yaml]\n",
        "configs/experiments/test.yaml": experiment,
        "accounts.csv": "\n".join(["account_id", *names, ""]),
        "units.csv": "\n".join([head, *units(names), ""]),
        "touches.csv": "\n".join(
            ["touch_id,account_id,sent_at,experiment_id", *(f"T{name},{name},{SENT},test" for name in names), ""]
        ),
        "touch_events.csv": "\n".join(["touch_id,type,occurred_at,link,agent", *events, ""]),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def unit(name, variant, at="2026-06-01T08:00:00Z"):
    return f"test,{name},account,{variant},{at},2"


def alternating(names):
    return [unit(name, ("old", "new")[place % 2]) for place, name in enumerate(names)]


def read(folder):
    """What a notebook computes: headline and effect."""
    desk = session.start(str(folder / "workspace.yaml"))
    config = desk.config(email_touch)
    result = email_touch.analyze(email_touch.prepare(desk.snapshot, config, {}), config)
    return formats.text(result.headline), result.figures["effect"]


def test_units_in_both_arms_are_refused_at_the_door_and_nothing_is_told(tmp_path):
    both = project(tmp_path, lambda names: [unit(name, arm) for name in names for arm in ("old", "new")])
    said, effect = read(both)
    assert "nobody who was drawn can be read" in said
    assert effect.value is None


def test_no_clicks_at_all_cannot_be_told(tmp_path):
    opened = [f"TA{place:02d},open,2026-06-02T10:00:00Z,,human" for place in range(16)]
    said, effect = read(project(tmp_path, alternating, opened))
    assert "Not one account had the outcome" in said
    assert effect.value is None


def test_repeated_opens_and_opens_before_the_mail_change_nothing(tmp_path):
    clean = [f"TA{place:02d},click,2026-06-02T10:00:00Z,a,human" for place in (1, 3, 5, 7, 2)]
    faults = [
        "TA01,click,2026-06-02T10:00:00Z,a,human",  # the same click once more
        "TA01,click,2026-06-02T10:00:00Z,b,human",  # in the same second
        "TA04,click,2026-06-02T08:00:00Z,a,human",  # before the mail was sent
        "TZZ,click,2026-06-02T10:00:00Z,a,human",  # of a mail nobody sent
    ]
    one = read(project(tmp_path / "one", alternating, clean))
    two = read(project(tmp_path / "two", alternating, [*clean, *faults]))
    assert one == two
    # New arm: accounts 1, 3, 5, 7 of 8, old arm: account 2 of 8. No mail names a contact, so an account counts once if
    # anybody clicked: 4/8 - 1/8 = 37.5 points.
    assert one[1].value == pytest.approx(37.5)


def test_a_config_that_compares_clicks_with_a_holdout_is_refused_before_any_data_is_read(tmp_path):
    wrong = EXPERIMENT.replace("label: Old mail}", "label: No mail, is_holdout: true}")
    desk = session.start(str(project(tmp_path, alternating, experiment=wrong) / "workspace.yaml"))
    with pytest.raises(ConfigError, match=r"gets no mail, so nobody there can have human_clicks"):
        desk.config(email_touch)
