"""HSIC beside any loss, through an activation: the training loop that owns the loss is left as it is.

Wang, Jian, Masoomi, Ioannidis, Dy, "Revisiting Hilbert-Schmidt information bottleneck for adversarial robustness"
(HBaR), NeurIPS 2021.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from plastic_rl.nn.hsic import whitened, whitened_trace
from plastic_rl.nn.kernels import gaussian_kernel
from plastic_rl.nn.local.targets import OneHot


class _Carry(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, activation: Tensor, loss: Tensor) -> Tensor:
        ctx.one = torch.ones_like(loss)
        return activation.view_as(activation)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return outputs[0], ctx.one


def carry_loss(activation: Float[Tensor, "..."], loss: Float[Tensor, ""]) -> Float[Tensor, "..."]:
    """The activation, unchanged; whatever is sent back through it, the loss's gradient is added to that.

    As good as adding ``loss`` to what is minimised, as long as something is sent back, once, and is not scaled (a
    `GradScaler` scales its own loss only).
    """
    carried = _Carry.apply(activation, loss)
    assert isinstance(carried, Tensor)
    return carried


class HSICRegularizer:
    """Adds λ_x nHSIC(X, Z) - λ_y nHSIC(Y, Z) of some activations Z to whatever a network is trained by (HBaR).

    ::

        trunk = model.policy.mlp_extractor.policy_net
        regularizer = HSICRegularizer(trunk, [trunk[1], trunk[3]], lambda_x=0.01)

    Unlike local training its gradient goes on through all earlier layers. Active in training mode, where gradients are
    taken, and, with a λ_y, once there are targets.

    Args:
        network: the module whose first argument is X; it must be called as a module.
        layers: modules within it, whose outputs are Z.
        lambda_x: λ_x, what dependence on the input costs.
        lambda_y: λ_y, what dependence on the targets earns.
        sigma: σ of the kernels, scaled by the dimension; several are averaged.
        epsilon: ε of nHSIC.
        classes: how many there are where the targets are class labels, which are then one-hot columns.

    Raises:
        ValueError: for a weight below 0, or no layers.
    """

    def __init__(
        self,
        network: nn.Module,
        layers: Iterable[nn.Module],
        *,
        lambda_x: float = 0.0,
        lambda_y: float = 0.0,
        sigma: float | Sequence[float] = 5.0,
        epsilon: float = 1e-5,
        classes: int | None = None,
    ) -> None:
        layers = list(layers)
        if min(lambda_x, lambda_y) < 0 or not layers:
            raise ValueError(
                f"weights of 0 or more and one layer or more are expected; got lambda_x={lambda_x}, "
                f"lambda_y={lambda_y}, {len(layers)} layers"
            )
        self.network, self.lambda_x, self.lambda_y = network, lambda_x, lambda_y
        self.sigma, self.epsilon = sigma, epsilon
        self.encoder = None if classes is None else OneHot(classes)
        self.targets: Tensor | None = None
        self.value: Tensor | None = None
        self._shared: Tensor | None = None
        self._handles = [network.register_forward_pre_hook(self._prepare)]
        self._handles += [layer.register_forward_hook(self._regularise) for layer in layers]
        self._handles += [network.register_forward_hook(self._finish)]

    @property
    def is_active(self) -> bool:
        """True if the next call of the network will be regularised."""
        has_term = self.lambda_x > 0 or self.lambda_y > 0
        has_targets = self.lambda_y == 0 or self.targets is not None
        return has_term and has_targets and self.network.training and torch.is_grad_enabled()

    def _prepare(self, network: nn.Module, arguments: tuple[Any, ...]) -> None:
        """T = λ_x R_X - λ_y R_Y, once for all layers."""
        self._shared, self.value = None, None
        if not self.is_active:
            return
        inputs = arguments[0]
        if self.targets is not None and len(self.targets) != len(inputs):
            raise ValueError(f"the regulariser has {len(self.targets)} targets for a batch of {len(inputs)} inputs")
        terms = [(self.lambda_x, inputs), (-self.lambda_y, self._columns())]
        with torch.no_grad():
            parts = [weight * self._whitened(samples) for weight, samples in terms if weight and samples is not None]
            self._shared = torch.stack(parts).sum(0)

    def _columns(self) -> Tensor | None:
        """The targets; class labels as one-hot columns."""
        return self.targets if self.targets is None or self.encoder is None else self.encoder(self.targets)

    def _whitened(self, samples: Tensor) -> Tensor:
        return whitened(gaussian_kernel(samples.reshape(len(samples), -1), self.sigma), self.epsilon)

    def _regularise(self, layer: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> Tensor | None:
        if self._shared is None:
            return None
        loss = whitened_trace(gaussian_kernel(output.flatten(1), self.sigma), self._shared, self.epsilon)
        self.value = loss.detach() if self.value is None else self.value + loss.detach()
        return carry_loss(output, loss)

    def _finish(self, network: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        """Ends the call, so that a layer that is called by itself afterwards is not regularised."""
        self._shared = None

    def remove(self) -> None:
        """Takes the hooks off the network."""
        for handle in self._handles:
            handle.remove()
