"""Units that are tuned to the present input, where none is yet and the output was wrong."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from experiments.online.replacement import Replacement
from experiments.online.training import Trainer

FOLLOWED = 1e-3  # of the mean size of errors, an example's share


class NovelAndWrong(Replacement):
    """Imprints where no unit is on and the error is larger than usual; the newborn unit corrects it at once.

    The unit of least contribution among the mature gives way. Each seed goes by its own errors, so that there is no
    rate; the other settings are those of :class:`Replacement`.
    """

    usual: Float[Tensor, " seeds"] | None = None

    def after_step(self, trainers: Sequence[Trainer], errors: Float[Tensor, " seeds"]) -> None:
        self.follow()
        size = errors.abs()
        self.usual = size.clone() if self.usual is None else self.usual.lerp_(size, FOLLOWED)
        is_novel = (self.networks.hidden <= 0).all(1)
        rows = (is_novel & (size > self.usual)).nonzero()
        if len(rows) and self.step > self.budget.maturity:
            units = self.least_useful(1)[rows[:, 0]]
            self.replace(units, trainers, rows)
            self.networks.head[rows, units] = errors[rows]
