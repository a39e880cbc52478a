"""Proximal feature optimisation: pre-activations stay near those of the policy that gathered the rollout.

Moalla, Miele, Pyatko, Pascanu, Gulcehre, "No representation, no trust: connecting representation, collapse, and trust
issues in PPO", NeurIPS 2024 (arXiv 2405.00662).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.optim.features import Features, OutputEar, Term, Window, of_units, output_ports
from plastic_rl.optim.reference import Reference, ReferencedTerm
from plastic_rl.validation import whole_number


def pull_back(
    now: Float[Tensor, "..."], before: Float[Tensor, "..."], strength: float, count: int
) -> Float[Tensor, "..."]:
    """2 c (z - z_old) / (n d), the gradient of c · mean (z - z_old)² over n samples and d units."""
    return (now - before) * (2 * strength / count)


def chains(layers: Sequence[HiddenLayer]) -> list[list[HiddenLayer]]:
    """The hidden layers that feed each other, together: a policy's and a value's where they share none."""
    found: list[list[HiddenLayer]] = []
    for layer in layers:
        linked = [chain for chain in found if any(_are_linked(layer, other) for other in chain)]
        found = [chain for chain in found if chain not in linked]
        found.append([*(member for chain in linked for member in chain), layer])
    return found


def _are_linked(one: HiddenLayer, other: HiddenLayer) -> bool:
    made = [{port.layer for port in each.produced_by} for each in (one, other)]
    read = [{port.layer for port in each.read_by} for each in (one, other)]
    return bool(made[0] & (read[1] | made[1]) or made[1] & read[0])


class PreActivations(Features):
    """The pre-activations of one hidden layer, drawn back to what older weights make of the same inputs.

    Args:
        layer: the hidden layer.
        window: when backward passes count.
        strength: c.
        reference: the older weights.
        beside: the ports that the mean is over, those of the layer included.
    """

    ear = OutputEar

    def __init__(
        self, layer: HiddenLayer, window: Window, strength: float, reference: Reference, beside: Sequence[Port]
    ) -> None:
        self.strength, self.reference, self.beside = strength, reference, beside
        super().__init__(layer, layer.produced_by, window)

    def term(self, port: Port, heard: Float[Tensor, "..."]) -> Term:
        inputs = self.reference.gate.inputs

        def gradient() -> Tensor:
            old = self.reference.values(inputs)
            pulled = pull_back(heard, old[port].to(heard), self.strength, self._count(old))
            return of_units(port, pulled)

        return gradient

    def _count(self, old: Mapping[Port, Tensor]) -> int:
        """The number of values that the mean is over: n samples of d units, at all the ports."""
        per_unit = [(port, old[port].numel() // old[port].shape[port.axis]) for port in self.beside if port in old]
        return sum(each * port.index.numel() for port, each in per_unit)


class ProximalFeatures(ReferencedTerm):
    """Adds c · mean (z - z_old)² to the loss, z being pre-activations and z_old what older weights make of the inputs.

    The older weights are those at which the updates on a rollout begin (``begin_rollout``; under Stable-Baselines3
    :class:`plastic_rl.sb3.RolloutClock` tells). As long as nobody tells of rollouts, they are those of every so many
    updates.

    Args:
        optimizer: what moves the parameters.
        layers: hidden layers of the network, which know it.
        strength: c; 0 leaves the optimiser bit for bit alone.
        every_layer: draw back all hidden layers, and not only those that an output layer reads.
        copy_every: updates between two copies of the weights, as long as nobody tells of rollouts.

    Raises:
        ValueError: for a setting out of its range, layers of no network that is known, or a network that cannot be run
            again on an update's inputs.
    """

    follows_resizing = True

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        strength: float = 1.0,
        every_layer: bool = False,
        copy_every: int = 160,
    ) -> None:
        self.every_layer, self.copy_every = every_layer, whole_number("copy_every", copy_every)
        super().__init__(optimizer, layers, strength=strength)
        self.memory.update(step=0, rollouts=0)

    def heard(self, layers: Sequence[HiddenLayer]) -> list[Features]:
        last = list(output_ports(layers))
        groups = chains(layers) if self.every_layer else [[layer] for layer in last]
        return [
            PreActivations(layer, self.window, self.strength, self.reference, ports_of(group))
            for group in groups
            for layer in group
        ]

    def take_over(self) -> None:
        """Takes the present weights for the older ones from now on."""
        weights = [each.detach() for each in self.reference.network.parameters()]
        torch._foreach_copy_(self.memory["weights"], weights)  # pyright: ignore[reportPrivateImportUsage]

    def after_zero_grad(self) -> None:
        super().after_zero_grad()
        if self.strength and not (self.memory["step"] or self.memory["rollouts"]):
            self.take_over()  # the weights of the first update, whatever was loaded since construction

    def at_rollout(self) -> None:
        self.memory["rollouts"] += 1
        if self.strength:
            self.take_over()

    def after_step(self) -> None:
        self.memory["step"] += 1
        is_told = self.memory["rollouts"] > 0
        if self.strength and not is_told and self.copy_every and self.memory["step"] % self.copy_every == 0:
            self.take_over()

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        if not self.copy_every and not self.memory["rollouts"]:
            yield (
                "copy_every is 0, and nobody has told of a rollout yet: unless somebody does (RolloutClock), units are "
                "drawn back to where they began."
            )
        yield from super().concerns(updates)


def ports_of(layers: Sequence[HiddenLayer]) -> list[Port]:
    """The ports where layers are produced.

    Raises:
        ValueError: a layer is none whose output is one tensor of pre-activations.
    """
    ports = [port for layer in layers for port in layer.produced_by]
    others = [port.name for port in ports if not isinstance(port.layer, nn.Linear | _ConvNd)]
    if others:
        raise ValueError(
            f"pre-activations are the outputs of linear and convolutional layers; {others} are none: leave them out "
            f"(hidden_layers(…, ignore={others}))"
        )
    return ports
