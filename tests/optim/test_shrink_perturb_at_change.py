"""Shrink and perturb at a change: the shrinking by hand, fresh draws by their statistics, and when it acts."""

import pytest
import torch
from torch import nn

from plastic_rl.optim import ShrinkPerturb, ShrinkPerturbAtChange, Stack


def around(*parameters, **settings):
    return ShrinkPerturbAtChange(torch.optim.SGD(parameters, lr=0.0), **{"seed": 0, **settings})


def put(parameter, value):
    with torch.no_grad():
        parameter.fill_(value)


def test_a_parameter_that_began_alike_everywhere_is_drawn_to_where_it_began():
    bias, gain = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.ones(3))
    optimizer = around(bias, gain, shrink_by=0.25, perturb_by=0.25)
    put(bias, 2.0)
    put(gain, 3.0)
    optimizer.begin_task()
    assert bias.tolist() == [1.5] * 3
    assert gain.tolist() == [0.75 * 3 + 0.25] * 3


def test_fresh_weights_have_the_mean_and_the_spread_of_the_beginning():
    drawn = torch.Generator().manual_seed(1)
    weight = nn.Parameter(0.5 + 0.1 * torch.randn(200, 200, generator=drawn))
    optimizer = around(weight, shrink_by=0.6, perturb_by=0.1)
    put(weight, 2.0)
    optimizer.begin_task()
    assert weight.mean().item() == pytest.approx(0.4 * 2 + 0.1 * 0.5, abs=1e-3)
    assert weight.std().item() == pytest.approx(0.1 * 0.1, rel=0.03)


def test_each_action_draws_anew_by_the_seed_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before, seen = torch.get_rng_state(), []
    start = torch.randn(50, generator=torch.Generator().manual_seed(1))
    for seed in (3, 3, 4):
        weight = nn.Parameter(start.clone())
        optimizer = around(weight, shrink_by=1.0, perturb_by=1.0, seed=seed)
        for _ in range(2):
            optimizer.begin_task()
            seen.append(weight.detach().clone())
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    assert len({tuple(each.tolist()) for each in seen}) == 4


def test_it_acts_when_it_is_time():
    weight = nn.Parameter(torch.zeros(2))
    optimizer = around(weight, every=2, on_change=False)
    put(weight, 8.0)
    optimizer.begin_task()
    seen = []
    for _ in range(4):
        optimizer.step()
        seen.append(weight[0].item())
    assert seen == [8, 4, 4, 2]
    assert optimizer.metrics() == {"shrink_perturb/times": 2}


def test_what_it_knows_of_the_beginning_is_saved():
    """A model that is loaded begins with other weights than the saved one did."""
    one, other = nn.Parameter(torch.full((2,), 4.0)), nn.Parameter(torch.full((2,), -4.0))
    saved, loaded = around(one), around(other, seed=9)
    loaded.load_state_dict(saved.state_dict())
    put(other, 4.0)
    for optimizer in (saved, loaded):
        optimizer.begin_task()
    assert one.tolist() == other.tolist() == [4.0, 4.0]
    assert loaded.memory["means"][0] is not saved.memory["means"][0]


def test_what_is_frozen_is_left_alone_and_it_goes_with_the_method_of_each_step():
    weight, frozen = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    stack = Stack((ShrinkPerturb, ShrinkPerturbAtChange))
    optimizer = stack(torch.optim.SGD([weight, frozen], lr=0.0))
    put(weight, 3.0)
    put(frozen, 3.0)
    frozen.requires_grad_(False)
    optimizer.step()
    optimizer.begin_task()
    assert weight.tolist() == pytest.approx([2.0, 2.0], abs=1e-3)
    assert frozen.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("settings", [{"shrink_by": 1.5}, {"perturb_by": -1.0}, {"every": -1}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        around(nn.Parameter(torch.zeros(1)), **settings)
