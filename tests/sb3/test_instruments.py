"""The instruments of a run: their numbers worked out by hand, and the training as without them."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv
from torch.distributions import Categorical, kl_divergence
from training import EAGER, learn, learn_in, make, same_optimizers, same_parameters

from plastic_rl.nonstationary import Every, Nonstationary, PermuteObservations
from plastic_rl.runs import read_metrics
from plastic_rl.sb3 import PlasticityCallback, plastic
from plastic_rl.sb3.alarms import Alarms
from plastic_rl.sb3.instruments import most_entropy
from plastic_rl.sb3.lean import LeanLoop
from plastic_rl.sb3.sides import parts_of


def changing(every: int = 100) -> DummyVecEnv:
    return DummyVecEnv(
        [lambda: Monitor(Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), Every(every)))]
    )


class Look(BaseCallback):
    """Copies the policy, and the rollout that it collected, before an update."""

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        buffer = self.model.rollout_buffer
        self.before = copy.deepcopy(self.model.policy.state_dict())
        self.rows = torch.as_tensor(buffer.observations[:, 0])
        self.actions = torch.as_tensor(buffer.actions[:, 0, 0])


def measured(**settings: Any) -> tuple[dict[str, float], Any, Look]:
    """The numbers of one rollout and its update, the model after it, and what there was before."""
    model, look = make(plastic(PPO), **settings), Look()
    lines = learn(model, 64, callback=[look, PlasticityCallback(every=64, verbose=0)])
    return (
        {name: value for line in lines for name, value in line.items()} | dict(model.logger.name_to_value),
        model,
        look,
    )


def test_an_update_is_measured_by_what_the_policy_says_of_its_rollout_before_and_after():
    numbers, model, look = measured(learning_rate=1e-2)
    before = make()
    before.policy.load_state_dict(look.before)
    with torch.no_grad():
        old, new = (each.policy.get_distribution(look.rows).distribution for each in (before, model))
        values = [each.policy.predict_values(look.rows)[:, 0] for each in (before, model)]
    assert isinstance(old, Categorical)
    assert numbers["policy/entropy"] == pytest.approx(old.entropy().mean().item())
    assert numbers["policy/kl"] == pytest.approx(kl_divergence(old, new).mean().item(), rel=1e-3)
    ratio = torch.exp(new.log_prob(look.actions) - old.log_prob(look.actions))
    assert numbers["policy/ratio_max"] == pytest.approx(ratio.max().item(), rel=1e-5)
    assert numbers["policy/clip_share"] == pytest.approx(((ratio - 1).abs() > 0.2).float().mean().item())
    assert numbers["value/churn"] == pytest.approx((values[1] - values[0]).abs().mean().item(), rel=1e-4)
    assert numbers["policy/churn"] == pytest.approx((new.probs - old.probs).abs().sum(1).mean().item() / 2, rel=1e-3)


def test_weights_are_measured_against_those_before_the_update_and_the_first_ones():
    numbers, model, look = measured()
    then = [look.before[name] for name, _ in model.policy.named_parameters()]
    now = [each.detach() for each in model.policy.parameters()]
    moves = [a - b for a, b in zip(now, then, strict=True)]
    size, step = (math.sqrt(sum(float((each**2).sum()) for each in of)) for of in (then, moves))
    assert numbers["weights/norm"] == pytest.approx(size, rel=1e-5)
    assert numbers["weights/distance"] == 0  # the first rollout was collected by the first weights
    assert numbers["weights/update"] == pytest.approx(step, rel=1e-5)
    assert numbers["weights/effective_rate"] == pytest.approx(step / size, rel=1e-5)
    parts = math.hypot(numbers["weights/norm/actor"], numbers["weights/norm/critic"])
    assert numbers["weights/norm"] == pytest.approx(parts, rel=1e-5)


@pytest.mark.parametrize(
    ("lean", "method"),
    [
        ("exact", None),
        ("off", EAGER),
        pytest.param("exact", EAGER, marks=pytest.mark.slow),
        pytest.param("off", None, marks=pytest.mark.slow),
    ],
    ids=["lean, plain", "SB3's, cbp", "lean, cbp", "SB3's, plain"],
)
def test_gradients_are_those_of_the_first_two_steps_before_and_after_clipping(lean: str, method: Any):
    seen: list[list[torch.Tensor]] = []
    model = make(plastic(PPO), lean=lean, plasticity=method, max_grad_norm=0.05)
    assert isinstance(model, LeanLoop)
    assert model.is_lean() == (lean == "exact")
    inner = model.policy.optimizer
    while hasattr(inner, "optimizer"):
        inner = inner.optimizer
    step = inner.step

    def look(*args: Any, **kwargs: Any) -> Any:
        seen.append([each.grad.clone() for each in model.policy.parameters()])
        return step(*args, **kwargs)

    inner.step = look
    lines = learn(model, 64, callback=PlasticityCallback(every=64, verbose=0))
    numbers = {name: value for line in lines for name, value in line.items()} | dict(model.logger.name_to_value)
    sizes = [math.sqrt(sum(float((each**2).sum()) for each in step)) for step in seen[:2]]
    assert numbers["gradient/norm_clipped"] == pytest.approx(sum(sizes) / 2, rel=1e-5)
    assert numbers["gradient/norm_clipped"] == pytest.approx(0.05, rel=1e-3)
    assert numbers["gradient/norm"] > 0.06
    one, two = (torch.cat([each.flatten() for each in step]) for step in seen[:2])
    assert numbers["gradient/cosine"] == pytest.approx(float(one @ two / one.norm() / two.norm()), abs=1e-5)
    zeros = sum(int((each == 0).sum()) for step in seen[:2] for each in step) / sum(
        each.numel() for s in seen[:2] for each in s
    )
    assert numbers["gradient/zeros"] == pytest.approx(zeros)
    assert {"gradient/norm/actor", "gradient/norm/critic", "gradient/norm/action_net"} <= numbers.keys()
    assert not any(parameter._post_accumulate_grad_hooks for parameter in model.policy.parameters())


@pytest.mark.parametrize("lean", ["exact", pytest.param("off", marks=pytest.mark.slow)])
def test_the_training_is_bit_for_bit_the_same_with_all_instruments(lean: str):
    twins: list[Any] = []
    for callback in (None, PlasticityCallback(every=1, verbose=0)):
        twins.append(make(plastic(PPO), plasticity=EAGER, lean=lean))
        learn(twins[-1], 192, callback=callback)
    assert same_parameters(*twins)
    assert same_optimizers(*twins)


def test_at_the_end_of_a_task_all_instruments_are_written_down_with_its_index(tmp_path: Path):
    model = make(plastic(PPO), env=changing(150), n_steps=128, batch_size=64)
    learn_in(tmp_path, model, 384)
    lines = read_metrics(tmp_path / "metrics.jsonl")
    ends = [line for line in lines if "end/task" in line]
    assert [line["end/task"] for line in ends] == [0, 1]
    changes = [line["global_step"] for line in lines if "task/index" in line and "episode/return" not in line]
    for line, change in zip(ends, changes[1:], strict=True):
        assert 0 <= line["global_step"] - change < 128  # in the rollout in which the next task began
    assert {
        *("end/units/dead", "end/units/duplicate", "end/rank/numerical", "end/weight_rank/effective"),
        *("end/policy/entropy", "end/policy/logits", "end/policy/kl", "end/gradient/norm", "end/weights/distance"),
        *("end/weights/effective_rate", "end/features/turned", "end/value/churn", "end/gradient/cosine/critic"),
    } <= ends[-1].keys()


def test_a_run_in_parts_measures_what_the_whole_does(tmp_path: Path):
    def run(name: str, steps: int) -> list[dict[str, Any]]:
        model = make(plastic(PPO), env=changing(150), plasticity=EAGER)
        learn_in(tmp_path / name, model, steps, checkpoint_seconds=0.0)
        lines = read_metrics(tmp_path / name / "metrics.jsonl")
        return [{key: value for key, value in line.items() if not key.startswith("time/")} for line in lines]

    run("parts", 192)
    assert run("parts", 384) == run("whole", 384)


def test_the_run_says_what_the_instruments_took_and_what_they_do_not_measure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    with caplog.at_level("INFO", logger="plastic_rl"):
        learn_in(tmp_path, make(plastic(PPO)), 64)
    assert "% of the run." in caplog.text
    learn(make(), 64, callback=PlasticityCallback())
    assert capsys.readouterr().out.startswith("The instruments took")


def test_an_alarm_is_raised_once_with_the_step(caplog: pytest.LogCaptureFixture):
    said: list[str] = []
    alarms = Alarms(math.log(2), 3.0, said)
    with caplog.at_level("WARNING", logger="plastic_rl"):
        alarms.look(100, {"policy/entropy": 0.5, "policy/kl": 0.01, "weights/norm": 14.9, "units/dead": 0.5})
        assert not caplog.messages
        for step in (1_000, 2_000):
            alarms.look(step, {"policy/entropy": 0.03, "weights/norm": 15.1, "policy/logits": 21.0, "policy/kl": 0.3})
    assert len(caplog.messages) == len(said) == 4
    assert all(message.startswith("step 1,000: ") for message in caplog.messages)


def test_a_collapsed_policy_raises_an_alarm_in_its_run(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    model = make(plastic(PPO))
    with torch.no_grad():
        model.policy.action_net.bias.copy_(torch.tensor([40.0, 0.0]))
    with caplog.at_level("WARNING", logger="plastic_rl"):
        learn_in(tmp_path, model, 128)
    assert sum("policy/entropy is" in message for message in caplog.messages) == 1
    assert sum("policy/logits is 40" in message for message in caplog.messages) == 1


def test_the_largest_entropy_is_that_of_equal_chances():
    assert most_entropy(gymnasium.spaces.Discrete(3)) == pytest.approx(math.log(3))
    assert most_entropy(gymnasium.spaces.MultiDiscrete([2, 4])) == pytest.approx(math.log(8))
    assert most_entropy(gymnasium.spaces.Box(-1, 1, (2,), np.float32)) is None


def test_parameters_are_those_of_actor_and_critic():
    policy = make().policy
    sides = {part.name: part.side for part in parts_of(policy, {id(each) for each in policy.parameters()})}
    assert sides["mlp_extractor.policy_net.0"] == sides["action_net"] == "actor"
    assert sides["mlp_extractor.value_net.2"] == sides["value_net"] == "critic"
