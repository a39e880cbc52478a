"""The tables that follow from the runs: the choice of settings, errors with their intervals, and what was claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.tracking.methods import FIRST_STEPS, FIXED, METHODS, SETTINGS_OF_FIRST_STEPS
from experiments.tracking.problem import FAST, ROWS, STILL


def chosen(table: Sequence[Mapping[str, Any]], searched: Sequence[int]) -> list[dict[str, Any]]:
    """The mean error of each value over the seeds of the search, and which is the least of its row and method."""
    errors: dict[tuple[str, str, float], list[float]] = {}
    for each in table:
        if int(each["seed"]) in searched:
            errors.setdefault((each["row"], each["method"], float(each["value"])), []).append(float(each["error"]))
    means = {key: float(np.mean(values)) if np.isfinite(values).all() else np.inf for key, values in errors.items()}
    least = {key[:2]: min(means[other] for other in means if other[:2] == key[:2]) for key in means}
    return [
        {"row": row, "method": method, "value": value, "error": f"{mean:.5g}", "chosen": mean == least[row, method]}
        for (row, method, value), mean in means.items()
    ]


def reported(
    table: Sequence[Mapping[str, Any]], search: Sequence[Mapping[str, Any]], seeds: Sequence[int]
) -> list[Mapping[str, Any]]:
    """The runs with the seeds that chose nothing, each method with what was chosen for the row."""
    picks = {(each["row"], each["method"], float(each["value"])) for each in search if each["chosen"]}
    return [
        each
        for each in table
        if int(each["seed"]) in seeds and (each["row"], each["method"], float(each["value"])) in picks
    ]


def summary(runs: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """One row for each method: its errors, a column for each row of the problem."""
    return [
        {"method": method, **{row.name: in_words(errors_of(runs, row.name, method)) for row in ROWS}}
        for method in METHODS
    ]


def first_steps(runs: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """One row for each method and problem: its errors, a column for each first step size."""
    return [
        {
            "problem": row.name,
            "method": method,
            **{f"{first:g}": in_words(errors_of(runs, row.name, method, first)) for first in FIRST_STEPS},
        }
        for row in (FAST, STILL)
        for method in SETTINGS_OF_FIRST_STEPS
    ]


def verdicts(runs: Sequence[Mapping[str, str]], firsts: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The targets that the project set itself, and what was measured."""
    means = {(row, method): errors_of(runs, row.name, method).mean() for row in ROWS for method in METHODS}
    ratios = [means[row, FIXED] / min(means[row, other] for other in METHODS) for row in ROWS]
    spread = [[errors_of(firsts, row.name, FIXED, first).mean() for first in FIRST_STEPS] for row in (FAST, STILL)]
    moving = max(ratio for row, ratio in zip(ROWS, ratios, strict=True) if row.flip_every)
    claims = [
        ("N-K1, fast and clean: at most 1.10", means[FAST, FIXED], means[FAST, FIXED] <= 1.10),
        ("IDBD, fast and clean: within 5 % of 1.51", means[FAST, "IDBD"], abs(means[FAST, "IDBD"] / 1.51 - 1) <= 0.05),
        ("best LMS, fast and clean: 3.35 within 5 %", means[FAST, "LMS"], abs(means[FAST, "LMS"] / 3.35 - 1) <= 0.05),
        ("N-K1 over the best tuned method, worst of six rows: at most 1.12", max(ratios), max(ratios) <= 1.12),
        ("the same, worst of the five rows that move: at most 1.12", moving, moving <= 1.12),
        ("N-K1, noisy and still: at most 0.02", means[STILL, FIXED], means[STILL, FIXED] <= 0.02),
        ("N-K1, fast: largest over least for first steps 0.0005 to 0.5", max(spread[0]) / min(spread[0]), None),
        ("N-K1, still: largest over least for first steps 0.0005 to 0.5", max(spread[1]) / min(spread[1]), None),
    ]
    words = {True: "reached", False: "missed", None: "-"}
    return [
        {"target": name, "measured": f"{float(value):.4g}", "verdict": words[None if held is None else bool(held)]}
        for name, value, held in claims
    ]


def ratios_to_best(runs: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """For each row of the problem N-K1's error over that of the best method, and which that is."""
    rows: list[dict[str, str]] = []
    for row in ROWS:
        means = {method: float(errors_of(runs, row.name, method).mean()) for method in METHODS}
        winner = min(means, key=lambda method: means[method])
        rows.append({"row": row.name, "best": winner, "ratio": f"{means[FIXED] / means[winner]:.3f}"})
    return rows


def in_words(values: np.ndarray) -> str:
    """A mean with its interval, to three digits."""
    value, low, high = interval(values)
    return "diverges" if not np.isfinite(value) or value > 1e3 else f"{value:.3g} [{low:.3g}, {high:.3g}]"


def interval(values: np.ndarray, draws: int = 2000) -> tuple[float, float, float]:
    """The mean, and its 95 % bootstrap interval."""
    if not np.isfinite(values).all():
        return float("inf"), float("inf"), float("inf")
    picked = np.random.default_rng(0).integers(len(values), size=(draws, len(values)))
    low, high = np.quantile(values[picked].mean(1), (0.025, 0.975))
    return float(values.mean()), float(low), float(high)


def errors_of(table: Sequence[Mapping[str, str]], row: str, method: str, first: float | None = None) -> np.ndarray:
    """The errors of all seeds."""
    return np.array(
        [
            float(each["error"])
            for each in table
            if (each["row"], each["method"]) == (row, method) and (first is None or float(each["first"]) == first)
        ]
    )
