"""Changes that an environment announces and a detector does not notice are said once."""

import pytest

from plastic_rl.sb3.missed_changes import PATIENCE, MissedChanges


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        pytest.param([(0, 0, 0), (1, 0, 100), (1, 0, 100 + PATIENCE)], "change by step 100", id="never noticed"),
        pytest.param([(0, 0, 0), (1, 0, 100), (2, 0, 200), (3, 0, 300)], "step 200: ", id="the next one came first"),
        pytest.param([(0, 0, 0), (1, 0, 100), (1, 1, 200), (1, 1, 10**6)], None, id="noticed later"),
        pytest.param([(0, 0, 0), (1, 1, 100), (1, 1, 10**6)], None, id="noticed in the same rollout"),
        pytest.param([(3, 0, 0), (3, 0, 10**6)], None, id="the first task"),
        pytest.param([(None, 0, 0), (None, 0, 10**6)], None, id="no announcements"),
        pytest.param([(0, 0, 0), (1, 1, 100), (2, 1, 200), (2, 1, 200 + PATIENCE)], "by step 200", id="only the first"),
    ],
)
def test_a_change_that_was_announced_and_not_noticed_is_said_once(looks, said, caplog):
    missed = MissedChanges()
    for task, noticed, step in looks:
        missed.look(task, noticed, step)
    assert len(caplog.records) == (said is not None)
    assert said is None or said in caplog.text
