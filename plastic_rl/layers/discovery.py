"""Finds the hidden layers of a network: follows each unit to its readers, and groups what only changes together."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from plastic_rl.layers import kinds
from plastic_rl.layers.grouping import Column, Row, Unit, groups_of, units_of
from plastic_rl.layers.hidden_layer import HiddenLayer
from plastic_rl.layers.port import Port
from plastic_rl.layers.proof import examined, is_silent, undisturbed
from plastic_rl.layers.tracing import Trace, Tracer

logger = logging.getLogger(__name__)

Flow = Mapping[str, Sequence[str]]

OUTPUT = "the output"
UNREAD = "its units reach the output by a way that no layer reads"

# The idle layers that were already named, by network: layers are found more than once.
_named: WeakKeyDictionary[nn.Module, set[str]] = WeakKeyDictionary()


def hidden_layers(network: nn.Module, *example: Any, ignore: Collection[str] = ()) -> list[HiddenLayer]:
    """The groups of hidden units of a network, found by running it on an example; its outputs are not among them.

    Follows units through non-linearities of any kind, norms, flattening, concatenations, residual sums, gates and
    attention, to linear and (transposed, grouped) convolutional layers, LSTMs, GRUs and attention layers. Queries and
    keys of attention are left alone: they belong to no unit. Draws no random numbers, leaves modes and weights as they
    were. Each layer is proved silent by experiment (:func:`plastic_rl.layers.assert_function_preserving`) before it is
    returned; layers behind a norm that mixes units (LayerNorm, GroupNorm) cannot be, and are returned as they are
    (`HiddenLayer.is_audible`).

    Layers that do not run on the example are named in the log: what they read is not known. Where one of them runs
    later (one of several heads), methods refuse to replace units that it may read.

    Args:
        network: the module; the tensors that its forward pass returns must depend on the layers differentiably.
        example: one example input, as ``network(*example)``; zeros will do.
        ignore: names of layers to leave alone; of a layer that does not run, that it reads no hidden unit.

    Raises:
        ValueError: names each layer whose units cannot be replaced, with the reason.
    """
    found, refused = replaceable_layers(network, *example, ignore=ignore)
    if refused:
        raise ValueError(refusal(refused, are_all=not found))
    return found


def refusal(refused: Mapping[str, str], *, are_all: bool = False) -> str:
    """The message about layers whose units cannot be replaced.

    Args:
        refused: their names, and the reasons.
        are_all: there are no others, so that nothing is left if they are left alone.
    """
    reasons = "; ".join(f"`{name}`: {why}" for name, why in refused.items())
    advice = (
        "There is nothing else to replace in this network"
        if are_all
        else f"Leave them alone with ignore={list(refused)}"
    )
    return f"units that cannot be replaced: {reasons}. {advice}"


def replaceable_layers(
    network: nn.Module, *example: Any, ignore: Collection[str] = ()
) -> tuple[list[HiddenLayer], dict[str, str]]:
    """As :func:`hidden_layers`, but with the layers whose units cannot be replaced, by name, and the reasons."""
    found: list[HiddenLayer] = []
    refused = _unsupported(network, ignore)
    for name, layer in _candidates(network, example, refused, ignore):
        if isinstance(layer, str):
            refused[name] = layer
        elif layer.is_audible or is_silent(network, layer, *example):
            found.append(layer)
        else:
            refused[name] = UNREAD
    return found, refused


def _candidates(
    network: nn.Module, example: tuple[Any, ...], unsupported: Collection[str], ignore: Collection[str]
) -> Iterator[tuple[str, HiddenLayer | str]]:
    """The groups by name, in the order of the network's modules, each as a layer or as the reason why it is none."""
    with examined(), undisturbed(network), torch.enable_grad():
        tracer = Tracer(network, example)
        if not tracer.is_differentiable:
            raise ValueError(_indifferent(network))
        traced = [name for name in tracer.producers if name not in unsupported]
        idle = _idle(network, tracer, ignore)
        traces = {name: tracer.trace(name) for name in traced}
        reach, flow = _reach(traces, _first_names(network)), _flow(traces)
    order = {name: place for place, (name, _) in enumerate(network.named_modules())}
    groups = groups_of(units_of(reach))
    named = sorted(((min(group[0].rows, key=order.__getitem__), group) for group in groups), key=lambda n: order[n[0]])
    for name, group in named:
        if not any(producer in ignore for unit in group for producer in unit.rows):
            yield name, _hidden_layer(network, group, order, idle, flow)
    for layer in _values(network, traced, ignore, idle, flow):
        yield layer.name, layer


def _idle(network: nn.Module, tracer: Tracer, ignore: Collection[str]) -> list[str]:
    """The names of layers that did not run; those that were not named before are named in the log."""
    idle = [name for name in kinds.reading_layers(network) if name not in tracer.stations and name not in ignore]
    known = _named.setdefault(network, set())
    if not known.issuperset(idle):
        known.update(idle)
        logger.warning(
            "%s did not run on the example, so that it is not known what they read: give an example on which they run, "
            "or, if they read no hidden unit, name them in ignore=%s.",
            ", ".join(f"`{name}`" for name in idle),
            idle,
        )
    return idle


def _indifferent(network: nn.Module) -> str:
    return (
        f"no output of {type(network).__name__} depends on a linear or convolutional layer in a differentiable way; "
        "give the module whose output is trained (for a Q-network, not its greedy action), or the layers by hand"
    )


def _unsupported(network: nn.Module, ignore: Collection[str]) -> dict[str, str]:
    """Modules whose units cannot be replaced, with the reason."""
    reasons = {name: kinds.reason_against(module) for name, module in network.named_modules() if name not in ignore}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _first_names(network: nn.Module) -> dict[str, str]:
    """For each layer the name of the first one with the same weight: layers that are tied are one."""
    first: dict[int, str] = {}
    modules = dict(network.named_modules())
    weights = {name: getattr(module, "weight", None) for name, module in modules.items()}
    return {name: name if weight is None else first.setdefault(id(weight), name) for name, weight in weights.items()}


def _flow(traces: Mapping[str, Trace]) -> Flow:
    """For each layer the layers and norms that any of its outputs reaches next."""
    return {name: sorted({site for places in trace.reach for site in places}) for name, trace in traces.items()}


def _reach(traces: Mapping[str, Trace], alias: dict[str, str]) -> dict[Row, set[Column]]:
    """For each output of each layer the columns that it reaches; the network's output counts as one column of each."""
    reach: dict[Row, set[Column]] = {}
    for name, trace in traces.items():
        for unit, places in enumerate(trace.reach):
            columns = {(alias[reader], column) for reader, owned in places.items() for column in owned}
            if columns and trace.is_output:
                columns.add((f"{OUTPUT} of {name}", unit))
            reach.setdefault((alias[name], unit), set()).update(columns)
    return reach


def _hidden_layer(
    network: nn.Module, group: list[Unit], order: dict[str, int], idle: Sequence[str], flow: Flow
) -> HiddenLayer | str:
    """The group as a hidden layer, or the reason why it is none."""
    if any(name.startswith(OUTPUT) for unit in group for name in unit.columns):
        return UNREAD
    if len({unit.shape for unit in group}) > 1:
        return "its units do not have the same number of places each, where they are produced or read"
    if len(group) == 1 and any(len(places) > 1 for places in group[0].rows.values()):
        return "its units are mixed before any layer reads them"
    names = sorted({*group[0].rows, *group[0].columns}, key=order.__getitem__)
    ports = [port for name in names for port in _ports(network, group, name)]
    producers = [port for role, port in ports if role == "row"]
    readers = [port for role, port in ports if role == "column"] + [port for role, port in ports if role == "own"]
    norms = [port for role, port in ports if role == "norm"]
    computed = [f"`{port.name}`" for port in readers if kinds.computes_weight(port.layer)]
    if computed:
        return f"{computed[0]} reads its units, and its weight is computed from other parameters (a parametrisation)"
    if not readers:
        return "no layer reads its units"
    return HiddenLayer(producers[0].name, producers[0], readers, producers[1:], norms, network, idle, flow)


def _ports(network: nn.Module, group: list[Unit], name: str) -> Iterator[tuple[str, Port]]:
    """The ports, each with its role, at which a group meets one layer or norm and those that are tied to it."""
    alias = _first_names(network)
    for tied, module in network.named_modules():
        if alias[tied] == name and name in group[0].rows:
            index = _index([unit.rows[name] for unit in group])
            yield from (("row", port) for port in kinds.rows(tied, module, index))
            yield from (("own", port) for port in kinds.own_columns(tied, module, index))
        if alias[tied] == name and name in group[0].columns:
            index = _index([unit.columns[name] for unit in group])
            is_norm = kinds.has_entries(module)
            yield ("norm", Port(tied, module, index)) if is_norm else ("column", kinds.columns(tied, module, index))


def _index(places: list[list[int]]) -> Tensor:
    return torch.tensor([sorted(owned) for owned in places])


def _values(
    network: nn.Module, names: list[str], ignore: Collection[str], idle: Sequence[str], flow: Flow
) -> Iterator[HiddenLayer]:
    """The dimensions of the values of each attention layer."""
    for name in names:
        module = network.get_submodule(name)
        if isinstance(module, nn.MultiheadAttention) and name not in ignore:
            producer, reader = kinds.values_of_attention(name, module)
            yield HiddenLayer(producer.name, producer, [reader], network=network, idle=idle, flow=flow)
