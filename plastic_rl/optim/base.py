"""The one door for methods that wrap an optimiser: what each of them is, and what its host may ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.optim.events import Listener, UnitForecast, UnitsReplaced
from plastic_rl.optim.stacked.vectorized import Vectorized

Plasticity = Callable[[Optimizer, Sequence[HiddenLayer]], "PlasticOptimizer"]
"""A method minus what it wraps, such as ``partial(ContinualBackprop, replacement_rate=1e-4)``.

Every method's signature is ``(optimizer, layers=(), *, …)``, whether it looks at layers or not.
"""


Follower = Callable[[Resizing], None]
"""Is called once a layer is of another width."""


class PlasticOptimizer(Optimizer):
    """Wraps an optimiser: the same parameter groups, state and defaults, and a method's own work around each step.

    A method works at up to three moments, each a function that does nothing unless it is overridden:
    :meth:`after_zero_grad`, where a term of the loss that depends on weights alone adds its gradient;
    :meth:`before_step`, with the gradients at hand; :meth:`after_step`, once the parameters have moved. A host drives
    all of them, by calling ``zero_grad`` and ``step`` as of any optimiser. A host that knows of changes tells of them
    by :meth:`begin_task`, one that learns from rollouts of these by :meth:`begin_rollout`.

    Schedulers, step hooks, ``add_param_group``, ``deepcopy``, ``pickle`` and stacking work as on the wrapped optimiser;
    gradient scalers too, but for gradients added in :meth:`after_zero_grad`, which they would scale down. What a method
    must remember is kept in ``memory``, a nest of dicts and lists of tensors, numbers and strings that travels in
    ``state_dict()`` under the name of the class; a plain torch optimiser reads the same ``state_dict()`` and passes
    over that entry.

    Args:
        optimizer: the optimiser to wrap; it may itself be a wrapper.
    """

    vectorized: type[Vectorized] | None = None
    """The form of the method for several networks in one; without one, several seeds learn in turn, each as a whole."""

    rewires = False
    """True if networks come to compute more than their layers do: weights alone are then no copy of a network."""

    follows_resizing = False
    """True if it goes on with parameters of other shapes, as :meth:`at_resizing` has what it remembers follow."""

    calls_back = False
    """True if it puts weights back that it has kept: whatever others have set anew is then lost."""

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__} wraps a torch optimiser, got {type(optimizer).__name__}")
        for method in methods_in(optimizer):
            if method.resized_layers:
                raise ValueError(
                    f"{type(method).__name__} changes the shapes of weights, of which no method around it would know: "
                    f"put {type(self).__name__} inside it"
                )
        # Optimizer.__init__ would build groups and state of its own; __setstate__ sets up the hooks alone.
        self.__setstate__({"optimizer": optimizer, "memory": {}, "listeners": [], "followers": []})

    optimizer: Optimizer
    memory: dict[str, Any]
    listeners: list[Listener]
    followers: list[Follower]

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The parameter groups of the wrapped optimiser."""
        return self.optimizer.param_groups

    @property
    def state(self) -> dict[Tensor, Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The state of the wrapped optimiser, by parameter."""
        return self.optimizer.state

    @property
    def defaults(self) -> dict[str, Any]:
        """The defaults of the wrapped optimiser."""
        return self.optimizer.defaults

    @property
    def resized_layers(self) -> Sequence[HiddenLayer]:
        """The layers whose width it changes: none, or it is the outermost of a stack."""
        return ()

    @property
    def trained(self) -> list[Tensor]:
        """The parameters that train now, in the order of the groups."""
        return [each for group in self.param_groups for each in group["params"] if each.requires_grad]

    def __getstate__(self) -> dict[str, Any]:
        # A scheduler replaces `step` on the instance by a closure over it, which is neither copied nor pickled.
        return {name: value for name, value in self.__dict__.items() if name != "step"}

    # The three moments.

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clears the gradients, then :meth:`after_zero_grad`."""
        self.optimizer.zero_grad(set_to_none)
        with torch.no_grad():
            self.after_zero_grad()

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """:meth:`before_step`, one step of the wrapped optimiser, :meth:`after_step`; returns the closure's loss."""
        hooks = self._optimizer_step_pre_hooks or self._optimizer_step_post_hooks
        # A class that overrides this has been wrapped by torch, which calls the hooks itself.
        if hooks and type(self).step is PlasticOptimizer.step:
            return step_with_hooks(self, closure)
        return self._step(closure)

    def _step(self, closure: Callable[[], float] | None = None) -> Any:
        loss = None
        if closure is not None and type(self).before_step is not PlasticOptimizer.before_step:
            with torch.enable_grad():
                loss, closure = closure(), None
        with torch.no_grad():
            self.before_step()
        stepped = self.optimizer.step(closure)
        with torch.no_grad():
            self.after_step()
        return stepped if loss is None else loss

    def after_zero_grad(self) -> None:
        """Adds the gradients of a term of the loss that depends on the weights alone (:func:`add_gradient`)."""

    def before_step(self) -> None:
        """Looks at, or changes, the gradients by which the wrapped optimiser is about to step."""

    def after_step(self) -> None:
        """Follows up once the parameters have moved."""

    # What a host may tell.

    @torch.no_grad()
    def begin_task(self) -> None:
        """Takes note that a new task begins: each method of the stack does :meth:`at_change`, the innermost first."""
        if isinstance(self.optimizer, PlasticOptimizer):
            self.optimizer.begin_task()
        self.at_change()

    def at_change(self) -> None:
        """Follows up on a change of the task, before the first update that sees it."""

    @property
    def acts_at_changes(self) -> bool:
        """True if it does something when it is told of a change."""
        return type(self).at_change is not PlasticOptimizer.at_change

    @property
    def waits_for_changes(self) -> bool:
        """True if it does nothing until somebody tells it of a change."""
        return False

    @property
    def waits_for_rollouts(self) -> bool:
        """True if it does nothing where nobody tells it of rollouts."""
        return False

    @torch.no_grad()
    def begin_rollout(self) -> None:
        """Takes note that the updates on a new rollout begin: each method does :meth:`at_rollout`, innermost first."""
        if isinstance(self.optimizer, PlasticOptimizer):
            self.optimizer.begin_rollout()
        self.at_rollout()

    def at_rollout(self) -> None:
        """Follows up on a new rollout, before the first update on it."""

    def at_replacement(self, event: UnitsReplaced) -> None:
        """Follows up on units that a method around this one has replaced; of those inside there is a listener."""

    @torch.no_grad()
    def resize(self, resizing: Resizing) -> None:
        """Takes note that a layer is of another width: each method does :meth:`at_resizing`, the innermost first.

        :func:`plastic_rl.nn.dynamic.widen` and :func:`plastic_rl.nn.dynamic.prune` tell.
        """
        if isinstance(self.optimizer, PlasticOptimizer):
            self.optimizer.resize(resizing)
        self.at_resizing(resizing)
        for follower in self.followers:
            follower(resizing)

    def at_resizing(self, resizing: Resizing) -> None:
        """Follows parameters to their new shapes, which they have by now."""

    # What a host may ask.

    def on_resizing(self, follower: Follower) -> None:
        """Calls ``follower`` with each change of a layer's width that this method is told of."""
        self.followers.append(follower)

    def on_replacement(self, listener: Listener) -> None:
        """Calls ``listener`` with each :class:`plastic_rl.optim.UnitsReplaced` of this method and those inside it."""
        for method in methods_in(self):
            method.listeners.append(listener)

    def reattach(self, layers: Sequence[HiddenLayer]) -> None:
        """Goes on with the layers of a network that has changed: found anew, they replace those that were given.

        Args:
            layers: all layers of the network, as :func:`plastic_rl.layers.hidden_layers` finds them now.

        Raises:
            ValueError: the optimiser does not train all of their weights.
        """
        if isinstance(self.optimizer, PlasticOptimizer):
            self.optimizer.reattach(layers)

    def forecast(self) -> list[UnitForecast]:
        """For each layer when its units will be replaced, and how often; empty where the method replaces none."""
        return []

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        """Settings under which the method does nothing, or harm, each in a sentence or two.

        Args:
            updates: how many steps it will see; None where nobody knows.
        """
        yield from ()

    def metrics(self) -> dict[str, int | float]:
        """Counters worth logging, of this wrapper and of those inside it, by name."""
        return self.optimizer.metrics() if isinstance(self.optimizer, PlasticOptimizer) else {}

    # Torch's own interface.

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        self.optimizer.add_param_group(param_group)

    @property
    def entry(self) -> str:
        """The name of the memory in ``state_dict()``: that of the class, numbered where the class is there twice."""
        inside = sum(type(method) is type(self) for method in methods_in(self.optimizer))
        return f"{type(self).__name__}.{inside + 1}" if inside else type(self).__name__

    def state_dict(self) -> dict[str, Any]:
        return {**self.optimizer.state_dict(), self.entry: self.memory}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads the wrapped optimiser's state and the memory; without an entry of its own the memory stays as it is."""
        entry = self.entry
        self.optimizer.load_state_dict({key: value for key, value in state_dict.items() if key != entry})
        if entry in state_dict:
            self.load_memory(state_dict[entry])

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        """Takes a saved memory over; where tensors are in use elsewhere a method writes into them instead."""
        self.memory = memory


# Torch wraps the `step` of each class without this mark by its hooks and a label for its profiler, which take longer
# than a method that acts now and then; here hooks are looked for first, and the wrapped optimiser's label stands for
# all.
step_with_hooks = Optimizer.profile_hook_step(PlasticOptimizer._step)
vars(PlasticOptimizer)["step"].hooked = True


def methods_in(optimizer: Optimizer | None) -> Iterator[PlasticOptimizer]:
    """The methods of a stack of wrappers, the outermost first; none around a plain optimiser."""
    while isinstance(optimizer, PlasticOptimizer):
        yield optimizer
        optimizer = optimizer.optimizer


def innermost(optimizer: Optimizer) -> Optimizer:
    """The optimiser at the bottom of a stack of wrappers."""
    while isinstance(optimizer, PlasticOptimizer):
        optimizer = optimizer.optimizer
    return optimizer


def add_gradient(parameter: Tensor, term: Tensor) -> None:
    """Adds to a parameter's gradient, or makes it the gradient where there is none yet."""
    parameter.grad = term if parameter.grad is None else parameter.grad.add_(term)
