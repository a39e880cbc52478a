"""The files of a run, and where they are."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from plastic_rl.errors import UserError
from plastic_rl.runs.checkpoints import Checkpoints
from plastic_rl.runs.lock import FolderLock
from plastic_rl.runs.record import read_record

Status = Literal["new", "interrupted", "failed", "finished"]

DIGEST_LENGTH = 10
LOGS = (  # Stable-Baselines3's own, with a suffix where a run went on.
    "tensorboard",
    "events.out.tfevents.*",
    "progress.csv",
    "progress-from-*.csv",
    "progress.json",
    "progress-from-*.json",
    "log.txt",
    "log-from-*.txt",
)
WRITTEN = (  # The record goes first: a folder emptied half-way then counts as new.
    "run.json",
    "metrics.jsonl",
    "tasks.jsonl",
    "learning_curve.png",
    "before_and_after.gif",
    "config.yaml",
    "model.zip",
    "best_model.zip",
    "vecnormalize.pkl",
    "weights.pt",
    "observations.npz",
    "replay",
    "wandb",
    "standing.json",
    *LOGS,
)


def settings_digest(settings: Mapping[str, object]) -> str:
    """A short name for a set of settings, the same in every process and for every order of the keys.

    Args:
        settings: Nested mappings and sequences of strings, numbers, booleans and None.

    Returns:
        Ten hexadecimal digits.

    Raises:
        TypeError: A value is of another type, or keys of one mapping cannot be ordered.
    """
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), default=_refuse)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def _refuse(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(
        f"settings hold a {type(value).__name__}, {value!r}; they may hold strings, numbers, booleans, None, "
        "and mappings and lists of them"
    )


class RunFolder:
    """The folder of one run: a function of its settings and seed, and all that it needs to go on.

    `prepare` makes it and locks it; the lock lasts until `release`, or until the object or the process is gone.

    Args:
        path: Where the run lives.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.checkpoints = Checkpoints(self.path / "checkpoints")
        self._lock: FolderLock | None = None

    @property
    def config_file(self) -> Path:
        """The resolved settings."""
        return self.path / "config.yaml"

    @property
    def metrics_file(self) -> Path:
        """One JSON object a line, each with its `global_step`."""
        return self.path / "metrics.jsonl"

    @property
    def record_file(self) -> Path:
        """Status, versions, machine and times."""
        return self.path / "run.json"

    @property
    def replay_folder(self) -> Path:
        """The transitions that an off-policy agent remembers, beside the checkpoints that count them."""
        return self.path / "replay"

    @property
    def tasks_file(self) -> Path:
        """The tasks that the run has met, to be gone through again."""
        return self.path / "tasks.jsonl"

    @property
    def model_file(self) -> Path:
        """The trained model, as its own library saves it."""
        return self.path / "model.zip"

    @property
    def best_model_file(self) -> Path:
        """The model that did best in the present task, where the run evaluates."""
        return self.path / "best_model.zip"

    @property
    def normalization_file(self) -> Path:
        """The running statistics of observations, as `VecNormalize.save` writes them; where there are any."""
        return self.path / "vecnormalize.pkl"

    @property
    def weights_file(self) -> Path:
        """The state of a trained network for each seed, as torch saves it."""
        return self.path / "weights.pt"

    @property
    def observations_file(self) -> Path:
        """Observations that the model learned from last, for the doctor."""
        return self.path / "observations.npz"

    @property
    def picture_file(self) -> Path:
        """Return, accuracy or error over the life of the run."""
        return self.path / "learning_curve.png"

    @property
    def film_file(self) -> Path:
        """The policy before a change of its world and after it, where somebody has filmed it (`plastic-rl watch`)."""
        return self.path / "before_and_after.gif"

    @property
    def standing_file(self) -> Path:
        """The standing of a run that another process watches."""
        return self.path / "standing.json"

    @property
    def console_file(self) -> Path:
        """The words of a run that has no terminal; each process that works on it adds its own."""
        return self.path / "console.txt"

    @property
    def lock_file(self) -> Path:
        """Names the process that runs, and marks the folder as a run's."""
        return self.path / "run.lock"

    @property
    def status(self) -> Status:
        """The standing of the run when no process is working on it; one that was killed counts as interrupted."""
        if not self.record_file.exists():
            return "new"
        status = read_record(self.record_file).get("status")
        return status if status in ("failed", "finished") else "interrupted"

    def lacks(self, file: Path) -> bool:
        """True if a file that a run leaves is missing, or empty.

        Args:
            file: One of this folder.
        """
        return not file.is_file() or file.stat().st_size == 0

    @property
    def is_prepared(self) -> bool:
        """True from `prepare` to `release`."""
        return self._lock is not None

    def prepare(self, fresh: bool) -> None:
        """Make the folder where it is missing, and lock it for this process.

        Args:
            fresh: Remove what an earlier run left here; files that no run writes stay.

        Raises:
            UserError: The folder cannot be made or written, holds what some other program wrote, or another process is
                running it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._refuse_foreign()
            self._lock = self._lock or FolderLock(self.lock_file)
            if fresh:
                self._remove_written()
        except OSError as error:
            raise UserError(
                f"Cannot write the run folder {self.path}: {error.strerror or error}. "
                "Give a folder on a disk with space that you may write to, with out=<folder>."
            ) from error

    def release(self) -> None:
        """Let another process run this folder; does nothing where it was not prepared."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _refuse_foreign(self) -> None:
        found = [path for pattern in ("checkpoints", *WRITTEN) for path in self.path.glob(pattern)]
        if found and not self.record_file.exists() and not self.lock_file.exists():
            raise UserError(
                f"{self.path} holds {found[0].name} but no run.json: it is not the folder of a run. "
                "Choose another folder with out=<folder>."
            )

    def remove_replay(self) -> None:
        """Remove the transitions that an agent remembered: once its run is over, nobody learns from them any more."""
        self._remove([self.replay_folder.name])

    def clear_logs(self) -> None:
        """Remove what Stable-Baselines3 logged of a run that did not get as far as a checkpoint."""
        self._remove(LOGS)

    def _remove_written(self) -> None:
        self.checkpoints.clear()
        self._remove(WRITTEN)

    def _remove(self, patterns: Sequence[str]) -> None:
        for path in [path for pattern in patterns for path in self.path.glob(pattern)]:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
