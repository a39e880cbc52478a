"""The settings that agents share which learn a step size for each weight of their last layer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar

from agents.recipe import BackpropAgent
from plastic_rl.choices import Network
from plastic_rl.settings import OneOf, Positive

if TYPE_CHECKING:
    import torch

    from plastic_rl.learners import Learner
    from plastic_rl.optim.step_sizes import SlopeOptimizer
    from plastic_rl.streams import Stream


@dataclass
class StepSizeAgent(BackpropAgent):
    """The settings of a linear model, or of the last layer of a network, whose step sizes are learned."""

    keeps: ClassVar[frozenset[str]] = frozenset({"network"})

    network: Annotated[str, OneOf(tuple(Network))] = "linear"
    learning_rate: Positive = 0.05  # of each weight to begin with (Sutton 1992)
    hidden_learning_rate: Positive = 0.003  # of Adam in hidden layers, if the network has any
    everywhere: bool = False  # move hidden layers by the same rule; for one output

    @abstractmethod
    def rule(self) -> Callable[[Iterable[torch.Tensor]], SlopeOptimizer]:
        """Return what makes the optimiser of the last layer."""

    def optimizer(self) -> Callable[[Iterable[torch.Tensor]], torch.optim.Optimizer]:
        import torch

        return partial(torch.optim.Adam, lr=self.hidden_learning_rate)

    def build_one(self, stream: Stream, *, device: str) -> Learner:
        from plastic_rl.errors import UserError
        from plastic_rl.learners import SlopeLearner

        if self.compile or self.precision != "float32":
            raise UserError("step sizes are learned in float32 without compiling\nLeave agent.compile and .precision")
        return SlopeLearner(
            self.blueprint(stream, stream.outputs),
            self.rule(),
            stream,
            seed=stream.seed,
            device=device,
            everywhere=self.everywhere,
        )
