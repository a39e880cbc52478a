"""Detection of regimes in toy worlds: a point that is pushed about, by other laws in each."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from plastic_rl.regimes import RegimeDetector, Transitions

A, B, C = (torch.tensor(matrix).double() for matrix in ([[1.0, 0], [0, 1]], [[0, 1.0], [1, 0]], [[-1.0, 0], [0, 1]]))


def life(law: torch.Tensor, steps: int, *, copies: int = 1, seed: int = 0, push: float = 1.0) -> Iterator[Transitions]:
    """Pushes whose effect is `law`, with noise of a twentieth."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        features, noise = torch.randn(2, copies, 2, generator=generator, dtype=torch.float64)
        targets = push * features @ law + 0.05 * noise
        yield Transitions((push * features).numpy(), targets.numpy(), [False] * copies)


def apart(
    first: torch.Tensor, others: torch.Tensor, steps: int, *, copies: int = 2, seed: int
) -> Iterator[Transitions]:
    """A life whose first copy is in another world than the others."""
    for one, rest in zip(
        life(first, steps, seed=seed), life(others, steps, copies=copies - 1, seed=-seed), strict=True
    ):
        features, targets = np.vstack([one.features, rest.features]), np.vstack([one.targets, rest.targets])
        yield Transitions(features, targets, [False] * copies)


def detector(**settings: float) -> RegimeDetector:
    return RegimeDetector(2, 2, int(settings.pop("copies", 1)), **settings)


def lived(watcher: RegimeDetector, law: torch.Tensor, steps: int, **how: float) -> list[int]:
    """The steps at which a regime was found to have changed."""
    found = [watcher.observe(transitions) for transitions in life(law, steps, **how)]
    return [step for step, counts in enumerate(found) if any(counts)]


def test_a_world_that_stays_as_it_is_raises_no_alarm_whatever_is_done_in_it():
    watcher = detector(horizon=1000.0)
    for stage in range(20):
        assert lived(watcher, A, 500, seed=stage, push=0.2 + 0.2 * stage) == []
    assert list(watcher.models) == [0]


def test_arrays_that_are_used_again_for_the_next_step_change_nothing():
    watcher, other = detector(), detector()
    features, targets = np.empty((2, 1, 2))
    alarms: list[list[list[int]]] = [[], []]
    for law in (A, B, A):
        for transitions in life(law, 400):
            alarms[0].append(watcher.observe(transitions))
            features[:], targets[:] = transitions.features, transitions.targets
            alarms[1].append(other.observe(Transitions(features, targets, [False])))
    assert sum(map(any, alarms[0])) == 2
    assert alarms[0] == alarms[1]


def test_another_world_raises_one_alarm_after_as_many_surprises_as_the_threshold_asks():
    for threshold in (4.0, 12.0):
        watcher = detector(threshold=threshold)
        lived(watcher, A, 500)
        (alarm,) = lived(watcher, B, 500, seed=1)
        assert threshold <= alarm <= threshold + 5
        assert (watcher.latest, watcher.regimes) == (1, [1])


def test_the_count_of_an_alarm_reaches_back_to_the_change():
    watcher = detector()
    lived(watcher, A, 500)
    found = [watcher.observe(transitions)[0] for transitions in life(B, 30, seed=1)]
    alarm = next(step for step, count in enumerate(found) if count)
    assert found[alarm] == alarm + 1


def test_freaks_that_are_fewer_than_other_transitions_raise_no_alarm():
    watcher = detector()
    lived(watcher, A, 500)
    freak = Transitions(np.ones((1, 2)), np.full((1, 2), 1e9), [False])
    for step, transitions in enumerate(life(A, 600, seed=1)):
        assert watcher.observe(freak if step % 3 == 0 else transitions) == [0]


def test_a_world_that_returns_has_its_name_again_and_a_new_one_another():
    watcher, names = detector(), []
    for seed, law in enumerate((A, B, A, C, B, C, A)):
        lived(watcher, law, 300, seed=seed)
        names.append(watcher.latest)
    assert names == [0, 1, 0, 2, 1, 2, 0]


def test_a_model_does_not_learn_from_the_world_that_raises_an_alarm_against_it():
    watcher = detector()
    lived(watcher, A, 512)
    before = watcher.models[0].moments.products.clone(), watcher.models[0].moments.cross.clone()
    lived(watcher, B, 300, seed=1)
    assert torch.equal(watcher.models[0].moments.products, before[0])
    assert torch.equal(watcher.models[0].moments.cross, before[1])


def test_a_copy_whose_episode_ends_follows_the_one_that_raised_the_alarm():
    watcher = detector(copies=3)
    lived(watcher, A, 300, copies=3)
    for step in apart(B, A, 20, copies=3, seed=1):
        watcher.observe(step)
    assert (watcher.regimes, watcher.latest) == ([1, 0, 0], 1)
    end = next(life(A, 1, copies=3, seed=3))
    assert watcher.observe(Transitions(end.features, end.targets, [False, True, False])) == [0, 0, 0]
    assert watcher.regimes == [1, 1, 0]


def test_what_spoke_for_a_change_is_not_forgotten_at_the_end_of_an_episode():
    watcher = detector()
    lived(watcher, A, 500)
    found = []
    for step, transitions in enumerate(life(B, 40, seed=1)):
        ended = step % 6 == 5
        found.append(watcher.observe(Transitions(transitions.features, transitions.targets, [ended]))[0])
    alarm = next(step for step, count in enumerate(found) if count)
    assert 12 <= alarm <= 17  # eleven surprises and the two or so ends of episodes between them
    assert found[alarm] == alarm + 1


def test_a_regime_that_was_left_before_it_was_known_is_not_taken_for_every_other():
    watcher = detector(copies=2)
    for seed, law in enumerate((A, B, A)):
        lived(watcher, law, 300, copies=2, seed=seed)
    for step in apart(C, B, 20, seed=4):  # the copies leave A for two worlds, one of them new
        watcher.observe(step)
    assert (watcher.regimes, watcher.latest) == ([2, 1], 1)
    assert watcher.models[2].is_young
    end = next(life(A, 1, copies=2))
    watcher.observe(Transitions(end.features, end.targets, [True, True]))
    lived(watcher, -B, 100, copies=2, seed=5)
    assert (watcher.regimes, watcher.latest) == ([3, 3], 3)


def saved_and_loaded(watcher: RegimeDetector) -> RegimeDetector:
    file = io.BytesIO()
    torch.save(watcher.state_dict(), file)
    file.seek(0)
    other = detector(copies=len(watcher.regimes))
    other.load_state_dict(torch.load(file, weights_only=True))
    return other


def test_a_saved_detector_goes_on_exactly_even_amid_a_suspicion():
    watcher = detector(copies=2)
    lived(watcher, A, 301, copies=2)
    lived(watcher, B, 5, copies=2, seed=1)
    other = saved_and_loaded(watcher)
    assert other.suspicions[0].statistic == watcher.suspicions[0].statistic > 0
    for law, seed in ((B, 2), (C, 3), (A, 4)):
        assert lived(watcher, law, 200, copies=2, seed=seed) == lived(other, law, 200, copies=2, seed=seed)
    assert other.regimes == watcher.regimes
    for name, model in watcher.models.items():
        assert torch.equal(model.moments.products, other.models[name].moments.products)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"threshold must be above 0, got 0\.0"):
        detector(threshold=0.0)
    with pytest.raises(ValueError, match=r"tolerance must be above 0, got -1\.0"):
        detector(tolerance=-1.0)
    with pytest.raises(ValueError, match="watches 2 copies, this one 1"):
        detector().load_state_dict(detector(copies=2).state_dict())
