"""Growing networks in long lives: twenty scrambled CartPoles, with a policy and critic that grow while they learn.

The world, the steps and the seeds of the study of long lives (`experiments/long_lives.py`), whose runs of the other
agents this one takes over: their settings are the same, and the same seeds give the same runs. `ppo_dynamic` begins
with 16 units a layer and may have 64, which the others have from the beginning. Its settings are the recipe's; turnover
was chosen on seed 101.

python -m experiments.growing_cartpole            # runs what is missing (ten minutes on one core), then draws
python -m experiments.growing_cartpole --draw     # draws from the committed table
python -m experiments.growing_cartpole --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments import long_lives
from experiments.long_lives import arm
from experiments.return_study import ReturnStudy
from experiments.runs import read_table
from experiments.study import Rows, Study, main


@dataclass(frozen=True, kw_only=True)
class BorrowingStudy(ReturnStudy):
    """A study of returns that takes the runs of some arms from another study of the same world.

    Args:
        lender: the other study.
    """

    lender: ReturnStudy

    @property
    def own(self) -> ReturnStudy:
        """The study of the arms that are run for this one."""
        lent = {each.name for each in self.lender.arms}
        return replace(self, arms=tuple(each for each in self.arms if each.name not in lent), fresh=None)

    def gather(self, out: Path) -> dict[str, Rows]:
        """The tables: of the lender's arms as committed, of the others of the runs in a folder."""
        found = ReturnStudy.gather(self.own, out)
        return {name: self._in_order(name, rows) for name, rows in found.items()}

    def _in_order(self, name: str, rows: Rows) -> Rows:
        both: list[Mapping[str, Any]] = [*read_table(self.lender.results / f"{name}.csv"), *rows]
        seeds = {str(seed) for seed in self.seeds}
        names = list(rows[0]) if rows else []
        by_arm: dict[str, Sequence[Mapping[str, Any]]] = {
            each.name: [row for row in both if row["arm"] == each.name and str(row["seed"]) in seeds]
            for each in self.arms
        }
        return [{key: row.get(key, "") for key in names} for mine in by_arm.values() for row in mine]

    def run_missing(self, out: Path, jobs: int) -> None:
        ReturnStudy.run_missing(self.own, out, jobs)

    def reduced(self) -> Study:
        """A little of it, in which nothing is taken over: all arms are run."""
        named = {name: getattr(self, name) for name in ("name", "title", "arms", "seeds", "quick", "change_every")}
        return ReturnStudy(**named, fresh=self.fresh).reduced()


STUDY = BorrowingStudy(
    name="growing_cartpole",
    title="Twenty permuted CartPoles, grown",
    arms=(arm("ppo"), arm("ppo_dynamic"), arm("ppo+cbp"), arm("ppo_fresh")),
    lender=long_lives.STUDY,
    seeds=range(5),
    change_every=30_000,
    bin_steps=5_000,
    fresh="ppo_fresh",
    quick=long_lives.STUDY.quick,
)

if __name__ == "__main__":
    main(STUDY)
