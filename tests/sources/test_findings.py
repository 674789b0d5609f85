"""Findings count rows, however many times a row breaks one rule."""

from csworkbench.sources.findings import write_quarantine
from csworkbench.sources.parse import BadRow


def test_a_row_that_breaks_one_rule_twice_is_one_row_with_both_hints(tmp_path):
    def early(line, hint):
        return BadRow("use.csv", line, "date", "2026-01-01", "before_start", hint)

    listed = [early(2, "before its account"), early(2, "before its subscription"), early(3, "before its subscription")]
    groups = write_quarantine(listed, tmp_path / "bad.csv")
    count, example = groups["before_start", "date"]
    assert (count, example.line, example.hint) == (2, 2, "before its account; before its subscription")
    assert len((tmp_path / "bad.csv").read_text(encoding="utf-8").splitlines()) == 1 + 3  # the file names both
