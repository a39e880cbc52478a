"""One of two processes that train networks together, each on its own data."""

from __future__ import annotations

import sys

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from plastic_rl.layers import hidden_layers
from plastic_rl.optim import ChurnReduction, FeatureNorm, InFeR, ProximalFeatures
from tests.optim.networks import around, mlp, numbers

rank, place, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.set_num_threads(1)
distributed.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=2)
network = mlp()
optimizer = around(torch.optim.SGD(network.parameters(), lr=0.1), network, replacement_rate=0.1, maturity_threshold=1)
parallel = DistributedDataParallel(network)
data = torch.Generator().manual_seed(rank)
for _ in range(12):
    optimizer.zero_grad()
    parallel(torch.randn(4, 6, generator=data)).square().mean().backward()
    optimizer.step()
alike = [numbers(network)]
for method in (FeatureNorm, ChurnReduction, ProximalFeatures, InFeR):
    network = mlp()
    layers = hidden_layers(network, torch.zeros(2, 6))
    other = method(torch.optim.SGD(network.parameters(), lr=0.1), layers)
    parallel = DistributedDataParallel(network)
    for _ in range(4):
        other.zero_grad()
        parallel(torch.randn(4, 6, generator=data)).square().mean().backward()
        other.step()
    alike.append([*numbers(network), *(each.weight.detach() for each in getattr(other, "heads", []))])
torch.save([optimizer.metrics()["cbp/replaced"], alike], f"{out}/{rank}.pt")
del parallel  # its reducer has threads of the group
distributed.barrier()  # nobody leaves while the other still sends
distributed.destroy_process_group()
