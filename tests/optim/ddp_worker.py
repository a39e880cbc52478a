"""One of two processes that train one network together, each on its own data."""

from __future__ import annotations

import sys

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

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
torch.save([optimizer.metrics()["cbp/replaced"], numbers(network)], f"{out}/{rank}.pt")
distributed.destroy_process_group()
