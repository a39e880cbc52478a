"""Several seeds of an agent that acts, by one command."""

from collections.abc import Callable
from typing import Any

import pytest

import launch.run
from launch.run import run, run_folder
from launch.seeds import run_seeds
from launch.settings import Settings
from plastic_rl.errors import RunError, RunInterruptedError, UserError
from plastic_rl.runs import read_metrics

Small = Callable[..., Settings]
SMALL = (
    *("agent=ppo", "env=permuted-cartpole", "env.n_envs=2", "total_steps=128", "agent.rollout_steps=64", "track=off"),
    *("agent.minibatch_size=32", "agent.epochs=1", "agent.hidden_units=4"),
)


@pytest.fixture
def small(settings_of: Small, tmp_path: Any) -> Small:
    return lambda *words: settings_of(*SMALL, f"out={tmp_path}", *words)


def learned(settings: Settings) -> list[dict[str, Any]]:
    """The metrics of a run, but for what the clock says."""
    lines = read_metrics(run_folder(settings).metrics_file)
    return [{key: value for key, value in line.items() if not key.startswith("time/")} for line in lines]


def test_each_seed_has_the_folder_and_the_files_of_a_run_of_its_own(small: Small, tmp_path: Any, capsys: Any):
    folders = run_seeds(small("seed=3", "seeds=2", "seeds_in=batch"))
    assert [folder.path for folder in folders] == [run_folder(small(f"seed={seed}")).path for seed in (3, 4)]
    alone = small("seed=4", f"out={tmp_path / 'alone'}")
    run(alone)
    assert learned(small("seed=4")) == learned(alone) != []
    capsys.readouterr()
    run(small("seed=3"))
    assert "already finished" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            (*SMALL, "seeds=2", "seeds_in=batch", "agent.lean=quick"),
            r"seeds_in=batch cannot be .*: their loop is lean=q",
        ),
        ((*SMALL, "seeds_in=turn"), "seeds_in=turn is for several seeds"),
        (("agent=sgd", "env=permuted-digits", "seeds=2", "seeds_in=turn"), "seeds_in=turn is for worlds"),
        ((*SMALL, "seeds=2", "seeds_in=rows"), "seeds_in must be one of auto, batch, turn, got rows"),
    ],
)
def test_a_way_in_which_seeds_cannot_be_trained_is_refused(words: Any, told: str, settings_of: Small, tmp_path: Any):
    with pytest.raises(UserError, match=told):
        run_seeds(settings_of(*words, f"out={tmp_path}"))


def test_it_is_said_why_seeds_are_trained_in_turn(small: Small, monkeypatch: Any, caplog: Any):
    stopping(monkeypatch, -1, UserError())
    caplog.set_level("INFO", "plastic_rl.launch")
    run_seeds(small("seeds=2", "agent.hidden_units=256", "agent.hidden_layers=3"))
    assert [line.message for line in caplog.records] == [
        "Seeds are trained in turn: policies of 266,499 weights, more than 200,000, gain nothing from company."
    ]


def stopping(monkeypatch: pytest.MonkeyPatch, at: int, error: UserError) -> list[int]:
    """Has the training of one seed end in an error, and that of others in nothing; those that began are listed."""
    begun = list[int]()

    def of(settings: Settings, folder: Any) -> str:
        begun.append(settings.seed)
        if settings.seed == at:
            raise error
        return "trained"

    monkeypatch.setattr(launch.run, "_train", of)
    return begun


def test_a_seed_that_cannot_go_on_stops_alone(small: Small, monkeypatch: Any, capsys: Any):
    begun = stopping(monkeypatch, 1, RunError("Step 64: a weight is not a number."))
    with pytest.raises(RunError, match=r"Of 3 seeds 1 could not go on, .*: 1\. The rest is finished"):
        run_seeds(small("seeds=3", "seeds_in=turn"))
    assert begun == [0, 1, 2]
    assert "Step 64: a weight" in capsys.readouterr().err


@pytest.mark.parametrize("error", [RunInterruptedError("Interrupted.", 130), UserError("No such thing.")])
def test_what_concerns_all_seeds_stops_all(error: UserError, small: Small, monkeypatch: Any):
    begun = stopping(monkeypatch, 1, error)
    with pytest.raises(type(error)):
        run_seeds(small("seeds=3", "seeds_in=turn"))
    assert begun == [0, 1]


def test_runs_that_differ_in_their_seed_alone_are_one_group(settings_of: Small, tmp_path: Any, monkeypatch: Any):
    seen = list[tuple[str, str]]()
    monkeypatch.setattr(
        "plastic_rl.sb3.train_model", lambda *args, name, group, **rest: seen.append((name, group)) or Trained()
    )
    for words in (("seed=0",), ("seed=1",), ("seed=0", "agent.learning_rate=2e-3")):
        run(settings_of(*SMALL, f"out={tmp_path}", *words))
    (name, group), (other_name, other_group), (_, third_group) = seen
    assert (name, other_name) == ("ppo permuted-cartpole s0", "ppo permuted-cartpole s1")
    assert group == other_group != third_group
    assert (tmp_path / f"{group}-s0").is_dir()


class Trained:
    recent_return, steps, seconds = None, 1, 1.0
