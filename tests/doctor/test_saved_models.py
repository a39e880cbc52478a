"""Models that SB3 has saved: what became of them is told apart, whichever algorithm they are of."""

import json
import subprocess
import sys
from functools import partial

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from models import collapsed, half_dead, model_of, saturated, trained
from sb3_contrib import QRDQN, CrossQ, RecurrentPPO
from stable_baselines3 import DQN, PPO, SAC, TD3
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from torch import nn

from plastic_rl.doctor import examine_saved
from plastic_rl.doctor.__main__ import main
from plastic_rl.errors import UserError
from plastic_rl.optim import ContinualBackprop, ShrinkPerturb
from plastic_rl.sb3 import plastic, redraw, save_observations

CONDITIONS = [
    (None, nn.Tanh, set()),
    (trained, nn.Tanh, set()),
    (trained, nn.ReLU, set()),
    (saturated, nn.Tanh, {"saturated"}),
    (half_dead, nn.ReLU, {"dead"}),
    (collapsed, nn.ReLU, {"collapsed"}),
]


def symptoms(path, **options):
    return {str(each.symptom) for each in examine_saved(path, **{"samples": 128, **options}).complaints}


@pytest.mark.parametrize("algorithm", [PPO, SAC, DQN])
@pytest.mark.parametrize(("change", "activation", "expected"), CONDITIONS)
def test_each_condition_is_told_from_all_others(algorithm, change, activation, expected, tmp_path):
    model = model_of(algorithm, activation)
    if change is not None:
        change(model)
    model.save(tmp_path / "model")
    assert symptoms(tmp_path / "model.zip") == expected


@pytest.mark.parametrize(("initialiser", "ratio"), [("lecun_uniform_", 1.0), ("kaiming_uniform_", 1.0), (None, 3**0.5)])
def test_fresh_copies_are_drawn_as_the_model_was(tmp_path, initialiser, ratio):
    settings = {"net_arch": [64, 64], "ortho_init": False}
    model = PPO("MlpPolicy", "CartPole-v1", policy_kwargs=settings, n_steps=8, batch_size=8, device="cpu", seed=0)
    redraw(model, initialiser or "lecun_uniform_")
    if initialiser is None:  # as in models that were saved before they knew
        del model.initialiser
    model.save(tmp_path / "model")
    examination = examine_saved(tmp_path / "model.zip", samples=128)
    assert [layer.growth for layer in examination.layers] == pytest.approx([ratio] * 4, rel=0.08)
    assert PPO.load(tmp_path / "model.zip").get_parameters().keys() == model.get_parameters().keys()


def test_a_model_that_is_saved_at_once_is_healthy(tmp_path):
    for seed in range(3):
        PPO("MlpPolicy", "CartPole-v1", device="cpu", seed=seed).save(tmp_path / "model")
        assert symptoms(tmp_path / "model.zip") == set()


NAMES = {
    SAC: ["actor.latent_pi.0", "actor.latent_pi.2", "critic.qf0.0", "critic.qf0.2", "critic.qf1.0", "critic.qf1.2"],
    TD3: ["actor.mu.0", "actor.mu.2", "critic.qf0.0", "critic.qf0.2", "critic.qf1.0", "critic.qf1.2"],
    QRDQN: ["quantile_net.quantile_net.0", "quantile_net.quantile_net.2"],
    CrossQ: ["actor.latent_pi.1", "actor.latent_pi.4", *(f"critic.qf{q}.{layer}" for q in (0, 1) for layer in (1, 4))],
    RecurrentPPO: [
        *(f"mlp_extractor.{part}_net.{layer}" for part in ("policy", "value") for layer in (0, 2)),
        *("lstm_actor", "lstm_critic"),
    ],
}


@pytest.mark.parametrize("algorithm", NAMES)
def test_layers_have_the_names_of_their_places_in_the_policy_and_come_once(algorithm, tmp_path):
    policy = "MlpLstmPolicy" if algorithm is RecurrentPPO else "MlpPolicy"
    world = "CartPole-v1" if algorithm in (RecurrentPPO, QRDQN) else "Pendulum-v1"
    kwargs = {"net_arch": [8, 8], **({"lstm_hidden_size": 8} if algorithm is RecurrentPPO else {})}
    model = algorithm(policy, world, policy_kwargs=kwargs, device="cpu", seed=0)
    model.save(tmp_path / "model")
    examination = examine_saved(tmp_path / "model.zip", samples=64)
    assert [layer.name for layer in examination.layers] == NAMES[algorithm]
    assert examination.is_healthy
    assert all(model.policy.get_submodule(layer.name) for layer in examination.layers)


class Pictures(gymnasium.Env):
    """Gray gradients beside a number."""

    action_space = spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, *, alone=False):
        image, number = spaces.Box(0, 255, (36, 36, 1), np.uint8), spaces.Box(-1, 1, (2,), np.float32)
        self.alone, self.observation_space = alone, image if alone else spaces.Dict({"image": image, "number": number})

    def observe(self):
        steps = np.indices((36, 36)).sum(0) * self.np_random.integers(1, 4) + self.np_random.integers(0, 40)
        image = steps.astype(np.uint8)[..., None]
        return image if self.alone else {"image": image, "number": self.np_random.random(2).astype(np.float32)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observe(), {}

    def step(self, action):
        return self.observe(), 0.0, False, False, {}


def test_what_actor_and_critic_share_comes_once(tmp_path):
    kwargs = {"net_arch": [8], "share_features_extractor": True}
    model = SAC("MultiInputPolicy", Pictures(), policy_kwargs=kwargs, device="cpu", seed=0, buffer_size=10)
    model.save(tmp_path / "model")
    names = [layer.name for layer in examine_saved(tmp_path / "model.zip", samples=32).layers]
    assert len(set(names)) == len(names)
    assert [name.rpartition("extractors.")[2] for name in names if "cnn" in name] == [
        *("image.cnn.0", "image.cnn.2", "image.cnn.4"),
    ]
    assert [name for name in names if "extractor" not in name] == ["actor.latent_pi.0", "critic.qf0.0", "critic.qf1.0"]


def test_observations_of_dicts(tmp_path):
    model = PPO("MultiInputPolicy", Pictures(), policy_kwargs={"net_arch": [8]}, device="cpu", n_steps=8, batch_size=8)
    model.learn(8)
    model.save(tmp_path / "model.zip")
    probe = examine_saved(tmp_path / "model.zip", samples=16).probe
    assert "image: 16 shifts of the 1 images that the model saw last" in probe
    assert "number: 16 observations drawn" in probe
    save_observations(model, tmp_path / "observations.npz")
    examination = examine_saved(tmp_path / "model.zip", observations=tmp_path / "observations.npz")
    assert examination.probe.startswith(f"8 observations of {tmp_path / 'observations.npz'}")


class Small(BaseFeaturesExtractor):
    """A convolution of one's own, most of whose channels give nothing when it is fresh."""

    def __init__(self, space):
        super().__init__(space, 64)
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 8, 4), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 8 * 8, 64), nn.ReLU(), nn.Linear(64, 64)
        )
        nn.init.constant_(self.net[0].bias, -0.3)

    def forward(self, observations):
        return torch.relu(self.net(observations))


def test_a_fresh_network_of_ones_own_is_healthy_once_its_file_is_trusted(tmp_path):
    kwargs = {"features_extractor_class": Small, "net_arch": [16], "ortho_init": False}
    model = PPO("CnnPolicy", Pictures(alone=True), policy_kwargs=kwargs, device="cpu", seed=0, n_steps=8, batch_size=8)
    model.save(tmp_path / "model")
    with pytest.raises(
        UserError, match=r"`policy_kwargs` holds test_saved_models\.Small, which is not loaded .*--trust"
    ):
        examine_saved(tmp_path / "model.zip")
    examination = examine_saved(tmp_path / "model.zip", trust=True, samples=64)
    assert "64 blurred shapes" in examination.probe
    first = next(layer for layer in examination.layers if layer.name.endswith("net.0"))
    assert first.now.dormant > 0.3  # which used to be a complaint
    assert examination.is_healthy


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return a healthy model of CartPole."""
    path = tmp_path_factory.mktemp("doctor") / "model.zip"
    model_of(PPO, nn.Tanh, n_steps=8, batch_size=8).save(path)
    return path


def test_advice_knows_the_methods_that_are_at_work(tmp_path):
    def text(method):
        model = model_of(plastic(PPO) if method else PPO, **({"plasticity": method} if method else {}))
        half_dead(model)
        model.save(tmp_path / "model")
        return str(examine_saved(tmp_path / "model.zip", samples=64))

    assert "replace them (plastic_rl.optim.ContinualBackprop)" in text(None)
    replacing = text(partial(ContinualBackprop, replacement_rate=1e-4))
    assert "Trained with ContinualBackprop." in replacing
    assert "ContinualBackprop is at work, but too seldom or too late" in replacing
    assert "plastic_rl.optim.ContinualBackprop" not in replacing
    assert "replace them (plastic_rl.optim.ContinualBackprop)" in text(partial(ShrinkPerturb, shrink=0.9))


def test_real_observations_make_a_difference(saved, tmp_path):
    observations = tmp_path / "observations.npy"
    np.save(observations, 100 + np.random.default_rng(0).normal(size=(200, 4)))
    first = examine_saved(saved, observations=observations).layers[0]
    assert first.now.saturated > 0.9
    assert first.fresh.saturated > 0.9


def test_a_vecnormalize_is_put_before_the_model(saved, tmp_path):
    normalise = VecNormalize(DummyVecEnv([lambda: gymnasium.make("CartPole-v1")]))
    normalise.obs_rms.mean, normalise.obs_rms.var = np.full(4, 100.0), np.full(4, 4.0)
    normalise.save(str(tmp_path / "vecnormalize.pkl"))
    np.save(tmp_path / "raw.npy", 100 + 2 * np.random.default_rng(0).normal(size=(200, 4)))
    options = {"observations": tmp_path / "raw.npy", "vecnormalize": tmp_path / "vecnormalize.pkl"}
    examination = examine_saved(saved, **options)
    assert examination.layers[0].now.saturated == 0
    assert examination.probe.endswith(f"normalised by {tmp_path / 'vecnormalize.pkl'}")
    assert "normal distribution" in examine_saved(saved, vecnormalize=tmp_path / "vecnormalize.pkl").probe


def test_a_model_shows_that_it_was_behind_a_vecnormalize(tmp_path):
    world = VecNormalize(DummyVecEnv([lambda: gymnasium.make("CartPole-v1")]))
    model = PPO("MlpPolicy", world, policy_kwargs={"net_arch": [16]}, device="cpu", n_steps=8, batch_size=8)
    model.learn(8)
    model.save(tmp_path / "model")
    assert "normal distribution" in examine_saved(tmp_path / "model.zip", samples=32).probe


def test_off_policy_models_are_not_taken_to_be_behind_one(tmp_path):
    model = model_of(DQN, learning_starts=4)
    model.learn(6)
    model.save(tmp_path / "model")
    assert "drawn from their space" in examine_saved(tmp_path / "model.zip", samples=32).probe


@pytest.mark.parametrize("algorithm", [PPO, DQN])
def test_observations_are_saved_as_the_networks_saw_them(algorithm, tmp_path):
    world = VecNormalize(DummyVecEnv([lambda: gymnasium.make("CartPole-v1")] * 2), clip_obs=0.5)
    few = {"n_steps": 16, "batch_size": 8} if algorithm is PPO else {"buffer_size": 40, "learning_starts": 4}
    model = algorithm("MlpPolicy", world, policy_kwargs={"net_arch": [16]}, device="cpu", **few)
    with pytest.raises(ValueError, match="has collected no observations yet"):
        save_observations(model, tmp_path / "observations.npz")
    model.learn(32)
    save_observations(model, tmp_path / "observations.npz", count=20)
    saved = np.load(tmp_path / "observations.npz")["observations"]
    assert saved.shape == (20, 4)
    assert np.abs(saved).max() == pytest.approx(0.5)


def test_a_runs_folder_stands_for_its_model_and_its_observations(saved, tmp_path):
    with pytest.raises(UserError, match=r"holds no model\.zip; a run writes it when it ends"):
        examine_saved(tmp_path)
    (tmp_path / "weights.pt").write_bytes(b"")
    with pytest.raises(UserError, match=r"use plastic_rl\.doctor\.examine"):
        examine_saved(tmp_path)
    (tmp_path / "model.zip").write_bytes(saved.read_bytes())
    assert "drawn from their space" in examine_saved(tmp_path, samples=32).probe
    np.save(tmp_path / "observations.npy", np.zeros((9, 4)))
    words = f"9 observations of {tmp_path / 'observations.npy'} (so few that chance has a say)"
    assert examine_saved(tmp_path).probe == words
    assert examine_saved(saved, observations=tmp_path).probe == words


def test_the_random_stream_is_left_alone(saved):
    state = torch.get_rng_state()
    examine_saved(saved, samples=32)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_diverged_model_is_said_to_be_one(tmp_path):
    model = model_of(PPO)
    with torch.no_grad():
        model.policy.action_net.weight[0, 0] = float("nan")
    model.save(tmp_path / "model")
    (complaint,) = examine_saved(tmp_path / "model.zip").complaints
    assert (complaint.symptom, complaint.layers) == ("broken", ["action_net.weight"])


def test_a_policy_without_hidden_layers_is_refused(tmp_path):
    PPO("MlpPolicy", "CartPole-v1", policy_kwargs={"net_arch": []}, device="cpu").save(tmp_path / "model")
    with pytest.raises(UserError, match="no hidden layer whose units could be looked at"):
        examine_saved(tmp_path / "model.zip")


# The command.


def test_the_exit_code_says_whether_there_is_a_complaint(saved, tmp_path, capsys):
    assert main([str(saved), "--samples", "64"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "No sign of a loss of plasticity."
    model = model_of(DQN)
    half_dead(model)
    model.save(tmp_path / "model")
    assert main([str(tmp_path / "model.zip"), "--samples", "64"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("Looked at with 64 observations drawn from their space; --observations gives real ones.")
    assert out[1].split() == ["layer", "units", "dead", "saturated", "dormant", "directions", "weights"]
    assert out[2].split()[:3] == ["q_net.q_net.0", "32", "50%"]
    assert out[-1].startswith("q_net.q_net.0, q_net.q_net.2: many dead units")


def test_json_holds_all_of_it(saved, capsys):
    assert main([str(saved), "--samples", "64", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["healthy"] is True
    assert plain["complaints"] == []
    assert plain["layers"][0]["name"] == "mlp_extractor.policy_net.0"
    assert set(plain["layers"][0]["now"]) == {"dead", "saturated", "dormant", "directions", "weights"}


def test_a_missing_file_is_one_line_and_an_exit_code(tmp_path):
    command = [sys.executable, "-m", "plastic_rl.doctor", str(tmp_path / "none.zip")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert "there is no such file" in done.stderr


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing of use"])
def test_a_corrupt_file_is_refused(tmp_path, content):
    (tmp_path / "model.zip").write_bytes(content)
    with pytest.raises(UserError, match="cannot be read as a model of Stable-Baselines3"):
        examine_saved(tmp_path / "model.zip")


def test_too_few_samples_are_refused_at_once(saved, capsys):
    with pytest.raises(SystemExit) as stop:
        main([str(saved), "--samples", "1"])
    assert stop.value.code == 2
    assert "--samples must be 2 or more, got 1" in capsys.readouterr().err
