"""Wraps the optimisers of an SB3 algorithm, each over the hidden layers that it trains."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BaseModel
from torch import nn
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, refusal, replaceable_layers
from plastic_rl.optim import Plasticity, PlasticOptimizer, methods_in, seeded, wrapped
from plastic_rl.optim.passages import passage
from plastic_rl.sb3.example import example
from plastic_rl.sb3.grown import check_growth, note_growth
from plastic_rl.sb3.optimizer_slots import OptimizerSlot, optimizer_slots
from plastic_rl.sb3.passages import passage_of_policy
from plastic_rl.sb3.renorm import with_renorms
from plastic_rl.sb3.rmsprop import with_restart

logger = logging.getLogger(__name__)

Survey = dict[nn.Module, tuple[list[HiddenLayer], dict[str, str]]]

# Policies whose own forward pass ends in a greedy action keep the network that they train under one of these names.
Q_NETWORKS = ("q_net", "quantile_net")

# Where SB3's actor-critic policies keep what their critic alone uses.
CRITIC_PARTS = ("mlp_extractor.value_net.", "vf_features_extractor.")

passage.register(BaseModel, passage_of_policy)  # for methods that run a network again


def attach(model: BaseAlgorithm, plasticity: Plasticity, ignore: Collection[str] = ()) -> None:
    """Wraps each optimiser of an algorithm's policy with a method, over the hidden layers that this optimiser trains.

    Target networks have no optimiser and are left alone; so is the optimiser of SAC's entropy coefficient. An optimiser
    in whose network there is nothing to replace stays plain where a method replaces units, and is named.

    Args:
        model: the algorithm, set up.
        plasticity: the method, its settings given; where it takes a seed and has none, it gets the model's.
        ignore: names of layers to leave alone, as messages of :func:`plastic_rl.layers.hidden_layers` give them.

    Raises:
        ValueError: the algorithm has no optimiser, or nothing to replace; a layer's units cannot be replaced, or no
            optimiser trains it (the message names it); a hyper-parameter is out of range; or the method does not go
            with target networks.
    """
    slots = optimizer_slots(model.policy, model)
    if not slots:
        raise ValueError(f"{type(model).__name__} trains its policy without an optimiser: there is nothing to wrap")
    found = survey(slots, ignore)
    check_supported(model, slots, found)
    method, plain = seeded(plasticity, model.seed), list[str]()
    for slot, layers in shared_out(slots, found):
        optimizer, is_complete = wrapped(method, with_restart(slot.optimizer), replaceable(model, layers))
        check_copies(model, slots, optimizer)
        check_growth(model.policy, optimizer)
        slot.put(optimizer)
        note_growth(model, optimizer)
        if not is_complete:
            plain.append(type(slot.owner).__name__)
    if len(plain) == len(slots):
        raise ValueError(
            f"there is nothing to replace in this network: {', '.join(dict.fromkeys(plain))} has no hidden layer whose "
            "units a method may replace. Give it one (net_arch=[64]), or train without plasticity="
        )
    if plain:
        logger.warning(
            "There is nothing to replace in the network of %s: its optimiser stays as it is.", ", ".join(plain)
        )


def check_copies(model: BaseAlgorithm, slots: Collection[OptimizerSlot], optimizer: Optimizer) -> None:
    """Refuses methods by which networks compute more than their weights say, where target networks copy weights.

    Raises:
        ValueError: names the method and the target networks.
    """
    trained: set[int] = set().union(*(slot.trained for slot in slots))
    networks = [(name, each) for name, each in model.policy.named_children() if isinstance(each, BaseModel)]
    copies = [f"`{name}`" for name, each in networks if not trained & {id(weight) for weight in each.parameters()}]
    for method in methods_in(optimizer) if copies else ():
        if method.rewires:
            raise ValueError(
                f"{type(method).__name__} changes more of a network than its weights, and {', '.join(copies)} of "
                f"{type(model).__name__} would follow these alone; take an algorithm without target networks"
            )


def check_supported(model: BaseAlgorithm, slots: Collection[OptimizerSlot], found: Survey) -> None:
    """Refuses a policy with layers whose units would have to be replaced, and cannot be; all are named at once.

    Raises:
        ValueError: names them.
    """
    refused: dict[str, str] = {}
    trained: set[int] = set().union(*(slot.trained for slot in slots))
    for slot in slots:
        network = network_of(slot)
        layers, reasons = found[network]
        concerned = {name: why for name, why in reasons.items() if slot.trained & parameters_under(network, name)}
        for layer in layers:
            if any(tensor.requires_grad and id(tensor) not in trained for tensor in layer.parameters()):
                concerned[layer.name] = "it has weights that no optimiser of policy and algorithm trains"
        refused |= {name: why for name, why in concerned.items() if may_be_replaced(model, name)}
    if refused:
        others = {layer.name for slot in slots for layer in found[network_of(slot)][0]} - refused.keys()
        raise ValueError(refusal(refused, are_all=not any(may_be_replaced(model, name) for name in others)))


def parameters_under(network: nn.Module, name: str) -> set[int]:
    """The identities of the parameters of a layer, or of the module that a part of it belongs to."""
    modules = dict(network.named_modules())
    while name not in modules:
        name = name.rpartition(".")[0]
    return {id(parameter) for parameter in modules[name].parameters()}


def reattach(model: BaseAlgorithm) -> None:
    """Goes on with a policy whose network has changed (a wider head, say); ages and utilities stay, by layer.

    Args:
        model: made by :func:`plastic_rl.sb3.plastic`; its optimisers have the new weights (``add_param_group``).

    Raises:
        ValueError: a layer's units cannot be replaced, or its weights are not trained.
    """
    slots = optimizer_slots(model.policy, model)
    found = survey(slots, getattr(model, "ignore", ()))
    check_supported(model, slots, found)
    for slot, layers in shared_out(slots, found):
        if isinstance(slot.optimizer, PlasticOptimizer):
            slot.optimizer.reattach(replaceable(model, layers))


def replaceable(model: BaseAlgorithm, layers: list[HiddenLayer]) -> list[HiddenLayer]:
    """Those of the layers that one optimiser trains whose units a method may replace."""
    return [layer for layer in layers if may_be_replaced(model, layer.name)]


def may_be_replaced(model: BaseAlgorithm, name: str) -> bool:
    """True if units of a layer may be replaced: all layers' but those of an actor that moves by itself."""
    return name.startswith(CRITIC_PARTS) or not moves_actor_by_itself(model)


def moves_actor_by_itself(model: BaseAlgorithm) -> bool:
    """True if the actor moves by a natural gradient inside a trust region, which a newborn unit would leave: TRPO.

    Told by name, because sb3-contrib need not be installed.
    """
    return any(kind.__name__ == "TRPO" for kind in type(model).__mro__)


def is_critic(layer: HiddenLayer) -> bool:
    """True if a layer of an actor-critic policy belongs to its critic alone."""
    return layer.name.startswith(CRITIC_PARTS)


def plastic_optimizers(subject: nn.Module | BaseAlgorithm) -> list[PlasticOptimizer]:
    """The wrapped optimisers of a policy, or of an algorithm and its policy."""
    slots = optimizer_slots(subject.policy, subject) if isinstance(subject, BaseAlgorithm) else optimizer_slots(subject)
    return [slot.optimizer for slot in slots if isinstance(slot.optimizer, PlasticOptimizer)]


def layers_of(policy: nn.Module, ignore: Collection[str] = ()) -> Iterator[HiddenLayer]:
    """The hidden layers of all networks that a policy trains, but for those to ``ignore`` and those not supported."""
    for _, layers in owned_layers(policy, ignore):
        yield from layers


def owned_layers(policy: nn.Module, ignore: Collection[str]) -> Iterator[tuple[Any, list[HiddenLayer]]]:
    """For each optimiser of a policy the module that it trains, and the hidden layers that it trains there."""
    slots = optimizer_slots(policy)
    for slot, layers in shared_out(slots, survey(slots, ignore)):
        yield slot.owner, layers


def shared_out(slots: Collection[OptimizerSlot], found: Survey) -> Iterator[tuple[OptimizerSlot, list[HiddenLayer]]]:
    """Each optimiser with the hidden layers that it trains.

    A layer that two optimisers train (TD3's shared features extractor) is given to the first. Left out is what a
    network of another optimiser reads as well (the last layer of a features extractor that actor and critic share): a
    newborn unit would be silent in one network and loud in the other.
    """
    given: set[nn.Module] = set()
    for slot in slots:
        others = [other.owner for other in slots if other.owner is not slot.owner]
        elsewhere = {module for owner in others for module in owner.modules()}
        layers = [
            layer
            for layer in found[network_of(slot)][0]
            if all(id(tensor) in slot.trained for tensor in layer.parameters())
            and not (is_read_elsewhere(layer, elsewhere) or given & producers(layer))
        ]
        given.update(*(producers(layer) for layer in layers))
        yield slot, layers


def network_of(slot: OptimizerSlot) -> Any:
    """The module whose forward pass depends on what an optimiser trains."""
    return next((getattr(slot.owner, name) for name in Q_NETWORKS if hasattr(slot.owner, name)), slot.owner)


def survey(slots: Collection[OptimizerSlot], ignore: Collection[str]) -> Survey:
    """The hidden layers of the network of each optimiser, and those that cannot be replaced, with the reasons."""
    found: Survey = {}
    for network in dict.fromkeys(network_of(slot) for slot in slots):
        inputs = example(network)
        layers, refused = replaceable_layers(network, *inputs, ignore=ignore)
        found[network] = with_renorms(network, layers, *inputs), refused
    return found


def is_read_elsewhere(layer: HiddenLayer, elsewhere: set[nn.Module]) -> bool:
    """True if a layer is also part of the networks made of the modules ``elsewhere``, but not all its readers are."""
    is_shared = bool(producers(layer) & elsewhere)
    return is_shared and not all(port.layer in elsewhere for port in layer.read_by)


def producers(layer: HiddenLayer) -> set[nn.Module]:
    """The modules whose outputs a layer's units are."""
    return {port.layer for port in layer.produced_by}
