"""The names by which objectives and readouts are chosen, and the check of what is said about them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from plastic_rl.nn.local.objectives import (
    GaussianHSIC,
    LinearHSIC,
    NormalizedHSIC,
    Objective,
    RandomFourierHSIC,
)
from plastic_rl.nn.local.plausible import PlausibleHSIC
from plastic_rl.nn.local.predictors import Prediction, PredictionSimilarity, Ridge, Similarity
from plastic_rl.nn.local.readouts import AssignmentReadout, ClassMeansReadout, Readout, SoftmaxReadout
from plastic_rl.nn.local.ridge_readout import RidgeReadout
from plastic_rl.nn.local.targets import TargetEncoder

OBJECTIVES: dict[str, type[Objective]] = {
    "normalized_hsic": NormalizedHSIC,
    "hsic": GaussianHSIC,
    "linear_hsic": LinearHSIC,
    "random_fourier_hsic": RandomFourierHSIC,
    "plausible_hsic": PlausibleHSIC,
    "ridge": Ridge,
    "prediction": Prediction,
    "similarity": Similarity,
    "prediction_similarity": PredictionSimilarity,
}
READOUTS: dict[str, type[Readout]] = {
    "ridge": RidgeReadout,
    "assignment": AssignmentReadout,
    "class_means": ClassMeansReadout,
    "softmax": SoftmaxReadout,
}


def default_estimator(encoder: TargetEncoder) -> str:
    """Parity with the paper for classes; for everything else what works for everything."""
    return "normalized_hsic" if encoder.has_classes else "ridge"


def objective_class(estimator: str, settings: dict[str, Any]) -> Callable[..., Objective]:
    """The objective of this name, once its settings have been found to be its own.

    Raises:
        ValueError: for an unknown name.
        TypeError: for a setting that the objective does not have.
    """
    chosen = _chosen("estimator", OBJECTIVES, estimator)
    known = [name for name, p in inspect.signature(chosen).parameters.items() if p.kind is p.KEYWORD_ONLY]
    strange = sorted(set(settings) - set(known))
    if strange:
        raise TypeError(
            f'estimator="{estimator}" has no {", ".join(strange)}; it has {", ".join(known) or "no settings"}'
        )
    return chosen


def readout_class(readout: str) -> Callable[..., Readout]:
    """The readout of this name.

    Raises:
        ValueError: for an unknown name.
    """
    return _chosen("readout", READOUTS, readout)


def _chosen(what: str, table: dict[str, Any], name: str) -> Any:
    if name not in table:
        raise ValueError(f"{what} must be one of {', '.join(table)}; got {name!r}")
    return table[name]
