"""The cost of every method: time and memory of training with it, over the same without it.

    python -m benchmarks.method_overhead            every method, about four minutes of one core
    python -m benchmarks.method_overhead --quick    few rounds, about a minute
    python -m benchmarks.method_overhead redo trac  some methods; the other lines of the table stay

All methods of `agents.methods.METHODS` with the settings of their recipes, and continual backprop in its modes:

* "PPO update": the `train()` of Stable-Baselines3's PPO, with 2x256 units for policy and value each, 111 observations,
  8 actions and minibatches of 128. "PPO iteration": the same and its rollout, in a world that costs nothing.
* "supervised update": 784-256-256-10, ReLU, minibatches of 32, Adam, cross-entropy.
* "supervised update that acts": one of them at which a method acts that does so now and then, or at a change. (Of ten
  updates it acts at one; the time beyond ten plain ones is that one's.)

In one process and on one thread, methods take turns; a ratio is the median over rounds of two blocks of one round. Time
is the processor's. No world changes: what acts at changes has nothing to do in the first three, but for plasticity
injection, which has happened. Memory is that of all live tensors after some updates (weights, gradients, what optimiser
and method keep) over the same without the method.
"""

from __future__ import annotations

import gc
import statistics
from dataclasses import fields, replace
from functools import cache
from itertools import count
from typing import Any, TypeVar

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import Tensor
from torch.nn import Parameter, functional

from agents.adam import Adam
from agents.combined import combined
from agents.methods import METHODS, AddedSettings, ContinualBackprop, PlasticityInjection
from agents.ppo import PPO
from benchmarks.overhead import MODES, Subject, clock, compare
from benchmarks.tables import DEVICE, command_line, is_asked_for, save, show, with_workloads
from plastic_rl.layers import hidden_layers
from plastic_rl.networks import MLP
from plastic_rl.sb3 import RolloutClock

PLAIN, EVERY = "plain", 10
ROLLOUT, UPDATES = 256, 20  # environment steps: two minibatches, ten times each
Row = dict[str, str]
Base = TypeVar("Base", PPO, Adam)


def methods() -> dict[str, AddedSettings]:
    """The settings of every method, by its word; those that wait for long do their work from the first updates on."""
    replacing = {f"cbp, {mode}": ContinualBackprop(mode=mode, maturity_threshold=100) for mode in MODES}
    every = {word: settings() for word, settings in METHODS.items()}
    return {**replacing, **every, "plasticity_injection": PlasticityInjection(after=1)}


def acting(settings: AddedSettings) -> AddedSettings | None:
    """A method that acts every so many updates; None where it has no interval, or acts at each."""
    every = {field.name: getattr(settings, field.name) for field in fields(settings)}.get("every", 1)
    return None if every == 1 else replace(settings, **{"every": EVERY})


def agent(base: type[Base], settings: AddedSettings | None, **own: Any) -> Base:
    """An agent with a method, or without."""
    if settings is None:
        return base(**own)
    kind: Any = combined(base.label.lower(), base, type(settings))
    return kind(**own, **{field.name: getattr(settings, field.name) for field in fields(settings)})


class Noise(gymnasium.Env[np.ndarray, np.ndarray]):
    """A world of Ant's spaces whose observations are drawn beforehand, and whose reward asks for small actions."""

    def __init__(self) -> None:
        self.observation_space, self.action_space = spaces.Box(-9, 9, (111,)), spaces.Box(-1, 1, (8,))
        self.drawn, self.clock = np.random.default_rng(0).normal(size=(1000, 111)).astype(np.float32), count()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        return self.drawn[0], {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        place = next(self.clock) % 1000
        return self.drawn[place], -float(action @ action), False, place == 999, {}


class Iterations(Subject):
    """PPO's iterations; the time of the updates among it is kept beside.

    Args:
        settings: of what PPO has on top; None for plain PPO.
    """

    def __init__(self, settings: AddedSettings | None) -> None:
        self.model = agent(PPO, settings, rollout_steps=ROLLOUT).build(DummyVecEnv([Noise]), seed=0, device=DEVICE)
        self.updates, self._updating, self._train = list[float](), 0.0, self.model.train
        self.model.train = self._timed
        super().__init__(lambda: self.model.learn(ROLLOUT, callback=RolloutClock(), reset_num_timesteps=False))

    def _timed(self) -> None:
        start = clock()
        self._train()
        self._updating = (clock() - start) * 1e3

    def run(self, steps: int) -> float:
        whole = super().run(steps)
        self.updates.append(self._updating)
        return whole

    def updating(self) -> Subject:
        """The same subject with the times of its updates alone."""
        subject = Subject(self.step)
        subject.times = self.updates[-len(self.times) :]
        return subject


def supervised(settings: AddedSettings | None) -> Subject:
    """An update of a perceptron on images of noise."""
    torch.manual_seed(0)
    recipe = agent(Adam, settings)
    network = MLP(784, 10, hidden_layers=2, hidden_units=256, **recipe.network_options()).to(DEVICE)
    (images, labels), places = examples(), count()
    optimizer, method = recipe.optimizer()(network.parameters()), recipe.plasticity()
    if method is not None:
        optimizer = method(optimizer, hidden_layers(network, images[0, :1]))

    def step() -> None:
        place = next(places) % 64
        optimizer.zero_grad()
        functional.cross_entropy(network(images[place]), labels[place]).backward()
        optimizer.step()

    return Subject(step)


@cache
def examples() -> tuple[Tensor, Tensor]:
    """Minibatches of images of noise, with labels."""
    return torch.rand(64, 32, 784, device=DEVICE), torch.randint(10, (64, 32), device=DEVICE)


def memory(settings: AddedSettings | None) -> int:
    """The bytes that training keeps between two updates: weights, gradients, optimiser and method."""
    examples()
    before = live_bytes()
    subject = supervised(settings)
    subject.run(3)
    return live_bytes() - before


def live_bytes() -> int:
    """The size of all tensors there are, each storage once."""
    gc.collect()
    kinds = (Tensor, Parameter)  # not those that a compiler leaves behind, which have no storage
    tensors = [each for each in gc.get_objects() if type(each) in kinds]
    tensors += [each.grad for each in tensors if each.is_leaf and each.grad is not None]
    return sum({each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in tensors}.values())


def of_one(of_all: str) -> str:
    """The ratio of an update that acts, from that of all."""
    return f"{1 + EVERY * (float(of_all) - 1):.1f}"


def ratio(subject: Subject, plain: Subject) -> tuple[str, str]:
    """The median of a subject's time over that of the plain one, and the quartiles."""
    ratios = [mine / its for mine, its in zip(subject.times, plain.times, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return f"{middle:.2f}", f"{low:.2f}-{high:.2f}"


def measure(asked: dict[str, AddedSettings], *, rounds: int) -> list[Row]:
    """The table: the milliseconds of what is plain, then a line of ratios for each method."""
    every = {PLAIN: None, **asked}
    at_work = {word: at_times for word, settings in asked.items() if (at_times := acting(settings)) is not None}
    iterations = {word: Iterations(settings) for word, settings in every.items()}
    compare(iterations, 1, 8, rounds)
    updates = {word: subject.updating() for word, subject in iterations.items()}
    steps = {word: supervised(settings) for word, settings in every.items()}
    compare(steps, 20, 120, rounds)
    busy = {PLAIN: supervised(None), **{word: supervised(settings) for word, settings in at_work.items()}}
    compare(busy, EVERY, EVERY, rounds)
    bytes_kept = {word: memory(settings) for word, settings in every.items()}
    table = [first_line(iterations[PLAIN], updates[PLAIN], steps[PLAIN], bytes_kept[PLAIN])]
    for word in asked:
        updated, spread = ratio(updates[word], updates[PLAIN])
        stepped, step_spread = ratio(steps[word], steps[PLAIN])
        table.append(
            {
                "method": word,
                "ppo_update": updated,
                "ppo_quartiles": spread,
                "ppo_iteration": ratio(iterations[word], iterations[PLAIN])[0],
                "supervised_update": stepped,
                "supervised_quartiles": step_spread,
                "supervised_update_that_acts": of_one(ratio(busy[word], busy[PLAIN])[0]) if word in busy else "",
                "memory": f"{bytes_kept[word] / bytes_kept[PLAIN]:.2f}",
                "rounds": str(rounds),
            }
        )
    return table


def first_line(iteration: Subject, update: Subject, step: Subject, kept: int) -> Row:
    """What is plain, in milliseconds of an update or iteration, and in megabytes."""
    return {
        "method": PLAIN,
        "ppo_update": f"{statistics.median(update.times) / UPDATES:.2f} ms",
        "ppo_quartiles": "",
        "ppo_iteration": f"{statistics.median(iteration.times):.0f} ms",
        "supervised_update": f"{statistics.median(step.times):.2f} ms",
        "supervised_quartiles": "",
        "supervised_update_that_acts": "",
        "memory": f"{kept / 1e6:.1f} MB",
        "rounds": str(len(step.times)),
    }


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = with_workloads(command_line(f"method_overhead_{DEVICE}")).parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    asked = {word: settings for word, settings in methods().items() if is_asked_for(word, options)}
    table = measure(asked, rounds=5 if options.quick else 31)
    print(show(table))
    save(table, options, (PLAIN, *methods()))


if __name__ == "__main__":
    main()
