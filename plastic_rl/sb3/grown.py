"""Policies whose hidden layers are of another width than they were made with: what Stable-Baselines3 must know of it.

It makes a policy of `policy_kwargs`, which a saved model holds: as layers change, ``net_arch`` there is kept to what
they are, so that `PPO.load` makes a policy of the right widths and finds nothing else to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import MlpExtractor
from torch import nn
from torch.optim import Optimizer

from plastic_rl.nn.dynamic import fit
from plastic_rl.optim import PlasticOptimizer, methods_in
from plastic_rl.sb3.optimizer_slots import optimizer_slots


def check_growth(policy: nn.Module, optimizer: Optimizer) -> None:
    """Refuses a method that changes the width of layers which no ``net_arch`` could describe.

    Raises:
        ValueError: names the method, and the policy or the layers.
    """
    for method in methods_in(optimizer):
        kind, layers = type(method).__name__, method.resized_layers
        if not layers:
            continue
        if type(policy) is not ActorCriticPolicy or type(policy.mlp_extractor) is not MlpExtractor:
            raise ValueError(
                f"{kind} changes the width of layers, which saved models of MlpPolicy (PPO, A2C) alone know; got a "
                f"{type(policy).__name__}"
            )
        if others := [layer.name for layer in layers if not layer.name.startswith("mlp_extractor.")]:
            raise ValueError(
                f"{kind} changes the width of layers, and a saved model does not know that of {', '.join(others)}: "
                f"leave them alone with ignore={others}"
            )


def note_growth(model: Any, optimizer: Optimizer) -> None:
    """Has a model keep its ``net_arch`` to the widths of its layers, whoever changes them by way of an optimiser."""
    # A function, which copies of the optimiser share: they would copy the model with it otherwise.
    if isinstance(optimizer, PlasticOptimizer):
        optimizer.on_resizing(lambda _: note_widths(model))


def note_widths(model: Any) -> None:
    """Writes the widths of a policy's hidden layers to where a policy like it is made from.

    :func:`plastic_rl.nn.dynamic.widen` calls this for models of :func:`plastic_rl.sb3.plastic`; whoever widens a layer
    of another model calls it.

    Args:
        model: PPO or A2C with an MlpPolicy.

    Raises:
        TypeError: the model has another policy.
    """
    policy: Any = model.policy
    extractor = getattr(policy, "mlp_extractor", None)
    if type(extractor) is not MlpExtractor:
        raise TypeError(f"the widths of a {type(policy).__name__} are not known; MlpPolicy of PPO and A2C has them")
    widths = {"pi": widths_of(extractor.policy_net), "vf": widths_of(extractor.value_net)}
    model.policy_kwargs = {**model.policy_kwargs, "net_arch": widths}
    policy.net_arch = widths
    extractor.latent_dim_pi = [extractor.latent_dim_pi, *widths["pi"]][-1]
    extractor.latent_dim_vf = [extractor.latent_dim_vf, *widths["vf"]][-1]


def widths_of(network: nn.Module) -> list[int]:
    """The widths of the linear layers of a perceptron, in order."""
    return [module.out_features for module in network if isinstance(module, nn.Linear)]  # pyright: ignore[reportGeneralTypeIssues]


def fit_model(model: Any, parameters: Mapping[str, Any]) -> None:
    """Makes the layers of a model as wide as they were in a saved one, where one of its methods changes their width.

    Args:
        model: made with the settings of the saved one.
        parameters: of the saved one, as ``get_parameters`` gives them.
    """
    for slot in optimizer_slots(model.policy, model):
        for method in methods_in(slot.optimizer):
            fit(method.resized_layers, slot.optimizer, parameters["policy"])
