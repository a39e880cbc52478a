"""Three examples of two inputs, worked out by hand for each rule: weights, step sizes and traces after each."""

from functools import partial

import pytest
import torch

from plastic_rl.optim.step_sizes import IDBD, K1, Autostep
from tests.optim.step_sizes.examples import Linear, numbers

INPUTS = numbers((1.0, 0.5), (1.0, -1.0), (0.5, 2.0))
TARGETS = torch.tensor([1.0, 0.5, -1.0], dtype=torch.float64)

# After each example: w_1, w_2, step sizes (p for K1) and traces h.
#
# IDBD begins with δ = 1: w = 0.2 (1, 0.5) = h. Then δ = 0.5 - (0.2 - 0.1) = 0.4: β_1 grows by 0.1 × 0.4 × 0.2 = 0.008.
# K1 begins with k = 0.2 (1, 0.5) / (1 + 0.2 × 1.25) = (0.16, 0.08), so that h_1 = 0.16 (1 - 0.16).
BY_HAND = {
    "IDBD": (
        partial(IDBD, lr=0.2, meta_step=0.1),
        numbers(
            (0.2, 0.1, 0.2, 0.2, 0.2, 0.1),
            (0.2806426, 0.0203194, 0.2016064, 0.1992016, 0.2403213, 0.0003992),
            (0.1632754, -0.4501345, 0.1987657, 0.1991828, 0.1110122, -0.4703727),
        ),
    ),
    # The last example would overshoot: Σ α x² is 1.68.
    "normalised IDBD": (
        partial(IDBD, lr=0.4, meta_step=0.1, normalized=True),
        numbers(
            (0.4, 0.2, 0.4, 0.4, 0.4, 0.2),
            (0.5226715, 0.0813139, 0.408905, 0.3956205, 0.3591095, 0.0021898),
            (0.3537178, -0.5884294, 0.3989675, 0.3953831, 0.1688515, -0.6696134),
        ),
    ),
    "K1": (
        partial(K1, lr=0.2, normalized=False),
        numbers(
            (0.16, 0.08, 0.2, 0.2, 0.1344, 0.0768),
            (0.2203186, 0.0202141, 0.2011322, 0.1993559, 0.166754, 0.0145922),
            (0.1581869, -0.2276589, 0.1992119, 0.1986876, 0.1017974, -0.1327687),
        ),
    ),
    "normalised K1": (
        partial(K1, lr=0.2),
        numbers(
            (0.16, 0.08, 0.2, 0.2, 0.1344, 0.0768),
            (0.2205425, 0.0203637, 0.2019286, 0.1989062, 0.1668418, 0.0147266),
            (0.1581861, -0.2271657, 0.1996164, 0.1980991, 0.1016551, -0.1326714),
        ),
    ),
    # M is 1.0833 at the last example: the step is the same either way, and the step sizes are not.
    "Autostep as published": (
        partial(Autostep, lr=0.3, meta_step=0.1, horizon=10.0, keeps_bound=True),
        numbers(
            (0.3, 0.15, 0.3, 0.3, 0.3, 0.15),
            (0.4160429, 0.0549921, 0.3315513, 0.2714512, 0.3165776, 0.0142744),
            (0.2335629, -0.5583907, 0.2769033, 0.2326935, 0.1121822, -0.6123946),
        ),
    ),
    "Autostep": (
        partial(Autostep, lr=0.3, meta_step=0.1, horizon=10.0),
        numbers(
            (0.3, 0.15, 0.3, 0.3, 0.3, 0.15),
            (0.4160429, 0.0549921, 0.3315513, 0.2714512, 0.3165776, 0.0142744),
            (0.2335629, -0.5583907, 0.3, 0.2521027, 0.1121822, -0.6123946),
        ),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_three_examples_by_hand(name: str):
    make, expected = BY_HAND[name]
    linear = Linear(make)
    for inputs, target, row in zip(INPUTS, TARGETS, expected, strict=True):
        linear.learn(inputs, target)
        trace = linear.optimizer.state[linear.weight]["gain_trace"]
        found = torch.cat([linear.weight.detach(), linear.optimizer.step_sizes()[0], trace])
        torch.testing.assert_close(found, row, atol=1e-7, rtol=0)
