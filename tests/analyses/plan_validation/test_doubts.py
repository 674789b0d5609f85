"""Doubts of comparisons, said once."""

from types import SimpleNamespace

from csworkbench.analyses.plan_validation.doubts import _of_comparisons
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.formats import text


def reading(title, *messages):
    caveats = tuple(Caveat("alone", Severity.WARNING, each) for each in messages)
    return SimpleNamespace(
        name=title, declared=SimpleNamespace(title=title), comparison=SimpleNamespace(caveats=caveats)
    )


def test_a_number_of_plans_is_said_once_for_all_playbooks():
    alone, share = "{n:n plan has|plans have} nobody to compare", "One account stands for {share:percent}"
    readings = [
        reading("Tour", say(alone, n=2), say(share, share=0.5)),
        reading("Rollout", say(alone, n=6), say(share, share=0.25)),
        SimpleNamespace(name="idle", declared=SimpleNamespace(title=None), comparison=None),
    ]
    assert [text(each.message) for each in _of_comparisons(readings)] == [
        "Tour, Rollout: 8 plans have nobody to compare",
        "Tour: One account stands for 50.0%",
        "Rollout: One account stands for 25.0%",
    ]
