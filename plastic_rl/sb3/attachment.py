"""Wraps the optimisers of an SB3 algorithm, each over the hidden layers that it trains."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from torch import nn
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, hidden_layers
from plastic_rl.optim import Plasticity, PlasticOptimizer, seeded
from plastic_rl.sb3.example import example
from plastic_rl.sb3.renorm import with_renorms
from plastic_rl.sb3.rmsprop import with_restart

# Policies whose own forward pass ends in a greedy action keep the network that they train under one of these names.
Q_NETWORKS = ("q_net", "quantile_net")

# Where SB3's actor-critic policies keep what their critic alone uses.
CRITIC_PARTS = ("mlp_extractor.value_net.", "vf_features_extractor.")


def attach(model: BaseAlgorithm, plasticity: Plasticity, ignore: Collection[str] = ()) -> None:
    """Wraps each optimiser of an algorithm's policy with a method, over the hidden layers that this optimiser trains.

    Target networks have no optimiser and are left alone; so is the optimiser of SAC's entropy coefficient.

    Args:
        model: the algorithm, set up.
        plasticity: the method, its settings given; where it takes a seed and has none, it gets the model's.
        ignore: names of layers to leave alone, as messages of :func:`plastic_rl.layers.hidden_layers` give them.

    Raises:
        ValueError: the algorithm has no optimiser, a layer's units cannot be replaced (the message names it), or a
            hyper-parameter is out of range.
    """
    owned = list(owned_layers(model.policy, ignore))
    if not owned:
        raise ValueError(f"{type(model).__name__} trains its policy without an optimiser: there is nothing to wrap")
    method = seeded(plasticity, model.seed)
    for owner, layers in owned:
        owner.optimizer = method(with_restart(owner.optimizer), replaceable(model, layers))


def reattach(model: BaseAlgorithm) -> None:
    """Goes on with a policy whose network has changed (a wider head, say); ages and utilities stay, by layer.

    Args:
        model: made by :func:`plastic_rl.sb3.plastic`; its optimisers have the new weights (``add_param_group``).

    Raises:
        ValueError: a layer's units cannot be replaced, or its weights are not trained.
    """
    for owner, layers in owned_layers(model.policy, getattr(model, "ignore", ())):
        if isinstance(owner.optimizer, PlasticOptimizer):
            owner.optimizer.reattach(replaceable(model, layers))


def replaceable(model: BaseAlgorithm, layers: list[HiddenLayer]) -> list[HiddenLayer]:
    """Those of the layers that one optimiser trains whose units a method may replace."""
    return [layer for layer in layers if is_critic(layer)] if moves_actor_by_itself(model) else layers


def moves_actor_by_itself(model: BaseAlgorithm) -> bool:
    """True if the actor moves by a natural gradient inside a trust region, which a newborn unit would leave: TRPO.

    Told by name, because sb3-contrib need not be installed.
    """
    return any(kind.__name__ == "TRPO" for kind in type(model).__mro__)


def is_critic(layer: HiddenLayer) -> bool:
    """True if a layer of an actor-critic policy belongs to its critic alone."""
    return layer.name.startswith(CRITIC_PARTS)


def optimiser_owners(policy: nn.Module) -> list[Any]:
    """The modules of a policy that own an optimiser: the policy itself, or its actor and critic."""
    return [module for module in policy.modules() if isinstance(getattr(module, "optimizer", None), Optimizer)]


def plastic_optimizers(policy: nn.Module) -> list[PlasticOptimizer]:
    """The wrapped optimisers of a policy."""
    return [owner.optimizer for owner in optimiser_owners(policy) if isinstance(owner.optimizer, PlasticOptimizer)]


def layers_of(policy: nn.Module, ignore: Collection[str] = ()) -> Iterator[HiddenLayer]:
    """The hidden layers of all networks that a policy trains, but for those to ``ignore``."""
    for _, layers in owned_layers(policy, ignore):
        yield from layers


def owned_layers(policy: nn.Module, ignore: Collection[str]) -> Iterator[tuple[Any, list[HiddenLayer]]]:
    """Each module of a policy that owns an optimiser, with the hidden layers that this optimiser trains.

    A layer that two optimisers train (TD3's shared features extractor) is given to the first. Left out is what a
    network of another optimiser reads as well (the last layer of a features extractor that actor and critic share): a
    newborn unit would be silent in one network and loud in the other.
    """
    owners = optimiser_owners(policy)
    given: set[nn.Module] = set()
    for owner in owners:
        elsewhere = {module for other in owners if other is not owner for module in other.modules()}
        layers = [
            layer
            for layer in trained_layers(owner, ignore)
            if not (is_read_elsewhere(layer, elsewhere) or given & producers(layer))
        ]
        given.update(*(producers(layer) for layer in layers))
        yield owner, layers


def trained_layers(owner: Any, ignore: Collection[str]) -> list[HiddenLayer]:
    """The hidden layers of a module that its own optimiser trains."""
    network = next((getattr(owner, name) for name in Q_NETWORKS if hasattr(owner, name)), owner)
    trained = {id(parameter) for group in owner.optimizer.param_groups for parameter in group["params"]}
    inputs = example(network)
    layers = with_renorms(network, hidden_layers(network, *inputs, ignore=ignore), *inputs)
    return [layer for layer in layers if all(id(tensor) in trained for tensor in layer.parameters())]


def is_read_elsewhere(layer: HiddenLayer, elsewhere: set[nn.Module]) -> bool:
    """True if a layer is also part of the networks made of the modules ``elsewhere``, but not all its readers are."""
    is_shared = bool(producers(layer) & elsewhere)
    return is_shared and not all(port.layer in elsewhere for port in layer.read_by)


def producers(layer: HiddenLayer) -> set[nn.Module]:
    """The modules whose outputs a layer's units are."""
    return {port.layer for port in layer.produced_by}
