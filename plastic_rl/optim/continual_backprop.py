"""Continual backpropagation: backpropagation that also keeps replacing its least useful units.

Dohare, Hernandez-Garcia, Lan, Rahman, Mahmood, Sutton, "Loss of plasticity in deep continual learning", Nature 632,
768-774 (2024), Algorithm 1 and Equation 1.

Notation: h is a unit's activation, f its running mean, w_out its outgoing and w_in its incoming weights. Sums over
weights are the paper's; the authors' code takes means, which ranks the units of a layer with one reader alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.optim import Optimizer

from plastic_rl.choices import Mode, Rounding, Utility
from plastic_rl.layers import HiddenLayer, Port
from plastic_rl.optim.budget import Budget
from plastic_rl.optim.budgeted_replacer import BudgetedReplacer
from plastic_rl.optim.capturable import is_capturing
from plastic_rl.optim.distributed import agreed
from plastic_rl.optim.events import UnitsReplaced
from plastic_rl.optim.propagation import Heard, Propagation
from plastic_rl.optim.replacement import move_mean_to_bias
from plastic_rl.optim.stacked.replacer import VectorizedReplacer
from plastic_rl.optim.watched_layer import WatchedLayer
from plastic_rl.validation import fraction, one_of, whole_number

# A processor takes the absolute values of this many weights without leaving its cache (1.7 times as fast at 2000×2000).
SLAB = 2**19

# What a utility that is not a number counts as: so useful that its unit is never chosen for it.
NOT_A_NUMBER = 1e30


def outgoing_magnitude(weight: Float[Tensor, "outputs columns *taps"]) -> Float[Tensor, " columns"]:
    """Σ_k |w_k| for each column of a reader's weight; times the column's mean |h| it is the contribution, Eq. 1."""
    axes = [axis for axis in range(weight.ndim) if axis != 1]
    if weight.is_cuda or weight.numel() <= SLAB:
        return weight.abs().sum(axes)
    slabs = weight.split(max(1, SLAB * len(weight) // weight.numel()))
    return torch.stack([slab.abs().sum(axes) for slab in slabs]).sum(0)


def incoming_magnitude(weight: Float[Tensor, "units *inputs"]) -> Float[Tensor, " units"]:
    """Σ_j |w_j| for each row of a producer's weight."""
    return weight.abs().flatten(1).sum(1)


def bias_corrected(average: Float[Tensor, " n"], age: Float[Tensor, " n"], decay: float) -> Float[Tensor, " n"]:
    """A running average that started at zero, divided by the weight 1 - η^age that it has gathered (0 at age 0)."""
    gathered = 1 - decay**age
    return average / gathered.clamp(min=torch.finfo(gathered.dtype).tiny)


def least_useful(
    utility: Float[Tensor, " units"], age: Float[Tensor, " units"], maturity: int, count: int
) -> Int[Tensor, " count"]:
    """The ``count`` units of lowest utility among those strictly older than ``maturity`` updates.

    The caller knows that there are as many (`Budget.due`): nothing here asks the device.
    """
    return utility.masked_fill(age <= maturity, torch.inf).topk(count, largest=False).indices


def observed(watched: WatchedLayer, flowed: Tensor | None) -> Iterator[tuple[Tensor, Tensor]]:
    """Each running average of a layer, with what it takes in of what the recorders heard since the last update.

    Args:
        watched: the layer.
        flowed: the utility that was propagated to its units, if any is.
    """
    if watched.mode is Mode.exact:
        latest = latest_utility(watched, watched.heard, flowed)
        if latest is not None:
            yield watched.average, latest
    for magnitude, recorder in zip(watched.magnitudes, watched.recorders, strict=False):
        if recorder.magnitude is not None:
            yield magnitude, recorder.magnitude
    for mean, recorder in zip(watched.means, watched.recorders, strict=False):
        if recorder.mean is not None:  # a mean that is not a number would stay so for good
            yield mean, torch.where(recorder.mean.isfinite(), recorder.mean, mean)


def utilities(
    watched: WatchedLayer, step: int, decay: float, noise: torch.Generator, flowed: Tensor | None
) -> Float[Tensor, " units"]:
    """The quantity that ranks the units of a layer after update number ``step``."""
    if watched.utility is Utility.random:
        return torch.rand(watched.layer.units, device=watched.birth.device, generator=noise)
    if watched.mode is Mode.exact:
        return bias_corrected(watched.average, step - watched.birth, decay)
    if watched.mode is Mode.lazy:
        for magnitude in watched.magnitudes:  # or one batch that is not a number would stay in the average for good
            magnitude.nan_to_num_(nan=NOT_A_NUMBER, posinf=NOT_A_NUMBER)
        latest = latest_utility(watched, watched.magnitudes, flowed)
        assert latest is not None
        return bias_corrected(latest, step - watched.birth, decay)
    latest = latest_utility(watched, watched.heard, flowed)
    return watched.average if latest is None else watched.average.copy_(latest)


def latest_utility(
    watched: WatchedLayer, magnitudes: Sequence[Tensor | None], flowed: Tensor | None
) -> Float[Tensor, " units"] | None:
    """The utility of each unit with these activations and today's weights, or None without any activation."""
    value = flowed
    for port, magnitude in zip(watched.layer.read_by, magnitudes, strict=True):
        per_column = _of_columns(watched.utility, port, magnitude)
        if per_column is not None:
            value = port.per_unit(per_column) if value is None else value + port.per_unit(per_column)
    if watched.utility.is_active and value is None:
        return None
    if watched.utility.is_adaptive:
        incoming = [port.per_unit(incoming_magnitude(port.weight)) for port in watched.layer.produced_by]
        value = (1.0 if value is None else value) / torch.stack(incoming).sum(0)
    return None if value is None else value.to(watched.average).nan_to_num(nan=NOT_A_NUMBER, posinf=NOT_A_NUMBER)


def _of_columns(utility: Utility, port: Port, magnitude: Tensor | None) -> Float[Tensor, " columns"] | None:
    if utility is Utility.propagated:
        return None  # it is not a matter of one layer
    if utility.is_active:
        return None if magnitude is None else magnitude * outgoing_magnitude(port.weight)
    return outgoing_magnitude(port.weight) if utility is Utility.weight else None


def mean_activations(watched: WatchedLayer, step: int, decay: float) -> list[Float[Tensor, " columns"]]:
    """For each reader the bias-corrected mean f of its input columns, since each unit's birth."""
    age = step - watched.birth
    return [
        bias_corrected(mean, port.per_position(age, len(mean)), decay)
        for port, mean in zip(watched.layer.read_by, watched.means, strict=True)
    ]


def centre(watched: WatchedLayer, step: int, decay: float) -> None:
    """Lets the recorders take activations relative to their running means after update number ``step``."""
    if watched.utility.is_centred:
        for recorder, mean in zip(watched.recorders, mean_activations(watched, step, decay), strict=True):
            recorder.centre = mean


class ContinualBackprop(BudgetedReplacer):
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
        utility: what ranks the units (:class:`plastic_rl.choices.Utility`).
        mode: when the running average is taken (:class:`plastic_rl.choices.Mode`).
        rounding: "accumulate" carries fractions of a unit over (Algorithm 1), "bernoulli" draws (the authors' PPO).
        forget_optimizer_state: forget the moments of replaced units; the authors' PPO keeps them.
        unit_clock: let a clock for single units give newborn ones the steps of a fresh Adam. Without one their second
            moments are the means of those beside them, which costs less (docs/overhead.md).
        move_mean_to_bias: add a removed unit's mean contribution to its readers' biases; not done in the paper's runs.
        initialiser: fills newborn units' weights: one of :mod:`plastic_rl.initialisers`, of ``torch.nn.init``, or any
            function of a tensor; None resembles the layer's weights at construction.
        audit_size: how many of the latest replacements :meth:`replacements` can tell of; 0 keeps none.
        seed: of the draws; None takes torch's initial seed. The global random-number stream is never touched.

    Raises:
        ValueError: for a hyper-parameter out of its range, no layers, or layers that the optimiser does not train; with
            utility "propagated" for units that reach themselves (residual streams, recurrent layers).
    """

    label = "continual backprop"
    prefix = "cbp"
    vectorized = VectorizedReplacer

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Iterable[HiddenLayer] = (),
        *,
        replacement_rate: float = 1e-4,
        maturity_threshold: int = 10_000,
        decay_rate: float = 0.99,
        utility: str = "contribution",
        mode: str = "exact",
        rounding: str = "accumulate",
        forget_optimizer_state: bool = True,
        unit_clock: bool = True,
        move_mean_to_bias: bool = False,
        initialiser: Callable[..., Any] | None = None,
        audit_size: int = 0,
        seed: int | None = None,
    ) -> None:
        budget = partial(
            Budget,
            rate=fraction("replacement_rate", replacement_rate),
            maturity=whole_number("maturity_threshold", maturity_threshold),
            rounding=one_of("rounding", Rounding, rounding),
        )
        watch = partial(
            WatchedLayer,
            utility=one_of("utility", Utility, utility),
            mode=one_of("mode", Mode, mode),
            keeps_mean=move_mean_to_bias,
            initialiser=initialiser,
        )
        decay = fraction("decay_rate", decay_rate)
        super().__init__(
            optimizer,
            layers,
            forget_optimizer_state=forget_optimizer_state,
            unit_clock=unit_clock,
            writes_reader_biases=move_mean_to_bias,
            audit_size=audit_size,
            seed=seed,
        )
        self.decay_rate, self.move_mean_to_bias = decay, move_mean_to_bias
        self._budget, self._watch = budget, watch
        self.watched = self.watching()
        self.begin()

    def watching(self) -> list[WatchedLayer]:
        watched = [self._watch(layer, self._budget(layer.units)) for layer in self.layers]
        is_propagated = any(each.utility is Utility.propagated for each in watched)
        self.propagation = Propagation(self.layers) if is_propagated else None
        self._observes = any(each.mode is not Mode.instant or each.keeps_mean for each in watched)
        return watched

    # Algorithm 1.

    def after_step(self) -> None:
        """Algorithm 1, from "for layer l in 1 : L-1" on: age, utility, and the units that fall due."""
        step = self.memory["step"] + 1
        for watched in self.watched:
            watched.follow()
        if self._observes:
            self._observe(step)
        if is_capturing():
            self.check_capture()
            if any(watched.utility.is_centred for watched in self.watched):
                raise RuntimeError(
                    "a CUDA graph would freeze the ages that centre activations: use utility='contribution'"
                )
        else:
            self.replace_due(step)
            self.count_step()
        for watched in self.watched:
            watched.clear()

    def _observe(self, step: int) -> None:
        """Brings all running averages up to date, in one kernel for all layers on a GPU."""
        pairs = self.observed()
        if pairs:
            averages, latest = zip(*pairs, strict=True)
            torch._foreach_lerp_(averages, latest, 1 - self.decay_rate)  # pyright: ignore[reportPrivateImportUsage]
        self.centre(step)

    def observed(self) -> list[tuple[Tensor, Tensor]]:
        """Each running average, with what it takes in of the last update."""
        flowed = self._flowed([watched.heard for watched in self.watched])
        return [pair for watched, each in zip(self.watched, flowed, strict=True) for pair in observed(watched, each)]

    def _flowed(self, heard: Sequence[Heard]) -> Sequence[Tensor | None]:
        """The utility that was propagated to the units of each layer; None where it is another that ranks them."""
        return [None] * len(heard) if self.propagation is None else self.propagation(heard)

    def _utilities(self, watched: WatchedLayer, step: int, noise: torch.Generator) -> Float[Tensor, " units"]:
        """The quantity that ranks the units of a layer after update number ``step``."""
        flowed = None
        if self.propagation is not None and watched.mode is not Mode.exact:
            heard = [each.magnitudes if watched.mode is Mode.lazy else each.heard for each in self.watched]
            flowed = self._flowed(heard)[self.watched.index(watched)]
        return utilities(watched, step, self.decay_rate, noise, flowed)

    def centre(self, step: int) -> None:
        """Lets activations be taken relative to their running means after update number ``step``."""
        for watched in self.watched:
            centre(watched, step, self.decay_rate)

    def replace_due(self, step: int) -> None:
        """Replaces the units that fall due after update number ``step``; part of :meth:`after_step`."""
        self.announce([self._replace(watched, step, count) for watched, count in self.due()])

    def _replace(self, watched: WatchedLayer, step: int, count: int) -> UnitsReplaced:
        source = self.draw_generator(watched.layer, step, watched.birth.device)
        utility = agreed(self._utilities(watched, step, source))
        age = step - watched.birth
        units = least_useful(utility, age, watched.budget.maturity, count)
        if self.move_mean_to_bias:
            means = mean_activations(watched, step, self.decay_rate)
            for port, mean in zip(watched.layer.read_by, means, strict=True):
                move_mean_to_bias(port, units, agreed(mean))
        self.renew_units(watched.layer, units, watched.initialisers(), source)
        watched.renew(units, step)
        return UnitsReplaced(step, watched.layer, units, utility, age)

    # What a host may ask.

    def metrics(self) -> dict[str, int | float]:
        """Units replaced so far and mature units now, in all and by layer; by layer the lowest utility and mean age."""
        counts: dict[str, int | float] = {"cbp/replaced": 0, "cbp/mature": 0}
        for watched in self.watched:
            measured = self._measured(watched, self.memory["step"])
            counts.update({f"cbp/{name}/{watched.layer.name}": value for name, value in measured.items()})
            for name in ("replaced", "mature"):
                counts[f"cbp/{name}"] += int(measured[name])
        return {**super().metrics(), **counts}

    def _measured(self, watched: WatchedLayer, step: int) -> dict[str, float]:
        """Of one layer; the utility is that of the last time units were ranked in mode "instant", today's otherwise."""
        age, budget = step - watched.birth, watched.budget
        mature = budget.mature(step)
        counts = {"replaced": float(budget.replaced), "mature": float(mature), "age_mean": age.mean().item()}
        if not mature or watched.utility is Utility.random:
            return counts
        source = torch.Generator(age.device)
        is_kept = watched.mode is Mode.instant
        utility = watched.average if is_kept else self._utilities(watched, step, source)
        return {**counts, "utility_min": utility[age > budget.maturity].min().item()}
