"""The steps of Adam in the lean loop: torch's bits on moments side by side, torch's numbers in one pass."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from plastic_rl.optim import AdamW, L2Init, PlasticOptimizer
from plastic_rl.sb3.lean.adam_steps import stepping
from plastic_rl.sb3.lean.clearing import Clearing
from plastic_rl.sb3.lean.flat_adam import FlatAdam, roots_of
from plastic_rl.sb3.lean.fused_adam import FusedAdam
from plastic_rl.sb3.lean.gradients import Gradients

SETTINGS = [{}, {"weight_decay": 0.1}, {"eps": 1e-12, "betas": (0.5, 0.9)}]


def parameters() -> list[Tensor]:
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape)) for shape in ((5, 7), (3,), ())]


def gradients_of(place: int, count: int) -> list[Tensor]:
    """Gradients of which the first parameter's rows are dead after a while, as those of dead units."""
    torch.manual_seed(place)
    found = [torch.randn(shape) for shape in ((5, 7), (3,), ())]
    found[0][:3] *= place < count // 2
    return found


def steps_by(optimizer: Any, kind: Any, count: int = 40) -> list[Tensor]:
    """The parameters after some steps, by torch or in another way."""
    moved = optimizer.param_groups[0]["params"]
    gradients = Gradients(moved)
    with stepping(optimizer, kind(gradients)):
        for place in range(count):
            for own, new in zip(gradients.of.values(), gradients_of(place, count), strict=True):
                own.copy_(new)
            gradients.hand_over()
            optimizer.step()
    return [each.detach() for each in moved]


def flat(gradients: Gradients) -> Any:
    return lambda adam: FlatAdam(adam, gradients)


def torchs(gradients: Gradients) -> Any:
    class Never:
        def take(self) -> bool:
            return False

        def end(self) -> None:
            pass

    return lambda adam: Never()


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, AdamW])
def test_steps_on_moments_side_by_side_are_torchs_bit_for_bit(kind: Any, settings: dict[str, Any]):
    ours, theirs = kind(parameters(), lr=0.1, **settings), kind(parameters(), lr=0.1, **settings)
    assert all(map(torch.equal, steps_by(ours, flat), steps_by(theirs, torchs)))
    for mine, its in zip(ours.state.values(), theirs.state.values(), strict=True):
        assert mine.keys() == its.keys()
        assert all(torch.equal(mine[name], its[name]) for name in mine)
        assert mine["exp_avg"].untyped_storage().nbytes() == its["exp_avg"].untyped_storage().nbytes()  # its own again


def test_steps_in_one_pass_are_torchs_to_rounding():
    for kind in (torch.optim.Adam, torch.optim.AdamW):
        ours, theirs = (kind(parameters(), lr=0.1, weight_decay=0.1) for _ in range(2))
        moved, expected = steps_by(ours, lambda gradients: FusedAdam), steps_by(theirs, torchs)
        torch.testing.assert_close(moved, expected, rtol=1e-5, atol=1e-6)
        assert [state["step"].item() for state in ours.state.values()] == [40.0] * 3


def test_an_adam_in_a_form_that_somebody_has_chosen_steps_as_ever():
    chosen: list[Any] = [{"fused": True}, {"foreach": True}, {"amsgrad": True}]
    for settings in chosen:
        optimizer = torch.optim.Adam(parameters(), **settings)
        with stepping(optimizer, FusedAdam):
            assert "step" not in vars(optimizer)
    optimizer = torch.optim.Adam(parameters())
    with stepping(optimizer, FusedAdam):
        assert "step" in vars(optimizer)
    assert "step" not in vars(optimizer)


def test_hooks_after_a_step_are_run():
    optimizer, heard = torch.optim.Adam(parameters()), list[int]()
    optimizer.register_step_post_hook(lambda *_: heard.append(1))
    steps_by(optimizer, lambda gradients: FusedAdam, count=3)
    assert len(heard) == 3


def test_moments_that_somebody_replaces_are_taken_up_again():
    ours, theirs = torch.optim.Adam(parameters(), lr=0.1), torch.optim.Adam(parameters(), lr=0.1)
    for optimizer, kind in ((ours, flat), (theirs, torchs)):
        moved = optimizer.param_groups[0]["params"]
        gradients = Gradients(moved)
        with stepping(optimizer, kind(gradients)):
            for place in range(12):
                for own, new in zip(gradients.of.values(), gradients_of(place, 12), strict=True):
                    own.copy_(new)
                gradients.hand_over()
                optimizer.step()
                if place == 5:
                    optimizer.state[moved[0]]["exp_avg"] = torch.ones(5, 7)
                if place == 8:
                    optimizer.state.pop(moved[1])  # a clock of its own from now on
    pairs = zip(ours.param_groups[0]["params"], theirs.param_groups[0]["params"], strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_the_roots_of_tiny_moments_make_no_difference_beside_epsilon():
    tiny = torch.tensor([0.0, 1e-45, 1e-40, 1e-38, 2e-38, 1e-20, 4.0])
    for eps in (1e-8, 1e-5, 1e-12):
        for share in (1.0, 0.03, 0.003):
            found = roots_of(tiny, eps, torch.empty_like(tiny)) / share + eps
            assert torch.equal(found, tiny.sqrt() / share + eps)


def test_gradients_are_clipped_as_torch_clips_them():
    for longest in (0.1, 4.9, 5.0, 1e9):
        ours, theirs = parameters(), parameters()
        gradients = Gradients(ours)
        for one, other, new in zip(gradients.of.values(), theirs, gradients_of(0, 10), strict=True):
            one.copy_(new)
            other.grad = new.clone()
        gradients.hand_over()
        gradients.clip(longest)
        nn.utils.clip_grad_norm_(theirs, longest)
        pairs = [(one.grad, other.grad) for one, other in zip(ours, theirs, strict=True)]
        assert all(one is not None and other is not None and torch.equal(one, other) for one, other in pairs)


@torch.no_grad()
def test_terms_of_weights_are_added_to_gradients_that_are_written_over():
    moved = parameters()
    plain: Any = torch.optim.SGD(moved, lr=0.1)
    optimizer = L2Init(plain, strength=0.5)
    moved[0].add_(1)
    gradients = Gradients(moved)
    for _ in range(2):
        Clearing(optimizer, gradients).clear()
        gradients.all.fill_(1.0)
        gradients.hand_over()
        assert moved[0].grad is not None
        assert (moved[0].grad - 1).abs().min() > 0.1


def test_an_optimiser_that_clears_in_its_own_way_is_asked():
    class Counting(PlasticOptimizer):
        cleared = 0

        def zero_grad(self, set_to_none: bool = True) -> None:
            self.cleared += 1
            super().zero_grad(set_to_none)

    optimizer = Counting(torch.optim.SGD(parameters(), lr=0.1))
    Clearing(optimizer, Gradients(optimizer.trained)).clear()
    assert optimizer.cleared == 1
