"""Room for numbers: half precision made single, magnitudes that are checked, scales that lose nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def at_least_single(tensor: Tensor) -> Tensor:
    """The tensor, in single precision if it comes in half; real numbers of other precisions stay as they are.

    Raises:
        TypeError: for whole numbers, such as class labels and tokens, whose differences mean nothing.
    """
    if not tensor.is_floating_point():
        raise TypeError(
            f"samples are compared as real numbers, got {tensor.dtype}: one-hot class labels; embed tokens, or leave "
            "their term out (beta=math.inf, lambda_x=0)"
        )
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """A context in which `torch.autocast` is off on a device."""
    if torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


def in_full_precision(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """A function of tensors, in single precision at least: inside `torch.autocast` and of half tensors too."""

    @wraps(function)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        widened: Any = [at_least_single(each) if isinstance(each, Tensor) else each for each in args]
        device = next((each.device for each in widened if isinstance(each, Tensor)), torch.device("cpu"))
        with without_autocast(device):
            return function(*widened, **kwargs)

    return run


def magnitude_of(tensor: Tensor) -> float:
    """The largest magnitude among some numbers; 0 for none."""
    return float(torch.stack(torch.aminmax(tensor.detach())).abs().amax()) if tensor.numel() else 0.0


def check_magnitude(name: str, tensor: Tensor, below: float = math.inf) -> None:
    """Checks that all numbers are finite, and small enough for what will be made of them.

    Args:
        name: of the numbers, in the plural.
        tensor: any numbers.
        below: the bound of their magnitudes.

    Raises:
        ValueError: with the largest magnitude.
    """
    largest = magnitude_of(tensor)
    if not largest < below:
        bound = "finite numbers" if math.isinf(below) else f"magnitudes below {below:.3g}"
        raise ValueError(
            f"{name} reach a magnitude of {largest:.6g}; {bound} are expected: standardise what goes in, look for "
            "values that are missing, or try a smaller learning rate"
        )


def largest_square_root(dtype: torch.dtype) -> float:
    """The magnitude below which a million squares can be added up in this precision."""
    return math.sqrt(torch.finfo(dtype).max) * 1e-3


def power_of_two(magnitude: Tensor) -> Tensor:
    """The largest power of two that is not above a magnitude, 1 for 0: a division by it loses nothing."""
    mantissa = torch.frexp(magnitude).mantissa
    return torch.where(magnitude > 0, magnitude / (2 * mantissa), 1.0)


def downscaled(name: str, tensor: Tensor, dim: int | tuple[int, ...] = ()) -> Tensor:
    """The tensor over a power of two near its largest magnitude, so that squares neither overflow nor vanish.

    Args:
        name: of the numbers, in the plural.
        tensor: the numbers.
        dim: the dimensions that are divided by one number together; all of them if none are named.

    Raises:
        ValueError: the numbers are not finite.
    """
    magnitude = tensor.detach().abs().amax(dim, keepdim=True)
    check_magnitude(name, magnitude)
    return tensor / power_of_two(magnitude)
