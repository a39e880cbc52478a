"""Networks with one hidden layer, one for each seed, in one tensor; their slopes are written out by hand.

Autograd and `torch.vmap` cost several times what the arithmetic of so small a network does. `tests/test_online.py`
compares these networks with those of `train.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.online.words import Form
from plastic_rl.networks import MLP
from plastic_rl.streams import Stream
from plastic_rl.streams.draws import seed_for, signs, source


@dataclass(frozen=True)
class Layout:
    """The places of a network's numbers in a row of all of them, in the order of torch's `parameters()`.

    Args:
        inputs: of one example.
        units: of the hidden layer.
    """

    inputs: int
    units: int

    @property
    def length(self) -> int:
        """The number of all parameters."""
        return self.hidden + self.units + 1

    @property
    def hidden(self) -> int:
        """The number of those of the hidden layer, which come first."""
        return self.units * (self.inputs + 1)

    def views(self, rows: Float[Tensor, "seeds length"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Weights and biases of the units, weights of the output and its bias, as parts of the rows."""
        count, weights = len(rows), self.units * self.inputs
        return (
            rows[:, :weights].view(count, self.units, self.inputs),
            rows[:, weights : self.hidden],
            rows[:, self.hidden : -1],
            rows[:, -1],
        )


class Networks:
    """Networks of one hidden layer and one output, side by side.

    Args:
        values: the parameters of each seed.
        layout: their places.
        form: the hidden units' non-linearity.
    """

    def __init__(self, values: Float[Tensor, "seeds length"], layout: Layout, form: Form) -> None:
        self.layout, self.form, self.values, self.slopes = layout, form, values, torch.zeros_like(values)
        self.weight, self.bias, self.head, self.offset = layout.views(values)
        self.weight_slope, self.bias_slope, self.head_slope, self.offset_slope = layout.views(self.slopes)
        self.inputs, self.hidden = torch.empty(0), torch.empty(0)

    def predict(self, inputs: Float[Tensor, "seeds inputs"]) -> Float[Tensor, " seeds"]:
        """The outputs of one example for each seed; what is needed for their slopes is kept."""
        summed = torch.baddbmm(self.bias[:, :, None], self.weight, inputs[:, :, None])[:, :, 0]
        self.inputs, self.hidden = inputs, self._through(summed)
        return (self.hidden * self.head).sum(1) + self.offset

    def differentiate(self, factors: Float[Tensor, " seeds"], *, head_alone: bool = False) -> None:
        """Writes the slopes of the outputs, times a factor for each seed, into :attr:`slopes`."""
        torch.mul(self.hidden, factors[:, None], out=self.head_slope)
        self.offset_slope.copy_(factors)
        if not head_alone:
            torch.mul(self.head * factors[:, None], self._derivative(), out=self.bias_slope)
            torch.mul(self.bias_slope[:, :, None], self.inputs[:, None, :], out=self.weight_slope)

    def _through(self, summed: Tensor) -> Tensor:
        if self.form is Form.threshold:
            return (summed > 0).float()
        return summed.relu_() if self.form is Form.relu else summed.tanh_()

    def _derivative(self) -> Tensor:
        """The derivative of the non-linearity, of what it gave."""
        return (self.hidden > 0).float() if self.form is Form.relu else 1 - self.hidden.square()


class LinearNetworks(Networks):
    """Linear models, side by side: the inputs are the hidden units."""

    def predict(self, inputs: Float[Tensor, "seeds inputs"]) -> Float[Tensor, " seeds"]:
        self.inputs = self.hidden = inputs
        return (inputs * self.head).sum(1) + self.offset

    def differentiate(self, factors: Float[Tensor, " seeds"], *, head_alone: bool = False) -> None:
        super().differentiate(factors, head_alone=True)


def learned(streams: Sequence[Stream], units: int, form: Form, task: int = 0) -> Networks:
    """Networks as `train.py` draws those of the same seeds, fresh for a task.

    Args:
        streams: one for each seed.
        units: of the hidden layer; none makes linear models.
        form: the units' non-linearity.
        task: that finds them fresh.
    """
    inputs = streams[0].shape[0]
    purpose = (task,) if task else ()
    rows = torch.stack([_drawn(inputs, units, seed_for(stream.seed, "network", *purpose)) for stream in streams])
    return Networks(rows, Layout(inputs, units), form) if units else LinearNetworks(rows, Layout(inputs, 0), form)


def searched(streams: Sequence[Stream], units: int, threshold: float = 0.0) -> Networks:
    """Networks whose hidden units are threshold units with random signs for weights, and whose output is zero.

    Args:
        streams: one for each seed.
        units: how many.
        threshold: of each.
    """
    layout = Layout(streams[0].shape[0], units)
    networks = Networks(torch.zeros(len(streams), layout.length), layout, Form.threshold)
    for place, stream in enumerate(streams):
        networks.weight[place] = signs((units, layout.inputs), source(stream.seed, "features"))
    networks.bias.fill_(-threshold)
    return networks


def _drawn(inputs: int, units: int, seed: int) -> Float[Tensor, " length"]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MLP(inputs, 1, hidden_units=max(1, units), hidden_layers=1 if units else 0)
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
