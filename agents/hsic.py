"""The HSIC bottleneck and other local losses on a stream.

Ma, Lewis, Kleijn, "The HSIC bottleneck: deep learning without back-propagation", AAAI 2020. Their settings are in
`agents.published`; the values below are what works on streams, where batches are small and features move: the
ridge-readout score (docs/hsic_bottleneck.md) and a readout in closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from agents.recipe import SupervisedAgent
from plastic_rl.choices import Estimator, LocalNetwork, Normalization, ReadoutKind
from plastic_rl.settings import Count, Decay, NonNegativeInteger, OneOf, OrNone, Positive, Range

if TYPE_CHECKING:
    import torch

    from plastic_rl.learners import Learner
    from plastic_rl.nn.local.trainer import OptimizerFactory, ReadoutFactory
    from plastic_rl.optim import Plasticity
    from plastic_rl.streams import Stream

OptionalPositive = Annotated[float | None, OrNone(Range(0, low_included=False))]
OptionalInfinite = Annotated[float | None, OrNone(Range(0, low_included=False, may_be_infinite=True))]


@dataclass
class HSIC(SupervisedAgent):
    """A network whose blocks are each trained by a loss of their own, as by the HSIC bottleneck (Ma et al. 2020)."""

    keeps: ClassVar[frozenset[str]] = frozenset({"network"})

    network: Annotated[str, OneOf(tuple(LocalNetwork))] = "mlp"  # blocks that are normalised; no output layer
    hidden_layers: Count = 3  # blocks of an mlp
    hidden_units: Count = 100  # of an mlp, in each block
    normalization: Annotated[str, OneOf(tuple(Normalization))] = "batch"  # of an mlp; "layer" takes minibatches of one
    estimator: Annotated[str, OneOf(tuple(Estimator))] = "ridge"  # what a block is trained by
    beta: OptionalInfinite = None  # of HSIC, weight of the targets against the inputs; none for the estimator's own
    sigma: OptionalPositive = None  # of Gaussian kernels, over the root of the dimension; none for the estimator's own
    readout: Annotated[str, OneOf(tuple(ReadoutKind))] = (
        "ridge"  # "assignment", "class_means" add a block with a unit a class
    )
    horizon: Annotated[float, Range(1, may_be_infinite=True)] = 1024.0  # of the ridge readout, in samples back
    readout_every: Count = 1  # of the ridge readout: updates between two solutions
    format_epochs: NonNegativeInteger = 0  # the last passes over a task, in which only the readout learns
    learning_rate: Positive = 1e-3
    optimizer: Annotated[str, OneOf(("adam", "sgd"))] = "adam"
    momentum: Decay = 0.0  # of sgd

    def plasticity(self) -> Plasticity | None:
        """Return the method that is to wrap the optimiser, or None for none."""
        return None

    def build_one(self, stream: Stream, *, device: str) -> Learner:
        from plastic_rl.errors import UserError
        from plastic_rl.learners.local import LocalBlueprint, LocalLearner

        self._check()
        blueprint = LocalBlueprint(
            network=lambda: self._network(stream),
            optimizer=self._optimizer(),
            estimator=self.estimator,
            readout=self._readout(),
            plasticity=self.plasticity(),
            format_epochs=self.format_epochs,
            settings=self._given(),
        )
        try:
            return LocalLearner(blueprint, stream, seed=stream.seed, device=device)
        except TypeError as error:
            raise UserError(f"{error}\nSet the others to null, such as agent.beta=null") from error

    def _check(self) -> None:
        from plastic_rl.errors import UserError

        if self.network == "residual_conv" and "ridge" in (self.estimator, self.readout):
            raise UserError(
                "agent.network=residual_conv has thousands of features in each block, for which ridge regression "
                "cannot be solved at each update\nTake agent.estimator=normalized_hsic agent.readout=softmax"
            )
        if self.momentum and self.optimizer != "sgd":
            raise UserError(f"agent.momentum={self.momentum} is for agent.optimizer=sgd; adam has its own")

    def _network(self, stream: Stream) -> torch.nn.Module:
        from plastic_rl.networks import LocalMLP, ResidualConv

        if self.network == "residual_conv":
            return ResidualConv(stream.shape)
        of_classes = [stream.outputs] if ReadoutKind(self.readout).is_unformatted else []
        widths = [self.hidden_units] * self.hidden_layers + of_classes
        return LocalMLP(stream.shape, widths, normalization=self.normalization)

    def _optimizer(self) -> OptimizerFactory:
        import torch

        if self.optimizer == "adam":
            return partial(torch.optim.Adam, lr=self.learning_rate)
        return partial(torch.optim.SGD, lr=self.learning_rate, momentum=self.momentum)

    def _readout(self) -> str | ReadoutFactory:
        from plastic_rl.nn.local.ridge_readout import RidgeReadout

        if self.readout != "ridge":
            return self.readout
        ridge: Callable[..., Any] = RidgeReadout
        return partial(ridge, horizon=self.horizon, refresh_every=self.readout_every)

    def _given(self) -> dict[str, float]:
        known = {"beta": self.beta, "sigma": self.sigma}
        return {name: value for name, value in known.items() if value is not None}
