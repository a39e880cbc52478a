"""Churn reduction: what an update does to the answers on other inputs than its own is taken back in the next.

Tang, Obando-Ceron, Castro, Courville, Berseth, "Mitigating plasticity loss in continual reinforcement learning by
reducing churn", ICML 2025 ("C-CHAIN").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.choices import Answers
from plastic_rl.layers import HiddenLayer, Resizing
from plastic_rl.optim.base import PlasticOptimizer
from plastic_rl.optim.distributed import agreed
from plastic_rl.optim.passages import Gate, Inputs, cloned, network_of, passage, rerun
from plastic_rl.optim.stacked.seed_by_seed import SeedBySeed
from plastic_rl.optim.watching import state_dtype
from plastic_rl.validation import fraction, non_negative, one_of

Scalar = Float[Tensor, ""]


def squared_churn(answers: Float[Tensor, "..."], earlier: Float[Tensor, "..."]) -> Scalar:
    """Mean (f_θ - f_lag)², over samples and outputs."""
    return (answers - earlier).square().mean()


def categorical_churn(
    logits: Float[Tensor, "... outputs"], earlier: Float[Tensor, "... outputs"], sizes: Sequence[int]
) -> Scalar:
    """Mean -Σ_a π_lag(a) log π_θ(a) over samples, summed over the distributions that an action is drawn from."""
    parts = zip(logits.split(list(sizes), -1), earlier.split(list(sizes), -1), strict=True)
    return torch.stack([-(old.softmax(-1) * new.log_softmax(-1)).sum(-1).mean() for new, old in parts]).sum()


def balance(scale: float, loss: Scalar, churn: Scalar) -> Scalar:
    """The coefficient c = scale · loss / churn, of running means; 0 where no churn is left, or that c is infinite."""
    ratio = scale * loss / churn
    return torch.where(ratio.isfinite(), ratio, 0.0)


class ChurnReduction(PlasticOptimizer):
    """Adds c · D(f_lag(s'), f_θ(s')) to the loss: f_lag answers as before the latest update, s' is another minibatch.

    s' is the minibatch before that of the latest update, so that what the update was meant to change is not taken back.
    A policy's answers are its action probabilities, compared by cross-entropy, or its mean actions, as all other
    numbers by their mean square. The term's gradient is worked out before the step and added to what is there by then.

    The authors set c by running means of two losses, c = scale · |L| / D. No optimiser sees L; here c makes the term's
    gradient ``target_scale`` times as long as the one that the step would be made of, by running means of both lengths.

    Args:
        optimizer: what moves the parameters.
        layers: hidden layers of the network, which know it.
        target_scale: how long the term's gradient is, relative to the loss's.
        coefficient: c, if it is to be fixed; ``target_scale`` then has no part. 0 for the running means.
        outputs: how answers are compared (:class:`plastic_rl.choices.Answers`).
        decay_rate: of the running means, by the update.
        on_change: start the running means anew when a task begins, as the authors do.

    Raises:
        ValueError: for a setting out of its range, layers of no network that is known, or a network that cannot be run
            again on an update's inputs.
    """

    follows_resizing = True

    def __init__(
        self,
        optimizer: Optimizer,
        layers: Sequence[HiddenLayer] = (),
        *,
        target_scale: float = 0.05,
        coefficient: float = 0.0,
        outputs: str = "auto",
        decay_rate: float = 0.99,
        on_change: bool = False,
    ) -> None:
        super().__init__(optimizer)
        self.target_scale = non_negative("target_scale", target_scale)
        self.coefficient = non_negative("coefficient", coefficient)
        self.outputs = one_of("outputs", Answers, outputs)
        self.decay_rate, self.on_change = fraction("decay_rate", decay_rate), on_change
        self.is_off = not (self.target_scale or self.coefficient)
        self.vectorized = SeedBySeed if self.is_off else None  # a network is run as a whole
        self.find(layers)

    def find(self, layers: Sequence[HiddenLayer]) -> None:
        """Begins to hear the inputs of the layers' network."""
        self.layers, self.network = list(layers), network_of(layers, type(self).__name__)
        self.passage = passage(self.network)
        self.gate = None if self.is_off else Gate(self.passage.entry)
        device = self.layers[0].produced_by[0].parameter.device
        means = {name: torch.zeros((), device=device) for name in ("loss", "churn", "coefficient")}
        self.memory = {"previous": {}, "reference": {}, "answers": [], **means}

    # Before a step.

    def before_step(self) -> None:
        if self.gate is None:
            return
        inputs = self.gate.inputs
        if inputs is None and not self.memory["previous"]:
            raise RuntimeError(
                f"{type(self.passage.entry).__name__} has not been called, in training mode and with gradients, before "
                "the first step, so that an update's inputs are not known: call the network as a module, network(…)"
            )
        if self.memory["reference"]:
            self._reduce()
        if inputs is not None:
            self._look_ahead(inputs)
            self.gate.inputs = None

    def _reduce(self) -> None:
        """Adds the term's gradient."""
        parameters = [each for each in self.trained if each.is_floating_point()]
        with torch.enable_grad():
            term = self.churn(self._answers(self.memory["reference"]), self.memory["answers"])
            gradients = torch.autograd.grad(term, parameters, allow_unused=True)
        found = [(each, new) for each, new in zip(parameters, gradients, strict=True) if new is not None]
        pairs = [(each, agreed(new)) for each, new in found]
        self._check_reached({id(each) for each, _ in pairs})
        coefficient = self._coefficient(pairs)
        for parameter, gradient in pairs:
            if parameter.grad is None:
                parameter.grad = gradient.mul_(coefficient)
            else:
                parameter.grad.addcmul_(gradient, coefficient.to(gradient))

    def _look_ahead(self, inputs: Inputs) -> None:
        """Takes note of the present answers on the inputs of the update before this one, which the next looks at."""
        previous = self.memory["previous"]
        if previous:
            self.memory.update(reference=previous, answers=self._answers(previous))
        self.memory["previous"] = cloned(inputs)

    def _answers(self, inputs: Inputs) -> list[Tensor]:
        found = rerun(self.network, self.passage.answer, inputs)
        return [each.to(state_dtype(each)) for each in found if each.is_floating_point()]

    def churn(self, answers: Sequence[Tensor], earlier: Sequence[Tensor]) -> Scalar:
        """D, summed over the network's outputs."""
        pairs = list(zip(answers, earlier, strict=True))
        if self.is_categorical:
            parts = [categorical_churn(new, old, self.passage.categories or new.shape[-1:]) for new, old in pairs]
        else:
            parts = [squared_churn(new, old) for new, old in pairs]
        return torch.stack(parts).sum()

    @property
    def is_categorical(self) -> bool:
        """True if answers are compared as the logits of classes."""
        is_policy = self.outputs is Answers.auto and bool(self.passage.categories)
        return is_policy or self.outputs is Answers.categorical

    def _coefficient(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Scalar:
        """c, after the running means have taken this update in."""
        present = [each.grad for each, _ in pairs if each.grad is not None]
        lengths = {"loss": length(present), "churn": length([new for _, new in pairs])}
        for name, value in lengths.items():
            if value is not None:
                self.memory[name].lerp_(value.to(self.memory[name]), 1 - self.decay_rate)
        fixed = torch.full_like(self.memory["coefficient"], self.coefficient)
        balanced = balance(self.target_scale, self.memory["loss"], self.memory["churn"])
        return self.memory["coefficient"].copy_(fixed if self.coefficient else balanced)

    def _check_reached(self, reached: set[int]) -> None:
        producers = [port.parameter for layer in self.layers for port in layer.produced_by]
        trained = [each for each in producers if each.requires_grad]
        if trained and not any(id(each) in reached for each in trained):
            names = ", ".join(f"`{layer.name}`" for layer in self.layers)
            raise RuntimeError(
                f"the answers of {type(self.network).__name__} do not depend on the layers that the method was given "
                f"({names}): another optimiser moves what they depend on (TRPO's does), so that their churn is not its"
            )

    # What a host may tell, and ask.

    @property
    def acts_at_changes(self) -> bool:
        return self.on_change

    def at_change(self) -> None:
        if self.on_change:
            self.memory["loss"].zero_()
            self.memory["churn"].zero_()

    def at_resizing(self, resizing: Resizing) -> None:
        """Follows the layers; what is kept is of inputs and answers, which stay as they are."""
        for layer in self.layers:
            resizing.follow(layer)

    def reattach(self, layers: Sequence[HiddenLayer]) -> None:
        super().reattach(layers)
        means = {name: self.memory[name] for name in ("loss", "churn", "coefficient")}
        self.remove()
        self.find(layers)
        self.memory.update(means)

    def remove(self) -> Optimizer:
        """Takes the hook off the network and returns the wrapped optimiser."""
        if self.gate is not None:
            self.gate.remove()
        return self.optimizer

    def concerns(self, updates: int | None = None) -> Iterator[str]:
        if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in self.network.modules()):
            yield (
                "The network normalises by the statistics of a minibatch (BatchNorm): answers then depend on the other "
                "inputs beside them, and the churn counts that too."
            )

    def metrics(self) -> dict[str, int | float]:
        """The coefficient c at the latest update."""
        return {**super().metrics(), "churn/coefficient": self.memory["coefficient"].item()}

    @torch.no_grad()
    def load_memory(self, memory: dict[str, Any]) -> None:
        for name in ("loss", "churn", "coefficient"):
            self.memory[name].copy_(memory[name])
        self.memory.update({name: cloned(memory[name]) for name in ("previous", "reference", "answers")})


def length(tensors: list[Tensor]) -> Scalar | None:
    """The Euclidean length of several tensors together; None for none."""
    if not tensors:
        return None
    return torch.stack(torch._foreach_norm(tensors)).norm()  # pyright: ignore[reportPrivateImportUsage]
