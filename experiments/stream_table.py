"""One table for the rivals on two streams: what each reaches over life, beside a fresh network, and in the last tasks.

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
from plastic_rl.evaluation import estimate

RESULTS = ROOT / "results" / "stream_table"

STREAMS = {"bit flipping": bit_flipping_rivals.STUDY, "permuted MNIST": permuted_mnist_rivals.STUDY}


def table() -> list[dict[str, str]]:
    """A row for each learner that has been run on both streams, in the order of the arms."""
    columns = [over_life(stream, study) for stream, study in STREAMS.items()]
    seeds = " and ".join(str(len(study.seeds)) for study in STREAMS.values())
    return [
        {"arm": arm, "seeds": seeds} | {name: value for rows in columns for name, value in rows[arm].items()}
        for arm in STREAM_RIVALS
        if all(arm in rows for rows in columns)
    ]


def over_life(stream: str, study: StreamStudy) -> dict[str, dict[str, str]]:
    """By arm the average over life on one stream, that as a share of a fresh network's, seed by seed, and the end."""
    curves = read_curves(study, study.results / "curves.csv")
    fresh = curves["sgd_fresh"].mean(1)
    measured = study.quantity.partition("/")[2]
    return {
        arm: {
            f"{stream}, {measured} over life": in_words(study, estimate(values.mean(1))),
            f"{stream}, of fresh": _share(values.mean(1) / fresh),
            f"{stream}, last {study.tail} tasks": in_words(study, estimate(values[:, -study.tail :].mean(1))),
        }
        for arm, values in curves.items()
    }


def _share(shares: NDArray[np.float64]) -> str:
    value = estimate(shares)
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


if __name__ == "__main__":
    rows = table()
    write_table(RESULTS / "summary.csv", rows)
    show(rows)
