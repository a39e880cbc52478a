"""Runs on streams through the front door: what is said, where the files are, and what is refused."""

import json

import pytest
import torch
from omegaconf import OmegaConf

from launch.command_line import main
from launch.run import run, run_folder
from launch.validation import check
from plastic_rl.errors import UserError
from plastic_rl.runs import read_metrics

SMALL = ("agent.hidden_layers=1", "agent.hidden_units=4", "env.tasks=2", "env.examples=12", "env.batch_size=4")


@pytest.fixture
def small(settings_of, tmp_path):
    """Settings of a run that takes an instant."""

    def composed(*words, agent="sgd_cbp", env="permuted-digits"):
        return settings_of(f"agent={agent}", f"env={env}", *SMALL, "track=off", f"out={tmp_path}", *words)

    return composed


def test_a_run_says_how_it_ended_and_where_its_files_are(small, capsys):
    folder = run(small())
    said = capsys.readouterr().out.splitlines()
    online = read_metrics(folder.metrics_file)[-1]["online/accuracy"]
    assert said[-2].startswith("24 examples, ")
    assert f"last task: online/accuracy {online:.3f}" in said[-2]
    assert said[-1] == f"{folder.path}: learning_curve.png, metrics.jsonl, weights.pt, config.yaml"
    assert OmegaConf.load(folder.config_file).agent.replacement_rate == 1e-4  # agents/published.py
    assert json.loads(folder.record_file.read_text())["status"] == "finished"


def test_a_finished_run_is_not_repeated_unless_a_fresh_one_is_asked_for(small, capsys):
    folder = run(small())
    written = folder.weights_file.stat().st_mtime_ns
    capsys.readouterr()
    run(small())
    assert capsys.readouterr().out == f"already finished: {folder.path} (fresh=true starts over)\n"
    assert folder.weights_file.stat().st_mtime_ns == written
    run(small("fresh=true"))
    assert folder.weights_file.stat().st_mtime_ns > written


def test_several_seeds_have_a_folder_of_their_own_and_the_mean_is_told(small, capsys):
    settings = small("seed=5", "seeds=3")
    folder = run(settings)
    assert folder.path == run_folder(settings).path
    assert folder.path.name.endswith("-s5-7")
    assert folder.path.name.split("-")[0] == run_folder(small()).path.name.split("-")[0]
    ends = [line for line in read_metrics(folder.metrics_file) if line["global_step"] == 24]
    assert [line["seed"] for line in ends] == [5, 6, 7]
    mean = sum(line["online/accuracy"] for line in ends) / 3
    assert f"online/accuracy {mean:.3f}" in capsys.readouterr().out
    assert len(torch.load(folder.weights_file, weights_only=True)) == 3


def test_one_of_several_seeds_learns_what_it_learns_alone(small):
    together, alone = run(small("seeds=2", "agent.mode=lazy")), run(small("seed=1", "agent.mode=lazy"))
    first, second = (torch.load(folder.weights_file, weights_only=True)[-1] for folder in (together, alone))
    torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-4)


def test_the_global_generators_are_seeded_so_that_the_same_command_is_the_same_run(small, tmp_path):
    networks = [
        torch.load(run(small(f"seed={seed}", f"out={tmp_path / name}")).weights_file, weights_only=True)[0]
        for seed, name in ((3, "a"), (3, "b"), (4, "c"))
    ]
    assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])
    assert not torch.equal(networks[0]["0.weight"], networks[2]["0.weight"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("agent=sgd_cbp", "env=permuted-digits", "seeds=0"), r"seeds must be at least 1, got 0"),
        (("agent=sgd_cbp", "env=permuted-digits", "env.batch_size=0"), r"env\.batch_size must be at least 1, got 0"),
        (
            ("agent=sgd_cbp", "env=permuted-digits", "agent.utility=use"),
            r"agent\.utility must be one of contribution, ",
        ),
        (
            ("agent=sgd", "env=bit-flipping", "agent.precision=half"),
            r"agent\.precision must be one of float32, bfloat16",
        ),
        (
            ("agent=sgd", "env=bit-flipping", "agent.network=gpt"),
            r"agent\.network must be one of mlp, layer_norm_mlp, ",
        ),
    ],
)
def test_values_that_no_run_can_have_are_refused_by_name(settings_of, words, message):
    with pytest.raises(UserError, match=message):
        check(settings_of(*words))


def test_a_network_that_does_not_take_the_streams_inputs_is_refused(small):
    with pytest.raises(UserError, match="takes images"):
        run(small("agent.network=convnet"))


def test_a_network_that_normalises_minibatches_refuses_single_examples_but_not_a_left_over(small):
    words = ("agent.network=batch_norm_mlp", "env.examples=13", "seeds=2")
    with pytest.raises(UserError, match=r"env\.batch_size is 1\nTake larger minibatches"):
        run(small(*words, "env.batch_size=1"))
    lines = read_metrics(run(small(*words, "env.batch_size=4")).metrics_file)
    assert lines[-1]["global_step"] == 26


def test_the_command_line_answers_with_two_lines_and_exit_code_two(capsys):
    assert main(["agent=ppo", "env=permuted-mnist"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "env=permuted-mnist is a supervised stream, not for agent=ppo."
    assert said[1].startswith("Expected agent= one of sgd, sgd_cbp")
    assert len(said) == 2
