"""The young entries of several parameters side by side: what an Adam does for them, it does for all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from plastic_rl.optim.young_units import Young, warming

Entries: TypeAlias = Float[Tensor, " n"]
Numbers: TypeAlias = NDArray[Any]

# Of these NumPy has a kind, too, and where they are as few as here its operations take a fifth of the time of torch's.
OF_NUMPY = frozenset({torch.float32, torch.float64})


class YoungTogether:
    """The young entries of some parameters of one group.

    Args:
        members: the young entries of each parameter.
    """

    def __init__(self, members: Sequence[Young]) -> None:
        self.members = list(members)
        self.sizes = [member.positions.numel() for member in members]
        self.corrections: Float[Tensor, "4 n"] = torch.cat([member.corrections for member in members], 1)
        self.parts = self.corrections.split(self.sizes, 1)
        for member, part in zip(members, self.parts, strict=True):
            member.corrections = part
        self._addresses: list[int] = []
        self._views: list[Numbers] = []

    def is_of(self, members: Sequence[Young]) -> bool:
        """True if it holds these, and they are as it left them."""
        return len(members) == len(self.members) and all(
            one is other and one.corrections is part
            for one, other, part in zip(members, self.members, self.parts, strict=True)
        )

    @torch.no_grad()
    def follow(
        self, first: Sequence[Tensor], second: Sequence[Tensor], group: dict[str, Any], skipped: Tensor | None
    ) -> None:
        """Replaces the steps that torch's Adam has just taken with the entries by those of a fresh Adam.

        Args:
            first: the first moments of each parameter.
            second: its second moments.
            group: the settings.
            skipped: 1 where GradScaler lets a fused Adam skip its step.
        """
        settings = (group["lr"], group["eps"], *group["betas"])
        views = self._seen_by_numpy(first, second)
        if views and skipped is None and not any(isinstance(each, Tensor) for each in settings):
            self._follow_in_numpy(views, *settings)
        else:
            self._follow_in_torch(first, second, group, skipped)

    def come_of_age(self, states: Sequence[dict[str, Any]]) -> None:
        """Scales the moments of entries that are no longer young so that the parameter's age fits them.

        Args:
            states: what the optimiser knows of each parameter.
        """
        for place, (member, state) in enumerate(zip(self.members, states, strict=True)):
            count = member.grow_older()
            if count and self._views and "max_exp_avg_sq" not in state:
                self._scale_in_numpy(place, count)
                member.let_go(count)
            elif count:
                second = [state[name] for name in ("exp_avg_sq", "max_exp_avg_sq") if name in state]
                member.scale(count, [state["exp_avg"]], second)
                member.let_go(count)

    # Anywhere.

    def _follow_in_torch(
        self, first: Sequence[Tensor], second: Sequence[Tensor], group: dict[str, Any], skipped: Tensor | None
    ) -> None:
        self._warm_up(tuple(group["betas"]), skipped)
        corrections = self.corrections.unbind()
        mean, square = self._gathered(first), self._gathered(second)
        excess = direction(mean, square, corrections[2:], group["eps"])
        excess.sub_(direction(mean, square, corrections[:2], group["eps"])).mul_(group["lr"])
        if skipped is not None:
            excess.masked_fill_(skipped.bool(), 0)
        for member, part in zip(self.members, excess.split(self.sizes), strict=True):
            member.parameter.put_(member.positions, part.to(member.parameter.dtype), accumulate=True)

    def _warm_up(self, betas: tuple[float | Tensor, ...], skipped: Tensor | None) -> None:
        """Brings the bias corrections of all entries one step on: 1 - β^(t + 1) = β (1 - β^t) + 1 - β."""
        decays, rest = warming(betas, self.corrections.dtype, self.corrections.device)
        after = torch.addcmul(rest, self.corrections, decays)
        self.corrections.copy_(after if skipped is None else torch.where(skipped.bool(), self.corrections, after))

    def _gathered(self, tensors: Sequence[Tensor]) -> Entries:
        return torch.cat([each.take(member.positions) for each, member in zip(tensors, self.members, strict=True)])

    # On a CPU.

    def _seen_by_numpy(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> list[Numbers]:
        """Parameters, first and second moments, each as a vector of NumPy; nothing where that is impossible."""
        tensors = [*(member.parameter for member in self.members), *first, *second]
        addresses = [tensor.data_ptr() for tensor in tensors]
        if addresses != self._addresses:
            possible = all(each.device.type == "cpu" and each.dtype in OF_NUMPY for each in tensors)
            possible = possible and all(each.is_contiguous() for each in tensors)
            self._addresses = addresses
            self._views = [each.detach().numpy().reshape(-1) for each in tensors] if possible else []
            if possible:
                self._positions = [member.positions.numpy() for member in self.members]
                self._numbers = self.corrections.numpy()
        return self._views

    @np.errstate(all="ignore")  # as torch, which lets others notice what is no number
    def _follow_in_numpy(self, views: list[Numbers], rate: float, eps: float, *betas: float) -> None:
        decays, rest = (each.numpy() for each in warming(betas, self.corrections.dtype, self.corrections.device))
        self._numbers *= decays
        self._numbers += rest
        count = len(self.members)
        parameters, first, second = views[:count], views[count : 2 * count], views[2 * count :]
        mean, square = self._gathered_in_numpy(first), self._gathered_in_numpy(second)
        excess = direction_in_numpy(mean, square, self._numbers[2:], eps)
        excess -= direction_in_numpy(mean, square, self._numbers[:2], eps)
        excess *= rate
        start = 0
        for parameter, positions in zip(parameters, self._positions, strict=True):
            # Of an entry that is there twice, being born again, the last counts; the others have nothing to add.
            parameter[positions] += excess[start : start + len(positions)]
            start += len(positions)

    @np.errstate(all="ignore")
    def _scale_in_numpy(self, place: int, count: int) -> None:
        positions, corrections = self._positions[place][:count], self.parts[place].numpy()[:, :count]
        growths = corrections[2:] / corrections[:2] - 1
        for which, growth in enumerate(growths, start=1):
            moments = self._views[which * len(self.members) + place]
            moments[positions] += moments.take(positions) * growth

    def _gathered_in_numpy(self, vectors: Sequence[Numbers]) -> Numbers:
        pairs = zip(vectors, self._positions, strict=True)
        return np.concatenate([vector.take(positions) for vector, positions in pairs])


def direction(first: Entries, second: Entries, corrections: Sequence[Entries], eps: float) -> Entries:
    """Adam's direction m̂ / (√v̂ + ε) from raw moments and the two bias corrections 1 - β^t (Kingma & Ba, Alg. 1)."""
    return (first / corrections[0]).div_((second / corrections[1]).sqrt_().add_(eps))


def direction_in_numpy(first: Numbers, second: Numbers, corrections: Numbers, eps: float) -> Numbers:
    """:func:`direction` in NumPy."""
    divisor = second / corrections[1]
    np.sqrt(divisor, out=divisor)
    divisor += eps
    quotient = first / corrections[0]
    quotient /= divisor
    return quotient
