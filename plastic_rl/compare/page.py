"""A comparison as one interactive page, which opens without a network."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from plastic_rl.compare.groups import Group, differences
from plastic_rl.compare.table import Row
from plastic_rl.extras import needed
from plastic_rl.pictures import Diagram, colours
from plastic_rl.pictures.panels import MOST_MARKS
from plastic_rl.runs import RunFolder, write_result

_STYLE = """
body { font-family: system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0 } th, td { padding: .3em .8em; text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left } tr { border-bottom: 1px solid #ddd } th { background: #f5f5f5 }
details { margin: 1em 0 } summary { cursor: pointer; font-weight: 600 } .note { color: #666 }
figure { margin: 1em 0 } img { max-width: 100% }
"""


def write_page(file: Path, title: str, panels: Sequence[Diagram], rows: Sequence[Row], groups: Sequence[Group]) -> None:
    """Writes the page.

    Args:
        file: to be written.
        title: above it.
        panels: its diagrams.
        rows: of its table.
        groups: whose settings it shows.

    Raises:
        UserError: the package plotly is not installed.
    """
    parts = [
        f"<h1>{escape(title)}</h1>",
        "<p class=note>Interquartile means over runs with 95 % bootstrap intervals (Agarwal et al. 2021). "
        "A click on a name hides its curves, a double click all others.</p>",
        _table(list(rows[0]), [list(row.values()) for row in rows]),
        _diagrams(panels),
        *_films(groups),
        "<h2>Differences between settings</h2>",
        _differences(groups),
        *map(_settings, groups),
        "<h2>Runs</h2>",
        _runs(groups),
    ]
    page = (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{escape(title)}</title>"
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )
    write_result(file, lambda stream: stream.write(page.encode()))


def _diagrams(panels: Sequence[Diagram]) -> str:
    needed("plotly", "the interactive page (--html)")
    from plotly.subplots import make_subplots

    figure: Any = make_subplots(rows=len(panels), cols=1, vertical_spacing=0.3 / len(panels) / 2)
    chosen = colours(panels)
    for place, panel in enumerate(panels, 1):
        for trace in _traces(panel, chosen, is_first=place == 1):
            figure.add_trace(trace, row=place, col=1)
        figure.update_xaxes(title_text=panel.x_label, row=place, col=1)
        figure.update_yaxes(title_text=panel.y_label, row=place, col=1)
        for mark in panel.marks if len(panel.marks) <= MOST_MARKS else ():
            figure.add_vline(mark, line_color="#e5e5e5", line_width=1, layer="below", row=place, col=1)
    figure.update_layout(height=320 * len(panels), template="plotly_white", margin={"t": 20}, hovermode="x")
    return figure.to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})


def _traces(panel: Diagram, chosen: dict[str, str], *, is_first: bool) -> Iterable[Any]:
    """Each curve, and its band, which comes and goes with it."""
    from plotly.graph_objects import Scatter

    for curve in panel.curves:
        colour = chosen[curve.name]
        shared = {"legendgroup": curve.name, "name": curve.name, "hoverinfo": "skip"}
        there_and_back = [*curve.x, *curve.x[::-1]], [*curve.high, *curve.low[::-1]]
        x, y = there_and_back
        yield Scatter(x=x, y=y, fill="toself", fillcolor=colour, opacity=0.15, line_width=0, showlegend=False, **shared)
        shared["hoverinfo"] = "x+y+name"
        yield Scatter(x=curve.x, y=curve.value, mode="lines", line={"color": colour}, showlegend=is_first, **shared)


def _films(groups: Sequence[Group]) -> Iterable[str]:
    """The film of the first run of each group that has one: the policy before a change, and after it."""
    found = {group.name: film for group in groups if (film := _film_of(group)) is not None}
    if found:
        yield "<h2>Before a change, and after it</h2>"
    for name, film in found.items():
        data = b64encode(film.read_bytes()).decode()
        caption = f"<figcaption>{escape(name)}: {escape(str(film.parent))}</figcaption>"
        yield f'<figure><img src="data:image/gif;base64,{data}" alt="{escape(name)}, filmed">{caption}</figure>'


def _film_of(group: Group) -> Path | None:
    return next((film for run in group.runs if (film := RunFolder(run.path).film_file).is_file()), None)


def _differences(groups: Sequence[Group]) -> str:
    found = differences(groups)
    if not found:
        return "<p>None that is known.</p>"
    return _table(["setting", *(group.name for group in groups)], [[name, *values] for name, values in found.items()])


def _settings(group: Group) -> str:
    if not group.settings:
        return ""
    rows = [[name, value] for name, value in sorted(group.settings.items())]
    return (
        f"<details><summary>{escape(group.name)}: all settings</summary>{_table(['setting', 'value'], rows)}</details>"
    )


def _runs(groups: Sequence[Group]) -> str:
    rows = [
        [
            group.name,
            "-" if run.seed is None else run.seed,
            f"{run.length:,.0f} {run.unit}",
            "-" if run.seconds is None else f"{run.seconds / 60:.1f}",
            run.path,
        ]
        for group in groups
        for run in group.runs
    ]
    return _table(["group", "seed", "life", "minutes", "where"], rows)


def _table(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    def line(cells: Iterable[object], kind: str) -> str:
        return f"<tr>{''.join(f'<{kind}>{escape(_plain(cell))}</{kind}>' for cell in cells)}</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def _plain(cell: object) -> str:
    return "-" if cell is None else str(cell)
