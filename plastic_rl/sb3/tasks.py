"""Additive decomposition of the actor of an SB3 policy: it remembers every task, the critic is each task's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from torch import nn
from torch.optim import Optimizer

from plastic_rl.nn.additive import AdditiveDecomposition, AdditiveOptimizer
from plastic_rl.optim import methods_in
from plastic_rl.regimes import RegimeDetector

# Modules of SB3's actor-critic policies that belong to each task alone: what acting never needs, and the action head.
PRIVATE = ("mlp_extractor.value_net", "vf_features_extractor", "value_net", "action_net")


class RememberedTasks(AdditiveDecomposition):
    """The tasks of a model, and what tells them apart where nobody announces them; both are in one state.

    Args:
        network: the policy.
        settings: of the decomposition.
    """

    def __init__(self, network: nn.Module, **settings: Any) -> None:
        super().__init__(network, **settings)
        self.detector: RegimeDetector | None = None

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "detector": None if self.detector is None else self.detector.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a saved state, of a plain decomposition too.

        Raises:
            ValueError: if it does not fit, or is of tasks that were announced while these are detected.
        """
        saved = state.get("detector")
        if self.detector is not None and saved is None:
            raise ValueError("the saved tasks were announced; to detect them, their worlds would have to be known")
        super().load_state_dict(state)
        if self.detector is not None and saved is not None:
            self.detector.load_state_dict(saved)


def remember_tasks(model: BaseAlgorithm, **settings: Any) -> RememberedTasks:
    """Decomposes the actor of an on-policy model, so that it remembers tasks.

    ::

        model = PPO("MlpPolicy", env)
        tasks = remember_tasks(model, sparsity=0.2)
        model.learn(1_000_000, callback=TaskSwitch())
        with tasks.task(tasks.tasks[0]):
            model.predict(observation)

    The hidden layers of the actor, and of a features extractor that it shares, are decomposed; the critic, the action
    head, biases and ``log_std`` are each task's own. The tasks travel in the optimiser's state: plain SB3 opens what
    ``save`` wrote as the policy of the task in hand, and a model that was built and decomposed alike takes all tasks
    over by ``set_parameters(path)``.

    Args:
        model: with a policy that has one optimiser (PPO, A2C); around continual backprop if that is inside already.
        **settings: of :class:`plastic_rl.nn.AdditiveDecomposition`. Without ``first_task`` the first is called as the
            environment's task 0, or 0 where there are no tasks.

    Returns:
        The tasks.

    Raises:
        TypeError: the model learns off-policy.
        ValueError: its tasks are remembered already, or a hyper-parameter is out of its range.
    """
    if not isinstance(model, OnPolicyAlgorithm):
        raise TypeError(f"tasks are remembered by on-policy algorithms such as PPO; got {type(model).__name__}")
    if tasks_of(model) is not None:
        raise ValueError("this model remembers its tasks already")
    policy = model.policy
    known = {name for name, _ in policy.named_modules()}
    settings = {"first_task": _first_task(model), "heads": [name for name in PRIVATE if name in known], **settings}
    tasks = RememberedTasks(policy, **settings)
    policy.optimizer = AdditiveOptimizer(policy.optimizer, decomposition=tasks)
    return tasks


def _first_task(model: OnPolicyAlgorithm) -> str | int:
    if model.env is None or not model.env.has_attr("parameters"):
        return 0
    return task_name(model.env.env_method("parameters", 0, indices=[0])[0])


def task_name(task: Mapping[str, Any]) -> str:
    """The name of a task: its parameters as JSON. A task that returns has its name again, whatever its index.

    Args:
        task: as ``info["task"]`` announces it.
    """
    parameters = {name: value for name, value in task.items() if name != "index"}
    return json.dumps(parameters, sort_keys=True, default=lambda value: value.tolist())


def tasks_of(model: BaseAlgorithm) -> AdditiveDecomposition | None:
    """The tasks that a model remembers, None if it does not."""
    optimizer: Optimizer | None = getattr(model.policy, "optimizer", None)
    additive = (method for method in methods_in(optimizer) if isinstance(method, AdditiveOptimizer))
    return next((method.decomposition for method in additive), None)


def detector_of(model: BaseAlgorithm) -> RegimeDetector | None:
    """The detector of a model's tasks, None where they are announced (:func:`plastic_rl.sb3.detect_tasks`)."""
    tasks = tasks_of(model)
    return tasks.detector if isinstance(tasks, RememberedTasks) else None
