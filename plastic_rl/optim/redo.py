"""Recycling dormant neurons: units that hardly answer are replaced, every so many updates.

Sokar, Agarwal, Castro, Evci, "The dormant neuron phenomenon in deep reinforcement learning", ICML 2023 (arXiv
2302.12902), Definition 3.1 and Algorithm 1 ("ReDo").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.choices import Activity
from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.activity import ActivityRecorder
from plastic_rl.optim.idle_replacer import IdleReplacer
from plastic_rl.optim.observed_layer import ObservedLayer
from plastic_rl.optim.stacked.hearing import VectorizedHearing
from plastic_rl.validation import non_negative, one_of

HeardLayer = ObservedLayer[ActivityRecorder]


def heard_activity(watched: HeardLayer) -> Float[Tensor, " units"] | None:
    """E|h_i| over samples, places and readers, up to a factor that all units of a layer share; None where none ran."""
    heard = [(each.port, each.magnitude) for each in watched.recorders if each.magnitude is not None]
    return torch.stack([port.per_unit(magnitude) for port, magnitude in heard]).sum(0) if heard else None


class ReDo(IdleReplacer[HeardLayer]):
    """Replaces, every ``every`` updates, the units whose mean magnitude is at most τ times the mean of their layer.

    The score s_i = E|h_i| / mean_k E|h_k| (Sokar et al. 2023, Eq. 1) is that of the minibatch of the update: h is what
    the units' readers take in, averaged over samples and the places of a convolution. Incoming weights are drawn
    afresh, outgoing weights are zero. A layer without any activity is dormant as a whole, and replaced as a whole.

    Args:
        optimizer: what moves the parameters. torch's Adam and AdamW are given a clock for single units.
        layers: the groups of units; the output layer is none.
        threshold: τ; 0 replaces units that never answer alone.
        every: updates between two looks; 0 never looks, and leaves the optimiser bit for bit alone.
        activity: of which the score is made (:class:`plastic_rl.choices.Activity`).
        forget_optimizer_state: forget the moments of replaced units.
        initialiser: fills newborn units' weights; None resembles the layer's weights at construction.
        audit_size: how many of the latest replacements :meth:`replacements` can tell of; 0 keeps none.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a hyper-parameter out of its range, no layers, or layers that the optimiser does not train.
    """

    label = "ReDo"
    prefix = "redo"
    vectorized = VectorizedHearing

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Iterable[HiddenLayer] = (),
        *,
        threshold: float = 0.025,
        every: int = 1000,
        activity: str = "magnitude",
        forget_optimizer_state: bool = True,
        initialiser: Callable[..., Any] | None = None,
        audit_size: int = 0,
        seed: int | None = None,
    ) -> None:
        self.threshold = non_negative("threshold", threshold)
        self.measure = one_of("activity", Activity, activity)
        super().__init__(
            optimizer,
            layers,
            every=every,
            initialiser=initialiser,
            forget_optimizer_state=forget_optimizer_state,
            audit_size=audit_size,
            seed=seed,
        )

    def watching(self) -> list[HeardLayer]:
        return [ObservedLayer(layer, self._recorders(layer), self.initialiser) for layer in self.layers]

    def _recorders(self, layer: HiddenLayer) -> list[ActivityRecorder]:
        deviates = self.measure is Activity.deviation
        return [ActivityRecorder(port, deviates=deviates) for port in layer.read_by]

    def activity(self, watched: HeardLayer) -> Float[Tensor, " units"] | None:
        return heard_activity(watched)
