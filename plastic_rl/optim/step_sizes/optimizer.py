"""Optimisers that learn step sizes from the slopes of a prediction and from its error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.optim.step_sizes.rule import Rule, RuleMemory
from plastic_rl.optim.step_sizes.slopes import misfit


class SlopeOptimizer(Optimizer):
    """The base of optimisers that are told a prediction's error, and find in ``grad`` the slopes of the prediction.

    A loss mixes the two, and its gradient -δ x tells neither x² nor δ, which the rules need. So the prediction itself
    is differentiated, one example at a time::

        layer = torch.nn.Linear(3, 2)
        optimizer = K1(layer.parameters())
        prediction = layer(torch.ones(3))     # of shape (outputs,): no axis of examples
        optimizer.zero_grad()
        prediction.sum().backward()           # grad: the slopes, of a linear layer its inputs
        optimizer.observe(1.0 - prediction.detach())
        optimizer.step()

    One error of no shape is served for any network: its slopes are those of its one output. Errors of shape (outputs,)
    are served for one linear layer alone, of which each row of the weight and each entry of the bias belongs to one
    output. Sums over the weights of an output go over all parameters. A step without an error is refused, and so are
    errors whose shape the parameters' shapes do not begin with.

    The state has the shapes of the parameters, begins at zero, and holds step sizes as the logarithm of their growth:
    ``lr`` times its exponential is what a weight moves by.

    Args:
        params: the parameters of the prediction.
        rule: by which they change.
        lr: the step size of each to begin with.

    Raises:
        ValueError: the step size is not above 0.
    """

    def __init__(self, params: Iterable[Tensor], rule: Rule, *, lr: float) -> None:
        if not 0 < lr < float("inf"):
            raise ValueError(f"lr must be above 0 and finite, got {lr}")
        super().__init__(params, {"lr": lr})
        self.rule = rule
        self._errors: Tensor | None = None
        self._ends = False

    rule: Rule

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "rule": self.rule, "_errors": None, "_ends": False}

    def observe(self, errors: Float[Tensor, " *units"] | float, *, ends_episode: bool = False) -> None:
        """Takes the errors for the next step.

        Args:
            errors: δ, by how much each output was too small: target less prediction, or an error of temporal
                differences.
            ends_episode: let the traces of rules that have some end after the next step.
        """
        given = errors.detach() if isinstance(errors, Tensor) else torch.tensor(errors, dtype=torch.float64)
        self._errors, self._ends = given, ends_episode

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # pyright: ignore
        """Changes the weights, and their step sizes, after one example.

        Args:
            closure: differentiates the prediction and observes its error; what it returns is returned.

        Raises:
            RuntimeError: no error was observed.
            ValueError: the errors do not belong to the parameters.
        """
        outcome = None
        if closure is not None:
            with torch.enable_grad():
                outcome = closure()
        with torch.no_grad():
            self._step()
        return outcome

    def _step(self) -> None:
        groups = [(each, float(group["lr"])) for group in self.param_groups for each in group["params"]]
        pairs = [(each, rate) for each, rate in groups if each.grad is not None]
        weights: list[Tensor] = [each for each, _ in pairs]
        errors = self._taken(weights)
        if not weights:
            return
        memory = self._memory(weights, errors)
        slopes: list[Tensor] = [each.grad for each in weights if each.grad is not None]
        changes = self.rule.changes(memory, slopes, errors, [rate for _, rate in pairs])
        torch._foreach_add_(weights, changes)  # pyright: ignore[reportPrivateImportUsage]
        if self._ends:
            self.rule.end_episode(memory)

    def _taken(self, weights: list[Tensor]) -> Tensor:
        """The errors that were observed, which count once."""
        if self._errors is None:
            kind = type(self).__name__
            raise RuntimeError(
                f"{kind} needs the error of the prediction, and finds its slopes in grad: differentiate the prediction "
                f"instead of a loss, and call {kind}.observe(errors) before each step()"
            )
        errors, self._errors = self._errors, None
        if weights:
            errors = errors.to(weights[0])
            errors = errors.reshape(()) if errors.numel() == 1 else errors
        if reason := misfit(errors, weights):
            raise ValueError(f"{type(self).__name__}: {reason}")
        return errors

    def _memory(self, weights: list[Tensor], errors: Tensor) -> RuleMemory:
        """The rule's memory, in the state of the parameters; that of outputs is in the state of the first of all."""
        fresh = [each for each in weights if self.rule.per_weight[0] not in self.state[each]]
        begun = self.rule.begin(fresh, errors)
        for place, each in enumerate(fresh):
            self.state[each].update({name: begun.weights[name][place] for name in self.rule.per_weight})
        of_units = self.state[self.param_groups[0]["params"][0]]
        for name, value in begun.units.items():
            of_units.setdefault(name, value)
        return RuleMemory(
            {name: [self.state[each][name] for each in weights] for name in self.rule.per_weight},
            {name: of_units[name] for name in self.rule.per_unit},
        )

    def step_sizes(self) -> list[Tensor]:
        """The step size of each weight now, in the order of the groups."""
        pairs = [(each, group["lr"]) for group in self.param_groups for each in group["params"]]
        zero = torch.zeros(())
        return [rate * self.state[each].get("log_gain", zero.to(each)).exp().expand_as(each) for each, rate in pairs]
