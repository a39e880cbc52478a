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
from plastic_rl.optim.audit import AuditLog, Replacement
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.budget import Budget, Rounding
from plastic_rl.optim.ranks import agreed, agreed_seed
from plastic_rl.optim.replacement import innermost, move_mean_to_bias, replace_units, silence
from plastic_rl.optim.utilities import Mode, Utility, least_useful
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

    Under `torch.distributed` all processes replace the same units: those that are least useful on average over them.

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
        audit_size: how many of the latest replacements :meth:`replacements` can tell of; 0 keeps none.
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
        audit_size: int = 0,
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
        self.decay_rate = decay
        self.audit = AuditLog(whole_number("audit_size", audit_size))
        self.memory = {"step": 0, "seed": agreed_seed(torch.initial_seed() if seed is None else seed)}
        self._are_listening: bool | None = None
        self._look_ahead()

    def after_step(self) -> None:
        """Algorithm 1, from "for layer l in 1 : L-1" on: age, utility, and the units that fall due."""
        step = self.memory["step"] + 1
        self._observe(step)
        if is_capturing():
            self._check_capture()
        else:
            self.replace_due(step)
            self.count_step()
        for watched in self.watched:
            watched.clear()

    def _observe(self, step: int) -> None:
        """Brings all running averages up to date, in one kernel for all layers on a GPU."""
        pairs = [pair for watched in self.watched for pair in watched.observed()]
        if pairs:
            averages, latest = zip(*pairs, strict=True)
            torch._foreach_lerp_(averages, latest, 1 - self.decay_rate)  # pyright: ignore[reportPrivateImportUsage]
        for watched in self.watched:
            watched.centre(step)

    def falls_due(self) -> bool:
        """Whether units will be replaced after the next update; the host knows without asking the device."""
        return any(self._upcoming)

    def needs_host(self) -> bool:
        """Whether the next step is none that a CUDA graph could replay.

        Units fall due after it, or Adam's steps of young units are corrected in it.
        """
        return self.falls_due() or bool(getattr(innermost(self), "young", None))

    def count_step(self) -> None:
        """Counts an update that the host took no part in: the replay of a CUDA graph.

        ::

            if optimizer.needs_host():
                train_step()  # as captured, but eager
            else:
                graph.replay()
                optimizer.count_step()
        """
        self.memory["step"] += 1
        for watched, count in zip(self.watched, self._upcoming, strict=True):
            watched.budget.settle(self.memory["step"], count)
        self._look_ahead()

    def _check_capture(self) -> None:
        if self.needs_host():
            raise RuntimeError("a CUDA graph of a step that needs the host: capture one while needs_host() is False")
        if any(watched.utility.is_centred for watched in self.watched):
            raise RuntimeError(
                "a CUDA graph would freeze the ages that centre activations: use utility='contribution' with graphs"
            )

    def _look_ahead(self) -> None:
        """Finds out how many units of each layer will be replaced after the next update, and lets the layers listen.

        All of them listen or none does: a compiled network then has two versions and not one for each set of layers.
        """
        step = self.memory["step"] + 1
        self._upcoming = [watched.budget.upcoming(step, self._chance(watched, step)) for watched in self.watched]
        if self._are_listening != any(self._upcoming):
            self._are_listening = any(self._upcoming)
            for watched in self.watched:
                watched.listen(self._are_listening)

    def replace_due(self, step: int) -> None:
        """Replaces the units that fall due after update number ``step``; part of :meth:`after_step`."""
        due = [(watched, count) for watched, count in zip(self.watched, self._upcoming, strict=True) if count]
        replaced = [(watched.layer, self._replace(watched, step, count)) for watched, count in due]
        if len(replaced) > 1:  # fresh rows of one layer have overwritten silent columns of another
            for layer, units in replaced:
                silence(layer, units, self._forgetful)

    def _replace(self, watched: WatchedLayer, step: int, count: int) -> Tensor:
        source = torch.Generator(watched.birth.device)
        source.manual_seed(self._source(watched, step, "fresh").getrandbits(63))
        utility, age = agreed(watched.utilities(step, source)), step - watched.birth
        units = least_useful(utility, age, watched.budget.maturity, count)
        self.audit.add(step, watched.layer.name, units, utility, age)
        if self.move_mean_to_bias:
            for port, mean in zip(watched.layer.read_by, watched.mean_activations(step), strict=True):
                move_mean_to_bias(port, units, agreed(mean))
        replace_units(watched.layer, units, watched.initialisers(), source, self._forgetful)
        watched.renew(units, step)
        return units

    @property
    def _forgetful(self) -> Optimizer | None:
        return self.optimizer if self.forget_optimizer_state else None

    def _chance(self, watched: WatchedLayer, step: int) -> float:
        """The draw that Bernoulli rounding needs after update number ``step``."""
        return self._source(watched, step, "due").random() if watched.budget.rounding is Rounding.bernoulli else 0.0

    def _source(self, watched: WatchedLayer, step: int, purpose: str) -> random.Random:
        """A source of draws that is a function of seed, step and layer, so that there is no stream to save."""
        return random.Random(f"{self.memory['seed']}/{step}/{watched.layer.name}/{purpose}")

    def replacements(self) -> list[Replacement]:
        """The latest replacements, at most ``audit_size`` of them (:func:`plastic_rl.optim.audit.write_csv`)."""
        return self.audit.replacements()

    def metrics(self) -> dict[str, int | float]:
        """Units replaced so far and mature units now, in all and by layer; by layer the lowest utility and mean age."""
        counts: dict[str, int | float] = {"cbp/replaced": 0, "cbp/mature": 0}
        for watched in self.watched:
            measured = watched.metrics(self.memory["step"])
            counts.update({f"cbp/{name}/{watched.layer.name}": value for name, value in measured.items()})
            for name in ("replaced", "mature"):
                counts[f"cbp/{name}"] += int(measured[name])
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
        self._look_ahead()

    def remove(self) -> Optimizer:
        """Takes the hooks off the network and returns the wrapped optimiser."""
        for watched in self.watched:
            for recorder in watched.recorders:
                recorder.remove()
        return self.optimizer


def is_capturing() -> bool:
    """Whether a CUDA graph is being captured: what runs now is written down, not done."""
    return torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()


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
