"""The words of a command as people type them: what Hydra then reads."""

import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

import plastic_rl
from launch.command_line import main
from launch.words import as_hydra_reads


def read(word, *others):
    """The value that Hydra reads."""
    as_read, *_ = as_hydra_reads([word, *others])
    return OverridesParser.create().parse_override(as_read).value()


@pytest.mark.parametrize(
    "text",
    ["日本", "a=b", "é/ü", "it's", "x(1)", "a'b\\'c", "a\\", "{", "a, b]", "runs/2026-11 (second)", "100%", "a:b"],
)
def test_a_text_may_hold_what_hydras_grammar_has_no_place_for(text):
    assert read(f"out={text}") == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_every_text_is_read_as_something(text):
    (word,) = as_hydra_reads([f"out={text}"])
    OverridesParser.create().parse_override(word)


def test_the_users_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert read("env.data_folder=~/x") == "/home/ada/x"
    assert read("out=~") == "/home/ada"
    assert read("out=a~/x") == "a~/x"
    assert read("out=~/日本") == "/home/ada/日本"


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("total_steps=1e6", 1_000_000),
        ("total_steps=2.5E+3", 2500),
        ("total_steps=1_0e3", 10_000),
        ("agent.maturity_threshold=1e4", 10_000),
        ("env.change_every=3e4", 30_000),
        ("total_steps=1.5e0", 1.5),
        ("total_steps=15e-1", 1.5),
        ("agent.learning_rate=1e0", 1.0),
        ("checkpoint_seconds=1e1", 10.0),
    ],
)
def test_a_whole_number_may_be_written_with_an_exponent_where_one_is_expected(word, value):
    found = read(word, "agent=ppo_cbp,sgd_cbp", "env=permuted-cartpole")
    assert found == value
    assert type(found) is type(value)


def test_a_setting_of_one_name_may_be_a_number_here_and_a_file_there():
    assert read("env.tasks=1e1", "env=permuted-digits") == 10
    assert read("env.tasks=1e1", "env=permuted-cartpole") == 10.0


def test_each_of_several_whole_numbers():
    assert as_hydra_reads(["total_steps=1e3,2e3,3000"]) == ["total_steps=1000,2000,3000"]


@pytest.mark.parametrize(
    "words", [["agent=a", "-m", "env=b"], ["agent=a", "env=b", "--multirun"], ["-m", "agent=a", "env=b", "-m"]]
)
def test_multirun_may_stand_anywhere(words):
    assert as_hydra_reads(words) == ["--multirun", "agent=a", "env=b"]


def test_what_hydra_reads_already_stays_as_it_is():
    words = ["agent=ppo,ppo_cbp", "seed=range(3)", "formats=[csv]", "--help", "seed", "+a=1", "hydra/launcher=basic"]
    assert as_hydra_reads(words) == words


def test_the_version_is_ours(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"plastic_rl {plastic_rl.__version__}\n"


def test_runs_lie_where_the_words_say_and_several_one_after_another(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setattr("launch.run._draw", lambda settings, folder: folder.picture_file.write_text("drawn"))
    monkeypatch.chdir(tmp_path)
    small = ("agent.hidden_layers=1", "agent.hidden_units=4", "env.tasks=1e0", "env.examples=1e1", "track=off")
    assert main(["agent=sgd", "seed=0,1", "-m", "env=permuted-digits", "out=日本=b", *small]) == 0
    assert len(list(Path("日本=b/permuted-digits/sgd").glob("*-s[01]/weights.pt"))) == 2
