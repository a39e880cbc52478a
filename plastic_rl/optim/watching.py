"""Hooks by which methods watch a network, and the way to take them off for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._compile import _disable_dynamo

WIDER = {torch.float16: torch.float32, torch.bfloat16: torch.float32}


class WatchingHook:
    """A hook of a method on a module of the network that it watches."""

    @property
    def __name__(self) -> str:
        # torch.jit.script asks for it, and could not compile the hook.
        raise AttributeError(
            "torch.jit.script cannot take the hooks by which a plasticity method watches this network; script it "
            "inside `with plastic_rl.optim.unwatched(network):`"
        )


@contextmanager
def unwatched(network: nn.Module) -> Iterator[nn.Module]:
    """Takes the hooks of methods off a network, to script, export, copy or pickle it as it is; then puts them back.

    ::

        with unwatched(model.policy) as policy:
            torch.save(policy, "policy.pt")

    Args:
        network: the module.
    """
    kept: list[tuple[dict[int, Any], dict[int, Any]]] = [
        (hooks, dict(hooks))
        for module in network.modules()
        for hooks in (module._forward_pre_hooks, module._forward_hooks)
        if any(isinstance(hook, WatchingHook) for hook in hooks.values())
    ]
    for hooks, before in kept:
        for number, hook in before.items():
            if isinstance(hook, WatchingHook):
                del hooks[number]
    try:
        yield network
    finally:
        for hooks, before in kept:
            new = {number: hook for number, hook in hooks.items() if number not in before}
            again = {n: hook for n, hook in before.items() if n in hooks or isinstance(hook, WatchingHook)}
            hooks.clear()
            hooks.update({**again, **new})


def uncompiled(hook: Callable[..., None]) -> Callable[..., None]:
    """The hook, which `torch.compile` lets run as it is: it cannot take hooks on tensors for a part of its graph."""
    # Not `torch.compiler.disable`, which loads the compiler at once: a second of processor time, wanted or not.
    excepted: Any = _disable_dynamo(hook)
    return excepted


class _Pause:
    """The number of places that have paused all hooks."""

    count = 0


@contextmanager
def paused_hooks() -> Iterator[None]:
    """Lets no hook of a method take note of anything, for a ``with`` statement: a method runs the network itself."""
    _Pause.count += 1
    try:
        yield
    finally:
        _Pause.count -= 1


def are_hooks_paused() -> bool:
    """True inside :func:`paused_hooks`."""
    return _Pause.count > 0


def state_dtype(weight: Tensor) -> torch.dtype:
    """The numbers in which a method remembers units of a weight: in 16 bits a running average would stand still."""
    return WIDER.get(weight.dtype, weight.dtype)
