"""The probe of learners of streams, beside their training."""

import pytest
import torch

from plastic_rl.diagnostics.probing import ProbeSettings
from plastic_rl.learners import Backprop, OneByOne, backprop_learner
from plastic_rl.training.course import Course
from tests.streams.small import Blobs, Scripted, blueprint, mlp, plan

TINY = ProbeSettings(repeats=2, updates=3, batch_size=8, samples=16)


def go(make, seeds=2, **settings):
    streams, recorded = [Blobs(plan(tasks=3), seed) for seed in range(seeds)], []
    learner = make(streams)
    Course(streams, learner, lambda _, rows: recorded.extend(rows), lambda: None, probe=TINY, **settings).go()
    return [network.state_dict() for network in learner.networks], [row for row in recorded if "probe/gap" in row]


@pytest.mark.parametrize(
    "make",
    [
        lambda streams: backprop_learner(blueprint(mlp), streams),
        lambda streams: OneByOne([Backprop(blueprint(mlp), stream, seed=stream.seed) for stream in streams]),
    ],
    ids=["side by side", "one by one"],
)
def test_probes_leave_every_weight_as_it_is_without_them(make):
    (plain, nothing), (probed, found) = go(make), go(make, probe_every=2)
    for before, after in zip(plain, probed, strict=True):
        assert all(torch.equal(before[name], after[name]) for name in before)
    assert nothing == []
    assert [(row["task/index"], row["seed"]) for row in found] == [(1, 0), (1, 1)]
    assert found[0]["probe/gap_low"] <= found[0]["probe/gap"] <= found[0]["probe/gap_high"]


def test_a_learner_that_does_not_say_how_its_networks_are_made_is_refused_before_it_learns():
    with pytest.raises(TypeError, match="Scripted does not say how its networks are made"):
        go(Scripted, seeds=1, probe_every=1)
