"""Several locally trained trunks, each with a bandwidth of its own, under one head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from plastic_rl.nn.local.readouts import SoftmaxReadout
from plastic_rl.nn.local.targets import TargetEncoder
from plastic_rl.nn.local.trainer import ADAM, LocalHSIC, OptimizerFactory
from plastic_rl.precision import at_least_single


class CombinedTrunks(nn.Module):
    """The mean of several trunks' last features, normalised, under one softmax head: the paper's σ-combined network.

    ::

        trunks = [
            LocalHSIC(build_trunk(), inputs[:1], target_encoder=OneHot(10), readout=None, sigma=sigma)
            for sigma in (1.0, 5.0, 10.0)
        ]
        combined = CombinedTrunks(trunks, target_encoder=OneHot(10))

    One trunk with ``sigma=(1.0, 5.0, 10.0)``, the mean of three kernels, costs a third of it.

    Args:
        trunks: with last blocks of one width, and without readouts of their own.
        target_encoder: of classes.
        optimizer: makes the head's optimiser.

    Raises:
        ValueError: for trunks of different widths, or targets that are no classes.
    """

    def __init__(
        self,
        trunks: Sequence[LocalHSIC],
        *,
        target_encoder: TargetEncoder,
        optimizer: OptimizerFactory = ADAM,
    ) -> None:
        super().__init__()
        widths = {trunk.widths[-1] for trunk in trunks}
        if len(widths) != 1:
            raise ValueError(
                f"trunks are combined by the mean of their last features, of one width; got {sorted(widths)}"
            )
        (width,) = widths
        self.trunks, self.encoder = nn.ModuleList(trunks), target_encoder
        self.norm, self.head = nn.BatchNorm1d(width, affine=False), SoftmaxReadout(width, target_encoder)
        self.optimizer = optimizer(self.head.parameters())

    def update(self, inputs: Tensor, targets: Any, *, trunk: bool = True, readout: bool = True) -> Float[Tensor, ""]:
        """One step of every trunk, and of the head, on a batch; returns the mean of the trunks' losses.

        Args:
            inputs: of the trunks.
            targets: classes.
            trunk: train the trunks; False leaves them as they are.
            readout: train the head.
        """
        loss = torch.zeros((), device=inputs.device)
        if trunk:
            loss = torch.stack([each.update(inputs, targets) for each in self._each()]).mean()
        if readout:
            self.optimizer.zero_grad()
            self.head.loss(self.features(inputs), self.encoder(targets)).backward()
            self.optimizer.step()
        return loss

    def features(self, inputs: Tensor) -> Float[Tensor, "samples width"]:
        """The normalised mean of the trunks' last features, detached; the trunks are in evaluation mode."""
        last = [at_least_single(trunk.trunk.frozen(inputs)[-1]) for trunk in self._each()]
        return self.norm(torch.stack(last).mean(0))

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> Any:
        """The classes that the head predicts, in evaluation mode."""
        was_training, self.norm.training = self.norm.training, False
        columns = self.head(self.features(inputs))
        self.norm.training = was_training
        return self.encoder.decode(columns)

    def _each(self) -> list[LocalHSIC]:
        return [trunk for trunk in self.trunks if isinstance(trunk, LocalHSIC)]

    def get_extra_state(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict()}

    def set_extra_state(self, state: Any) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
