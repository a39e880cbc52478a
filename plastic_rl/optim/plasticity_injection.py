"""Plasticity injection: a head that goes on learning by a fresh one beside it, from the very outputs that it has.

Nikishin, Oh, Ostrovski, Lyle, Pascanu, Dabney, Barreto, "Deep reinforcement learning with plasticity injection",
NeurIPS 2023 (arXiv 2305.15555).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, layer_order
from plastic_rl.layers.port import fill
from plastic_rl.optim.base import methods_in
from plastic_rl.optim.distributed import agreed_seed
from plastic_rl.optim.events import UnitsReplaced
from plastic_rl.optim.forgetting import forget_parameters
from plastic_rl.optim.injected_head import check_head, ends_of_head
from plastic_rl.optim.injected_layer import BEFORE, DRAWN, InjectedLayer, is_injected, keep, own_parameters
from plastic_rl.optim.layer_reset import check_places, draw_
from plastic_rl.optim.occasional import Occasional
from plastic_rl.optim.origin import Origin
from plastic_rl.validation import whole_number

logger = logging.getLogger(__name__)


class PlasticityInjection(Occasional):
    """Freezes the head at a change, or after so many updates, and lets a fresh one learn what is to be added to it.

    From then on the head computes h_θ(x) + h_θ'1(x) - h_θ'2(x). θ'1 and θ'2 are the same fresh draw: at that moment
    the output is what it was. θ and θ'2 do not move any more; θ'1 takes the place of θ in the parameters that there
    are, so that the optimiser goes on with it, and forgets what it knew of θ. The layers before the head learn on,
    through all three. It happens once.

    θ and θ'2 are buffers of the head's layers and travel in the network's ``state_dict()``; a network of the same kind
    takes them in only if it has the method too, and any other says that it does not know them.

    Args:
        optimizer: what moves the parameters.
        layers: the hidden layers of the network, as :func:`plastic_rl.layers.hidden_layers` finds them.
        last: how many layers, counted from the output, the head of each branch has: 2 or more; 0 for all.
        on_change: inject when the second task begins.
        after: updates after which to inject; 0 for no such time. What comes first, injects.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: the numbers are out of range; or the head has layers that cannot be injected, or no hidden units.
    """

    rewires = True
    counter = "plasticity_injection/times"

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        last: int = 2,
        on_change: bool = True,
        after: int = 0,
        seed: int | None = None,
    ) -> None:
        super().__init__(optimizer, on_change=on_change, every=0)
        self.last, self.after = whole_number("last", last), whole_number("after", after)
        if self.last == 1:
            raise ValueError(
                "last=1: a fresh linear layer beside a linear layer adds nothing, for their sum is one again; give the "
                "head a hidden layer (last=2)"
            )
        self.memory["seed"] = agreed_seed(torch.initial_seed() if seed is None else seed)
        self.head: dict[nn.Module, InjectedLayer] = {}
        self.find(layers)
        for method in methods_in(optimizer):
            method.listeners.append(self.at_replacement)

    def find(self, layers: Sequence[HiddenLayer]) -> None:
        """Finds the layers of the head, and where their parameters start."""
        order = layer_order(layers)
        check_places(order, self.trained, layers)
        known = {id(each): origin for each, origin in zip(self._parameters(), self._origins(), strict=True)}
        ends = ends_of_head(order, self.last or max(order.places().values(), default=0))
        check_head(order, ends, {id(each) for each in self.trained}, layers)
        self.head = {
            module: InjectedLayer.of(module, is_first=is_first, is_last=is_last)
            for module, (is_first, is_last) in ends.items()
        }
        self.memory["origins"] = [known.get(id(each)) or Origin.of(each).as_values() for each in self._parameters()]

    def _parameters(self) -> list[nn.Parameter]:
        """The parameters of the head, each once."""
        return list(dict.fromkeys(each for module in self.head for each in own_parameters(module).values()))

    def _origins(self) -> list[Any]:
        return self.memory.get("origins", [])

    @property
    def is_injected(self) -> bool:
        """True once it has happened."""
        return any(is_injected(module) for module in self.head)

    @property
    def waits_for_changes(self) -> bool:
        return super().waits_for_changes and not self.after and not self.is_injected

    def act(self) -> None:
        for module in self.head:
            keep(module, BEFORE, own_parameters(module))
        live = [(place, each) for place, each in enumerate(self._parameters()) if each.requires_grad]
        for place, each in live:
            source = random.Random(f"{self.memory['seed']}/{place}")
            draw_(each, Origin.from_values(self._origins()[place]), source)
        for module in self.head:
            keep(module, DRAWN, own_parameters(module))
        forget_parameters(self.optimizer, [each for _, each in live])

    @torch.no_grad()
    def act_now(self) -> None:
        if self.is_injected:
            logger.info("Plasticity was injected already, which works once: the network learns on as it is.")
        else:
            super().act_now()

    def inject(self) -> None:
        """Injects at this moment.

        Raises:
            RuntimeError: it has been done.
        """
        if self.is_injected:
            raise RuntimeError("plasticity was injected already, which works once for a network")
        self.act_now()

    def after_step(self) -> None:
        super().after_step()
        if self.memory["step"] == self.after and not self.is_injected:
            self.act_now()

    def at_replacement(self, event: UnitsReplaced) -> None:
        """Keeps a newborn unit before the head silent: what does not move must not hear it either."""
        for port in event.layer.read_by:
            if port.layer in self.head and self.head[port.layer].is_first and is_injected(port.layer):
                for kind in (BEFORE, DRAWN):
                    kept = port.layer.get_buffer(f"{kind}{port.weight_name}")
                    fill(kept, port.column_axis, port.columns(event.units), 0.0)

    def reattach(self, layers: Sequence[HiddenLayer]) -> None:
        super().reattach(layers)
        self.find(layers)

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        if not self.on_change and not self.after:
            yield "on_change is False and after is 0: PlasticityInjection never acts by itself."
        if updates is not None and not self.on_change and self.after > updates:
            yield f"The run has {updates:,} updates and after is {self.after:,}: PlasticityInjection never acts."

    def metrics(self) -> dict[str, int | float]:
        """1 once it has happened, 0 before."""
        return {**super().metrics(), self.counter: int(self.is_injected)}

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        super().load_memory(memory)
        self.memory["seed"] = int(memory["seed"])
        self.memory["origins"] = [Origin.from_values(each).as_values() for each in memory["origins"]]
