"""Draws that any machine repeats: shares kept in every block, strata apart, nobody favored."""

import subprocess
import sys
from collections import Counter
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csworkbench.assignment import Assigned, Unit, as_csv, assign, changed, contaminated, digest, order

HALVES = {"control": 1, "short": 1}


def accounts(n, stratum="tech"):
    return [Unit(f"A{place:04}", stratum, float(place % 7)) for place in range(n)]


def arms(drawn):
    return Counter(each.variant for each in drawn)


@settings(deadline=None)
@given(st.integers(0, 60), st.text(max_size=5))
def test_every_full_block_holds_each_arm_twice(n, seed):
    drawn = assign(accounts(n), HALVES, seed)
    blocks = {}
    for each in drawn:
        blocks.setdefault(each.block, []).append(each.variant)
    assert all(Counter(block) == {"control": 2, "short": 2} for block in blocks.values() if len(block) == 4)
    assert sum(len(block) < 4 for block in blocks.values()) <= 1
    assert len(drawn) == n


def test_the_order_of_units_does_not_matter():
    units = accounts(50)
    assert assign(units, HALVES, "s") == assign(units[::-1], HALVES, "s")


def test_another_seed_draws_otherwise():
    assert assign(accounts(50), HALVES, "one") != assign(accounts(50), HALVES, "two")


def test_the_lot_is_the_sha256_of_seed_and_id_and_nothing_else():
    # Four units, one block: ids in the order of their lot get the slots in the order of theirs, worked out here again.
    def lot(*words):
        return sha256("".join(f"{len(word)}:{word}" for word in words).encode()).hexdigest()

    slots = ["control", "short", "control", "short"]
    units = sorted("abcd", key=lambda unit: lot("s", "unit", unit))
    # Two turns of control and short each.
    places = sorted(range(4), key=lambda place: (place // 2, lot("s", "slot", "", "0", str(place))))
    expected = {unit: slots[place] for unit, place in zip(units, places, strict=True)}
    assert {each.unit_id: each.variant for each in assign([Unit(unit) for unit in "abcd"], HALVES, "s")} == expected


SCRIPT = """
from csworkbench.assignment import Unit, assign, digest
print(digest(assign([Unit(f"A{n}", "t", n % 3) for n in range(99)], {"control": 9, "short": 9, "holdout": 2}, "s")))
"""


def test_another_process_with_other_hashes_draws_the_same_bytes():
    seen = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_a_block_is_alike_in_what_was_known_before():
    # 8 units with usage 8..1: the four most active are block 0.
    drawn = assign([Unit(str(n), "", float(n)) for n in range(1, 9)], HALVES, "s")
    assert {each.unit_id for each in drawn if each.block == 0} == {"8", "7", "6", "5"}


def test_strata_are_drawn_apart():
    drawn = assign([*accounts(10, "tech"), *(Unit(f"B{n}", "key") for n in range(6))], HALVES, "s")
    for stratum, n in (("tech", 10), ("key", 6)):
        there = arms(each for each in drawn if each.stratum == stratum)
        assert sum(there.values()) == n
        assert there["control"] == there["short"]


def test_a_holdout_is_an_arm_with_its_share():
    assert arms(assign(accounts(200), {"control": 9, "short": 9, "holdout": 2}, "s")) == {
        "control": 90,
        "short": 90,
        "holdout": 20,
    }


def test_contacts_of_an_account_are_halved_between_subject_lines():
    drawn = assign([Unit(f"C{n}", f"A{n // 8}") for n in range(80)], HALVES, "s")
    for account in range(10):
        assert arms(each for each in drawn if each.stratum == f"A{account}") == {"control": 4, "short": 4}


def test_an_account_of_two_contacts_has_both_subject_lines():
    drawn = assign([Unit(f"C{n}", f"A{n // 2}") for n in range(40)], HALVES, "s")
    assert all(len(arms(each for each in drawn if each.stratum == f"A{account}")) == 2 for account in range(20))


def test_an_account_of_one_contact_favors_no_arm():
    # 2,000 blocks of one unit: 1,000 +- 3 x 22.4.
    drawn = arms(assign([Unit(f"C{n}", f"A{n}") for n in range(2000)], HALVES, "s"))
    assert abs(drawn["control"] - 1000) <= 3 * np.sqrt(2000 / 4)


def test_every_unit_gets_every_arm_equally_often_over_seeds():
    # 400 draws: 200 +- 3 x 10 of the control.
    got = Counter(assign(accounts(8), HALVES, f"s{n}")[0].variant for n in range(400))
    assert abs(got["control"] - 200) <= 30


def test_the_file_names_each_unit_once_and_its_digest_names_the_file():
    drawn = assign([Unit("b"), Unit('a,"x"')], HALVES, "s")
    lines = as_csv(drawn).splitlines()
    assert lines[0] == "unit_id,variant,stratum,block"
    assert lines[1].startswith('"a,""x""",')
    assert as_csv(drawn).endswith("\n")
    assert digest(drawn) == sha256(as_csv(drawn).encode()).hexdigest()


def test_a_unit_is_assigned_only_once():
    with pytest.raises(ValueError, match="comes twice"):
        assign([Unit("a"), Unit("a")], HALVES, "s")


@pytest.mark.parametrize("weights", [{"control": 1}, {"control": 1, "short": 0}])
def test_a_draw_needs_two_arms_with_weights(weights):
    with pytest.raises(ValueError, match="two arms"):
        assign(accounts(4), weights, "s")


def test_who_belongs_to_two_arms_is_contaminated():
    drawn = [Assigned("A", "control", "", 0), Assigned("B", "short", "", 0), Assigned("C", "short", "", 0)]
    # Ada is in A and B; Bo in B and C, of one arm; Cy in A and in D, which was not drawn.
    members = [("Ada", "B"), ("Ada", "A"), ("Bo", "B"), ("Bo", "C"), ("Cy", "A"), ("Cy", "D")]
    (found,) = contaminated(drawn, members)
    assert (found.member, found.variants, found.unit_ids) == ("Ada", ("control", "short"), ("A", "B"))


def test_units_that_changed_their_arm_came_or_went_are_named():
    official = [Assigned("A", "control", "", 0), Assigned("B", "short", "", 0), Assigned("C", "short", "", 0)]
    now = [Assigned("A", "short", "", 0), Assigned("B", "short", "", 0), Assigned("D", "short", "", 0)]
    assert changed(official, now) == ("A", "C", "D")


# --- start orders -----------------------------------------------------------------------------------------------------


def test_a_start_order_gives_every_unit_one_place():
    units = [Unit(f"A{number}", "large" if number < 3 else "mid") for number in range(10)]
    found = order(units, "s")
    assert [each.place for each in found] == list(range(1, 11))
    assert {each.unit_id for each in found} == {unit.unit_id for unit in units}


def test_the_first_places_of_a_start_order_hold_the_share_of_each_stratum():
    # 30 large and 60 mid: of the first k places a third is large, to one unit of each stratum.
    units = [Unit(f"A{number}", "large" if number < 30 else "mid") for number in range(90)]
    found = order(units, "s")
    for k in range(1, 91):
        assert abs(sum(each.stratum == "large" for each in found[:k]) - k / 3) <= 2


def test_every_unit_has_the_same_chance_to_be_among_the_first_also_one_alone_in_its_stratum():
    units = [Unit("alone", "large"), *(Unit(f"A{number}", "mid") for number in range(5))]
    draws = 1500
    early = sum("alone" in {each.unit_id for each in order(units, str(seed))[:2]} for seed in range(draws))
    # A third of the places: 4 standard errors of a share of 1/3 over 1,500 draws are .049.
    assert early / draws == pytest.approx(1 / 3, abs=0.049)


def test_a_start_order_is_the_same_in_any_order_of_units_and_another_with_another_seed():
    units = [Unit(f"A{number}") for number in range(12)]
    assert order(units, "s") == order(units[::-1], "s")
    assert order(units, "s") != order(units, "t")


def test_an_id_that_comes_twice_cannot_be_ordered():
    with pytest.raises(ValueError, match=r"an id comes twice"):
        order([Unit("A"), Unit("A")], "s")
