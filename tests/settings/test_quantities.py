"""Quantities: what each of them may be."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

from plastic_rl.settings import AnyOf, OneOf, OrNone, Range

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("value", "inside"), [(0, True), (0.5, True), (1, True), (-1e-9, False), (1.001, False), (math.nan, False)]
)
def test_a_closed_range_holds_its_ends_and_what_lies_between(value, inside):
    assert (value in Range(0, 1)) is inside


@pytest.mark.parametrize(("value", "inside"), [(0, False), (1e-12, True), (1e9, True), (math.nan, False)])
def test_an_open_end_is_not_in_its_range(value, inside):
    assert (value in Range(0, low_included=False)) is inside


def test_a_whole_number_fits_into_a_tensor_and_any_number_does_not_need_to():
    assert 2**63 - 1 in Range(1)
    assert 2**63 not in Range(1)
    assert 1e30 in Range(1)


def test_infinity_is_no_value_unless_it_means_something():
    assert math.inf not in Range(0)
    assert math.inf not in Range(0, low_included=False)
    assert -math.inf not in Range(-math.inf)
    assert math.inf in Range(0, may_be_infinite=True)
    assert math.inf not in OrNone(Range(0))


def test_the_upper_end_may_be_open():
    assert 1 not in Range(0, 1, high_included=False)
    assert 0.999 in Range(0, 1, high_included=False)
    assert str(Range(0, 1, high_included=False)) == "in [0, 1)"


def test_ranges_say_what_they_hold():
    assert str(Range(0, 1)) == "in [0, 1]"
    assert str(Range(0, 1, low_included=False)) == "in (0, 1]"
    assert str(Range(1)) == "at least 1"
    assert str(Range(0, low_included=False)) == "above 0"


def test_words_are_one_of_some_and_lists_hold_any_of_them():
    assert "csv" in OneOf(("csv", "log"))
    assert "cs" not in OneOf(("csv", "log"))
    assert [] in AnyOf(("csv", "log"))
    assert ["log", "csv"] in AnyOf(("csv", "log"))
    assert ["log", "tsv"] not in AnyOf(("csv", "log"))


def test_recipes_have_their_quantities_without_the_launcher_and_without_torch():
    script = "import sys, agents, envs; print(sorted({'launch', 'hydra', 'torch', 'gymnasium'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
