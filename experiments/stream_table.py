"""One table for the rivals on two streams: what each reaches over life, and how much of the loss it wins back.

It reads the committed curves of `experiments/bit_flipping_rivals.py` and `experiments/permuted_mnist_rivals.py`.

python -m experiments.stream_table
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments import bit_flipping_rivals, permuted_mnist_rivals
from experiments.runs import ROOT, write_table
from experiments.stream_rivals import STREAM_RIVALS
from experiments.stream_study import StreamStudy, in_words, read_curves
from experiments.study import show
from plastic_rl.evaluation import estimate, interquartile_mean

RESULTS = ROOT / "results" / "stream_table"

STREAMS = {"bit flipping": bit_flipping_rivals.STUDY, "permuted MNIST": permuted_mnist_rivals.STUDY}


def table() -> list[dict[str, str]]:
    """A row for each learner that both streams have, in the order of the arms."""
    columns = {stream: over_life(stream, study) for stream, study in STREAMS.items()}
    seeds = str(len(STREAMS["bit flipping"].seeds))
    return [
        {"arm": arm, "seeds": seeds} | {name: value for rows in columns.values() for name, value in rows[arm].items()}
        for arm in STREAM_RIVALS
    ]


def over_life(stream: str, study: StreamStudy) -> dict[str, dict[str, str]]:
    """By arm the average over life on one stream, and that as a share of a fresh network's, seed by seed."""
    lives = {arm: values.mean(1) for arm, values in read_curves(study, study.results / "curves.csv").items()}
    fresh = lives["sgd_fresh"]
    measured = study.quantity.partition("/")[2]
    return {
        arm: {
            f"{stream}, {measured} over life": in_words(study, estimate(life)),
            f"{stream}, of fresh": _share(life / fresh),
            f"{stream}, won back": f"{won_back(life, lives['sgd'], fresh):.0%}",
        }
        for arm, life in lives.items()
    }


def won_back(life: NDArray[np.float64], baseline: NDArray[np.float64], fresh: NDArray[np.float64]) -> float:
    """The share of what the baseline loses against a fresh network that a learner does not lose: 1 is all of it.

    Args:
        life: the averages over life of the learner's seeds.
        baseline: those of the learner without a remedy.
        fresh: those of a fresh network at each change.
    """
    ours, none, whole = (float(interquartile_mean(values)) for values in (life, baseline, fresh))
    return (ours - none) / (whole - none)


def _share(shares: NDArray[np.float64]) -> str:
    value = estimate(shares)
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


if __name__ == "__main__":
    rows = table()
    write_table(RESULTS / "summary.csv", rows)
    show(rows)
