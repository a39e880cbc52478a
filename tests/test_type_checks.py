"""The checks of the test run: what they refuse, and that they are at work in the library."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
import torch
from beartype import beartype
from jaxtyping import Float, TypeCheckError
from torch import Tensor

from plastic_rl.diagnostics.units import dormancy_score
from tests.type_checks import RefusedError, jaxtyped

if TYPE_CHECKING:
    from nowhere import Unknown

REFUSED = (RefusedError, TypeCheckError)
check = jaxtyped(typechecker=beartype)


@check
def halved(number: int, whole: bool = True) -> int:
    return number // 2 if whole else number / 2


@check
def product(left: Float[Tensor, "n u"], right: Float[Tensor, "u m"]) -> Float[Tensor, "n m"]:
    return left @ right if len(left) > 1 else left


@check
def zeros(size: int) -> Float[Tensor, "{size} {size}"]:
    return torch.zeros(max(size, 2), max(size, 2))


@check
def rows(table: Float[Tensor, "n u"]) -> Iterator[Float[Tensor, " u"]]:
    yield from table


@check
def of_unknown(thing: Unknown, number: int) -> Unknown:
    return thing


def adding(summand: int) -> Callable[[int], int]:
    @check
    def add(number: int) -> int:
        return number + summand

    return add


def test_the_library_is_checked():
    with pytest.raises(REFUSED):
        dormancy_score("activations")
    with pytest.raises(REFUSED):
        dormancy_score(torch.zeros(2))


def test_types_of_arguments_and_of_what_is_returned():
    assert halved(5) == halved(number=4) == 2
    with pytest.raises(REFUSED):
        halved("5")
    with pytest.raises(REFUSED):
        halved(5, whole=False)


def test_an_axis_has_one_size_throughout_a_call_and_another_in_the_next():
    for size in (2, 3):
        assert product(torch.zeros(2, size), torch.zeros(size, 5)).shape == (2, 5)
    with pytest.raises(REFUSED):
        product(torch.zeros(2, 3), torch.zeros(2, 3))
    with pytest.raises(REFUSED):
        product(torch.zeros(1, 3), torch.zeros(3, 2))


def test_an_axis_of_an_arguments_value():
    assert zeros(2).shape == (2, 2)
    with pytest.raises(REFUSED):
        zeros(1)


def test_a_generator_is_checked_when_it_is_called():
    assert len(list(rows(torch.zeros(3, 2)))) == 3
    with pytest.raises(REFUSED):
        rows(torch.zeros(3))


def test_a_name_that_only_a_type_checker_knows_leaves_the_other_arguments_checked():
    assert of_unknown("anything", 1) == "anything"
    with pytest.raises(REFUSED):
        of_unknown("anything", "1")


def test_the_same_lines_defined_again_have_variables_of_their_own_and_are_checked():
    one, two = adding(1), adding(2)
    assert (one(1), two(1), adding(3)(1), one(1)) == (2, 3, 4, 2)
    for add in (one, two, adding(4)):
        with pytest.raises(REFUSED):
            add("1")


def test_a_checked_function_looks_like_itself():
    assert halved.__name__ == "halved"
    assert str(inspect.signature(halved)) == "(number: 'int', whole: 'bool' = True) -> 'int'"
