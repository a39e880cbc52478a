"""Additive parameter decomposition: a network that learns task after task and forgets only what it is told to forget.

Yoon, Kim, Yang, Hwang, "Scalable and Order-robust Continual Learning with Additive Parameter Decomposition", ICLR 2020
(arXiv 1902.09432). What differs from paper and released code: docs/additive_parameter_decomposition.md.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any, Self

import torch
from torch import nn

from plastic_rl.choices import Centre, Form
from plastic_rl.nn.additive.settings import DecompositionSettings
from plastic_rl.nn.additive.shared_network import SharedNetwork
from plastic_rl.nn.additive.task_names import TaskName, checked_name
from plastic_rl.nn.additive.visit import Visit
from plastic_rl.validation import one_of


class AdditiveDecomposition(SharedNetwork):
    """The tasks of a network: θ_t = σ ⊗ M_t + τ_t in linear and convolutional layers, all else whole for each task.

    ::

        tasks = AdditiveDecomposition(network, heads=["head"])
        optimizer = AdditiveOptimizer(torch.optim.Adam(network.parameters()), decomposition=tasks)
        ...                      # learn the first task, with the network and the optimiser as ever
        tasks.new_task()         # learn another one
        with tasks.task(0):      # the network is again what it was, bit for bit
            evaluate(network)

    The network's own parameters are the active task's, so that it runs, compiles and is saved as before. The task that
    was last trained is the one that *learns*; whichever task is active when the optimiser takes a step becomes it.
    Until then a visit to another task leaves no trace: what is not trained is not stored.

    Args:
        network: any module, already on its device.
        sparsity: λ', dimensionless: a weight moves away from what is shared if the optimiser's direction is larger than
            this (with Adam, if its signal-to-noise ratio is). 0 leaves the optimiser bit for bit alone. In the
            reference form λ1, in units of the loss.
        drift: how dear it is to move σ once there are old tasks: what each of them asks, in the same units as λ', for
            σ where it reads σ; ``math.inf`` freezes σ there. In the fixed form λ2 of Equation 1, in units of the
            learning rate; in the reference form λ2 of the released code.
        form: "fixed" (Equation 1, old tasks move with σ), "retroactive" (Equation 2) or "hierarchical" (Equation 3).
        tolerance: by how much a weight of an old task may move in all its life, so that less has to be kept; 0 recalls
            bit for bit. The outputs of one layer move by at most this times the sum of its inputs' magnitudes. In the
            fixed form old tasks move with σ all the same.
        heads: names of modules and parameters that belong to a task alone; None for the last layer registered.
        initial_mask: M of a new task; 1 switches masks off.
        first_task: the name of the task that is learnt first.
        groups: K, how many groups of tasks are added at each consolidation; hierarchical form only.
        every: s, how many tasks lie between two consolidations.
        spread: β, within which weights of a group are replaced by its centre; 0 merges without loss.
        centre: "midrange" (the released code: no weight moves by more than β / 2) or "mean" (the paper).
        reference: follow the released code step by step, for comparison: approximate recall, one Adam for all factors.
        weight_decay: of the learning task's τ and v in the reference form; elsewhere the optimiser's own counts.
        seed: of the masks' start in the reference form; nothing else is drawn.

    Raises:
        ValueError: for a hyper-parameter out of its range, a head that does not exist, or no weight to decompose.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        sparsity: float = 0.2,
        drift: float = 1.0,
        form: str = "hierarchical",
        tolerance: float = 0.0,
        heads: Collection[str] | None = None,
        initial_mask: float = 0.5,
        first_task: TaskName = 0,
        groups: int = 2,
        every: int = 5,
        spread: float = 0.0,
        centre: str = "midrange",
        reference: bool = False,
        weight_decay: float = 1e-4,
        seed: int = 0,
    ) -> None:
        settings = DecompositionSettings(
            sparsity=sparsity,
            drift=drift,
            form=one_of("form", Form, form),
            tolerance=tolerance,
            initial_mask=initial_mask,
            groups=groups,
            every=every,
            spread=spread,
            centre=one_of("centre", Centre, centre),
            reference=reference,
            weight_decay=weight_decay,
            seed=seed,
        )
        super().__init__(network, settings, heads, checked_name(first_task))
        self._highest = -1  # of all numbers that were names
        self._begin(first_task, None)

    @property
    def tasks(self) -> list[TaskName]:
        """The names of all tasks, in the order in which they began."""
        return list(self.private)

    @torch.no_grad()
    def new_task(self, name: TaskName | None = None, *, like: TaskName | None = None) -> TaskName:
        """Begins a task and makes it the active one.

        It starts from what is shared, with biases, norms and heads as they were at the very beginning, so that it does
        not depend on the order of the tasks; or as a copy of another task.

        Args:
            name: a number or a string; None for the number after the highest that was ever used.
            like: the task to start from.

        Returns:
            The name.

        Raises:
            ValueError: if there is a task of this name, or none to start from.
            RuntimeError: if the network is no longer the one that was decomposed.
        """
        name = self._highest + 1 if name is None else checked_name(name)
        if name in self.private:
            raise ValueError(f"there is a task {name!r} already; switch to it with task({name!r})")
        if like is not None:
            self._check(like)
        self.check_network()
        self.close()
        if self.settings.form is Form.hierarchical and len(self.private) % self.settings.every == 0:
            self._consolidate()
        self._begin(name, like)
        return name

    def _begin(self, name: TaskName, like: TaskName | None) -> None:
        super()._begin(name, like)
        self._highest = max(self._highest, name) if isinstance(name, int) else self._highest

    def task(self, name: TaskName) -> Visit[Self]:
        """Makes a task the active one: the network is what it was when that task was last trained.

        In a ``with`` statement the task that was active before comes back at the end, unless it has been forgotten.

        Raises:
            ValueError: if there is no such task.
            RuntimeError: if the network is no longer the one that was decomposed.
        """
        self._check(name)
        before = self.active
        self._switch(name)
        return Visit(self, partial(self._return_to, before))

    def _return_to(self, name: TaskName) -> None:
        if name in self.private:
            self._switch(name)

    @torch.no_grad()
    def forget(self, name: TaskName) -> None:
        """Forgets a task for good; all others stay bit for bit what they are.

        What it has given to σ stays there: it is shared. Its own weights, mask, biases, norms and heads are gone.

        Raises:
            ValueError: if there is no such task, or it is the active one.
        """
        self._check(name)
        if name == self.active:
            raise ValueError(f"task {name!r} is active: switch to another one before you forget it")
        self._drop(name)

    @torch.no_grad()
    def consolidate(self) -> None:
        """Groups the tasks, layer by layer, and lets the members of a group share what they agree on (Section 3.2).

        Happens by itself whenever ``every`` more tasks have been learnt; without loss if ``spread`` is 0.

        Raises:
            ValueError: if the form is not hierarchical.
        """
        if self.settings.form is not Form.hierarchical:
            raise ValueError(f"only the hierarchical form has groups of tasks; this one is {self.settings.form}")
        self.close()
        self._consolidate()
        self._show_start(self.active)

    def _consolidate(self) -> None:
        count = max(1, self.settings.groups * len(self.private) // self.settings.every)
        for layer in self.layers:
            layer.consolidate(count)

    def _check(self, name: TaskName) -> None:
        if name not in self.private:
            raise ValueError(f"there is no task {name!r}; there are {self.tasks}")

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "highest": self._highest}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._highest = int(state["highest"])
