"""Supervised problems that arrive task by task, and the learners that consume them."""

from plastic_rl.streams.backprop import Backprop as Backprop
from plastic_rl.streams.backprop import backprop as backprop
from plastic_rl.streams.learn import Summary as Summary
from plastic_rl.streams.learn import learn as learn
from plastic_rl.streams.learner import Blueprint as Blueprint
from plastic_rl.streams.learner import Learner as Learner
from plastic_rl.streams.learner import Plasticity as Plasticity
from plastic_rl.streams.learner import Precision as Precision
from plastic_rl.streams.learner import Renewal as Renewal
from plastic_rl.streams.stream import Plan as Plan
from plastic_rl.streams.stream import Stream as Stream
from plastic_rl.streams.task import Examples as Examples
from plastic_rl.streams.task import Task as Task
