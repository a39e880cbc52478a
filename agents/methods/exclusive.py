"""Pairs of methods that no agent may have together, with the reason."""

from __future__ import annotations

_AT_A_CHANGE = "as each sets all weights anew at a change"
_LEARNT = "as what the non-linearity learns would move the frozen heads too"
_MASKS = "as two equal heads do not say the same under masks"
_HEADS = "as the one freezes the head that the other draws afresh"
_ONE_HEAD = "as the one sets but one of the heads anew that the other subtracts"
_AGAIN = "as each does the optimiser's step again in its own way"
_CALLED_BACK = "as the one calls back the weights that the other has set anew"

# One method, those that it excludes, and the end of a sentence that says why.
_TABLE: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("fire", ("reset_network", "shrink_perturb_at_change"), _AT_A_CHANGE),
    ("reset_network", ("shrink_perturb_at_change",), _AT_A_CHANGE),
    ("reset_head", ("reset_network",), "as the head is a part of the network"),
    ("reset_spread", ("reset_head", "reset_network"), "as these set the spread back themselves"),
    ("plasticity_injection", ("reset_head", "reset_network"), _HEADS),
    ("plasticity_injection", ("fire", "shrink_perturb_at_change"), _ONE_HEAD),
    ("plasticity_injection", ("aid", "dropout"), _MASKS),
    ("plasticity_injection", ("prelu", "rational"), _LEARNT),
    ("hare_and_tortoise", ("fire", "reset_network", "shrink_perturb_at_change"), _CALLED_BACK),
    ("hare_and_tortoise", ("plasticity_injection", "reset_head"), _CALLED_BACK),
    ("trac", ("metaoptimize", "upgd"), _AGAIN),
    ("metaoptimize", ("upgd",), _AGAIN),
    ("isometry", ("parseval",), "as both draw the same weights to orthogonality, to different scales"),
    ("nap", ("weight_clipping",), "as both say after each step how large the weights are"),
)

EXCLUSIVE: dict[frozenset[str], str] = {
    frozenset((one, other)): reason for one, others, reason in _TABLE for other in others
}
"""The reasons by pairs of words; :mod:`agents.together` refuses these, and two networks that differ in one option."""
