"""The five training steps of which the overhead is measured: networks, losses and settings of the published runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer


@dataclass(frozen=True)
class Workload:
    """A training step, and the settings of continual backprop that go with it.

    Args:
        name: what the table calls it.
        network: builds the network.
        batch: builds what the network is called with.
        loss: of the network's outputs.
        optimizer: builds the optimiser that both sides use.
        rate: ρ.
        steps: how many steps a block has.
        warm_up: how many steps come before the first block; the first units are mature, and the first ones that were
            replaced have come of age.
        rounds: how many blocks of each kind are timed.
        reference: the ratio of the authors' code, without / with forgotten optimiser state.
        targets: the highest ratio aimed at, by mode.
    """

    name: str
    network: Callable[[], nn.Module]
    batch: Callable[[], tuple[Tensor, ...]]
    loss: Callable[[Any], Tensor]
    optimizer: Callable[[Any], Optimizer]
    rate: float
    steps: int
    warm_up: int
    rounds: int
    reference: str
    targets: dict[str, float]


class ActorCritic(nn.Module):
    """PPO's two networks of 2×256 tanh units, and a state-independent standard deviation."""

    def __init__(self, observation: int = 111, action: int = 8) -> None:
        super().__init__()
        self.actor, self.critic = tanh_network(observation, action), tanh_network(observation, 1)
        self.log_std = nn.Parameter(torch.zeros(action))

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.actor(observations), self.log_std, self.critic(observations)


class Residual(nn.Module):
    """A basic block of ResNet-18."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.norm1, self.norm2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.skip = nn.Identity() if inputs == outputs else projection(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(inner)) + self.skip(x))


def projection(inputs: int, outputs: int, stride: int) -> nn.Module:
    """The 1×1 convolution of a skip path that changes width."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


def tanh_network(inputs: int, outputs: int) -> nn.Module:
    """Two hidden layers of 256 tanh units."""
    return nn.Sequential(nn.Linear(inputs, 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, outputs))


def wide_mlp() -> nn.Module:
    """784-2000-2000-2000-10, of online permuted MNIST."""
    widths = [784, 2000, 2000, 2000]
    hidden = [module for a, b in pairwise(widths) for module in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(2000, 10))


def convnet() -> nn.Module:
    """Three convolutions and two hidden layers, of Continual ImageNet."""
    convolutions = [(3, 32, 5), (32, 64, 3), (64, 128, 3)]
    blocks = [module for a, b, size in convolutions for module in (nn.Conv2d(a, b, size), nn.ReLU(), nn.MaxPool2d(2))]
    head = [nn.Flatten(), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2)]
    return nn.Sequential(*blocks, *head)


def resnet18() -> nn.Module:
    """ResNet-18 for images of 32×32, of class-incremental CIFAR-100."""
    widths = [(64, 64), (64, 128), (128, 256), (256, 512)]
    stages = [block for a, b in widths for block in (Residual(a, b, 1 if a == b else 2), Residual(b, b, 1))]
    stem = [nn.Conv2d(3, 64, 3, 1, 1), nn.BatchNorm2d(64), nn.ReLU()]
    return nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 100))


def images(count: int, size: int = 32) -> Callable[[], tuple[Tensor, ...]]:
    """Builds a batch of images of noise."""
    return lambda: (torch.randn(count, 3, size, size),)


def classes(logits: Tensor) -> Tensor:
    """Cross-entropy with the classes in turn."""
    return functional.cross_entropy(logits, torch.arange(len(logits), device=logits.device) % logits.shape[1])


def ppo_loss(outputs: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """PPO's clipped loss and the squared error of the values, on made-up actions, advantages and returns."""
    mean, log_std, value = outputs
    draws = torch.linspace(-1, 1, mean.numel(), device=mean.device).view_as(mean)
    advantage = draws.sum(1)
    policy = torch.distributions.Normal(mean, log_std.exp(), validate_args=False)
    ratio = (policy.log_prob(draws).sum(1) + mean.shape[1]).exp()
    surrogate = torch.minimum(advantage * ratio, advantage * ratio.clamp(0.8, 1.2)).mean()
    return (value.squeeze(1) - advantage).square().mean() - surrogate


def sgd(parameters: Any) -> Optimizer:
    """SGD as it comes."""
    return torch.optim.SGD(parameters, lr=0.003)


def momentum(parameters: Any) -> Optimizer:
    """SGD with momentum 0.9."""
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)


def adam(parameters: Any) -> Optimizer:
    """Adam as it comes: a loop over parameters on the CPU, foreach on a GPU."""
    return torch.optim.Adam(parameters, lr=1e-4)


def fused_adam(parameters: Any) -> Optimizer:
    """Adam in one kernel."""
    return torch.optim.Adam(parameters, lr=1e-4, fused=True)


def pixels() -> tuple[Tensor, ...]:
    """One image of 784 pixels."""
    return (torch.rand(1, 784),)


def observations() -> tuple[Tensor, ...]:
    """A minibatch of 128 observations."""
    return (torch.randn(128, 111),)


WIDE, WIDE_ADAM = {"lazy": 1.05, "instant": 1.05, "exact": 1.4}, {"lazy": 1.15, "instant": 1.15, "exact": 1.5}
CONV, PPO = {"lazy": 1.02, "instant": 1.02, "exact": 1.03}, {"lazy": 1.03, "instant": 1.03, "exact": 1.08}
RESNET = {"lazy": 1.01, "instant": 1.01, "exact": 1.02}
WORKLOADS = [
    Workload("MLP, SGD", wide_mlp, pixels, classes, sgd, 1e-5, 8, 150, 31, "2.1-2.5 / -", WIDE),
    Workload("MLP, Adam", wide_mlp, pixels, classes, adam, 1e-4, 4, 230, 15, "2.4-2.9 / 2.9-3.0", WIDE_ADAM),
    Workload("MLP, fused Adam", wide_mlp, pixels, classes, fused_adam, 1e-4, 8, 230, 31, "-", WIDE_ADAM),
    Workload("ConvNet, SGD", convnet, images(100), classes, momentum, 3e-4, 4, 120, 21, "1.03-1.12 / 1.23", CONV),
    Workload("PPO, Adam", ActorCritic, observations, ppo_loss, adam, 1e-4, 50, 400, 31, "1.21 / 1.65", PPO),
    Workload("PPO, fused Adam", ActorCritic, observations, ppo_loss, fused_adam, 1e-4, 50, 400, 31, "-", PPO),
    Workload("ResNet-18, SGD", resnet18, images(90), classes, momentum, 1e-4, 1, 3, 9, "1.02-1.04 / -", RESNET),
]
