"""The recipes that remember tasks, and those that they are compared with: settings, and that each of them runs."""

import json
import math

import pytest
import torch

from agents import AGENTS
from agents.apd import APD
from agents.apd_reference import APDReference
from agents.ewc import EWC
from agents.ppo_apd import PPOAPD
from agents.ppo_apd_cbp import PPOAPDCBP
from agents.published import published
from envs.permuted_cartpole import PermutedCartPole
from envs.recurring_ant import RecurringAnt
from envs.split_digits import SplitDigits
from launch.run import run
from launch.settings import Settings
from plastic_rl.choices import Form
from plastic_rl.nn import AdditiveOptimizer
from plastic_rl.nn.additive.exact import ExactLayer
from plastic_rl.nn.additive.reference import ReferenceLayer
from plastic_rl.optim import ContinualBackprop
from plastic_rl.runs import Track
from plastic_rl.sb3.tasks import task_name, tasks_of

ON_STREAMS = ["apd", "apd_cbp", "apd_reference", "single_task", "multi_task", "ewc", "l2_transfer"]
SMALL = {"rollout_steps": 64, "minibatch_size": 32, "epochs": 2, "hidden_units": 8}


def built(agent):
    stream = SplitDigits(tasks=2, epochs=1).build(seed=3, device="cpu")
    return agent.build([stream], device="cpu")


def test_the_settings_of_apd_reach_the_decomposition():
    tasks = built(APD(sparsity=0.3, drift=math.inf, form="retroactive", tolerance=0.01, groups=3, every=4)).tasks
    assert (tasks.settings.sparsity, tasks.settings.drift, tasks.settings.tolerance) == (0.3, math.inf, 0.01)
    assert (tasks.settings.form, tasks.settings.groups, tasks.settings.every) == (Form.retroactive, 3, 4)
    assert isinstance(tasks.layers[0], ExactLayer)
    assert tasks.tasks == [0]


def test_the_settings_of_the_reference_are_those_of_the_released_code():
    tasks = built(APDReference()).tasks
    settings = tasks.settings
    assert isinstance(tasks.layers[0], ReferenceLayer)
    assert (settings.sparsity, settings.drift, settings.spread, settings.weight_decay) == (4e-4, 100.0, 1e-2, 1e-4)
    assert (settings.groups, settings.every, settings.form, settings.seed) == (2, 5, Form.hierarchical, 3)
    assert published("apd_reference", "superclass-cifar100") == {"sparsity": 6e-4}
    assert published("apd_reference", "split-cifar100") == {}


def test_biases_and_heads_are_not_decayed_in_the_reference_and_everything_moves_with_the_papers_rate():
    (group,) = built(APDReference()).backprop.optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (1e-3, 0)
    assert APD().learning_rate == EWC().learning_rate == 1e-3


def test_a_learner_of_one_task_at_a_time_has_the_outputs_of_one_and_others_those_of_all():
    for agent in (APD(), AGENTS["single_task"]()):
        assert list(built(agent).networks[0].modules())[-1].out_features == 2
    for agent in (EWC(), AGENTS["multi_task"]()):
        assert list(built(agent).networks[0].modules())[-1].out_features == 10


def test_ewc_is_told_its_strength_and_its_examples():
    learner = built(EWC(strength=7.0, fisher_examples=11))
    assert (learner.anchoring[0].strength, learner.examples) == (7.0, 11)


def run_small(folder, agent, env, **settings):
    return run(Settings(agent=agent, env=env, track=Track.off, out=str(folder), **settings))


@pytest.mark.parametrize("agent", ON_STREAMS)
def test_every_recipe_of_streams_runs_through_the_real_path(tmp_path, agent):
    folder = run_small(tmp_path, AGENTS[agent](hidden_units=10), SplitDigits(tasks=2, epochs=2), total_steps=None)
    assert folder.status == "finished"
    last = json.loads(folder.metrics_file.read_text().splitlines()[-1])
    assert 0 <= last["test/average"] <= 1
    if agent in ("apd", "apd_cbp", "single_task"):
        assert last["forgetting"] == 0
    if agent.startswith("apd"):
        assert last["apd/tasks"] == 2


@pytest.mark.parametrize("agent", ["ppo_apd", "ppo_apd_cbp"])
def test_every_recipe_of_ppo_runs_through_the_real_path(tmp_path, agent):
    env = PermutedCartPole(n_envs=2, change_every=64, returning=2)
    folder = run_small(tmp_path, AGENTS[agent](**SMALL), env, total_steps=320)
    lines = [json.loads(line) for line in folder.metrics_file.read_text().splitlines()]
    assert {line["apd/tasks"] for line in lines if "apd/tasks" in line} >= {2}
    assert max(line["apd/tasks"] for line in lines if "apd/tasks" in line) == 2


def test_ppo_finds_out_about_tasks_that_it_is_told_to_detect(tmp_path):
    env = PermutedCartPole(n_envs=2, change_every=200, returning=2)
    agent = PPOAPD(tasks_from="detected", **SMALL)
    lines = run_small(tmp_path, agent, env, total_steps=640).metrics_file.read_text().splitlines()
    assert max(json.loads(line).get("apd/tasks", 0) for line in lines) == 2


def test_continual_backprop_goes_inside_and_shares_ppos_layers():
    model = PPOAPDCBP(**SMALL).build(PermutedCartPole(n_envs=2).make(0), seed=0, device="cpu")
    assert isinstance(model.policy.optimizer, AdditiveOptimizer)
    assert isinstance(model.policy.optimizer.optimizer, ContinualBackprop)


def test_the_tasks_of_a_recurring_ant_are_its_frictions():
    env = RecurringAnt(n_envs=1).make(0)
    model = PPOAPD(**SMALL).build(env, seed=0, device="cpu")
    assert tasks_of(model).tasks == [task_name({"friction": 0.05})]
    assert len({task_name(env.env_method("parameters", index)[0]) for index in range(3)}) == 3


def test_new_tasks_begin_with_the_weights_that_the_recipe_draws():
    """LeCun-uniform weights are drawn after SB3 has built the policy; a new task's critic and head are those."""
    model = PPOAPD(**SMALL).build(PermutedCartPole(n_envs=2).make(0), seed=0, device="cpu")
    before = torch.nn.utils.parameters_to_vector(model.policy.parameters()).clone()
    tasks_of(model).new_task("another")
    assert torch.equal(torch.nn.utils.parameters_to_vector(model.policy.parameters()), before)


def test_permutations_return_when_told_to():
    tasks = [PermutedCartPole(change_every=1, returning=returning, n_envs=1).build(seed=0) for returning in (0, 2)]
    for env in tasks:
        env.reset()
    met = [[announced(env) for _ in range(5)] for env in tasks]
    assert [index for index, _ in met[0]] == sorted({index for index, _ in met[0]})
    assert {index for index, _ in met[1]} == {0, 1}
    names = {index: {name for each, name in met[1] if each == index} for index in (0, 1)}
    assert [len(own) for own in names.values()] == [1, 1]


def announced(env):
    """The task of the next episode, one of odd length so that each change of the schedule is seen."""
    env.step(0)
    _, info = env.reset()
    return info["task"]["index"], task_name(info["task"])
