"""A network that is told, when a task is over, what its weights were and how much they mattered."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor, nn

from plastic_rl.learners.backprop import Backprop, counted
from plastic_rl.learners.delegating import DelegatingLearner
from plastic_rl.learners.learner import Blueprint
from plastic_rl.learners.losses import loss
from plastic_rl.optim import Anchoring, methods_in
from plastic_rl.streams.draws import source
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Task


class AnchoredLearner(DelegatingLearner):
    """One network that is drawn back to the weights of earlier tasks: EWC, or L2 transfer.

    When a task begins, the one before is consolidated on some of its training examples.

    Args:
        blueprint: how the network is made; its method is an :class:`plastic_rl.optim.Anchoring`.
        stream: what it is to learn from.
        examples: at most so many of a task's training examples, drawn at random, say how much a weight mattered.
        device: where it lives.

    Raises:
        TypeError: the blueprint has another method, or none.
    """

    def __init__(
        self, blueprint: Blueprint, stream: Stream, *, examples: int = 500, device: torch.device | str = "cpu"
    ) -> None:
        super().__init__(Backprop(blueprint, stream, seed=stream.seed, device=device))
        anchoring = [method for method in methods_in(self.backprop.optimizer) if isinstance(method, Anchoring)]
        if not anchoring:
            kind = type(self.backprop.optimizer).__name__
            raise TypeError(f"the blueprint's method must anchor weights, as EWC does; got {kind}")
        self.anchoring, self.stream, self.examples = anchoring, stream, examples

    def begin(self, task: Task, plan: Plan) -> None:
        if task.index > 0:
            self.backprop.network.eval()
            for method in self.anchoring:
                method.consolidate(self._losses(self.stream.task(task.index - 1)))
            self.backprop.network.train()
        self.backprop.begin(task, plan)

    def _losses(self, task: Task) -> Iterator[Tensor]:
        """For each of some examples the loss of a target that is drawn from what the network says."""
        drawn = source(self.stream.seed, "importance", task.index)
        places = torch.randperm(len(task.train), generator=drawn)[: self.examples]
        for place in places.to(task.train.inputs.device).split(1):
            outputs = counted(self.backprop.network(task.view(task.train.take(place)[0])), task)
            yield loss(outputs, drawn_target(outputs, drawn, self.stream.is_regression), self.stream.is_regression)


@torch.no_grad()
def drawn_target(outputs: Tensor, drawn: Generator, is_regression: bool) -> Tensor:
    """A target for each row of outputs, drawn from the distribution whose negative log-likelihood is the loss.

    For classes that is their softmax; for numbers a normal distribution around them of variance one half, of which
    the squared error is the negative log-likelihood but for a constant.

    Args:
        outputs: what the network says, of shape (n, outputs).
        drawn: where it is drawn, on the CPU.
        is_regression: whether targets are numbers.
    """
    means = outputs.detach().cpu()
    if is_regression:
        target = means + 0.5**0.5 * torch.randn(means.shape, generator=drawn)
    else:
        target = nn.functional.softmax(means, -1).multinomial(1, generator=drawn).squeeze(-1)
    return target.to(outputs.device)
