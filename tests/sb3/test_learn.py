"""Runs that are killed, stopped or fall ill, and what is left of them."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
import yaml
from gymnasium.spaces import Box, Dict
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv
from training import learn_in

from plastic_rl.doctor import examine_saved
from plastic_rl.errors import RunError, RunInterruptedError
from plastic_rl.nonstationary import Every, Nonstationary, PermuteObservations, read_tasks
from plastic_rl.optim import ContinualBackprop, LayerReset, PlasticityInjection
from plastic_rl.runs import RunFolder, read_metrics, seed_everything
from plastic_rl.sb3 import plastic, train_model

ROOT = Path(__file__).resolve().parents[2]


def make_world(**options: int) -> Monitor:
    return Monitor(Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), Every(300), **options))


def make_model(**overrides) -> PPO:
    seed_everything(0)
    env = DummyVecEnv([make_world])
    settings = {"n_steps": 128, "batch_size": 64, "n_epochs": 2, "policy_kwargs": {"net_arch": [16]}, "device": "cpu"}
    method = partial(ContinualBackprop, replacement_rate=0.05, maturity_threshold=2)
    return plastic(PPO)("MlpPolicy", env, seed=0, **{"plasticity": method, **settings, **overrides})


def run(path: Path, total_steps: int, model: PPO | None = None, **options) -> PPO:
    return learn_in(path, model or make_model(), total_steps, **options)


def lines_without_times(path: Path) -> list[dict]:
    lines = read_metrics(path / "metrics.jsonl")
    return [{name: value for name, value in line.items() if not name.startswith("time/")} for line in lines]


def same_parameters(a: PPO, b: PPO) -> bool:
    pairs = zip(a.policy.parameters(), b.policy.parameters(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def test_a_run_in_parts_is_the_run_in_one(tmp_path: Path):
    whole = run(tmp_path / "whole", 1024, checkpoint_seconds=0.0)
    run(tmp_path / "parts", 512, checkpoint_seconds=0.0)
    parts = run(tmp_path / "parts", 1024, checkpoint_seconds=0.0)
    assert same_parameters(whole, parts)
    assert lines_without_times(tmp_path / "whole") == lines_without_times(tmp_path / "parts")
    assert whole.policy.optimizer.metrics()["cbp/replaced"] > 0
    assert whole.policy.optimizer.metrics() == parts.policy.optimizer.metrics()


def test_how_often_checkpoints_are_saved_does_not_change_the_run(tmp_path: Path):
    often, never = run(tmp_path / "a", 512, checkpoint_seconds=0.0), run(tmp_path / "b", 512, checkpoint_seconds=1e9)
    assert same_parameters(often, never)


def test_metrics_have_the_promised_names(tmp_path: Path):
    run(tmp_path, 640)
    names = {name for line in read_metrics(tmp_path / "metrics.jsonl") for name in line}
    assert names >= {
        "global_step", "episode/return", "episode/length", "task/index", "cbp/replaced", "cbp/mature",
        "cbp/replaced/mlp_extractor.policy_net.0", "units/dormant", "rank/srank99", "weights/mean_abs",
        "loss/policy", "loss/value", "time/steps_per_second",
    }  # fmt: skip


class Named(gymnasium.ObservationWrapper):
    """CartPole whose observations are dictionaries."""

    def __init__(self) -> None:
        super().__init__(gymnasium.make("CartPole-v1"))
        self.observation_space = Dict({name: Box(-np.inf, np.inf, (2,)) for name in ("cart", "pole")})

    def observation(self, observation: np.ndarray) -> dict[str, np.ndarray]:
        return {"cart": observation[:2], "pole": observation[2:]}


def test_a_run_that_begins_leaves_no_logs_of_one_that_did_not_get_far(tmp_path: Path):
    (tmp_path / "run.lock").touch()
    (tmp_path / "progress-from-64.csv").touch()
    run(tmp_path, 128)
    assert not (tmp_path / "progress-from-64.csv").exists()


def test_observations_may_be_dictionaries(tmp_path: Path):
    def model() -> PPO:
        seed_everything(0)
        return PPO("MultiInputPolicy", DummyVecEnv([Named]), n_steps=64, batch_size=32, n_epochs=1, seed=0)

    whole = run(tmp_path / "whole", 192, model(), checkpoint_seconds=0.0)
    run(tmp_path / "parts", 64, model(), checkpoint_seconds=0.0)
    assert same_parameters(whole, run(tmp_path / "parts", 192, model()))
    assert lines_without_times(tmp_path / "whole") == lines_without_times(tmp_path / "parts")
    assert any("units/dormant" in line for line in read_metrics(tmp_path / "whole" / "metrics.jsonl"))


def test_a_run_goes_on_from_a_checkpoint_with_an_injected_head(tmp_path: Path):
    method = partial(PlasticityInjection, on_change=False, after=6, seed=1)
    make = partial(make_model, plasticity=method, policy_kwargs={"net_arch": [16, 16]})
    whole = run(tmp_path / "whole", 512, make(), checkpoint_seconds=0.0)
    run(tmp_path / "parts", 256, make(), checkpoint_seconds=0.0)  # 8 updates
    again = run(tmp_path / "parts", 512, make())
    assert same_parameters(whole, again)
    torch.testing.assert_close(dict(again.policy.named_buffers()), dict(whole.policy.named_buffers()), atol=0, rtol=0)
    assert len(dict(whole.policy.named_buffers())) == 16  # two layers of actor and critic, twice weight and bias


def test_a_run_begins_with_what_its_method_will_do(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level("INFO", logger="plastic_rl"):
        run(tmp_path, 128)
    # 16 units at 0.05 make a replacement 2 updates after maturity, which is 2: the fourth of the first rollout's four.
    assert "first replacement at update 4 = environment step 128" in caplog.text


def test_a_run_says_that_a_method_which_replaces_nothing_will_never_act(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    method = partial(LayerReset, on_change=False, every=1000)
    with caplog.at_level("INFO", logger="plastic_rl"):
        run(tmp_path, 128, make_model(plasticity=method))
    assert "The run has 4 updates and every is 1,000: LayerReset never acts." in caplog.text


def test_every_finished_episode_has_its_own_line_and_tasks_advance(tmp_path: Path):
    model = run(tmp_path, 1024)
    lines = read_metrics(tmp_path / "metrics.jsonl")
    episodes = [line for line in lines if "episode/return" in line]
    assert sum(line["episode/length"] for line in episodes) <= model.num_timesteps
    assert sum(line["episode/length"] for line in episodes) > model.num_timesteps - 500
    indices = [line["task/index"] for line in lines if "task/index" in line]
    assert indices == sorted(indices)
    assert set(indices) == {0, 1, 2, 3}


def test_what_the_last_rollout_adds_beyond_the_end_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run(tmp_path, 300)  # of 384 steps, in rollouts of 128; the second task begins soon after 300
    assert {1} <= {line.get("task/index") for line in read_metrics(tmp_path / "metrics.jsonl")}
    shown = capsys.readouterr().err.splitlines()[-1]
    assert shown.startswith("100%, 300/300 steps, ")
    assert "0:00:00 left, task 0, return " in shown


def test_the_tasks_of_a_run_can_be_gone_through_again(tmp_path: Path):
    run(tmp_path, 1024)
    tasks = read_tasks(tmp_path / "tasks.jsonl")
    assert [task["index"] for task in tasks] == [0, 1, 2, 3]
    other = make_world(seed=99)
    assert other.get_wrapper_attr("parameters")(2) != tasks[2]
    other.get_wrapper_attr("follow")(tasks)
    assert other.get_wrapper_attr("parameters")(2) == tasks[2]


def test_a_finished_run_leaves_a_model_that_plain_sb3_opens(tmp_path: Path):
    model = run(tmp_path, 256)
    assert same_parameters(model, PPO.load(tmp_path / "model.zip", device="cpu"))
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "finished"


def test_a_run_of_ones_own_leaves_what_any_run_leaves(tmp_path: Path):
    model, folder = make_model(), RunFolder(tmp_path / "own")  # not prepared
    train_model(model, 256, folder, name="mine")
    assert not folder.is_prepared
    assert folder.picture_file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    config = yaml.safe_load(folder.config_file.read_text())
    assert (config["n_steps"], config["optimizer"]) == (128, "ContinualBackprop")
    observations = np.load(folder.observations_file)["observations"]
    np.testing.assert_array_equal(observations, model.rollout_buffer.observations.reshape(-1, 4))
    examination = examine_saved(folder.path)
    assert "observations.npz" in str(examination)


def test_a_request_to_stop_saves_a_checkpoint_first(tmp_path: Path):
    from stable_baselines3.common.callbacks import BaseCallback

    class Stop(BaseCallback):
        def _on_step(self) -> bool:
            if self.num_timesteps == 300:
                os.kill(os.getpid(), signal.SIGTERM)
            return True

    model = make_model()
    plain_learn = model.learn
    model.learn = lambda total, callback, **rest: plain_learn(total, callback=[Stop(), *callback.callbacks], **rest)
    with pytest.raises(RunInterruptedError) as stopped:
        run(tmp_path, 1024, model, checkpoint_seconds=1e9)
    assert stopped.value.exit_code == 128 + signal.SIGTERM
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "interrupted"
    assert RunFolder(tmp_path).checkpoints.latest()[0] == 384
    assert same_parameters(run(tmp_path, 1024), run(tmp_path.parent / "whole", 1024))


def test_nan_stops_the_run_and_spares_the_last_healthy_checkpoint(tmp_path: Path):
    model = make_model()
    plain_train = model.train

    def train_into_nan() -> None:
        if model.num_timesteps > 300:
            with torch.no_grad():
                next(model.policy.parameters()).fill_(torch.nan)
        plain_train()

    model.train = train_into_nan
    with pytest.raises(RunError, match="Step 384") as ill:
        run(tmp_path, 1024, model, checkpoint_seconds=0.0)
    assert "learning_rate" in str(ill.value)
    step, state = RunFolder(tmp_path).checkpoints.latest()
    assert step == 256
    assert all(torch.isfinite(value).all() for value in state["algorithm"]["parameters"]["policy"].values())
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "failed"


def test_outputs_that_are_no_numbers_stop_the_run_even_where_the_weights_are(tmp_path: Path):
    model = make_model(learning_rate=1e30)
    with pytest.raises(RunError, match="learning_rate"):
        run(tmp_path, 1024, model)


def test_a_change_of_task_is_written_once_though_copies_reset_at_different_times(tmp_path: Path):
    seed_everything(0)
    env = DummyVecEnv([lambda: make_world(copies=4)] * 4)
    run(tmp_path, 2048, PPO("MlpPolicy", env, n_steps=64, batch_size=64, n_epochs=1, seed=0, device="cpu"))
    lines = read_metrics(tmp_path / "metrics.jsonl")
    changes = [line["task/index"] for line in lines if "task/index" in line and "episode/return" not in line]
    assert changes == list(range(len(changes)))
    assert len(changes) == 7


def test_off_policy_networks_are_measured_every_thousand_steps_and_at_the_end(tmp_path: Path):
    run(tmp_path, 1100, DQN("MlpPolicy", "CartPole-v1", learning_starts=50, policy_kwargs={"net_arch": [4]}))
    lines = read_metrics(tmp_path / "metrics.jsonl")
    assert [line["global_step"] for line in lines if "rank/effective" in line] == [1000, 1100]
    assert all("loss/total" in line for line in lines if "rank/effective" in line)


def train(out: Path, *overrides: str) -> list[str]:
    return [sys.executable, str(ROOT / "train.py"), f"out={out}", "track=off", "checkpoint_seconds=0.001", *overrides]


def newest(out: Path) -> Path | None:
    return max(out.glob("*/*/*/checkpoints/step-*.pt"), default=None)


def final_parameters(out: Path) -> dict[str, torch.Tensor]:
    (folder,) = out.glob("*/*/*/")
    state = RunFolder(folder).checkpoints.latest()[1]["algorithm"]
    return {**state["parameters"]["policy"], "random": state["random"]["torch"]}


SMALL_REPLAY = (
    "agent.replay_size=300",
    "agent.learning_starts=100",
    "agent.hidden_units=16",
    "agent.minibatch_size=16",
)


@pytest.mark.parametrize(
    "overrides",
    [
        ("env=permuted-cartpole", "total_steps=1536", "env.change_every=400", "agent.rollout_steps=256"),
        pytest.param(
            ("env=slippery-ant", "total_steps=1536", "env.change_every=400", "agent.rollout_steps=256"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ("agent=dqn_cbp", "env=permuted-cartpole", "total_steps=1600", "env.change_every=400", *SMALL_REPLAY),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["permuted-cartpole", "slippery-ant", "replay"],
)
def test_a_run_killed_in_the_middle_ends_with_the_same_weights(tmp_path: Path, overrides: tuple[str, ...]):
    small = ("agent.maturity_threshold=4", "agent.replacement_rate=0.01")
    small += () if "agent=dqn_cbp" in overrides else ("agent=ppo_cbp", "agent.epochs=2")
    subprocess.run(train(tmp_path / "whole", *small, *overrides), check=True, capture_output=True)

    child = subprocess.Popen(
        train(tmp_path / "killed", *small, *overrides), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while newest(tmp_path / "killed") is None or "step-000000000000" in newest(tmp_path / "killed").name:
        assert child.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()

    subprocess.run(train(tmp_path / "killed", *small, *overrides), check=True, capture_output=True)
    whole, killed = final_parameters(tmp_path / "whole"), final_parameters(tmp_path / "killed")
    assert whole.keys() == killed.keys()
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
    (a,), (b,) = (tmp_path / "whole").glob("*/*/*/"), (tmp_path / "killed").glob("*/*/*/")
    assert lines_without_times(a) == lines_without_times(b)
