"""Errors carry every problem, with its place, and know their exit code."""

import pytest

from csworkbench.errors import (
    AnalysisError,
    ConfigError,
    DataError,
    EnvironmentProblem,
    Problem,
    RunError,
    WorkbenchError,
    did_you_mean,
)


def test_the_nearest_word_is_the_hint_and_capitals_do_not_matter():
    assert did_you_mean("usage_dayly", ["tickets", "usage_daily"]) == "did you mean 'usage_daily'?"
    assert did_you_mean("SEK", ["sek"]) == "did you mean 'sek'?"
    assert did_you_mean("x", ["tickets"], "there are tickets") == "there are tickets"


def test_a_problem_prints_place_key_message_and_hint():
    problem = Problem("unknown key", "configs/health.yaml", 12, 3, "bands.1.lo", "did you mean 'low'?")
    assert str(problem) == "configs/health.yaml:12:3: bands.1.lo: unknown key (did you mean 'low'?)"


def test_a_problem_leaves_out_what_is_not_known():
    assert str(Problem("no such file", "accounts.csv")) == "accounts.csv: no such file"
    assert str(Problem("nothing to do")) == "nothing to do"


def test_an_error_shows_20_problems_and_counts_the_rest():
    lines = str(DataError(*[f"problem {number}" for number in range(23)])).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "... and 3 more problems"


def test_an_error_without_a_problem_is_a_programmers_mistake():
    with pytest.raises(ValueError, match="at least one problem"):
        ConfigError()


def test_exit_codes_are_those_of_the_command_line():
    codes = {
        kind: kind.exit_code
        for kind in (WorkbenchError, AnalysisError, RunError, ConfigError, DataError, EnvironmentProblem)
    }
    assert list(codes.values()) == [1, 1, 1, 2, 3, 4]
