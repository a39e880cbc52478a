"""Several seeds of PPO that learn together: each what it learns alone, bit for bit; each stopped and saved alone."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import nn

from plastic_rl.errors import RunError, UserError
from plastic_rl.runs import RunFolder
from plastic_rl.sb3 import ModelRun, plastic, remember_tasks, train_models, trunk
from plastic_rl.sb3.keeper import ModelKeeper
from plastic_rl.sb3.seeds import Member, learn_together, why_alone, why_apart, why_slower
from tests.contract.methods import METHODS
from tests.sb3.test_faults import Point
from tests.sb3.test_lean import CASES
from tests.sb3.training import EAGER, Lines, learn, learn_in, make, same_parameters

SEEDS = (3, 4, 5)
STEPS = 64
ROLLOUTS = 3

# Every day one for each way through the code; all in the slow run.
DAILY_CASES = {
    *("a small last minibatch", "target of the divergence", "continuous, gradients clipped", "weight decay"),
    *("PReLU", "layer norm, CReLU, dropout"),
}
DAILY_METHODS = {"continual backprop", "L2 init", "feature norm"}


def daily(names: Any, chosen: set[str]) -> list[Any]:
    return [name if name in chosen else pytest.param(name, marks=pytest.mark.slow) for name in names]


class Company:
    """Models that are about to learn together, and what they log.

    Args:
        build: makes the model of a seed.
        seeds: of the models.
        callback: of each.
    """

    def __init__(self, build: Callable[[int], Any], seeds: tuple[int, ...] = SEEDS, callback: Any = None) -> None:
        self.logs, self.members = [Lines() for _ in seeds], list[Member]()
        for seed, log in zip(seeds, self.logs, strict=True):
            model = build(seed)
            model.set_logger(Logger(None, [log]))
            self.members.append(Member(model, ROLLOUTS * model.n_steps * model.n_envs, callback or Silent()))

    @property
    def models(self) -> list[PPO]:
        return [member.model for member in self.members]

    def learn(self) -> list[Exception | None]:
        learn_together(self.members)
        for model in self.models:
            model.logger.dump()
        return [member.error for member in self.members]


class Silent(BaseCallback):
    """A callback that does nothing."""

    def _on_step(self) -> bool:
        return True


def of_case(case: str, seed: int) -> Any:
    env, copies, settings = CASES[case]
    more: dict[str, Any] = {**settings, "seed": seed}
    return make(plastic(PPO), env=make_vec_env(env, copies, seed=seed), **more)


def alone(model: Any) -> list[dict[str, Any]]:
    """The log of a model that learns alone, with the callback of those in company."""
    lines = learn(model, ROLLOUTS * model.n_steps * model.n_envs, callback=Silent())
    model.logger.dump()
    return lines


@pytest.mark.parametrize("case", daily(CASES, DAILY_CASES))
@pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
def test_each_seed_learns_and_logs_what_it_does_alone_bit_for_bit(case: str):
    company = Company(partial(of_case, case))
    assert why_apart(company.models) is None
    assert company.learn() == [None, None, None]
    for model, log, seed in zip(company.models, company.logs, SEEDS, strict=True):
        single = of_case(case, seed)
        assert log.lines == alone(single)
        assert same_parameters(model, single)
        # A saved tensor takes its whole storage along.
        assert all(each.untyped_storage().nbytes() == 4 * each.numel() for each in model.policy.parameters())
        moments = [each for state in model.policy.optimizer.state.values() for each in state.values()]
        assert all(each.untyped_storage().nbytes() == 4 * each.numel() for each in moments)


@pytest.mark.parametrize("name", daily(METHODS, DAILY_METHODS))
def test_methods_do_the_same_in_company(name: str):
    def of_seed(seed: int) -> Any:
        model = make(plastic(PPO), n_steps=32, batch_size=8, plasticity=METHODS[name].on, seed=seed)
        METHODS[name].begin(model.policy.optimizer)
        return model

    company = Company(of_seed, seeds=(0, 1))
    assert company.learn() == [None, None]
    for model, seed in zip(company.models, (0, 1), strict=True):
        single = of_seed(seed)
        alone(single)
        assert same_parameters(model, single)


def test_who_cannot_learn_together_takes_turns_to_the_same_end():
    def of_seed(seed: int) -> Any:
        return make(plastic(PPO), lean="quick", seed=seed)

    company = Company(of_seed, seeds=(0, 1))
    assert why_apart(company.models) == "their loop is lean=quick"
    assert company.learn() == [None, None]
    for model, log, seed in zip(company.models, company.logs, (0, 1), strict=True):
        single = of_seed(seed)
        assert log.lines == alone(single)
        assert same_parameters(model, single)


def test_it_is_said_why_models_learn_apart():
    first, wider = (make(plastic(PPO), policy_kwargs={"net_arch": [width]}) for width in (8, 16))
    assert why_apart([first]) == "there is one alone"
    assert why_apart([first, wider]) == "their networks differ"
    assert why_apart([first, make(plastic(PPO), n_epochs=1)]) == "they differ in n_epochs"
    leaky = [{"net_arch": [8], **trunk(activation="smooth_leaky_relu", slope=slope)} for slope in (0.1, 0.2)]
    assert why_apart([make(plastic(PPO), policy_kwargs=each) for each in leaky]) == "their networks differ"
    assert why_alone(first) is None
    unknown = make(plastic(PPO), policy_kwargs={"net_arch": [8], "activation_fn": nn.Mish})
    assert why_alone(unknown) == "it has a Mish, whose derivative is not known here"
    assert why_alone(make(PPO)) == "they learn by PPO, not by plastic(PPO)"
    remembering = make(plastic(PPO))
    remember_tasks(remembering)
    assert "remember tasks" in str(why_alone(remembering))
    assert why_slower(first) is None
    assert "gain nothing from company" in str(
        why_slower(make(plastic(PPO), policy_kwargs={"net_arch": [256, 256, 256]}))
    )


def test_what_draws_from_a_global_generator_at_each_step_is_refused():
    class Drawing(Silent):
        def _on_step(self) -> bool:
            return np.random.random() < 2  # noqa: NPY002

    with pytest.raises(UserError, match="seeds_in=turn"):
        Company(lambda seed: make(plastic(PPO), seed=seed), callback=Drawing()).learn()


def test_weights_that_are_given_to_a_policy_behind_its_company_are_not_passed_over():
    class Giving(Silent):
        def _on_step(self) -> bool:
            self.model.policy.value_net.bias = nn.Parameter(torch.ones(1))  # type: ignore[union-attr]
            return True

    with pytest.raises(RuntimeError, match="other weights while it was acting"):
        Company(lambda seed: make(plastic(PPO), seed=seed), callback=Giving()).learn()


def test_a_seed_whose_weights_go_bad_in_an_update_stops_alone():
    def of_seed(seed: int) -> Any:
        return make(plastic(PPO), learning_rate=1e30 if seed == 1 else 1e-3, seed=seed)

    company = Company(of_seed, seeds=(0, 1, 2))
    first, second, third = company.learn()
    assert first is None
    assert third is None
    assert isinstance(second, ValueError)
    for place in (0, 2):
        single = of_seed(place)
        assert company.logs[place].lines == alone(single)
        assert same_parameters(company.models[place], single)


class KilledError(BaseException):
    """A kill."""


def world(seed: int, seen: float = 0.5) -> Any:
    env = DummyVecEnv([lambda: Point(seen=seen)])
    return make(plastic(PPO), env=env, n_steps=16, batch_size=8, plasticity=EAGER, seed=seed)


def runs_in(path: Path, seeds: tuple[int, ...], bad: int | None = None) -> list[ModelRun]:
    def make_one(seed: int) -> Any:
        return world(seed, np.nan if seed == bad else 0.5)

    return [ModelRun(partial(make_one, seed), RunFolder(path / str(seed))) for seed in seeds]


def learned_alone(path: Path, seed: int) -> Any:
    return learn_in(path / f"alone {seed}", world(seed), 48)


def test_killed_between_the_checkpoints_of_two_seeds_both_go_on_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    begun, begin = list[int](), ModelKeeper._on_rollout_start

    def killed(keeper: ModelKeeper) -> None:
        begun.append(keeper.step)
        if len(begun) == 6:  # the first seed has saved its third checkpoint, and the second has not
            raise KilledError
        begin(keeper)

    monkeypatch.setattr(ModelKeeper, "_on_rollout_start", killed)
    with pytest.raises(KilledError):
        train_models(runs_in(tmp_path, (0, 1)), 48, checkpoint_seconds=0.0)
    monkeypatch.undo()
    found = [RunFolder(tmp_path / str(seed)).checkpoints.latest() for seed in (0, 1)]
    assert [each[0] for each in found if each] == [32, 16]
    train_models(runs_in(tmp_path, (0, 1)), 48)
    for seed in (0, 1):
        assert RunFolder(tmp_path / str(seed)).status == "finished"
        model = PPO.load(tmp_path / str(seed) / "model.zip")
        assert same_parameters(model, learned_alone(tmp_path, seed))


def test_a_seed_that_is_shown_what_is_no_number_stops_alone(tmp_path: Path):
    outcomes = train_models(runs_in(tmp_path, (0, 1, 2), bad=1), 48)
    assert isinstance(outcomes[1], RunError)
    assert "the observation is nan" in str(outcomes[1])
    assert [RunFolder(tmp_path / str(seed)).status for seed in (0, 1, 2)] == ["finished", "failed", "finished"]
    assert same_parameters(PPO.load(tmp_path / "2" / "model.zip"), learned_alone(tmp_path, 2))
    files = {file.name for file in (tmp_path / "2").iterdir()}
    assert files == {file.name for file in (tmp_path / "alone 2").iterdir()}
