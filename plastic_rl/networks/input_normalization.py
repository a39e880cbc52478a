"""A layer that normalises a network's inputs by an exponential average of their mean and variance."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.layers import Tracking

Statistics = tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"], Float[Tensor, ""]]


def taken_in(
    mean: Float[Tensor, "*shape"],
    variance: Float[Tensor, "*shape"],
    count: Float[Tensor, ""],
    inputs: Float[Tensor, "batch *shape"],
    decay: float,
) -> Statistics:
    """The moments of all inputs, an input counting `decay` times as much as the one after it, and the sum of weights.

    Dividing by the sum of weights corrects the bias of the first inputs. Those of a minibatch are of the same age.
    """
    kept, new = count * decay ** len(inputs), len(inputs)
    share, shift = new / (kept + new), inputs.mean(0) - mean
    spread = inputs.var(0, correction=0) - variance + shift.square() * (1 - share)
    return mean + share * shift, variance + share * spread, kept + new


class InputNormalization(Tracking):
    """Brings each entry of the inputs to a mean of 0 and a variance of 1, as they were of late.

    While training, a minibatch is taken in before it is normalised; in evaluation mode nothing is. A change of the
    inputs is followed within some 1 / (1 - decay) examples. Its buffers travel with the network's weights.

    Args:
        shape: of one input.
        decay: in (0, 1]: how much of the average is kept from one example to the next; 1 forgets nothing.
        clip: the largest magnitude that comes out.
        epsilon: is added to each variance.

    Raises:
        ValueError: the decay is out of its range.
    """

    mean: Tensor
    variance: Tensor
    count: Tensor

    def __init__(self, shape: tuple[int, ...], *, decay: float, clip: float = 10.0, epsilon: float = 1e-8) -> None:
        super().__init__()
        if not 0 < decay <= 1:
            raise ValueError(f"decay must be above 0 and at most 1, got {decay}")
        self.decay, self.clip, self.epsilon = decay, clip, epsilon
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("variance", torch.ones(shape))
        self.register_buffer("count", torch.zeros(()))

    def forward(self, inputs: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch *shape"]:
        """The normalised inputs."""
        if self.training:
            with torch.no_grad():
                self._take_in(inputs)
        return ((inputs - self.mean) / (self.variance + self.epsilon).sqrt()).clamp(-self.clip, self.clip)

    def _take_in(self, inputs: Float[Tensor, "batch *shape"]) -> None:
        mean, variance, count = taken_in(self.mean, self.variance, self.count, inputs, self.decay)
        self.mean.copy_(mean)
        self.variance.copy_(variance)
        self.count.copy_(count)
