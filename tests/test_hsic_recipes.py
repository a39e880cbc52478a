"""The recipes of local training: the paper's numbers, what they build, what they refuse, and that they run."""

from dataclasses import fields

import pytest
import torch

from agents import AGENTS
from agents.hsic import HSIC
from agents.hsic_cbp import HSICCBP
from agents.ppo_hsic import PPOHSIC
from agents.ppo_hsic_reg import PPOHSICReg
from agents.published import published
from envs.digits import Digits
from envs.permuted_cartpole import PermutedCartPole
from launch.run import run
from launch.settings import Settings, known_to
from plastic_rl.choices import Estimator, ReadoutKind
from plastic_rl.errors import UserError
from plastic_rl.networks import ResidualConv
from plastic_rl.nn.local import choices
from plastic_rl.nn.local.predictors import Ridge
from plastic_rl.nn.local.ridge_readout import RidgeReadout
from plastic_rl.optim import ContinualBackprop
from plastic_rl.runs import Track, read_metrics
from plastic_rl.sb3.local_ppo import LocalPPO
from plastic_rl.sb3.regularized_ppo import RegularizedPPO

SMALL = {"rollout_steps": 64, "minibatch_size": 32, "epochs": 2, "hidden_units": 8}


def learner(agent=HSIC, **settings):
    return agent(hidden_units=6, **settings).build([Digits(batch_size=64).build(seed=0, device="cpu")], device="cpu")


def test_the_words_on_offer_are_those_of_the_library():
    assert set(choices.OBJECTIVES) == set(Estimator)
    assert set(choices.READOUTS) == set(ReadoutKind)


# Ma et al. (2020), "unformatted training": the table in shared/specs/hsic.md, from the configurations of their code.
@pytest.mark.parametrize(("env", "beta"), [("mnist", 200), ("fashion-mnist", 1000), ("cifar10", 2500)])
def test_images_have_the_papers_settings(env, beta):
    assert published("hsic", env) == {
        "estimator": "normalized_hsic",
        "readout": "assignment",
        "beta": beta,
        "sigma": 6,
        "optimizer": "sgd",
        "learning_rate": 1e-3,
    }


def test_no_stream_changes_the_network_but_its_size():
    said = {"network": "lenet", "hidden_layers": 5, "hidden_units": 1024}
    assert known_to(HSIC, said) == known_to(HSICCBP, said) == {"hidden_layers": 5, "hidden_units": 1024}


def test_by_default_blocks_and_readout_are_ridge_regressions():
    trainer = learner().trainer
    assert trainer.widths == [6, 6, 6]
    assert all(type(objective) is Ridge for objective in trainer.objectives)
    assert type(trainer.readout) is RidgeReadout
    assert [type(optimizer) for optimizer in trainer.optimizers] == [torch.optim.Adam] * 3


def test_unformatted_training_has_a_block_of_classes():
    of_paper = {"estimator": "normalized_hsic", "readout": "assignment", "beta": 200.0, "sigma": 6.0}
    trainer = learner(**of_paper, optimizer="sgd", momentum=0.9).trainer
    assert trainer.widths == [6, 6, 6, 10]
    assert {(objective.beta, objective.sigma) for objective in trainer.objectives} == {(200.0, 6.0)}
    assert trainer.optimizers[0].param_groups[0]["momentum"] == 0.9


def test_the_settings_of_the_ridge_readout_reach_it():
    readout = learner(horizon=500.0, readout_every=7).trainer.readout
    assert (readout.moments.fading.horizon, readout.refresh_every) == (500, 7)


def test_the_residual_network_is_the_papers():
    agent = HSIC(network="residual_conv", estimator="normalized_hsic", readout="softmax")
    built = agent.build([Digits(batch_size=64).build(seed=0, device="cpu")], device="cpu")
    shape = [type(block) for block in built.trainer.trunk.blocks]
    assert len(shape) == 7
    assert built.trainer.widths == [64 * 2 * 2] * 6 + [512]
    assert isinstance(agent._network(Digits().build(seed=0, device="cpu")), ResidualConv)


def test_with_continual_backprop_all_blocks_have_one_optimiser():
    trainer = learner(HSICCBP, replacement_rate=0.5).trainer
    (optimizer,) = trainer.optimizers
    assert isinstance(optimizer, ContinualBackprop)
    assert {field.name for field in fields(HSICCBP)} - {field.name for field in fields(HSIC)} == {
        "replacement_rate",
        "maturity_threshold",
        "decay_rate",
        "forget_optimizer_state",
        "utility",
        "mode",
        "rounding",
        "unit_clock",
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "residual_conv"}, "agent.estimator=normalized_hsic agent.readout=softmax"),
        ({"beta": 2.0}, 'estimator="ridge" has no beta; .*\nSet the others to null, such as agent.beta=null'),
        ({"momentum": 0.9}, "agent.momentum=0.9 is for agent.optimizer=sgd"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        learner(**settings)


def run_on_digits(folder, agent, **settings):
    made = Settings(
        agent=agent, env=Digits(epochs=3, batch_size=32), total_steps=None, out=str(folder), track=Track.off
    )
    for name, value in settings.items():
        setattr(made, name, value)
    return run(made)


@pytest.mark.parametrize(
    "agent",
    [
        HSIC(hidden_units=32),
        HSIC(hidden_units=32, readout="softmax", format_epochs=1, optimizer="sgd", learning_rate=0.3),
        HSICCBP(hidden_units=32, replacement_rate=1e-3, maturity_threshold=10),
    ],
    ids=["hsic", "format", "hsic_cbp"],
)
def test_digits_are_learned_through_the_real_path(tmp_path, agent):
    folder = run_on_digits(tmp_path, agent)
    assert folder.status == "finished"
    last = read_metrics(folder.metrics_file)[-1]
    assert last["test/accuracy"] > 0.9
    assert "local/loss/2" in last
    assert ("cbp/replaced" in last) == isinstance(agent, HSICCBP)


def test_what_a_stream_cannot_give_is_said_in_a_line(tmp_path):
    with pytest.raises(UserError, match="format_epochs must be below the 3 epochs of a task, got 3"):
        run_on_digits(tmp_path, HSIC(format_epochs=3))


def test_ppo_on_a_locally_trained_trunk_is_built_as_asked():
    env = PermutedCartPole(n_envs=1).make(0)
    model = PPOHSIC(**SMALL, targets="returns+actions", trunk_learning_rate=0.02).build(env, seed=0, device="cpu")
    assert isinstance(model, LocalPPO)
    trainer = model.policy.trainer
    assert (trainer.widths, trainer.encoder.width) == ([8, 8], 1 + 2)
    assert [each.param_groups[0]["lr"] for each in trainer.optimizers] == [0.02] * 2
    with pytest.raises(ValueError, match="targets must be some of"):
        PPOHSIC(**SMALL, targets="rewards").build(env, seed=0, device="cpu")


def test_regularized_ppo_is_built_as_asked():
    env = PermutedCartPole(n_envs=1).make(0)
    model = PPOHSICReg(**SMALL, lambda_x=0.25, lambda_y=0.5, sigma=2.0).build(env, seed=0, device="cpu")
    assert isinstance(model, RegularizedPPO)
    assert [(each.lambda_x, each.lambda_y, each.sigma) for each in model.regularizers] == [(0.25, 0.5, 2.0)] * 2


def weights_after(tmp_path, agent, name):
    env = PermutedCartPole(n_envs=2)
    settings = {"total_steps": 192, "out": str(tmp_path / name), "track": Track.off, "checkpoint_seconds": 1e-3}
    folder = run(Settings(agent=agent, env=env, **settings))
    return folder.checkpoints.latest()[1]["algorithm"]["parameters"]["policy"]


def test_without_weights_the_regularised_recipe_is_ppo_bit_for_bit(tmp_path):
    plain = weights_after(tmp_path, AGENTS["ppo"](**SMALL), "plain")
    off = weights_after(tmp_path, PPOHSICReg(**SMALL, lambda_x=0.0, lambda_y=0.0), "off")
    on = weights_after(tmp_path, PPOHSICReg(**SMALL), "on")
    assert all(torch.equal(plain[name], off[name]) for name in plain)
    assert not all(torch.equal(plain[name], on[name]) for name in plain)


def test_a_run_on_a_locally_trained_trunk_is_gone_on_with_where_it_was_cut(tmp_path):
    """The run's latest checkpoints are removed, as if it had been killed before it wrote them."""
    agent = PPOHSIC(**SMALL, targets="returns+next_observations")
    whole = weights_after(tmp_path, agent, "run")
    (folder,) = (tmp_path / "run").glob("*/*/*")
    newest = max((folder / "checkpoints").glob("step-*.pt"))
    newest.unlink()
    (folder / "run.json").write_text('{"status": "running"}')
    again = weights_after(tmp_path, agent, "run")
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole if isinstance(whole[name], torch.Tensor))
    assert newest.exists()
