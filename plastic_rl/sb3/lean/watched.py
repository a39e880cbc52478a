"""Those who want to see the gradients of a lean update: hooks on parameters would lead it into another loop."""

from __future__ import annotations

from typing import Any, Protocol
from weakref import WeakKeyDictionary


class Watch(Protocol):
    """Looks at the gradients of an update."""

    def before_clipping(self) -> None:
        """Sees the gradients as the loss and the methods made them."""
        ...

    def after_clipping(self) -> None:
        """Sees the gradients as the optimiser is given them."""
        ...


watches: WeakKeyDictionary[Any, Watch] = WeakKeyDictionary()
"""For each model whose next update is watched, who watches."""
