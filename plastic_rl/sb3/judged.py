"""The ways in which a model is judged beside its training: probes, evaluations, and all tasks so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.diagnostics.probing import ProbeSettings
from plastic_rl.errors import UserError
from plastic_rl.nonstationary import stay_in_task
from plastic_rl.sb3.evaluation_callback import Evaluation
from plastic_rl.sb3.instruments import Memory
from plastic_rl.sb3.playing import World
from plastic_rl.sb3.probe_callback import ProbeCallback
from plastic_rl.sb3.task_returns import TaskReturns


@dataclass(frozen=True)
class Judged:
    """The judgements that are wanted, how often, and in which world; the training is bit for bit the same.

    Args:
        world: makes a world like that of the training, with the same seed of tasks.
        evaluate_every: environment steps from one evaluation to the next; 0 for none. The best model of the present
            task is kept in the run's folder.
        probe_every: environment steps from one probe to the next; 0 for none.
        look_back: episodes on each task so far, when one has ended; 0 for none.
        probe: the settings of probes; None for the usual ones.
    """

    world: World
    evaluate_every: int = 0
    probe_every: int = 0
    look_back: int = 0
    probe: ProbeSettings | None = None

    def check(self) -> None:
        """Refuses what cannot be had in this world, before anything is trained.

        Raises:
            UserError: the tasks of a world that never changes were to be looked back on.
        """
        if not self.look_back:
            return
        world = self.world()
        try:
            stay_in_task(world, 0)
        except ValueError as error:
            raise UserError(f"look_back={self.look_back} cannot be had: {error}") from error
        finally:
            world.close()

    def callbacks(self, memory: Memory, best: Path) -> list[BaseCallback]:
        """Those that judge.

        Args:
            memory: of the run.
            best: the file of the best model.
        """
        return list(self._callbacks(memory, best))

    def _callbacks(self, memory: Memory, best: Path) -> Iterator[BaseCallback]:
        if self.probe_every:
            yield ProbeCallback(self.probe_every, self.probe)
        if self.evaluate_every:
            yield Evaluation(self.world, self.evaluate_every, best=best, memory=memory.best)
        if self.look_back:
            yield TaskReturns(self.world, self.look_back, memory=memory.matrix)
