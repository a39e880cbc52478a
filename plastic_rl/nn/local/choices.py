"""The names by which objectives and readouts are chosen, and the check of what is said about them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from plastic_rl.choices import Estimator, ReadoutKind
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
from plastic_rl.validation import one_of

OBJECTIVES: dict[Estimator, type[Objective]] = {
    Estimator.normalized_hsic: NormalizedHSIC,
    Estimator.hsic: GaussianHSIC,
    Estimator.linear_hsic: LinearHSIC,
    Estimator.random_fourier_hsic: RandomFourierHSIC,
    Estimator.plausible_hsic: PlausibleHSIC,
    Estimator.ridge: Ridge,
    Estimator.prediction: Prediction,
    Estimator.similarity: Similarity,
    Estimator.prediction_similarity: PredictionSimilarity,
}
READOUTS: dict[ReadoutKind, type[Readout]] = {
    ReadoutKind.ridge: RidgeReadout,
    ReadoutKind.assignment: AssignmentReadout,
    ReadoutKind.class_means: ClassMeansReadout,
    ReadoutKind.softmax: SoftmaxReadout,
}


def default_estimator(encoder: TargetEncoder) -> str:
    """Parity with the paper for classes; for everything else what works for everything."""
    return Estimator.normalized_hsic if encoder.has_classes else Estimator.ridge


def objective_class(estimator: str, settings: dict[str, Any]) -> Callable[..., Objective]:
    """The objective of this name, once its settings have been found to be its own.

    Raises:
        ValueError: for an unknown name.
        TypeError: for a setting that the objective does not have.
    """
    chosen = OBJECTIVES[one_of("estimator", Estimator, estimator)]
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
    return READOUTS[one_of("readout", ReadoutKind, readout)]
