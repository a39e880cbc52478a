"""Supervised problems that arrive task by task."""

from plastic_rl.streams.augmentation import FlipCropRotate
from plastic_rl.streams.batches import Chunk, chunks
from plastic_rl.streams.bit_flipping import BitFlipping
from plastic_rl.streams.class_incremental import ClassIncremental
from plastic_rl.streams.class_pairs import ClassPairs
from plastic_rl.streams.class_split import ClassSplit
from plastic_rl.streams.feature_search import FeatureSearch
from plastic_rl.streams.given_tasks import GivenTasks
from plastic_rl.streams.growing_data import GrowingData
from plastic_rl.streams.orders import ORDERS, task_order
from plastic_rl.streams.permuted import LabelPermutations, PixelPermutations, RandomLabels, RepeatedImages
from plastic_rl.streams.prototypes import Prototypes
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Examples, Task
from plastic_rl.streams.tracking import SignTracking

__all__ = [
    "ORDERS",
    "BitFlipping",
    "Chunk",
    "ClassIncremental",
    "ClassPairs",
    "ClassSplit",
    "Examples",
    "FeatureSearch",
    "FlipCropRotate",
    "GivenTasks",
    "GrowingData",
    "LabelPermutations",
    "PixelPermutations",
    "Plan",
    "Prototypes",
    "RandomLabels",
    "RepeatedImages",
    "SignTracking",
    "Stream",
    "Task",
    "chunks",
    "task_order",
]
