"""Algorithm 1 of Dohare et al. (2024) in plain NumPy, written from the paper's equations and from nothing else.

Hidden units are tanh, the loss is the mean squared error, the optimiser is SGD. The first layer may be a convolution of
3 × 3 on one channel, whose channels are then flattened. Two departures, the same as plastic_rl's: utilities of all
layers are updated before any unit is replaced, and a newborn unit is silent towards units born in the same step, too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Draw = Callable[[int, int], np.ndarray]  # (units, fan-in) -> fresh incoming weights
Chance = Callable[[int, int], float]  # (layer, step) -> a uniform draw


class Network:
    """A multilayer perceptron, or one whose first layer convolves; weights are (outputs, inputs)."""

    def __init__(self, weights: list[np.ndarray], biases: list[np.ndarray], *, convolves: bool) -> None:
        self.weights, self.biases, self.convolves = weights, biases, convolves
        self.hidden: list[np.ndarray] = []  # of each hidden layer: (batch, places, units)

    def forward(self, x: np.ndarray) -> np.ndarray:
        if self.convolves:  # (batch, side, side) -> (batch, places, 9)
            windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
            x = windows.reshape(len(x), -1, 9)
        else:
            x = x[:, None, :]
        self.inputs, self.hidden = [x], []
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            self.hidden.append(np.tanh(self.inputs[-1] @ weight.T + bias))
            flat = self.hidden[-1].transpose(0, 2, 1).reshape(len(x), 1, -1)  # a unit's places are neighbours
            self.inputs.append(flat)
        return (self.inputs[-1] @ self.weights[-1].T + self.biases[-1])[:, 0]

    def descend(self, x: np.ndarray, y: np.ndarray, rate: float) -> None:
        """One step of SGD on the mean squared error."""
        output = self.forward(x)
        error = (2 * (output - y) / output.size)[:, None, :]
        for layer in reversed(range(len(self.weights))):
            into = np.einsum("bpo,bpi->oi", error, self.inputs[layer])
            past = error.sum((0, 1))
            if layer:
                h = self.hidden[layer - 1]
                back = (error @ self.weights[layer]).reshape(len(x), h.shape[2], h.shape[1]).transpose(0, 2, 1)
                error = back * (1 - h**2)
            self.weights[layer] -= rate * into
            self.biases[layer] -= rate * past


class AlgorithmOne:
    """u, a and c of every hidden layer, and the loop that uses them."""

    def __init__(
        self,
        network: Network,
        *,
        replacement_rate: float,
        maturity_threshold: int,
        decay_rate: float,
        utility: str,
        rounding: str,
        draw: Draw,
        chance: Chance,
    ) -> None:
        self.network, self.utility, self.rounding = network, utility, rounding
        self.rho, self.m, self.eta = replacement_rate, maturity_threshold, decay_rate
        self.draw, self.chance = draw, chance
        widths = [len(weight) for weight in network.weights[:-1]]
        self.u = [np.zeros(n) for n in widths]
        self.f = [np.zeros((self.columns(layer).shape[2], n)) for layer, n in enumerate(widths)]  # (places, units)
        self.a, self.c = [np.zeros(n) for n in widths], [0.0 for _ in widths]
        self.replaced: list[tuple[int, int, list[int]]] = []
        self.steps = 0

    def step(self, x: np.ndarray, y: np.ndarray, rate: float) -> None:
        self.network.descend(x, y, rate)
        self.steps += 1
        layers = range(len(self.u))
        for layer in layers:
            self.a[layer] += 1
            self.u[layer] = self.eta * self.u[layer] + (1 - self.eta) * self.contribution(layer)
            self.f[layer] = self.eta * self.f[layer] + (1 - self.eta) * self.network.hidden[layer].mean(0)
        born = [(layer, self.replace(layer)) for layer in layers]
        for layer, units in born:
            self.columns(layer)[:, units] = 0.0

    def contribution(self, layer: int) -> np.ndarray:
        """Equation 1, or the older overall utility |h - f| Σ|w_out| / Σ|w_in| (Dohare et al. 2021)."""
        h, columns = self.network.hidden[layer], np.abs(self.columns(layer))
        if self.utility == "adaptable_contribution":
            updates = self.a[layer] - 1  # that the running mean has seen so far
            h = h - self.f[layer] / np.where(updates > 0, 1 - self.eta**updates, 1.0)
        by_place = np.abs(h).mean(0)  # (places, units)
        value = (by_place[None] * columns.transpose(0, 2, 1)).sum((0, 1))
        return value / np.abs(self.network.weights[layer]).sum(1) if self.utility == "adaptable_contribution" else value

    def columns(self, layer: int) -> np.ndarray:
        """Outgoing weights as (outputs, units, places), a view."""
        outgoing, units = self.network.weights[layer + 1], len(self.network.weights[layer])
        return outgoing.reshape(len(outgoing), units, -1)

    def replace(self, layer: int) -> list[int]:
        eligible = self.a[layer] > self.m
        count = self.due(layer, int(eligible.sum()))
        corrected = np.where(eligible, self.u[layer] / (1 - self.eta ** self.a[layer]), np.inf)
        units = np.argsort(corrected)[:count].tolist()
        if units:
            self.replaced.append((self.steps, layer, units))
            incoming = self.network.weights[layer]
            incoming[units] = self.draw(count, incoming.shape[1])
            self.network.biases[layer][units] = 0.0
            self.columns(layer)[:, units] = 0.0
            for quantity in (self.u[layer], self.a[layer], self.f[layer].T):
                quantity[units] = 0.0
        return units

    def due(self, layer: int, eligible: int) -> int:
        if self.rounding == "bernoulli":  # the authors' PPO
            expected = eligible * self.rho
            return int(expected) if expected >= 1 else int(self.chance(layer, self.steps) < expected)
        self.c[layer] += eligible * self.rho
        count = int(self.c[layer])
        self.c[layer] -= count
        return count
