"""Networks that change while they learn.

Hidden layers of ordinary networks can be widened, pruned and grown on a schedule. A :class:`DynamicNetwork` grows from
nothing: its weights change, the step size of each, and which units there are.
"""

from plastic_rl.nn.dynamic.fitting import fit
from plastic_rl.nn.dynamic.from_mlp import from_mlp
from plastic_rl.nn.dynamic.generators import ImprintedUnits, MutatedUnits, RandomUnits, UnitMaker
from plastic_rl.nn.dynamic.growing import GrowingLayers
from plastic_rl.nn.dynamic.network import DynamicNetwork
from plastic_rl.nn.dynamic.pruning import prune
from plastic_rl.nn.dynamic.readings import Readings
from plastic_rl.nn.dynamic.rules import Rules
from plastic_rl.nn.dynamic.trainer import DynamicTrainer
from plastic_rl.nn.dynamic.widening import widen

__all__ = [
    "DynamicNetwork",
    "DynamicTrainer",
    "GrowingLayers",
    "ImprintedUnits",
    "MutatedUnits",
    "RandomUnits",
    "Readings",
    "Rules",
    "UnitMaker",
    "fit",
    "from_mlp",
    "prune",
    "widen",
]
