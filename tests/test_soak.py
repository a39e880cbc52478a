"""What a soak makes of what it has seen; the kills themselves are in tests/faults."""

import pytest
import torch

from benchmarks.soak import KINDS, are_equal, command, growth, is_sound
from tests.docs.commands import refusal

ROW = {"same_weights": "yes", "kills": "30", "growth": "0.40%"}


def test_memory_at_the_end_is_compared_with_that_after_the_middle():
    sizes = [50 * 1024] * 10 + [100 * 1024, 101 * 1024] + [102 * 1024] * 5 + [103 * 1024] * 2 + [0]
    first, last, more = growth(sizes)
    assert (first, last) == (100.5, 103.0)
    assert more == pytest.approx(103 / 100.5 - 1)
    assert growth([1024] * 3) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("change", "sound"),
    [({}, True), ({"same_weights": "no"}, False), ({"kills": "29"}, False), ({"growth": "2.00%"}, False)],
)
def test_a_run_is_sound_if_its_weights_are_the_same_after_all_kills_and_its_memory_has_not_grown(change, sound):
    assert is_sound({**ROW, **change}, kills=30) is sound


def test_weights_are_compared_bit_for_bit():
    weights = {"layers": [torch.ones(2), torch.zeros(1)]}
    assert are_equal(weights, {"layers": [torch.ones(2), torch.zeros(1)]})
    assert not are_equal(weights, {"layers": [torch.ones(2), torch.full((1,), 1e-45)]})
    assert not are_equal(weights, {"layers": [torch.ones(2), torch.zeros(1)], "more": []})


@pytest.mark.parametrize("name", KINDS)
def test_its_commands_compose(name, tmp_path):
    kind = KINDS[name]
    assert refusal(command(kind, 3 * kind.part, tmp_path, 1.5)[2:], whole_sweep=False) is None
