"""Training without a global backward pass: each block by a loss of its own, at once, in one forward pass.

Ma, Lewis, Kleijn, "The HSIC bottleneck: deep learning without back-propagation", AAAI 2020, and what followed it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from plastic_rl.layers import hidden_layers
from plastic_rl.nn.local.choices import default_estimator, objective_class, readout_class
from plastic_rl.nn.local.objectives import Objective
from plastic_rl.nn.local.readers import Readers
from plastic_rl.nn.local.readouts import Readout
from plastic_rl.nn.local.targets import TargetEncoder
from plastic_rl.nn.local.trunk import Trunk
from plastic_rl.optim import Plasticity, UnitsReplaced
from plastic_rl.precision import (
    at_least_single,
    check_magnitude,
    in_full_precision,
    magnitude_of,
    without_autocast,
)

OptimizerFactory = Callable[[Any], Optimizer]
ADAM: OptimizerFactory = partial(torch.optim.Adam, lr=1e-3)
ReadoutFactory = Callable[[int, TargetEncoder], Readout]


class LocalHSIC(nn.Module):
    """Trains the blocks of a network, each by its own dependence on the targets; no gradient crosses a block.

    ::

        trainer = LocalHSIC(network, inputs[:1], target_encoder=OneHot(10), beta=200.0, sigma=6.0)
        for inputs, targets in batches:
            loss = trainer.update(inputs, targets)
        classes = trainer.predict(inputs)

    A batch goes forward once. What all blocks have in common (kernels of inputs and targets) is computed once per
    batch; a block's activations are let go before the next one's loss, so that memory does not grow with depth. The
    network is trained in place and stays the module that it was. Everything needed to go on exactly is in
    ``state_dict()``, optimisers included.

    Args:
        network: an `nn.Sequential`, or the blocks themselves (:func:`plastic_rl.nn.local.find_blocks`).
        example: one input (a batch of one will do); the network is run on it once, to learn the blocks' shapes.
        target_encoder: what makes columns of numbers of the targets; its parts say what a layer is trained towards.
        estimator: the blocks' objective (:mod:`plastic_rl.nn.local.choices`); None takes "normalized_hsic" for classes,
            as in the paper, and "ridge" otherwise.
        readout: "ridge" (closed form, all blocks), "assignment" (the paper's unformatted training), "class_means"
            (the same, but for the nearest class mean), "softmax" (its format training), or a class of readout, a
            `functools.partial` of one too; None trains blocks for heads that someone else has.
        optimizer: makes an optimiser of parameters; each block has one, stepped as soon as its gradient is there.
        readout_optimizer: the same for a readout that is trained by gradients ("softmax"); None takes ``optimizer``.
        plasticity: a method to wrap the optimiser in, such as ``partial(ContinualBackprop, replacement_rate=1e-4)``.
            All blocks, and the readout, then have one optimiser between them, stepped once per batch.
        settings: of the estimator: ``beta``, ``sigma``, ``ridge`` and so on.

    Raises:
        ValueError: for an unknown name, a network that cannot be taken apart, or an optimiser for nothing.
        TypeError: for a setting that the estimator does not have.
    """

    def __init__(
        self,
        network: nn.Module | Iterable[nn.Module],
        example: Tensor,
        *,
        target_encoder: TargetEncoder,
        estimator: str | None = None,
        readout: str | ReadoutFactory | None = "ridge",
        optimizer: OptimizerFactory = ADAM,
        readout_optimizer: OptimizerFactory | None = None,
        plasticity: Plasticity | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.trunk, self.encoder = Trunk(network), target_encoder
        build = objective_class(estimator or default_estimator(target_encoder), settings)
        shapes = [at_least_single(features) for features in self.trunk.examples(example)]
        self.widths = [features[0].numel() for features in shapes]
        self.objectives = nn.ModuleList(build(features, target_encoder, **settings) for features in shapes)
        self.readout = self._build_readout(readout)
        self.losses: list[Tensor] = []
        self.replaced: list[UnitsReplaced] = []
        self.dtype, self.is_plastic = shapes[0].dtype, plasticity is not None
        self._follow(shapes[0])
        if plasticity is None:
            self.optimizers = self._one_each(optimizer, readout_optimizer)
        else:
            _refuse("with plasticity there is one optimiser for everything", readout_optimizer)
            whole = optimizer([{"params": group} for group in self._parameter_groups()])
            readers = Readers(self.trunk, self.objectives, self.readout, self.read_out)
            method = plasticity(whole, hidden_layers(readers, example, ignore=readers.of_the_output))
            method.on_replacement(self._note)
            self.optimizers = [method]

    def _follow(self, features: Tensor) -> None:
        """Takes what comes with the network to the device and the precision of its features, single at least."""
        self.objectives.to(features)
        self.encoder.to(features)
        if self.readout is not None:
            self.readout.to(features)

    def _build_readout(self, readout: str | ReadoutFactory | None) -> Readout | None:
        if readout is None:
            return None
        build = readout_class(readout) if isinstance(readout, str) else readout
        reads_all = getattr(getattr(build, "func", build), "reads_all", False)
        return build(sum(self.widths) if reads_all else self.widths[-1], self.encoder)

    def _parameter_groups(self) -> list[list[nn.Parameter]]:
        """The parameters of each block and its objective, then those of the readout if it has any."""
        groups = [
            [*block.parameters(), *objective.parameters()]
            for block, objective in zip(self.trunk.blocks, self.objectives, strict=True)
        ]
        of_readout = list(self.readout.parameters()) if self.readout is not None else []
        return [*groups, of_readout] if of_readout else groups

    def _one_each(self, optimizer: OptimizerFactory, of_readout: OptimizerFactory | None) -> list[Optimizer]:
        groups = [[p for p in group if p.requires_grad] for group in self._parameter_groups()]
        trained = [group for group in groups if group]
        if len(trained) == len(self.trunk.blocks):
            _refuse("this readout is not trained by gradients", of_readout)
        factories = [optimizer] * len(self.trunk.blocks) + [of_readout or optimizer]
        return [factory(group) for factory, group in zip(factories, trained, strict=False)]

    def update(self, inputs: Tensor, targets: Any, *, trunk: bool = True, readout: bool = True) -> Float[Tensor, ""]:
        """One step of every block, and of the readout, on a batch.

        Args:
            inputs: of the first block, (samples, ...).
            targets: what the target encoder takes.
            trunk: train the blocks; False leaves them as they are, in evaluation mode (format training).
            readout: train the readout.

        Returns:
            The mean of the blocks' losses, detached; those of each are in ``losses``. Of the last trained batch if
            ``trunk`` is False, 0 if there was none.

        Raises:
            ValueError: for a frozen trunk whose units a method of plasticity would go on replacing; for inputs, targets
                or a loss that are not finite (a block whose loss is not has not been moved by it).
        """
        if self.is_plastic and not trunk:
            raise ValueError(
                "trunk=False with plasticity: a frozen trunk has no units to replace; leave one of them out"
            )
        check_magnitude("inputs", inputs)
        with torch.no_grad():
            columns = self.encoder(targets).to(self.dtype)
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        features = self._train_blocks(inputs, columns) if trunk else self.trunk.frozen(inputs)
        if readout and self.readout is not None:
            self._train_readout(self.readout, self._read(self.readout, features), columns)
        if self.is_plastic:
            self._step(0)
            self._forget_newborns()
        return torch.stack(self.losses).mean() if self.losses else columns.new_zeros(())

    def local_losses(self, inputs: Tensor, columns: Tensor) -> Iterator[tuple[Tensor, Float[Tensor, ""]]]:
        """Each block's features and loss, in turn; the next block is given the features without their history."""
        first = self.objectives[0]
        assert isinstance(first, Objective)
        inputs = inputs.detach()
        with torch.no_grad(), without_autocast(inputs.device):
            shared = first.prepare(inputs, columns)
        for block, objective in zip(self.trunk.blocks, self.objectives, strict=True):
            features = block(inputs)
            inputs = features.detach()
            yield inputs, _loss(features, objective, shared)

    def _train_blocks(self, inputs: Tensor, columns: Tensor) -> list[Tensor]:
        activations, losses = [], []
        keeps_all = self.readout is not None and self.readout.reads_all
        for place, (features, loss) in enumerate(self.local_losses(inputs, columns)):
            _check_loss(place, loss, features)
            loss.backward()
            if not self.is_plastic:
                self._step(place)
            losses.append(loss.detach())
            activations = [*(activations if keeps_all else []), features.flatten(1)]
        self.losses = losses
        return activations

    def _train_readout(self, readout: Readout, features: Tensor, columns: Tensor) -> None:
        readout.observe(features, columns)
        loss = readout.loss(features, columns)
        if loss is not None:
            loss.backward()
            if not self.is_plastic:
                self._step(-1)
        elif self.is_plastic:  # a unit's utility counts what the readout makes of it
            readout(features)

    def _step(self, place: int) -> None:
        self.optimizers[place].step()
        self.optimizers[place].zero_grad()

    def _note(self, event: UnitsReplaced) -> None:
        self.replaced.append(event)

    def _forget_newborns(self) -> None:
        """Lets readout and objectives forget the past of units that were replaced in this step."""
        newborn = self.readout.features_of(self.replaced) if self.readout is not None and self.replaced else None
        self.replaced.clear()
        if newborn is None or self.readout is None:
            return
        self.readout.forget(newborn)
        for objective, units in zip(self.objectives, newborn.split(self.widths), strict=True):
            assert isinstance(objective, Objective)
            objective.forget(units)

    @torch.no_grad()
    def features(self, inputs: Tensor) -> list[Float[Tensor, "samples _"]]:
        """The flattened activations of each block, for heads that send nothing back; modes as they are."""
        return self.trunk(inputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """The readout's columns, or without one the last block's flattened features; differentiable all the way."""
        return self.read_out(self.trunk(inputs))

    def read_out(self, features: list[Tensor]) -> Tensor:
        """The same, from the flattened features of all blocks."""
        return features[-1] if self.readout is None else self.readout(self._read(self.readout, features))

    def _read(self, readout: Readout, features: list[Tensor]) -> Tensor:
        return (torch.cat(features, 1) if readout.reads_all else features[-1]).to(self.dtype)

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> Any:
        """The readout's predictions in the units of the targets: classes, or numbers; in evaluation mode throughout.

        Raises:
            ValueError: without a readout.
        """
        if self.readout is None:
            raise ValueError('there is no readout to predict with; choose one, such as readout="ridge"')
        return self.encoder.decode(self.readout(self._read(self.readout, self.trunk.frozen(inputs))))

    def metrics(self) -> dict[str, float]:
        """The latest loss of each block, by name."""
        return {f"local/loss/{place}": loss.item() for place, loss in enumerate(self.losses)}

    def get_extra_state(self) -> dict[str, Any]:
        return {"optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}

    def set_extra_state(self, state: Any) -> None:
        # An optimiser takes saved tensors over as they are: without a copy two trainers would share their momentum.
        for optimizer, saved in zip(self.optimizers, copy.deepcopy(state["optimizers"]), strict=True):
            optimizer.load_state_dict(saved)


@in_full_precision
def _loss(features: Tensor, objective: nn.Module, shared: Any) -> Float[Tensor, ""]:
    return objective(features, shared)


def _check_loss(block: int, loss: Tensor, features: Tensor) -> None:
    if not bool(loss.isfinite()):
        raise ValueError(
            f"the loss of block {block} is {loss.item()}, and its features reach a magnitude of "
            f"{magnitude_of(features):.6g}: normalise them, or try a smaller learning rate"
        )


def _refuse(reason: str, readout_optimizer: OptimizerFactory | None) -> None:
    if readout_optimizer is not None:
        raise ValueError(f"readout_optimizer was given, but {reason}; leave it out")
