"""The search for what keeps PPO plastic in two worlds: methods and pairs of methods, on a seed that no study reports.

Aligned control (three levels of noisy CartPole) takes the policy's ability to explore; permuted CartPole (twenty tasks)
takes units and features. What is looked for comes near to a fresh agent at each change in both.

python -m experiments.plastic_search            # runs what is missing (an hour on one core), then the table
python -m experiments.plastic_search --draw     # prints the committed table
python -m experiments.plastic_search --quick    # a little of it, into a scratch folder
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from experiments.return_study import of_tasks, read_curves
from experiments.runs import Arm, gather, write_table
from experiments.study import Rows, Study, main, show

DETECTED = "agent.changes_from=detected"

CANDIDATES: Mapping[str, tuple[str, ...]] = {
    "ppo_fresh": ("agent=ppo_fresh",),
    "ppo_l2_init": ("agent=ppo_l2_init",),
    "ppo_l2_init_1e-2": ("agent=ppo_l2_init", "agent.strength=1e-2"),
    "ppo+l2_init+layer_norm": ("agent=ppo+l2_init+layer_norm",),
    "ppo+adam_rel+l2_init": ("agent=ppo+adam_rel+l2_init",),
    "ppo_normalized_l2_init": ("agent=ppo_l2_init", "agent.normalize_inputs=0.999"),
    "ppo_fire_detected": ("agent=ppo_fire", DETECTED),
    "ppo+fire+l2_init_detected": ("agent=ppo+fire+l2_init", DETECTED),
    "ppo+fire+layer_norm+l2_init_detected": ("agent=ppo+fire+l2_init+layer_norm", DETECTED),
    "ppo+fire+optimizer_reset_detected": ("agent=ppo+fire+optimizer_reset", DETECTED),
    "ppo+fire+reset_head_detected": ("agent=ppo+fire+reset_head", DETECTED),
    "ppo_reset_network_detected": ("agent=ppo_reset_network", DETECTED),
}
"""Of each candidate the words of its command, beside those of the world."""


@dataclass(frozen=True)
class Place:
    """A world of the search.

    Args:
        words: of the command.
        change_every: environment steps of a task.
        bin_steps: environment steps that are averaged to one point.
        quick: words that make a quick run.
    """

    words: tuple[str, ...]
    change_every: int
    bin_steps: int
    quick: tuple[str, ...]


PLACES: Mapping[str, Place] = {
    "aligned": Place(
        ("env=noisy-cartpole", "protocol=aligned", "agent.lean=quick", "total_steps=480_000"),
        160_000,
        8_000,
        ("total_steps=16_000", "agent.epochs=1"),
    ),
    "permuted": Place(
        ("env=permuted-cartpole", "total_steps=600_000"),
        30_000,
        5_000,
        ("total_steps=10_240", "agent.epochs=1"),
    ),
}


def arm(place: str, candidate: str) -> Arm:
    """A candidate in a world; its runs are in a folder of that world."""
    return Arm(f"{place}/{candidate}", (*CANDIDATES[candidate], *PLACES[place].words))


@dataclass(frozen=True, kw_only=True)
class Search(Study):
    """Candidates in several worlds; its table says what each reaches of a fresh agent in each."""

    def reduced(self) -> Study:
        """A little of each, in the words of its world."""
        little = tuple(
            replace(each, overrides=(*each.overrides, *PLACES[each.name.partition("/")[0]].quick)) for each in self.arms
        )
        return replace(self, arms=little)

    def gather(self, out: Path) -> dict[str, Rows]:
        curves, runs = list[Mapping[str, object]](), list[Mapping[str, object]]()
        for each in self.arms:
            found = gather([each], out, PLACES[each.name.partition("/")[0]].bin_steps)
            curves, runs = [*curves, *found[0]], [*runs, *found[1]]
        return {"curves": curves, "runs": runs}

    def report(self, results: Path) -> None:
        rows = summary(results)
        write_table(results / "summary.csv", rows)
        show(rows)


def summary(results: Path) -> list[dict[str, str]]:
    """A row for each candidate: its return over life in each world, and that over a fresh agent's, the best first.

    Args:
        results: the folder of the curves.
    """
    lives = {
        name: float(np.mean(of_tasks(*curve, PLACES[name.partition("/")[0]].change_every)))
        for name, curve in read_curves(results / "curves.csv").items()
    }
    rows = [
        {"candidate": candidate}
        | {place: f"{lives[f'{place}/{candidate}']:.0f}" for place in PLACES}
        | {
            f"{place}, of fresh": f"{lives[f'{place}/{candidate}'] / lives[f'{place}/ppo_fresh']:.2f}"
            for place in PLACES
        }
        for candidate in CANDIDATES
    ]
    return sorted(rows, key=lambda row: -min(float(row[f"{place}, of fresh"]) for place in PLACES))


STUDY = Search(
    name="plastic_search",
    title="The search for what keeps PPO plastic",
    arms=tuple(arm(place, candidate) for place in PLACES for candidate in CANDIDATES),
    seeds=range(101, 102),
    quick=(),
)

if __name__ == "__main__":
    main(STUDY)
