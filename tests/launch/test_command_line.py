"""The command as it is typed, in a process of its own."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "gymnasium", "stable_baselines3", "mujoco", "wandb", "matplotlib")
SMALL = (
    "env=permuted-cartpole",
    "track=off",
    "agent.rollout_steps=256",
    "agent.epochs=1",
    "total_steps=512",
    "env.change_every=256",
)


def command(*arguments):
    return [sys.executable, str(ROOT / "train.py"), *arguments]


def train(folder, *arguments):
    return subprocess.run(command(*arguments), cwd=folder, capture_output=True, text=True, check=False)


def run_folders(folder):
    return sorted(path.parent for path in folder.glob("runs/*/*/*/run.json"))


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["agent=ppo_cbp", "env=slippery-ant", "--help"], ["agent=ppo", "env=ant", "sed=1"], ["agent=nope"]],
)
def test_help_and_errors_come_before_anything_heavy_is_imported(tmp_path, arguments):
    script = (
        "import sys; from launch.command_line import main; "
        f"main({arguments!r}); print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_recipe_setting_and_the_way_to_use_them(tmp_path):
    begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = train(tmp_path, "--help")
    # Processor time, which neighbours on the machine do not change: whoever imports torch needs more.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begun < 1.5
    assert done.returncode == 0
    for words in ("ppo_cbp", "PPO whose least useful", "slippery-ant", "total_steps", "seed=0", "python train.py -m"):
        assert words in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_help_for_a_pair_gives_the_values_that_a_run_would_use(tmp_path):
    done = train(tmp_path, "agent=ppo_cbp", "env=permuted-cartpole", "seed=3", "--help")
    for words in ("seed=3", "agent.replacement_rate=0.001", "env.change_every="):
        assert words in done.stdout


def test_a_run_leaves_its_folder_and_nothing_else_and_is_not_run_twice(tmp_path):
    done = train(tmp_path, "agent=ppo_cbp", *SMALL)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    (folder,) = run_folders(tmp_path)
    assert {"config.yaml", "metrics.jsonl", "run.json", "learning_curve.png", "checkpoints"} <= set(os.listdir(folder))
    assert "total_steps: 512" in (folder / "config.yaml").read_text()
    assert str(folder.relative_to(tmp_path)) in done.stdout

    again = train(tmp_path, "agent=ppo_cbp", *SMALL)
    assert again.returncode == 0
    assert again.stdout.startswith("already finished: runs/permuted-cartpole/ppo_cbp/")


def test_ctrl_c_ends_with_130_and_a_run_that_can_go_on(tmp_path):
    small = [word for word in SMALL if not word.startswith("total_steps")]
    process = subprocess.Popen(
        command("agent=ppo", "total_steps=51200", *small), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    _wait_for_metrics(tmp_path, process)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert b"Traceback" not in error
    (folder,) = run_folders(tmp_path)
    assert json.loads((folder / "run.json").read_text())["status"] == "interrupted"
    assert list(folder.glob("checkpoints/*.pt"))


def _wait_for_metrics(folder, process):
    for _ in range(600):
        if any(path.stat().st_size for path in folder.glob("runs/*/*/*/metrics.jsonl")) or process.poll() is not None:
            return
        time.sleep(0.1)
