"""A supervised stream of one's own: digits whose classes have new names in each task; three learners on it.

python examples/own_stream.py [tasks]
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from agents import AGENTS
from plastic_rl.runs import RunFolder, read_metrics
from plastic_rl.streams import GivenTasks, Plan
from plastic_rl.training import train_learner

TASKS = int(sys.argv[1]) if len(sys.argv) > 1 else 20

images, labels = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32)


def stream(seed):
    """Tasks are a list; anything with inputs and targets is one, a DataLoader too."""
    names = np.random.default_rng(seed)
    tasks = [(images, names.permutation(10)[labels]) for _ in range(TASKS)]
    return GivenTasks(Plan(tasks=TASKS, batch_size=16), seed, tasks)


for agent in ("sgd", "sgd_cbp", "sgd_l2_init"):
    streams = [stream(seed) for seed in (0, 1)]
    learner = AGENTS[agent](hidden_layers=2, hidden_units=50).build(streams, device="cpu")
    folder = RunFolder(Path("runs/own_stream", agent))
    train_learner(streams, learner, folder)
    lines = read_metrics(folder.metrics_file)
    accuracies = [line["online/accuracy"] for line in lines if "online/accuracy" in line]  # one a task and seed
    print(f"{agent}: accuracy on the last task {np.mean(accuracies[-2:]):.1%}")
