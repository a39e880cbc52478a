"""Records which units fire, where their readers take them in, and how long they go without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.optim.distributed import agreed
from plastic_rl.optim.observed_layer import ObservedLayer
from plastic_rl.optim.recorder import Recorder


class FiringRecorder(Recorder):
    """Records which columns are positive on some sample, at some place, of some pass that built a graph.

    Args:
        port: where the reader meets the units.
    """

    values = ("fired",)

    def __init__(self, port: Port) -> None:
        self.fired: Bool[Tensor, " columns"] | None = None
        self.is_wanted = True
        super().__init__(port)

    @property
    def is_listening(self) -> bool:
        return self.is_wanted

    def listen(self, is_wanted: bool) -> None:
        self.is_wanted = is_wanted

    def hear(self, activations: Float[Tensor, "..."]) -> None:
        others, positive = self.over_all_but_columns(activations), activations.detach() > 0
        latest = positive.any(tuple(others)) if others else positive
        self.fired = latest if self.fired is None else self.fired | latest


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

    def observe(self) -> None:
        """Takes note of an update: silences that end go into the histogram, others grow."""
        fired = self._fired()
        self.unheard = 0 if fired is not None else self.unheard + 1
        if fired is not None:
            self.note(fired)
            self.silence.add_(1).masked_fill_(fired, 0)

    def _fired(self) -> Bool[Tensor, " units"] | None:
        heard = [each.port.per_unit(each.fired.float()) for each in self.recorders if each.fired is not None]
        return agreed(torch.stack(heard).sum(0)) > 0 if heard else None

    def note(self, ended: Bool[Tensor, " units"]) -> None:
        """Counts the silences of some units as ended."""
        gap = self.silence.clamp(max=self.longest)
        self.histogram.scatter_add_(1, gap[:, None], ended[:, None].to(self.histogram.dtype))

    def renew(self, units: Int[Tensor, " k"], step: int) -> None:
        """Counts the silences of replaced units as ended, and starts them anew; what is known of their gaps stays."""
        super().renew(units, step)
        self.note(torch.zeros_like(self.silence, dtype=torch.bool).index_fill_(0, units, True))
        self.silence.index_fill_(0, units, 0)

    def move(self, device: torch.device, dtype: torch.dtype) -> None:
        super().move(device, dtype)
        self.silence, self.threshold = self.silence.to(device), self.threshold.to(device)
        self.histogram = self.histogram.to(device)

    def begin(self, step: int) -> None:
        super().begin(step)
        self.silence.zero_()
        self.histogram.zero_()
        self.threshold.fill_(self.longest)

    def take_over(self, other: ObservedLayer[FiringRecorder]) -> None:
        assert isinstance(other, FiringLayer)
        super().take_over(other)
        for name, value in other.tensors().items():
            self.tensors()[name].copy_(value)

    def tensors(self) -> dict[str, Tensor]:
        """The state that changes from update to update."""
        return {"silence": self.silence, "threshold": self.threshold, "histogram": self.histogram}

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), **self.tensors()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        for name, value in self.tensors().items():
            value.copy_(state[name])
