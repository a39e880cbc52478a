"""A wrapped optimiser is an optimiser: whatever torch does with one works, and off means gone."""

from __future__ import annotations

import copy
import pickle
from functools import partial

import pytest
import torch
from torch.optim import Optimizer

from plastic_rl.optim import ContinualBackprop, L2Init, ShrinkPerturb
from tests.optim.networks import OPTIMIZERS, are_equal, around, mlp, numbers, train


def disturbed(optimizer: Optimizer, **settings) -> ShrinkPerturb:
    return ShrinkPerturb(optimizer, **{"shrink": 0.01, "noise_std": 0.01, "seed": 7, **settings})


def replaced(optimizer: ContinualBackprop) -> float:
    return optimizer.metrics()["cbp/replaced"]


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("mode", ["exact", "lazy", "instant"])
def test_a_rate_of_zero_is_bit_for_bit_the_wrapped_optimiser(kind: str, mode: str):
    results = []
    for wrap in (lambda optimizer, network: optimizer, partial(around, replacement_rate=0.0, mode=mode)):
        network = mlp()
        torch.manual_seed(5)
        optimizer = wrap(OPTIMIZERS[kind](network), network)
        train(network, optimizer, 20)
        results.append([*numbers(network), torch.get_rng_state()])
    assert are_equal(*results)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_nothing_shrunk_and_no_noise_is_bit_for_bit_the_wrapped_optimiser(kind: str):
    results = []
    for wrap in (lambda optimizer: optimizer, lambda optimizer: disturbed(optimizer, shrink=0.0, noise_std=0.0)):
        network = mlp()
        torch.manual_seed(5)
        train(network, wrap(OPTIMIZERS[kind](network)), 20)
        results.append([*numbers(network), torch.get_rng_state()])
    assert are_equal(*results)


def test_replacing_leaves_the_global_random_stream_alone():
    network = mlp()
    optimizer = around(OPTIMIZERS["adam"](network), network, rounding="bernoulli", utility="random")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train(network, optimizer, 20)
    assert replaced(optimizer) > 0
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_same_seed_replaces_alike_and_another_one_does_not(kind: str):
    results = []
    for seed in (7, 7, 8):
        network = mlp()
        train(network, around(OPTIMIZERS[kind](network), network, seed=seed), 12)
        results.append(numbers(network))
    assert are_equal(results[0], results[1])
    assert not are_equal(results[0], results[2])


def test_schedulers_move_the_learning_rate_of_the_wrapped_optimiser():
    network = mlp()
    optimizer = around(OPTIMIZERS["adam"](network), network)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    train(network, optimizer, 1)
    scheduler.step()
    assert optimizer.optimizer.param_groups[0]["lr"] == pytest.approx(5e-3)


def test_groups_added_later_are_trained():
    network, extra = mlp(), torch.nn.Linear(6, 1)
    optimizer = around(OPTIMIZERS["adam"](network), network)
    optimizer.add_param_group({"params": list(extra.parameters())})
    before = extra.weight.detach().clone()
    extra(torch.ones(1, 6)).sum().backward()
    optimizer.step()
    assert not torch.equal(before, extra.weight)


def test_step_hooks_and_closures_run_once():
    network, calls = mlp(), []
    optimizer = around(OPTIMIZERS["sgd"](network), network)
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = network(torch.ones(2, 6)).square().mean()
        loss.backward()
        calls.append("closure")
        return loss

    assert optimizer.step(closure) > 0
    assert calls == ["before", "closure", "after"]


def test_step_hooks_of_a_class_with_a_step_of_its_own_run_once():
    class Stepping(L2Init):
        def step(self, closure=None):
            calls.append("step")
            return super().step(closure)

    calls = []
    optimizer = Stepping(OPTIMIZERS["sgd"](mlp()))
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))
    optimizer.step()
    assert calls == ["before", "step", "after"]


def test_a_skipped_step_of_a_gradient_scaler_replaces_nothing():
    network = mlp()
    optimizer = around(OPTIMIZERS["sgd"](network), network, maturity_threshold=0, replacement_rate=1.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(network(torch.full((2, 6), torch.inf)).sum()).backward()
    before = numbers(network)
    scaler.step(optimizer)
    scaler.update()
    assert are_equal(before, numbers(network))
    assert replaced(optimizer) == 0
    optimizer.zero_grad()
    scaler.scale(network(torch.ones(2, 6)).sum()).backward()
    scaler.step(optimizer)
    assert replaced(optimizer) == 32


def test_gradient_accumulation_counts_steps_not_backward_passes():
    network = mlp()
    optimizer = around(OPTIMIZERS["sgd"](network), network, maturity_threshold=1, replacement_rate=1.0)
    for _ in range(5):
        network(torch.ones(2, 6)).sum().backward()
    optimizer.step()
    assert replaced(optimizer) == 0
    assert optimizer.state_dict()["ContinualBackprop"]["step"] == 1


def test_forward_passes_without_gradients_leave_the_state_alone():
    results = []
    for acts in (False, True):
        network = mlp()
        optimizer = around(OPTIMIZERS["adam"](network), network)
        for seed in range(12):
            train(network, optimizer, 1, seed)
            if acts:
                with torch.no_grad():
                    network(100 * torch.ones(3, 6))
        results.append(numbers(network))
    assert are_equal(*results)


def test_an_acting_pass_between_backward_and_step_leaves_the_state_alone():
    results = []
    for acts in (False, True):
        network = mlp()
        optimizer = around(OPTIMIZERS["adam"](network), network, maturity_threshold=0)
        network(torch.ones(2, 6)).sum().backward()
        if acts:
            with torch.no_grad():
                network(100 * torch.ones(3, 6))
        optimizer.step()
        results.append(numbers(network))
    assert are_equal(*results)


def test_batches_of_any_size_may_follow_each_other():
    network = mlp()
    optimizer = around(OPTIMIZERS["adam"](network), network)
    for seed, batch in enumerate([8, 1, 16, 8, 3, 1, 32, 2]):
        train(network, optimizer, 1, seed, batch)
    assert replaced(optimizer) > 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
@pytest.mark.parametrize("kind", ["momentum", "adam"])
def test_a_copy_of_network_and_optimiser_goes_on_alike_and_apart(copied, kind: str):
    network = mlp()
    optimizer: Optimizer = around(OPTIMIZERS[kind](network), network)
    torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)  # replaces `step` on the instance by a closure
    train(network, optimizer, 10)
    other_network, other_optimizer = copied((network, optimizer))
    before = numbers(other_network)
    train(network, optimizer, 10, seed=2)
    assert are_equal(before, numbers(other_network))
    train(other_network, other_optimizer, 10, seed=2)
    assert are_equal(numbers(network), numbers(other_network))
    assert replaced(optimizer) == replaced(other_optimizer) > 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
@pytest.mark.parametrize("kind", ["momentum", "adam"])
def test_a_copy_of_a_network_that_is_shrunk_and_perturbed_goes_on_alike_and_apart(copied, kind: str):
    network = mlp()
    optimizer = disturbed(OPTIMIZERS[kind](network))
    train(network, optimizer, 10)
    other_network, other_optimizer = copied((network, optimizer))
    before = numbers(other_network)
    train(network, optimizer, 10, seed=2)
    assert are_equal(before, numbers(other_network))
    train(other_network, other_optimizer, 10, seed=2)
    assert are_equal(numbers(network), numbers(other_network))


def test_two_wrappers_stack():
    network = mlp()
    outer = around(around(OPTIMIZERS["adam"](network), network), network, utility="random")
    train(network, outer, 12)
    assert replaced(outer) > 0
    assert replaced(outer.optimizer) > 0


def test_passes_of_an_averaged_copy_are_not_counted_as_those_of_the_network():
    results = []
    for copies in (False, True):
        network = mlp()
        optimizer = around(OPTIMIZERS["sgd"](network), network, maturity_threshold=0, mode="instant")
        network(torch.ones(2, 6)).sum().backward()
        if copies:
            copy.deepcopy(network)(1e6 * torch.ones(2, 6))
        optimizer.step()
        results.append(numbers(network))
    assert are_equal(*results)


def test_removing_the_method_leaves_the_wrapped_optimiser_and_no_hook():
    network = mlp()
    optimizer = around(OPTIMIZERS["sgd"](network), network)
    plain = optimizer.remove()
    assert type(plain) is torch.optim.SGD
    assert all(not module._forward_pre_hooks for module in network.modules())
