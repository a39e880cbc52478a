"""The probe: can a network still learn? A copy of it and fresh ones are given the same new targets and updates.

The targets are a function that a further fresh network of the same make computes, of mean 0 and variance 1 on the
inputs. By default each network is to add it to what it says already, so that large outputs, which take long to be
unlearned, do not pass for a loss of plasticity: all begin with an error of 1, and an error is the share of the targets
that is not learned yet. The gap is the error of the copy less that of a fresh network after the same minibatches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from plastic_rl.evaluation import Estimate, estimate

Outputs = Float[Tensor, "samples outputs"]

LEAST_GAP = 0.01  # of the targets' variance

TINY = 1e-12

Answer = Callable[[Any, Int[Tensor, " samples"]], Outputs]
"""The outputs of a network for some of the inputs, by their places; differentiable."""


@dataclass(frozen=True)
class ProbeSettings:
    """The settings of a probe.

    Args:
        repeats: pairs of a copy and a fresh network, each with targets of its own; 2 or more, for an interval.
        updates: steps of Adam of each network.
        batch_size: inputs of each step.
        learning_rate: of Adam, whose memory begins empty for both.
        adds: the targets are added to what a network says; else they stand in its place.
        samples: inputs at most.
        seed: of targets, fresh networks and minibatches.

    Raises:
        ValueError: a number is too small.
    """

    repeats: int = 8
    updates: int = 300
    batch_size: int = 128
    learning_rate: float = 1e-3
    adds: bool = True
    samples: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("repeats", 2), ("updates", 1), ("batch_size", 1), ("samples", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} of a probe must be {least} or more, got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate of a probe must be above 0, got {self.learning_rate}")


@dataclass(frozen=True)
class ProbeResult:
    """The errors after a probe, and their gap.

    Args:
        aged: the error of the copy, for each repeat; the copy is the same, targets and minibatches are not.
        fresh: that of a fresh network with the same targets and minibatches.
    """

    aged: list[float]
    fresh: list[float]

    @property
    def gap(self) -> Estimate:
        """The interquartile mean of the pairs' differences, and its 95 % interval."""
        return estimate([ours - theirs for ours, theirs in zip(self.aged, self.fresh, strict=True)])

    @property
    def is_lost(self) -> bool:
        """True if the interval lies above a hundredth of the targets: less may be sure, and matters little."""
        return self.gap.low > LEAST_GAP

    @property
    def ratio(self) -> float:
        """The geometric mean over pairs of the copy's error over the fresh one's: 1 where both learn alike."""
        pairs = zip(self.aged, self.fresh, strict=True)
        logs = [math.log(max(ours, TINY) / max(theirs, TINY)) for ours, theirs in pairs]
        return math.exp(sum(logs) / len(logs))

    def numbers(self, label: str = "") -> dict[str, float]:
        """The result under the names of metrics.

        Args:
            label: what was probed: "actor", "critic"; empty for a network.
        """
        end = f"/{label}" if label else ""
        gap = self.gap
        means = {"aged": sum(self.aged) / len(self.aged), "fresh": sum(self.fresh) / len(self.fresh)}
        named = {**means, "gap": gap.value, "gap_low": gap.low, "gap_high": gap.high, "ratio": self.ratio}
        return {f"probe/{name}{end}": value for name, value in named.items()}


def probe(
    aged: nn.Module, fresh: Sequence[nn.Module], answer: Answer, count: int, settings: ProbeSettings
) -> ProbeResult:
    """Trains copies of a network, and fresh ones, on the same new targets.

    Args:
        aged: a copy of the network in question, which is spoilt; no method watches it.
        fresh: freshly initialised ones of the same make, one for each repeat; spoilt too.
        answer: what one of them says of some of the inputs.
        count: of inputs.
        settings: of the probe.

    Raises:
        ValueError: there are not as many fresh networks as repeats.
    """
    if len(fresh) != settings.repeats:
        raise ValueError(f"a probe of {settings.repeats} repeats needs as many fresh networks, got {len(fresh)}")
    everything = torch.arange(count)
    for network in (aged, *fresh):
        network.eval()  # nothing is drawn, and no statistics are kept
    with torch.no_grad():
        functions = [_standardised(answer(network, everything)) for network in fresh]
        state = {name: value.clone() for name, value in aged.state_dict().items()}
    errors: list[tuple[float, float]] = []
    for repeat, network in enumerate(fresh):
        aged.load_state_dict(state)
        targets = functions[repeat - 1]  # what this network computes itself would be too easy
        pair = [learned(each, answer, targets, settings, settings.seed + repeat) for each in (aged, network)]
        errors.append((pair[0], pair[1]))
    return ProbeResult(*map(list, zip(*errors, strict=True)))


def learned(network: nn.Module, answer: Answer, targets: Outputs, settings: ProbeSettings, seed: int) -> float:
    """The mean squared error that is left once a network has learned targets, on all of its inputs.

    Args:
        network: which learns.
        answer: what it says of some of the inputs.
        targets: a row for each input.
        settings: of the probe.
        seed: of the minibatches.
    """
    everything, order = torch.arange(len(targets)), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam([each for each in network.parameters() if each.requires_grad], settings.learning_rate)
    with torch.no_grad():
        wanted = targets + answer(network, everything) if settings.adds else targets
    with torch.enable_grad():
        for _ in range(settings.updates):
            rows = torch.randint(len(targets), (min(settings.batch_size, len(targets)),), generator=order)
            optimizer.zero_grad()
            (answer(network, rows) - wanted[rows]).square().mean().backward()
            optimizer.step()
    with torch.no_grad():
        return (answer(network, everything) - wanted).square().mean().item()


def _standardised(outputs: Outputs) -> Outputs:
    """Each column with mean 0 and variance 1; a constant one is nothing but 0."""
    centred = outputs - outputs.mean(0)
    return centred / centred.square().mean(0).sqrt().clamp(min=torch.finfo(outputs.dtype).tiny ** 0.5)
