"""Learning of dynamic networks: step sizes, the optimiser, births and roles, growth, copies side by side, resuming."""

import copy as copying
import io

import pytest
import torch

from plastic_rl.choices import Trigger
from plastic_rl.nn.dynamic import (
    DynamicNetwork,
    DynamicTrainer,
    ImprintedUnits,
    MutatedUnits,
    RandomUnits,
    Readings,
    Rules,
)
from plastic_rl.nn.dynamic.backward import signals
from plastic_rl.nn.dynamic.generators import Surroundings
from plastic_rl.nn.dynamic.growth import grow
from plastic_rl.nn.dynamic.masters import choose_masters, need
from plastic_rl.nn.dynamic.network import BACKBONE, FREE, FRINGE
from plastic_rl.nn.dynamic.report import report
from plastic_rl.nn.dynamic.step_sizes import StepSizes, k1_step
from plastic_rl.nn.dynamic.triggers import triggered
from plastic_rl.nn.dynamic.unit_adam import UnitAdam
from tests.nn.dynamic.grown import INPUTS, OUTPUTS, batch, bends, grown_network, learn, small_trainer


def test_two_steps_of_k1_by_hand():
    weights, steps = torch.zeros(1, 2), StepSizes(torch.zeros(1, 2), 0.5)
    power = torch.ones(1, 1)
    # x = (1, 2), δ = 1: Σ p x² = 2.5, k = (0.5, 1) / 3.5; h = k δ (1 - k x).
    x = torch.tensor([[1.0, 2.0]])
    k1_step(weights, steps, x, power=x.square(), error_power=power, meta_rate=0.1, shared=True)
    assert weights[0].tolist() == pytest.approx([1 / 7, 2 / 7])
    assert steps.memory[0].tolist() == pytest.approx([1 / 7 * 6 / 7, 2 / 7 * 3 / 7])
    # δ = -1 on x = (1, 0): the meta step is 0.1 · -1 · h, of the first weight alone.
    x = torch.tensor([[1.0, 0.0]])
    k1_step(weights, steps, -x, power=x.square(), error_power=power, meta_rate=0.1, shared=True)
    gain = 0.5 * 2.718281828 ** (-0.1 * 6 / 49)
    assert steps.log[0].exp().tolist() == pytest.approx([gain, 0.5], rel=1e-6)
    assert weights[0].tolist() == pytest.approx([1 / 7 - gain / (1 + gain), 2 / 7], rel=1e-6)


@pytest.mark.parametrize("count", [1, 4])
def test_k1_never_overshoots_on_what_it_learns_from(count):
    draws = torch.Generator().manual_seed(0)
    weights, steps = torch.zeros(1, 6), StepSizes(torch.zeros(1, 6), 1000.0)
    for _ in range(20):
        x, targets = torch.randn(count, 6, generator=draws), torch.randn(count, generator=draws)
        errors = targets - x @ weights[0]
        known = {"power": x.square().mean(0), "error_power": torch.ones(1, 1), "meta_rate": 0.1}
        k1_step(weights, steps, (errors @ x)[None] / count, shared=True, **known)
        after = targets - x @ weights[0]
        assert after.square().mean() <= errors.square().mean()
        assert count > 1 or float(after * errors) >= 0  # of one example: nor is the error of other sign


def test_errors_of_another_scale_change_outgoing_weights_in_scale_alone():
    small, large = (small_trainer(fringe=0) for _ in range(2))
    draws = torch.Generator().manual_seed(0)
    for _ in range(50):
        inputs = torch.randn(1, 1, INPUTS, generator=draws)
        small.update(inputs, lambda said, x=inputs: bends(x) - said)
        large.update(inputs, lambda said, x=inputs: 100 * bends(x) - said)
    assert torch.allclose(large.network.readout, 100 * small.network.readout, rtol=1e-4)


def test_the_optimiser_is_adam_and_a_newborn_unit_learns_as_in_a_new_network():
    draws = torch.Generator().manual_seed(0)
    ours, theirs, newborn = (torch.nn.Parameter(torch.ones(1, 2, 3)) for _ in range(3))
    clocked, plain = UnitAdam([ours], lr=0.01), torch.optim.Adam([theirs], lr=0.01)
    fresh = UnitAdam([newborn], lr=0.01)
    for step in range(8):
        ours.grad = theirs.grad = newborn.grad = torch.randn(1, 2, 3, generator=draws)
        if step == 4:
            assert torch.allclose(ours, theirs, atol=1e-6)
            clocked.restart(ours, 0, 1)
            ours.data[0, 1] = 1.0
        clocked.step()
        plain.step()
        if step >= 4:
            fresh.step()
    assert torch.allclose(ours[0, 0], theirs[0, 0], atol=1e-6)
    assert torch.equal(ours[0, 1], newborn[0, 1])


def test_it_grows_and_learns_what_no_linear_network_can():
    linear, grown = (small_trainer(fringe=size, first_step=0.02) for size in (0, 8))
    end = {
        name: float(learn(each, 350, batch_size=8)[-50:].mean())
        for name, each in (("linear", linear), ("grown", grown))
    }
    assert end["grown"] < 0.7 * end["linear"]
    assert (linear.network.role != FREE).sum() == 0
    (numbers,) = report(grown)
    assert numbers["dynamic/units"] == (grown.network.role == BACKBONE).sum() > 2
    assert numbers["dynamic/births"] - numbers["dynamic/deaths"] == (grown.network.role != FREE).sum()
    assert numbers["dynamic/joins"] - numbers["dynamic/leavings"] == numbers["dynamic/units"]
    assert 0 < numbers["dynamic/step_size_of_units"] < 1


def test_the_backbone_keeps_to_its_limit_and_gives_way_to_what_is_better():
    trainer = small_trainer(units=2, margin=0.0)
    learn(trainer, 300)
    (numbers,) = report(trainer)
    assert 0 < numbers["dynamic/units"] <= 2
    assert numbers["dynamic/joins"] > 2


def test_a_unit_that_hurts_goes_back_to_the_fringe_and_one_that_helps_stays():
    trainer = small_trainer(fringe=0, leaves=-0.01)
    network = trainer.network
    for unit, weight in ((0, 3.0), (1, 0.5)):  # the second is what is to be learnt
        trainer.population.bear(0, [unit], torch.tensor([[0.0, 1.0, unit, 0.0]]), [0])
        trainer.population.adopt(0, unit, weight)
    draws, helpful = torch.Generator().manual_seed(0), 1
    for _ in range(15):
        x = torch.randn(1, 1, INPUTS, generator=draws)
        wanted = 0.5 * torch.tanh(x[..., :1] + x[..., 1:2])
        trainer.update(x, lambda said, t=wanted: t - said)
    assert network.role[0, :2].tolist() == [FRINGE, BACKBONE]
    assert report(trainer)[0]["dynamic/leavings"] == helpful


def test_more_slots_change_no_output_and_no_learning():
    roomy, tight = (small_trainer(levels=2, slots=slots) for slots in (64, 4))
    for trainer in (roomy, tight):
        learn(trainer, 60)
    assert tight.network.slots.each > 4  # it grew on the way
    one, other = learn(roomy, 40, seed=3), learn(tight, 40, seed=3)
    assert torch.allclose(one, other, rtol=1e-3, atol=1e-5)
    assert report(roomy)[0]["dynamic/joins"] == report(tight)[0]["dynamic/joins"] > 0


def test_growth_keeps_parameters_moments_and_masters():
    trainer = small_trainer(levels=2, slots=8)
    learn(trainer, 100)
    network, optimizer = trainer.network, trainer.population.optimizer
    inputs = torch.randn(1, 5, INPUTS)
    before, parameters = network(inputs), list(network.parameters())
    moments = [optimizer.state[each]["exp_avg"].norm() for each in network.weights]
    network.master[0, 3] = network.outputs + 9  # slot 1 of level 1
    move = grow(network, optimizer)
    assert torch.allclose(network(inputs), before, atol=1e-6)
    assert all(one is other for one, other in zip(parameters, network.parameters(), strict=True))
    after = [optimizer.state[each]["exp_avg"] for each in network.weights]
    assert [float(each.norm()) for each in after] == pytest.approx([float(each) for each in moments], rel=1e-5)
    assert all(one.shape == other.shape for one, other in zip(after, network.weights, strict=True))
    assert network.master[0, 3] == network.outputs + 17
    assert (move.before.each, move.after.each) == (8, 16)


@pytest.mark.parametrize("levels", [1, 2])
def test_copies_side_by_side_learn_what_each_learns_alone(levels):
    together = small_trainer(seeds=(5, 6), levels=levels)
    errors = learn(together, 80)
    for place, seed in enumerate((5, 6)):
        alone = small_trainer(seeds=(seed,), levels=levels)
        assert torch.allclose(learn(alone, 80, first=place)[:, 0], errors[:, place], rtol=1e-3, atol=1e-4)
        assert report(alone)[0] == pytest.approx(report(together)[place], rel=1e-3)


def test_a_copy_as_a_network_shares_its_numbers():
    network, (inputs, _) = grown_network(copies=2), batch(copies=2)
    for place in range(2):
        assert torch.allclose(network.only(place)(inputs[place]), network(inputs)[place], atol=1e-6)
    network.only(1).readout.data.zero_()
    assert network.readout[1].abs().sum() == 0


@pytest.mark.parametrize("settings", [{}, {"levels": 2, "outputs": 2}, {"maker": MutatedUnits()}])
def test_saved_and_loaded_it_goes_on_bit_for_bit(settings):
    trainer = small_trainer(**settings)
    learn(trainer, 130)
    file = io.BytesIO()
    torch.save(trainer.state_dict(), file)
    loaded = small_trainer(**settings)  # with the slots that it began with
    loaded.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    assert torch.equal(learn(trainer, 100, seed=7), learn(loaded, 100, seed=7))
    assert report(trainer) == report(loaded)


def test_a_minibatch_of_the_same_example_is_that_example():
    one, many = small_trainer(), small_trainer()
    draws = torch.Generator().manual_seed(0)
    for _ in range(60):
        x = torch.randn(1, 1, INPUTS, generator=draws)
        for trainer, times in ((one, 1), (many, 3)):
            inputs = x.expand(1, times, INPUTS)
            trainer.update(inputs, lambda said, x=inputs: bends(x) - said)
    assert torch.allclose(one.network.readout, many.network.readout, atol=1e-4)
    assert report(one)[0]["dynamic/births"] == report(many)[0]["dynamic/births"] > 0


# -- makers, masters, triggers

AROUND = Surroundings(torch.tensor([1.0, 0.5, -2.0, 0.0]), torch.tensor([[0.1, 1.0, 2.0, 0.0]]), torch.ones(1))


def draw(maker, count=1, around=AROUND):
    return maker(around, count, torch.Generator().manual_seed(0))


def test_an_imprinted_unit_is_on_for_its_input_and_off_for_others():
    (row,) = draw(ImprintedUnits(likeness=0.6, gain=2.5))
    assert float(row @ AROUND.values) == pytest.approx(2.5 * 0.4)  # g (1 - ρ)
    similar = torch.tensor([1.0, 0.5, -1.2, 1.0])  # its product with the input is 2.65 of 4.25
    assert float(row @ similar) == pytest.approx(2.5 * (2.65 / 4.25 - 0.6), rel=1e-4)
    assert float(row @ torch.tensor([1.0, 0.5, 2.0, 0.0])) < 0


def test_random_units_have_the_fan_in_scale_and_signs_that_were_asked_for():
    rows = draw(RandomUnits(scale=2.0, fan_in=2), count=500)
    assert ((rows[:, 1:] != 0).sum(1) == 2).all()
    assert (rows[:, 0] == 0).all()
    assert float(rows.square().sum(1).mean()) == pytest.approx(4.0, rel=0.2)
    signs = draw(RandomUnits(signs=True), count=5)[:, 1:]
    assert torch.allclose(signs.abs(), torch.full((5, 3), 3**-0.5))


def test_mutations_are_near_a_useful_unit_and_read_what_it_reads():
    rows = draw(MutatedUnits(noise=0.01), count=5)
    assert torch.allclose(rows, AROUND.useful.expand(5, 4), atol=0.1)
    assert (rows[:, 3] == 0).all()
    assert not torch.equal(rows[0], rows[1])
    nobody = Surroundings(AROUND.values, torch.zeros(0, 4), torch.zeros(0))
    assert torch.equal(draw(MutatedUnits(), 3, nobody), draw(RandomUnits(), 3, nobody))


def test_masters_are_those_whose_error_and_importance_are_large():
    network = grown_network()
    network.error_power[0] = torch.tensor([1.0, 3.0] + [2.0] * 8)
    network.utility[0] = torch.tensor([1.0, 1.0, 1.0, 0.0, 2.0, 1.0, 0.0, 0.0])
    wanted = torch.zeros(OUTPUTS + 8)
    wanted[:2] = torch.tensor([1.0, 3.0])
    wanted[OUTPUTS + 4] = 2.0 * 2.0 / 4.0  # the one backbone unit that may read others
    assert torch.allclose(need(network, 0), wanted)
    masters, levels = choose_masters(network, 0, 400, torch.Generator().manual_seed(0))
    shares = [masters.count(each) / 400 for each in (0, 1, OUTPUTS + 4)]
    assert shares == pytest.approx([0.2, 0.6, 0.2], abs=0.07)
    assert {level for master, level in zip(masters, levels, strict=True) if master == OUTPUTS + 4} == {0}
    assert {level for master, level in zip(masters, levels, strict=True) if master < OUTPUTS} == {0, 1}


def test_a_hidden_unit_adopts_the_fringe_unit_that_was_tried_out_for_it():
    network = grown_network()
    network.shadow.zero_()
    trainer = DynamicTrainer(network, Rules(joins=0.0, leaves=-1e9, fringe=2, every=5, maturity=5, renewal_rate=0.0))
    learn(trainer, 60)
    assert network.role[0, 2] == BACKBONE
    assert network.connected(1)[0, 0, network.slots.first + 2] == 1
    assert network.weights[1].detach()[0, 0, network.slots.first + 2].abs() > 0


@pytest.mark.parametrize(
    ("trigger", "calls"),
    [
        (Trigger.periodic, [False, False, False]),
        (Trigger.error, [True, False, True]),
        (Trigger.novelty, [True, True, False]),
        (Trigger.novelty_and_error, [True, False, False]),
    ],
)
def test_triggers_call_on_what_is_new_or_wrong(trigger, calls):
    network = DynamicNetwork(1, 1, slots=1, nonlinearity="relu", copies=3)
    for place in range(3):  # a unit that is on for positive inputs
        DynamicTrainer(network, seeds=(0, 1, 2)).population.bear(place, [0], torch.tensor([[0.0, 1.0]]), [0])
    network.error_power.fill_(1.0)
    trace = network.trace(torch.tensor([[[-1.0]], [[-1.0]], [[1.0]]]))
    found = signals(network, trace, torch.tensor([[[2.0]], [[0.5]], [[-2.0]]]))
    assert triggered(trigger, network, trace, found)[0].tolist() == calls


def test_an_imprint_corrects_the_error_that_called_for_it():
    rules = {"trigger": "novelty_and_error", "corrects": True, "fringe": 0, "units": 1, "maturity": 0}
    trainer = small_trainer(nonlinearity="relu", maker=ImprintedUnits(), **rules)
    trainer.updates = 5000  # so that the mean error of the past counts, which is 0
    for x in (torch.tensor([[[1.0, -1.0, 1.0]]]), torch.tensor([[[-1.0, -1.0, -1.0]]])):
        trainer.update(x, lambda said: 5.0 - said)
        assert float(trainer.network(x)[0, 0, 0].detach()) == pytest.approx(5.0, abs=1e-4)
        assert trainer.population.count(BACKBONE) == [1]  # the second took the place of the first
    assert trainer.population.counts["births"] == [2]


def test_protection_slows_useful_units_down():
    trainer = small_trainer(protection=1.0)
    learn(trainer, 150)
    network = trainer.network
    (pace,) = (trainer.population.optimizer.state[each]["pace"][0, :, 0] for each in network.weights)
    backbone = network.role[0] == BACKBONE
    assert (pace[~backbone] == 1).all()
    assert pace[backbone].min() < 0.5 <= pace[backbone].max() <= 1


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"units": 0}, "units must be at least 1"),
        ({"every": 0}, "every must be at least 1"),
        ({"leaves": 0.1}, "leaves must be below joins=0.001"),
        ({"renewal_rate": 2.0}, "renewal_rate must be in"),
        ({"adoption": "loud"}, "adoption must be one of shadow, silent"),
    ],
)
def test_bad_rules_are_refused(rules, words):
    with pytest.raises(ValueError, match=words):
        Rules(**rules)


def test_a_seed_is_needed_for_each_copy():
    with pytest.raises(ValueError, match="a seed for each of 2 copies, got 1"):
        DynamicTrainer(DynamicNetwork(2, 1, copies=2), seeds=(0,))


def test_a_trainer_can_be_copied():
    trainer = small_trainer()
    learn(trainer, 60)
    twin = copying.deepcopy(trainer)
    assert torch.equal(learn(trainer, 60, seed=9), learn(twin, 60, seed=9))


def test_readings_can_be_swapped():
    asked = []

    def lowest_level(network, place, births, draws):
        asked.append(births)
        return [1] * births, [0] * births

    def everything_hurts(network, utility):
        return torch.full_like(utility, -1e6)

    network = DynamicNetwork(INPUTS, 2, levels=2, slots=16)
    readings = Readings(masters=lowest_level, propagated=everything_hurts)
    trainer = DynamicTrainer(network, Rules(fringe=4, every=5, maturity=6, leaves=-0.5), readings=readings)
    learn(trainer, 5)
    assert asked == [4]
    assert set(network.master[network.role != FREE].tolist()) == {1}
    trainer.population.adopt(0, 0, 0.0)
    learn(trainer, 10)
    assert report(trainer)[0]["dynamic/leavings"] == 1
