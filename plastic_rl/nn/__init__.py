"""Methods that wrap a network."""

from plastic_rl.nn.additive import AdditiveDecomposition as AdditiveDecomposition
from plastic_rl.nn.additive import AdditiveOptimizer as AdditiveOptimizer
from plastic_rl.nn.hsic_regulariser import HSICRegulariser as HSICRegulariser
from plastic_rl.nn.local import DivisiveNorm as DivisiveNorm
from plastic_rl.nn.local import Joint as Joint
from plastic_rl.nn.local import LocalHSIC as LocalHSIC
from plastic_rl.nn.local import OneHot as OneHot
from plastic_rl.nn.local import Standardised as Standardised
from plastic_rl.nn.local.combined import CombinedTrunks as CombinedTrunks
