"""Does an instrument predict? Its rank correlation, at the end of a task, with the return that follows in the next.

Every run of a study writes all instruments at the end of each task (`end/…` in its metrics.jsonl) and the return of
each episode. For each pair of a task and the next one, over all runs but those of fresh agents, who carry nothing over,
and those without a change:

* correlation: Spearman's, over all pairs of all runs, so that arms are told apart by it too;
* within runs: the mean over runs of Spearman's over the pairs of one run, so that only time tells them apart.

Intervals are 95 % bootstraps over runs. Rows are sorted by the size of the correlation. What only some runs have, which
is what methods count of their own doing, is not comparable with what all have: it comes after, and not into the figure.

python -m experiments.predictors runs/studies/long_lives      # writes predictors.csv and .png to results/long_lives
python -m experiments.predictors runs/studies/aligned_control --out DIR
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.runs import ROOT, write_table
from experiments.study import show
from plastic_rl.continual import area_per_task, episodes_of
from plastic_rl.evaluation import Estimate
from plastic_rl.runs import read_metrics, read_record

END = "end/"
SIDES = ("actor", "critic")
RESAMPLES = 500

# So many pairs has a run at least that says something by itself.
FEWEST = 4

# Instruments in the figure.
SHOWN = 20

Numbers = NDArray[Any]


class Pair(NamedTuple):
    """The end of a task, and what followed.

    Args:
        run: the number of the run.
        instruments: at the end of the task, by name.
        following: the mean return in the next task, each of its steps counting the same.
    """

    run: int
    instruments: dict[str, float]
    following: float


CONTROLS = ("fresh", "no_change")  # in the names of folders


def pairs_of(run: int, lines: Sequence[Mapping[str, Any]]) -> Iterator[Pair]:
    """The pairs of one run, from the lines of its metrics."""
    returns = area_per_task(episodes_of(lines))
    for line in lines:
        task = line.get(f"{END}task")
        if task is None or task + 1 not in returns:
            continue
        named = {name.removeprefix(END): value for name, value in line.items() if name.startswith(END)}
        instruments = {name: float(value) for name, value in named.items() if is_instrument(name, value)}
        yield Pair(run, {**instruments, "return/in_this_task": returns.get(task, np.nan)}, returns[task + 1])


def is_instrument(name: str, value: object) -> bool:
    """True for a number over all layers, or over those of actor or critic."""
    of_all = name.count("/") == 1 or name.rpartition("/")[2] in SIDES
    return of_all and isinstance(value, int | float)


def read_pairs(study: Path) -> list[Pair]:
    """The pairs of all finished runs of a study, controls aside.

    Args:
        study: the folder of its runs, one folder in it for each arm.

    Raises:
        FileNotFoundError: there are none.
    """
    found: list[Pair] = []
    files = sorted(study.glob("*/*/*/*/run.json"))
    records = [file for file in files if not any(word in file.parts[-5] for word in CONTROLS)]
    for run, file in enumerate(records):
        if read_record(file).get("status") == "finished":
            found += pairs_of(run, read_metrics(file.parent / "metrics.jsonl"))
    if not found:
        raise FileNotFoundError(
            f"{study} holds no finished run with `{END}…` in its metrics.jsonl; runs before the instruments have none"
        )
    return found


def correlation(values: Numbers, following: Numbers) -> float:
    """Spearman's rank correlation; NaN where one of the two is constant."""
    ranks, others = stats.rankdata(values), stats.rankdata(following)
    if np.ptp(ranks) == 0 or np.ptp(others) == 0:
        return float("nan")
    return float(np.corrcoef(ranks, others)[0, 1])


def over_all(values: Numbers, following: Numbers, runs: Numbers, seed: int = 0) -> Estimate:
    """The correlation over all pairs, with an interval over runs."""
    places = [np.flatnonzero(runs == run) for run in np.unique(runs)]

    def of(picked: Sequence[Numbers]) -> float:
        chosen = np.concatenate(picked)
        return correlation(values[chosen], following[chosen])

    return _interval(places, of, seed)


def within_runs(values: Numbers, following: Numbers, runs: Numbers, seed: int = 0) -> Estimate:
    """The mean correlation inside a run, with an interval over runs; NaN where no run is long enough."""
    places = [np.flatnonzero(runs == run) for run in np.unique(runs)]
    each = [correlation(values[place], following[place]) for place in places if len(place) >= FEWEST]
    known = [np.array([value]) for value in each if np.isfinite(value)]
    if not known:
        return Estimate(*[float("nan")] * 3)
    return _interval(known, lambda picked: float(np.mean(picked)), seed)


def _interval(runs: Sequence[Numbers], of: Callable[[Sequence[Numbers]], float], seed: int) -> Estimate:
    generator = np.random.default_rng(seed)
    picks = generator.integers(len(runs), size=(RESAMPLES, len(runs)))
    resampled = [of([runs[place] for place in pick]) for pick in picks]
    known = [value for value in resampled if np.isfinite(value)]
    low, high = np.quantile(known, [0.025, 0.975]) if known else (np.nan, np.nan)
    return Estimate(of(runs), float(low), float(high))


class Found(NamedTuple):
    """What is known of an instrument.

    Args:
        instrument: its name.
        runs: in which it was measured.
        pairs: of the end of a task and the next one.
        whole: the correlation over all pairs.
        own: the mean correlation within a run.
    """

    instrument: str
    runs: int
    pairs: int
    whole: Estimate
    own: Estimate

    def row(self) -> dict[str, str]:
        """Return the row of a table."""
        return {
            "instrument": self.instrument,
            "runs": str(self.runs),
            "pairs": str(self.pairs),
            "correlation": words(self.whole),
            "within runs": words(self.own),
        }


def found_in(pairs: Sequence[Pair]) -> list[Found]:
    """All instruments, the strongest correlation first; those of some runs come after, then those that never vary."""
    names = dict.fromkeys(name for pair in pairs for name in pair.instruments)
    found = [_of(name, pairs) for name in names]
    runs = len({pair.run for pair in pairs})

    def place(each: Found) -> tuple[bool, bool, float]:
        strength = abs(each.whole.value)
        return not np.isfinite(strength), each.runs < runs, -strength

    return sorted(found, key=place)


def _of(name: str, pairs: Sequence[Pair]) -> Found:
    rows = [(pair.instruments[name], pair.following, pair.run) for pair in pairs if name in pair.instruments]
    values, following, runs = np.array([row for row in rows if np.isfinite(row).all()] or np.zeros((0, 3))).T
    if not len(values):
        nothing = Estimate(*[float("nan")] * 3)
        return Found(name, 0, 0, nothing, nothing)
    whole, own = over_all(values, following, runs), within_runs(values, following, runs)
    return Found(name, len(np.unique(runs)), len(values), whole, own)


def draw(found: Sequence[Found], picture: Path) -> None:
    """Both correlations, with their intervals, of the instruments that predict best among those of all runs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    runs = max(each.runs for each in found)
    shown = [each for each in found if np.isfinite(each.whole.value) and each.runs == runs][:SHOWN][::-1]
    figure = Figure(figsize=(8, 1 + 0.28 * len(shown)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for shift, colour, label in ((0.15, "#0072b2", "over all pairs"), (-0.15, "#e69f00", "within runs")):
        values = [each.whole if shift > 0 else each.own for each in shown]
        places = np.arange(len(shown)) + shift
        axes.hlines(places, [each.low for each in values], [each.high for each in values], color=colour, linewidth=3)
        axes.plot([each.value for each in values], places, "o", color=colour, label=label)
    axes.axvline(0, color="0.7", linewidth=1, zorder=0)
    axes.set_yticks(range(len(shown)), [each.instrument for each in shown])
    axes.set(xlabel="rank correlation with the mean return in the next task", xlim=(-1, 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(picture, dpi=120)


def words(value: Estimate) -> str:
    """A correlation with its interval, or a dash."""
    return "-" if np.isnan(value.value) else f"{value.value:+.2f} [{value.low:+.2f}, {value.high:+.2f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the runs of studies; writes a table and a figure for each, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="+", type=Path, help="folders of runs, as studies write them")
    parser.add_argument("--out", type=Path, help="the folder of the table; else results/<name of the study>")
    asked = parser.parse_args(arguments)
    for study in asked.studies:
        found = found_in(read_pairs(study))
        folder = asked.out or ROOT / "results" / study.name
        rows = [each.row() for each in found]
        write_table(folder / "predictors.csv", rows)
        draw(found, folder / "predictors.png")
        print(f"{study.name}: what follows the end of a task")
        show(rows)


if __name__ == "__main__":
    main()
