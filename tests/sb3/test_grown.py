"""Policies that grow while they learn: in both loops, saved and opened by plain SB3, and resumed exactly."""

from __future__ import annotations

from copy import deepcopy
from functools import partial

import gymnasium
import pytest
import torch
from stable_baselines3 import PPO, SAC

from plastic_rl.nn.dynamic import GrowingLayers, widen
from plastic_rl.optim import ContinualBackprop
from plastic_rl.sb3 import PlasticityCallback, layers_of, note_widths, plastic, plastic_optimizers
from plastic_rl.sb3.algorithm_state import algorithm_state, restore_algorithm_state
from plastic_rl.sb3.network_metrics import NetworkMetrics
from plastic_rl.sb3.saved_model import read_model
from tests.sb3.training import elsewhere, learn, make, same_parameters

GROWING = partial(GrowingLayers, ceiling=12, every=3, maturity_threshold=4, births=2, retire_below=0.0)
BESIDE = partial(ContinualBackprop, replacement_rate=0.01)
SMALL = {"policy_kwargs": {"net_arch": {"pi": [6, 5], "vf": [4]}}}
GROWN = {"pi": [12, 12], "vf": [12]}


def growing(**settings):
    return make(plastic(PPO), **{"plasticity": GROWING, **SMALL, **settings})


def grown(steps, **settings):
    model = growing(**settings)
    return model, learn(model, steps)


def test_a_policy_grows_within_an_update_to_the_same_bits_in_both_loops():
    (lean, lines), (plain, others) = (grown(256, lean=lean, max_grad_norm=0.01) for lean in ("exact", "off"))
    assert lean.policy_kwargs["net_arch"] == GROWN
    assert same_parameters(lean, plain)
    assert lines == others
    assert grown(64, lean="quick")[0].policy_kwargs["net_arch"] == {"pi": [8, 7], "vf": [6]}


def test_a_grown_policy_is_opened_by_plain_sb3_and_goes_on_where_its_method_is_known(tmp_path):
    model, _ = grown(256)
    assert model.policy.mlp_extractor.latent_dim_pi == model.policy.mlp_extractor.latent_dim_vf == 12
    model.save(tmp_path / "grown")
    plain, known = PPO.load(tmp_path / "grown", device="cpu"), plastic(PPO).load(tmp_path / "grown", device="cpu")
    assert same_parameters(model, plain)
    assert plain.policy.net_arch == GROWN
    assert plastic_optimizers(known)[0].metrics() == plastic_optimizers(model)[0].metrics()
    assert read_model(tmp_path / "grown.zip").policy.net_arch == GROWN
    known.set_env(model.get_env())
    learn(known, 64)


def test_a_run_whose_policy_grew_goes_on_exactly():
    model, _ = grown(192, plasticity=[BESIDE, GROWING])
    state, widths = deepcopy(algorithm_state(model)), model.policy_kwargs["net_arch"]
    assert widths != SMALL["policy_kwargs"]["net_arch"]
    learn(model, 128, reset_num_timesteps=False)
    resumed, _ = grown(64, plasticity=[BESIDE, GROWING])
    restore_algorithm_state(resumed, state)
    assert resumed.policy_kwargs["net_arch"] == widths
    learn(resumed, 128, reset_num_timesteps=False)
    assert same_parameters(model, resumed)
    assert plastic_optimizers(model)[0].metrics() == plastic_optimizers(resumed)[0].metrics()


def test_measures_follow_the_layers():
    model = growing()
    metrics = NetworkMetrics(model)
    learn(model, 64)
    assert [layer.units for layers in metrics.layers for layer in layers] == [8, 7, 6]
    assert all(layer.is_current for layers in metrics.layers for layer in layers)


def test_whoever_widens_a_layer_of_a_plain_model_notes_it(tmp_path):
    model = make(PPO, **SMALL)
    learn(model, 64)
    widen(next(layers_of(model.policy)), 3, model.policy.optimizer)
    note_widths(model)
    learn(model, 64, callback=PlasticityCallback(every=1))
    model.save(tmp_path / "wider")
    assert PPO.load(tmp_path / "wider").policy.net_arch == {"pi": [9, 5], "vf": [4]}
    with pytest.raises(TypeError, match="the widths of a SACPolicy are not known"):
        note_widths(make_sac())


def make_sac(**settings):
    return plastic(SAC)("MlpPolicy", "Pendulum-v1", device="cpu", buffer_size=64, **settings)


def test_models_that_could_not_be_opened_again_are_refused_by_name():
    with pytest.raises(ValueError, match="`critic_target`"):
        make_sac(plasticity=partial(GROWING, ceiling=512))
    with pytest.raises(ValueError, match="saved models of MlpPolicy \\(PPO, A2C\\) alone know; got a MultiInput"):
        make(plastic(PPO), "MultiInputPolicy", pairs(), plasticity=GROWING, **SMALL)


def pairs():
    env = gymnasium.make("CartPole-v1")
    space = gymnasium.spaces.Dict({"all": env.observation_space})
    return gymnasium.wrappers.TransformObservation(env, lambda each: {"all": each}, space)


OPEN = """
import sys
from stable_baselines3 import PPO
model = PPO.load(sys.argv[1], device="cpu")
print(model.policy.net_arch, "plastic_rl" in sys.modules, model.predict([0.1, 0.2, 0.3, 0.4], deterministic=True)[0])
"""


@pytest.mark.slow
def test_another_process_opens_a_grown_policy(tmp_path):
    model, _ = grown(256)
    model.save(tmp_path / "grown")
    action = model.predict(torch.tensor([0.1, 0.2, 0.3, 0.4]).numpy(), deterministic=True)[0]
    assert elsewhere(OPEN, tmp_path, "grown") == f"{GROWN} False {action}"
