"""Hidden layers as data: who produces a group of units, who reads it, and the proof that nobody else does."""

from plastic_rl.layers.discovery import hidden_layers as hidden_layers
from plastic_rl.layers.discovery import replaceable_layers as replaceable_layers
from plastic_rl.layers.hidden_layer import HiddenLayer as HiddenLayer
from plastic_rl.layers.port import Port as Port
from plastic_rl.layers.proof import assert_function_preserving as assert_function_preserving
