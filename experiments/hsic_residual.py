"""The HSIC bottleneck's residual network with a trained output layer: MNIST with the paper's network and budget.

Five residual blocks of 64 channels and a dense one, five epochs of their local losses, then five of a softmax layer on
top of them as they are (Ma et al. 2020, "format training"), in minibatches of 512. One seed: it takes a core an hour.

python -m experiments.hsic_residual --data DATA    # runs what is missing, then draws
python -m experiments.hsic_residual --draw         # draws from the committed tables
"""

from __future__ import annotations

from experiments.image_study import ImageStudy
from experiments.runs import Arm
from experiments.study import main

# The configurations of the authors' code.
WORDS = (
    "agent=hsic",
    "agent.network=residual_conv",
    "env.batch_size=512",
    "agent.readout=softmax",
    "agent.format_epochs=5",
    "env.epochs=10",
    "agent.sigma=5",
    "agent.learning_rate=1e-2",
    "env=mnist",
    "agent.beta=200",
)

STUDY = ImageStudy(
    name="hsic_residual",
    title="Format training of a residual network",
    arms=(Arm("mnist hsic", WORDS),),
    seeds=range(1),
    published={"mnist": {"hsic": 98.94}},
    reads_data=True,
    quick=("env.epochs=2", "agent.format_epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
