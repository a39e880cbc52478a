"""Recipes of agents: settings, and how a learner is built from them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from plastic_rl.choices import Actions, Network, Precision, Renewal
from plastic_rl.settings import Count, OneOf, Rate

if TYPE_CHECKING:
    import torch
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.vec_env import VecEnv

    from plastic_rl.learners import Blueprint, Learner
    from plastic_rl.optim import Plasticity
    from plastic_rl.streams import Stream


@dataclass
class Agent:
    """The settings of a learner, each value written once, with its source beside it."""

    label: ClassVar[str] = ""
    """The beginning of the sentence that says what an agent is that has a method on top of this one."""

    keeps: ClassVar[frozenset[str]] = frozenset()
    """Settings that make the agent what it is: no environment's `agent_settings` change them."""

    tuned_apart: ClassVar[bool] = False
    """True if the `agent_settings` of worlds, which were found with PPO, are not for it."""

    env_settings: ClassVar[Mapping[str, object]] = {}
    """Settings that an environment should have with this agent unless the command line says otherwise."""

    base_name: ClassVar[str] = ""
    """The name of the agent that it is without its methods, where it is put together; what papers say of that goes for
    it too."""

    cannot_have: ClassVar[Mapping[str, str]] = {}
    """Methods that it cannot have, by their words, and the end of a sentence that says why."""

    added_later: ClassVar[Mapping[str, object]] = {}
    """Settings that came with a later version, with the values at which nothing changes: runs from before are found."""


@dataclass
class ReinforcementAgent(Agent, ABC):
    """The settings of a learner that acts in an environment."""

    actions: ClassVar[frozenset[Actions]] = frozenset(Actions)
    """The kinds of actions that it can choose among."""

    @abstractmethod
    def build(self, env: VecEnv, *, seed: int, device: str) -> BaseAlgorithm:
        """Return the learner, untrained.

        Args:
            env: The sub-environments that the learner acts in.
            seed: Seed of the learner's weights, actions and minibatches.
            device: A torch device, or "auto".
        """

    def callbacks(self) -> list[BaseCallback]:
        """Return what else is to be called while it learns."""
        return []


@dataclass
class SupervisedAgent(Agent, ABC):
    """The settings of a learner that is shown examples."""

    def build(self, streams: Sequence[Stream], *, device: str) -> Learner:
        """Return the learner, untrained; several seeds take turns unless there is a quicker way.

        Args:
            streams: What it learns from: one for each seed, alike in all but their seeds.
            device: A torch device.
        """
        from plastic_rl.learners import OneByOne

        learners = [self.build_one(stream, device=device) for stream in streams]
        return learners[0] if len(learners) == 1 else OneByOne(learners)

    @abstractmethod
    def build_one(self, stream: Stream, *, device: str) -> Learner:
        """Return the learner of one seed, untrained.

        Args:
            stream: What it learns from.
            device: A torch device.
        """


@dataclass
class BackpropAgent(SupervisedAgent):
    """The settings of a network that learns by backpropagation."""

    added_later: ClassVar[Mapping[str, object]] = {"normalize_inputs": 0.0}

    network: Annotated[str, OneOf(tuple(Network))] = "mlp"  # each stream names the one of its paper
    hidden_layers: Count = 3  # of an mlp
    hidden_units: Count = 100  # of an mlp, in each layer
    network_width: Count = 64  # channels of a ResNet's first stage
    precision: Annotated[str, OneOf(tuple(Precision))] = "float32"  # bfloat16 is autocast
    compile: bool = False  # torch.compile: the same numbers to rounding
    # What a running mean and variance keep from an example to the next, by which inputs are normalised: 0.99 follows a
    # change, 1 forgets nothing, 0 normalises nothing.
    normalize_inputs: Rate = 0.0

    renewal: ClassVar[Renewal] = Renewal.nothing
    """The part of the network that is drawn afresh when a task begins."""

    @abstractmethod
    def optimizer(self) -> Callable[[Iterable[torch.Tensor]], torch.optim.Optimizer]:
        """Return what makes the optimiser of some parameters."""

    def plasticity(self) -> Plasticity | None:
        """Return the method that is to wrap the optimiser, or None for none."""
        return None

    def network_options(self) -> dict[str, Any]:
        """Return what follows hidden layers, for `plastic_rl.networks.nonlinearity`; empty for ReLU alone."""
        return {}

    def build(self, streams: Sequence[Stream], *, device: str) -> Learner:
        from plastic_rl.learners import backprop_learner

        if type(self).build_one is not BackpropAgent.build_one:  # another learner, whose seeds take turns
            return super().build(streams, device=device)
        return backprop_learner(self.blueprint(streams[0], streams[0].outputs), streams, device=device)

    def build_one(self, stream: Stream, *, device: str) -> Learner:
        return self.build([stream], device=device)

    def blueprint(self, stream: Stream, outputs: int) -> Blueprint:
        """Return how a learner is made.

        Args:
            stream: What it learns from.
            outputs: How many outputs its network has.
        """
        from plastic_rl.errors import UserError
        from plastic_rl.learners import Blueprint

        if Network(self.network).normalizes_minibatches and stream.plan.batch_size == 1:
            raise UserError(
                f"agent.network={self.network} normalises over a minibatch, and env.batch_size is 1\n"
                "Take larger minibatches, such as env.batch_size=16, or agent.network=layer_norm_mlp"
            )
        return Blueprint(
            network=lambda: self._network(stream, outputs),
            optimizer=self.optimizer(),
            plasticity=self.plasticity(),
            renewal=self.renewal,
            precision=Precision(self.precision),
            compiles=self.compile,
        )

    def _network(self, stream: Stream, outputs: int) -> torch.nn.Module:
        from torch import nn

        from plastic_rl.networks import InputNormalization
        from plastic_rl.networks.choice import network_for

        network = network_for(
            self.network,
            stream.shape,
            outputs,
            hidden_layers=self.hidden_layers,
            hidden_units=self.hidden_units,
            width=self.network_width,
            **self.network_options(),
        )
        if not self.normalize_inputs:
            return network
        return nn.Sequential(InputNormalization(stream.shape, decay=self.normalize_inputs), network)
