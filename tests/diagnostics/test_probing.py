"""The probe: what a copy learns beside fresh networks of the same make."""

import pytest
import torch
from torch import nn

from plastic_rl.diagnostics.probing import ProbeResult, ProbeSettings, learned, probe

X = torch.linspace(-1, 1, 64)[:, None]


def make(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1))


def answer(network: nn.Module, rows: torch.Tensor) -> torch.Tensor:
    return network(X[rows])


def fresh(count: int) -> list[nn.Module]:
    return [make(seed) for seed in range(1, count + 1)]


QUICK = ProbeSettings(repeats=3, updates=60, batch_size=16, learning_rate=1e-2)


def test_a_network_whose_units_are_dead_learns_nothing_of_its_new_targets():
    aged = make(0)
    with torch.no_grad():
        aged[0].weight.zero_()
        aged[0].bias.fill_(-1.0)
    result = probe(aged, fresh(3), answer, 64, QUICK)
    assert result.aged == pytest.approx([1, 1, 1], abs=0.05)  # a constant explains nothing of targets of mean 0
    assert max(result.fresh) < 0.5
    assert result.is_lost
    assert result.gap.low > 0.4


def test_a_fresh_network_is_as_plastic_as_fresh_ones():
    result = probe(make(0), fresh(3), answer, 64, QUICK)
    assert not result.is_lost
    assert abs(result.gap.value) < 0.2


def test_large_outputs_are_no_loss_where_targets_are_added_to_them():
    aged = make(0)
    with torch.no_grad():
        aged[2].bias.fill_(100.0)
    assert max(probe(aged, fresh(3), answer, 64, QUICK).aged) < 0.5
    with torch.no_grad():
        aged[2].bias.fill_(100.0)
    replacing = ProbeSettings(repeats=3, updates=60, batch_size=16, learning_rate=1e-2, adds=False)
    assert min(probe(aged, fresh(3), answer, 64, replacing).aged) > 100


def test_one_step_of_adam_is_the_learning_rate_in_each_weight():
    network = nn.Linear(1, 1)
    with torch.no_grad():
        network.weight.zero_()
        network.bias.zero_()
    left = learned(network, answer, torch.ones(64, 1), ProbeSettings(updates=1, learning_rate=0.1, batch_size=64), 0)
    assert network.bias.item() == pytest.approx(0.1)
    says = network.weight.item() * X + 0.1
    assert left == pytest.approx((1 - says).square().mean().item())


def test_the_gap_is_over_pairs_and_its_numbers_have_names():
    result = ProbeResult([0.5, 0.6, 0.7, 0.8], [0.1, 0.2, 0.3, 0.4])
    assert result.gap == pytest.approx((0.4, 0.4, 0.4))
    assert result.numbers("critic") == {
        "probe/aged/critic": pytest.approx(0.65),
        "probe/fresh/critic": pytest.approx(0.25),
        "probe/gap/critic": pytest.approx(0.4),
        "probe/gap_low/critic": pytest.approx(0.4),
        "probe/gap_high/critic": pytest.approx(0.4),
        "probe/ratio/critic": pytest.approx((5 * 3 * 7 / 3 * 2) ** 0.25),
    }


def test_a_gap_below_a_hundredth_is_no_loss_however_sure_it_is():
    assert not ProbeResult([0.008, 0.008], [0.001, 0.001]).is_lost
    assert ProbeResult([0.013, 0.013], [0.001, 0.001]).is_lost


def test_global_generators_are_not_touched():
    networks = make(0), fresh(2)
    state = torch.get_rng_state()
    probe(*networks, answer, 64, ProbeSettings(repeats=2, updates=1))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("settings", "message"), [({"repeats": 1}, "repeats of a probe must be 2"), ({"learning_rate": 0.0}, "above 0")]
)
def test_numbers_out_of_range_are_refused(settings: dict[str, float], message: str):
    with pytest.raises(ValueError, match=message):
        ProbeSettings(**settings)
