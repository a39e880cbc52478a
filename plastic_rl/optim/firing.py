"""Records which units fire, where their readers take them in, and how long they go without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from plastic_rl.layers import HiddenLayer, Port, Resizing
from plastic_rl.optim.observed_layer import ObservedLayer
from plastic_rl.optim.recorder import Recorder


class FiringRecorder(Recorder):
    """Records the highest value of each column over samples, places and passes that built a graph.

    A column that it is above zero for has fired. Where a value is not a number, neither is the highest: nothing fired.

    Args:
        port: where the reader meets the units.
    """

    values = ("peak",)

    def __init__(self, port: Port) -> None:
        self.peak: Float[Tensor, " columns"] | None = None
        self.is_wanted = True
        super().__init__(port)

    @property
    def is_listening(self) -> bool:
        return self.is_wanted

    def listen(self, is_wanted: bool) -> None:
        self.is_wanted = is_wanted

    def hear(self, activations: Float[Tensor, "..."]) -> None:
        others = self.over_all_but_columns(activations)
        latest = activations.amax(others) if others else activations  # over no axis torch would take that of all
        self.peak = latest if self.peak is None else torch.maximum(self.peak, latest)


class FiringLayer(ObservedLayer[FiringRecorder]):
    """For each unit of a layer how long it has not fired, how often it was silent for how long, and its threshold.

    Args:
        layer: the group of units.
        initialiser: how newborn units' weights are drawn; None resembles each producer's weights as they are now.
        longest: the longest silence that is told apart, in updates; the threshold that units begin with.
    """

    def __init__(self, layer: HiddenLayer, initialiser: Callable[..., Any] | None, longest: int) -> None:
        super().__init__(layer, [FiringRecorder(port) for port in layer.read_by], initialiser)
        device, self.longest = layer.produced_by[0].weight.device, longest
        self.silence: Int[Tensor, " units"] = torch.zeros(layer.units, dtype=torch.int64, device=device)
        self.threshold: Float[Tensor, " units"] = torch.full((layer.units,), float(longest), device=device)
        self.histogram: Int[Tensor, "units gaps"] = torch.zeros(
            layer.units, longest + 1, dtype=torch.int32, device=device
        )
        self.unheard = 0  # updates since a reader last ran

    def fired(self) -> Bool[Tensor, " units"] | None:
        """Which units fired in this update; None where none of their readers ran."""
        heard = [each.port.per_unit((each.peak > 0).float()) for each in self.recorders if each.peak is not None]
        self.unheard = 0 if heard else self.unheard + 1
        return None if not heard else (heard[0] if len(heard) == 1 else torch.stack(heard).sum(0)) > 0

    def observe(self, fired: Bool[Tensor, " units"]) -> None:
        """Takes note of an update of this layer alone."""
        observe(fired, *self.tensors())

    def note(self, ended: Bool[Tensor, " units"]) -> None:
        """Counts the silences of some units as ended."""
        note(ended, self.silence, self.histogram)

    def renew(self, units: Int[Tensor, " k"], step: int) -> None:
        """Counts the silences of replaced units as ended, and starts them anew; what is known of their gaps stays."""
        super().renew(units, step)
        self.note(torch.zeros_like(self.silence, dtype=torch.bool).index_fill_(0, units, True))
        self.silence.index_fill_(0, units, 0)

    def move(self, device: torch.device, dtype: torch.dtype) -> None:
        super().move(device, dtype)
        self.hold(iter([tensor.to(device) for tensor in self.tensors()]))

    def begin(self, step: int) -> None:
        super().begin(step)
        self.silence.zero_()
        self.histogram.zero_()
        self.threshold.fill_(self.longest)

    def take_over(self, other: ObservedLayer[FiringRecorder]) -> None:
        assert isinstance(other, FiringLayer)
        super().take_over(other)
        for value, old in zip(self.tensors(), other.tensors(), strict=True):
            value.copy_(old)

    def tensors(self) -> list[Tensor]:
        """The state that changes from update to update."""
        return [self.silence, self.histogram, self.threshold]

    def hold(self, tensors: Iterator[Tensor]) -> None:
        """Keeps its state in other tensors from now on, taken in the order of :meth:`tensors`."""
        self.silence, self.histogram, self.threshold = tensors

    def resize(self, resizing: Resizing, step: int) -> None:
        super().resize(resizing, step)
        if resizing.concerns(self.layer):
            beginnings = (0.0, 0.0, float(self.longest))
            resized = [resizing.units.of(each, start) for each, start in zip(self.tensors(), beginnings, strict=True)]
            self.hold(iter(resized))

    def state_dict(self) -> dict[str, Any]:
        # Copies: a view would be saved with all that it is a view of.
        names = ("silence", "histogram", "threshold")
        own = {name: value.clone() for name, value in zip(names, self.tensors(), strict=True)}
        return {**super().state_dict(), **own}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        for name, value in zip(("silence", "histogram", "threshold"), self.tensors(), strict=True):
            value.copy_(state[name])


def observe(
    fired: Bool[Tensor, " units"],
    silence: Int[Tensor, " units"],
    histogram: Int[Tensor, "units gaps"],
    _: Float[Tensor, " units"],
) -> None:
    """Takes note of an update: silences that end go into the histogram and are 0, others grow."""
    note(fired, silence, histogram)
    silence.add_(1).masked_fill_(fired, 0)


def note(ended: Bool[Tensor, " units"], silence: Int[Tensor, " units"], histogram: Int[Tensor, "units gaps"]) -> None:
    """Counts the silences of some units in their histograms; the last bin is that of the longest and longer."""
    gap = silence.clamp(max=histogram.shape[1] - 1)
    histogram.scatter_add_(1, gap[:, None], ended[:, None].to(histogram.dtype))
