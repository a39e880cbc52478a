"""Bad commands, through the real entry point: two lines at most, exit code 2, nothing heavy done."""

import sys

import pytest

from launch.command_line import main

ANT = ("agent=ppo_cbp", "env=ant")
BOTH = ("agent=ppo+cbp+layer_norm", "env=ant")
DIGITS = ("agent=sgd", "env=permuted-digits")


@pytest.fixture
def told(monkeypatch, capsys, tmp_path):
    """Return the lines that a command writes to standard error, after checking that it was refused and left nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")

    def lines(*arguments):
        assert main(arguments) == 2
        output = capsys.readouterr()
        assert output.out == ""
        assert list(tmp_path.iterdir()) == []
        lines = output.err.splitlines()
        assert 1 <= len(lines) <= 2
        return lines

    return lines


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("agent=nope", "env=ant"),
            ["There is no agent=nope.\nExpected agent= one of ppo, ", "(with env=ant)"],
        ),
        (("agent=nope", "env=nope"), ["There is no env=nope.", "slippery-ant, ant,", "permuted-mnist,"]),
        (("agent=ppo", "env=slipery-ant"), ["Did you mean env=slippery-ant?", "slippery-ant, ant, permuted-cartpole"]),
        (
            ("agent=cbp", "env=slippery-ant"),
            ["There is no agent=cbp. Did you mean agent=ppo_cbp?", "(with env=slip"],
        ),
        (("agent=cbp", "env=permuted-digits"), ["There is no agent=cbp. Did you mean agent=sgd_cbp?"]),
        (("agent=ppo_sgd", "env=permuted-digits"), ["There is no agent=ppo_sgd. Did you mean agent=sgd?"]),
        (("agent=sgd_cbp", "env=ant"), ["not for agent=sgd_cbp. Did you mean agent=ppo_cbp?"]),
        (("agent=ppo", "env=mnist"), ["env=mnist is a supervised stream, not for agent=ppo.\n", "sgd, sgd_cbp"]),
        (("--agent", "ppo", "env=ant"), ["Settings have no dashes: write agent=ppo, not --agent ppo"]),
        (("--agent=ppo", "env=ant"), ["Settings have no dashes: write agent=ppo, not --agent=ppo"]),
        ((*ANT, "--total-steps", "1000"), ["write total_steps=1000, not --total-steps 1000"]),
        ((*ANT, "--agent.epochs=3"), ["write agent.epochs=3, not --agent.epochs=3"]),
        ((*ANT, "--fresh"), ["write fresh=VALUE, not --fresh"]),
        ((*ANT, "agent.lr=1e-3"), ["There is no setting agent.lr. Did you mean agent.learning_rate?"]),
        ((*ANT, "agent.gamma=0.9"), ["There is no setting agent.gamma. Did you mean agent.discount?"]),
        ((*ANT, "lr=1e-3"), ["There is no setting lr. Did you mean agent.learning_rate?"]),
        ((*ANT, "n_envs=4"), ["There is no setting n_envs. Did you mean env.n_envs?"]),
        ((*ANT, "timesteps=4"), ["There is no setting timesteps. Did you mean total_steps?"]),
        ((*ANT, "total_steps=1.5e0"), ["total_steps must be a whole number such as 400_000, got 1.5e0"]),
        ((*ANT, "seed=1,2,"), ["seed must be a whole number", "got 1,2,"]),
        ((*ANT, "total_steps=日本"), ["total_steps must be a whole number", "got 日本"]),
        ((), ["agent= and env= are both needed", "agent=ppo|", "env=slippery-ant|"]),
        (("agent=ppo",), ["agent= and env= are both needed"]),
        (("agnt=ppo", "env=ant"), ["There is no setting agnt. Did you mean agent?", "total_steps, seed"]),
        ((*ANT, "agent.replacment_rate=1"), ["agent.replacment_rate. Did you mean agent.replacement_rate?", "epochs"]),
        (("agent=ppo", "env=ant", "agent.replacement_rate=1"), ["There is no setting agent.replacement_rate"]),
        ((*ANT, "env.n_env=2"), ["Did you mean env.n_envs?"]),
        ((*ANT, "agent.foo.bar=2"), ["There is no setting agent.foo"]),
        ((*ANT, "agent.replacement_rate=fast"), ["agent.replacement_rate must be a number, got fast"]),
        ((*ANT, "total_steps=1.5"), ["total_steps must be a whole number such as 400_000, got 1.5"]),
        ((*ANT, "fresh=perhaps"), ["fresh must be true or false, got perhaps"]),
        ((*ANT, "track=no"), ["track must be one of auto, online, offline, off, got no"]),
        ((*ANT, "seed="), ["seed must be a whole number", "got nothing"]),
        ((*ANT, "total_steps=0"), ["total_steps must be at least 1, got 0"]),
        ((*ANT, "total_steps=-5"), ["total_steps must be at least 1, got -5"]),
        ((*ANT, "seed=-1"), ["seed must be at least 0, got -1"]),
        ((*ANT, "agent.minibatch_size=1"), ["agent.minibatch_size must be at least 2", "normalize_advantage=false"]),
        ((*ANT, "agent.replacement_rate=3"), ["agent.replacement_rate must be in [0, 1], got 3"]),
        ((*ANT, "agent.replacement_rate=-0.1"), ["agent.replacement_rate must be in [0, 1], got -0.1"]),
        ((*ANT, "agent.replacement_rate=nan"), ["agent.replacement_rate must be in [0, 1], got nan"]),
        ((*ANT, "agent.learning_rate=inf"), ["agent.learning_rate must be above 0 and finite, got inf"]),
        ((*ANT, "agent.hidden_units=1e30"), ["agent.hidden_units must be at least 1 and below 2^63, got 1000000"]),
        ((*ANT, "agent.epsilon=inf"), ["agent.epsilon must be above 0 and finite, got inf"]),
        ((*ANT, "agent.weight_decay=inf"), ["agent.weight_decay must be at least 0 and finite, got inf"]),
        ((*ANT, "checkpoint_seconds=inf"), ["checkpoint_seconds must be above 0 and finite, got inf"]),
        ((*ANT, "agent.decay_rate=1"), ["agent.decay_rate must be in [0, 1), got 1"]),
        ((*ANT, "agent.beta1=1"), ["agent.beta1 must be in [0, 1), got 1"]),
        ((*DIGITS, "agent.momentum=1"), ["agent.momentum must be in [0, 1), got 1"]),
        (
            ("agent=ppo", "env=slippery-ant", "env.friction_low=3"),
            ["env.friction_low=3.0 is above env.friction_high=2.0: give the lower first"],
        ),
        ((*DIGITS, "env.tasks=3", "env.returning=4"), ["env.returning=4 is more than env.tasks=3: no task would"]),
        (
            (*DIGITS, "agent.network=lenet", "agent.hidden_units=5"),
            [
                "agent.hidden_units is of mlp or layer_norm_mlp or batch_norm_mlp, and",
                "changes nothing for agent.network=lenet",
            ],
        ),
        (
            ("agent=sgd", "env=random-label-digits", "env.tested=true"),
            ["env.tested changes nothing where labels are random: there is nothing to be tested on"],
        ),
        ((*DIGITS, "agent.network_width=5"), ["agent.network_width is of resnet18, and changes"]),
        ((*ANT, "agent.discount=1.01"), ["agent.discount must be in [0, 1]"]),
        ((*ANT, "agent.rounding=up"), ["agent.rounding must be one of accumulate, bernoulli, got up"]),
        ((*ANT, "env.n_envs=0"), ["env.n_envs must be at least 1"]),
        ((*DIGITS, "evaluate_every=10"), ["evaluate_every=10 is for reinforcement learning; a stream tests each task"]),
        ((*DIGITS, "look_back=1"), ["look_back=1 is for reinforcement learning"]),
        ((*ANT, "probe_every=-1"), ["probe_every must be at least 0, got -1"]),
        ((*ANT, "formats=[tsv]"), ["formats must be a list of any of csv, tensorboard"]),
        ((*ANT, "formats=csv"), ["formats must be a list of any of csv, tensorboard, got csv"]),
        ((*ANT, "device=gpuu"), ["device=gpuu names no device: expected cpu, cuda, cuda:1, mps or auto"]),
        ((*ANT, "out=/dev/null/runs"), ["/dev/null/runs", "Not a directory", "out=<folder>"]),
        ((*ANT, "seed=0,1"), ["seed=0,1 gives several values: add -m"]),
        ((*ANT, "seed"), ["'seed' cannot be read: expected setting=value"]),
        ((*ANT, "+speed=1"), ["'+speed=1' adds or removes a setting"]),
        ((*ANT, "~seed"), ["'~seed' adds or removes a setting"]),
        ((*ANT, "--quietly"), ["--quietly", "--help"]),
        (("-m", "agent=ppo,nope", "env=ant", "out=."), ["There is no agent=nope."]),
        ((*BOTH, "agent.cbp=3"), ["agent.cbp is a method, and has no value, got 3\n", "agent.cbp.replacement_rate, "]),
        ((*BOTH, "agent.layer_norm=3"), ["agent.layer_norm is a method without settings, got 3: leave it out"]),
        ((*BOTH, "agent.layer_norm.x=1"), ["no setting agent.layer_norm.x: agent.layer_norm has no settings"]),
        ((*BOTH, "agent.cbp.xxx=1"), ["no setting agent.cbp.xxx.\nThe settings of agent.cbp: replacement_rate, "]),
        ((*BOTH, "agent.cbp.decay_rate.x=1"), ["no setting agent.cbp.decay_rate.x: agent.cbp.decay_rate is a number"]),
        ((*BOTH, "agent.epochs.x=1"), ["There is no setting agent.epochs.x: agent.epochs is a whole number"]),
        ((*BOTH, "agent.replacement_rate=1"), ["Did you mean agent.cbp.replacement_rate?"]),
        ((*BOTH, "agent.redo.every=1"), ["Did you mean agent=ppo+cbp+layer_norm+redo?"]),
        ((*BOTH, "agent.nothere.y=1"), ["There is no setting agent.nothere.\n"]),
        ((*ANT, "agent.cbp.replacement_rate=1"), ["no setting agent.cbp. Did you mean agent.replacement_rate?"]),
        (("agent=ppo", "env=ant", "agent.cbp.decay_rate=1"), ["Did you mean agent=ppo+cbp?"]),
        (("agent=hsic", "env=permuted-digits", "agent.redo.every=1"), ["agent.redo. Did you mean agent.readout?"]),
        (
            ("agent=sac", "env=permuted-cartpole"),
            ["is a world of discrete actions, not for agent=sac.", "dqn, dqn_fresh"],
        ),
        (
            ("agent=dqn", "env=slippery-ant"),
            ["is a world of continuous actions, not for agent=dqn.", " sac, sac_fresh"],
        ),
        (("agent=dqn", "env=permuted-cartpole", "agent.gradient_steps=4"), ["Did you mean agent.replay_ratio?"]),
        (
            ("agent=dqn", "env=permuted-cartpole", "agent.replay_ratio=0.3"),
            ["agent.replay_ratio=0.3 is 76.8 updates every 256"],
        ),
        (
            ("agent=dqn+plasticity_injection", "env=permuted-cartpole"),
            ["cannot have plasticity_injection, as target net"],
        ),
        (("agent=dqn_fresh+cbp", "env=permuted-cartpole"), ["agent=dqn_fresh takes no methods by +", " sac, td3"]),
        ((*ANT, "hydra/launcher=nope"), ["There is no hydra/launcher=nope.", "basic"]),
    ],
)
def test_a_request_that_cannot_be_met_is_told_in_two_lines(told, arguments, said):
    lines = "\n".join(told(*arguments))
    for words in said:
        assert words in lines


def test_a_graphics_card_that_is_not_there_is_named(told, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    (line,) = told(*ANT, "device=cuda:1", "out=.")
    assert line.startswith("device=cuda:1 is not there: torch finds 1 CUDA devices")


def test_debug_shows_where_an_error_happened(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py"])
    assert main([*ANT, "seed=-1", "debug=true"]) == 2
    error = capsys.readouterr().err
    assert "Traceback (most recent call last)" in error
    assert error.splitlines()[-1] == "seed must be at least 0, got -1"


def test_an_error_of_ours_is_one_line_and_exit_code_one(monkeypatch, capsys, tmp_path):
    def broken(*_):
        raise RuntimeError("the wheels came off\nin the third turn")

    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setattr("launch.run._train", broken)
    assert main([*ANT, f"out={tmp_path}"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "RuntimeError: the wheels came off"
    assert "debug=true" in lines[1]
    assert len(lines) == 2
