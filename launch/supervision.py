"""A run in which a learner is shown the examples of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.recipe import SupervisedAgent
from envs.recipe import SupervisedStream
from launch.settings import Settings, as_mapping, experiment, identity
from plastic_rl.errors import UserError
from plastic_rl.runs import RunFolder

if TYPE_CHECKING:
    from plastic_rl.learners import Learner
    from plastic_rl.streams import Stream
    from plastic_rl.training import CourseSummary


def train(settings: Settings, folder: RunFolder) -> str:
    """Train as the settings say, and return in words how it ended.

    Args:
        settings: Checked.
        folder: Prepared.
    """
    from plastic_rl.training import train_learner

    streams, learner = _build(settings)
    summary = train_learner(
        streams,
        learner,
        folder,
        track=settings.track,
        checkpoint_seconds=settings.checkpoint_seconds,
        settings=identity(settings),
        config=as_mapping(settings),
        name=f"{settings.agent_name} {settings.env_name} {_seeds(settings)}",
        group=experiment(settings),
        title=_title(settings),
        probe_every=settings.probe_every,
    )
    return _in_words(summary)


def draw(settings: Settings, folder: RunFolder) -> None:
    """Draw how each task of a run went.

    Args:
        settings: Of the run.
        folder: With its metrics.
    """
    from plastic_rl.pictures import draw_task_curve

    draw_task_curve(folder.metrics_file, folder.picture_file, _title(settings))


def _title(settings: Settings) -> str:
    return f"{settings.agent_name} on {settings.env_name}, {_seeds(settings)}"


def _seeds(settings: Settings) -> str:
    return f"s{settings.seed}" + (f"-{settings.seed + settings.seeds - 1}" if settings.seeds > 1 else "")


def _build(settings: Settings) -> tuple[list[Stream], Learner]:
    import torch

    from plastic_rl.runs import seed_everything

    assert isinstance(settings.agent, SupervisedAgent)
    assert isinstance(settings.env, SupervisedStream)
    torch.set_num_threads(settings.threads)
    seed_everything(settings.seed)
    device = _present(settings.device)
    try:
        seeds = range(settings.seed, settings.seed + settings.seeds)
        streams = [settings.env.build(seed=seed, device=device) for seed in seeds]
        return streams, settings.agent.build(streams, device=device)
    except ValueError as error:
        raise UserError(str(error)) from error


def _present(device: str) -> str:
    import torch

    return device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"


def _in_words(summary: CourseSummary) -> str:
    last = ", ".join(f"{name} {value:.3f}" for name, value in summary.last.items())
    return f"{summary.examples:,} examples, {summary.seconds:.0f} s, last task: {last}"
