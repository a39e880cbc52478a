"""Adam with a clock for single units: torch's Adam to the bit, and a fresh Adam for the newborn."""

import copy
import io
import math
from pathlib import Path

import pytest
import torch

import plastic_rl.optim as ours
from plastic_rl.optim import young_together
from plastic_rl.optim.adam import with_unit_clock
from plastic_rl.optim.forgetting import forget

KINDS = {"single-tensor": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
OPTIONS = {
    "plain": {},
    "amsgrad": {"amsgrad": True},
    "weight decay": {"weight_decay": 0.1},
    "maximize": {"maximize": True},
    "equal betas": {"betas": (0.99, 0.99)},
}
PAIRS = [(torch.optim.Adam, ours.Adam), (torch.optim.AdamW, ours.AdamW)]


def parameters(dtype=torch.float32):
    generator, shapes = torch.Generator().manual_seed(0), [(6, 5), (6,), (4, 6, 3, 3)]
    return [torch.randn(*shape, generator=generator).to(dtype).requires_grad_() for shape in shapes]


def give_gradients(tensors, step):
    generator = torch.Generator().manual_seed(1000 + step)
    for tensor in tensors:
        tensor.grad = torch.randn(tensor.shape, generator=generator).to(tensor.dtype)


def walk(optimizer, tensors, steps):
    for step in steps:
        give_gradients(tensors, step)
        optimizer.step()


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(("torchs", "own"), PAIRS)
def test_it_is_torchs_adam_to_the_bit_until_a_clock_is_restarted(torchs, own, kind, options):
    ours_, theirs = parameters(), parameters()
    walk(own(ours_, lr=0.01, **kind, **options), ours_, range(30))
    walk(torchs(theirs, lr=0.01, **kind, **options), theirs, range(30))
    assert all(torch.equal(a, b) for a, b in zip(ours_, theirs, strict=True))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(("torchs", "own"), PAIRS)
def test_newborn_entries_move_like_those_of_a_fresh_adam_and_the_others_as_before(torchs, own, kind, options):
    tensors, untouched = parameters(torch.float64), parameters(torch.float64)
    optimizer, other = own(tensors, lr=0.01, **kind, **options), torchs(untouched, lr=0.01, **kind, **options)
    walk(optimizer, tensors, range(50))
    walk(other, untouched, range(50))
    born = [(tensors[0], 0, [1]), (tensors[1], 0, [1]), (tensors[2], 1, [1, 4]), (tensors[2], 0, [2])]
    for tensor, axis, index in born:
        forget(optimizer, tensor, axis, torch.tensor(index))
    fresh = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    newborn = torchs(fresh, lr=0.01, **kind, **options)
    is_young = [torch.zeros(tensor.shape, dtype=torch.bool) for tensor in tensors]
    is_young[0][1], is_young[1][1], is_young[2][:, [1, 4]], is_young[2][2] = True, True, True, True
    for step in range(50, 70):
        for one, each in ((optimizer, tensors), (other, untouched), (newborn, fresh)):
            walk(one, each, [step])
        for tensor, old, new, young in zip(tensors, untouched, fresh, is_young, strict=True):
            torch.testing.assert_close(tensor[young], new[young], rtol=1e-6, atol=2e-7)
            assert torch.equal(tensor[~young], old[~young])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numpy_and_torch_correct_the_steps_of_young_entries_alike(dtype, monkeypatch):
    ends = []
    for kinds in (young_together.OF_NUMPY, frozenset()):
        monkeypatch.setattr(young_together, "OF_NUMPY", kinds)
        tensors = parameters(dtype)
        optimizer = ours.Adam(tensors, lr=0.01)
        walk(optimizer, tensors, range(5))
        forget(optimizer, tensors[0], 0, torch.tensor([1, 3]))
        walk(optimizer, tensors, range(5, 12))
        forget(optimizer, tensors[0], 1, torch.tensor([2]))  # crosses rows that are young
        forget(optimizer, tensors[2], 1, torch.tensor([4]))
        walk(optimizer, tensors, range(12, 45))
        ends.append(tensors)
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6 if dtype is torch.float32 else 1e-14)


def test_moments_that_lie_elsewhere_from_one_step_to_the_next_are_found():
    ends = []
    for moves in (False, True):
        tensors = parameters()
        optimizer = ours.Adam(tensors, lr=0.01)
        walk(optimizer, tensors, range(5))
        forget(optimizer, tensors[0], 0, torch.tensor([1]))
        for step in range(5, 15):
            walk(optimizer, tensors, [step])
            if moves:
                state = optimizer.state[tensors[0]]
                state["exp_avg_sq"] = state["exp_avg_sq"].clone()
                state["exp_avg"] = state["exp_avg"].t().contiguous().t()  # no vector of it is a view
                tensors[0].data = tensors[0].data.clone()
        ends.append(tensors)
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def steps_of_one_newborn(optimizer, weight, count):
    """The lengths of the steps, in learning rates, under a constant gradient; the second entry is newborn."""
    lengths = []
    for _ in range(count):
        before = weight.detach().clone()
        weight.grad = torch.ones_like(weight)
        optimizer.step()
        lengths.append(((before - weight.detach()) / optimizer.param_groups[0]["lr"])[1].item())
    return lengths


def old_weight(kind, **options):
    weight = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = kind([weight], lr=1.0, **options)
    for _ in range(20_000):
        weight.grad = torch.ones_like(weight)
        optimizer.step()
    return optimizer, weight


def old_weight_with_a_forgotten_entry(kind, **options):
    optimizer, weight = old_weight(kind, **options)
    forget(optimizer, weight, 0, torch.tensor([1]))
    return optimizer, weight


def test_under_one_clock_zeroed_moments_overshoot_as_published():
    # Zeroed moments under an old clock: (1 - 0.9^t) / sqrt(1 - 0.999^t), which is 3.16 at t = 1 and greatest at 12.
    optimizer, weight = old_weight(torch.optim.Adam)
    for name in ("exp_avg", "exp_avg_sq"):
        optimizer.state[weight][name][1] = 0.0
    lengths = steps_of_one_newborn(optimizer, weight, 1200)
    assert lengths[0] == pytest.approx(0.1 / math.sqrt(0.001), rel=1e-4)
    assert max(lengths) == pytest.approx(6.6, abs=0.05)
    assert lengths.index(max(lengths)) + 1 == 12
    assert sum(length > 1.2 for length in lengths) == pytest.approx(1186, abs=2)


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.NAdam, torch.optim.RAdam])
def test_under_one_clock_a_forgotten_entry_inherits_the_second_moment_of_the_others_and_does_not_overshoot(kind):
    lengths = steps_of_one_newborn(*old_weight_with_a_forgotten_entry(kind), 200)
    assert 0 < lengths[0] <= 0.3  # a first moment of one gradient over the second moment of many
    assert max(lengths) <= 1.01


def test_under_its_own_clock_it_takes_steps_of_one_learning_rate_before_and_after_it_comes_of_age():
    lengths = steps_of_one_newborn(*old_weight_with_a_forgotten_entry(ours.Adam), 1200)
    assert lengths == pytest.approx([1.0] * 1200, rel=1e-5)


def test_a_unit_comes_of_age_after_twenty_steps_with_the_moments_of_a_fresh_adam_unbiased():
    tensors = parameters()
    optimizer = ours.Adam(tensors, lr=0.01)
    walk(optimizer, tensors, range(50))
    forget(optimizer, tensors[0], 0, torch.tensor([3]))
    fresh = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    newborn = torch.optim.Adam(fresh, lr=0.01)
    for each, one in ((optimizer, tensors), (newborn, fresh)):
        walk(each, one, range(50, 70))
    assert not optimizer.young
    for name, beta in (("exp_avg", 0.9), ("exp_avg_sq", 0.999)):
        unbiased = newborn.state[fresh[0]][name][3] / (1 - beta**20)
        torch.testing.assert_close(optimizer.state[tensors[0]][name][3] / (1 - beta**70), unbiased)


def test_an_entry_that_is_born_twice_while_young_goes_by_its_last_birth():
    tensors = parameters()
    optimizer = ours.Adam(tensors, lr=0.01)
    walk(optimizer, tensors, range(50))
    forget(optimizer, tensors[0], 0, torch.tensor([1]))
    walk(optimizer, tensors, range(50, 55))
    forget(optimizer, tensors[0], 1, torch.tensor([2]))
    fresh = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    newborn = torch.optim.Adam(fresh, lr=0.01)
    for each, one in ((optimizer, tensors), (newborn, fresh)):
        walk(each, one, range(55, 75))
    torch.testing.assert_close(tensors[0][:, 2], fresh[0][:, 2], rtol=1e-5, atol=1e-6)
    walk(optimizer, tensors, range(75, 85))
    assert not optimizer.young


def test_a_parameter_without_gradient_grows_no_older():
    tensors = parameters()
    optimizer = ours.Adam(tensors, lr=0.01)
    walk(optimizer, tensors, range(10))
    forget(optimizer, tensors[1], 0, torch.tensor([0]))
    fresh = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    newborn = torch.optim.Adam(fresh, lr=0.01)
    optimizer.zero_grad()
    optimizer.step()
    for each, one in ((optimizer, tensors), (newborn, fresh)):
        walk(each, one, range(10, 15))
    torch.testing.assert_close(tensors[1][0], fresh[1][0], rtol=1e-6, atol=1e-7)


def copies(optimizer, tensors, way):
    """The optimiser after a round trip, over copies of its parameters."""
    if way == "deepcopy":
        clone = copy.deepcopy(optimizer)
        return clone, clone.param_groups[0]["params"]
    buffer = io.BytesIO()
    torch.save(optimizer.state_dict(), buffer)
    buffer.seek(0)
    clones = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    clone = ours.Adam(clones, lr=0.01)
    clone.load_state_dict(torch.load(buffer, weights_only=True))
    return clone, clones


@pytest.mark.parametrize("way", ["state_dict", "deepcopy"])
def test_a_round_trip_in_youth_goes_on_to_the_same_bits(way):
    tensors = parameters()
    optimizer = ours.Adam(tensors, lr=0.01)
    walk(optimizer, tensors, range(40))
    forget(optimizer, tensors[2], 1, torch.tensor([0, 5]))
    walk(optimizer, tensors, range(40, 45))
    clone, clones = copies(optimizer, tensors, way)
    walk(optimizer, tensors, range(45, 80))
    walk(clone, clones, range(45, 80))
    assert all(torch.equal(a, b) for a, b in zip(tensors, clones, strict=True))


def test_plain_adam_reads_its_state_and_goes_on():
    tensors = parameters()
    optimizer = ours.Adam(tensors, lr=0.01)
    walk(optimizer, tensors, range(10))
    forget(optimizer, tensors[0], 0, torch.tensor([1]))
    plain = torch.optim.Adam(tensors, lr=0.01)
    plain.load_state_dict(optimizer.state_dict())
    walk(plain, tensors, range(10, 12))
    assert plain.state[tensors[0]]["step"] == 12


def test_it_reads_the_state_of_plain_adam():
    tensors = parameters()
    plain = torch.optim.Adam(tensors, lr=0.01)
    walk(plain, tensors, range(10))
    optimizer = ours.Adam(tensors, lr=0.01)
    forget(optimizer, tensors[0], 0, torch.tensor([1]))
    optimizer.load_state_dict(plain.state_dict())
    assert not optimizer.young
    assert optimizer.state[tensors[0]]["step"] == 10


def test_a_step_that_a_gradient_scaler_skipped_is_not_corrected():
    tensors = parameters()
    optimizer = ours.Adam(tensors, lr=0.01, fused=True)
    walk(optimizer, tensors, range(30))
    forget(optimizer, tensors[0], 0, torch.tensor([1]))
    walk(optimizer, tensors, [30])
    before = [tensor.detach().clone() for tensor in tensors]
    optimizer.grad_scale, optimizer.found_inf = torch.ones(()), torch.ones(())
    walk(optimizer, tensors, [31])
    assert all(torch.equal(a, b) for a, b in zip(tensors, before, strict=True))
    optimizer.found_inf = torch.zeros(())
    fresh = [tensor.clone().requires_grad_() for tensor in before]
    newborn = torch.optim.Adam(fresh, lr=0.01)
    walk(newborn, fresh, [30])
    with torch.no_grad():
        fresh[0].copy_(before[0])
    walk(newborn, fresh, [32])
    walk(optimizer, tensors, [32])
    torch.testing.assert_close(tensors[0][1], fresh[0][1], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("plain_first", [True, False])
def test_hooks_of_a_step_run_once(plain_first):
    tensors = parameters()
    if plain_first:
        torch.optim.Adam(parameters())
    optimizer, calls = ours.Adam(tensors, lr=0.01), []
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))
    walk(optimizer, tensors, [0])
    assert calls == ["before", "after"]


def test_an_adam_given_a_clock_keeps_its_groups_state_and_hooks():
    tensors, calls = parameters(), []
    plain = torch.optim.Adam(tensors, lr=0.01)
    handle = plain.register_step_post_hook(lambda *_: calls.append("after"))
    walk(plain, tensors, range(3))
    optimizer = with_unit_clock(plain)
    assert isinstance(optimizer, ours.Adam)
    assert optimizer.param_groups is plain.param_groups
    assert optimizer.state is plain.state
    walk(optimizer, tensors, [3])
    handle.remove()
    walk(optimizer, tensors, [4])
    assert len(calls) == 4
    walk(plain, tensors, [5])
    assert plain.state[tensors[0]]["step"] == 6


def test_an_optimizer_of_another_kind_is_given_no_clock():
    optimizer = torch.optim.SGD(parameters(), lr=0.1)
    assert with_unit_clock(optimizer) is optimizer


def test_the_released_adam_creeps_as_the_page_says():
    """Its step is the rate times (1 - β₂^t) m / √v: the corrected first moment is computed and thrown away."""
    steps = []
    for t in (1, 10, 100, 1000):
        first, second = 1 - 0.9**t, 1 - 0.999**t  # of a constant gradient of 1
        steps.append(second * first / math.sqrt(second))
    assert [float(f"{step:.2g}") for step in steps] == [0.0032, 0.065, 0.31, 0.8]
    page = (Path(__file__).parents[2] / "docs" / "continual_backprop.md").read_text()
    assert "0.003, 0.065, 0.31 and 0.80 of the rate at t = 1, 10, 100 and 1,000" in page
