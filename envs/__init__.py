"""Environments: one file per name that may follow `env=` on the command line (a hyphen for each underscore)."""

from envs.ant import Ant
from envs.classic_chain import ClassicChain
from envs.damaged_ant import DamagedAnt
from envs.gravity_ant import GravityAnt
from envs.heavy_ant import HeavyAnt
from envs.minatar_chain import MinAtarChain
from envs.noisy_acrobot import NoisyAcrobot
from envs.noisy_cartpole import NoisyCartPole
from envs.noisy_lunarlander import NoisyLunarLander
from envs.permuted_ant import PermutedAnt
from envs.permuted_cartpole import PermutedCartPole
from envs.permuted_pendulum import PermutedPendulum
from envs.pixel_permuted_catch import PixelPermutedCatch
from envs.recipe import Environment
from envs.recurring_ant import RecurringAnt
from envs.shifting_cartpole import ShiftingCartPole
from envs.slippery_ant import SlipperyAnt
from envs.slippery_halfcheetah import SlipperyHalfCheetah
from envs.slippery_hopper import SlipperyHopper
from envs.slippery_walker2d import SlipperyWalker2d

ENVS: dict[str, type[Environment]] = {
    "slippery-ant": SlipperyAnt,
    "ant": Ant,
    "permuted-cartpole": PermutedCartPole,
    "slippery-hopper": SlipperyHopper,
    "slippery-walker2d": SlipperyWalker2d,
    "slippery-halfcheetah": SlipperyHalfCheetah,
    "gravity-ant": GravityAnt,
    "heavy-ant": HeavyAnt,
    "damaged-ant": DamagedAnt,
    "recurring-ant": RecurringAnt,
    "permuted-ant": PermutedAnt,
    "permuted-pendulum": PermutedPendulum,
    "noisy-cartpole": NoisyCartPole,
    "noisy-acrobot": NoisyAcrobot,
    "noisy-lunarlander": NoisyLunarLander,
    "shifting-cartpole": ShiftingCartPole,
    "pixel-permuted-catch": PixelPermutedCatch,
    "classic-chain": ClassicChain,
    "minatar-chain": MinAtarChain,
}
