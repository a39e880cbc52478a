"""The optimiser of a decomposed network is the wrapped one, and what it adds happens after the step."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.nn import AdditiveDecomposition, AdditiveOptimizer
from plastic_rl.optim import ContinualBackprop
from tests.nn.additive_tasks import PROBE, decomposed, everything, learn, mlp, outputs, recalled
from tests.optim.networks import OPTIMIZERS, are_equal


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_first_task_is_bit_for_bit_the_wrapped_optimiser(kind: str):
    results = []
    for wraps in (False, True):
        network = mlp()
        torch.manual_seed(5)
        optimizer = OPTIMIZERS[kind](network)
        if wraps:
            optimizer = AdditiveOptimizer(
                optimizer, decomposition=AdditiveDecomposition(network, sparsity=0.3, initial_mask=1.0)
            )
        learn(network, optimizer, 0, steps=20)
        results.append([*everything(network), torch.get_rng_state()])
    assert are_equal(*results)


@pytest.mark.parametrize("form", ["fixed", "retroactive", "hierarchical"])
@pytest.mark.parametrize("kind", ["momentum", "adam fused", "adamw"])
def test_without_sparsity_every_task_is_bit_for_bit_the_wrapped_optimiser(kind: str, form: str):
    network, plain = mlp(), mlp()
    tasks = AdditiveDecomposition(network, sparsity=0.0, form=form)
    optimizer = AdditiveOptimizer(OPTIMIZERS[kind](network), decomposition=tasks)
    learn(network, optimizer, 0)
    tasks.new_task()
    plain.load_state_dict(network.state_dict())
    learn(network, optimizer, 1, steps=10)
    learn(plain, OPTIMIZERS[kind](plain), 1, steps=10)
    assert are_equal(everything(network), everything(plain))


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_any_optimiser_learns_sparsely_and_recalls_bit_for_bit(kind: str):
    network = mlp()
    sparsity = {"sgd": 0.02, "momentum": 0.02, "rmsprop": 5.0}.get(kind, 0.4)  # in units of its direction
    tasks = AdditiveDecomposition(network, sparsity=sparsity, drift=float("inf"))
    optimizer = AdditiveOptimizer(OPTIMIZERS[kind](network), decomposition=tasks)
    learn(network, optimizer, 0, steps=10)
    said = outputs(network)
    tasks.new_task()
    before = outputs(network)
    learn(network, optimizer, 1, steps=10)
    assert 0 < tasks.capacity().own < 0.95 * tasks.capacity().shared
    assert not torch.equal(outputs(network), before)
    assert torch.equal(recalled(tasks, 0), said)


def test_a_step_of_sgd_by_hand():
    """θ = σ M = 1; the gradient 2 moves θ by -0.2 and v by 0.25 · -0.2 · 2 = -0.1; then λ' takes 0.03 back."""
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Identity())
    with torch.no_grad():
        network[0].weight.fill_(1.0)
    tasks = AdditiveDecomposition(network, heads=[], sparsity=0.3, drift=1.0)
    optimizer = AdditiveOptimizer(torch.optim.SGD(network.parameters(), lr=0.1), decomposition=tasks)
    tasks.new_task()
    (2 * network(torch.ones(1, 1))).sum().backward()
    optimizer.step()
    anchor = 2 * torch.sigmoid(torch.tensor(-0.1)).item()
    assert tasks.layers[0].entries[1].mask.item() == pytest.approx(anchor / 2)
    assert network[0].weight.item() == pytest.approx(0.8 + 0.03)
    assert anchor > 0.83


def test_the_shrinkage_goes_by_the_learning_rate_that_a_schedule_sets():
    network = mlp()
    tasks, optimizer = decomposed(network, rate=0.1, sparsity=0.5, initial_mask=1.0)
    tasks.new_task()
    weight = tasks.layers[0].weight
    shared = tasks.layers[0].shared.clone()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.1)
    network(PROBE).sum().backward()
    optimizer.step()
    scheduler.step()
    weight.data.copy_(shared + 1.0)
    weight.grad.zero_()
    optimizer.state.clear()
    optimizer.step()
    torch.testing.assert_close(weight.detach(), shared + 1.0 - 0.01 * 0.5)


def test_gradients_are_left_alone():
    network = mlp()
    tasks, optimizer = decomposed(network)
    tasks.new_task()
    learn(network, optimizer, 0)
    network(PROBE).sum().backward()
    before = [parameter.grad.clone() for parameter in network.parameters()]
    optimizer.step()
    assert are_equal(before, [parameter.grad for parameter in network.parameters()])


def test_a_layer_without_gradients_does_not_shrink():
    network = mlp()
    tasks, optimizer = decomposed(network)
    learn(network, optimizer, 0)
    tasks.new_task()
    learn(network, optimizer, 1)
    optimizer.zero_grad()
    before = everything(network)
    optimizer.step()
    assert are_equal(before, everything(network))


@pytest.mark.parametrize("reference", [False, True])
def test_closures_run_once_and_their_loss_comes_back(reference: bool):
    results = []
    for uses_closure in (False, True):
        network, calls = mlp(), []
        tasks, optimizer = decomposed(network, reference=reference)
        tasks.new_task()

        def closure(network=network, optimizer=optimizer, calls=calls) -> torch.Tensor:
            optimizer.zero_grad()
            loss = network(PROBE).square().mean()
            loss.backward()
            calls.append(loss)
            return loss

        if uses_closure:
            assert optimizer.step(closure) is calls[0]
        else:
            closure()
            optimizer.step()
        assert len(calls) == 1
        results.append(everything(network))
    assert are_equal(*results)


def test_hooks_of_a_step_run_once():
    network, calls = mlp(), []
    _, optimizer = decomposed(network)
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))
    learn(network, optimizer, 0, steps=1)
    assert calls == ["before", "after"]


def test_moments_belong_to_a_task_and_survive_a_visit():
    network = mlp()
    tasks, optimizer = decomposed(network)
    learn(network, optimizer, 0, steps=3)
    weight = tasks.layers[0].weight
    with tasks.task(0):
        assert optimizer.state[weight]["step"] == 3
    tasks.new_task()
    learn(network, optimizer, 1, steps=2)
    assert optimizer.state[weight]["step"] == 2
    with tasks.task(0):
        pass
    learn(network, optimizer, 1, steps=1)
    assert optimizer.state[weight]["step"] == 3
    tasks.task(0)
    learn(network, optimizer, 0, steps=1)
    assert optimizer.state[weight]["step"] == 1


def test_a_skipped_step_of_a_gradient_scaler_leaves_everything_alone():
    network = mlp()
    tasks, optimizer = decomposed(network)
    tasks.new_task()
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(network(torch.full((2, 4), torch.inf)).sum()).backward()
    before = [parameter.detach().clone() for parameter in network.parameters()]
    scaler.step(optimizer)
    assert are_equal(before, list(network.parameters()))


def test_metrics_say_how_much_is_kept():
    network = mlp()
    tasks, optimizer = decomposed(network)
    tasks.new_task()
    measured = optimizer.metrics()
    assert measured["apd/tasks"] == 2
    assert measured["apd/own"] == 0
    assert measured["apd/capacity"] == pytest.approx(tasks.capacity().percent)


def test_a_decomposed_weight_that_nobody_trains_is_named():
    network = mlp()
    with pytest.raises(ValueError, match=r"does not train the decomposed weights \['0.weight'\]"):
        AdditiveOptimizer(
            torch.optim.SGD(network[3:].parameters(), lr=0.1), decomposition=AdditiveDecomposition(network)
        )


# With continual backprop.


def three_layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))


@pytest.mark.parametrize("masks", [0.5, 1.0])
@pytest.mark.parametrize("order", ["inside", "around"])
def test_old_tasks_are_recalled_bit_for_bit_when_units_are_replaced(order: str, masks: float):
    network = three_layers()
    layers = hidden_layers(network, PROBE)
    tasks = AdditiveDecomposition(network, initial_mask=masks, every=2)
    plain = torch.optim.Adam(network.parameters(), lr=0.02)
    often = {"replacement_rate": 0.05, "maturity_threshold": 2, "seed": 1}
    if order == "inside":
        optimizer = AdditiveOptimizer(ContinualBackprop(plain, layers, **often), decomposition=tasks)
    else:
        optimizer = ContinualBackprop(AdditiveOptimizer(plain, decomposition=tasks), layers, **often)
    said = {}
    for number in range(4):
        learn(network, optimizer, number, steps=15)
        said[number] = outputs(network)
        for name, before in said.items():
            assert torch.equal(recalled(tasks, name), before)
        tasks.new_task()
    assert optimizer.metrics()["cbp/replaced"] > 20


def replacing(network: nn.Sequential, tasks: AdditiveDecomposition) -> AdditiveOptimizer:
    """All units of the first layer are replaced in the next step, and nothing else moves."""
    layer = HiddenLayer("0", network[0], [network[2]])
    inner = ContinualBackprop(
        torch.optim.SGD(network.parameters(), lr=0.01), [layer], replacement_rate=1.0, maturity_threshold=0
    )
    return AdditiveOptimizer(inner, decomposition=tasks)


def test_a_replaced_unit_is_replaced_in_what_is_shared_and_old_tasks_keep_theirs():
    network = three_layers()
    tasks = AdditiveDecomposition(network, sparsity=0.2, initial_mask=0.7)
    optimizer = replacing(network, tasks)
    tasks.new_task()
    old = [layer.theta(0) for layer in tasks.layers]
    network(PROBE).square().sum().backward()
    optimizer.step()
    first, second = tasks.layers
    assert (network[2].weight == 0).all()  # silent, not shrunk towards the unit that was there
    assert (second.shared == 0).all()
    assert not torch.equal(first.theta(0), first.weight)
    assert tasks.capacity().own == sum(layer.numel() for layer in old)  # all of it task 0's
    assert are_equal(old, [layer.theta(0) for layer in tasks.layers])
    tasks.new_task()
    assert are_equal([layer.weight for layer in tasks.layers], [layer.theta(1) for layer in tasks.layers])


def test_a_mask_does_not_follow_a_replacement():
    network = three_layers()
    tasks = AdditiveDecomposition(network)
    optimizer = replacing(network, tasks)
    tasks.new_task()
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    network(PROBE)
    optimizer.step()
    assert torch.equal(tasks.layers[0].entries[1].mask, torch.full((8,), 0.5))


# In Stable-Baselines3.


def test_stable_baselines_saves_the_tasks_and_plain_stable_baselines_opens_the_file(tmp_path):
    stable = pytest.importorskip("stable_baselines3")

    def wrapped(model) -> AdditiveDecomposition:
        heads = ["mlp_extractor.value_net", "value_net", "action_net"]
        tasks = AdditiveDecomposition(model.policy, heads=heads)
        model.policy.optimizer = AdditiveOptimizer(model.policy.optimizer, decomposition=tasks)
        return tasks

    model = stable.PPO("MlpPolicy", "CartPole-v1", n_steps=64, n_epochs=2, seed=0, device="cpu")
    tasks = wrapped(model)
    assert [layer.name for layer in tasks.layers] == [f"mlp_extractor.policy_net.{place}.weight" for place in (0, 2)]
    observation = torch.ones(1, 4)
    model.learn(64)
    before = model.policy.get_distribution(observation).distribution.logits
    tasks.new_task()
    model.learn(64, reset_num_timesteps=False)
    with tasks.task(0):
        assert torch.equal(model.policy.get_distribution(observation).distribution.logits, before)
    model.save(tmp_path / "model")
    plain = stable.PPO.load(tmp_path / "model", device="cpu")
    assert are_equal(everything(plain.policy), everything(model.policy))
    tasks = wrapped(plain)
    plain.set_parameters(tmp_path / "model")
    assert tasks.tasks == [0, 1]
    with tasks.task(0):
        assert torch.equal(plain.policy.get_distribution(observation).distribution.logits, before)
