"""The command `plastic-rl`: its words, what each hands over to, and where it finds the recipes."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import launch.command_line
from agents.methods import METHODS
from envs import ENVS
from envs.changes import CHANGES
from launch.commands import main
from launch.recorded_settings import last_checkpoint, settings_from
from launch.run import run_folder
from launch.settings import identity
from launch.watching import _around_the_last_change
from plastic_rl.command import recipes_folder
from plastic_rl.errors import UserError
from plastic_rl.runs.identity import identity as flat
from tests.docs.commands import refusal

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TINY = ("env=permuted-cartpole", "track=off", "agent.rollout_steps=256", "agent.epochs=1", "total_steps=512")


def test_help_imports_nothing_heavy():
    script = (
        "import sys; sys.argv = ['plastic-rl', '--help']; from plastic_rl.command import main; main(); "
        "print([name for name in ('torch', 'numpy', 'hydra', 'gymnasium', 'agents') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for name in ("train", "compare", "doctor", "probe", "watch", "list"):
        assert f"plastic-rl {name} " in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lst"], "plastic-rl has no command lst: expected one of train, compare"),
        (["agent=ppo"], "Did you mean: plastic-rl train agent=ppo"),
        (["watch", "/nowhere"], "/nowhere is no run: expected its folder"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(words, said, capsys):
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_a_package_that_is_missing_is_named_with_the_extra_that_has_it(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "launch.watching", raising=False)
    monkeypatch.delitem(sys.modules, "launch.recorded_settings")
    monkeypatch.setitem(sys.modules, "hydra", None)
    assert main(["watch", "somewhere"]) == 2
    assert "plastic-rl watch needs hydra, which is not installed (the extra 'train')" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["compare", "doctor", "probe", "watch", "list"])
def test_each_word_has_a_help_of_its_own_name(word, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([word, "--help"])
    assert f"usage: plastic-rl {word} " in capsys.readouterr().out


def test_train_is_what_the_script_does(monkeypatch):
    given = []
    monkeypatch.setattr(launch.command_line, "main", lambda arguments: given.append(arguments) or 7)
    assert main(["train", "agent=ppo", "env=ant"]) == 7
    assert given == [["agent=ppo", "env=ant"]]


def test_messages_call_the_command_by_the_name_that_it_was_started_by(monkeypatch, capsys):
    for name, called in (("plastic-rl", "plastic-rl train agent="), ("train.py", "python train.py agent=")):
        monkeypatch.setattr(sys, "argv", [name])
        assert main(["train", "agent=ppo"]) == 2
        assert called in capsys.readouterr().err


def test_a_list_has_every_name_with_a_line_on_it(capsys):
    assert main(["list"]) == 0
    lines = {line.split()[0]: line.split(maxsplit=1)[1:] for line in capsys.readouterr().out.splitlines() if line}
    for name in (*ENVS, *METHODS, *CHANGES, "cbp", "ppo_cbp", "sgd_redo"):
        assert len(lines[name][0]) > 10, name
    assert main(["list", "streams"]) == 0
    assert "slippery-ant" not in capsys.readouterr().out


def test_a_checkout_has_the_recipes_where_they_are_and_a_wheel_within(monkeypatch, tmp_path):
    assert recipes_folder() == ROOT
    (tmp_path / "plastic_rl" / "_recipes").mkdir(parents=True)
    monkeypatch.setattr("plastic_rl.command.__file__", str(tmp_path / "plastic_rl" / "command.py"))
    assert recipes_folder() == tmp_path / "plastic_rl" / "_recipes"


@pytest.mark.parametrize("words", [("agent=ppo_cbp",), ("agent=ppo+redo", "agent.redo.threshold=0.5", "seed=4")])
def test_settings_are_those_of_the_run_that_left_a_checkpoint(settings_of, words):
    settings = settings_of(*words, *TINY)
    again = settings_from({"settings": flat(identity(settings))["settings"]})
    assert replace(again, track=settings.track) == settings
    assert run_folder(again).path == run_folder(settings).path


def test_checkpoints_that_do_not_say_whose_they_are_are_refused(tmp_path):
    with pytest.raises(UserError, match="does not say with which settings"):
        settings_from({"settings": {}})
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match="has no checkpoint"):
        last_checkpoint(tmp_path)


@pytest.mark.parametrize(("met", "shown"), [([0, 1, 1, 2], [1, 2]), ([0, 1, 2, 0, 0], [2, 0]), ([4], [4, 5])])
def test_the_film_is_of_the_last_change_that_a_run_has_met(tmp_path, met, shown):
    lines = [f'{{"global_step": {step}, "task/index": {task}}}\n' for step, task in enumerate(met)]
    (tmp_path / "metrics.jsonl").write_text("".join(lines))
    assert _around_the_last_change(tmp_path) == shown


@pytest.mark.slow
def test_a_run_is_filmed_before_and_after_a_change(tmp_path, monkeypatch, capsys):
    imageio = pytest.importorskip("imageio")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    assert main(["train", "agent=ppo", *TINY, "env.change_every=256"]) == 0
    (folder,) = (path.parent for path in tmp_path.glob("runs/*/*/*/run.json"))
    capsys.readouterr()
    assert main(["watch", str(folder), "--steps", "20"]) == 0
    assert "task 0: reward 20.0 over 20 steps" in capsys.readouterr().out
    assert 10 < len(imageio.mimread(folder / "before_and_after.gif")) <= 20  # a frame like the last is none


@pytest.mark.slow
def test_an_installed_wheel_trains_from_an_empty_folder_and_claims_no_names(tmp_path):
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    target, empty = tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", target, wheel], check=True)
    # An editable install beside it, which the packages of this environment need not be without: no .pth is read.
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    environment = {"PYTHONPATH": f"{target}:{packages}", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}

    def ran(*words):
        told = {"cwd": empty, "env": environment, "capture_output": True, "text": True}
        return subprocess.run([sys.executable, "-S", *words], **told, check=False)

    listed = ran(target / "bin" / "plastic-rl", "list")
    assert listed.returncode == 0, listed.stderr
    assert "ppo_cbp" in listed.stdout
    trained = ran(target / "bin" / "plastic-rl", "train", "agent=ppo_cbp", *TINY)
    assert trained.returncode == 0, trained.stderr
    assert next(empty.glob("runs/permuted-cartpole/ppo_cbp/*/model.zip")).is_file()
    for name in ("agents", "envs", "launch"):
        refused = ran("-c", f"import plastic_rl, {name}")
        assert f"No module named '{name}'" in refused.stderr


def test_the_runs_of_make_run_would_run_and_are_compared():
    lines = re.search(r"^run: .*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1].splitlines()
    first = re.search(r"^FIRST := (.*)$", MAKEFILE, re.MULTILINE)[1]
    commands = [
        line.partition("train.py ")[2].replace("$(FIRST)", first).split() for line in lines if "train.py" in line
    ]
    assert len(commands) >= 2
    assert [refusal(words, whole_sweep=False) for words in commands] == [None] * len(commands)
    (out,) = {word.removeprefix("out=") for words in commands for word in words if word.startswith("out=")}
    assert f"plastic_rl.compare {out} " in lines[-1]
