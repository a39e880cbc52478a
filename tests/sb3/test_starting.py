"""Models that begin with saved weights: what is taken over, what is drawn afresh, and what is refused."""

from functools import partial

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from plastic_rl.choices import Reset
from plastic_rl.errors import UserError
from plastic_rl.optim import ContinualBackprop, L2Init
from plastic_rl.sb3 import ForgettingNormalize, Start, add_plasticity, plastic, redraw, starting
from plastic_rl.sb3.starting import put_statistics

RELU = {"activation_fn": torch.nn.ReLU, "net_arch": [8]}
MAKE = {
    "ppo": partial(PPO, "MlpPolicy", "Pendulum-v1", n_steps=16, batch_size=8, n_epochs=2, policy_kwargs=RELU),
    "sac": partial(SAC, "MlpPolicy", "Pendulum-v1", learning_starts=8, batch_size=8, policy_kwargs={"net_arch": [8]}),
    "dqn": partial(DQN, "MlpPolicy", "CartPole-v1", learning_starts=8, policy_kwargs={"net_arch": [8]}),
}
HEADS = {
    "ppo": {"action_net", "value_net", "log_std"},
    "sac": {"actor.mu", "actor.log_std", "critic.qf0.2", "critic.qf1.2", "critic_target.qf0.2", "critic_target.qf1.2"},
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return where models of plain Stable-Baselines3, a little trained, are saved."""
    folder = tmp_path_factory.mktemp("saved")
    for name, make in MAKE.items():
        model = make(seed=5)
        model.learn(32)
        model.save(folder / f"{name}.zip")
    return folder


def begun(saved, name, reset=Reset.nothing, seed=6, **settings):
    algorithm = plastic(MAKE[name].func)
    with starting(Start(saved / f"{name}.zip", reset)):
        return algorithm(*MAKE[name].args, **{**MAKE[name].keywords, **settings}, seed=seed)


def differing(one, other):
    mine, theirs = one.policy.state_dict(), other.policy.state_dict()
    return {name for name in mine if not torch.equal(mine[name], theirs[name])}


@pytest.mark.parametrize("name", ["ppo", "sac"])
def test_everything_is_the_saved_one_and_the_optimisers_know_what_they_knew(saved, name):
    old, new = MAKE[name].func.load(saved / f"{name}.zip"), begun(saved, name)
    assert differing(old, new) == set()
    parameters = old.get_parameters()
    for each, now in new.get_parameters().items():
        if each.endswith("optimizer"):
            assert now["state"].keys() == parameters[each]["state"].keys()
            for number, state in now["state"].items():
                for key, value in state.items():
                    assert torch.equal(value, parameters[each]["state"][number][key])
    if name == "sac":
        assert torch.equal(old.log_ent_coef, new.log_ent_coef)


@pytest.mark.parametrize("name", ["ppo", "sac"])
def test_heads_are_drawn_afresh_and_their_moments_go(saved, name):
    old, new, fresh = begun(saved, name), begun(saved, name, Reset.head), plastic(MAKE[name].func)
    untouched = fresh(*MAKE[name].args, **MAKE[name].keywords, seed=6)
    of_heads = {each.removesuffix(".weight").removesuffix(".bias") for each in differing(old, new)}
    assert of_heads == HEADS[name] - {"log_std"} | ({"log_std"} & differing(old, new))
    assert differing(new, untouched).isdisjoint(differing(old, new))
    optimizer = new.policy.optimizer if name == "ppo" else new.actor.optimizer
    heads = [new.policy.action_net, new.policy.value_net] if name == "ppo" else [new.actor.mu, new.actor.log_std]
    for parameter in (each for head in heads for each in head.parameters()):
        assert parameter not in optimizer.state
    assert len(optimizer.state) == len(optimizer.param_groups[0]["params"]) - 4 - (name == "ppo")


def test_a_critic_is_drawn_afresh_alone(saved):
    changed = differing(begun(saved, "ppo"), begun(saved, "ppo", Reset.critic))
    assert changed
    assert all(name.startswith(("mlp_extractor.value_net.", "value_net.")) for name in changed)
    changed = differing(begun(saved, "sac"), begun(saved, "sac", Reset.critic))
    assert {name.partition(".")[0] for name in changed} == {"critic", "critic_target"}


def test_an_optimiser_begins_anew(saved):
    new = begun(saved, "ppo", Reset.optimizer)
    assert differing(begun(saved, "ppo"), new) == set()
    assert not new.policy.optimizer.state


def test_methods_begin_with_the_weights_that_they_find(saved):
    new = begun(saved, "ppo", Reset.optimizer, plasticity=partial(L2Init, strength=1.0))
    for name, parameter in new.policy.named_parameters():
        assert torch.equal(parameter, PPO.load(saved / "ppo.zip").policy.get_parameter(name))
    new.policy.optimizer.zero_grad()
    new.policy.optimizer.step()
    assert differing(begun(saved, "ppo", Reset.optimizer), new) == set(), "nothing draws them elsewhere"


def test_weights_that_are_drawn_after_a_model_is_made_are_the_saved_ones_all_the_same(saved):
    with starting(Start(saved / "ppo.zip")):
        new = plastic(PPO)(*MAKE["ppo"].args, **MAKE["ppo"].keywords, seed=6)
        redraw(new, "lecun_uniform_")
        add_plasticity(new, partial(ContinualBackprop, replacement_rate=1e-4))
    assert differing(begun(saved, "ppo"), new) == set()


def test_the_quick_loop_goes_on_from_them_as_the_slow_one_does(saved):
    models = [begun(saved, "ppo", Reset.head, lean=lean).learn(32) for lean in ("exact", "off")]
    assert differing(*models) == set()


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        (
            "ppo",
            {"policy_kwargs": {**RELU, "net_arch": [6]}},
            r"policy_net.0.weight is \[8, 3\] there and \[6, 3\] here",
        ),
        ("ppo", {"policy_kwargs": {**RELU, "net_arch": [8, 8]}}, r"policy_net.2.weight is not there there and"),
        ("ppo", {"policy_kwargs": {"net_arch": [8]}}, r"policy_net.1 is ReLU\(\) there and Tanh\(\) here"),
        ("sac", {"policy_kwargs": {"net_arch": [8], "n_critics": 1}}, "critic.qf1.0.weight is .* there and not here"),
    ],
)
def test_another_shape_is_refused_by_name(saved, name, settings, said):
    with pytest.raises(UserError, match=said):
        begun(saved, name, **settings)


def test_another_world_has_other_actions_where_the_head_is_reset(saved):
    MAKE["wide"] = partial(MAKE["ppo"].func, "MlpPolicy", Wide(), **MAKE["ppo"].keywords)
    (saved / "wide.zip").write_bytes((saved / "ppo.zip").read_bytes())
    with pytest.raises(UserError, match=r"action_net.weight is \[1, 8\] there and \[2, 8\] here"):
        begun(saved, "wide")
    assert begun(saved, "wide", Reset.head).policy.action_net.out_features == 2


class Wide(gymnasium.Env):
    """As many observations as Pendulum, and one action more."""

    observation_space = gymnasium.spaces.Box(-1, 1, (3,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        return np.zeros(3, np.float32), {}


def test_what_is_no_saved_model_or_cannot_begin_with_one_is_refused(saved, tmp_path):
    (tmp_path / "empty.zip").write_text("")
    for path, said in ((tmp_path / "none.zip", "no such file"), (tmp_path / "empty.zip", "cannot be read")):
        with pytest.raises(UserError, match=said):
            Start(path)
    with pytest.raises(UserError, match="is of agents with an actor and a critic; DQNPolicy is one"):
        begun(saved, "dqn", Reset.critic)
    with pytest.raises(UserError, match="is not for this agent"), starting(Start(saved / "ppo.zip")):
        MAKE["ppo"](seed=0)  # a plain one


def test_what_normalises_observations_is_taken_over_or_missed(saved, tmp_path, caplog):
    venv = VecNormalize(DummyVecEnv([lambda: gymnasium.make("Pendulum-v1")]), norm_reward=False)
    venv.obs_rms.mean, venv.obs_rms.count = np.array([1.0, 2.0, 3.0]), 50.0
    venv.save(tmp_path / "vecnormalize.pkl")
    new = begun(saved, "ppo")
    with pytest.raises(UserError, match="saw normalised observations"):
        put_statistics(new, tmp_path / "vecnormalize.pkl")
    new.set_env(ForgettingNormalize(new.get_env(), decay=0.99, norm_reward=False))
    put_statistics(new, tmp_path / "nothing.pkl")
    assert "begin empty" in caplog.text
    put_statistics(new, tmp_path / "vecnormalize.pkl")
    statistics = new.get_vec_normalize_env().obs_rms
    assert (statistics.mean.tolist(), statistics.count, statistics.decay) == ([1.0, 2.0, 3.0], 50.0, 0.99)
