"""Designs have letters, the most trustworthy first."""

from csworkbench.adjustment.designs import Design


def test_designs_go_from_a_to_f():
    assert [design.letter for design in Design] == list("ABCDEF")
    assert Design.LOTTERY.letter == "A"
    assert Design.NONE.letter == "F"
