"""Continual backpropagation: backpropagation that also keeps replacing its least useful units.

Dohare, Hernandez-Garcia, Lan, Rahman, Mahmood, Sutton, "Loss of plasticity in deep continual learning", Nature 632,
768-774 (2024), Algorithm 1 and Equation 1.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.initialisers import Initialiser
from plastic_rl.layers import HiddenLayer
from plastic_rl.optim.adam import with_unit_clock
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.budget import Budget, Rounding
from plastic_rl.optim.replacement import move_mean_to_bias, replace_units, silence
from plastic_rl.optim.utilities import Mode, Utility
from plastic_rl.optim.validation import fraction, one_of, whole_number
from plastic_rl.optim.watched_layer import WatchedLayer


class ContinualBackprop(PlasticOptimizer):
    """Replaces, after each step, a small fraction of the mature units of each layer: those of least utility.

    ::

        optimizer = torch.optim.Adam(network.parameters())
        optimizer = ContinualBackprop(optimizer, hidden_layers(network, example))

    Ages, rates and thresholds count *updates* (calls of ``step``), not environment steps: in PPO with a rollout of 2048
    steps, 10 epochs and minibatches of 128 an environment step is 0.078 updates, and the default maturity of 10,000
    updates is 128,000 environment steps.

    Args:
        optimizer: what moves the parameters. torch's Adam and AdamW are given a clock for single units
            (:mod:`plastic_rl.optim.adam`) when their state of replaced units is forgotten.
        layers: the groups of units, from :func:`plastic_rl.layers.hidden_layers` or written by hand.
        replacement_rate: ρ, expected replacements per mature unit and update; 0 leaves the optimiser bit for bit alone.
        maturity_threshold: m, a unit may be replaced once it is older than this many updates.
        decay_rate: η of the running averages.
        utility: what ranks the units (:class:`plastic_rl.optim.utilities.Utility`).
        mode: when the running average is taken (:class:`plastic_rl.optim.utilities.Mode`).
        rounding: "accumulate" carries fractions of a unit over (Algorithm 1), "bernoulli" draws (the authors' PPO).
        forget_optimizer_state: forget the moments of replaced units; the authors' PPO keeps them.
        move_mean_to_bias: add a removed unit's mean contribution to its readers' biases; not done in the paper's runs.
        initialiser: how newborn units' weights are drawn; None resembles the layer's weights at construction.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a hyper-parameter out of its range, no layers, or layers that the optimiser does not train.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Iterable[HiddenLayer],
        *,
        replacement_rate: float = 1e-4,
        maturity_threshold: int = 10_000,
        decay_rate: float = 0.99,
        utility: str = "contribution",
        mode: str = "exact",
        rounding: str = "accumulate",
        forget_optimizer_state: bool = True,
        move_mean_to_bias: bool = False,
        initialiser: Initialiser | None = None,
        seed: int | None = None,
    ) -> None:
        rate = fraction("replacement_rate", replacement_rate)
        maturity = whole_number("maturity_threshold", maturity_threshold)
        decay = fraction("decay_rate", decay_rate)
        kind, when = one_of("utility", Utility, utility), one_of("mode", Mode, mode)
        rounds = one_of("rounding", Rounding, rounding)
        layers = list(layers)
        _check_trained(optimizer, layers)
        super().__init__(with_unit_clock(optimizer) if forget_optimizer_state else optimizer)
        self.forget_optimizer_state, self.move_mean_to_bias = forget_optimizer_state, move_mean_to_bias
        self.watched = [
            WatchedLayer(
                layer,
                Budget(layer.units, rate, maturity, rounds),
                utility=kind,
                mode=when,
                decay=decay,
                keeps_mean=move_mean_to_bias,
                initialiser=initialiser,
            )
            for layer in layers
        ]
        self.memory = {"step": 0, "seed": torch.initial_seed() if seed is None else seed}

    def after_step(self) -> None:
        """Algorithm 1, from "for layer l in 1 : L-1" on: age, utility, and the units that fall due."""
        self.memory["step"] += 1
        step = self.memory["step"]
        replaced: list[tuple[WatchedLayer, Tensor]] = []
        for watched in self.watched:
            watched.observe(step)
            chance = self._source(watched, "due").random() if watched.budget.rounding is Rounding.bernoulli else 0.0
            count = watched.budget.due(step, chance)
            if count:
                replaced.append((watched, self._replace(watched, count)))
            watched.clear()
        if len(replaced) > 1:  # fresh rows of one layer have overwritten silent columns of another
            for watched, units in replaced:
                silence(watched.layer, units, self.optimizer if self.forget_optimizer_state else None)

    def _replace(self, watched: WatchedLayer, count: int) -> Tensor:
        step = self.memory["step"]
        source = torch.Generator(watched.birth.device)
        source.manual_seed(self._source(watched, "fresh").getrandbits(63))
        units = watched.least_useful(step, count, source)
        if self.move_mean_to_bias:
            for port, mean in zip(watched.layer.read_by, watched.mean_activations(step), strict=True):
                move_mean_to_bias(port, units, mean)
        forgetful = self.optimizer if self.forget_optimizer_state else None
        replace_units(watched.layer, units, watched.initialisers(), source, forgetful)
        watched.renew(units, step)
        return units

    def _source(self, watched: WatchedLayer, purpose: str) -> random.Random:
        """A source of draws that is a function of seed, step and layer, so that there is no stream to save."""
        return random.Random(f"{self.memory['seed']}/{self.memory['step']}/{watched.layer.name}/{purpose}")

    def metrics(self) -> dict[str, int | float]:
        """Units replaced so far and mature units now, in all and by layer."""
        counts: dict[str, int | float] = {"cbp/replaced": 0, "cbp/mature": 0}
        for watched in self.watched:
            layer = {"replaced": watched.budget.replaced, "mature": watched.budget.mature(self.memory["step"])}
            for name, count in layer.items():
                counts[f"cbp/{name}"] += count
                counts[f"cbp/{name}/{watched.layer.name}"] = float(count)
        return {**super().metrics(), **counts}

    def state_dict(self) -> dict[str, Any]:
        self.memory["layers"] = {watched.layer.name: watched.state() for watched in self.watched}
        return super().state_dict()

    @torch.no_grad()
    def remember(self, memory: dict[str, Any]) -> None:
        names, saved = [watched.layer.name for watched in self.watched], list(memory["layers"])
        if names != saved:
            raise ValueError(f"the saved state is of layers {saved}, this optimiser has {names}")
        self.memory.update(step=int(memory["step"]), seed=int(memory["seed"]))
        for watched in self.watched:
            watched.restore(memory["layers"][watched.layer.name], self.memory["step"])

    def remove(self) -> Optimizer:
        """Takes the hooks off the network and returns the wrapped optimiser."""
        for watched in self.watched:
            for recorder in watched.recorders:
                recorder.remove()
        return self.optimizer


def _check_trained(optimizer: Optimizer, layers: list[HiddenLayer]) -> None:
    if not layers:
        raise ValueError(
            "no hidden layers were given; find them with plastic_rl.layers.hidden_layers(network, example)"
        )
    trained = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    strangers = [layer.name for layer in layers if any(id(tensor) not in trained for tensor in layer.parameters())]
    if strangers:
        raise ValueError(
            f"the optimiser does not train all weights of {strangers}; leave out the layers that it does not"
        )
