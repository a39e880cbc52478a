"""The reasons why models cannot learn together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from plastic_rl.choices import Lean
from plastic_rl.optim import methods_in
from plastic_rl.sb3.lean import why_not
from plastic_rl.sb3.lean.between import form_of
from plastic_rl.sb3.tasks import tasks_of

# What all must have the same of, for one rollout and one update to do for all.
ALIKE = (
    *("n_envs", "n_steps", "batch_size", "n_epochs", "normalize_advantage", "ent_coef", "vf_coef", "max_grad_norm"),
    *("target_kl", "num_timesteps", "_total_timesteps"),
)


def why_apart(models: Sequence[Any]) -> str | None:
    """The first reason why models cannot act and learn together, in a few words; None where they can.

    Args:
        models: algorithms, set up.
    """
    return next(_reasons(models), None)


def _reasons(models: Sequence[Any]) -> Iterator[str]:
    if len(models) < 2:
        yield "there is one alone"
    for model in models:
        yield from _of_loop(model)
    yield from _of_differences(*models)


def why_alone(model: Any) -> str | None:
    """The first reason why a model cannot learn with others like it, in a few words; None where it can."""
    return next(_of_loop(model), None)


def _of_loop(model: Any) -> Iterator[str]:
    loop = getattr(model, "lean", None)
    if loop is None:
        yield f"they learn by {type(model).__name__}, not by plastic(PPO)"
    elif loop != Lean.exact:
        yield f"their loop is lean={loop}"
    elif (reason := why_not(model, getattr(model, "algorithm", type(model)))) is not None:
        yield reason
    elif tasks_of(model) is not None:
        yield "they remember tasks, and go to another policy within a rollout"
    elif any(method.resized_layers for method in methods_in(model.policy.optimizer)):
        yield "their layers change their sizes as they learn"


def _of_differences(first: Any, *others: Any) -> Iterator[str]:
    for name in ALIKE:
        if any(getattr(model, name) != getattr(first, name) for model in others):
            yield f"they differ in {name}"
    if any(_form(model.policy) != _form(first.policy) for model in others):
        yield "their networks differ"
    if any(_ranges(model) != _ranges(first) for model in others):
        yield "they differ in what they clip"


def _form(policy: Any) -> tuple[Any, ...]:
    """The shapes of all weights, and what follows them."""
    shapes = [(name, parameter.shape) for name, parameter in policy.named_parameters()]
    return shapes, [form_of(module) for module in policy.mlp_extractor.modules()]


def _ranges(model: Any) -> list[float | None]:
    progress = model._current_progress_remaining
    return [None if each is None else each(progress) for each in (model.clip_range, model.clip_range_vf)]
