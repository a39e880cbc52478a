"""PPO with an HSIC regulariser on the activations of its actor and its critic (HBaR, Wang et al. 2021)."""

from __future__ import annotations

from typing import Any

from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import MlpExtractor
from stable_baselines3.common.type_aliases import RolloutBufferSamples
from torch import Tensor, nn

from plastic_rl.nn import HSICRegularizer
from plastic_rl.sb3.labelled_rollouts import LabelledRolloutBuffer


class RegularizedPPO(PPO):
    """SB3's PPO plus λ_x nHSIC(X, Z) - λ_y nHSIC(Y, Z), of the activations Z of actor and critic, in its loss.

    X is what the two networks take in, Y the returns, standardised over the minibatch. SB3's `train` is run as it is;
    with both weights at 0 nothing changes, bit for bit.

    Args:
        settings: those of PPO.
        lambda_x: λ_x, what dependence on the input costs.
        lambda_y: λ_y, what dependence on the returns earns.
        sigma: σ of the kernels, scaled by the dimension.

    Raises:
        ValueError: for a weight below 0, a policy without hidden layers of its own, or another rollout buffer.
    """

    def __init__(
        self, *settings: Any, lambda_x: float = 0.0, lambda_y: float = 0.0, sigma: float = 5.0, **named: Any
    ) -> None:
        self.lambda_x, self.lambda_y, self.sigma = lambda_x, lambda_y, sigma
        super().__init__(*settings, **{"rollout_buffer_class": LabelledRolloutBuffer, **named})

    def _setup_model(self) -> None:
        super()._setup_model()
        extractor, buffer = self.policy.mlp_extractor, self.rollout_buffer
        if not (isinstance(extractor, MlpExtractor) and isinstance(buffer, LabelledRolloutBuffer)):
            raise ValueError(
                "RegularizedPPO has a policy with SB3's MlpExtractor and a LabelledRolloutBuffer; got "
                f"{type(extractor).__name__} and {type(buffer).__name__}"
            )
        self.regularizers = [self._regularizer(network) for network in (extractor.policy_net, extractor.value_net)]
        buffer.listener = self._label

    def _regularizer(self, network: nn.Sequential) -> HSICRegularizer:
        activations = [module for module in network if not isinstance(module, nn.Linear)]
        return HSICRegularizer(network, activations, lambda_x=self.lambda_x, lambda_y=self.lambda_y, sigma=self.sigma)

    def _label(self, samples: RolloutBufferSamples, next_observations: Tensor) -> None:
        returns = samples.returns[:, None]
        for regularizer in self.regularizers:
            regularizer.targets = (returns - returns.mean()) / (returns.std(correction=0) + 1e-8)

    def train(self) -> None:
        super().train()
        values = [regularizer.value for regularizer in self.regularizers if regularizer.value is not None]
        if values:
            self.logger.record("hsic/regulariser", sum(value.item() for value in values))

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "regularizers"]
