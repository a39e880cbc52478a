"""Dynamic networks with units, made by hand: two levels, backbone and fringe, numbers drawn from one seed."""

from __future__ import annotations

import torch

from plastic_rl.nn.dynamic import DynamicNetwork, DynamicTrainer, Rules
from plastic_rl.nn.dynamic.surgery import adopt, bear

INPUTS, OUTPUTS, SLOTS = 3, 2, 4

# Units 0 to 3 are of level 0, 4 to 7 of level 1.
BACKBONE_UNITS, FRINGE_UNITS = (0, 1, 4), (2, 5)


def grown_network(nonlinearity="tanh", copies=1):
    """A network with backbone units 0, 1 (level 0) and 4 (level 1), which reads 0; fringe units 2 and 5.

    Unit 2 is tried out for unit 4, unit 5 for output 1.
    """
    draws = torch.Generator().manual_seed(0)
    network = DynamicNetwork(INPUTS, OUTPUTS, levels=2, slots=SLOTS, nonlinearity=nonlinearity, copies=copies)
    network.readout.data[..., : 1 + INPUTS] = torch.randn(OUTPUTS, 1 + INPUTS, generator=draws)
    for copy in range(copies):
        for unit, master, weight in ((0, 0, 0.7), (1, 1, -0.4)):
            bear(network, copy, [unit], torch.randn(1, 4, generator=draws), [master])
            adopt(network, copy, unit, weight)
        row = torch.randn(1, 8, generator=draws)
        row[0, 5:] = 0  # of level 0 it reads unit 0 alone
        bear(network, copy, [4], row, [0])
        adopt(network, copy, 4, 0.9)
        bear(network, copy, [2], torch.randn(1, 4, generator=draws), [OUTPUTS + 4])
        row = torch.randn(1, 8, generator=draws)
        row[0, 6:] = 0  # reads units 0 and 1
        bear(network, copy, [5], row, [1])
        network.shadow[copy, 2], network.shadow[copy, 5] = 0.3, -0.2
        network.mean[copy] = torch.randn(8, generator=draws) * 0.1
        network.spread[copy] = torch.rand(8, generator=draws)
    network.error_power.fill_(1.0)
    return network


def batch(count=5, copies=1, seed=1):
    """Inputs and targets."""
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(copies, count, INPUTS, generator=draws), torch.randn(copies, count, OUTPUTS, generator=draws)


EAGER = {"fringe": 4, "every": 5, "maturity": 10, "joins": 1e-3, "leaves": -0.02, "renewal_rate": 0.01}


def small_trainer(
    seeds=(0,), *, levels=1, slots=4, outputs=1, nonlinearity="tanh", maker=None, first_step=2e-3, **rules
):
    """A trainer that grows its network within a few dozen updates."""
    network = DynamicNetwork(INPUTS, outputs, levels=levels, slots=slots, nonlinearity=nonlinearity, copies=len(seeds))
    return DynamicTrainer(
        network, Rules(**{**EAGER, **rules}), seeds=seeds, learning_rate=0.01, first_step=first_step, maker=maker
    )


def bends(inputs, outputs=1):
    """Targets that no linear network can meet."""
    return torch.stack([(inputs[..., 0] - k).abs() - inputs[..., 1] * inputs[..., 2] for k in range(outputs)], -1)


def learn(trainer, updates, *, seed=2, first=0, batch_size=1):
    """Lets it learn; the squared errors of each copy, one for each update.

    Copies see the examples of their places: the first the same as a network alone would.
    """
    copies, outputs = trainer.network.copies, trainer.network.outputs
    draws = [torch.Generator().manual_seed(seed + copy) for copy in range(first, first + copies)]
    errors = []
    for _ in range(updates):
        inputs = torch.stack([torch.randn(batch_size, INPUTS, generator=each) for each in draws])
        targets = bends(inputs, outputs)
        said = trainer.update(inputs, lambda said, wanted=targets: wanted - said)
        errors.append((targets - said).square().sum(-1).mean(1))
    return torch.stack(errors)
