"""The recipes of off-policy and recurrent agents: published numbers, how often they update, where they may act."""

import json

import pytest
from gymnasium import spaces

from agents import AGENTS, agent_named
from agents.recipe import ReinforcementAgent
from envs import ENVS
from envs.recipe import Environment
from launch.effects import check_effects
from launch.run import run
from launch.settings import Settings, said_of
from plastic_rl.choices import Actions
from plastic_rl.errors import UserError
from plastic_rl.optim import ContinualBackprop, L2Init, ReDo, methods_in
from plastic_rl.runs import Track
from plastic_rl.sb3 import Resets, plastic_optimizers

ACTING = {name: recipe for name, recipe in AGENTS.items() if issubclass(recipe, ReinforcementAgent)}
SMALL = {"hidden_units": 8, "memory_units": 8, "critic_units": 8, "replay_size": 100}
SMALL |= {"rollout_steps": 32, "minibatch_size": 32}


def model_of(name, copies=1, **settings):
    recipe = agent_named(name)
    known = {key: value for key, value in {**SMALL, **settings}.items() if hasattr(recipe, key)}
    world = "permuted-cartpole" if Actions.discrete in recipe.actions else "permuted-pendulum"
    return recipe(**known).build(ENVS[world](n_envs=copies).make(0), seed=0, device="cpu")


WORLDS = [name for name, recipe in ENVS.items() if issubclass(recipe, Environment)]
RUNNERS = {name for name in WORLDS if name.endswith(("ant", "hopper", "walker2d", "halfcheetah"))} - {"slippery-ant"}


@pytest.mark.parametrize(
    "env", [pytest.param(name, marks=pytest.mark.slow) if name in RUNNERS else name for name in WORLDS]
)
def test_a_world_takes_the_actions_that_its_recipe_says(env):
    if package := {"noisy-lunarlander": "Box2D", "minatar-chain": "minatar"}.get(env):
        pytest.importorskip(package)
    space = ENVS[env]().build(seed=0).action_space
    assert isinstance(space, spaces.Discrete) is (ENVS[env].actions is Actions.discrete)


def test_sac_has_the_values_of_its_paper():
    """Haarnoja et al. 2018, Table 1; random actions to begin with as in rl-zoo's MuJoCo."""
    model = AGENTS["sac"]().build(ENVS["permuted-pendulum"]().make(0), seed=0, device="cpu")
    assert (model.learning_rate, model.batch_size, model.buffer_size, model.tau) == (3e-4, 256, 1_000_000, 0.005)
    assert (model.gamma, model.train_freq.frequency, model.gradient_steps, model.learning_starts) == (
        0.99,
        1,
        1,
        10_000,
    )
    assert model.policy.net_arch == [256, 256]
    assert model.ent_coef == "auto"
    assert model.target_entropy == -1.0


def test_td3_has_the_values_of_its_authors_code():
    model = AGENTS["td3"]().build(ENVS["permuted-pendulum"]().make(0), seed=0, device="cpu")
    assert (model.learning_rate, model.batch_size, model.tau, model.policy_delay) == (3e-4, 256, 0.005, 2)
    assert (model.target_policy_noise, model.target_noise_clip, model.action_noise._sigma.tolist()) == (0.2, 0.5, [0.1])


def test_classic_control_has_the_zoos_values_and_not_those_that_ppo_was_given_there():
    said = said_of("dqn", "permuted-cartpole")
    assert (said["learning_rate"], said["replay_ratio"], said["update_every"]) == (2.3e-3, 0.5, 256)
    assert said_of("dqn", "classic-chain") == {}
    assert said_of("dqn+cbp", "classic-chain") == {"cbp": {}}
    for other in ("dqn_cbp", "dqn_redo", "dqn_fresh"):
        assert said_of(other, "permuted-cartpole") == said
    assert said_of("sac_fresh", "permuted-pendulum") == said_of("sac", "permuted-pendulum")


@pytest.mark.parametrize(
    ("ratio", "every", "copies", "expected"),
    [
        (1.0, 1, 1, (1, 1)),
        (0.25, 4, 1, (4, 1)),
        (0.25, 4, 8, (1, 2)),  # eight copies make eight steps at once: two updates
        (4.0, 1, 1, (1, 4)),
        (0.5, 256, 8, (32, 128)),
        (1.0, 10, 4, (3, 12)),  # the next multiple of four
    ],
)
def test_the_replay_ratio_is_updates_per_environment_step(ratio, every, copies, expected):
    model = model_of("dqn", copies, replay_ratio=ratio, update_every=every)
    assert (model.train_freq.frequency, model.gradient_steps) == expected


def test_a_replay_ratio_that_makes_no_whole_number_is_refused():
    with pytest.raises(UserError, match=r"replay_ratio=0.1 is 0.4 updates every 4 steps .* a whole number"):
        model_of("dqn", replay_ratio=0.1, update_every=4)


@pytest.mark.parametrize(
    ("name", "methods"),
    [
        ("sac_cbp", [ContinualBackprop] * 2),  # of actor and critic
        ("sac_redo", [ReDo] * 2),
        ("td3_cbp", [ContinualBackprop] * 2),
        ("dqn_cbp", [ContinualBackprop]),
        ("dqn_redo", [ReDo]),
        ("recurrent_ppo_cbp", [ContinualBackprop]),
        ("dqn+cbp+l2_init", [ContinualBackprop, L2Init]),
    ],
)
def test_methods_wrap_each_optimiser_of_a_network(name, methods):
    optimizers = plastic_optimizers(model_of(name))
    named = [type(method) for optimizer in optimizers for method in methods_in(optimizer)]
    assert [kind for kind in named if kind in methods] == methods


PLAIN = {name: recipe for name, recipe in ACTING.items() if not recipe.base_name}
UNFIT = [(name, word) for name, recipe in PLAIN.items() for word in recipe.cannot_have]


@pytest.mark.parametrize(("name", "word"), UNFIT)
def test_what_an_agent_cannot_have_is_refused_by_name(name, word):
    with pytest.raises(UserError, match=f"{name} cannot have {word}, as "):
        agent_named(f"{name}+{word}")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a2c", "crossq", "dqn", "qrdqn", "recurrent_ppo", "sac", "td3", "tqc"])
def test_every_other_method_can_be_built_and_learns(name):
    from agents.together import methods_for

    small = {"minibatch_size": 8, "learning_starts": 8, "epochs": 1}
    for word in methods_for(AGENTS[name]):
        if word not in AGENTS[name].cannot_have:
            model_of(f"{name}+{word}", 2, **small).learn(40)


def test_resets_are_settings_and_their_number_is_in_the_metrics(tmp_path):
    agent = AGENTS["dqn"](hidden_units=8, learning_starts=20, reset_every=50, reset_layers=1, minibatch_size=8)
    (callback,) = agent.callbacks()
    assert isinstance(callback, Resets)
    assert (callback.every, callback.last) == (50, 1)
    assert AGENTS["dqn"]().callbacks() == []
    folder = run(
        Settings(
            agent=agent, env=ENVS["permuted-cartpole"](n_envs=1), total_steps=120, track=Track.off, out=str(tmp_path)
        )
    )
    lines = [json.loads(line) for line in folder.metrics_file.read_text().splitlines()]
    (resets,) = [line["resets/times"] for line in lines if "resets/times" in line]
    assert resets == 2


def test_changes_can_be_detected_by_an_agent_with_a_replay_buffer():
    model = model_of("dqn_fresh", changes_from="detected", learning_starts=8)
    model.learn(32)


def test_layers_of_resets_that_never_come_are_said_to_change_nothing(caplog):
    settings = Settings(agent=AGENTS["dqn"](reset_layers=1), env=ENVS["permuted-cartpole"](), total_steps=1)
    check_effects(settings, ["agent.reset_layers"])
    assert "agent.reset_layers changes nothing with agent.reset_every=0." in caplog.text
    caplog.clear()
    settings.agent.reset_every = 5
    check_effects(settings, ["agent.reset_layers"])
    assert not caplog.text
