"""The comparison of runs, ours and other people's: from folders to a table, a picture and a page."""

from plastic_rl.compare.command import PICTURE, Comparison, compare, draw, print_table
from plastic_rl.compare.finding import find_runs
from plastic_rl.compare.groups import Group, differences, grouped
from plastic_rl.compare.lives import after_changes, drops, recoveries
from plastic_rl.compare.page import write_page
from plastic_rl.compare.panels import panels_of
from plastic_rl.compare.runs import Run, Series
from plastic_rl.compare.table import as_csv, as_latex

__all__ = [
    "PICTURE",
    "Comparison",
    "Group",
    "Run",
    "Series",
    "after_changes",
    "as_csv",
    "as_latex",
    "compare",
    "differences",
    "draw",
    "drops",
    "find_runs",
    "grouped",
    "panels_of",
    "print_table",
    "recoveries",
    "write_page",
]
