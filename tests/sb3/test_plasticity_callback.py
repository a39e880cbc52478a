"""The callback logs the networks and the methods of every algorithm, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from algorithms import CASES, Case, pendulum
from stable_baselines3 import A2C, PPO, SAC
from stable_baselines3.common.envs import SimpleMultiObsEnv
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from training import EAGER, learn, make, replaced, same_optimizers, same_parameters

from plastic_rl.diagnostics import report
from plastic_rl.layers import hidden_layers
from plastic_rl.sb3 import PlasticityCallback, plastic
from plastic_rl.sb3.example import inputs_of
from plastic_rl.sb3.network_metrics import NetworkMetrics, labelled

OFF_POLICY: dict[str, Any] = {"learning_starts": 10, "batch_size": 8, "device": "cpu", "seed": 0}
QUANTITIES = ("units/dormant", "units/dead", "rank/effective", "rank/srank99", "weights/mean_abs", "cbp/replaced")


def logged(model: Any, steps: int, **settings: Any) -> list[dict[str, Any]]:
    """What SB3 logs while a model learns with the callback."""
    return learn(model, steps, callback=PlasticityCallback(verbose=0, **settings))


# One on-policy, one off-policy, one with memory every day; all in the slow run.
DAILY = {name for name in CASES if name.startswith(("PPO", "DQN", "TD3", "RecurrentPPO"))}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=name, marks=() if name in DAILY else pytest.mark.slow) for name, case in CASES.items()],
)
def test_every_algorithm_logs_its_networks_and_goes_on_bit_for_bit_as_without(case: Case):
    plain, watched = case.make(plastic, plasticity=EAGER), None
    learn(plain, 64)
    watched = case.make(plastic, plasticity=EAGER)
    lines = logged(watched, 64, every=16)
    watched.logger.dump(64)
    assert same_parameters(plain, watched)
    assert same_optimizers(plain, watched)
    assert replaced(plain) == replaced(watched)
    known = {name for line in lines for name in line}
    optimizers = [""] if len(case.watched) == 1 else ["/actor", "/critic"]
    for optimizer in optimizers:
        assert {f"{quantity}{optimizer}" for quantity in QUANTITIES} <= known | set(watched.logger.name_to_value)
    layer = case.watched[-1][0]
    name = f"rank/effective/{layer}" if optimizers == [""] else f"rank/effective/critic.{layer}"
    assert name in known


def test_what_is_logged_of_a_rollout_is_what_the_report_says_of_it():
    model = make(plastic(PPO), plasticity=EAGER)
    (line, *_) = [line for line in logged(model, 64, every=64) if "rank/effective" in line] or [{}]
    twin = make(plastic(PPO), plasticity=EAGER)
    seen: list[dict[str, float]] = []

    class Look(PlasticityCallback):
        def _on_rollout_end(self) -> None:
            rows, actions = twin.rollout_buffer.observations[:, 0], twin.rollout_buffer.actions[:, 0, 0]
            layers = hidden_layers(twin.policy, torch.zeros(1, 4))
            inputs = torch.as_tensor(rows), torch.as_tensor(actions)
            seen.append(report(layers, lambda: twin.policy.evaluate_actions(*inputs)))

    learn(twin, 64, callback=Look(verbose=0))
    assert seen[0].items() <= line.items()


def test_an_off_policy_critic_is_measured_on_the_observations_and_actions_of_its_buffer():
    env = VecNormalize(DummyVecEnv([pendulum]))
    kwargs = {"net_arch": [8]}
    model = plastic(SAC)("MlpPolicy", env, plasticity=EAGER, policy_kwargs=kwargs, **OFF_POLICY)
    learn(model, 40)
    replay = model.replay_buffer
    rows = env.normalize_obs(replay.observations[:40, 0])
    inputs = inputs_of(model.critic, rows, replay.actions[:40, 0])
    assert torch.equal(inputs[1], torch.as_tensor(replay.actions[:40, 0]))
    layers = hidden_layers(model.critic, torch.zeros(1, 3), torch.zeros(1, 1))
    expected = report(layers, lambda: model.critic(*inputs))
    measured = NetworkMetrics(model).measure()
    assert measured["rank/stable/critic"] == pytest.approx(expected["rank/stable"])
    assert measured["units/dormant/critic.qf0.0"] == expected["units/dormant/qf0.0"]


def test_it_measures_every_so_many_steps_and_at_the_end_of_a_rollout_alone(monkeypatch: pytest.MonkeyPatch):
    at: list[int] = []
    measure = NetworkMetrics.measure
    monkeypatch.setattr(
        NetworkMetrics, "measure", lambda self, **_: at.append(self.model.num_timesteps) or measure(self)
    )
    logged(A2C("MlpPolicy", "CartPole-v1", n_steps=5, device="cpu"), 200, every=64)
    logged(make(), 256, every=100)
    logged(SAC("MlpPolicy", pendulum(), policy_kwargs={"net_arch": [8]}, **OFF_POLICY), 60, every=20)
    assert at == [65, 130, 195, 128, 256, 20, 40, 60]


def test_not_more_samples_are_looked_at_than_wanted(monkeypatch: pytest.MonkeyPatch):
    seen: list[int] = []

    def count(layers: Any, forward: Any, **settings: Any) -> dict[str, float]:
        outputs = forward()
        seen.append(len(outputs if isinstance(outputs, torch.Tensor) else outputs[0]))
        return {}

    monkeypatch.setattr("plastic_rl.sb3.network_metrics.report", count)
    logged(make(), 64, every=64, samples=10)
    logged(SAC("MlpPolicy", pendulum(), policy_kwargs={"net_arch": [8]}, **OFF_POLICY), 30, every=30, samples=7)
    assert seen == [10, 7, 7]


def test_a_plain_model_is_measured_too_and_nothing_is_forecast(capsys: pytest.CaptureFixture[str]):
    model = make()
    lines = learn(model, 64, callback=PlasticityCallback(every=64))
    assert "rank/effective" in lines[0]
    assert not any(name.startswith("cbp") for name in lines[0])
    assert "replacement" not in capsys.readouterr().out


def test_the_forecast_is_printed_once(capsys: pytest.CaptureFixture[str]):
    model, callback = make(plastic(PPO), plasticity=EAGER), PlasticityCallback()
    for _ in range(2):
        learn(model, 64, callback=callback, reset_num_timesteps=False)
    out = capsys.readouterr().out
    assert out.count("first replacement") == 1
    assert "environment step 64" in out


def test_observations_may_be_dictionaries():
    kwargs = {"net_arch": [8], "features_extractor_kwargs": {"cnn_output_dim": 8}}
    lines = logged(make(PPO, "MultiInputPolicy", SimpleMultiObsEnv(), policy_kwargs=kwargs), 64, every=64)
    assert "rank/effective/features_extractor.extractors.img.linear.0" in lines[0]


def test_names_say_whose_they_are():
    assert labelled("rank/effective", "") == "rank/effective"
    assert labelled("rank/effective", "actor") == "rank/effective/actor"
    assert labelled("cbp/replaced/qf0.0", "critic") == "cbp/replaced/critic.qf0.0"


@pytest.mark.parametrize(
    ("settings", "message"), [({"every": -1}, "every must be"), ({"samples": 0}, "samples must be 1")]
)
def test_numbers_out_of_range_are_refused(settings: dict[str, int], message: str):
    with pytest.raises(ValueError, match=message):
        PlasticityCallback(**settings)
