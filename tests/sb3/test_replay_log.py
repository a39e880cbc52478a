"""Replay buffers on disk: what a checkpoint counted is there, whatever was written since, and nothing else stays."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from resuming import same_arrays
from stable_baselines3.common.buffers import DictReplayBuffer, NStepReplayBuffer, ReplayBuffer
from stable_baselines3.her import HerReplayBuffer

from plastic_rl.errors import UserError
from plastic_rl.sb3.replay import ReplayLog, check_space, in_words, replay_log
from plastic_rl.sb3.replay.remainder import run_lengths

SIZE, COPIES, EPISODE = 12, 2, 5
SEEN, ACT = Box(-1, 1, (3,)), Box(-1, 1, (2,), np.float64)
GOALS = Dict({name: Box(-1, 1, (2,)) for name in ("observation", "achieved_goal", "desired_goal")})
OF_A_BUFFER = ("env", "device", "observation_space", "action_space", "goal_selection_strategy", "infos")

BUFFERS: dict[str, Callable[[], Any]] = {
    "plain": lambda: ReplayBuffer(SIZE * COPIES, SEEN, ACT, n_envs=COPIES),
    "discrete": lambda: ReplayBuffer(SIZE * COPIES, Discrete(4), Discrete(2), n_envs=COPIES),
    "one array": lambda: ReplayBuffer(
        SIZE * COPIES, SEEN, ACT, n_envs=COPIES, optimize_memory_usage=True, handle_timeout_termination=False
    ),
    "n-step": lambda: NStepReplayBuffer(SIZE * COPIES, SEEN, ACT, n_envs=COPIES),
    "named": lambda: DictReplayBuffer(SIZE * COPIES, GOALS, ACT, n_envs=COPIES),
    "hindsight": lambda: HerReplayBuffer(SIZE * COPIES, GOALS, ACT, env=SimpleNamespace(), n_envs=COPIES),
}


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_log, "FILE_BYTES", 1)
    monkeypatch.setattr(replay_log, "FILES", 4)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def model_with(buffer: Any, steps: int = 0) -> Any:
    pace = {"train_freq": 1, "gradient_steps": 1, "learning_starts": 0}
    return SimpleNamespace(replay_buffer=buffer, num_timesteps=steps, n_envs=COPIES, **pace)


def step(model: Any, draw: np.random.Generator) -> None:
    """One step of every copy, in episodes of five steps and eight."""
    buffer, time = model.replay_buffer, model.num_timesteps // COPIES
    spaces = buffer.observation_space
    seen, following = (observed(spaces, draw) for _ in range(2))
    ends = np.array([time % EPISODE == EPISODE - 1, time % 8 == 7])
    actions = (
        draw.integers(0, 2, (COPIES, 1)) if isinstance(buffer.action_space, Discrete) else draw.random((COPIES, 2))
    )
    buffer.add(
        seen, following, actions, draw.random(COPIES), ends, [{"TimeLimit.truncated": bool(end)} for end in ends]
    )
    model.num_timesteps += COPIES


def observed(space: Any, draw: np.random.Generator) -> Any:
    if isinstance(space, Dict):
        return {name: observed(each, draw) for name, each in space.items()}
    return draw.integers(0, 4, COPIES) if isinstance(space, Discrete) else draw.random((COPIES, *space.shape))


def parts(buffer: Any) -> dict[str, Any]:
    return {name: value for name, value in copy.deepcopy(vars(buffer)).items() if name not in OF_A_BUFFER}


@pytest.mark.parametrize("kind", BUFFERS)
def test_both_checkpoints_can_be_gone_back_to_at_any_moment(tmp_path: Path, kind: str):
    """However the ring has turned since, and whatever was appended after them."""
    draw, model = np.random.default_rng(0), model_with(BUFFERS[kind]())
    log, kept = ReplayLog(model, tmp_path / "replay", 1000), list[tuple[int, Any, Any]]()
    for index in range(40):
        if index % 3 == 0:
            kept = [*kept, (model.num_timesteps, log.state(), parts(model.replay_buffer))][-2:]
            log.forget([steps for steps, _, _ in kept])
            assert sum(file.stat().st_size for file in log.rows.directory.glob("*.npy")) <= log.bytes + 3000
        step(model, draw)
        log._append_all()
        for steps, state, expected in kept:
            again = model_with(BUFFERS[kind](), steps)
            resumed = ReplayLog(again, tmp_path / "replay", 1000)
            assert resumed.damage(state) is None
            resumed.load_state(state)
            assert same_arrays(parts(again.replay_buffer), expected), (kind, index)


def test_rows_that_no_checkpoint_counts_are_removed_and_a_checkpoint_comes_before_they_are_too_many(tmp_path: Path):
    draw, model = np.random.default_rng(0), model_with(BUFFERS["plain"]())
    log = ReplayLog(model, tmp_path / "replay", 1000)
    for _ in range(11):
        step(model, draw)
    assert not log.is_far_ahead
    step(model, draw)
    assert log.is_far_ahead  # four files of three rows
    log.state()
    assert not log.is_far_ahead
    for _ in range(12):
        step(model, draw)
    log.state()
    log.forget([model.num_timesteps])
    assert min(int(file.stem.partition("-")[2]) for file in log.rows.directory.iterdir()) == 12


def test_a_run_may_begin_with_a_full_buffer(tmp_path: Path):
    draw, model = np.random.default_rng(0), model_with(BUFFERS["plain"]())
    for _ in range(17):
        step(model, draw)
    model.num_timesteps = 0  # a new run with an old model
    log = ReplayLog(model, tmp_path / "replay", 1000)
    step(model, draw)
    state, again = log.state(), model_with(BUFFERS["plain"](), model.num_timesteps)
    ReplayLog(again, tmp_path / "replay", 1000).load_state(state)
    assert same_arrays(parts(again.replay_buffer), parts(model.replay_buffer))


def test_a_buffer_of_another_size_is_refused(tmp_path: Path):
    model = model_with(BUFFERS["plain"]())
    state = ReplayLog(model, tmp_path / "replay", 1000).state()
    other = ReplayLog(model_with(ReplayBuffer(8, SEEN, ACT, n_envs=COPIES)), tmp_path / "replay", 1000)
    with pytest.raises(ValueError, match="has 12 places there and 4 here"):
        other.load_state(state)


class Prioritised(ReplayBuffer):
    """A buffer that nobody knows here."""


def test_buffers_that_cannot_be_saved_are_refused_by_name(tmp_path: Path):
    with pytest.raises(UserError, match=r"a Prioritised cannot be saved(.|\n)*replay_on_disk=false"):
        ReplayLog(model_with(Prioritised(8, SEEN, ACT, n_envs=COPIES)), tmp_path, 10)
    hindsight: Any = HerReplayBuffer(8, GOALS, ACT, env=SimpleNamespace(), n_envs=COPIES, copy_info_dict=True)
    with pytest.raises(UserError, match="copy_info_dict=True cannot be saved"):
        ReplayLog(model_with(hindsight), tmp_path, 10)


def test_the_space_is_that_of_the_run_or_of_the_ring(tmp_path: Path):
    log = ReplayLog(model_with(BUFFERS["plain"]()), tmp_path, 8)
    row = COPIES * (2 * 3 * 4 + 2 * 4 + 3 * 4)
    assert log.bytes == 4 * row
    rounds = model_with(BUFFERS["plain"]())
    rounds.train_freq = 5  # the round in which the run ends is finished
    assert ReplayLog(rounds, tmp_path, 7).bytes == 5 * row
    # The buffer, four files up to each of two checkpoints, and one at either end; three rows in each.
    assert ReplayLog(model_with(BUFFERS["plain"]()), tmp_path, 1000).bytes == (12 + 10 * 3) * row


def test_a_disk_that_is_too_small_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_500_000))
    check_space(tmp_path / "run" / "replay", 1_500_000)
    with pytest.raises(UserError, match=r"takes up to 2.5 MB in .*replay, where 1.5 MB are free\nGive another disk"):
        check_space(tmp_path / "run" / "replay", 2_500_000)


def test_numbers_of_bytes_are_said_in_words():
    assert [in_words(size) for size in (7, 999, 1000, 1_760_000_000)] == ["7 B", "999 B", "1 kB", "1.76 GB"]


def test_runs_of_equal_numbers():
    values, counts = run_lengths(np.array([0, 0, 3, 3, 3, 0]))
    assert values.tolist() == [0, 3, 0]
    assert counts.tolist() == [2, 3, 1]
