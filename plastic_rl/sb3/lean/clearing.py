"""The clearing of gradients, without what torch does around it."""

from __future__ import annotations

from torch.optim import Optimizer

from plastic_rl.optim import PlasticOptimizer, methods_in
from plastic_rl.sb3.lean.gradients import Gradients


class Clearing:
    """The `zero_grad` of an optimiser whose gradients are written over before it steps.

    Args:
        optimizer: a policy's, with its methods.
        gradients: of its parameters.
    """

    def __init__(self, optimizer: Optimizer, gradients: Gradients) -> None:
        self.optimizer, self.gradients = optimizer, gradients
        methods = list(methods_in(optimizer))
        inner = methods[-1].optimizer if methods else optimizer
        self.is_known = _is(Optimizer, inner) and all(_is(PlasticOptimizer, method) for method in methods)
        adds = [type(method).after_zero_grad is not PlasticOptimizer.after_zero_grad for method in methods]
        self.adding = [method for method, does in zip(methods, adds, strict=True) if does][::-1]

    def clear(self) -> None:
        """Has the methods add what depends on weights alone to no gradient at all."""
        if not self.is_known:
            self.optimizer.zero_grad()
            self.gradients.let_go()
        elif self.adding:
            for parameter in self.gradients.parameters:
                parameter.grad = None
            for method in self.adding:
                method.after_zero_grad()


def _is(kind: type[Optimizer], optimizer: Optimizer) -> bool:
    return type(optimizer).zero_grad is kind.zero_grad and "zero_grad" not in vars(optimizer)
