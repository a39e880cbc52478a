"""The one table of what may follow hidden layers: a new network is a new row."""

from __future__ import annotations

from typing import Any

NETWORKS: dict[str, dict[str, Any]] = {
    "layer norm": {"normalization": "layer"},
    "leaky ReLU": {"activation": "leaky_relu", "slope": 0.1},
    "Smooth-Leaky": {"activation": "smooth_leaky_relu"},
    "PReLU": {"activation": "prelu"},
    "CReLU": {"activation": "crelu"},
    "Fourier": {"activation": "fourier"},
    "rational": {"activation": "rational"},
    "dropout": {"dropout": 0.2},
    "AID": {"activation": "aid", "probability": 0.8},
    "layer norm, CReLU, dropout": {"normalization": "layer", "activation": "crelu", "dropout": 0.1},
    "layer norm, leaky ReLU": {"normalization": "layer", "activation": "leaky_relu"},
}
