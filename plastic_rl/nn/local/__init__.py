"""Local training: the blocks of a network, the objectives they are trained by, and the readouts on top of them."""

from plastic_rl.nn.local.blocks import find_blocks as find_blocks
from plastic_rl.nn.local.plausible import DivisiveNorm as DivisiveNorm
from plastic_rl.nn.local.targets import Joint as Joint
from plastic_rl.nn.local.targets import OneHot as OneHot
from plastic_rl.nn.local.targets import Standardised as Standardised
from plastic_rl.nn.local.targets import TargetEncoder as TargetEncoder
from plastic_rl.nn.local.trainer import LocalHSIC as LocalHSIC
