"""A course as a run's session keeps it: saved and stopped between minibatches, its numbers written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from plastic_rl.diagnostics.probing import ProbeSettings
from plastic_rl.learners.learner import Learner
from plastic_rl.runs import SMALLER_STEPS, Fault, Session, first_not_finite, random_state, restore_random_state
from plastic_rl.streams.stream import Stream
from plastic_rl.training.course import Course


class CourseKeeper:
    """A learner's course through a stream as a run's session keeps it.

    Args:
        streams: one for each seed of the learner.
        learner: what learns.
        probe_every: tasks from one probe to the next; 0 for none.
        probe: the settings of probes; None for the usual ones.

    Attributes:
        last: what was measured when the last task ended, by name, as the mean over seeds.
    """

    session: Session  # once it is open

    def __init__(
        self, streams: Sequence[Stream], learner: Learner, probe_every: int = 0, probe: ProbeSettings | None = None
    ) -> None:
        self.course = Course(streams, learner, self.write, self.pause, probe_every=probe_every, probe=probe)
        self.last: dict[str, float] = {}

    @property
    def step(self) -> int:
        """Examples that each seed has learned from, counted each time."""
        return self.course.position.examples

    def settings(self) -> dict[str, Any]:
        """The stream, how it is gone through, and who learns; not how many tasks, as a stream may be prolonged."""
        stream, learner = self.course.streams[0], self.course.learner
        plan = {name: value for name, value in asdict(stream.plan).items() if name != "tasks"}
        names = {"stream": type(stream).__name__, "learner": type(learner).__name__, "seeds": list(learner.seeds)}
        return {**names, "inputs": list(stream.shape), "outputs": stream.outputs, "plan": plan}

    def state_dict(self) -> dict[str, Any]:
        """All that the run needs to go on exactly from between two minibatches."""
        return {"course": self.course.state_dict(), "random": random_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Puts the course where a saved one was."""
        self.course.load_state_dict(state["course"])
        restore_random_state(state["random"])

    def damage_beside(self, state: dict[str, Any]) -> str | None:
        """None: all is in the checkpoint."""
        return None

    def fault(self) -> Fault | None:
        """The fault in what the learner answered last, or in what it was shown."""
        if self.course.is_healthy:
            return None
        return self._fault_of_examples() or Fault("the outputs are no longer finite numbers", SMALLER_STEPS)

    def fault_in(self, state: dict[str, Any]) -> Fault | None:
        """The fault in the learner that is about to be saved: weights, optimiser and the memory of its method."""
        place = first_not_finite(state["course"]["learner"])
        if place is None:
            return None
        return self._fault_of_examples() or Fault(f"{place} is no longer made of finite numbers", SMALLER_STEPS)

    def fault_behind(self, error: Exception) -> Fault:
        """The fault where torch refused to go on with its numbers."""
        known = self._fault_of_examples() or self.fault_in(self.state_dict())
        return known or Fault(str(error).splitlines()[0].removesuffix("."), SMALLER_STEPS)

    def _fault_of_examples(self) -> Fault | None:
        index = min(self.course.position.task, self.course.plan.tasks - 1)
        for stream in self.course.streams:
            examples = stream.task(index).train
            for name in ("inputs", "targets"):
                values = getattr(examples, name)
                values = values if examples.rows is None else values[examples.rows]
                if first_not_finite(values) is not None:
                    found = f"the {name} of task {index} of seed {stream.seed} are not all finite numbers"
                    return Fault(found, "they came from the stream, and no setting of the agent mends them")
        return None

    def write(self, step: int, numbers: list[dict[str, Any]]) -> None:
        """Writes a line for each seed; the tracker gets the means over seeds."""
        for values in numbers:
            self.session.metrics.write(step, values)
        means = means_over_seeds(numbers)
        self.session.tracker.log(step, means)
        ends = {name: value for name, value in means.items() if name.startswith(("online/", "test/"))}
        self.last = ends or self.last

    def pause(self) -> None:
        """Between two chunks: shows progress, and saves or stops where it is time."""
        results = ", ".join(f"{name} {value:.3f}" for name, value in self.last.items())
        task = f"task {self.course.position.task}" + (f", the last with {results}" if results else "")
        self.session.progress.update(self.step, task=task)
        self.session.keeper.pause()


def means_over_seeds(numbers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The mean of each quantity that is a number for every seed, the seeds themselves aside."""
    shared = [
        name for name in numbers[0] if name != "seed" and all(isinstance(row.get(name), int | float) for row in numbers)
    ]
    return {name: sum(row[name] for row in numbers) / len(numbers) for name in shared}
