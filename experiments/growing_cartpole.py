"""Growing networks in long lives: twenty scrambled CartPoles, with a policy and critic that grow while they learn.

The world and the steps of the study of long lives (`experiments/long_lives.py`), whose runs of the other agents with
seeds 0 to 4 this one takes over: their settings are the same, and the same seeds give the same runs. `ppo_dynamic`
begins with 16 units a layer and may have 64, which the others have from the beginning. Its settings are the recipe's;
of three (a birth in 40 updates with turnover and without, and one in 16 with it) they were the best on seed 101, by the
mean of eight tasks.

python -m experiments.growing_cartpole            # runs what is missing (half an hour on one core), then draws
python -m experiments.growing_cartpole --draw     # draws from the committed table
python -m experiments.growing_cartpole --quick    # a hundredth of it, into a scratch folder
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments import long_lives
from experiments.long_lives import arm
from experiments.return_study import ReturnStudy
from experiments.runs import read_table, run_missing
from experiments.study import Rows, Study, main

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class BorrowingStudy(ReturnStudy):
    """A study of returns that takes runs of some arms from another study of the same world.

    Args:
        lender: the other study.
    """

    lender: ReturnStudy

    def lent(self) -> set[tuple[str, str]]:
        """The arms and seeds that the other study has run."""
        return {_run(row) for row in read_table(self.lender.results / "runs.csv")}

    def gather(self, out: Path) -> dict[str, Rows]:
        """The tables: of the runs in a folder, and for all others those of the lender."""
        return {name: self._with_lent(name, rows) for name, rows in super().gather(out).items()}

    def _with_lent(self, name: str, rows: Rows) -> Rows:
        found = {_run(row) for row in rows}
        others = [row for row in read_table(self.lender.results / f"{name}.csv") if _run(row) not in found]
        wanted = [(each.name, str(seed)) for each in self.arms for seed in self.seeds]
        named = list(rows[0] if rows else others[0])
        both: list[Row] = [*rows, *others]
        return [{key: row.get(key, "") for key in named} for run in wanted for row in both if _run(row) == run]

    def run_missing(self, out: Path, jobs: int) -> None:
        lent = self.lent()
        for each in self.arms:
            run_missing([each], [seed for seed in self.seeds if (each.name, str(seed)) not in lent], out, jobs)

    def reduced(self) -> Study:
        """A little of it, in which nothing is taken over: all arms are run."""
        named = {name: getattr(self, name) for name in ("name", "title", "arms", "seeds", "quick", "change_every")}
        return ReturnStudy(**named, fresh=self.fresh).reduced()


def _run(row: Row) -> tuple[str, str]:
    """The arm and the seed of a row."""
    return str(row["arm"]), str(row["seed"])


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
