"""`protocol=aligned`: one word for the settings of a paper."""

import numpy as np
import pytest
from hydra import compose, initialize

from launch.protocols import with_protocol
from launch.request import check_request
from launch.settings import CONFIG_NAME, from_hydra, register
from launch.words import as_hydra_reads
from plastic_rl.errors import UserError


def composed(*words):
    register()
    read = as_hydra_reads(words)
    check_request(read)
    with initialize(version_base="1.3", config_path=None):
        return from_hydra(compose(CONFIG_NAME, read))


def test_it_is_all_settings_of_the_paper_and_the_commands_own_words_win():
    settings = composed("protocol=aligned", "agent=ppo+l2_init", "env=noisy-cartpole", "agent.epochs=2")
    assert (settings.total_steps, settings.env.change_every, settings.env.episode_steps) == (1_600_000, 160_000, 400)
    assert (settings.agent.hidden_layers, settings.agent.negative_slope, settings.agent.epochs) == (3, 0.1, 2)


@pytest.mark.parametrize("agent", ["ppo", "ppo_layer_norm", "ppo_cbp", "ppo+cbp"])
def test_agents_are_built_as_it_says(agent):
    settings = composed("protocol=aligned", f"agent={agent}", "env=noisy-cartpole")
    model = settings.agent.build(settings.env.make(0), seed=0, device="cpu")
    first = model.policy.mlp_extractor.policy_net[0].weight
    assert first.shape == (256, 4)
    assert first.abs().max().item() == pytest.approx(0.5, abs=0.01)  # √(1 / 4)
    assert model.policy.mlp_extractor.policy_net[0].bias.abs().max() > 0
    assert (model.n_steps, model.batch_size, model.normalize_advantage) == (800, 32, False)
    for method in getattr(model.policy.optimizer, "methods", [model.policy.optimizer]):
        initialiser = getattr(method, "initialiser", None)
        assert initialiser is None or initialiser.__name__ == "torch_default_"


def test_the_world_pays_a_twentieth_and_reports_the_whole():
    env = composed("protocol=aligned", "agent=ppo", "env=noisy-cartpole").env.make(0)
    env.reset()
    dones = [False]
    while not dones[0]:
        _, rewards, dones, infos = env.step(np.array([0]))
        assert rewards.tolist() == pytest.approx([0.05])
    assert infos[0]["episode"]["r"] == infos[0]["episode"]["l"] > 1
    assert infos[0]["task"] == {"index": 0, "offset": [0.0] * 4}


def test_its_episodes_are_cut_at_400_steps():
    env = composed("protocol=aligned", "agent=ppo", "env=noisy-mountaincar").env.build(seed=0)
    env.reset(seed=0)
    steps = 1
    while not env.step(1)[3]:
        steps += 1
    assert steps == 400


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["protocol=alined", "agent=ppo", "env=noisy-cartpole"], "protocol=alined is none: expected one of aligned"),
        (["protocol=aligned", "agent=ppo", "env=slippery-ant"], "not of env=slippery-ant: expected one of noisy-cart"),
        (["protocol=aligned", "agent=ppo"], r"needs a world: env=noisy-cartpole\|"),
        (["protocol=aligned", "agent=sgd", "env=noisy-cartpole"], "is of PPO: agent=sgd is another"),
        (["protocol=aligned", "env=noisy-cartpole,noisy-mountaincar"], "one command for each"),
    ],
)
def test_what_it_is_not_of_is_refused_with_what_it_is_of(words, message):
    with pytest.raises(UserError, match=message):
        with_protocol(words)


def test_worlds_with_the_same_settings_may_be_swept_over():
    words = ["agent=ppo,ppo_fresh", "env=noisy-cartpole,noisy-acrobot"]
    assert with_protocol(["protocol=aligned", *words])[-2:] == words


def test_another_non_linearity_does_not_hide_the_slope():
    settings = composed("protocol=aligned", "agent=ppo_crelu", "env=noisy-cartpole")
    with pytest.raises(UserError, match=r"agent.negative_slope=0.1 is of ReLU, and this agent has crelu"):
        settings.agent.build(settings.env.make(0), seed=0, device="cpu")
