"""Learners of streams: one network, or independent copies of one with a seed each."""

from plastic_rl.choices import Precision, Renewal
from plastic_rl.learners.additive import AdditiveLearner
from plastic_rl.learners.anchored import AnchoredLearner
from plastic_rl.learners.backprop import Backprop
from plastic_rl.learners.delegating import DelegatingLearner
from plastic_rl.learners.dynamic import DynamicBlueprint, DynamicLearner
from plastic_rl.learners.learner import Blueprint, Learner
from plastic_rl.learners.local import LocalBlueprint, LocalLearner
from plastic_rl.learners.multi_task import MultiTaskLearner
from plastic_rl.learners.parallel.batched import BatchedBackprop
from plastic_rl.learners.parallel.choice import backprop_learner
from plastic_rl.learners.parallel.one_by_one import OneByOne
from plastic_rl.learners.separate_heads import outputs_of_a_task
from plastic_rl.learners.single_task import SingleTaskLearner
from plastic_rl.learners.slope_learner import SlopeLearner

__all__ = [
    "AdditiveLearner",
    "AnchoredLearner",
    "Backprop",
    "BatchedBackprop",
    "Blueprint",
    "DelegatingLearner",
    "DynamicBlueprint",
    "DynamicLearner",
    "Learner",
    "LocalBlueprint",
    "LocalLearner",
    "MultiTaskLearner",
    "OneByOne",
    "Precision",
    "Renewal",
    "SingleTaskLearner",
    "SlopeLearner",
    "backprop_learner",
    "outputs_of_a_task",
]
