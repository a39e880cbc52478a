"""Data sets of images: read from upstream's own files, fetched where they are missing."""

from plastic_rl.streams.data.datasets import DATASETS, Dataset, Labelled, load_dataset
from plastic_rl.streams.data.images import UNIT_SCALE, ImageSet, Scaling, load_images

__all__ = [
    "DATASETS",
    "UNIT_SCALE",
    "Dataset",
    "ImageSet",
    "Labelled",
    "Scaling",
    "load_dataset",
    "load_images",
]
