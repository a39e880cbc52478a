"""State goes through a file into another trainer, and training goes on bit for bit."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path

import pytest
import torch

from plastic_rl.nn import CombinedTrunks, Joint, LocalHSIC, OneHot, Standardized
from plastic_rl.nn.local import choices
from plastic_rl.optim import ContinualBackprop
from tests.nn.local_networks import CLASSES, INPUTS, are_equal, clusters, mlp, normed, numbers, trainer

CBP = partial(ContinualBackprop, replacement_rate=0.02, maturity_threshold=5, seed=0)
SETTINGS = [{"estimator": name} for name in choices.OBJECTIVES] + [
    {"readout": "softmax", "optimizer": partial(torch.optim.SGD, lr=0.05, momentum=0.9)},
    {"readout": "assignment"},
    {"readout": "class_means"},
    {"readout": None},
    {"plasticity": CBP},
    {"plasticity": CBP, "readout": "softmax"},
]


def build(settings: dict, seed: int) -> LocalHSIC:
    return trainer((mlp if "plasticity" in settings else normed)(16, 16, seed=seed), **settings)


def go_on(local, first: int, last: int) -> None:
    for step in range(first, last):
        inputs, labels = clusters(24, seed=step)
        local.update(inputs, labels)


def through_a_file(local, folder: Path) -> dict:
    torch.save(local.state_dict(), folder / "state.pt")
    return torch.load(folder / "state.pt", weights_only=True)


def spelt(state: object) -> object:
    """A saved state with lists for tensors, so that states can be compared."""
    if isinstance(state, dict):
        return {key: spelt(value) for key, value in state.items()}
    if isinstance(state, list):
        return [spelt(value) for value in state]
    return state.tolist() if isinstance(state, torch.Tensor) else state


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "-".join(map(str, settings))[:40])
def test_training_goes_on_bit_for_bit(settings: dict, tmp_path: Path):
    local = build(settings, seed=0)
    go_on(local, 0, 12)
    again = build(settings, seed=1)
    again.load_state_dict(through_a_file(local, tmp_path))
    for each in (local, again):
        go_on(each, 12, 24)
    assert are_equal(numbers(local), numbers(again))
    assert spelt(local.state_dict()) == spelt(again.state_dict())


def test_what_was_loaded_is_not_shared_with_where_it_came_from():
    local, again = (build({"optimizer": partial(torch.optim.SGD, lr=0.05, momentum=0.9)}, seed) for seed in (0, 1))
    go_on(local, 0, 5)
    again.load_state_dict(local.state_dict())
    before = copy.deepcopy(again.state_dict())
    go_on(local, 5, 10)
    torch.testing.assert_close(again.state_dict(), before, rtol=0, atol=0)


def test_encoders_of_numbers_are_resumed_too(tmp_path: Path):
    def build(seed: int) -> LocalHSIC:
        encoder = Joint(value=Standardized(), kind=OneHot(CLASSES))
        return trainer(mlp(seed=seed), target_encoder=encoder)

    def go_on(local: LocalHSIC, first: int) -> None:
        for step in range(first, first + 5):
            inputs, labels = clusters(16, seed=step)
            local.update(inputs, {"value": 9 + 3 * inputs[:, 0], "kind": labels})

    local, again = build(0), build(1)
    go_on(local, 0)
    again.load_state_dict(through_a_file(local, tmp_path))
    go_on(local, 5)
    go_on(again, 5)
    assert are_equal(numbers(local), numbers(again))
    inputs = torch.ones(2, INPUTS)
    assert torch.equal(local.predict(inputs)["value"], again.predict(inputs)["value"])


def test_combined_trunks_are_resumed(tmp_path: Path):
    def build(seed: int) -> CombinedTrunks:
        trunks = [trainer(normed(8, seed=seed + place), readout=None) for place in range(2)]
        return CombinedTrunks(trunks, target_encoder=OneHot(CLASSES))

    local, again = build(0), build(5)
    go_on(local, 0, 5)
    again.load_state_dict(through_a_file(local, tmp_path))
    for each in (local, again):
        go_on(each, 5, 10)
    assert are_equal(numbers(local), numbers(again))


@pytest.mark.parametrize("settings", [{}, {"readout": "softmax"}])
def test_a_copy_trains_by_itself(settings: dict):
    local = build(settings, seed=0)
    go_on(local, 0, 3)
    twin, before = copy.deepcopy(local), numbers(local)
    go_on(twin, 3, 6)
    assert are_equal(before, numbers(local))
    go_on(local, 3, 6)
    assert are_equal(numbers(twin), numbers(local))
