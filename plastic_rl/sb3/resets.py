"""Resets of the networks of off-policy agents, from time to time, while the replay buffer is kept.

Nikishin, Schwarzer, D'Oro, Bacon, Courville, "The primacy bias in deep reinforcement learning", ICML 2022
(arXiv 2205.07802). As in their code: a reset takes its weights from a new agent, in the networks that learn and in
their targets; the optimisers forget what they know of them, the entropy coefficient starts anew; with the last layers
alone the others go on, weights and moments alike.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import set_random_seed

from plastic_rl.layers import LayerOrder, layer_order
from plastic_rl.optim import methods_in
from plastic_rl.optim.forgetting import forget_everything, forget_parameters
from plastic_rl.optim.layer_reset import norms_of
from plastic_rl.sb3.attachment import shared_out, survey
from plastic_rl.sb3.forecast import pace_of
from plastic_rl.sb3.fresh_agent import FreshAgent, generators_kept, seed_of_agent
from plastic_rl.sb3.interval import Interval
from plastic_rl.sb3.optimizer_slots import OptimizerSlot, optimizer_slots
from plastic_rl.validation import whole_number

logger = logging.getLogger(__name__)

TARGET = "_target"
"""The end of the name of a target network: that of `critic` is `critic_target`."""

LAST = "_last_reset"
"""The attribute of a model that says at which step it was last reset, or began; it travels in checkpoints."""


class Resets(BaseCallback):
    """Resets an off-policy model every so many environment steps, between two rounds of updates.

    ::

        model = plastic(SAC)("MlpPolicy", "Pendulum-v1", seed=0)
        model.learn(300, callback=Resets(every=150))

    The weights are a function of the model's seed and the number of the reset; the global generators go on.

    Args:
        every: environment steps from one reset to the next.
        last: layers, counted from the output, of each network: 1 for its heads, 0 for the whole agent.

    Raises:
        ValueError: a number is out of its range; in training: the model has no seed.
        TypeError: in training: the model learns on-policy.
    """

    def __init__(self, every: int, last: int = 0) -> None:
        super().__init__()
        self.every, self.last = whole_number("every", every), whole_number("last", last)
        if not self.every:
            raise ValueError("every must be 1 or more, got 0: without resets leave the callback out")

    def _on_training_start(self) -> None:
        check_resettable(self.model)
        for text in reset_concerns(self.model, self.every, self.last):
            logger.warning("%s", text)
        # A reset that was due where the last training ended is still to come.
        since = min(getattr(self.model, LAST, self.num_timesteps), self.num_timesteps)
        setattr(self.model, LAST, since)
        self.interval = Interval(self.every, since=since)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.interval.is_over(self.num_timesteps):
            number = self.num_timesteps // self.every
            reset_networks(self.model, number, last=self.last)
            setattr(self.model, LAST, self.num_timesteps)
            self.logger.record("resets/times", number)


def reset_concerns(model: Any, every: int, last: int) -> Iterator[str]:
    """Warnings of resets that do nothing, or more than they say, in the run that a model begins.

    Args:
        model: off-policy, that knows how long the run is.
        every: environment steps from one reset to the next.
        last: layers, counted from the output.
    """
    pace, end = pace_of(model, None), model._total_timesteps
    last_round = end - 1 if pace is None else pace.whole_rounds(end) - pace.steps
    if last_round < every:
        yield f"Resets come every {every:,} environment steps: the run ends before the first, after {end:,}."
    depth = max((max(order.places().values(), default=0) for order in _orders(model)), default=0)
    if last > depth:
        yield f"Resets of the last {last} layers: the networks are {depth} layers deep, and all are drawn afresh."


def fresh_networks_at_changes(model: BaseAlgorithm) -> None:
    """Has a model reset itself as a whole at each change that it is told of: the control that keeps nothing but data.

    Args:
        model: off-policy, with a seed.

    Raises:
        TypeError: the model learns on-policy; of these there is :func:`plastic_rl.sb3.fresh_at_changes`.
        ValueError: it has no seed.
    """
    check_resettable(model)
    slot = optimizer_slots(model.policy, model)[0]
    slot.put(FreshAgent(slot.optimizer, start=lambda number: reset_networks(model, number)))


def check_resettable(model: Any) -> None:
    """Refuses a model whose networks cannot be reset.

    Raises:
        TypeError: it learns on-policy.
        ValueError: it has no seed, or a method that would undo a reset.
    """
    if not isinstance(model, OffPolicyAlgorithm):
        raise TypeError(f"resets are of off-policy algorithms such as SAC; got {type(model).__name__}")
    if model.seed is None:
        raise ValueError("the weights after a reset are a function of the model's seed, and it has none: give seed=0")
    methods = [method for slot in optimizer_slots(model.policy, model) for method in methods_in(slot.optimizer)]
    for kind in (type(method).__name__ for method in methods if method.calls_back):
        raise ValueError(f"resets and {kind} exclude each other, as it calls back the weights from before: take one")


@torch.no_grad()
def reset_networks(model: Any, number: int, *, last: int = 0) -> None:
    """Gives a model the weights of a new agent, in its last layers or in all.

    Args:
        model: off-policy, with a seed, between two rounds of updates.
        number: of the reset, by which the weights are drawn.
        last: layers, counted from the output, of each network: 1 for its heads, 0 for the whole agent.
    """
    drawn = _fresh_policy(model, seed_of_agent(model.seed, number)).state_dict()
    slots = optimizer_slots(model.policy, model)
    names = set(drawn) if last == 0 else of_last_layers(model, last)
    model.policy.load_state_dict({**model.policy.state_dict(), **{name: drawn[name] for name in names}})
    _forget(model, slots, names)
    if model.use_sde:
        model.actor.reset_noise(model.n_envs)  # what there is was drawn by the old agent's log_std


def _fresh_policy(model: Any, seed: int) -> BasePolicy:
    with generators_kept(), torch.enable_grad():
        set_random_seed(seed)
        policy = model.policy_class(
            model.observation_space, model.action_space, model.lr_schedule, **model.policy_kwargs
        )
    return policy.to(model.device)


def _orders(model: Any) -> Iterator[LayerOrder]:
    """The order of the layers of each network that learns."""
    slots = optimizer_slots(model.policy, model)
    for _, layers in shared_out(slots, survey(slots, getattr(model, "ignore", ()))):
        yield layer_order(layers)


def of_last_layers(model: Any, last: int) -> set[str]:
    """The names of all parameters and buffers of the last layers of the networks that learn, and of their targets."""
    places = {module: name for name, module in model.policy.named_modules()}
    names: set[str] = set()
    for order in _orders(model):
        for module in (*order.last(last), *norms_of(order, last)):
            names |= {f"{places[module]}.{part}" for part in module.state_dict()}
    return names | set(_in_targets(names, model.policy.state_dict()))


def _in_targets(names: Collection[str], known: Collection[str]) -> Iterator[str]:
    for name in names:
        network, _, rest = name.partition(".")
        if (twin := f"{network}{TARGET}.{rest}") in known:
            yield twin


def _forget(model: Any, slots: Collection[OptimizerSlot], names: Collection[str]) -> None:
    parameters = [parameter for name, parameter in model.policy.named_parameters() if name in names]
    for slot in slots:
        forget_parameters(slot.optimizer, [each for each in parameters if id(each) in slot.trained])
    temperature = getattr(model, "ent_coef_optimizer", None)
    if temperature is not None:
        initial = float(model.ent_coef.partition("_")[2] or 1.0)  # "auto", or "auto_0.1"
        model.log_ent_coef.fill_(initial).log_()
        forget_everything(temperature)
