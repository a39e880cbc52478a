"""The measured costs of methods, written into their pages and into the table of them in `docs/methods/`.

    python -m benchmarks.method_pages        after `python -m benchmarks.method_overhead`

A method's page has a line that begins "Measured for `word`:", and the table a row that begins with the word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks.tables import RESULTS, read

PAGES = Path(__file__).parents[1] / "docs" / "methods"
UNMEASURED = "not measured yet"
COLUMNS = ("ppo_update", "ppo_iteration", "supervised_update", "memory")
LINE = re.compile(r"^Measured for `(\w+)`: .*$", re.MULTILINE)
ROW = re.compile(r"^(\| `(\w+)` \| [^|]+ \| \[[^|]+\) \|)(?: [^|]+ \|){4} ", re.MULTILINE)
Costs = Mapping[str, Mapping[str, str]]


def measured() -> dict[str, dict[str, str]]:
    """The rows of the table of costs, by the word of a method."""
    return {row["method"]: row for row in read(RESULTS / "method_overhead_cpu.csv")}


def with_costs(text: str, costs: Costs) -> str:
    """A page with the costs as they were measured."""
    text = LINE.sub(lambda found: f"Measured for `{found[1]}`: {in_words(costs.get(found[1]))}.", text)
    return ROW.sub(lambda found: f"{found[1]} {' | '.join(cells(costs.get(found[2])))} | ", text)


def cells(cost: Mapping[str, str] | None) -> list[str]:
    """The cells of the table."""
    return [UNMEASURED] * len(COLUMNS) if cost is None else [cost[name] for name in COLUMNS]


def in_words(cost: Mapping[str, str] | None) -> str:
    """What a page says."""
    if cost is None:
        return UNMEASURED
    acting = cost["supervised_update_that_acts"]
    return (
        f"{cost['ppo_update']} of a PPO update, {cost['supervised_update']} of a supervised one"
        + (f" ({acting} where it acts)" if acting else "")
        + f", {cost['memory']} of the memory ([how](../overhead.md#every-method))"
    )


def main() -> None:
    """Writes the costs into all pages."""
    costs = measured()
    for page in PAGES.glob("*.md"):
        page.write_text(with_costs(page.read_text(), costs))


if __name__ == "__main__":
    main()
