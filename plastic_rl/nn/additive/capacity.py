"""The capacity of a decomposition: by the paper's definition, by the released code's, and in bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from plastic_rl.nn.additive.layer import DecomposedLayer
from plastic_rl.nn.additive.task_names import TaskName


@dataclass(frozen=True)
class Capacity:
    """The numbers and bytes kept for all tasks, relative to the network that all of them share.

    Args:
        shared: numbers in σ.
        masks: numbers in all masks.
        own: numbers that closed tasks have of their own in decomposed weights, and the learning task's τ.
        groups: numbers in the parts that groups of tasks share.
        private: numbers in one task's biases, norms, heads and other parameters and buffers.
        tasks: how many tasks.
        head: numbers in one task's private matrices, which the released code counts as its head.
        task_bytes: what each closed task takes.
        shared_bytes: what σ and the groups' parts take.
        network_bytes: what the plain network takes.
    """

    shared: int
    masks: int
    own: int
    groups: int
    private: int
    tasks: int
    head: int
    task_bytes: dict[TaskName, int]
    shared_bytes: int
    network_bytes: int

    @property
    def percent(self) -> float:
        """The numbers kept for all tasks, as a percentage of those of the plain network (which are 100)."""
        kept = self.shared + self.masks + self.own + self.groups + self.private * self.tasks
        return 100 * kept / (self.shared + self.private)

    @property
    def reference_percent(self) -> float:
        """The released code's figure: private parts of one task only, over the weights and one head less than tasks."""
        kept = self.shared + self.masks + self.own + self.groups + self.private
        return 100 * kept / (self.shared + self.head * (self.tasks - 1))

    @property
    def total_bytes(self) -> int:
        """The bytes needed to recall the closed tasks."""
        return self.shared_bytes + sum(self.task_bytes.values())

    def task_share(self, task: TaskName) -> float:
        """The bytes of a closed task over those of the plain network."""
        return self.task_bytes[task] / self.network_bytes


def measured(
    layers: Sequence[DecomposedLayer],
    live: Sequence[Tensor],
    closed: dict[TaskName, dict[str, Tensor]],
    private: Sequence[Tensor],
) -> Capacity:
    """The capacity of all layers and private parts together.

    Args:
        layers: the decomposed layers.
        live: their weights as the learning task has them.
        closed: the private parts of each task that does not learn.
        private: those of any one task.
    """
    counts = [layer.counts(weight) for layer, weight in zip(layers, live, strict=True)]
    return Capacity(
        **{name: sum(count[name] for count in counts) for name in ("shared", "masks", "own", "groups")},
        private=sum(tensor.numel() for tensor in private),
        tasks=len(layers[0].tasks),
        head=sum(tensor.numel() for tensor in private if tensor.ndim > 1),
        task_bytes={
            name: sum(layer.nbytes(name) for layer in layers) + sum(tensor.nbytes for tensor in parts.values())
            for name, parts in closed.items()
        },
        shared_bytes=sum(layer.shared_nbytes() for layer in layers),
        network_bytes=sum(layer.weight.nbytes for layer in layers) + sum(tensor.nbytes for tensor in private),
    )
