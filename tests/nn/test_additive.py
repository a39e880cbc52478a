"""Tasks come, are recalled bit for bit, and are forgotten for good."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from plastic_rl.nn import AdditiveDecomposition, AdditiveOptimizer
from tests.nn.additive_tasks import decomposed, everything, learn, mlp, outputs, recalled
from tests.optim.networks import are_equal

sequences = settings(max_examples=12, deadline=None, derandomize=True)
EXACT = ["retroactive", "hierarchical"]

actions = st.lists(
    st.tuples(st.sampled_from(["new", "like", "return", "visit", "forget", "consolidate"]), st.integers(0, 9)),
    min_size=3,
    max_size=9,
)
methods = st.fixed_dictionaries(
    {
        "form": st.sampled_from(EXACT),
        "sparsity": st.sampled_from([0.0, 0.2, 0.8]),
        "drift": st.sampled_from([0.0, 0.05, 1.0, float("inf")]),
        "initial_mask": st.sampled_from([0.3, 0.5, 1.0]),
        "every": st.integers(1, 3),
        "groups": st.integers(1, 3),
        "centre": st.sampled_from(["mean", "midrange"]),
    }
)


def play(tasks: AdditiveDecomposition, optimizer: AdditiveOptimizer, steps: list[tuple[str, int]]):
    """Acts, trains if the action is to train, and after each action yields what every task said when last trained."""
    network, said = tasks.network, {}
    learn(network, optimizer, 0)
    said[0] = outputs(network)
    for action, number in steps:
        chosen = tasks.tasks[number % len(tasks.tasks)]
        if action in ("new", "like"):
            tasks.new_task(like=chosen if action == "like" else None)
        elif action in ("return", "visit"):
            tasks.task(chosen)
        elif action == "forget" and chosen != tasks.active:
            tasks.forget(chosen)
            del said[chosen]
        elif action == "consolidate" and tasks.settings.form == "hierarchical":
            tasks.consolidate()
        if action in ("new", "like", "return"):
            learn(network, optimizer, number, steps=3)
            said[tasks.active] = outputs(network)
        yield said


@given(methods, actions, st.integers(1, 6))
@sequences
def test_every_task_is_recalled_bit_for_bit_whatever_happens_to_the_others(method: dict[str, Any], steps, width: int):
    tasks, optimizer = decomposed(mlp(width), **method)
    for said in play(tasks, optimizer, steps):
        for name, before in said.items():
            assert torch.equal(recalled(tasks, name), before)


@given(methods, actions, st.sampled_from([0.001, 0.05]))
@sequences
def test_with_a_tolerance_no_weight_ever_leaves_it(method: dict[str, Any], steps, tolerance: float):
    network = mlp()
    tasks, optimizer = decomposed(network, tolerance=tolerance, **method)
    weights: dict[Any, list[torch.Tensor]] = {}
    for _ in play(tasks, optimizer, steps):
        if tasks.learner == tasks.active:  # what has just been learnt
            weights[tasks.active] = [layer.weight.detach().clone() for layer in tasks.layers]
        for name in tasks.tasks:
            with tasks.task(name):
                for layer, before in zip(tasks.layers, weights.get(name, ()), strict=False):
                    assert (layer.weight - before).abs().max() <= tolerance * (1 + 1e-6) + 1e-7


def test_a_tolerance_keeps_fewer_numbers():
    kept = []
    for tolerance in (0.0, 0.01):
        network = mlp()
        tasks, optimizer = decomposed(network, tolerance=tolerance, initial_mask=1.0)
        for number in range(4):
            learn(network, optimizer, number)
            tasks.new_task()
        kept.append(tasks.capacity().own)
    assert kept[1] < kept[0]


def test_convolutions_and_running_statistics_are_recalled_too():
    torch.manual_seed(0)
    head = nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 3, 1, bias=False), head)
    tasks, optimizer = decomposed(network)
    assert [layer.name for layer in tasks.layers] == ["0.weight", "3.weight"]
    x, said = torch.randn(4, 1, 6, 6), []
    for number in range(3):
        for _ in range(4):
            optimizer.zero_grad()
            network(number + x).square().mean().backward()
            optimizer.step()
        said.append(network.eval()(x).detach())
        network.train()
        tasks.new_task()
    for number, before in enumerate(said):
        with tasks.task(number):
            assert torch.equal(network.eval()(x), before)
            network.train()
    assert not torch.equal(said[0], said[1])


def test_in_the_fixed_form_old_tasks_move_with_what_is_shared_and_stay_where_it_is_frozen():
    for drift, stays in ((0.5, False), (float("inf"), True)):
        network = mlp()
        tasks, optimizer = decomposed(network, form="fixed", drift=drift)
        learn(network, optimizer, 0)
        before = outputs(network)
        for number in (1, 2):
            tasks.new_task()
            learn(network, optimizer, number)
        tasks.new_task()
        assert torch.equal(recalled(tasks, 0), before) is stays


def test_in_the_fixed_form_own_weights_keep_their_distance_from_what_is_shared():
    network = mlp()
    tasks, optimizer = decomposed(network, form="fixed", drift=5.0, initial_mask=1.0)
    for number in range(3):
        learn(network, optimizer, number)
        layer = tasks.layers[1]
        tasks.new_task()
        if number == 1:
            distance = layer.theta(1) - layer.shared
    rows = layer.entries[1].weights.where(layer.shared.shape)
    assert rows.any()
    torch.testing.assert_close((layer.theta(1) - layer.shared)[rows], distance[rows])


def test_a_new_task_starts_from_what_is_shared_whatever_came_between():
    network = mlp()
    tasks, optimizer = decomposed(network, drift=float("inf"))
    learn(network, optimizer, 0)
    tasks.new_task()
    first = everything(network)
    learn(network, optimizer, 1)
    tasks.new_task()
    assert are_equal(first, everything(network))


def test_a_task_like_another_starts_as_that_one():
    network = mlp()
    tasks, optimizer = decomposed(network)
    for number in range(2):
        learn(network, optimizer, number)
        tasks.new_task()
    tasks.new_task("copy", like=1)
    assert torch.equal(outputs(network), recalled(tasks, 1))
    learn(network, optimizer, 2)
    assert not torch.equal(outputs(network), recalled(tasks, 1))


@pytest.mark.parametrize("masks", [0.5, 1.0])
def test_a_visit_leaves_no_trace_on_the_learning_task(masks: float):
    results = []
    for visits in (False, True):
        network = mlp()
        tasks, optimizer = decomposed(network, initial_mask=masks)
        for number in range(3):
            learn(network, optimizer, number)
            if visits and number:
                with tasks.task(0):
                    network(torch.randn(8, 4))  # in training mode: running statistics move
                recalled(tasks, number)
            learn(network, optimizer, number)
            tasks.new_task()
        results.append([*everything(network), *(recalled(tasks, number) for number in range(3))])
    assert are_equal(*results)


def test_an_error_inside_a_visit_brings_the_task_back():
    tasks, _ = decomposed(mlp())
    tasks.new_task()
    with pytest.raises(RuntimeError), tasks.task(0):
        raise RuntimeError
    assert tasks.active == 1


# Forgetting.


def saved(network: nn.Module, optimizer: AdditiveOptimizer) -> bytes:
    file = io.BytesIO()
    torch.save({"network": network.state_dict(), "optimizer": optimizer.state_dict()}, file)
    return file.getvalue()


def test_a_forgotten_task_is_in_no_saved_file_and_its_memory_is_free():
    network = mlp(width=32)
    tasks, optimizer = decomposed(network)
    for number in range(4):
        learn(network, optimizer, number)
        if number < 3:
            tasks.new_task()
    tasks.close()
    traces = [tensor.numpy().tobytes() for tensor in tasks.private[2].values() if tensor.is_floating_point()]
    traces += [layer.entries[2].weights.values.numpy().tobytes() for layer in tasks.layers]
    traces += [layer.entries[2].mask.numpy().tobytes() for layer in tasks.layers]
    others, size, weight = [recalled(tasks, name) for name in (0, 1, 3)], tasks.capacity(), saved(network, optimizer)
    assert all(trace in weight for trace in traces)
    tasks.forget(2)
    after = saved(network, optimizer)
    assert not any(trace in after for trace in traces)
    assert len(weight) - len(after) >= size.task_bytes[2]
    assert size.total_bytes - tasks.capacity().total_bytes == size.task_bytes[2]
    assert all(torch.equal(recalled(tasks, name), other) for name, other in zip((0, 1, 3), others, strict=True))


def test_a_task_forgotten_while_it_learns_leaves_no_moments():
    network = mlp()
    tasks, optimizer = decomposed(network)
    tasks.new_task()
    learn(network, optimizer, 1)
    moments = optimizer.state[tasks.layers[0].weight]["exp_avg"].numpy().tobytes()
    weights = tasks.layers[0].weight.detach().numpy().tobytes()
    tasks.task(0)
    assert weights in saved(network, optimizer)
    tasks.forget(1)
    assert not any(trace in saved(network, optimizer) for trace in (moments, weights))
    assert tasks.tasks == [0]


def test_names_of_forgotten_tasks_do_not_come_back_by_themselves():
    tasks, _ = decomposed(mlp())
    tasks.new_task()
    tasks.new_task("ice")
    tasks.forget(1)
    assert tasks.new_task() == 2
    assert tasks.tasks == [0, "ice", 2]


# Groups of tasks.


def grouped(spread: float, **settings: Any) -> tuple[AdditiveDecomposition, list[list[torch.Tensor]]]:
    """Four tasks in two pairs that differ by little, before any consolidation."""
    network = mlp()
    tasks, optimizer = decomposed(network, every=100, groups=50, spread=spread, drift=float("inf"), **settings)
    learn(network, optimizer, 0)
    for pair in (1, 2):
        tasks.new_task(like=0)
        learn(network, optimizer, pair, steps=20)
        tasks.new_task(like=tasks.active)
        learn(network, optimizer, pair, steps=1)
    tasks.close()
    return tasks, [[layer.theta(name) for layer in tasks.layers] for name in tasks.tasks]


@pytest.mark.parametrize("centre", ["mean", "midrange"])
def test_without_a_spread_consolidation_loses_nothing(centre: str):
    tasks, before = grouped(0.0, centre=centre)
    tasks.consolidate()
    for name, thetas in zip(tasks.tasks, before, strict=True):
        assert are_equal(thetas, [layer.theta(name) for layer in tasks.layers])


@pytest.mark.parametrize(("centre", "bound"), [("midrange", 0.5), ("mean", 1.0)])
def test_with_a_spread_no_weight_moves_further_than_promised_and_less_is_kept(centre: str, bound: float):
    spread = 0.1
    tasks, before = grouped(spread, centre=centre)
    kept = tasks.capacity()
    tasks.consolidate()
    moved = [
        (layer.theta(name) - theta).abs().max().item()
        for name, thetas in zip(tasks.tasks, before, strict=True)
        for layer, theta in zip(tasks.layers, thetas, strict=True)
    ]
    assert 0 < max(moved) <= bound * spread + 1e-6
    assert tasks.capacity().groups > 0
    assert tasks.capacity().own + tasks.capacity().groups < kept.own


def test_equal_tasks_share_what_they_have_of_their_own():
    network = mlp()
    tasks, optimizer = decomposed(network, every=100, groups=50)
    learn(network, optimizer, 0)
    tasks.new_task()
    learn(network, optimizer, 1, steps=20)
    for _ in range(2):
        tasks.new_task(like=1)
    kept = tasks.capacity().own
    tasks.consolidate()
    assert kept > 0
    assert tasks.capacity().own < 0.1 * kept  # what σ ⊗ M + σ̃ misses by a bit stays its owner's
    said = [recalled(tasks, name) for name in (1, 2, 3)]
    assert are_equal(said, [said[0]] * 3)
    tasks.task(0)
    tasks.forget(3)
    assert tasks.capacity().groups > 0
    tasks.forget(2)  # a group of one is none
    assert tasks.capacity().groups == 0
    assert torch.equal(recalled(tasks, 1), said[0])


@pytest.mark.parametrize("form", ["fixed", "retroactive", "hierarchical"])
def test_the_task_that_learns_counts_as_it_will_when_it_has_closed(form):
    network = mlp()
    tasks, optimizer = decomposed(network, form=form, drift=0.5, sparsity=0.05, every=100)
    for number in range(3):
        learn(network, optimizer, number, steps=20)
        live = tasks.capacity().own
        tasks.new_task()
        closed = sum(len(layer.entries[name].weights) for layer in tasks.layers for name in range(number + 1))
        assert closed == live
    assert live > 0


def test_tasks_are_consolidated_every_so_often():
    network = mlp()
    tasks, optimizer = decomposed(network, every=2, groups=1, spread=10.0)
    for number in range(4):
        learn(network, optimizer, number)
        tasks.new_task()
    assert [layer.entries[number].group is None for layer in tasks.layers for number in range(2)] == [False] * 4


# Size.


def test_capacity_is_as_counted_by_hand():
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    tasks = AdditiveDecomposition(network)  # 4 shared weights; private: 2 biases, 2 + 1 of the head
    tasks.new_task()
    with torch.no_grad():
        network[0].weight[0, 1] += 1
    tasks.task(0)
    capacity = tasks.capacity()
    counted = (capacity.shared, capacity.masks, capacity.own, capacity.private, capacity.head)
    assert counted == (4, 4, 1, 5, 2)
    assert capacity.percent == pytest.approx(100 * (4 + 4 + 1 + 2 * 5) / 9)
    assert capacity.reference_percent == pytest.approx(100 * (4 + 4 + 1 + 5) / (4 + 2))
    tasks.close()
    capacity = tasks.capacity()
    assert capacity.task_bytes == {0: 2 * 4 + 5 * 4, 1: 2 * 4 + 5 + 5 * 4}  # mask, one value with its gap, private
    assert capacity.shared_bytes == 16
    assert capacity.network_bytes == 36
    assert capacity.task_share(1) == pytest.approx(33 / 36)


# Saving and copying.


@given(methods, st.integers(1, 4), st.booleans())
@settings(max_examples=4, deadline=None, derandomize=True)
def test_a_saved_state_goes_on_identically(method: dict[str, Any], steps: int, in_a_visit: bool):
    network, other = mlp(), mlp(seed=1)
    (tasks, optimizer), (its, other_optimizer) = decomposed(network, **method), decomposed(other, **method)
    for number in range(3):
        learn(network, optimizer, number)
        tasks.new_task()
    learn(network, optimizer, 3, steps)
    if in_a_visit:
        tasks.task(1)
    file = io.BytesIO(saved(network, optimizer))
    loaded = torch.load(file, weights_only=True)
    other.load_state_dict(loaded["network"])
    other_optimizer.load_state_dict(loaded["optimizer"])
    for one, net, opt in ((tasks, network, optimizer), (its, other, other_optimizer)):
        one.task(3)
        learn(net, opt, 4, steps)
        one.new_task()
        learn(net, opt, 5, steps)
    assert are_equal(everything(network), everything(other))
    assert all(torch.equal(recalled(tasks, name), recalled(its, name)) for name in tasks.tasks)


@pytest.mark.parametrize("reference", [False, True])
def test_a_state_that_was_read_on_the_cpu_goes_where_the_network_is(reference: bool):
    network = mlp()
    tasks, optimizer = decomposed(network, reference=reference, groups=1, every=2, spread=10.0)
    for number in range(3):
        learn(network, optimizer, number)
        tasks.new_task()
    learn(network, optimizer, 3)
    tasks.task(0)  # without learning it, so that the learner's weights wait
    other = AdditiveDecomposition(mlp(), reference=reference)
    for layer in other.layers:  # "meta" for a device that every machine has
        layer.weight = nn.Parameter(layer.weight.to("meta"))
    other.parts.tensors = {name: tensor.to("meta") for name, tensor in other.parts.tensors.items()}
    other.load_state_dict(tasks.state_dict())
    state = other.state_dict()
    kept = [state["private"], state["initial"], state["aside"], state["layers"]]
    assert other.layers[0].groups
    assert {tensor.device.type for tensor in tensors_in(kept) if tensor.ndim} == {"meta"}  # Adam's clocks stay


def tensors_in(nest: Any) -> list[torch.Tensor]:
    if isinstance(nest, torch.Tensor):
        return [nest]
    parts = nest.values() if isinstance(nest, dict) else nest if isinstance(nest, list | tuple) else []
    return [tensor for part in parts for tensor in tensors_in(part)]


def test_a_plain_optimiser_reads_the_same_state():
    network = mlp()
    _, optimizer = decomposed(network)
    learn(network, optimizer, 0)
    plain = torch.optim.Adam(network.parameters())
    plain.load_state_dict(optimizer.state_dict())
    assert plain.param_groups[0]["lr"] == 0.02


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_copy_goes_on_alike_and_apart(copied):
    network = mlp()
    tasks, optimizer = decomposed(network)
    for number in range(2):
        learn(network, optimizer, number)
        tasks.new_task()
    learn(network, optimizer, 2)
    other, other_optimizer = copied((network, optimizer))
    before = everything(other)
    learn(network, optimizer, 3)
    assert are_equal(before, everything(other))
    learn(other, other_optimizer, 3)
    assert are_equal(everything(network), everything(other))
    assert torch.equal(recalled(tasks, 0), recalled(other_optimizer.decomposition, 0))


# Bad input.


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sparsity": -1.0}, "sparsity must be 0 or more"),
        ({"tolerance": float("inf")}, "tolerance must be 0 or more and finite"),
        ({"drift": float("nan")}, "drift must be 0 or more"),
        ({"initial_mask": 0.0}, "initial_mask must be above 0"),
        ({"form": "apd"}, "form must be one of hierarchical, retroactive, fixed"),
        ({"centre": "median"}, "centre must be one of"),
        ({"every": -1}, "every must be a whole number"),
        ({"every": 0}, "every must be 1 or more"),
        ({"heads": ["nose"]}, "no module or parameter called"),
        ({"heads": ["0", "3", "5"]}, "is left to decompose"),
        ({"reference": True, "form": "fixed"}, "no fixed form"),
        ({"first_task": None}, "a task's name must be"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        AdditiveDecomposition(mlp(), **wrong)


def test_wrong_tasks_are_named():
    tasks, _ = decomposed(mlp())
    tasks.new_task("ice")
    with pytest.raises(ValueError, match="there is a task 'ice' already"):
        tasks.new_task("ice")
    with pytest.raises(ValueError, match=r"there is no task 7; there are \[0, 'ice'\]"):
        tasks.task(7)
    with pytest.raises(ValueError, match="there is no task 7"):
        tasks.new_task(like=7)
    with pytest.raises(ValueError, match="task 'ice' is active"):
        tasks.forget("ice")
    with pytest.raises(ValueError, match="a task's name must be a number or a string"):
        tasks.new_task((1, 2))
    with pytest.raises(ValueError, match="only the hierarchical form"):
        AdditiveDecomposition(mlp(), form="retroactive").consolidate()
    with pytest.raises(ValueError, match="the saved tasks are of weights"):
        tasks.load_state_dict(AdditiveDecomposition(nn.Sequential(nn.Linear(1, 1))).state_dict())


@pytest.mark.parametrize("what", ["head", "weight", "added"])
def test_a_network_that_has_changed_since_is_refused_before_anything_is_lost(what: str):
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    tasks = AdditiveDecomposition(network, heads=["2"])
    tasks.new_task()
    match what:
        case "head":
            network[2] = nn.Linear(4, 5)
        case "weight":
            network[0].weight = nn.Parameter(torch.zeros(4, 3))
        case _:
            network.append(nn.Linear(2, 2))
    name = {"head": "2.weight, 2.bias", "weight": "0.weight", "added": "3.weight, 3.bias"}[what]
    for act in (tasks.new_task, lambda: tasks.task(0), tasks.learn):
        with pytest.raises(RuntimeError, match=f"has changed since it was decomposed: {name}"):
            act()
    assert tasks.tasks == [0, 1]
    assert tasks.active == 1


def test_a_weight_with_two_names_is_no_change():
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.body, self.head = nn.Embedding(5, 3), nn.Linear(3, 3), nn.Linear(3, 5, bias=False)
            self.head.weight = self.words.weight

    tasks = AdditiveDecomposition(Tied(), heads=["body"])
    tasks.new_task()
    tasks.task(0)
    tasks.learn()
    assert tasks.learner == 0
