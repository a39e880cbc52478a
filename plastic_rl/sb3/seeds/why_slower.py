"""The reason why models would be slower together than in turn, as measured."""

from __future__ import annotations

from typing import Any

MOST_WEIGHTS = 200_000
"""Of a policy: beyond it nothing was gained (docs/speed.md)."""


def why_slower(model: Any) -> str | None:
    """The reason why several models like one are trained sooner in turn, in a few words; None where they are not.

    Args:
        model: that could learn with others.
    """
    weights = sum(parameter.numel() for parameter in model.policy.parameters())
    if weights <= MOST_WEIGHTS:
        return None
    return f"policies of {weights:,} weights, more than {MOST_WEIGHTS:,}, gain nothing from company"
