"""Numbers in place of values: one is the same in every task, two are what each task draws between."""

from __future__ import annotations

from dataclasses import fields

import gymnasium
import numpy as np
import pytest

import plastic_rl.nonstationary as library
from plastic_rl.nonstationary import (
    BodyMass,
    CartPolePhysics,
    Constant,
    Draws,
    Friction,
    Gravity,
    ModelField,
    Never,
    Nonstationary,
    NumberChange,
    OffsetObservations,
    Push,
    ScaleReward,
    UniformValues,
)
from plastic_rl.nonstationary.values import values_of

OF_ONE_NUMBER = sorted(
    (kind for kind in vars(library).values() if isinstance(kind, type) and issubclass(kind, NumberChange)),
    key=lambda kind: kind.__name__,
)
OF_ONE_NUMBER.remove(NumberChange)


def numbers(change: NumberChange, count: int = 5) -> list[float]:
    return [change.number(index, Draws(3)) for index in range(count)]


@pytest.mark.parametrize("kind", OF_ONE_NUMBER)
def test_every_change_takes_numbers_alike(kind):
    spread = library.LogUniformValues if kind is Friction else UniformValues
    drawn = [spread(0.25, 1.0).value(index, Draws(3)) for index in range(5)]
    assert numbers(kind(0.25, 1.0)) == numbers(kind((0.25, 1.0))) == numbers(kind(spread(0.25, 1.0))) == drawn
    assert numbers(kind(0.5)) == numbers(kind(Constant(0.5))) == [0.5] * 5
    assert numbers(kind(1, 1)) == [1.0] * 5


@pytest.mark.parametrize("kind", OF_ONE_NUMBER)
def test_only_the_number_is_given_by_position(kind):
    positional = [field.name for field in fields(kind) if field.init and not field.kw_only]
    assert positional == ["values", "high"]


@pytest.mark.parametrize("kind", OF_ONE_NUMBER)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((2.0, 0.5), "low must not exceed high|0 < low <= high"),
        ((Constant(1.0), 2.0), "values and a highest number were given"),
        (((0.5, 1.0), 2.0), "values and a highest number were given"),
        ((float("nan"),), "numbers must be finite, got nan"),
        ((0.5, float("inf")), "numbers must be finite, got inf"),
        ((0.5, True), "numbers must be finite, got True"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_at_once(kind, given, message):
    with pytest.raises(ValueError, match=message):
        kind(*given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([0.5, 1.0, 2.0], r"give Listed\(\[0.5, 1.0, 2.0\]\) for 3 numbers in their order"),
        ("0.5", "give a number, a pair of numbers or Values, got '0.5'"),
        (("low", 1.0), "give a number, a pair of numbers or Values, got 'low'"),
        (None, "give a number, a pair of numbers or Values, got None"),
    ],
)
def test_what_is_no_number_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        values_of(given)


def test_pairs_stand_wherever_values_do():
    cartpole = Nonstationary(gymnasium.make("CartPole-v1"), CartPolePhysics(length=(0.25, 2.0), force=8.0), Never())
    assert cartpole.parameters(4) == {
        "index": 4,
        "length": UniformValues(0.25, 2.0).value(4, Draws(0)),
        "force": 8.0,
    }
    changes = [Gravity(0.5, 2.0, tilts=(0.0, 20.0), headings=90.0), Push(4.0, headings=(0.0, 360.0))]
    changes.append(ModelField("dof_armature", factors=(1.0, 2.0)))
    task = Nonstationary(gymnasium.make("Ant-v5"), changes, Never()).parameters(2)
    assert (task["gravity_heading"], task["push"]) == (90.0, 4.0)
    assert 0.0 < task["gravity_tilt"] < 20.0
    assert 1.0 < task["dof_armature"] < 2.0


def test_nothing_added_is_a_number_too():
    env = Nonstationary(gymnasium.make("Ant-v5"), ModelField("opt.density", added=0.0), Never())
    assert env.parameters(0)["opt.density"] == 0.0


def test_friction_draws_as_the_paper_does():
    """Log-uniform between two numbers: Slippery Ant's frictions are 10 ** U(log10(low), log10(high))."""
    exponents = [np.random.default_rng([0, index]).uniform(np.log10(0.02), np.log10(2.0)) for index in range(5)]
    drawn = [Friction().number(index, Draws(0)) for index in range(5)]
    assert drawn == [Friction(0.02, 2.0).number(index, Draws(0)) for index in range(5)]
    assert drawn == pytest.approx([10**exponent for exponent in exponents], rel=1e-12)


def test_offsets_after_a_clean_first_task_are_those_without_it():
    clean, offset = (
        Nonstationary(gymnasium.make("CartPole-v1"), OffsetObservations(2.0, first_clean=first_clean), Never())
        for first_clean in (True, False)
    )
    assert clean.parameters(0)["offset"] == [0.0] * 4
    assert clean.parameters(1) == offset.parameters(1)
    assert all(clean.parameters(1)["offset"])


def test_other_settings_are_given_by_name():
    assert OffsetObservations(1.0, redraw=False).redraw is False
    with pytest.raises(TypeError):
        BodyMass(0.5, 2.0, ["torso"])


def test_descriptions_that_are_written_alike_are_equal():
    assert ScaleReward(0.5, 2.0) == ScaleReward(0.5, 2.0) != ScaleReward(0.5, 3.0)
