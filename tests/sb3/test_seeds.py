"""Several seeds of PPO that learn together: each what it learns alone, bit for bit, and resumed, stopped and saved alone."""

from typing import Any

import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import Logger

from plastic_rl.sb3 import plastic
from plastic_rl.sb3.seeds import Member, learn_together, why_apart
from tests.contract.methods import METHODS
from tests.sb3.test_lean import CASES, DAILY
from tests.sb3.training import Lines, learn, make, same_parameters

SEEDS = (3, 4, 5)
STEPS = 64
ROLLOUTS = 4


class Silent(BaseCallback):
    """A callback that does nothing."""

    def _on_step(self) -> bool:
        return True


def of_case(case: str, seed: int) -> Any:
    env, copies, settings = CASES[case]
    return make(plastic(PPO), env=make_vec_env(env, copies, seed=seed), **{**settings, "seed": seed})


def alone(model: Any) -> list[dict[str, Any]]:
    """What a model logs that learns alone."""
    lines = learn(model, ROLLOUTS * STEPS * model.n_envs)
    model.logger.dump()
    return lines


def member_of(model: Any) -> Member:
    """A model that is about to learn, in the moment in which it is made; what it logs is kept in `lines`."""
    writer = Lines()
    model.set_logger(Logger(None, [writer]))
    model.lines = writer.lines
    return Member(model, ROLLOUTS * STEPS * model.n_envs, Silent())


def together(members: list[Member]) -> None:
    assert why_apart([member.model for member in members]) is None
    learn_together(members)
    for member in members:
        assert member.error is None, member.error
        member.model.logger.dump()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
def test_each_seed_learns_and_logs_what_it_does_alone_bit_for_bit(case: str):
    members = [member_of(of_case(case, seed)) for seed in SEEDS]
    together(members)
    for member, seed in zip(members, SEEDS, strict=True):
        model = of_case(case, seed)
        lines = alone(model)
        assert member.model.lines == lines
        assert same_parameters(member.model, model)


@pytest.mark.parametrize(
    "name",
    [
        name if method.replaces or name in DAILY else pytest.param(name, marks=pytest.mark.slow)
        for name, method in METHODS.items()
    ],
)
def test_methods_do_the_same_in_company(name: str):
    def of_seed(seed: int) -> Any:
        model = make(plastic(PPO), n_steps=32, batch_size=8, plasticity=METHODS[name].on, seed=seed)
        METHODS[name].begin(model.policy.optimizer)
        return model

    members = [member_of(of_seed(seed)) for seed in (0, 1)]
    learn_together(members)
    assert [member.error for member in members] == [None, None]
    for member, seed in zip(members, (0, 1), strict=True):
        model = of_seed(seed)
        alone(model)
        assert same_parameters(member.model, model)
