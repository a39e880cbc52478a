"""Numbers that say how a dynamic network stands: its size, its step sizes, and what happened to its units."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from plastic_rl.nn.dynamic.network import BACKBONE, FRINGE
from plastic_rl.nn.dynamic.trainer import DynamicTrainer


@torch.no_grad()
def report(trainer: DynamicTrainer) -> list[dict[str, int | float]]:
    """For each copy: units, the backbone's share of them, mean step sizes, and counts so far.

    Step sizes are the geometric mean over weights, of outputs that read inputs and of those that read the backbone;
    they are left out where there are none.
    """
    population, network = trainer.population, trainer.network
    log, first = population.readout_steps.log, network.slots.first
    of_inputs = log[..., :first].mean((1, 2)).exp().tolist()
    of_units = _mean_step(log[..., first:], network.backbone).tolist()
    sizes = zip(population.count(BACKBONE), population.count(FRINGE), strict=True)
    return [
        {
            "dynamic/units": backbone,
            "dynamic/backbone_share": backbone / max(1, backbone + fringe),
            "dynamic/step_size_of_inputs": of_inputs[copy],
            **({"dynamic/step_size_of_units": of_units[copy]} if backbone else {}),
            **{f"dynamic/{name}": counts[copy] for name, counts in population.counts.items()},
        }
        for copy, (backbone, fringe) in enumerate(sizes)
    ]


def _mean_step(log: Float[Tensor, "copies outputs units"], backbone: Tensor) -> Float[Tensor, " copies"]:
    weights = backbone[:, None].expand_as(log)
    return ((log * weights).sum((1, 2)) / weights.sum((1, 2)).clamp(min=1)).exp()
