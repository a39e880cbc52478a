"""Tasks that resemble each other: K-means over their own parts, and where the members of a group agree.

Yoon et al. 2020, Section 3.2 (hierarchical knowledge consolidation).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from plastic_rl.choices import Centre

Points = Float[Tensor, "n size"]
Centroids = Float[Tensor, "groups size"]
Labels = Int[Tensor, " n"]


def group(points: Points, previous: Sequence[int | None], count: int, iterations: int = 100) -> Labels:
    """K-means (Lloyd), started from the centroids of the previous groups; the rest from the points farthest from them.

    A group that becomes empty starts anew from the point that fits its own group least. No random numbers are drawn.

    Args:
        points: one row for each task.
        previous: the group that each task was in, None for those that were in none.
        count: how many groups are wanted; no more are formed than there are tasks.
        iterations: at most so many rounds.

    Returns:
        The group of each task, numbered from 0.
    """
    centroids = starting_points(points, previous, min(count, len(points)))
    labels = nearest(points, centroids)
    for _ in range(iterations):
        centroids = torch.stack([points[labels == place].mean(0) for place in range(len(centroids))])
        renewed = nearest(points, centroids)
        if torch.equal(renewed, labels):
            break
        labels = renewed
    return labels


def starting_points(points: Points, previous: Sequence[int | None], count: int) -> Centroids:
    """The means of the previous groups, then, one by one, the point that is farthest from all so far."""
    known = sorted({label for label in previous if label is not None})[:count]
    chosen = [points[[label == one for label in previous]].mean(0) for one in known] or [points[0]]
    while len(chosen) < count:
        distances = torch.cdist(points, torch.stack(chosen)).amin(1)
        chosen.append(points[distances.argmax()])
    return torch.stack(chosen)


def nearest(points: Points, centroids: Centroids) -> Labels:
    """The nearest centroid of each point; every centroid has at least one point."""
    distances = torch.cdist(points, centroids)
    labels = distances.argmin(1)
    for place in range(len(centroids)):
        if not (labels == place).any():
            misfit = distances.gather(1, labels[:, None]).flatten()
            is_alone = torch.bincount(labels, minlength=len(centroids))[labels] == 1
            labels[misfit.masked_fill(is_alone, -1).argmax()] = place
    return labels


def agreement(members: Points, spread: float, centre: Centre) -> tuple[Float[Tensor, " size"], Bool[Tensor, " size"]]:
    """The centre of a group's members, weight by weight, and whether they lie within ``spread`` (β) of each other."""
    low, high = members.aminmax(dim=0)
    middle = members.mean(0) if centre is Centre.mean else (low + high) / 2
    return middle, high - low <= spread
