"""The last row of a run's results, by task and not by place."""

from dataclasses import replace

import pytest

from plastic_rl.learners import Backprop
from plastic_rl.runs import RunFolder, Track
from plastic_rl.streams import Plan
from plastic_rl.training import final_results, train_learner
from tests.streams.small import Blobs, blueprint, mlp


class Backwards(Blobs):
    """The tasks of blobs, the last first."""

    def task(self, index):
        return replace(super().task(self.plan.tasks - 1 - index), index=index)


def results(path, stream):
    folder = RunFolder(path)
    folder.prepare(fresh=False)
    try:
        learner = Backprop(blueprint(mlp), stream, seed=0)
        train_learner([stream], learner, folder, track=Track.off)
        return final_results(folder), learner
    finally:
        folder.release()


def test_a_result_is_found_by_the_identity_of_its_task(tmp_path):
    stream = Backwards(Plan(3, batch_size=4, looks_back=True))
    (found,), learner = results(tmp_path, stream)
    assert list(found) == [2, 1, 0]
    for index in range(3):
        task = stream.task(index)
        hits = learner.predict(task.test.inputs[None], task)[0].argmax(-1) == task.test.targets
        assert found[task.identity] == pytest.approx(hits.double().mean().item())


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (Blobs(Plan(2, batch_size=4)), "does not look back"),
        (Blobs(Plan(3, batch_size=4, looks_back=True), returning=2), "more than once"),
    ],
)
def test_results_that_cannot_be_told_apart_are_refused(tmp_path, stream, reason):
    with pytest.raises(ValueError, match=reason):
        results(tmp_path, stream)
