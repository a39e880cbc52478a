"""Models on film: what they do in each task, and what they are paid there."""

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from plastic_rl.nonstationary import EveryEpisodes, Listed, Nonstationary, ShiftReward
from plastic_rl.sb3 import film_model, plastic
from plastic_rl.sb3.filmed import FilmedModel


class Lamp(gymnasium.Env):
    """Shines as brightly as the step of its episode, which has three."""

    observation_space = gymnasium.spaces.Box(-1, 9, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)
    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012
    render_mode = "rgb_array"

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.age = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.age += 1
        return np.full(1, self.age, np.float32), 1.0, self.age == 3, False, {}

    def render(self):
        return np.full((2, 4, 3), self.age, np.uint8)


def world():
    return Nonstationary(Lamp(), ShiftReward(Listed([0, 10])), EveryEpisodes(1))


def test_tasks_are_side_by_side_and_each_says_what_was_paid():
    from stable_baselines3 import PPO

    model = plastic(PPO)("MlpPolicy", DummyVecEnv([world]), n_steps=8, batch_size=8, seed=0)
    frames, lines = film_model(model, world, tasks=(0, 1, 0), steps=7)
    assert frames.shape == (7, 2, 12, 3)
    assert frames[:, 0, 0, 0].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert lines == [
        "task 0: reward 7.0 over 7 steps, 2 episodes ended",
        "task 1: reward 77.0 over 7 steps, 2 episodes ended",
        "task 0: reward 7.0 over 7 steps, 2 episodes ended",
    ]


class Recurrent:
    """A model that remembers how many steps its episode has had, and acts by it."""

    def __init__(self, env):
        self.env, self.seen = env, []

    def get_vec_normalize_env(self):
        return self.env

    def predict(self, observation, state, episode_start, deterministic):
        self.seen.append((observation.tolist(), state, bool(episode_start[0])))
        return 0, 0 if episode_start[0] else state + 1


def test_a_policy_sees_normalised_observations_and_forgets_at_the_beginning_of_an_episode():
    normalization = VecNormalize(DummyVecEnv([Lamp]), training=False)
    normalization.obs_rms.mean, normalization.obs_rms.var = np.ones(1), np.full(1, 4.0)
    policy = FilmedModel(model := Recurrent(normalization))
    for observation in (1.0, 3.0):
        policy(np.array([observation]), 0)
    policy.begin()
    policy(np.array([1.0]), 0)
    assert [(state, begins) for _, state, begins in model.seen] == [(None, True), (0, False), (None, True)]
    assert round(model.seen[1][0][0], 4) == 1.0
