"""Completion in a shell: what may stand where the cursor is, and that shells ask for it."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agents import AGENTS
from envs import ENVS
from launch.commands import COMMANDS, main
from launch.completion import SHELLS, candidates

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "current", "found"),
    [
        ("", "", list(COMMANDS)),
        ("", "co", ["compare", "completion"]),
        ("list", "s", ["streams"]),
        ("completion", "", ["bash", "zsh"]),
        ("train", "see", ["seed=", "seeds=", "seeds_in="]),
        ("train seed=3", "see", ["seeds=", "seeds_in="]),
        ("train", "agent=ppo_cb", ["agent=ppo_cbp"]),
        ("train", "agent=ppo,ppo_cb", ["agent=ppo,ppo_cbp"]),
        ("train", "agent=ppo+cb", ["agent=ppo+cbp"]),
        ("train", "agent=ppo+cbp+red", ["agent=ppo+cbp+redo"]),
        (
            "train env=permuted-digits",
            "agent=sgd_c",
            ["agent=sgd_cbp", "agent=sgd_churn", "agent=sgd_cpr", "agent=sgd_crelu"],
        ),
        ("train agent=sgd", "env=slip", []),
        ("train agent=ppo", "env=slippery-a", ["env=slippery-ant"]),
        ("train agent=ppo", "agent.ep", ["agent.epsilon=", "agent.epochs="]),
        ("train agent=ppo+redo", "agent.redo.t", ["agent.redo.threshold="]),
        ("train env=slippery-ant", "env.fr", ["env.friction_low=", "env.friction_high="]),
        ("train env=Ant-v5 env.change=friction", "env.friction", ["env.friction.values="]),
        ("train", "env.change=friction+grav", ["env.change=friction+gravity"]),
        ("train", "env.id=Pend", ["env.id=Pendulum-v1"]),
        ("train", "protocol=", ["protocol=aligned"]),
        ("train", "track=o", ["track=online", "track=offline", "track=off"]),
        ("train", "reset=h", ["reset=head"]),
        ("train", "fresh=", ["fresh=true", "fresh=false"]),
        ("train agent=ppo", "agent.lean=q", ["agent.lean=quick"]),
        ("train agent=ppo,sac", "agent.", []),
        ("train agent=nobody", "agent.", []),
        ("train", "--h", ["--help"]),
        ("compare", "run", []),
    ],
)
def test_what_may_stand_at_the_cursor(words, current, found):
    assert candidates(words.split(), current, COMMANDS) == found


def test_all_names_are_there():
    assert {f"agent={name}" for name in AGENTS} == set(candidates(["train"], "agent="))
    assert {f"env={name}" for name in ENVS} == set(candidates(["train"], "env="))


def test_bash_is_given_what_follows_its_last_break(capsys):
    assert main(["complete", "plastic-rl train agent=ppo,ppo_cb"]) == 0
    assert capsys.readouterr().out == "ppo,ppo_cbp\n"
    assert main(["complete", "plastic-rl train agent=ppo "]) == 0
    assert "agent.epochs=\n" in capsys.readouterr().out
    assert main(["complete", "--whole", "plastic-rl train agent=ppo_cb"]) == 0
    assert capsys.readouterr().out == "agent=ppo_cbp\n"


@pytest.fixture
def command(tmp_path):
    """Return an environment in which `plastic-rl` is this checkout's."""
    script = tmp_path / "plastic-rl"
    script.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m plastic_rl "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes(command):
    script = f"""{SHELLS["bash"][0]}
complete -p plastic-rl
compopt() {{ :; }}
COMP_LINE='plastic-rl train agent=ppo_cb' COMP_POINT=29
_plastic_rl
echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script], env=command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["complete -o default -F _plastic_rl plastic-rl", "ppo_cbp"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes(command):
    script = f"""compdef() {{ print "compdef $@" }}
{SHELLS["zsh"][0]}
compadd() {{ print -r -- "$@" }}
LBUFFER='plastic-rl train agent=ppo_cb' _plastic_rl
LBUFFER='plastic-rl train see' _plastic_rl
"""
    done = subprocess.run(["zsh", "-f", "-c", script], env=command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "compdef _plastic_rl plastic-rl",
        "-Q -S  --",
        "-Q -- agent=ppo_cbp",
        "-Q -S  -- seed= seeds= seeds_in=",
        "-Q --",
    ]


def test_what_a_shell_is_told_is_printed(capsys):
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().out.strip() == SHELLS["bash"][0]
