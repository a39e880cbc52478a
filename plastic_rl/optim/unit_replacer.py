"""The base of all methods that replace hidden units, whatever they choose them by."""

from __future__ import annotations

import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.optim.adam import with_unit_clock
from plastic_rl.optim.audit import AuditLog, Replacement
from plastic_rl.optim.base import methods_in
from plastic_rl.optim.capturable import Capturable
from plastic_rl.optim.distributed import agreed_seed
from plastic_rl.optim.events import UnitsReplaced
from plastic_rl.optim.forgetting import check_forgetful
from plastic_rl.optim.network_watch import NetworkWatch
from plastic_rl.optim.observed_layer import ObservedLayer
from plastic_rl.optim.replacement import replace_units, silence
from plastic_rl.validation import whole_number

logger = logging.getLogger(__name__)

_told: set[str] = set()

Observed = TypeVar("Observed", bound=ObservedLayer[Any])


class NothingToReplaceError(ValueError):
    """A method that replaces hidden units was given none."""


class UnitReplacer(Capturable, ABC, Generic[Observed]):
    """A method that now and then replaces hidden units by newborn ones: a score, a choice and a reset are its own.

    Args:
        optimizer: what moves the parameters. torch's Adam and AdamW are given a clock for single units
            (:mod:`plastic_rl.optim.adam`) when their state of replaced units is forgotten.
        layers: the groups of units.
        forget_optimizer_state: forget the moments of replaced units.
        unit_clock: have a clock for single units tell an Adam what it forgot; without one a newborn's second moment is
            the mean of those beside it (:func:`plastic_rl.optim.forgetting.forget`).
        writes_reader_biases: whether a replacement may write to the biases of the readers.
        audit_size: how many of the latest replacements :meth:`replacements` can tell of; 0 keeps none.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: no layers, layers that the optimiser does not train, an optimiser that cannot forget single units,
            or a hyper-parameter out of its range.
    """

    label: ClassVar[str]
    """The name of the method in a sentence."""

    prefix: ClassVar[str]
    """The first part of its metrics' names; ``prefix/replaced`` is the number of units so far, in all and by layer."""

    watched: list[Observed]
    """The record of each layer, in the order of :attr:`layers`."""

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Iterable[HiddenLayer],
        *,
        forget_optimizer_state: bool = True,
        unit_clock: bool = True,
        writes_reader_biases: bool = False,
        audit_size: int = 0,
        seed: int | None = None,
    ) -> None:
        layers = list(layers)
        check_trained(optimizer, layers, reader_biases=writes_reader_biases)
        if forget_optimizer_state:
            check_forgetful(optimizer)
        super().__init__(with_unit_clock(optimizer) if forget_optimizer_state and unit_clock else optimizer)
        self.unit_clock = unit_clock
        self.forget_optimizer_state, self.writes_reader_biases = forget_optimizer_state, writes_reader_biases
        self.audit = AuditLog(whole_number("audit_size", audit_size))
        if audit_size:
            self.listeners.append(self.audit.add)
        self.memory = {"step": 0, "seed": agreed_seed(torch.initial_seed() if seed is None else seed)}
        self._hold(layers)

    def _hold(self, layers: Sequence[HiddenLayer]) -> None:
        self.layers = list(layers)
        biases = self.writes_reader_biases
        self._trained = {layer.name: layer.trained_parameters(reader_biases=biases) for layer in layers}
        self._known_frozen: set[str] = set()
        self.network_watch = NetworkWatch(layers)

    @abstractmethod
    def watching(self) -> list[Observed]:
        """Begins to watch :attr:`layers`."""

    @property
    @abstractmethod
    def is_off(self) -> bool:
        """True if its settings are such that it never does anything."""

    @abstractmethod
    def catch_up(self) -> None:
        """Looks ahead to the next update, with a state or with layers that are new."""

    def begin(self) -> None:
        """Sets out with the layers at hand: warns of what there is to warn of, and looks ahead."""
        if not self.is_off:
            self.warn()
        self.catch_up()

    # Replacing.

    @property
    def _forgetful(self) -> Optimizer | None:
        return self.optimizer if self.forget_optimizer_state else None

    def renew_units(
        self, layer: HiddenLayer, units: Tensor, initialisers: Sequence[Callable[..., Any]], source: torch.Generator
    ) -> None:
        """Replaces units of one layer; :meth:`announce` follows when all layers of the update are done."""
        replace_units(layer, units, initialisers, source, self._forgetful, by_clock=self.unit_clock)

    def announce(self, events: Sequence[UnitsReplaced]) -> None:
        """Silences once more what several layers of one update have replaced, and tells all who asked."""
        if len(events) > 1:  # fresh rows of one layer have overwritten silent columns of another
            for event in events:
                silence(event.layer, event.units, self._forgetful, by_clock=self.unit_clock)
        for event in events:
            for listener in self.listeners:
                listener(event)
            for method in methods_in(self.optimizer):
                method.at_replacement(event)

    def source(self, layer: HiddenLayer, step: int, purpose: str) -> random.Random:
        """A source of draws that is a function of seed, step and layer, so that there is no stream to save."""
        return random.Random(f"{self.memory['seed']}/{step}/{layer.name}/{purpose}")

    # A network that is not what it was.

    def is_frozen(self, layer: HiddenLayer, trained: Collection[int] | None = None) -> bool:
        """True if some weight that a replacement would write to does not train now; said once for each layer.

        Args:
            layer: the layer.
            trained: the identities of the parameters that the optimiser moves now; None where nobody looks.
        """
        weights = self._trained[layer.name]
        has_all = trained is None or all(id(tensor) in trained for tensor in weights)
        if has_all and all(tensor.requires_grad for tensor in weights):
            return False
        if layer.name not in self._known_frozen:
            self._known_frozen.add(layer.name)
            logger.warning(
                "The units of `%s` are left alone as long as weights that produce or read them do not train.",
                layer.name,
            )
        return True

    @torch.no_grad()
    def reattach(self, layers: Sequence[HiddenLayer]) -> None:
        """Goes on with layers that were found anew: what was kept of units of a known name and width stays.

        The units of other layers are newborn now.
        """
        check_trained(self.optimizer, layers, reader_biases=self.writes_reader_biases)
        before = {watched.layer.name: watched for watched in self.watched}
        self._let_go()
        self._hold(layers)
        super().reattach(layers)
        self.watched = self.watching()
        for watched in self.watched:
            old = before.get(watched.layer.name)
            if old is not None and old.layer.units == watched.layer.units:
                watched.take_over(old)
            else:
                watched.begin(self.memory["step"])
        self.begin()

    follows_resizing = True

    def at_resizing(self, resizing: Resizing) -> None:
        """Goes on with what is known of units that stay; newborn ones are born now."""
        for watched in self.watched:
            resizing.follow(watched.layer)
            watched.resize(resizing, self.memory["step"])
        self.moved()
        self.catch_up()

    def moved(self) -> None:
        """Follows up on tensors of its layers' units that are others now."""

    def remove(self) -> Optimizer:
        """Takes all hooks off the network and returns the wrapped optimiser."""
        self._let_go()
        return self.optimizer

    def _let_go(self) -> None:
        self.network_watch.remove()
        for watched in self.watched:
            watched.remove()

    # State.

    def state_dict(self) -> dict[str, Any]:
        self.memory["layers"] = {watched.layer.name: watched.state_dict() for watched in self.watched}
        return super().state_dict()

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        names, saved = [watched.layer.name for watched in self.watched], list(memory["layers"])
        if names != saved:
            raise ValueError(f"the saved state is of layers {saved}, this optimiser has {names}")
        self.memory.update(step=int(memory["step"]), seed=int(memory["seed"]))
        for watched in self.watched:
            watched.load_state_dict(memory["layers"][watched.layer.name])
        self.catch_up()

    # What a host may ask.

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        audible = [layer.name for layer in self.layers if layer.is_audible]
        if audible:
            yield (
                f"{', '.join(audible)}: a norm that mixes units (LayerNorm, RMSNorm, GroupNorm) lies between these "
                "units and their readers, so that a newborn unit disturbs the others through it. Expect a jolt at each "
                "replacement."
            )

    def concern_about_frozen(self) -> Iterator[str]:
        """The layers that are left alone because not all around them trains."""
        trained = parameters_of(self.optimizer)
        frozen = [layer.name for layer in self.layers if self.is_frozen(layer, trained)]
        if frozen:
            yield f"{', '.join(frozen)}: weights that produce or read these units do not train, so they are left alone."

    def warn(self) -> None:
        """Says in the log what speaks against replacing units of these layers, once for layers of these names."""
        for text in UnitReplacer.concerns(self):
            if text not in _told:
                _told.add(text)
                logger.warning("%s", text)

    def replacements(self) -> list[Replacement]:
        """The latest replacements, at most ``audit_size`` of them (:func:`plastic_rl.optim.audit.write_csv`)."""
        return self.audit.replacements()

    def draw_generator(self, layer: HiddenLayer, step: int, device: torch.device) -> torch.Generator:
        """The generator of the fresh weights of one layer after one update."""
        generator = torch.Generator(device)
        generator.manual_seed(self.source(layer, step, "fresh").getrandbits(63))
        return generator


def check_trained(optimizer: Optimizer, layers: Sequence[HiddenLayer], *, reader_biases: bool = False) -> None:
    """Refuses layers that an optimiser does not train, although they could be: frozen weights it need not have.

    Raises:
        NothingToReplaceError: there are no layers.
        ValueError: the optimiser does not have all of their weights.
    """
    if not layers:
        raise NothingToReplaceError(
            "there is nothing to replace: no hidden layers were given. Find them with "
            "plastic_rl.layers.hidden_layers(network, example); a network with one layer alone has none"
        )
    trained = parameters_of(optimizer)
    weights = {layer.name: layer.parameters(reader_biases=reader_biases) for layer in layers}
    strangers = [
        name
        for name, tensors in weights.items()
        if any(tensor.requires_grad and id(tensor) not in trained for tensor in tensors)
    ]
    if strangers:
        raise ValueError(
            f"the optimiser does not train all weights of {strangers}; leave them out (hidden_layers(…, "
            f"ignore={strangers})), or give the optimiser the weights (add_param_group)"
        )


def parameters_of(optimizer: Any) -> set[int]:
    """The identities of the parameters that an optimiser moves."""
    return {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
