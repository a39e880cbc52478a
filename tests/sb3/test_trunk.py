"""Policies with other non-linearities in every kind of algorithm: they learn, are saved, and are opened again."""

import zipfile

import pytest
import torch
from sb3_contrib import TQC
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from torch import nn

from plastic_rl.doctor import examine_saved
from plastic_rl.networks import RandomMask
from plastic_rl.optim import NormalizeAndProject
from plastic_rl.sb3 import layers_of, mlp_policy, plastic, plastic_optimizers, trunk
from tests.contract.network_options import NETWORKS
from tests.sb3.training import EAGER, learn, learn_in, replaced, same_parameters

SMALL = {"buffer_size": 100, "learning_starts": 8, "batch_size": 8}
ON = {"n_steps": 32}
ALGORITHMS = {
    PPO: ("CartPole-v1", ON | {"batch_size": 16}),
    A2C: ("CartPole-v1", ON),
    SAC: ("Pendulum-v1", SMALL),
    TD3: ("Pendulum-v1", SMALL),
    DQN: ("CartPole-v1", SMALL),
}
algorithms = pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.__name__)
options = pytest.mark.parametrize("name", NETWORKS)


def made(algorithm, name, **settings):
    env, small = ALGORITHMS[next(each for each in ALGORITHMS if issubclass(algorithm, each))]
    kwargs = {"net_arch": [16, 16], **trunk(**NETWORKS[name])}
    policy = mlp_policy(algorithm) if "activation" in NETWORKS[name] else "MlpPolicy"
    return algorithm(policy, env, policy_kwargs=kwargs, seed=0, device="cpu", **small, **settings)


@options
@algorithms
def test_every_algorithm_learns_with_it_and_is_opened_by_plain_load(algorithm, name, tmp_path):
    model = made(algorithm, name)
    learn(model, 32)
    model.save(tmp_path / "model.zip")
    again = algorithm.load(tmp_path / "model.zip", device="cpu")
    assert same_parameters(model, again)
    other = made(algorithm, name)
    other.set_parameters(tmp_path / "model.zip", device="cpu")
    observation, _ = model.get_env().envs[0].reset(seed=1)
    actions = [each.predict(observation, deterministic=True)[0] for each in (model, again, other)]
    assert all((action == actions[0]).all() for action in actions)


@options
@pytest.mark.parametrize(
    "algorithm", [PPO, pytest.param(SAC, marks=pytest.mark.slow)], ids=lambda each: getattr(each, "__name__", None)
)
def test_units_are_replaced_in_it(algorithm, name):
    model = made(plastic(algorithm), name, plasticity=EAGER)
    learn(model, 32)
    assert all(count > 0 for count in replaced(model))
    assert all(len(optimizer.layers) >= 2 for optimizer in plastic_optimizers(model.policy))


@options
def test_the_doctor_reads_it_without_running_it(name, tmp_path):
    made(PPO, name).save(tmp_path / "model.zip")
    assert examine_saved(tmp_path / "model.zip", samples=64).complaints == []


def test_layers_are_normalised_before_each_relu_in_actor_critic_and_target():
    model = made(SAC, "layer norm")
    for network in (model.actor.latent_pi, model.critic.qf0, model.critic_target.qf1):
        between = [[type(each).__name__ for each in module] for module in network if isinstance(module, nn.Sequential)]
        assert between == [["WidthFreeLayerNorm", "ReLU"]] * 2
    seen = network[:2](torch.randn(5, 4))
    torch.testing.assert_close((network[1][0](network[0](torch.ones(1, 4)))).mean(), torch.tensor(0.0))
    assert seen.shape == (5, 16)


def test_normalised_layers_are_audible_and_say_so():
    layers = list(layers_of(made(PPO, "layer norm").policy))
    assert len(layers) == 4
    assert all(layer.is_audible for layer in layers)


@pytest.mark.parametrize(("name", "concerns"), [("layer norm", 0), ("leaky ReLU", 1)])
def test_normalise_and_project_finds_the_norms_of_a_trunk(name, concerns):
    (optimizer,) = plastic_optimizers(made(plastic(PPO), name, plasticity=NormalizeAndProject).policy)
    assert len(list(optimizer.concerns())) == concerns


def widths(network):
    return [(each.in_features, each.out_features) for each in network if isinstance(each, nn.Linear)]


@pytest.mark.parametrize("name", ["CReLU", "Fourier"])
def test_a_layer_is_half_as_wide_where_each_unit_gives_two_numbers(name):
    ppo, sac, dqn = (made(algorithm, name) for algorithm in (PPO, SAC, DQN))
    assert widths(ppo.policy.mlp_extractor.value_net) == [(4, 8), (16, 8)]
    assert widths(sac.critic_target.qf1) == [(4, 8), (16, 8), (16, 1)]
    assert widths(dqn.q_net_target.q_net) == [(4, 8), (16, 8), (16, 2)]
    assert dqn.policy.optimizer.param_groups[0]["params"][0] is dqn.q_net.q_net[0].weight
    for layer in layers_of(ppo.policy):
        assert layer.read_by[0].index.tolist() == [[unit, unit + 8] for unit in range(8)]


def test_a_policy_without_room_for_two_numbers_a_unit_says_what_to_do():
    model = PPO("MlpPolicy", "CartPole-v1", policy_kwargs=trunk(activation="crelu"), device="cpu")
    with pytest.raises(RuntimeError, match=r"crelu gives two numbers .*plastic_rl\.sb3\.mlp_policy\(PPO\)"):
        model.learn(1)


def test_policies_that_cannot_be_halved_are_refused_by_name():
    with pytest.raises(ValueError, match="TQC has no policy whose layers can be halved"):
        mlp_policy(TQC)
    with pytest.raises(ValueError, match=r"crelu gives two numbers for each unit: the width .* must be even, got 5"):
        PPO(
            mlp_policy(PPO),
            "CartPole-v1",
            policy_kwargs={"net_arch": [5], **trunk(activation="crelu")},
            device="cpu",
        )


def test_ppo_acts_by_the_mean_and_learns_with_masks():
    model = made(PPO, "dropout")
    masks = [module for module in model.policy.modules() if isinstance(module, RandomMask)]
    learn(model, 32)
    assert [mask.draws for mask in masks] == [2 * 10] * 4  # one for each of two minibatches in each of ten epochs
    assert len({mask.seed for mask in masks}) == 4
    observation = model.get_env().reset()
    values = [model.policy.predict_values(torch.as_tensor(observation)) for _ in range(2)]
    model.policy.set_training_mode(False)
    expected = [model.policy.predict_values(torch.as_tensor(observation)) for _ in range(2)]
    assert torch.equal(*expected)
    assert not torch.equal(*values)


def test_a_run_with_masks_goes_on_bit_for_bit(tmp_path):
    whole = learn_in(tmp_path / "whole", made(plastic(PPO), "dropout"), 96)
    learn_in(tmp_path / "parts", made(plastic(PPO), "dropout"), 32)
    assert same_parameters(whole, learn_in(tmp_path / "parts", made(plastic(PPO), "dropout"), 96))


def test_what_cannot_be_made_is_refused_before_the_policy_is_made():
    with pytest.raises(ValueError, match="normalization must be one of batch, layer; got 'group'"):
        trunk(normalization="group")


def test_a_saved_model_names_the_trunk_and_nothing_of_recipes(tmp_path):
    made(PPO, "layer norm").save(tmp_path / "model.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        assert b"plastic_rl" not in archive.read("policy.pth")
