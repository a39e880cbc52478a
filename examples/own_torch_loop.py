"""A training loop of one's own: a network that learns one random labelling after another, and what became of it.

python examples/own_torch_loop.py [tasks]
"""

import sys

import torch
from torch import nn

from plastic_rl.diagnostics import report
from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ContinualBackprop

TASKS = int(sys.argv[1]) if len(sys.argv) > 1 else 50

torch.manual_seed(0)
inputs = torch.randn(512, 20)
network = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 5))
layers = hidden_layers(network, inputs[:2])
optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
optimizer = ContinualBackprop(optimizer, layers, replacement_rate=1e-3, maturity_threshold=50)

for task in range(TASKS):
    labels = torch.randint(5, (512,))
    for _ in range(5):
        for rows in torch.randperm(512).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(inputs[rows]), labels[rows]).backward()
            optimizer.step()
    right = (network(inputs).argmax(1) == labels).float().mean()
    print(
        f"task {task}: {right:.0%} of its labels learned, {optimizer.metrics()['cbp/replaced']} units replaced so far"
    )

for name, value in report(layers, lambda: network(inputs)).items():
    print(f"{name:24} {value:.3f}")
