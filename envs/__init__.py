"""Environments: one file per name that may follow `env=` on the command line (a hyphen for each underscore)."""

from envs.ant import Ant
from envs.permuted_cartpole import PermutedCartPole
from envs.recipe import Environment
from envs.slippery_ant import SlipperyAnt

ENVS: dict[str, type[Environment]] = {
    "slippery-ant": SlipperyAnt,
    "ant": Ant,
    "permuted-cartpole": PermutedCartPole,
}
