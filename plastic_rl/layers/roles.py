"""The roles of a network's parameters: weights between layers with their biases, and the scales of norms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.layers import kinds
from plastic_rl.layers.hidden_layer import HiddenLayer


@dataclass(frozen=True, eq=False)
class LinearMap:
    """A weight that maps inputs to outputs, and the bias that is added to these.

    Args:
        weight: the parameter, as torch keeps it.
        bias: the bias; None for none that trains.
        blocks: how many maps there are side by side in the parameter, each with outputs of its own: the gates of a
            recurrent layer, the queries, keys and values of attention, the groups of a convolution.
        is_transposed: whether torch keeps inputs first, as in a transposed convolution.
    """

    weight: Tensor
    bias: Tensor | None = None
    blocks: int = 1
    is_transposed: bool = False

    def view(self, values: Tensor) -> Float[Tensor, "blocks outputs inputs taps"]:
        """The weight, or a tensor of its shape, by block, output, input and position of the kernel: no copy."""
        by_tap = values.flatten(2) if values.ndim > 2 else values[..., None]
        by_block = by_tap.unflatten(0, (self.blocks, -1))
        return by_block.transpose(1, 2) if self.is_transposed else by_block

    def matrices(self, values: Tensor) -> Float[Tensor, "blocks outputs inputs_and_taps"]:
        """The same with the positions of the kernel among the inputs: what one output hears is one row."""
        return self.view(values).flatten(2)

    def as_parameter(self, matrices: Float[Tensor, "blocks outputs inputs_and_taps"]) -> Tensor:
        """The inverse of :meth:`matrices`: a tensor of the weight's shape."""
        by_tap = matrices.unflatten(2, self.view(self.weight).shape[2:])
        return (by_tap.transpose(1, 2) if self.is_transposed else by_tap).reshape(self.weight.shape)

    @property
    def fan_in(self) -> int:
        """The number of inputs of an output."""
        return self.matrices(self.weight).shape[2]

    @property
    def parameters(self) -> list[Tensor]:
        """The weight and the bias, those of them that train now."""
        both = [self.weight] if self.bias is None else [self.weight, self.bias]
        return [each for each in both if each.requires_grad]


@dataclass(frozen=True, eq=False)
class NormScale:
    """The entries of a normalisation layer that train.

    Args:
        gain: what it multiplies by.
        offset: what it adds; None for none.
    """

    gain: Tensor
    offset: Tensor | None = None

    @property
    def parameters(self) -> list[Tensor]:
        """Both, those of them that train now."""
        both = [self.gain] if self.offset is None else [self.gain, self.offset]
        return [each for each in both if each.requires_grad]


def linear_maps(parameters: Iterable[Tensor], layers: Sequence[HiddenLayer] = ()) -> list[LinearMap]:
    """The weights among parameters that train, each once, with their biases.

    Where hidden layers are known, so are the modules of their networks, and who belongs to whom. Without them shapes
    and order have to do: what has two axes or more is a weight, and a vector right behind it with as many entries as it
    has rows is its bias. (So a norm right behind a layer without a bias would be taken for one: give the layers.)

    Args:
        parameters: in the order of the network; of these alone.
        layers: hidden layers of the network, as :func:`plastic_rl.layers.hidden_layers` finds them.
    """
    trained = {id(each): each for each in parameters if each.requires_grad}
    found = list(_maps_of_modules(layers)) if layers else list(_maps_in_order(list(trained.values())))
    unique = {id(each.weight): each for each in found if id(each.weight) in trained}
    return [each if id(each.bias) in trained else replace(each, bias=None) for each in unique.values()]


def norm_scales(parameters: Iterable[Tensor], layers: Sequence[HiddenLayer] = ()) -> list[NormScale]:
    """The scales of normalisation layers among parameters that train; none where no hidden layers are given.

    Args:
        parameters: of these alone.
        layers: hidden layers of the network; all norms of it count, and those that the layers name.
    """
    trained = {id(each) for each in parameters if each.requires_grad}
    pairs = [(_own(norm, "weight"), _own(norm, "bias")) for norm in norms(layers)]
    return [
        NormScale(gain, None if offset is None or id(offset) not in trained else offset)
        for gain, offset in pairs
        if gain is not None and id(gain) in trained
    ]


def norms(layers: Sequence[HiddenLayer]) -> list[nn.Module]:
    """The normalisation layers of the networks of hidden layers, and those that the layers name."""
    return [module for module in _modules(layers) if _is_norm(module, layers)]


def coefficients(layers: Sequence[HiddenLayer]) -> list[Tensor]:
    """The parameters of non-linearities that learn: numbers that only together are a function, and none is a draw."""
    learnt = [module for module in _modules(layers) if isinstance(module, kinds.LearntNonlinearity)]
    return [each for module in learnt for each in module.parameters()]


def hidden_maps(parameters: Iterable[Tensor], layers: Sequence[HiddenLayer]) -> list[LinearMap]:
    """Those of :func:`linear_maps` that produce hidden units: all but what only makes outputs."""
    producing = {id(port.parameter) for layer in layers for port in layer.produced_by}
    return [each for each in linear_maps(parameters, layers) if id(each.weight) in producing]


def _modules(layers: Sequence[HiddenLayer]) -> list[nn.Module]:
    """All modules of the networks of layers; of layers written by hand, the modules that they name."""
    networks = dict.fromkeys(layer.network for layer in layers if layer.network is not None)
    named = [port.layer for layer in layers for port in layer.ports]
    return list(dict.fromkeys([*(module for network in networks for module in network.modules()), *named]))


def _is_norm(module: nn.Module, layers: Sequence[HiddenLayer]) -> bool:
    is_between = isinstance(module, kinds.NORMS) or any(p.layer is module for each in layers for p in each.normed_by)
    return is_between and not isinstance(module, kinds.SLOPES)


def _own(module: nn.Module, name: str) -> Tensor | None:
    return module._parameters.get(name)


def _maps_of_modules(layers: Sequence[HiddenLayer]) -> Iterator[LinearMap]:
    for module in _modules(layers):
        if _is_norm(module, layers) or isinstance(module, kinds.TABLES):
            continue
        for name, parameter in module.named_parameters(recurse=False):
            if "weight" in name and parameter.ndim > 1:
                bias = _own(module, name.replace("weight", "bias"))
                yield LinearMap(parameter, bias, kinds.blocks(module, name), kinds.is_transposed(module))


def _maps_in_order(parameters: Sequence[Tensor]) -> Iterator[LinearMap]:
    for place, parameter in enumerate(parameters):
        if parameter.ndim > 1:
            behind = parameters[place + 1] if place + 1 < len(parameters) else None
            is_bias = behind is not None and behind.shape == parameter.shape[:1]
            yield LinearMap(parameter, behind if is_bias else None)
