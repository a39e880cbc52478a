"""Permuted MNIST in minibatches: does a network that is trained by local losses lose plasticity?

A hundred tasks of a hundred minibatches of 64, three blocks of 100 units; the local losses are the ridge score with a
readout in closed form, in blocks with batch normalisation. Each backprop arm has the step size, of `STEP_SIZES`, whose
average over life was best for a seed that is not among those reported; the local losses have their recipe's.

python -m experiments.hsic_permuted_mnist --data DATA    # runs what is missing (forty minutes on one core), then draws
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

SGD, ADAM = (0.01, 0.03, 0.1, 0.3), (1e-4, 3e-4, 1e-3, 3e-3)
STEP_SIZES = {
    "sgd": SGD,
    "adam": ADAM,
    "sgd LayerNorm": SGD,
    "adam LayerNorm": (*ADAM, 1e-2),
    "sgd BatchNorm": (*SGD, 1.0),
    "adam BatchNorm": (*ADAM, 1e-2),
}
NETWORK = {"": (), "LayerNorm": ("agent.network=layer_norm_mlp",), "BatchNorm": ("agent.network=batch_norm_mlp",)}
STEP_SIZE = {
    "sgd": 0.1,
    "adam": 1e-3,
    "sgd LayerNorm": 0.1,
    "adam LayerNorm": 3e-3,
    "sgd BatchNorm": 0.3,
    "adam BatchNorm": 3e-3,
}


def backprop(name: str, step_size: float) -> tuple[str, ...]:
    """The words of a backprop arm."""
    agent, _, norm = name.partition(" ")
    return (f"agent={agent}", *WORLD, f"agent.learning_rate={step_size:g}", *NETWORK[norm])


STUDY = StreamStudy(
    name="hsic_permuted_mnist",
    title="Permuted MNIST, three layers of 100 units",
    arms=(
        *(Arm(name, backprop(name, STEP_SIZE[name])) for name in ("sgd", "adam")),
        Arm("hsic", ("agent=hsic", *WORLD, "agent.normalization=batch")),
        Arm("hsic_cbp", ("agent=hsic_cbp", *WORLD, "agent.normalization=batch")),
        # The controls: backprop in layers that are normalised, as the blocks of local losses are; a fresh network at
        # each change; no hidden units at all.
        *(Arm(name, backprop(name, STEP_SIZE[name])) for name in STEP_SIZE if "Norm" in name),
        Arm("sgd_retrained", ("agent=sgd_fresh", *WORLD, f"agent.learning_rate={STEP_SIZE['sgd']:g}")),
        Arm("linear", ("agent=linear", *WORLD, "agent.learning_rate=0.1")),
    ),
    seeds=range(5),
    tried=tuple(
        Arm(f"{name} at {step_size:g}", backprop(name, step_size))
        for name, step_sizes in STEP_SIZES.items()
        for step_size in step_sizes
    ),
    quantity="online/accuracy",
    percent=True,
    group=5,
    tail=10,
    reads_data=True,
    fresh="sgd_retrained",
    quick=("env.tasks=2", "env.examples=640"),
)

if __name__ == "__main__":
    main(STUDY)
