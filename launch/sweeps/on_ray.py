"""A Ray cluster as a launcher: Ray places the jobs, and tries those again whose process or machine is gone."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from launch.sweeps.plan import Job
from launch.sweeps.surroundings import surroundings
from launch.sweeps.words import OnRay
from launch.sweeps.work import FAILED, Ending, Order, train
from plastic_rl.errors import UserError
from plastic_rl.extras import needed

MANY = 1_000_000
SECONDS_TO_ANSWER = 10.0


class RayEngine:
    """Tasks of Ray, a job each.

    Args:
        settings: Of the cluster, and of what a job takes there.

    Raises:
        UserError: Ray is not installed, or the cluster does not answer.
    """

    def __init__(self, settings: OnRay) -> None:
        self._ray: Any = needed("ray", "launcher=ray")
        self._settings = settings
        self._jobs: dict[Any, Job] = {}
        # A process that has trained a job ends: the next begins as it would alone.
        taken = {"num_cpus": settings.cpus, "num_gpus": settings.gpus}
        self._task = self._ray.remote(**taken, max_retries=settings.retries, max_calls=1)(train)
        try:
            _knock(settings.address)
            self._ray.init(
                address=settings.address,
                runtime_env={"env_vars": dict(surroundings(max(1, int(settings.cpus))))},
                logging_level=logging.WARNING,
                log_to_driver=False,
            )
        except (OSError, RuntimeError, ValueError) as error:
            told = str(error).strip().splitlines()[0]
            raise UserError(f"launcher.address={settings.address}: no Ray cluster answers there ({told})") from error

    @property
    def room(self) -> int:
        return (self._settings.jobs or MANY) - len(self._jobs)

    @property
    def on(self) -> Sequence[Job]:
        return list(self._jobs.values())

    def begin(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._jobs[self._task.remote(Order.of(job))] = job

    def ended(self, seconds: float) -> Iterator[tuple[Job, Ending]]:
        if not self._jobs:
            return
        ready, _ = self._ray.wait(list(self._jobs), num_returns=len(self._jobs), timeout=seconds)
        for task in ready:
            yield self._jobs.pop(task), self._ending(task)

    def stop(self, number: int) -> None:
        for task in self._jobs:
            self._ray.cancel(task)  # as Ctrl-C does, so that what is trained is saved first

    def news(self) -> Iterator[str]:
        return iter(())

    def close(self) -> None:
        self._ray.shutdown()

    def _ending(self, task: Any) -> Ending:
        try:
            return self._ray.get(task)
        except self._ray.exceptions.TaskCancelledError:
            return Ending(128 + signal.SIGINT, "stopped")
        except self._ray.exceptions.RayError as error:
            told = " ".join(str(error).split())
            return Ending(FAILED, f"Ray gave it up after {self._settings.retries} more tries: {told[:200]}")


def _knock(address: str | None) -> None:
    """Find out at once that nobody answers at a host and port, which Ray takes minutes for.

    Raises:
        OSError: Nobody does.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()
