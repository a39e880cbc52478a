"""The reasons why a model learns in Stable-Baselines3's own loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.distributions import CategoricalDistribution, DiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.common.torch_layers import FlattenExtractor, MlpExtractor
from torch import nn

from plastic_rl.optim.passages import Gate
from plastic_rl.optim.recorder import Recorder
from plastic_rl.sb3.halved_policies import HalvedActorCriticPolicy
from plastic_rl.sb3.lean.between import is_known, modules_of
from plastic_rl.sb3.normalized_rollouts import NormalizedRolloutBuffer
from plastic_rl.sb3.trunk import Nonlinearity

# The loop does these by itself, so that nobody may have replaced it.
OF_POLICY = ("forward", "evaluate_actions", "predict_values", "extract_features", "get_distribution", "obs_to_tensor")
OF_MODEL = ("collect_rollouts", "train")
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def why_not(model: Any, algorithm: type[Any] = PPO) -> str | None:
    """The first reason why a model cannot learn in the lean loop, in a few words; None where it can.

    Args:
        model: an algorithm, set up.
        algorithm: its kind, as SB3 or sb3-contrib has it.
    """
    return next(_reasons(model, algorithm), None)


def _reasons(model: Any, algorithm: type[Any]) -> Iterator[str]:
    if algorithm is not PPO:
        yield f"{algorithm.__name__} is not Stable-Baselines3's PPO"
        return
    policy = model.policy
    if type(policy) not in (ActorCriticPolicy, HalvedActorCriticPolicy):
        yield f"its policy is a {type(policy).__name__}, not an MlpPolicy"
        return
    if model.use_sde:
        yield "it explores by gSDE"
    if type(model.rollout_buffer) not in (RolloutBuffer, NormalizedRolloutBuffer):
        yield f"its rollouts are kept in a {type(model.rollout_buffer).__name__}"
    replaced = [name for name in OF_POLICY if name in vars(policy)] + [name for name in OF_MODEL if name in vars(model)]
    if replaced:
        yield f"somebody has replaced {', '.join(replaced)}"
    yield from _of_spaces(model)
    yield from _of_networks(policy)


def _of_spaces(model: Any) -> Iterator[str]:
    seen, action = model.observation_space, model.policy.action_dist
    if not isinstance(seen, spaces.Box) or is_image_space(seen):
        yield f"observations are {'images' if isinstance(seen, spaces.Box) else type(seen).__name__}, not vectors"
    if type(action) not in (DiagGaussianDistribution, CategoricalDistribution):
        yield f"actions are {type(model.action_space).__name__}, neither Box nor Discrete"


def _of_networks(policy: ActorCriticPolicy) -> Iterator[str]:
    if type(policy.features_extractor) is not FlattenExtractor:
        yield f"its features come from a {type(policy.features_extractor).__name__}"
    if type(policy.mlp_extractor) is not MlpExtractor:
        yield f"its hidden layers are a {type(policy.mlp_extractor).__name__}"
        return
    for network in (policy.mlp_extractor.policy_net, policy.mlp_extractor.value_net):
        yield from _of_layers(list(network))
    yield from _of_layers([policy.action_net])
    yield from _of_layers([policy.value_net])
    yield from _of_parameters(policy)
    yield from _of_hooks(policy)


def _of_layers(modules: list[nn.Module]) -> Iterator[str]:
    for linear in modules[::2]:
        if type(linear) is not nn.Linear or linear.bias is None:
            yield f"it has a {type(linear).__name__} that is no plain linear layer"
    for between in modules[1::2]:
        if unknown := [module for module in modules_of(between) if not is_known(module)]:
            yield f"it has a {type(unknown[0]).__name__}, whose derivative is not known here"
        if isinstance(between, Nonlinearity) and between.doubles and not between.is_halved:
            yield f"its policy has no room for {between.activation}"


def _of_parameters(policy: ActorCriticPolicy) -> Iterator[str]:
    for name, parameter in policy.named_parameters():
        if parameter.device.type != "cpu":
            yield f"it is on {parameter.device}, not on the processor"
        if parameter.dtype is not torch.float32:
            yield f"its weights are {parameter.dtype}"
        if not parameter.requires_grad:
            yield f"{name} is frozen"
        if parameter._backward_hooks or getattr(parameter, "_post_accumulate_grad_hooks", None):
            yield f"somebody listens to the gradient of {name}"


def _of_hooks(policy: ActorCriticPolicy) -> Iterator[str]:
    hidden = [*policy.mlp_extractor.policy_net, *policy.mlp_extractor.value_net]
    layers = {policy.action_net, policy.value_net, *(each for module in hidden for each in modules_of(module))}
    for module in policy.modules():
        for hook in (hook for kind in _HOOKS for hook in getattr(module, kind).values()):
            is_recorder = isinstance(hook, Recorder) and hook.detaches and module in layers
            is_gate = isinstance(hook, Gate) and module is policy.features_extractor
            if not (is_recorder or is_gate):
                yield f"a {getattr(type(hook), '__name__', 'hook')} looks into its network"
