"""The detection of tasks that nobody announces: false alarms, delay, and whether those that return are recognised.

    python -m benchmarks.task_detection            ten seeds of each, some ten minutes of one core
    python -m benchmarks.task_detection --quick    one seed

Every run is `agent=ppo_apd agent.tasks_from=detected`, with the settings of the world's recipe; "untrained" is the same
without updates. One run of each seed is in a world that never changes, where every alarm is false; another in a world
that goes through three regimes in turn. A change counts from the first step that a copy of the world takes in the new
regime to the first alarm after it, in environment steps of all copies; it is missed if there is none before the next.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gymnasium
import torch
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from agents.ppo_apd import PPOAPD
from benchmarks.tables import command_line, show, write
from envs.permuted_cartpole import PermutedCartPole
from plastic_rl.nn.additive.task_names import TaskName
from plastic_rl.nonstationary import CartPolePhysics, Cycle, Every, LogUniformValues, Nonstationary
from plastic_rl.runs import seed_everything
from plastic_rl.sb3 import TaskSwitch
from plastic_rl.sb3.tasks import detector_of

REGIMES = 3
NEVER = 1_000_000_000
Row = dict[str, str]


@dataclass(frozen=True)
class Workload:
    """A world, and how long it is watched.

    Args:
        name: in the table.
        world: makes one copy of it, given the number of copies, the steps from change to change, and a seed.
        copies: of the world.
        change_every: environment steps.
        changing_steps: of a run with changes.
        still_steps: of a run without.
        settings: of the agent.
    """

    name: str
    world: Callable[[int, int, int], gymnasium.Env]
    copies: int
    change_every: int
    changing_steps: int
    still_steps: int
    settings: dict[str, Any]


def permuted_cartpole(copies: int, change_every: int, seed: int) -> gymnasium.Env:
    """CartPole of which the senses are permuted, with random signs."""
    name = "plastic_rl.nonstationary:plastic_rl/PermutedCartPole-v0"
    return gymnasium.make(name, change_every=change_every, returning=REGIMES, copies=copies, seed=seed)


def poles(copies: int, change_every: int, seed: int) -> gymnasium.Env:
    """CartPole with poles of other lengths and masses, half to four times the usual: what it looks like stays."""
    physics = CartPolePhysics(length=LogUniformValues(0.25, 2.0), pole_mass=LogUniformValues(0.05, 0.4))
    schedule = Cycle(Every(change_every), REGIMES)
    return Nonstationary(gymnasium.make("CartPole-v1"), physics, schedule, copies=copies, seed=seed)


def recurring_ant(copies: int, change_every: int, seed: int) -> gymnasium.Env:
    """Ant on grounds of friction 0.05, 0.3 and 2."""
    name = "plastic_rl.nonstationary:plastic_rl/RecurringAnt-v0"
    return gymnasium.make(name, change_every=change_every, copies=copies)


SMALL = {name: value for name, value in PermutedCartPole.agent_settings.items() if hasattr(PPOAPD(), name)}
CARTPOLES = [
    Workload("permuted CartPole", permuted_cartpole, 8, 4_096, 24_576, 16_384, SMALL),
    Workload("CartPole with other poles", poles, 8, 4_096, 24_576, 16_384, SMALL),
]
ANT = Workload("recurring Ant", recurring_ant, 1, 2_048, 10_240, 10_240, {})


@dataclass
class Outcome:
    """The outcome of the alarms of one or several runs.

    Args:
        alarms: that were false.
        changes: that there were.
        delays: of those that were noticed, in environment steps.
        first: for each regime that was noticed for the first time, whether it was taken for a new one.
        again: for each that was noticed again, whether it was recognised.
    """

    alarms: int = 0
    changes: int = 0
    delays: list[int] = field(default_factory=list)
    first: list[bool] = field(default_factory=list)
    again: list[bool] = field(default_factory=list)


class Witness(BaseCallback):
    """Notes when the world changes, by its own announcement, and when the detector finds that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.worlds: list[int] = []
        self.changes: list[tuple[int, int]] = []  # step and regime
        self.alarms: list[tuple[int, TaskName]] = []  # step and name

    def _on_training_start(self) -> None:
        detector = detector_of(self.model)
        assert detector is not None
        self.detector, self.latest = detector, detector.latest

    def _on_step(self) -> bool:
        worlds = [info["task"]["index"] for info in self.locals["infos"]]
        for before, now in zip(self.worlds, worlds, strict=bool(self.worlds)):
            if now != before and now != (self.changes or [(0, 0)])[-1][1]:
                self.changes.append((self.num_timesteps, now))
        if self.detector.latest != self.latest:
            self.alarms.append((self.num_timesteps, self.detector.latest))
        self.worlds, self.latest = worlds, self.detector.latest
        return True


def judged(changes: Sequence[tuple[int, int]], alarms: Sequence[tuple[int, TaskName]]) -> Outcome:
    """The worth of the alarms of a run.

    Args:
        changes: step and regime of each; the run begins in regime 0, which the detector calls 0.
        alarms: step and name of each.
    """
    outcome = Outcome(changes=len(changes))
    names: dict[int, TaskName] = {0: 0}
    periods = [(0, 0), *changes]
    for (begins, regime), (ends, _) in zip(periods, [*changes, (NEVER, 0)], strict=True):
        raised = [(step, name) for step, name in alarms if begins <= step < ends]
        outcome.alarms += len(raised) - bool(raised and begins)
        if not raised or not begins:
            continue
        step, name = raised[0]
        outcome.delays.append(step - begins)
        if regime in names:
            outcome.again.append(name == names[regime])
        else:
            outcome.first.append(name not in names.values())
            names[regime] = name
    return outcome


def run(workload: Workload, *, changes: bool, learns: bool, seed: int) -> Outcome:
    """One run, judged."""
    seed_everything(seed)
    change_every = workload.change_every if changes else NEVER
    build = partial(workload.world, workload.copies, change_every, seed)
    env = DummyVecEnv([lambda: Monitor(build()) for _ in range(workload.copies)])
    env.seed(seed)
    model = PPOAPD(tasks_from="detected", **workload.settings).build(env, seed=seed, device="cpu")
    if not learns:
        model.train = lambda: None
    witness = Witness()
    steps = workload.changing_steps if changes else workload.still_steps
    model.learn(steps, callback=CallbackList([TaskSwitch(), witness]))
    return judged(witness.changes, witness.alarms)


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcomes of several runs as one."""
    return Outcome(
        sum(each.alarms for each in outcomes),
        sum(each.changes for each in outcomes),
        [delay for each in outcomes for delay in each.delays],
        [right for each in outcomes for right in each.first],
        [right for each in outcomes for right in each.again],
    )


def measure(workload: Workload, *, learns: bool, seeds: int) -> Row:
    """A line of the table."""
    still = together([run(workload, changes=False, learns=learns, seed=seed) for seed in range(seeds)])
    changing = together([run(workload, changes=True, learns=learns, seed=seed) for seed in range(seeds)])
    steps = seeds * workload.still_steps
    return {
        "world": workload.name,
        "policy": "learning" if learns else "untrained",
        "seeds": str(seeds),
        "steps without change": str(steps),
        "false alarms": str(still.alarms),
        "per 100,000 steps": f"{1e5 * still.alarms / steps:.2g}",
        "changes": str(changing.changes),
        "noticed": str(len(changing.delays)),
        "median delay": f"{statistics.median(changing.delays):.0f}" if changing.delays else "-",
        "longest delay": str(max(changing.delays, default="-")),
        "taken for new": counted(changing.first),
        "recognised": counted(changing.again),
        "needless alarms": str(changing.alarms),
    }


def counted(right: Sequence[bool]) -> str:
    """The number of right ones, of how many."""
    return f"{sum(right)} of {len(right)}"


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = command_line("task_detection", "one seed").parse_args()
    torch.set_num_threads(1)
    seeds = 1 if options.quick else 10
    todo = [(workload, learns) for workload in CARTPOLES for learns in (False, True)] + [(ANT, False)]
    table: list[Row] = []
    for workload, learns in todo:
        table.append(measure(workload, learns=learns, seeds=seeds))
        write(table, options.output)
    print(show(table))


if __name__ == "__main__":
    main()
