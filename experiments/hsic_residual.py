"""The HSIC bottleneck's residual network with a trained output layer: MNIST with the paper's network and budget.

Five residual blocks of 64 channels and a dense one, five epochs of their local losses, then five of a softmax layer on
top of them as they are (Ma et al. 2020, "format training"), in minibatches of 512. Backprop trains the same network and
layer by Adam for five epochs; its step size is that of `hsic_images`, not tuned here.

python -m experiments.hsic_residual --data DATA    # runs what is missing, for hours without a GPU
python -m experiments.hsic_residual --draw         # draws from the committed tables
"""

from __future__ import annotations

from experiments.image_study import ImageStudy
from experiments.runs import Arm
from experiments.study import main

NETWORK = ("agent.network=residual_conv", "env.batch_size=512")
# The configurations of the authors' code.
HSIC = (
    "agent=hsic",
    *NETWORK,
    "agent.readout=softmax",
    "agent.format_epochs=5",
    "env.epochs=10",
    "agent.sigma=5",
    "agent.learning_rate=1e-2",
)
BACKPROP = ("agent=adam", *NETWORK, "agent.learning_rate=3e-4")

STUDY = ImageStudy(
    name="hsic_residual",
    title="Format training of a residual network",
    arms=(
        Arm("mnist hsic", (*HSIC, "env=mnist", "agent.beta=200")),
        Arm("mnist backprop", (*BACKPROP, "env=mnist", "env.epochs=5")),
        Arm("fashion-mnist hsic", (*HSIC, "env=fashion-mnist", "agent.beta=500")),
    ),
    seeds=range(1),
    published={
        "mnist": {"hsic": 98.94, "backprop": 98.61},
        "fashion-mnist": {"hsic": 89.05},
    },
    reads_data=True,
    quick=("env.epochs=2", "agent.format_epochs=1"),
)

if __name__ == "__main__":
    main(STUDY)
