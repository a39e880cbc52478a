"""Learners of streams: one network, or independent copies of one with a seed each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.choices import Precision, Renewal
from plastic_rl.optim import Plasticity
from plastic_rl.streams.draws import seed_for
from plastic_rl.streams.stream import Plan
from plastic_rl.streams.task import Task


@dataclass(frozen=True)
class Blueprint:
    """The recipe of a learner.

    Args:
        network: makes a network, drawing its weights from torch's global generator.
        optimizer: makes the optimiser of some parameters.
        plasticity: wraps it, with the learner's seed where it takes one; None leaves it plain.
        renewal: what is drawn afresh when a new task begins.
        precision: in which numbers the network computes.
        compiles: compile the network with `torch.compile`; on CUDA with graphs.
    """

    network: Callable[[], nn.Module]
    optimizer: Callable[[Iterable[Tensor]], Optimizer]
    plasticity: Plasticity | None = None
    renewal: Renewal = Renewal.nothing
    precision: Precision = Precision.float32
    compiles: bool = False

    def draw_network(self, seed: int, *purpose: object) -> nn.Module:
        """A fresh network whose weights are a function of a seed, on the CPU; global generators stay as they are."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(seed, "network", *purpose))
            return self.network()


class Learner(ABC):
    """Learns from minibatches; everything has a first axis of seeds, of length 1 where there is one network.

    Attributes:
        seeds: the seed of each network.
    """

    seeds: Sequence[int]

    @property
    @abstractmethod
    def networks(self) -> Sequence[nn.Module]:
        """The network of each seed."""

    @property
    def optimizers(self) -> Sequence[Optimizer]:
        """The optimisers of the first seed, with their methods; those of other seeds are alike."""
        return ()

    @abstractmethod
    def begin(self, task: Task, plan: Plan) -> None:
        """Prepares for a new task: what the plan and the learner itself want to forget, is forgotten."""

    @abstractmethod
    def set_learning_rate_factor(self, factor: float) -> None:
        """Multiplies the learning rate that the learner was made with."""

    @abstractmethod
    def update(
        self, inputs: Float[Tensor, "seeds batch *shape"], targets: Shaped[Tensor, "seeds batch *out"], task: Task
    ) -> Float[Tensor, "seeds batch out"]:
        """Learns from one minibatch, and returns what the networks said of it before they did.

        Args:
            inputs: what the networks see.
            targets: class numbers counted from the task's first output, or numbers.
            task: says which outputs count.
        """

    @abstractmethod
    def predict(self, inputs: Float[Tensor, "seeds n *shape"], task: Task) -> Float[Tensor, "seeds n out"]:
        """The outputs of the networks now, in evaluation mode and without learning; any number of inputs."""

    @abstractmethod
    def diagnose(self, inputs: Float[Tensor, "seeds n *shape"]) -> list[dict[str, float]]:
        """For each seed the state of its hidden layers on these inputs (:func:`plastic_rl.diagnostics.report`)."""

    @abstractmethod
    def metrics(self) -> list[dict[str, int | float]]:
        """For each seed what its method counts."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything that is needed to go on exactly: tensors, numbers, strings, lists and dicts."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state."""

    def fresh_network(self, place: int, *purpose: object) -> nn.Module:
        """A network like that of a seed, whose weights are a function of the seed and a purpose; none is touched.

        Args:
            place: of the seed.
            purpose: tells fresh networks of a seed apart.

        Raises:
            TypeError: a network of this learner is not made from scratch by itself.
        """
        raise TypeError(f"{type(self).__name__} does not say how its networks are made, so that none can be probed")

    def is_healthy(self) -> bool:
        """True if all weights are finite numbers."""
        return all(bool(torch.isfinite(each).all()) for network in self.networks for each in network.parameters())


def head(network: nn.Module) -> nn.Linear:
    """The last linear layer of a network: its outputs.

    Raises:
        ValueError: there is none.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if not layers:
        raise ValueError(f"{type(network).__name__} has no linear layer to be its head")
    return layers[-1]


@torch.no_grad()
def zero(layer: nn.Linear) -> None:
    """Sets weights and biases to zero, as the paper does with the head at each task of Continual ImageNet.

    Those that an injection keeps beside them (:class:`plastic_rl.optim.PlasticityInjection`) too.
    """
    for tensor in (*layer.parameters(), *layer.buffers()):
        tensor.zero_()


def take_over(module: nn.Module, fresh: nn.Module) -> None:
    """Copies all weights and buffers of a module of the same kind, into the tensors that are in use."""
    module.load_state_dict(fresh.state_dict())
