"""Complaints, and what is chance, by figures written by hand."""

import math
from dataclasses import asdict, replace

import pytest

from plastic_rl.doctor import Figures, LayerExamination
from plastic_rl.doctor.complaints import complaints, replaces_units
from plastic_rl.doctor.figures import mean, worst

FRESH = Figures(dead=0.1, saturated=0.0, dormant=0.2, directions=11.0, weights=0.5)


def layer(units=100, name="a", **now):
    return LayerExamination(name, units, replace(FRESH, **now), FRESH, FRESH)


def symptoms(units=100, **now):
    return [str(symptom) for symptom in layer(units, **now).symptoms()]


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ({}, []),
        ({"dead": 0.29}, []),
        ({"dead": 0.3}, ["dead"]),  # 20 units more than in a fresh one
        ({"saturated": 0.19}, []),
        ({"saturated": 0.2}, ["saturated"]),
        ({"dormant": 0.49}, []),
        ({"dormant": 0.5}, ["dormant"]),
        ({"directions": 3.1}, []),
        ({"directions": 3.0}, ["collapsed"]),  # two of ten beyond the first
        ({"weights": 1.49}, []),
        ({"weights": 1.5}, ["grown"]),
        ({"dead": 0.0, "dormant": 0.0, "directions": 90.0, "weights": 0.01}, []),  # better than fresh
        ({"dead": 0.5, "dormant": 0.9, "directions": 1.0}, ["dead"]),  # the rest follows from it
        ({"dead": 0.3, "saturated": 0.3, "weights": 5.0}, ["dead", "saturated", "grown"]),
        ({"dead": None, "saturated": None}, []),
        ({"directions": math.nan, "weights": 9.0}, ["broken"]),
    ],
)
def test_complaints_are_about_what_is_worse_than_fresh(now, found):
    assert symptoms(**now) == found


def test_in_narrow_layers_three_units_are_chance():
    assert symptoms(units=10, dead=0.4) == []
    assert symptoms(units=10, dead=0.5) == ["dead"]
    assert symptoms(units=2, dead=0.6) == []
    assert symptoms(units=2, dead=1.1) == ["dead"]


def test_the_worst_of_the_fresh_networks_is_what_counts():
    other = replace(FRESH, dead=0.3, directions=5.0)
    assert asdict(mean([FRESH, other])) == pytest.approx(asdict(replace(FRESH, dead=0.2, directions=8.0)))
    assert worst([FRESH, other]) == other
    assert worst([FRESH, replace(FRESH, dead=None)]).dead is None
    found = LayerExamination("a", 100, replace(FRESH, dead=0.4), mean([FRESH, other]), worst([FRESH, other]))
    assert list(found.symptoms()) == []


def test_each_kind_is_said_once_with_the_names_of_its_layers():
    both = [layer(name="first", dead=0.9), layer(name="second", dead=0.9, weights=9.0)]
    dead, grown = complaints(both)
    assert (dead.symptom, dead.layers) == ("dead", ["first", "second"])
    assert dead.text.startswith("first, second: many dead units")
    assert grown.layers == ["second"]


def test_a_method_is_never_advised_to_a_model_that_has_it():
    (without,) = complaints([layer(dead=0.9)])
    assert "replace them (plastic_rl.optim.ContinualBackprop)" in without.text
    (has_it,) = complaints([layer(dead=0.9)], ["ContinualBackprop"])
    assert "ContinualBackprop is at work, but too seldom or too late" in has_it.text
    (has_another,) = complaints([layer(dormant=0.9)], ["ShrinkPerturb"])
    assert "replace them (plastic_rl.optim.ContinualBackprop)" in has_another.text


def test_methods_are_known_by_the_names_of_their_classes():
    assert replaces_units("ContinualBackprop")
    assert not replaces_units("L2Transfer")
    assert not replaces_units("AdditiveOptimizer")
    assert replaces_units("SomeoneElses")
