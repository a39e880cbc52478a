"""Local training: the blocks of a network, the objectives they are trained by, and the readouts on top of them."""

from plastic_rl.nn.local.blocks import find_blocks
from plastic_rl.nn.local.choices import OBJECTIVES, READOUTS
from plastic_rl.nn.local.combined import CombinedTrunks
from plastic_rl.nn.local.objectives import (
    GaussianHSIC,
    LinearHSIC,
    NormalizedHSIC,
    Objective,
    RandomFourierHSIC,
)
from plastic_rl.nn.local.plausible import DivisiveNorm, PlausibleHSIC
from plastic_rl.nn.local.predictors import Prediction, PredictionSimilarity, Ridge, Similarity, similarity_matrix
from plastic_rl.nn.local.readouts import AssignmentReadout, ClassMeansReadout, Readout, SoftmaxReadout
from plastic_rl.nn.local.ridge_readout import RidgeReadout
from plastic_rl.nn.local.targets import Joint, OneHot, Standardized, TargetEncoder
from plastic_rl.nn.local.trainer import LocalHSIC
from plastic_rl.nn.local.trunk import Trunk

__all__ = [
    "OBJECTIVES",
    "READOUTS",
    "AssignmentReadout",
    "ClassMeansReadout",
    "CombinedTrunks",
    "DivisiveNorm",
    "GaussianHSIC",
    "Joint",
    "LinearHSIC",
    "LocalHSIC",
    "NormalizedHSIC",
    "Objective",
    "OneHot",
    "PlausibleHSIC",
    "Prediction",
    "PredictionSimilarity",
    "RandomFourierHSIC",
    "Readout",
    "Ridge",
    "RidgeReadout",
    "Similarity",
    "SoftmaxReadout",
    "Standardized",
    "TargetEncoder",
    "Trunk",
    "find_blocks",
    "similarity_matrix",
]
