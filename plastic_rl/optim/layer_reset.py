"""Layer resets: at a change or at an interval the last layers, or all of them, are drawn afresh.

Nikishin, Schwarzer, D'Oro, Bacon, Courville, "The primacy bias in deep reinforcement learning", ICML 2022
(arXiv 2205.07802).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.optim import Optimizer

from plastic_rl.layers import HiddenLayer, LayerOrder, coefficients, layer_order, linear_maps, norms
from plastic_rl.optim.distributed import agreed_seed
from plastic_rl.optim.forgetting import forget_parameters
from plastic_rl.optim.occasional import Occasional
from plastic_rl.optim.origin import Origin
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.validation import whole_number


def draw_(parameter: Tensor, origin: Origin, source: random.Random) -> None:
    """Draws a parameter afresh, in place, from the distribution that it started from."""
    generator = Generator(parameter.device)
    generator.manual_seed(source.getrandbits(63))
    parameter.copy_(origin.draw(parameter, generator))


def restart_statistics(norm: nn.Module) -> None:
    """Sets a norm's running mean to 0, its running variance to 1 and the count of its batches to 0, in place."""
    starts = {"running_mean": 0.0, "running_var": 1.0, "num_batches_tracked": 0}
    for name, buffer in norm.named_buffers(recurse=False):
        if name in starts:
            buffer.fill_(starts[name])


class LayerReset(Occasional):
    """Draws the last layers of a network afresh, or all, when a task begins, at an interval, or when told.

    Each parameter is drawn from the distribution that it started from, fitted when it is wrapped: weights by their size
    and spread around 0, biases, scales of norms and a policy's log deviation around what they began at; learnt
    non-linearities begin as they did. Values are written into the parameters that there are, so that the optimiser
    goes on with them. Norms behind a layer that is
    drawn start anew with it, running statistics too; and what a network holds outside its layers, if a vector (the log
    deviation of a Gaussian policy), with its head.

    Args:
        optimizer: what moves the parameters; only those that train when it is wrapped are drawn.
        layers: say which layers are last, by who reads whom; needed unless all are drawn.
        last: how many layers, counted from the output, in all branches alike: 1 for the heads, 0 for the whole network.
        on_change: act when a task begins, but for the first.
        every: updates between two actions; 0 for no interval.
        reset_optimizer: let the optimiser forget what it knows of them.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: a number is not a whole number of 0 or more; or which layers are last is not known.
    """

    vectorized = SeedBySeed
    follows_resizing = True
    counter = "layer_reset/times"

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        last: int = 1,
        on_change: bool = True,
        every: int = 0,
        reset_optimizer: bool = True,
        seed: int | None = None,
    ) -> None:
        super().__init__(optimizer, on_change=on_change, every=every)
        self.last, self.reset_optimizer = whole_number("last", last), reset_optimizer
        self.memory["seed"] = agreed_seed(torch.initial_seed() if seed is None else seed)
        self.drawn: list[Tensor] = []
        self.find(layers)

    def find(self, layers: Sequence[HiddenLayer]) -> None:
        """Finds the parameters to draw, and where those that are new to it start."""
        known = dict(zip(map(id, self.drawn), self.memory.get("origins", ()), strict=True))
        order, trained = layer_order(layers), self.trained
        self.depth = max(order.places().values(), default=0)
        if self.last:
            check_places(order, trained, layers, ", or take last=0 for all")
            chosen = {id(each) for each in parameters_of(order, self.last)}
            self.drawn, self.norms = [each for each in trained if id(each) in chosen], norms_of(order, self.last)
        else:
            self.drawn, self.norms = trained, norms(layers)
        if not self.drawn:
            raise ValueError(f"last={self.last}: the optimiser trains none of these layers; take more, or 0 for all")
        exact = {id(each) for each in coefficients(layers)}
        self.memory["origins"] = [
            known.get(id(each)) or Origin.of(each, is_exact=id(each) in exact).as_values() for each in self.drawn
        ]

    def act(self) -> None:
        live = [place for place, each in enumerate(self.drawn) if each.requires_grad]
        for place in live:
            source = random.Random(f"{self.memory['seed']}/{self.memory['times']}/{place}")
            draw_(self.drawn[place], Origin.from_values(self.memory["origins"][place]), source)
        for norm in self.norms:
            restart_statistics(norm)
        if self.reset_optimizer:
            forget_parameters(self.optimizer, [self.drawn[place] for place in live])

    def reset(self) -> None:
        """Draws the layers afresh at this moment."""
        self.act_now()

    def reattach(self, layers: Sequence[HiddenLayer]) -> None:
        super().reattach(layers)
        self.find(layers)

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        yield from super().concerns(updates)
        if self.last > self.depth > 0:
            yield f"last is {self.last} and the network is {self.depth} layers deep: all of them are drawn afresh."

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        super().load_memory(memory)
        self.memory["seed"] = int(memory["seed"])
        self.memory["origins"] = [Origin.from_values(each).as_values() for each in memory["origins"]]


def parameters_of(order: LayerOrder, last: int) -> Iterator[Tensor]:
    """The parameters of the last layers, of the norms behind them, and those that belong to no layer."""
    for module in (*order.last(last), *norms_of(order, last)):
        yield from module.parameters()
    yield from order.vectors()


def norms_of(order: LayerOrder, last: int) -> list[nn.Module]:
    """The norms that the units of the last layers pass."""
    return list(dict.fromkeys(norm for layer in order.last(last) for norm in order.norms[layer]))


def check_places(
    order: LayerOrder, trained: Iterable[Tensor], layers: Sequence[HiddenLayer], otherwise: str = ""
) -> None:
    """Refuses a network in which the place of a layer is not known.

    Args:
        order: of the layers.
        trained: the parameters that train.
        layers: the hidden layers that are known.
        otherwise: what else there is to do about it.

    Raises:
        ValueError: a weight belongs to no layer whose readers are known.
    """
    placed = {id(each) for layer in order.readers for each in layer.parameters()}
    weights = [each.weight for each in linear_maps(trained, layers if order.networks else ())]
    lost = [tuple(weight.shape) for weight in weights if id(weight) not in placed]
    if lost:
        raise ValueError(
            f"which layers are last is not known: who reads what the weights of shape {', '.join(map(str, lost))} make "
            f"was not seen; give all hidden layers (plastic_rl.layers.hidden_layers){otherwise}"
        )
