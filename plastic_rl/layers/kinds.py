"""The rows and columns of each kind of layer: the one place that knows torch's modules by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.utils.parametrize import is_parametrized

from plastic_rl.layers.port import COLUMN_AXIS, AttentionPort, GroupedPort, Port, RecurrentPort, ValuePort, column_axis

LAYERS = tuple(COLUMN_AXIS)
NORMS = (_BatchNorm, _InstanceNorm, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)

# Norms whose statistics mix units: a unit that nobody reads is still heard through them.
MIXING_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)

# Non-linearities that may have a learnt number for each unit.
SLOPES = (nn.PReLU,)

# Modules whose weight is a table to look up rows in, not a map of inputs.
TABLES = (nn.Embedding, nn.EmbeddingBag)

# Modules with hidden units of their own that nothing here knows how to replace.
UNKNOWN = (nn.RNNCellBase, nn.Bilinear)


class LearntNonlinearity(nn.Module):
    """A non-linearity with weights of its own, which belong to no unit."""


class Tracking(nn.Module):
    """A module that takes in what passes while it is in training mode, and treats it by what it has taken in so far."""


class SolvedLinear(nn.Linear):
    """A linear layer whose weights are solved for: they learn, but not by gradients."""

    def __init__(self, inputs: int, outputs: int) -> None:
        with torch.random.fork_rng(devices=[]):
            super().__init__(inputs, outputs)
        self.requires_grad_(False)
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


def rows(name: str, layer: nn.Module, index: Tensor | None = None) -> list[Port]:
    """The ports of a layer that produces units; a recurrent layer has two, for its input and for its own past.

    Args:
        name: where the layer is.
        layer: the module.
        index: which of the layer's outputs each unit owns, of shape (units, positions); None for one each.
    """
    index = torch.arange(outputs(layer))[:, None] if index is None else index
    if isinstance(layer, nn.RNNBase):
        index = (index[:, None, :] + layer.hidden_size * torch.arange(_gates(layer))[:, None]).flatten(1)
        return [Port(name, layer, index, f"weight_{end}_l0", f"bias_{end}_l0") for end in ("ih", "hh")]
    if isinstance(layer, nn.MultiheadAttention):
        return [Port(f"{name}.out_proj", layer, index, "out_proj.weight", "out_proj.bias")]
    return [Port(name, layer, index)]


def _gates(layer: nn.RNNBase) -> int:
    """The number of rows of a hidden unit: one for each gate and one for what it lets in."""
    return 4 if isinstance(layer, nn.LSTM) else 3 if isinstance(layer, nn.GRU) else 1


def columns(name: str, layer: nn.Module, index: Tensor) -> Port:
    """The port of a layer that reads units by the columns ``index``, of shape (units, positions)."""
    if isinstance(layer, nn.RNNBase):
        return Port(name, layer, index, "weight_ih_l0", "bias_ih_l0")
    if isinstance(layer, nn.MultiheadAttention):
        return AttentionPort(f"{name}.in_proj", layer, index, "in_proj_weight", "in_proj_bias")
    kind = GroupedPort if isinstance(layer, _ConvNd) and layer.groups > 1 else Port
    return kind(name, layer, index)


def own_columns(name: str, layer: nn.Module, index: Tensor) -> list[Port]:
    """The ports by which a layer reads its own units: those of a recurrent layer, none of any other."""
    if isinstance(layer, nn.RNNBase):
        return [RecurrentPort(f"{name}.recurrence", layer, index, "weight_hh_l0", "bias_hh_l0")]
    return []


def values_of_attention(name: str, layer: nn.MultiheadAttention) -> tuple[Port, Port]:
    """The dimensions of an attention layer's values, which live inside it: their rows and their columns."""
    index = torch.arange(layer.embed_dim)[:, None]
    produced = Port(f"{name}.values", layer, index + 2 * layer.embed_dim, "in_proj_weight", "in_proj_bias")
    return produced, ValuePort(f"{name}.out_proj", layer, index, "out_proj.weight", "out_proj.bias")


def reading_layers(network: nn.Module) -> dict[str, nn.Module]:
    """All layers of a network that could read hidden units, by name; an attention layer's own parts are not counted."""
    attention = [f"{name}." for name, module in network.named_modules() if isinstance(module, nn.MultiheadAttention)]
    layers = {name: module for name, module in network.named_modules() if isinstance(module, LAYERS)}
    return {name: layer for name, layer in layers.items() if not name.startswith(tuple(attention))}


def outputs(layer: nn.Module) -> int:
    """The number of outputs of a layer: the rows of its weight, the hidden size of a recurrent layer."""
    if isinstance(layer, nn.RNNBase):
        return layer.hidden_size
    if isinstance(layer, nn.MultiheadAttention):
        return layer.embed_dim
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight.shape[1] if isinstance(layer, _ConvTransposeNd) else weight.shape[0]


def blocks(layer: nn.Module, weight: str) -> int:
    """The number of maps that the weight of this name holds side by side, each with outputs of its own."""
    if isinstance(layer, nn.RNNBase):
        return _gates(layer)
    if isinstance(layer, nn.MultiheadAttention):
        return 3 if weight == "in_proj_weight" else 1
    return layer.groups if isinstance(layer, _ConvNd) else 1


def is_transposed(layer: nn.Module) -> bool:
    """True if torch keeps the inputs of the layer's weight first, and its outputs second."""
    return isinstance(layer, _ConvTransposeNd)


def inputs(layer: nn.Module) -> int:
    """The number of columns, or entries of a norm, of a layer."""
    if isinstance(layer, nn.RNNBase):
        return layer.input_size
    if isinstance(layer, nn.MultiheadAttention):
        return layer.embed_dim
    if isinstance(layer, _ConvNd):
        return layer.in_channels
    if isinstance(layer, nn.LayerNorm | nn.RMSNorm):
        return layer.normalized_shape[0]
    if isinstance(layer, SLOPES):
        return layer.num_parameters
    width = getattr(layer, "num_channels" if isinstance(layer, nn.GroupNorm) else "num_features", None)
    return layer.weight.shape[1] if width is None else width  # pyright: ignore[reportIndexIssue, reportReturnType]


def unit_axis(layer: nn.Module, dimensions: int) -> int:
    """The axis of a layer's or norm's input, which has so many dimensions, along which units lie."""
    if isinstance(layer, nn.LayerNorm | nn.RMSNorm):
        return -len(layer.normalized_shape)
    return min(1, dimensions - 1) - dimensions if has_entries(layer) else column_axis(layer)


def mixes(norm: nn.Module) -> bool:
    """True if the statistics of a norm mix units."""
    alone = isinstance(norm, nn.GroupNorm) and norm.num_groups == norm.num_channels
    return isinstance(norm, MIXING_NORMS) and not alone


def has_entries(module: nn.Module) -> bool:
    """True if a module lies between units and readers, and may have numbers for each unit: a norm, learnt slopes."""
    return isinstance(module, NORMS) or (isinstance(module, SLOPES) and module.num_parameters > 1)


def start_of_weight(module: nn.Module) -> float:
    """The value at which the entries of a norm's or of learnt slopes' weight begin."""
    return module.init if isinstance(module, SLOPES) else 1.0


def only_weighs(module: nn.Module) -> bool:
    """True if a layer or norm makes one tensor of one, sample by sample, with weights that are its own parameters."""
    if isinstance(module, NORMS):
        return not isinstance(module, _BatchNorm)
    return isinstance(module, nn.Linear | _ConvNd) and not computes_weight(module)


def is_dropout(module: nn.Module) -> bool:
    """True if a module drops some of what passes by chance."""
    return isinstance(module, _DropoutNd) and module.p > 0


def has_slopes(module: nn.Module) -> bool:
    """True if a module is a non-linearity that learns."""
    return isinstance(module, (*SLOPES, LearntNonlinearity))


def mixes_samples(module: nn.Module) -> bool:
    """True if what a norm or a dropout does to a sample depends on the others beside it, or on chance."""
    return is_dropout(module) or not isinstance(module, NORMS) or isinstance(module, _BatchNorm)


def _has_weight(layer: nn.Module) -> bool:
    return isinstance(layer, nn.RNNBase | nn.MultiheadAttention) or isinstance(layer.weight, nn.Parameter)


def computes_weight(layer: nn.Module) -> bool:
    """True if a layer's weight is no parameter that could be written to: a parametrisation, or old weight norm."""
    return isinstance(layer, LAYERS) and (is_parametrized(layer) or not _has_weight(layer))


def reason_against(module: nn.Module) -> str | None:
    """The reason why the units of a module cannot be replaced, if they cannot."""
    kind = type(module).__name__
    if isinstance(module, UNKNOWN):
        return f"the units of a {kind} are not supported"
    if computes_weight(module):
        return "its weight is computed from other parameters (a parametrisation), so that it cannot be written to"
    if isinstance(module, nn.RNNBase) and (module.num_layers > 1 or module.bidirectional or module.proj_size):
        return f"a {kind} of several layers or directions, or with a projection, hides units (single ones do not)"
    if isinstance(module, nn.MultiheadAttention) and module.in_proj_weight is None:
        return "attention with widths of its own for keys or values (kdim, vdim) is not supported"
    if isinstance(module, _ConvTransposeNd) and module.groups > 1:
        return "a grouped transposed convolution is not supported"
    return None
