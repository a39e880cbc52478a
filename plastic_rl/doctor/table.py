"""Layers as a table, with the figures of a fresh network in brackets."""

from __future__ import annotations

from collections.abc import Sequence

from plastic_rl.doctor.complaints import LayerExamination

HEAD = ("layer", "units", "dead", "saturated", "dormant", "directions", "weights")


def layer_table(layers: Sequence[LayerExamination]) -> list[str]:
    """The lines of a table of layers."""
    return table([HEAD, *(row(layer) for layer in layers)])


def row(layer: LayerExamination) -> tuple[str, ...]:
    """The cells of a layer."""
    now, fresh = layer.now, layer.fresh
    pairs = ((now.dead, fresh.dead), (now.saturated, fresh.saturated), (now.dormant, fresh.dormant))
    shares = (f"{percent(one)} ({percent(other)})" for one, other in pairs)
    directions = f"{now.directions:.1f} ({fresh.directions:.1f})"
    return (layer.name, str(layer.units), *shares, directions, f"{layer.growth:.2f}x")


def percent(share: float | None) -> str:
    """A share in words; a dash where there is none."""
    return "-" if share is None else f"{share:.0%}"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns below each other: the first to the left, all others to the right."""
    widths = [max(len(each) for each in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join([first.ljust(widths[0]), *(each.rjust(width) for each, width in zip(rest, widths[1:], strict=True))])
        for first, *rest in rows
    ]
