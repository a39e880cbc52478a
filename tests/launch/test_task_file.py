"""Files of tasks: what a world cannot go through is refused before anything runs, and why is said."""

import json

import pytest

from envs import ENVS
from envs.recipe import Environment
from launch.run import run
from launch.task_file import check_task_file
from plastic_rl.errors import UserError
from plastic_rl.nonstationary import write_tasks

PERMUTED = {"index": 0, "permutation": [3, 2, 1, 0], "signs": [1, 1, 1, -1]}
SECOND = {**PERMUTED, "index": 1}


@pytest.fixture
def refused(tmp_path):
    """Return what is said of some lines."""

    def told(*lines, env="permuted-cartpole", steps=10, **settings):
        file = tmp_path / "tasks.jsonl"
        file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
        with pytest.raises(UserError) as refusal:
            check_task_file(ENVS[env](tasks=str(file), **settings), 0, steps)
        assert str(refusal.value).startswith("env.tasks")
        assert len(str(refusal.value).splitlines()) <= 2
        return str(refusal.value)

    return told


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "holds no tasks"),
        (["rubbish"], "line 1 is no JSON object"),
        (["[1, 2]"], "line 1 is no task"),
        ([{"index": 0, "permutation": [3, 2, 1, 0]}], "task 0: has no signs; expected index, permutation, signs"),
        ([PERMUTED, {**SECOND, "speed": 1}], "task 1: has speed, which this world has not"),
        ([SECOND], "task 0: has the index 1; tasks are counted from 0 in the order of their lines"),
        ([{**PERMUTED, "permutation": [3, 2, 1]}], "permutation is [3, 2, 1]: expected the numbers from 0 to 3"),
        ([{**PERMUTED, "permutation": [3, 2, 1, 1]}], "permutation is [3, 2, 1, 1]: expected the numbers from 0 to 3"),
        ([{**PERMUTED, "permutation": 3}], "permutation is 3"),
        ([{**PERMUTED, "signs": [1, 1, 1, "up"]}], "signs is [1, 1, 1, 'up']: expected 4 numbers"),
        ([{**PERMUTED, "signs": [1, 1, 1, float("nan")]}], "expected 4 numbers"),
    ],
)
def test_what_is_no_task_of_this_world_is_refused_by_line_and_name(refused, lines, said):
    assert said in refused(*lines)


def test_a_number_that_is_not_finite_is_refused(refused):
    for bad in (float("nan"), float("inf"), "slippery"):
        assert "friction is" in refused({"index": 0, "friction": bad}, env="slippery-ant")


def test_too_few_tasks_are_noticed_before_the_run_comes_to_their_end(refused):
    said = refused(PERMUTED, SECOND, steps=3000, change_every=1000)
    assert "has 2 tasks, and by step 3,000 this run comes to task 2, counted from 0" in said


@pytest.mark.parametrize("name", [name for name, recipe in ENVS.items() if issubclass(recipe, Environment)])
def test_the_tasks_that_a_world_writes_are_taken_by_it(tmp_path, name):
    if package := {"noisy-lunarlander": "Box2D", "minatar-chain": "minatar"}.get(name):
        pytest.importorskip(package)
    settings = {"change_every": 1000} if hasattr(ENVS[name], "change_every") else {}
    world = ENVS[name](**settings).build(seed=3)
    if world.has_wrapper_attr("follow"):
        write_tasks(world, tmp_path / "tasks.jsonl", 6)
        check_task_file(ENVS[name](**settings, tasks=str(tmp_path / "tasks.jsonl")), 0, 6000)


def test_the_front_door_checks_them(settings_of, tmp_path):
    (tmp_path / "tasks.jsonl").write_text('{"index": 0}\n')
    words = ("agent=ppo", "env=permuted-cartpole", f"env.tasks={tmp_path}/tasks.jsonl", f"out={tmp_path}", "track=off")
    with pytest.raises(UserError, match="has no permutation, signs"):
        run(settings_of(*words))


def test_the_last_rollout_counts_whole(settings_of, tmp_path):
    """A run of 1,500 steps in rollouts of 1,024 comes to 2,048, which is in its second task."""
    (tmp_path / "tasks.jsonl").write_text(json.dumps(PERMUTED) + "\n")
    words = ("agent=ppo", "env=permuted-cartpole", f"env.tasks={tmp_path}/tasks.jsonl", f"out={tmp_path}", "track=off")
    with pytest.raises(UserError, match="by step 2,048 this run comes to task 1"):
        run(settings_of(*words, "total_steps=1500", "env.change_every=1500"))
