"""A data set cut into tasks of a few classes each, with outputs of their own: the benchmarks of APD.

Yoon et al., "Scalable and order-robust continual learning with additive parameter decomposition", ICLR 2020;
`data_loader.py` of their code.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from plastic_rl.streams.data.images import UNIT_SCALE, ImageSet, places_by_class, quarter_turned, relabelled
from plastic_rl.streams.draws import source
from plastic_rl.streams.stream import Plan, Stream
from plastic_rl.streams.task import Examples, Task, View


class ClassSplit(Stream):
    """Groups of classes, one after the other; each has its own slice of the network's outputs.

    Args:
        images: the data set.
        plan: how it is gone through.
        seed: of the images to validate on, and of the order of examples.
        groups: the classes of each task, by the task's original number, which is its identity.
        order: the original numbers of the tasks in the order in which they come.
        validation: the share of a task's images that is validated on instead of learned from.
        quarter_turns: add each image turned by 90, 180 and 270 degrees.
        view: turns images as bytes into what the network sees.

    Raises:
        ValueError: there are fewer groups than tasks, or the order is not one of the groups.
    """

    def __init__(
        self,
        images: ImageSet,
        plan: Plan,
        seed: int,
        *,
        groups: Sequence[Sequence[int]],
        order: Sequence[int],
        validation: float = 0.2,
        quarter_turns: bool = False,
        view: View = UNIT_SCALE,
    ) -> None:
        super().__init__(plan, seed)
        if sorted(order) != list(range(len(groups))) or plan.tasks > len(groups):
            raise ValueError(f"{plan.tasks} tasks in the order {list(order)} do not fit {len(groups)} groups")
        self.images, self.groups, self.order = images, groups, order
        self.validation, self.quarter_turns, self.view = validation, quarter_turns, view
        self._starts = torch.tensor([0, *map(len, groups)]).cumsum(0).tolist()
        self._train, self._test = (relabelled(part, self._outputs_of_classes()) for part in (images.train, images.test))
        self._learned, self._tested = (places_by_class(part, self.outputs) for part in (self._train, self._test))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.images.shape

    @property
    def outputs(self) -> int:
        return self._starts[-1]

    def examples(self, index: int) -> int:
        learned, _ = self._divided(self.order[index])
        return len(learned) * (4 if self.quarter_turns else 1)

    def task(self, index: int) -> Task:
        number = self.order[index]
        learned, validated = self._divided(number)
        return Task(
            index,
            self._shown(self._train.only(learned)),
            slice(*self._starts[number : number + 2]),
            self._shown(self._test.only(self._places(self._tested, number))),
            self._shown(self._train.only(validated)) if len(validated) else None,
            view=self.view,
            identity=number,
            parameters={"number": number},
        )

    def _outputs_of_classes(self) -> Tensor:
        # Classes of no group get outputs after all others, which no task has.
        outputs = torch.full((self.images.classes,), self.outputs)
        outputs[torch.tensor([kind for group in self.groups for kind in group])] = torch.arange(self.outputs)
        return outputs

    def _divided(self, number: int) -> tuple[Tensor, Tensor]:
        places = self._places(self._learned, number)
        order = torch.randperm(len(places), generator=source(self.seed, "validation", number)).to(places.device)
        learned = round(len(places) * (1 - self.validation))
        return places[order[:learned]], places[order[learned:]]

    def _places(self, by_output: list[Tensor], number: int) -> Tensor:
        return torch.cat(by_output[slice(*self._starts[number : number + 2])])

    def _shown(self, examples: Examples) -> Examples:
        return quarter_turned(examples) if self.quarter_turns else examples


def consecutive(classes: int, size: int) -> list[list[int]]:
    """The groups of so many classes, in the order of their numbers."""
    return [list(range(start, start + size)) for start in range(0, classes - size + 1, size)]


def by_coarse_class(images: ImageSet) -> list[list[int]]:
    """The classes of each coarse class, as CIFAR-100 has five in each of twenty.

    Raises:
        ValueError: the data set has no coarse classes.
    """
    if images.coarse is None:
        raise ValueError("the data set has no coarse classes")
    coarse = images.coarse.tolist()
    return [[fine for fine, of_fine in enumerate(coarse) if of_fine == number] for number in sorted(set(coarse))]
