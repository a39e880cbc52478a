"""Networks that change their size while they learn."""

from plastic_rl.nn.dynamic.fitting import fit
from plastic_rl.nn.dynamic.growing import GrowingLayers
from plastic_rl.nn.dynamic.pruning import prune
from plastic_rl.nn.dynamic.widening import widen

__all__ = ["GrowingLayers", "fit", "prune", "widen"]
