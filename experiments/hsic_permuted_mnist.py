"""Permuted MNIST in minibatches: does a network that is trained by local losses lose plasticity?

A hundred tasks of a hundred minibatches of 64, three blocks of 100 units; the local losses are the ridge score with a
readout in closed form, in blocks with batch normalisation. Step sizes are
those of a pilot of another network, with batch normalisation; none was tuned for these.

python -m experiments.hsic_permuted_mnist --data DATA    # runs what is missing (half an hour on one core), then draws
"""

from __future__ import annotations

from experiments.runs import Arm
from experiments.stream_study import StreamStudy
from experiments.study import main

WORLD = (
    "env=permuted-mnist",
    "env.examples=6_400",
    "env.batch_size=64",
    "env.tasks=100",
    "agent.hidden_units=100",
)

STUDY = StreamStudy(
    name="hsic_permuted_mnist",
    title="Permuted MNIST, three layers of 100 units",
    arms=(
        Arm("sgd", ("agent=sgd", *WORLD, "agent.learning_rate=0.1")),
        Arm("adam", ("agent=adam", *WORLD, "agent.learning_rate=1e-3")),
        Arm("hsic", ("agent=hsic", *WORLD, "agent.normalization=batch")),
        Arm("hsic_cbp", ("agent=hsic_cbp", *WORLD, "agent.normalization=batch")),
        # The controls: backprop in layers that are normalised, as the blocks of local losses are; a fresh network at
        # each change; no hidden units at all.
        Arm("sgd LayerNorm", ("agent=sgd", *WORLD, "agent.learning_rate=0.1", "agent.network=layer_norm_mlp")),
        Arm("adam LayerNorm", ("agent=adam", *WORLD, "agent.learning_rate=1e-3", "agent.network=layer_norm_mlp")),
        Arm("sgd_retrained", ("agent=sgd_retrained", *WORLD, "agent.learning_rate=0.1")),
        Arm("linear", ("agent=linear", *WORLD, "agent.learning_rate=0.1")),
    ),
    seeds=range(5),
    quantity="online/accuracy",
    percent=True,
    group=5,
    tail=10,
    reads_data=True,
    quick=("env.tasks=2", "env.examples=640"),
)

if __name__ == "__main__":
    main(STUDY)
