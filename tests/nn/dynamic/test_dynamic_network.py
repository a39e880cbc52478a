"""Dynamic networks: what can reach what, and what each operation on units changes."""

import pytest
import torch
from torch import nn

from plastic_rl.nn.dynamic import DynamicNetwork
from plastic_rl.nn.dynamic.backward import gradients, signals
from plastic_rl.nn.dynamic.from_mlp import from_mlp
from plastic_rl.nn.dynamic.network import BACKBONE, FREE, FRINGE
from plastic_rl.nn.dynamic.surgery import adopt, bear, remove, withdraw
from plastic_rl.nn.dynamic.utility import cost_of_removal, gain_of_adoption, with_readers
from tests.nn.dynamic.grown import FRINGE_UNITS, INPUTS, OUTPUTS, batch, grown_network

SMOOTH = ("tanh", "sigmoid", "relu")


def loss_of(network, inputs, targets):
    """Half the squared error, summed over outputs, as the mean over examples: its δ is target less output."""
    return 0.5 * (network(inputs) - targets).square().sum(-1).mean()


def found(network, inputs, targets):
    trace = network.trace(inputs)
    return trace, signals(network, trace, targets - trace.outputs)


def test_it_begins_as_a_linear_network_of_zeros():
    network = DynamicNetwork(3, 2)
    inputs = torch.randn(5, 3)
    assert torch.equal(network(inputs), torch.zeros(5, 2))
    network.readout.data[0, :, :4] = torch.arange(8.0).view(2, 4)
    assert torch.allclose(network(inputs), inputs @ torch.tensor([[1.0, 2, 3], [5, 6, 7]]).T + torch.tensor([0.0, 4]))


@pytest.mark.parametrize("nonlinearity", SMOOTH)
def test_gradients_in_closed_form_are_those_of_autograd(nonlinearity):
    network, (inputs, targets) = grown_network(nonlinearity), batch()
    with torch.no_grad():
        trace, errors = found(network, inputs, targets)
        ours = gradients(network, trace, errors)
    loss_of(network, inputs, targets).backward()
    backbone = network.role == BACKBONE
    for level, (parameter, gradient) in enumerate(zip(network.weights, ours, strict=True)):
        rows = backbone[:, network.slots.of(level)]
        assert torch.allclose(parameter.grad[rows], gradient[rows], atol=1e-6)
        assert gradient[rows].abs().sum() > 0
    correlation = errors.at_outputs.mT @ trace.sources / inputs.shape[1]
    assert torch.allclose(network.readout.grad, -correlation, atol=1e-6)


@pytest.mark.parametrize("nonlinearity", SMOOTH)
def test_a_fringe_unit_learns_the_residual_of_its_own_master_alone(nonlinearity):
    network, (inputs, targets) = grown_network(nonlinearity), batch()
    with torch.no_grad():
        trace, errors = found(network, inputs, targets)
        ours = gradients(network, trace, errors)
    of_master = {2: errors.credit[..., 4], 5: errors.at_outputs[..., 1]}
    for unit in FRINGE_UNITS:
        level, slot = network.slots.place(unit)
        row = network.weights[level].detach()[:, slot].clone().requires_grad_()
        read = trace.sources[..., : network.slots.below(level)].detach()
        activation = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu}[nonlinearity](
            (read * row * network.connected(level)[:, slot]).sum(-1)
        )
        residual = of_master[unit].detach() - network.shadow[0, unit] * activation
        (0.5 * residual.square().mean()).backward()
        assert torch.allclose(row.grad, ours[level][:, slot], atol=1e-6)


def test_the_fringe_reaches_neither_outputs_nor_the_gradient_of_the_backbone():
    plain, changed, (inputs, targets) = grown_network(), grown_network(), batch()
    with torch.no_grad():
        for unit in FRINGE_UNITS:
            level, slot = changed.slots.place(unit)
            changed.weights[level][:, slot] += 1.0
            changed.shadow[:, unit] = 5.0
    networks = (plain, changed)
    for network in networks:
        loss_of(network, inputs, targets).backward()
    assert torch.equal(plain(inputs), changed(inputs))
    for one, other in zip(plain.parameters(), changed.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)
    closed = [gradients(each, *found(each, inputs, targets)) for each in networks]
    for level in range(2):
        rows = plain.backbone[:, plain.slots.of(level)].bool()
        assert torch.equal(closed[0][level][rows], closed[1][level][rows])
        assert not torch.equal(closed[0][level], closed[1][level])  # those of the fringe did change
    for unit in FRINGE_UNITS:
        level, slot = plain.slots.place(unit)
        assert plain.weights[level].grad[:, slot].abs().sum() == 0


def test_what_is_not_connected_gets_no_gradient():
    network, (inputs, targets) = grown_network(), batch()
    loss_of(network, inputs, targets).backward()
    for gradient in (network.weights[1].grad, gradients(network, *found(network, inputs, targets))[1]):
        assert gradient[0, 0, :5].abs().min() > 0
        assert gradient[0, 0, 5:].abs().max() == 0


def test_birth_and_silent_adoption_change_no_output():
    network, (inputs, _) = grown_network(), batch()
    before = network(inputs)
    bear(network, 0, [3], torch.randn(1, 4), [0])
    assert torch.equal(network(inputs), before)
    for unit in (3, *FRINGE_UNITS):
        adopt(network, 0, unit, 0.0)
        assert torch.allclose(network(inputs), before, atol=1e-6)
    assert (network.role[0] == BACKBONE).sum() == 6


def test_adoption_with_the_shadow_weight_adds_it_times_the_activation_to_the_master():
    network, (inputs, _) = grown_network(), batch()
    before = network.trace(inputs)
    adopt(network, 0, 5, float(network.shadow[0, 5]))
    wanted = before.outputs.clone()
    wanted[..., 1] += -0.2 * before.activations[..., 5]
    assert torch.allclose(network(inputs), wanted, atol=1e-6)


def test_adoption_by_a_hidden_master_adds_to_its_drive():
    network, (inputs, _) = grown_network(), batch()
    before = network.trace(inputs)
    drive = torch.atanh(before.activations[..., 4]) + 0.3 * before.activations[..., 2]
    adopt(network, 0, 2, 0.3)
    after = network.trace(inputs)
    assert torch.allclose(after.activations[..., 4], drive.tanh(), atol=1e-5)
    changed = (after.activations[..., 4] - before.activations[..., 4])[..., None] * network.readout[:, :, 4 + 4]
    assert torch.allclose(after.outputs, before.outputs + changed, atol=1e-5)


def test_return_takes_the_contribution_away_but_for_its_mean():
    network, (inputs, _) = grown_network(), batch()
    before, weights = network.trace(inputs), network.readout.detach()[0, :, 4 + 4].clone()
    mean = float(network.mean[0, 4])
    withdraw(network, 0, 4)
    deviation = before.activations[..., 4] - mean
    assert torch.allclose(network(inputs), before.outputs - deviation[..., None] * weights, atol=1e-6)
    assert network.role[0, 4] == FRINGE
    assert network.shadow[0, 4] == weights[0]


def test_return_of_a_lower_unit_leaves_its_readers_their_mean_drive():
    network, (inputs, _) = grown_network(), batch()
    before, weight = network.trace(inputs), float(network.weights[1].detach()[0, 0, 4])
    drive = torch.atanh(before.activations[..., 4])
    withdraw(network, 0, 0)
    deviation = before.activations[..., 0] - float(network.mean[0, 0])
    after = network.trace(inputs)
    assert torch.allclose(after.activations[..., 4], (drive - weight * deviation).tanh(), atol=1e-5)
    assert network.connected(1)[0, :, 4].sum() == 0


def test_removal_leaves_a_free_slot_and_no_trace():
    network, (inputs, _) = grown_network(), batch()
    before = network(inputs)
    remove(network, 0, list(FRINGE_UNITS))
    assert torch.equal(network(inputs), before)
    assert network.role[0].tolist() == [BACKBONE, BACKBONE, FREE, FREE, BACKBONE, FREE, FREE, FREE]
    assert network.weights[0][0, 2].abs().sum() == 0
    assert network.shadow[0, 5] == 0


@pytest.mark.parametrize("unit", [1, 4])
def test_the_cost_of_removal_is_what_removal_costs(unit):
    network, (inputs, targets) = grown_network(), batch()
    trace, errors = found(network, inputs, targets)
    foreseen = cost_of_removal(network, trace, errors)[0, unit]
    before = (network(inputs) - targets).square().sum(-1).mean()
    withdraw(network, 0, unit)
    assert torch.allclose(foreseen, (network(inputs) - targets).square().sum(-1).mean() - before, atol=1e-5)


def test_the_gain_of_adoption_is_what_adoption_gains():
    network, (inputs, targets) = grown_network(), batch()
    foreseen = gain_of_adoption(network, *found(network, inputs, targets))[0, 5]
    before = (network(inputs) - targets).square().sum(-1).mean()
    adopt(network, 0, 5, float(network.shadow[0, 5]))
    assert torch.allclose(foreseen, before - (network(inputs) - targets).square().sum(-1).mean(), atol=1e-5)


def test_utility_flows_to_what_a_unit_reads_in_proportion_and_none_is_lost():
    network = grown_network()
    network.spread.fill_(1.0)
    direct = torch.tensor([[0.1, 0.2, 9.0, 0.0, 0.6, 9.0, 0.0, 0.0]])
    utility = with_readers(network, direct)
    weights = network.weights[1].detach()[0, 0, 1:5].abs()  # three inputs and unit 0
    assert utility[0, 0] == pytest.approx(0.1 + 0.6 * float(weights[3] / weights.sum()), rel=1e-5)
    assert utility[0, 1] == pytest.approx(0.2)
    of_inputs = 0.6 * float(weights[:3].sum() / weights.sum())
    assert float(utility[0, [0, 1, 4]].sum()) + of_inputs == pytest.approx(0.1 + 0.2 + 2 * 0.6, rel=1e-5)


@pytest.mark.parametrize("module", [nn.Tanh, nn.ReLU])
def test_a_given_perceptron_goes_on_as_it_was(module):
    mlp = nn.Sequential(nn.Linear(3, 4), module(), nn.Linear(4, 5), module(), nn.Linear(5, 2))
    network, inputs = from_mlp(mlp, spare=2), torch.randn(6, 3)
    assert torch.allclose(network(inputs), mlp(inputs), atol=1e-6)
    assert (network.role == BACKBONE).sum() == 9
    loss_of(network, inputs, torch.ones(6, 2)).backward()
    (0.5 * (mlp(inputs) - 1).square().sum(-1).mean()).backward()
    first, second = network.weights
    assert torch.allclose(first.grad[0, :4, 1:4], mlp[0].weight.grad, atol=1e-5)
    assert torch.allclose(second.grad[0, :5, 4:8], mlp[2].weight.grad, atol=1e-5)


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Linear(3, 2)),
        nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)),
        nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1), nn.Tanh()),
    ],
)
def test_another_kind_of_network_is_refused(network):
    with pytest.raises(ValueError, match="must be linear layers with one kind of Tanh, ReLU, Sigmoid between them"):
        from_mlp(network)


def test_sizes_and_words_are_checked():
    with pytest.raises(ValueError, match="levels must be at least 1"):
        DynamicNetwork(INPUTS, OUTPUTS, levels=0)
    with pytest.raises(ValueError, match="nonlinearity must be one of tanh, relu"):
        DynamicNetwork(INPUTS, OUTPUTS, nonlinearity="cubic")
    with pytest.raises(ValueError, match="these are 2 networks"):
        DynamicNetwork(INPUTS, OUTPUTS, copies=2)(torch.zeros(4, INPUTS))
