"""All that reads the units of a network that is trained by local losses, as one network."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from plastic_rl.nn.local.objectives import Objective
from plastic_rl.nn.local.readouts import Readout
from plastic_rl.nn.local.trunk import Trunk
from plastic_rl.optim.passages import check_end_to_end


class Readers(nn.Module):
    """All that reads units of a local trainer, in one forward pass: the trainer's own leaves out what objectives train.

    The trainer's modules have the same names here.

    Args:
        trunk: the blocks.
        objectives: of each block.
        readout: of the trainer; None where others read the last block.
        read_out: the trainer's output, from the flattened features of all blocks.
    """

    def __init__(
        self,
        trunk: Trunk,
        objectives: nn.ModuleList,
        readout: Readout | None,
        read_out: Callable[[list[Tensor]], Tensor],
    ) -> None:
        super().__init__()
        self.trunk, self.objectives, self.readout, self.read_out = trunk, objectives, readout, read_out

    @property
    def of_the_output(self) -> list[str]:
        """The names of layers that read the last block where its units are the output: no hidden unit."""
        last = f"objectives.{len(self.objectives) - 1}."
        names = [name for name, _ in self.named_modules() if name.startswith(last)]
        return names if self.readout is None else []

    def forward(self, inputs: Tensor) -> list[Tensor]:
        """The trainer's output, then those of the objectives' layers on hidden units."""
        features = list(self.trunk.activations(inputs))
        outputs = [self.read_out([each.flatten(1) for each in features])]
        hidden = features[:-1] if self.readout is None else features  # without readout the last are the output
        for objective, each in zip(self.objectives, hidden, strict=False):
            assert isinstance(objective, Objective)
            outputs += objective.layers_on(each)
        return outputs


@check_end_to_end.register(Readers)
def _refuse_terms(network: Readers) -> None:
    raise ValueError(
        "blocks that are trained by local losses take units in detached, so that no gradient comes back to which a "
        "term of a loss could be added: use this method with backpropagation"
    )
