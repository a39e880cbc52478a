"""The recipes: one file a name, the papers' numbers, and that each of them runs."""

import inspect
import json
import math
import re
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv

from agents import AGENTS, BASES, NAMED, PAIRS
from agents.combined import combined
from agents.ewc import EWC
from agents.l2_transfer import L2Transfer
from agents.methods import METHODS, MethodSettings, NetworkSettings
from agents.methods import ContinualBackprop as ContinualBackpropSettings
from agents.ppo import PPO
from agents.ppo_apd import PPOAPD
from agents.ppo_cbp import PPOCBP
from agents.ppo_hsic import PPOHSIC
from agents.ppo_hsic_reg import PPOHSICReg
from agents.ppo_l2 import PPOL2
from agents.ppo_tuned import PPOTuned
from agents.recipe import ReinforcementAgent
from envs import ENVS
from envs.ant import Ant
from envs.permuted_cartpole import PermutedCartPole
from envs.recipe import Environment
from envs.slippery_ant import SlipperyAnt
from launch.run import run
from launch.settings import Settings
from plastic_rl.choices import Actions
from plastic_rl.errors import UserError
from plastic_rl.initialisers import lecun_uniform_
from plastic_rl.networks import nonlinearity
from plastic_rl.optim import ContinualBackprop, PlasticOptimizer
from plastic_rl.runs import Track
from plastic_rl.sb3.trunk import Nonlinearity
from tests.layers.zoo import Box

pytestmark = pytest.mark.usefixtures("rough_pictures")

ROOT = Path(__file__).parents[1]
ACTING = [name for name, recipe in AGENTS.items() if issubclass(recipe, ReinforcementAgent)]
WORLDS = [name for name, recipe in ENVS.items() if issubclass(recipe, Environment)]
SMALL = {"rollout_steps": 64, "minibatch_size": 32, "epochs": 2, "hidden_units": 8}


def modules(folder):
    shared = {"__init__", "acting", "recipe", "replay", "methods", "combined", "together", "decomposition", "published"}
    shared |= {"step_sizes", "search", "own", "user_modules"}
    return {path.stem for path in (ROOT / folder).glob("*.py")} - shared


def test_every_agent_is_a_file_of_its_name_or_a_base_and_a_method_together():
    assert {name: recipe.__module__ for name, recipe in NAMED.items()} == {
        name: f"agents.{name}" for name in modules("agents")
    }
    pairs = [(base, method) for base in BASES for method in METHODS if base in (METHODS[method].bases or BASES)]
    together = {f"{base}_{method}": (BASES[base], METHODS[method]) for base, method in pairs}
    assert set(AGENTS) == set(NAMED) | set(PAIRS) | set(together)
    for name in set(AGENTS) - set(NAMED) - set(PAIRS):
        assert all(issubclass(AGENTS[name], part) for part in together[name])


OPTIMISER_METHODS = [method for method in METHODS.values() if issubclass(method, MethodSettings)]
NETWORKS = {word: method for word, method in METHODS.items() if issubclass(method, NetworkSettings)}


@pytest.mark.parametrize("settings", [*OPTIMISER_METHODS, ContinualBackpropSettings, EWC, L2Transfer])
def test_the_settings_of_a_method_are_those_of_the_library(settings):
    method = settings().plasticity()
    assert inspect.signature(method).bind(torch.optim.SGD([torch.zeros(1)], lr=0.1))
    assert issubclass(method.func, PlasticOptimizer)


@pytest.mark.parametrize("word", NETWORKS)
def test_the_settings_of_a_network_are_those_of_the_library(word):
    options = NETWORKS[word]().network_options()
    assert options
    assert nonlinearity(8, **options)
    policy = AGENTS[f"ppo_{word}"](**SMALL).build(PermutedCartPole(n_envs=1).make(0), seed=0, device="cpu").policy
    between = [type(module) for module in policy.mlp_extractor.value_net[1]]
    assert between == [type(module) for module in Nonlinearity(**options)]


@pytest.mark.parametrize("base", [PPOAPD, PPOHSICReg])
@pytest.mark.parametrize("word", NETWORKS)
def test_a_network_goes_with_what_looks_at_the_layers_of_a_policy(word, base):
    model = combined("ppo", base, NETWORKS[word])(**SMALL).build(
        PermutedCartPole(n_envs=1).make(0), seed=0, device="cpu"
    )
    model.learn(64)
    assert all(torch.isfinite(parameter).all() for parameter in model.policy.parameters())


@pytest.mark.parametrize("word", NETWORKS)
def test_networks_that_cannot_follow_a_policys_layers_are_refused_by_name(word):
    world = Box(spaces.Box(0, 255, (3, 36, 36), dtype="uint8"), spaces.Discrete(2))
    given = re.escape(", ".join(f"{key}={value}" for key, value in NETWORKS[word]().network_options().items()))
    with pytest.raises(UserError, match=f"the convolutional network of a world of images is as it is, without {given}"):
        AGENTS[f"ppo_{word}"](**SMALL).build(DummyVecEnv([lambda: world]), seed=0, device="cpu")
    local = combined("ppo_hsic", PPOHSIC, NETWORKS[word])(**SMALL)
    with pytest.raises(UserError, match=f"the locally trained trunk of ppo_hsic is as it is, without {given}"):
        local.build(PermutedCartPole(n_envs=1).make(0), seed=0, device="cpu")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("base", BASES)
def test_no_setting_of_a_method_is_called_as_one_of_a_base(base, method):
    assert not {field.name for field in fields(BASES[base])} & {field.name for field in fields(METHODS[method])}


def test_every_environment_is_a_file_of_its_name_and_every_file_an_environment():
    assert {name: recipe.__module__ for name, recipe in ENVS.items()} == {
        name.replace("_", "-"): f"envs.{name}" for name in modules("envs")
    }


@pytest.mark.parametrize("recipe", [*AGENTS.values(), *ENVS.values()])
def test_every_recipe_says_in_one_line_what_it_is(recipe):
    assert re.fullmatch(r"[A-Z].{30,110}\.", recipe.__doc__.splitlines()[0])


@pytest.mark.parametrize(
    ("agent", "betas", "weight_decay"),
    [(PPO, (0.9, 0.999), 0), (PPOTuned, (0.99, 0.99), 0), (PPOL2, (0.99, 0.99), 1e-3), (PPOCBP, (0.99, 0.99), 1e-4)],
)
def test_agents_are_built_as_the_paper_sets_them(agent, betas, weight_decay):
    """The table of Dohare et al. (2024), from `lop/rl/cfg` of their code."""
    model = agent().build(PermutedCartPole(n_envs=1).make(0), seed=0, device="cpu")
    (group,) = model.policy.optimizer.param_groups
    assert (tuple(group["betas"]), group["weight_decay"], group["eps"], group["lr"]) == (
        betas,
        weight_decay,
        1e-8,
        1e-4,
    )
    assert (model.n_steps, model.n_epochs, model.batch_size) == (2048, 10, 128)
    assert (model.gamma, model.gae_lambda, model.clip_range(1.0)) == (0.99, 0.95, 0.2)
    assert (model.vf_coef, model.ent_coef, model.max_grad_norm, model.normalize_advantage) == (1.0, 0.0, 1e9, True)
    for network in (model.policy.mlp_extractor.policy_net, model.policy.mlp_extractor.value_net):
        assert [type(layer).__name__ for layer in network] == ["Linear", "ReLU", "Linear", "ReLU"]
        assert [layer.out_features for layer in network[::2]] == [256, 256]


def test_weights_are_lecun_uniform_and_biases_zero_in_every_layer_the_output_included():
    model = PPO().build(PermutedCartPole(n_envs=1).make(0), seed=0, device="cpu")
    layers = [module for module in model.policy.modules() if isinstance(module, torch.nn.Linear)]
    assert len(layers) == 6
    for layer in layers:
        bound = math.sqrt(3 / layer.in_features)
        assert 0.95 * bound < layer.weight.abs().max() <= bound
        assert layer.bias.abs().max() == 0


def test_continual_backprop_has_the_papers_settings_and_the_agents_overrides():
    method = PPOCBP().plasticity()
    assert method.func is ContinualBackprop
    assert method.keywords == {
        "replacement_rate": 1e-4,
        "maturity_threshold": 10_000,
        "decay_rate": 0.99,
        "utility": "contribution",
        "mode": "exact",
        "rounding": "accumulate",
        "forget_optimizer_state": True,
        "unit_clock": True,
        "initialiser": lecun_uniform_,
    }
    as_the_authors = PPOCBP(rounding="bernoulli", forget_optimizer_state=False).plasticity().keywords
    assert (as_the_authors["rounding"], as_the_authors["forget_optimizer_state"]) == ("bernoulli", False)


def test_a_method_that_looks_at_the_initial_weights_finds_those_that_the_run_begins_with():
    model = AGENTS["ppo_l2_init"](**SMALL).build(PermutedCartPole(n_envs=1).make(0), seed=0, device="cpu")
    for weight, start in zip(model.policy.parameters(), model.policy.optimizer.memory["start"], strict=True):
        assert torch.equal(weight, start)


def test_the_wrapped_optimiser_is_continual_backprop_and_plain_agents_have_adam():
    env = PermutedCartPole(n_envs=1).make(0)
    assert isinstance(PPOCBP(**SMALL).build(env, seed=0, device="cpu").policy.optimizer, ContinualBackprop)
    assert type(PPOL2(**SMALL).build(env, seed=0, device="cpu").policy.optimizer) is torch.optim.Adam


def test_a_rollout_is_counted_over_all_sub_environments():
    assert PPO(**SMALL).build(PermutedCartPole(n_envs=4).make(0), seed=0, device="cpu").n_steps == 16
    with pytest.raises(UserError, match=r"rollout_steps=64 must be a multiple of env\.n_envs=5"):
        PPO(**SMALL).build(PermutedCartPole(n_envs=5).make(0), seed=0, device="cpu")


def test_the_seed_makes_the_weights():
    def weights(seed):
        model = PPO(**SMALL).build(PermutedCartPole(n_envs=1).make(0), seed=seed, device="cpu")
        return torch.nn.utils.parameters_to_vector(model.policy.parameters())

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_ant_and_slippery_ant_differ_in_friction_alone():
    still, slippery = Ant().build(seed=0), SlipperyAnt().build(seed=0)
    assert still.observation_space.shape == slippery.observation_space.shape == (27,)
    assert still.spec.max_episode_steps == slippery.spec.max_episode_steps == 1000
    assert still.unwrapped._contact_cost_weight == slippery.unwrapped._contact_cost_weight == 0
    assert (SlipperyAnt.total_steps, SlipperyAnt().change_every) == (20_000_000, 2_000_000)
    assert (SlipperyAnt().friction_low, SlipperyAnt().friction_high) == (0.02, 2.0)


def test_a_change_is_seen_on_the_step_that_the_recipe_gives():
    env = PermutedCartPole(n_envs=2, change_every=40).make(3)
    env.reset()
    tasks = []
    for _ in range(100):
        _, _, _, infos = env.step([0, 0])
        tasks.append(infos[0]["task"]["index"])
    # Two sub-environments reach step 40 after 20 steps each; pushing one way ends an episode within eleven.
    assert set(tasks[:20]) == {0}
    assert 1 in tasks[20:32]
    assert tasks == sorted(tasks)


def test_the_runs_seed_gives_the_tasks_of_every_sub_environment_and_another_seed_others():
    def permutations(seed):
        env = PermutedCartPole(n_envs=2).make(seed)
        first, second = env.env_method("parameters", 3)
        assert str(first) == str(second)
        return str(first)

    assert permutations(0) == permutations(0) != permutations(1)


def run_small(folder, agent, env, **settings):
    small = {**SMALL, "learning_starts": 100, "memory_units": 8, "critic_units": 8}
    agent_settings = {name: value for name, value in small.items() if hasattr(AGENTS[agent], name)}
    return run(
        Settings(
            agent=AGENTS[agent](**agent_settings),
            env=ENVS[env](**{"n_envs": 2, **AGENTS[agent].env_settings}),
            total_steps=128,
            track=Track.off,
            out=str(folder),
            **settings,
        )
    )


# Of a base and a method together one of each kind every day; tests/contract has every method in PPO.
OF_EACH_KIND = {"ppo_churn", "ppo_crelu", "ppo_fire", "ppo_l2_init", "ppo_layer_norm", "ppo_plasticity_injection"}
DAILY = [agent for agent in ACTING if agent in NAMED or agent in OF_EACH_KIND]
SLOW = [agent for agent in ACTING if agent not in DAILY]


def world_of(agent):
    """One whose actions the agent can take."""
    return "permuted-cartpole" if Actions.discrete in AGENTS[agent].actions else "permuted-pendulum"


@pytest.mark.parametrize(
    ("agent", "env"),
    [
        *[(agent, world_of(agent)) for agent in DAILY],
        *[pytest.param(agent, world_of(agent), marks=pytest.mark.slow) for agent in SLOW],
        *[("ppo_cbp", env) for env in WORLDS],
    ],
)
def test_every_recipe_runs_through_the_real_path(tmp_path, agent, env):
    if package := {"noisy-lunarlander": "Box2D", "minatar-chain": "minatar"}.get(env):
        pytest.importorskip(package)
    folder = run_small(tmp_path, agent, env)
    assert folder.status == "finished"
    assert folder.picture_file.exists()
    steps = [json.loads(line)["global_step"] for line in folder.metrics_file.read_text().splitlines()]
    assert steps == sorted(steps)
    assert steps[-1] == 128


# SB3's loggers leave their files to the interpreter to close.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_csv_and_tensorboard_are_one_setting_away(tmp_path):
    folder = run_small(tmp_path, "ppo_cbp", "permuted-cartpole", formats=["csv", "tensorboard"]).path
    assert "train/policy_gradient_loss" in (folder / "progress.csv").read_text().splitlines()[0]
    assert len(list(folder.glob("events.out.tfevents.*"))) == 1
    old = (folder / "progress-from-64.csv", folder / "events.out.tfevents.1.elsewhere.1.0")
    for path in old:
        path.touch()
    run_small(tmp_path, "ppo_cbp", "permuted-cartpole", formats=["csv", "tensorboard"], fresh=True)
    assert not any(path.exists() for path in old)
    assert len(list(folder.glob("events.out.tfevents.*"))) == len(list(folder.glob("progress*.csv"))) == 1


def test_tasks_of_a_file_are_gone_through_whatever_the_seed(tmp_path):
    file = tmp_path / "tasks.jsonl"
    file.write_text('{"index": 0, "permutation": [3, 2, 1, 0], "signs": [1, 1, 1, -1]}\n')
    env = ENVS["permuted-cartpole"](tasks=str(file)).make(seed=5)
    env.reset()
    assert env.reset_infos[0]["task"]["permutation"] == [3, 2, 1, 0]


@pytest.mark.parametrize(("env", "reason"), [("ant", "draws no tasks"), ("permuted-cartpole", "cannot be read")])
def test_tasks_that_cannot_be_followed_are_refused(env, reason):
    with pytest.raises(UserError, match=reason):
        ENVS[env](tasks="nowhere.jsonl").make(seed=0)
