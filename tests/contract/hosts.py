"""Every host of a method: each trains something small with it, from the same start whatever the method."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gymnasium
import torch
from stable_baselines3 import PPO, SAC
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, replaceable_layers
from plastic_rl.learners import Blueprint, backprop_learner
from plastic_rl.networks import LocalMLP
from plastic_rl.nn import LocalHSIC, OneHot
from plastic_rl.optim import Plasticity, PlasticOptimizer, Stack
from plastic_rl.sb3 import plastic, plastic_optimizers
from plastic_rl.streams import Plan
from tests.contract.methods import Begin, nothing, often
from tests.contract.networks import MLP, Architecture
from tests.streams.small import Blobs, go_through

ADAM = partial(torch.optim.Adam, lr=0.01)
UPDATES = 12


@dataclass
class Trained:
    """What a host has trained.

    Args:
        weights: of all its networks.
        optimizers: the wrapped ones; none without a method.
        random: the state of torch's global generator afterwards.
    """

    weights: list[Tensor]
    optimizers: list[PlasticOptimizer]
    random: Tensor = field(default_factory=torch.get_rng_state)


def copied(*modules: nn.Module) -> list[Tensor]:
    return [value.detach().clone() for module in modules for value in module.parameters()]


def wrapped(optimizers: list[Any], begin: Begin) -> list[PlasticOptimizer]:
    found = [optimizer for optimizer in optimizers if isinstance(optimizer, PlasticOptimizer)]
    for optimizer in found:
        begin(optimizer)
    return found


def around(network: nn.Module, plasticity: Plasticity | None, shape: tuple[int, ...]) -> Optimizer:
    """An optimiser of a network, in a method if there is one."""
    optimizer = ADAM(network.parameters())
    return optimizer if plasticity is None else plasticity(optimizer, replaceable(network, shape))


def replaceable(network: nn.Module, shape: tuple[int, ...]) -> list[HiddenLayer]:
    """The hidden layers whose units can be replaced: not those that only add to a residual stream."""
    return replaceable_layers(network, torch.zeros(1, *shape))[0]


def train(network: nn.Module, optimizer: Optimizer, batches: Iterable[Tensor]) -> None:
    for inputs in batches:
        optimizer.zero_grad()
        network(inputs).square().mean().backward()
        optimizer.step()


def plain_loop(plasticity: Plasticity | None, begin: Begin, *, net: Architecture = MLP) -> Trained:
    torch.manual_seed(0)
    network = net.build()
    optimizer = around(network, plasticity, net.shape)
    found = wrapped([optimizer], begin)
    train(network, optimizer, (torch.randn(8, *net.shape) for _ in range(UPDATES)))
    return Trained(copied(network), found)


def streams_of(seeds: tuple[int, ...], net: Architecture = MLP) -> list[Blobs]:
    return [Blobs(Plan(1, batch_size=2), seed, shape=net.shape) for seed in seeds]


def learner_of(plasticity: Plasticity | None, seeds: tuple[int, ...], net: Architecture = MLP) -> Any:
    torch.manual_seed(0)
    return backprop_learner(Blueprint(net.build, ADAM, plasticity), streams_of(seeds, net))


def begin_learner(learner: Any, begin: Begin) -> list[PlasticOptimizer]:
    """Begins a method for each seed, whichever way the seeds are trained."""
    singles = getattr(learner, "learners", [learner])
    optimizers = [methods[-1] for single in singles for methods in getattr(single, "methods", [])] or [
        single.optimizer for single in singles
    ]
    return wrapped(optimizers, begin)


def learn_from_streams(
    plasticity: Plasticity | None, begin: Begin, *, seeds: tuple[int, ...], net: Architecture = MLP
) -> Trained:
    learner = learner_of(plasticity, seeds, net)
    found = begin_learner(learner, begin)
    go_through(streams_of(seeds, net), learner)
    return Trained(copied(*learner.networks), found)


def learn_in_turn(net: Architecture = MLP) -> Trained:
    """Two seeds without a method, each by itself."""
    alone = [learn_from_streams(None, nothing, seeds=(seed,), net=net) for seed in (3, 4)]
    return Trained([weight for each in alone for weight in each.weights], [])


def reinforce(plasticity: Plasticity | None, begin: Begin, *, make: Callable[..., Any], steps: int) -> Trained:
    model = make(plasticity=plasticity)
    found = wrapped(plastic_optimizers(model.policy), begin)
    model.learn(steps)
    return Trained(copied(model.policy), found)


def make_ppo(**settings: Any) -> Any:
    settings = {"n_steps": 32, "batch_size": 16, "n_epochs": 3, "policy_kwargs": {"net_arch": [16, 16]}, **settings}
    return plastic(PPO)("MlpPolicy", gymnasium.make("CartPole-v1"), seed=0, device="cpu", **settings)


def make_sac(**settings: Any) -> Any:
    settings = {"learning_starts": 8, "batch_size": 8, "policy_kwargs": {"net_arch": [16, 16]}, **settings}
    return plastic(SAC)("MlpPolicy", gymnasium.make("Pendulum-v1"), seed=0, device="cpu", **settings)


def make_local(plasticity: Plasticity | None) -> LocalHSIC:
    torch.manual_seed(0)
    trunk = LocalMLP((4,), [16, 16], normalization="layer")
    return LocalHSIC(
        trunk, torch.zeros(1, 4), target_encoder=OneHot(3), estimator="ridge", optimizer=ADAM, plasticity=plasticity
    )


def train_locally(plasticity: Plasticity | None, begin: Begin) -> Trained:
    trainer = make_local(plasticity)
    found = wrapped(trainer.optimizers, begin)
    for _ in range(UPDATES):
        trainer.update(torch.randn(8, 4), torch.randint(3, (8,)))
    return Trained(copied(trainer.trunk), found)


beside = partial(often, seed=11, utility="random")  # other units than those that the same method chooses


def under_continual_backprop(plasticity: Plasticity | None, begin: Begin) -> Trained:
    return plain_loop(beside if plasticity is None else Stack((plasticity, beside)), begin)


def over_continual_backprop(plasticity: Plasticity | None, begin: Begin) -> Trained:
    return plain_loop(beside if plasticity is None else Stack((beside, plasticity)), begin)


HOSTS: dict[str, Callable[[Plasticity | None, Begin], Trained]] = {
    "plain loop": plain_loop,
    "one seed": partial(learn_from_streams, seeds=(3,)),
    "two seeds": partial(learn_from_streams, seeds=(3, 4)),
    "PPO": partial(reinforce, make=make_ppo, steps=32),
    "SAC": partial(reinforce, make=make_sac, steps=16),
    "LocalHSIC": train_locally,
    "under continual backprop": under_continual_backprop,
    "over continual backprop": over_continual_backprop,
}
