"""Networks side by side learn what the agents of `train.py` learn; units that are replaced are silent and forgotten."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents import AGENTS
from experiments import feature_search, five_units, grown_network, imprinting, switching_features
from experiments.online.imprinting import NovelAndWrong
from experiments.online.learner import OfAgent, SideBySide, errors_of
from experiments.online.makes import RULE, Backprop, Features, adam, hybrid, sgd
from experiments.online.network import learned, searched
from experiments.online.replacement import Replacement
from experiments.online.study import agent
from experiments.online.tables import Pair, Target, mean_of, outcome, read_curves, summary
from experiments.online.training import LearnedSteps
from experiments.online.words import Form, Fresh
from experiments.runs import ROOT, read_table, write_table
from plastic_rl.optim import methods_in
from plastic_rl.streams import BitFlipping, FeatureSearch, Plan, Prototypes

PLAN = Plan(2, shuffles=False)
STUDIES = (feature_search, grown_network, switching_features, imprinting, five_units)


def streams(kind=FeatureSearch, seeds=2, **settings):
    return [kind(PLAN, seed, **{"examples": 60, **settings}) for seed in range(seeds)]


@pytest.mark.parametrize(
    ("name", "settings", "ours"),
    [
        ("sgd", {"learning_rate": 0.01}, Backprop(8, sgd(0.01))),
        ("adam", {"learning_rate": 0.01}, Backprop(8, adam(0.01))),
        ("adam", {"learning_rate": 0.01, "weight_decay": 0.1}, Backprop(8, adam(0.01, 0.1))),
        ("linear", {"learning_rate": 0.01}, Backprop(0, sgd(0.01))),
    ],
)
def test_backpropagation_is_that_of_the_agent(name, settings, ours):
    sizes = {} if name == "linear" else {"hidden_layers": 1, "hidden_units": 8}
    theirs = agent(name, {**settings, **sizes}, streams(), 0)
    for index in (0, 1):
        found, expected = (errors_of(each, streams(), index) for each in (ours(streams(), 0), theirs))
        if index == 0:
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    learner = ours(streams(), 0)
    for index in (0, 1):
        found = errors_of(learner, streams(), index)
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-4)


def test_a_network_for_a_later_task_is_the_fresh_agents():
    theirs = agent("sgd_fresh", {"learning_rate": 0.01, "hidden_layers": 1, "hidden_units": 8}, streams(), 0)
    errors_of(theirs, streams(), 0)
    found = errors_of(Backprop(8, sgd(0.01))(streams(), 1), streams(), 1)
    torch.testing.assert_close(found, errors_of(theirs, streams(), 1), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("form", [Form.relu, Form.tanh])
def test_slopes_are_autograds(form):
    networks = learned(streams(), 4, form)
    inputs = torch.randn(2, 20)
    networks.predict(inputs)
    networks.differentiate(torch.tensor([1.0, -2.0]))
    rows = networks.values.clone().requires_grad_()
    weight, bias, head, offset = networks.layout.views(rows)
    summed = (weight * inputs[:, None]).sum(2) + bias
    outputs = ((summed.relu() if form is Form.relu else summed.tanh()) * head).sum(1) + offset
    (outputs * torch.tensor([1.0, -2.0])).sum().backward()
    torch.testing.assert_close(networks.slopes, rows.grad)


def test_units_that_fall_due_are_those_of_continual_backprop():
    """Up to the first replacement, since a newborn unit's weights are drawn in another order."""
    settings = {"learning_rate": 0.01, "hidden_layers": 1, "hidden_units": 8, "maturity_threshold": 20}
    recipe = AGENTS["sgd_cbp"](**settings, replacement_rate=0.01, utility="contribution")
    theirs = recipe.build([streams()[0]], device="cpu")
    heard = []
    for method in methods_in(theirs.optimizers[0]):
        method.on_replacement(lambda event: heard.append((event.step, event.units.tolist())))
    errors_of(OfAgent(theirs), streams(seeds=1), 0)
    networks = learned(streams(seeds=1), 8, Form.relu)
    replacement = Replacement(streams(seeds=1), networks, rate=0.01, maturity=20)
    ours = SideBySide(networks, sgd(0.01)(), replacement)
    task = streams()[0].task(0)
    with torch.no_grad():
        for inputs, target in zip(task.train.inputs, task.train.targets, strict=True):
            before = replacement.birth.clone()
            ours.learn(inputs[None], target, task)
            if not torch.equal(before, replacement.birth):
                break
    assert heard[0] == (replacement.step, (replacement.birth[0] > 0).nonzero().flatten().tolist())


@pytest.mark.parametrize(
    "make",
    [
        Features(8, replace={"rate": 0.05, "maturity": 5, "fresh": Fresh.signs}),
        Backprop(8, adam(0.01), Form.tanh, {"rate": 0.05, "maturity": 5}),
        Backprop(8, hybrid(0.01), Form.tanh, {"rate": 0.05, "maturity": 5}),
    ],
)
def test_a_newborn_unit_is_silent_and_forgotten_and_seeds_are_on_their_own(make):
    both, alone = make(streams(), 0), make(streams()[1:], 0)
    found, expected = errors_of(both, streams(), 0), errors_of(alone, streams()[1:], 0)
    torch.testing.assert_close(found[:, 1:], expected, rtol=1e-3, atol=1e-4)
    with torch.no_grad():
        units = torch.tensor([[2], [5]])
        inputs = streams()[0].task(1).train.inputs[:2]
        both.networks.predict(inputs)
        both.replacement.replace(units, both.trainers, both.replacement.rows)
        rows = torch.arange(2)
        assert not both.networks.head[rows, units[:, 0]].any()
    for trainer in both.trainers:
        if isinstance(trainer, LearnedSteps):
            assert not any(each[0][rows, units[:, 0]].any() for each in trainer.memory.weights.values())
            assert all(each[0].any() for each in trainer.memory.weights.values())
        else:
            mean = torch.zeros_like(both.networks.values)
            mean[:, : trainer.mean.shape[1]] = trainer.mean
            weight, *_ = both.networks.layout.views(mean)
            assert not weight[rows, units[:, 0]].any()
            assert weight.any()


def test_fixed_features_are_signs_that_nothing_changes():
    learner = Features(6)(streams(), 0)
    before = learner.networks.weight.clone()
    assert before.abs().unique().tolist() == [1.0]
    errors_of(learner, streams(), 0)
    assert torch.equal(learner.networks.weight, before)
    assert learner.networks.head.any()


def test_an_imprinted_unit_fires_on_its_input_alone_and_corrects_the_error_at_once():
    some = streams(Prototypes, noise=0.0)
    networks = searched(some, 3, threshold=1000.0)  # no unit is ever on
    replacement = NovelAndWrong(some, networks, rate=0.0, maturity=0, fresh=Fresh.imprint, threshold=0.6)
    learner = SideBySide(networks, [LearnedSteps(RULE, 1e-4)], replacement)
    task, inputs = some[0].task(0), torch.ones(2, 40)
    with torch.no_grad():
        learner.learn(inputs, torch.tensor([1.0, 1.0]), task)  # sets what is usual
        learner.learn(inputs, torch.tensor([3.0, 0.5]), task)  # worse than that for the first seed only
        outputs = networks.predict(inputs)
        assert outputs[0].item() == pytest.approx(3.0, abs=0.01)
        assert outputs[1].item() == pytest.approx(0.0, abs=0.01)
        assert networks.hidden.sum(1).tolist() == [1.0, 0.0]
        networks.predict(-inputs)
    assert not networks.hidden.any()


def test_bits_are_met_one_at_a_time():
    some = streams(BitFlipping)
    assert errors_of(Backprop(5, sgd(0.01))(some, 0), some, 0).shape == (60, 2)


CURVES = {"base": np.array([[0.5, 0.4], [0.7, 0.6]]), "better": np.array([[0.4, 0.2], [0.6, 0.2]])}
MEASURES = (mean_of("last", -1), mean_of("life"))


def test_a_summary_compares_arms_and_pairs_seeds():
    rows = summary(MEASURES, CURVES, [Pair("beside", "last", "base")])
    assert [row["last"] for row in rows] == ["0.500 [0.400, 0.600]", "0.200 [0.200, 0.200]"]
    assert [row["beside"] for row in rows] == ["-", "-0.300 [-0.400, -0.200]"]


def test_a_target_is_met_or_not():
    met = [
        outcome(Target(arm="better", measure="last", at_most=limit), MEASURES, CURVES)["met"] for limit in (0.2, 0.19)
    ]
    met += [outcome(Target(arm="better", measure="last", below=other), MEASURES, CURVES)["met"] for other in CURVES]
    assert met == ["yes", "no", "yes", "no"]


EVERYDAY = (five_units,)


@pytest.mark.parametrize(
    "study",
    [
        pytest.param(each.STUDY, id=each.STUDY.name, marks=() if each in EVERYDAY else pytest.mark.slow)
        for each in STUDIES
    ],
)
def test_a_little_of_each_online_study_runs_and_is_drawn(study, tmp_path, capsys):
    little = study.reduced()
    one = replace(little, arms=little.arms[:1], tried=(), baseline=None, fresh=None)
    one.run_missing(tmp_path / "runs", 1)
    for name, rows in one.gather(tmp_path / "runs").items():
        write_table(tmp_path / f"{name}.csv", rows)
    one.conclude(tmp_path)
    assert (tmp_path / "figure.png").stat().st_size > 0
    assert little.arms[0].name in capsys.readouterr().out
    with pytest.raises(ValueError, match="run in turn"):
        one.run_missing(tmp_path / "runs", 2)


@pytest.mark.parametrize("study", [pytest.param(each.STUDY, id=each.STUDY.name) for each in STUDIES])
def test_the_table_on_the_page_is_the_committed_summary_which_follows_from_the_curves(study):
    curves = read_curves(study.results / "curves.csv")
    computed = summary(study.measures, curves, study.pairs)
    assert computed == read_table(study.results / "summary.csv")
    assert set(curves) == {arm.name for arm in study.arms}
    assert not any("/work" in str(row) for row in read_table(study.results / "runs.csv"))
    page = (ROOT / "docs" / "dynamic_networks.md").read_text()
    for row in computed:
        assert f"| {' | '.join(value for name, value in row.items() if name != 'seeds')} |" in page
