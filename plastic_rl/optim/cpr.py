"""Calibrated partial resets: units are drawn back towards newborn ones, the further the less the loss asks of them.

McCutcheon, Chatzaroulas, Fallah, "Calibrated partial resets: preventing policy collapse in continual reinforcement
learning", RLC 2026 workshop (arXiv 2607.24996), Algorithm 1 ("CPR").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.optim.gradient import incoming_gradient
from plastic_rl.optim.joint_units import JoinsUnits, JointUnits
from plastic_rl.optim.observed_layer import ObservedLayer
from plastic_rl.optim.periodic_replacer import PeriodicReplacer
from plastic_rl.optim.recorder import Recorder
from plastic_rl.optim.replacement import pull_units
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import fraction, non_negative

# The mean of relative gradients, at which utilities start, and start anew after each reset.
AVERAGE = 1.0


def share_of_reset(
    utility: Float[Tensor, " units"], rate: float, sharpness: float, threshold: float
) -> Float[Tensor, " units"]:
    """The share p = ρ min(1, 2 σ(-k (u - θ))): ρ up to the threshold, and less beyond it, the faster the sharper."""
    return rate * (2 * torch.sigmoid(-sharpness * (utility - threshold))).clamp(max=1.0)


def latest_utility(
    gradients: Sequence[Float[Tensor, " _"] | None],
    utility: Float[Tensor, " units"],
    joint: JointUnits[CalibratedLayer],
) -> Float[Tensor, " units"]:
    """Each unit's gradient over the mean of its layer, for the units of several layers at once.

    It is 0 throughout a layer of zero gradients. Of layers without gradients, or with some that are infinite or not
    numbers, it is the utility that units have.
    """
    known = [
        utility.new_full((size,), torch.nan) if each is None else each
        for each, size in zip(gradients, joint.sizes, strict=True)
    ]
    means = torch.stack([each.mean() for each in known])[joint.owner]
    relative = torch.cat(known) / means.clamp(min=torch.finfo(means.dtype).tiny)
    return torch.where(means.isfinite(), relative, utility).to(utility.dtype)


class CalibratedLayer(ObservedLayer[Recorder]):
    """The utility of each unit of a layer, and how much of its units was reset so far.

    Args:
        layer: the group of units.
        initialiser: how fresh weights are drawn; None resembles each producer's weights as they are now.
    """

    def __init__(self, layer: HiddenLayer, initialiser: Callable[..., Any] | None) -> None:
        super().__init__(layer, [], initialiser)
        weight = layer.produced_by[0].weight
        self.utility: Float[Tensor, " units"] = torch.full((layer.units,), AVERAGE, device=weight.device)
        self.reset = torch.zeros((), device=weight.device)

    def tensors(self) -> list[Tensor]:
        """The state that changes from update to update."""
        return [self.utility]

    def hold(self, tensors: Iterator[Tensor]) -> None:
        """Keeps its state in other tensors from now on, taken in the order of :meth:`tensors`."""
        (self.utility,) = tensors

    def begin(self, step: int) -> None:
        super().begin(step)
        self.utility.fill_(AVERAGE)

    def move(self, device: torch.device, dtype: torch.dtype) -> None:
        super().move(device, dtype)
        self.utility, self.reset = self.utility.to(device), self.reset.to(device)

    def take_over(self, other: ObservedLayer[Recorder]) -> None:
        assert isinstance(other, CalibratedLayer)
        super().take_over(other)
        self.utility.copy_(other.utility)
        self.reset.copy_(other.reset)

    def resize(self, resizing: Resizing, step: int) -> None:
        super().resize(resizing, step)
        if resizing.concerns(self.layer):
            self.utility = resizing.units.of(self.utility, AVERAGE)

    def state_dict(self) -> dict[str, Any]:
        # A copy: a view would be saved with all that it is a view of.
        return {**super().state_dict(), "utility": self.utility.clone(), "reset": self.reset}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.utility.copy_(state["utility"])
        self.reset.copy_(state["reset"])


class CalibratedPartialResets(JoinsUnits[CalibratedLayer], PeriodicReplacer[CalibratedLayer]):
    """Resets every unit in part, every ``every`` updates and after the step, by a share that its utility sets.

    The utility is a running average of the mean magnitude of the gradient at a unit's incoming weights, over the mean
    of its layer: u ← η u + (1 - η) g_i / mean_k g_k. The share p = ρ min(1, 2 σ(-k (u - θ))) draws the incoming weights
    to fresh ones, w_in ← (1 - p) w_in + p fresh, and the outgoing ones to zero, w_out ← (1 - p) w_out. No unit is too
    young for it; biases, norms and the optimiser's state stay; utilities start anew at 1. No unit is ever newborn, so
    that nobody is told of replacements.

    Args:
        optimizer: what moves the parameters.
        layers: the groups of units; the output layer is none.
        replacement_rate: ρ, the largest share of a unit that is reset at once; 0 resets nothing.
        every: updates between two resets; 0 never resets, and leaves the optimiser bit for bit alone.
        sharpness: k, how fast the share falls beyond the threshold.
        threshold: θ, the utility up to which a unit is reset by the whole of ρ; the mean of a layer is 1.
        decay_rate: η of the utility, an update.
        initialiser: how fresh weights are drawn; None resembles the layer's weights at construction.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a hyper-parameter out of its range, no layers, or layers that the optimiser does not train.
    """

    label = "calibrated partial resets"
    prefix = "cpr"
    vectorized = SeedBySeed

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Iterable[HiddenLayer] = (),
        *,
        replacement_rate: float = 0.015,
        every: int = 1000,
        sharpness: float = 16.0,
        threshold: float = 1.0,
        decay_rate: float = 0.99,
        initialiser: Callable[..., Any] | None = None,
        seed: int | None = None,
    ) -> None:
        self.replacement_rate = fraction("replacement_rate", replacement_rate)
        self.sharpness, self.threshold = non_negative("sharpness", sharpness), non_negative("threshold", threshold)
        self.decay_rate = fraction("decay_rate", decay_rate)
        super().__init__(
            optimizer, layers, every=every, initialiser=initialiser, forget_optimizer_state=False, seed=seed
        )

    def watching(self) -> list[CalibratedLayer]:
        return [CalibratedLayer(layer, self.initialiser) for layer in self.layers]

    @property
    def is_off(self) -> bool:
        return super().is_off or not self.replacement_rate

    def observe(self) -> None:
        """Takes the gradients of this update into the utilities, of all layers at once."""
        for joint in () if self.is_off else self.joint:
            gradients = [incoming_gradient(watched.layer) for watched in joint.layers]
            (utility,) = joint.tensors
            utility.lerp_(latest_utility(gradients, utility, joint), 1 - self.decay_rate)

    def look(self, step: int, active: list[CalibratedLayer]) -> None:
        """Resets all units of the layers that train by their shares, layer by layer."""
        self.network_watch.check([watched.layer for watched in active])
        for watched in active:
            share = share_of_reset(watched.utility, self.replacement_rate, self.sharpness, self.threshold)
            source = self.draw_generator(watched.layer, step, watched.birth.device)
            pull_units(watched.layer, share, watched.initialisers(), source)
            watched.reset.add_(share.sum())
            watched.utility.fill_(AVERAGE)

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        if not self.replacement_rate:
            yield "replacement_rate is 0: no unit is ever reset."
        yield from super().concerns(updates)

    def metrics(self) -> dict[str, int | float]:
        """The sum of all shares so far, in units, and the lowest utility now; in all and by layer."""
        numbers: dict[str, int | float] = {"cpr/reset": 0.0}
        for watched in self.watched:
            amount = watched.reset.item()
            numbers["cpr/reset"] += amount
            numbers[f"cpr/reset/{watched.layer.name}"] = amount
            numbers[f"cpr/utility_min/{watched.layer.name}"] = watched.utility.min().item()
        return {**super().metrics(), **numbers}
