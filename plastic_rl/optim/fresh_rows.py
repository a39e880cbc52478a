"""Fresh rows of a weight, from initialisers of this project, of torch and of one's own."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from plastic_rl.initialisers import Resembling
from plastic_rl.layers import Port
from plastic_rl.seeding import seed_for_now

# Those of torch.nn.init that draw each entry on its own; the others look at the shape of the whole weight.
ENTRYWISE = (
    nn.init.uniform_,
    nn.init.normal_,
    nn.init.trunc_normal_,
    nn.init.constant_,
    nn.init.ones_,
    nn.init.zeros_,
)


@dataclass(frozen=True)
class Drawing:
    """An initialiser, and the way to call it.

    Args:
        function: fills a tensor in place.
        is_whole: it is given a tensor of the shape of the whole weight, as torch keeps it, of which rows are taken:
            its fans, or its orthogonality, are then those of the layer.
        passes_generator: the generator is its second argument ("second"), one by name ("keyword"), or none ("none").
            But where it is the second, torch's global stream is seeded from it for the time of the call.
    """

    function: Callable[..., Any]
    is_whole: bool
    passes_generator: str

    def fill(self, tensor: Tensor, generator: Generator) -> None:
        """Fills a tensor in place; the global random-number stream is left as it was."""
        if self.passes_generator == "second":
            self.function(tensor, generator)
            return
        named = {"generator": generator} if self.passes_generator == "keyword" else {}
        with torch.random.fork_rng([tensor.device] if tensor.is_cuda else []):
            seed = torch.empty((), dtype=torch.int64, device=tensor.device).random_(generator=generator)
            seed_for_now(int(seed))
            self.function(tensor, **named)


@lru_cache(maxsize=256)
def drawing(initialiser: object) -> Drawing:
    """The way to call an initialiser: one of this project, one of torch.nn.init, or any function that fills a tensor.

    Raises:
        TypeError: it is no function.
    """
    if isinstance(initialiser, Resembling):
        return Drawing(initialiser, is_whole=False, passes_generator="second")
    if not callable(initialiser):
        raise TypeError(
            "initialiser must be a function that fills a tensor in place, such as torch.nn.init.orthogonal_ or "
            f"plastic_rl.initialisers.lecun_uniform_; got {initialiser!r}"
        )
    passes = _passes_generator(initialiser)
    function = initialiser
    while isinstance(function, partial):
        function = function.func
    is_torchs = getattr(function, "__module__", None) == nn.init.__name__ and function not in ENTRYWISE
    return Drawing(initialiser, is_whole=is_torchs or passes == "none", passes_generator=passes)


def _passes_generator(function: Callable[..., Any]) -> str:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function that is not written in Python
        return "none"
    places = [each for each in parameters.values() if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    second = places[1] if len(places) > 1 else None
    if second is not None and second.name == "generator":
        return "second"
    if "generator" in parameters:
        return "keyword"
    takes_one = second is not None and (second.default is None or second.default is inspect.Parameter.empty)
    return "second" if takes_one else "none"


@torch.no_grad()
def fresh_rows(
    port: Port, rows: Int[Tensor, " k"], initialiser: Callable[..., Any], generator: Generator
) -> Float[Tensor, "k *inputs"]:
    """Rows of a layer's weight, newly drawn.

    Args:
        port: the layer.
        rows: which rows they are.
        initialiser: how they are drawn.
        generator: the source of the draws, on the weight's device.
    """
    draw, weight = drawing(initialiser), port.weight
    if not draw.is_whole:
        fresh = torch.empty((len(rows), *weight.shape[1:]), dtype=weight.dtype, device=weight.device)
        draw.fill(fresh, generator)
        return fresh
    # In 32 bits at least: torch makes nothing orthogonal in fewer.
    whole = torch.empty(
        port.parameter.shape, dtype=torch.promote_types(weight.dtype, torch.float32), device=weight.device
    )
    draw.fill(whole, generator)
    if port.row_axis:
        whole = whole.transpose(0, port.row_axis)
    return whole.index_select(0, rows).to(weight.dtype)


def _copied(initialiser: Callable[..., Any]) -> Callable[..., Any]:
    """An initialiser that may be called without a trace in the one that is given, where it can be copied."""
    try:
        return copy.deepcopy(initialiser)
    except Exception:  # whatever its parts raise
        return initialiser


@torch.no_grad()
def check_initialiser(port: Port, initialiser: Callable[..., Any]) -> None:
    """Tries an initialiser on a copy of a layer's weight.

    Raises:
        TypeError: it is no function.
        ValueError: it fails, or does not fill the copy with numbers; says on which layer.
    """
    draw, weight = drawing(_copied(initialiser)), port.weight
    if weight.is_meta:
        return
    shape = port.parameter.shape if draw.is_whole else (1, *weight.shape[1:])
    dtype = torch.promote_types(weight.dtype, torch.float32) if draw.is_whole else weight.dtype
    trial = torch.full(shape, torch.nan, dtype=dtype, device=weight.device)
    name = getattr(initialiser, "__name__", repr(initialiser))
    try:
        draw.fill(trial, Generator(weight.device))
    except Exception as error:
        raise ValueError(
            f"initialiser={name} fails on the weight of `{port.name}`, of shape {tuple(shape)} "
            f"({type(error).__name__}: {error}); it must fill a tensor in place, as torch.nn.init.orthogonal_ does"
        ) from error
    if not trial.isfinite().all():
        raise ValueError(
            f"initialiser={name} does not fill the weight of `{port.name}`, of shape {tuple(shape)}, with numbers; it "
            "must fill the tensor that it is given in place"
        )
