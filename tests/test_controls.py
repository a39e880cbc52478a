"""Controls of worlds: those that never change, and those that say in which task they are."""

import numpy as np
import pytest

from envs import ENVS
from envs.permuted_cartpole import PermutedCartPole
from envs.recipe import World
from launch.settings import Settings, added_later, what_makes_the_result
from plastic_rl.errors import UserError
from plastic_rl.nonstationary import Cycle, Every, Nonstationary, PermuteObservations, ShowTask, tell_task
from plastic_rl.nonstationary.clock import Clock
from plastic_rl.sb3.vec_env_state import restore_vec_env_state, vec_env_state

WORLDS = sorted(name for name, recipe in ENVS.items() if issubclass(recipe, World))
PACKAGES = {"noisy-lunarlander": "Box2D", "minatar-chain": "minatar"}
UNTOLD = {  # worlds that cannot say it, and why
    "damaged-ant": "equally many parameters",
    "minatar-chain": "vectors of floating-point numbers",
    "pixel-permuted-catch": "vectors of floating-point numbers",
}


def built(name, **settings):
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name])
    return ENVS[name](n_envs=1, change_every=10, **settings)


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_without_changes_keeps_its_first_task_for_ever(name):
    env, changing = built(name, changes=False).make(3), built(name).make(3)
    (due,) = env.env_method("get_wrapper_attr", "schedule")
    (parameters,) = changing.env_method("parameters", 0)
    env.reset()
    for _ in range(40):
        _, _, _, (info,) = env.step(np.array([env.action_space.sample()]))
        assert str(info["task"]) == str(parameters)
    assert due.task(Clock(10**12, 10**9)) == 0
    assert changing.get_attr("schedule")[0].task(Clock(10, 0)) == 1


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_that_tells_ends_its_observation_with_the_task_or_says_that_it_cannot(name):
    recipe = built(name, told=True)
    if name in UNTOLD:
        with pytest.raises(UserError, match=rf"env\.told=true cannot be here: .*{UNTOLD[name]}"):
            recipe.make(0)
        return
    env, plain = recipe.make(0), built(name).make(0)
    more = env.observation_space.shape[0] - plain.observation_space.shape[0]
    observation = env.reset()
    np.testing.assert_array_equal(observation[:, :-more], plain.reset())
    assert env.observation_space.contains(observation[0])
    assert np.isfinite(observation).all()
    if name in ("recurring-ant", "classic-chain"):
        assert observation[0, -more:].tolist() == [1, 0, 0]


def test_tasks_that_take_turns_are_told_by_which_they_are():
    env = PermutedCartPole(n_envs=1, change_every=10, returning=3, told=True).make(0)
    env.reset()
    seen = {}
    for _ in range(200):
        observation, _, done, (info,) = env.step(np.array([1]))
        if not done:
            seen[info["task"]["index"]] = observation[0, 4:].tolist()
    assert seen == {0: [1, 0, 0], 1: [0, 1, 0], 2: [0, 0, 1]}


def world(**settings):
    import gymnasium

    return Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), Every(1), **settings)


def test_tasks_that_never_return_are_told_by_their_parameters_as_they_differ_from_the_usual():
    env = tell_task(world(seed=2))
    tasks = [env.get_wrapper_attr("parameters")(index) for index in range(100)]
    numbers = np.array([task["permutation"] + task["signs"] for task in tasks], float)
    observation, info = env.reset(seed=0)
    assert info["task"]["index"] == 0
    expected = (numbers[0] - numbers.mean(0)) / numbers.std(0)
    np.testing.assert_allclose(observation[4:], expected, rtol=1e-6)


def test_what_is_the_same_in_all_tasks_is_told_as_zero_and_given_tasks_are_the_measure():
    task = {"permutation": [0, 1, 2, 3], "signs": [1, 1, 1, 1]}
    other = {**task, "signs": [1, 1, 1, -1]}
    env = tell_task(world(tasks=[{"index": 0, **task}, {"index": 1, **other}]))
    assert env.reset(seed=0)[0][4:].tolist() == [0] * 7 + [1]


def test_forms_that_are_unknown_or_say_nothing_are_refused():
    with pytest.raises(ValueError, match="form must be one of parameters, standardized, one_hot, got 'number'"):
        ShowTask(world(), "number")
    with pytest.raises(ValueError, match=r"no task of .* returns, so that its number says nothing"):
        ShowTask(world(), "one_hot")
    assert Cycle(Every(1), 4).number_of_tasks == 4


def test_runs_from_before_the_controls_are_found_and_the_controls_are_other_runs():
    from agents.ppo_cbp import PPOCBP

    def made(**settings):
        return what_makes_the_result(Settings(agent=PPOCBP(), env=PermutedCartPole(**settings), total_steps=1))

    plain = made()
    assert not {"changes", "told"} & plain["env"].keys()
    assert "mode" not in plain["agent"]
    assert len({str(made(**control)) for control in ({}, {"changes": False}, {"told": True})}) == 3
    later = {"changes": True, "told": False, "episode_steps": None, "reward_scale": 1.0, "first_clean": False}
    assert added_later(PermutedCartPole) == later


@pytest.mark.parametrize("returning", [0, 3])
def test_a_world_that_tells_goes_on_from_where_it_was_saved(returning):
    def made():
        return PermutedCartPole(n_envs=2, change_every=30, returning=returning, told=True).make(0)

    whole, again = made(), made()
    whole.reset()
    for _ in range(25):
        whole.step(np.array([1, 0]))
    restore_vec_env_state(again, vec_env_state(whole))
    for _ in range(30):
        one, other = (env.step(np.array([0, 1])) for env in (whole, again))
        np.testing.assert_array_equal(one[0], other[0])
