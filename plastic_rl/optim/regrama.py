"""Resetting by gradients: units of which the loss asks hardly anything are replaced, every so many updates.

Liu, Wu, Obando-Ceron, Castro, Courville, Pan, "Measure gradients, not activations! Enhancing neuronal activity in deep
reinforcement learning", NeurIPS 2025 (arXiv 2505.24061), Equation 2 and Algorithm 1 ("ReGraMa").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.choices import GradientOf
from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.gradient import GradientRecorder, incoming_gradient, is_reached
from plastic_rl.optim.idle_replacer import IdleReplacer
from plastic_rl.optim.observed_layer import ObservedLayer
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import non_negative, one_of

AskedLayer = ObservedLayer[GradientRecorder]


def gradient_at_readers(watched: AskedLayer) -> Float[Tensor, " units"] | None:
    """E|∂L/∂h_i| over samples, places and readers, up to a factor that all units of a layer share.

    None where none of the readers has run.

    Raises:
        RuntimeError: they have run, and no gradient came back to what they took in.
    """
    heard = [(each.port, each.magnitude) for each in watched.recorders if each.magnitude is not None]
    if not heard and any(recorder.has_run for recorder in watched.recorders):
        names = ", ".join(f"`{recorder.port.name}`" for recorder in watched.recorders)
        raise RuntimeError(
            f"no gradient came back to the units of `{watched.layer.name}` from what reads them ({names}): it is cut "
            "off from the loss, or takes them in detached. Use gradient_of='weights'"
        )
    return torch.stack([port.per_unit(magnitude) for port, magnitude in heard]).sum(0) if heard else None


class ReGraMa(IdleReplacer[AskedLayer]):
    """Replaces, every ``every`` updates, the units whose mean gradient is at most τ times the mean of their layer.

    The score is G_i = E|∇_i L| / mean_k E|∇_k L| (Liu et al. 2025, Eq. 2) of the gradients that the update was made of.
    ∇_i is taken at the unit's incoming weights, as in the authors' code, or at its activation, as in the equation. A
    ReLU that never answers has no gradient at its weights, and keeps one at its activation: only by its weights it is
    found. Incoming weights are drawn afresh, outgoing weights are zero. A layer without any gradient is replaced as a
    whole, unless what reads it has none either: then the loss does not reach it.

    Args:
        optimizer: what moves the parameters. torch's Adam and AdamW are given a clock for single units.
        layers: the groups of units; the output layer is none.
        threshold: τ; 0 replaces units without any gradient alone.
        every: updates between two looks; 0 never looks, and leaves the optimiser bit for bit alone.
        gradient_of: what the loss is differentiated by (:class:`plastic_rl.choices.GradientOf`).
        forget_optimizer_state: forget the moments of replaced units.
        initialiser: fills newborn units' weights; None resembles the layer's weights at construction.
        audit_size: how many of the latest replacements :meth:`replacements` can tell of; 0 keeps none.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a hyper-parameter out of its range, no layers, or layers that the optimiser does not train.
    """

    label = "ReGraMa"
    prefix = "regrama"

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Iterable[HiddenLayer] = (),
        *,
        threshold: float = 0.01,
        every: int = 1000,
        gradient_of: str = "weights",
        forget_optimizer_state: bool = True,
        initialiser: Callable[..., Any] | None = None,
        audit_size: int = 0,
        seed: int | None = None,
    ) -> None:
        self.threshold = non_negative("threshold", threshold)
        self.gradient_of = one_of("gradient_of", GradientOf, gradient_of)
        super().__init__(
            optimizer,
            layers,
            every=every,
            initialiser=initialiser,
            forget_optimizer_state=forget_optimizer_state,
            audit_size=audit_size,
            seed=seed,
        )
        # Hooks on tensors do not fire inside torch.vmap.
        self.vectorized = SeedBySeed if self.gradient_of is GradientOf.weights else None

    def watching(self) -> list[AskedLayer]:
        return [ObservedLayer(layer, self._recorders(layer), self.initialiser) for layer in self.layers]

    def _recorders(self, layer: HiddenLayer) -> list[GradientRecorder]:
        hears = self.gradient_of is GradientOf.activations
        return [GradientRecorder(port) for port in layer.read_by] if hears else []

    def after_zero_grad(self) -> None:
        """Forgets what earlier backward passes brought, as the gradients of weights do."""
        for watched in self.watched:
            watched.clear()

    def activity(self, watched: AskedLayer) -> Float[Tensor, " units"] | None:
        of_weights = self.gradient_of is GradientOf.weights
        gradient = incoming_gradient(watched.layer) if of_weights else gradient_at_readers(watched)
        reached = is_reached(watched.layer)
        return gradient if gradient is None or reached is None else torch.where(reached, gradient, torch.nan)

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        if self.every == 1:
            yield (
                "every is 1: a newborn unit, which nobody reads yet, has no gradient at the next look, so that it is "
                "replaced again and again. Raise every."
            )
        yield from super().concerns(updates)
