"""The detection of changes that nobody announces: what is noticed how soon, and what is taken for a change and is none.

    python -m benchmarks.change_detection            five seeds of each world, a quarter of an hour of one core
    python -m benchmarks.change_detection --quick    one seed, a fifth of the length

Every run is `agent=ppo_fresh` with the settings of the world's recipe: it starts from scratch at each change, of which
it is told, so that it learns to act in each; the detector looks on and is told nothing. A change counts from the first
step that a copy of the world takes after it to the alarm, in environment steps of all copies, and is missed if there is
none before the next change. All other alarms are false.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from stable_baselines3.common.callbacks import BaseCallback, CallbackList

from agents.ppo_fresh import PPOFresh
from benchmarks.tables import command_line, show, write
from envs.noisy_acrobot import NoisyAcrobot
from envs.noisy_cartpole import NoisyCartPole
from envs.noisy_lunarlander import NoisyLunarLander
from envs.permuted_cartpole import PermutedCartPole
from envs.permuted_pendulum import PermutedPendulum
from envs.recipe import World
from envs.slippery_hopper import SlipperyHopper
from plastic_rl.regimes import ChangeDetector
from plastic_rl.runs import seed_everything
from plastic_rl.sb3 import ChangeAnnouncements
from plastic_rl.sb3.change_detection import RolloutWatch
from plastic_rl.sb3.watched_world import sizes_of

WORLDS: dict[str, Callable[..., World]] = {
    "permuted-cartpole": PermutedCartPole,
    "noisy-cartpole": NoisyCartPole,
    "noisy-acrobot": NoisyAcrobot,
    "noisy-lunarlander": NoisyLunarLander,
    "permuted-pendulum": PermutedPendulum,
    "slippery-hopper": SlipperyHopper,
}
CHANGE_EVERY = 40_000
TASKS = 3.5  # so that there is time to notice the last change


@dataclass
class Witness(BaseCallback):
    """Notes when the world changes, by its own announcement, and when a detector finds that it has."""

    changes: list[int] = field(default_factory=list)
    alarms: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def _on_training_start(self) -> None:
        self.detector, self.task = ChangeDetector(*sizes_of(self.model)), 0
        self.watch = RolloutWatch(self.model, self.detector)

    def _on_step(self) -> bool:
        self.watch.keep(self.locals)
        latest = max(info["task"]["index"] for info in self.locals["infos"])
        if latest > self.task:
            self.changes.append(self.num_timesteps)
            self.task = latest
        return True

    def _on_rollout_end(self) -> None:
        before = self.detector.changes
        self.watch.show()
        self.alarms += [self.num_timesteps] * (self.detector.changes - before)


def judged(changes: Sequence[int], alarms: Sequence[int]) -> tuple[list[int], int]:
    """The delays of the changes that were noticed, and the number of false alarms.

    Args:
        changes: the step of each.
        alarms: the step of each.
    """
    delays: list[int] = []
    for begins, ends in pairwise([*changes, float("inf")]):
        delays += [int(step - begins) for step in alarms if begins <= step < ends][:1]
    return delays, len(alarms) - len(delays)


def run(world: Callable[..., World], change_every: int, seed: int) -> tuple[list[int], int, int]:
    """The delays and false alarms of one run, and the number of changes."""
    seed_everything(seed)
    recipe = world(change_every=change_every)
    fresh = PPOFresh()
    settings: dict[str, Any] = {name: value for name, value in recipe.agent_settings.items() if hasattr(fresh, name)}
    model = PPOFresh(**settings).build(recipe.make(seed), seed=seed, device="cpu")
    witness = Witness()
    model.learn(int(TASKS * change_every), callback=CallbackList([ChangeAnnouncements(), witness]))
    return *judged(witness.changes, witness.alarms), len(witness.changes)


def measure(name: str, change_every: int, seeds: int) -> dict[str, str]:
    """A line of the table."""
    found = list(map(partial(run, WORLDS[name], change_every), range(seeds)))
    delays = [delay for each, _, _ in found for delay in each]
    return {
        "world": name,
        "seeds": str(seeds),
        "steps": str(int(seeds * TASKS * change_every)),
        "changes": str(sum(changes for _, _, changes in found)),
        "noticed": str(len(delays)),
        "median delay": f"{statistics.median(delays):.0f}" if delays else "-",
        "longest delay": str(max(delays, default="-")),
        "false alarms": str(sum(alarms for _, alarms, _ in found)),
    }


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = command_line("change_detection", "one seed, a fifth of the length").parse_args()
    torch.set_num_threads(1)
    table: list[dict[str, str]] = []
    for name in WORLDS:
        table.append(measure(name, CHANGE_EVERY // 5 if options.quick else CHANGE_EVERY, 1 if options.quick else 5))
        write(table, options.output)
    print(show(table))


if __name__ == "__main__":
    main()
