"""Every change of what is seen or done in every space that Gymnasium has: right, or refused by name at construction."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import (
    Box,
    Dict,
    Discrete,
    Graph,
    MultiBinary,
    MultiDiscrete,
    OneOf,
    Sequence,
    Text,
    Tuple,
)

from plastic_rl.nonstationary import (
    ActionGain,
    ActionNoise,
    Chain,
    Constant,
    DeadZone,
    DelayActions,
    DelayObservations,
    Every,
    FlipActions,
    FlipObservations,
    Listed,
    MaskObservations,
    Nonstationary,
    ObservationNoise,
    Occlude,
    OffsetObservations,
    PermuteActions,
    PermuteObservations,
    PermutePixels,
    Recolour,
    ScaleObservations,
    ShowTask,
)


def box(low, high, shape=None, dtype=np.float32) -> Box:
    return Box(
        np.array(low, dtype) if shape is None else low, np.array(high, dtype) if shape is None else high, shape, dtype
    )


UNEVEN = (np.zeros((4, 4, 3)), np.arange(1, 49).reshape(4, 4, 3))
SPACES = {
    "even": box(-1, 1, (3,)),
    "double": box(-1, 1, (3,), np.float64),
    "unbounded": box(-np.inf, np.inf, (3,)),
    "half-bounded": box(0, np.inf, (3,)),
    "unequal": box([-1, -2, -3], [1, 2, 3]),
    "askew": box([-1, 0, 2], [1, 5, 9]),
    "positive": box(0, 1, (3,)),
    "integers": box(-5, 5, (3,), np.int32),
    "all integers": box(-np.inf, np.inf, (3,), np.int64),
    "all bytes with signs": box(-128, 127, (3,), np.int8),
    "bytes": box(0, 255, (3,), np.uint8),
    "scalar": box(-1, 1, ()),
    "matrix": box(-1, 1, (2, 3)),
    "image": box(0, 255, (4, 4, 3), np.uint8),
    "channels first": box(0, 255, (3, 4, 4), np.uint8),
    "real image": box(-np.inf, np.inf, (4, 4, 3)),
    "uneven image": box(*UNEVEN, dtype=np.uint8),
    "choice": Discrete(4),
    "choice from -2": Discrete(4, start=-2),
    "choice from 5": Discrete(4, start=5, dtype=np.int32),
    "choices": MultiDiscrete([3, 4], start=[1, 2]),
    "switches": MultiBinary(4),
    "dict": Dict(a=box(-1, 1, (2,)), b=Discrete(3)),
    "tuple": Tuple([box(-1, 1, (2,)), Discrete(3)]),
    "text": Text(5),
    "graph": Graph(box(-1, 1, (2,)), Discrete(3)),
    "sequence": Sequence(box(-1, 1, (2,))),
    "one of": OneOf([Discrete(3), box(-1, 1, (2,))]),
}
REALS = {"even", "double", "unbounded", "half-bounded", "unequal", "askew", "positive"}
SIGNED = {*REALS, "integers", "all integers"}
IMAGES = {"image", "channels first", "real image", "uneven image"}
SYMMETRIC = {"even", "double", "unbounded", "unequal"}
CHOICES = {"choice", "choice from -2", "choice from 5"}

SEEN = [
    (PermuteObservations(), SIGNED),
    (PermuteObservations(signs=False), {*SIGNED, "all bytes with signs"}),
    (FlipObservations(Constant(0.5)), SIGNED),
    (MaskObservations(Constant(0.5)), {*SIGNED, "all bytes with signs"}),
    (OffsetObservations(Constant(1.0)), REALS),
    (ScaleObservations(Constant(1.0)), REALS),
    (ObservationNoise(Constant(1.0)), REALS),
    (DelayObservations(Constant(2.0)), set(SPACES)),
    (PermutePixels(), IMAGES),
    (PermutePixels(2), IMAGES),
    (Recolour(Listed([0.5, 3.0])), IMAGES),
    (Occlude(Constant(0.5)), IMAGES),
]
DONE = [
    (PermuteActions(), {"even", "double", "unbounded", "half-bounded", "positive", "integers", "all integers",
                        "all bytes with signs", "bytes", *CHOICES}),
    (PermuteActions(signs=True), {"even", "double", "unbounded", "integers", "all integers"}),
    (FlipActions(Constant(0.5)), {*SYMMETRIC, "integers", "all integers"}),
    (ActionGain(Listed([0.3, 2.0])), SYMMETRIC),
    (DeadZone(Constant(0.5)), {*SYMMETRIC, "integers", "all integers"}),
    (ActionNoise(Constant(1.0)), SYMMETRIC),
    (DelayActions(Constant(1.0)), set(SPACES)),
]  # fmt: skip


class Stage(gymnasium.Env):
    """Shows samples of one space, and notes what it is made to do in another."""

    def __init__(self, seen: gymnasium.Space, done: gymnasium.Space) -> None:
        self.observation_space, self.action_space = seen, done
        self.acted = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        self.acted.append(action)
        return self.observation_space.sample(), 0.0, False, False, {}


def cases(table):
    return [(change, name, name in right) for change, right in table for name in SPACES]


def label(value) -> str | None:
    return value if isinstance(value, str) else None


@pytest.mark.parametrize(("change", "name", "is_right"), cases(SEEN), ids=label)
def test_what_is_seen_lies_in_its_space_in_every_task_or_the_change_is_refused(change, name, is_right):
    stage = Stage(SPACES[name], Discrete(2))
    if not is_right:
        with pytest.raises(ValueError, match=f"{type(change).__name__} needs .* got {type(SPACES[name]).__name__}"):
            Nonstationary(stage, change, Every(1))
        return
    env = Nonstationary(stage, change, Every(1))
    stage.observation_space.seed(0)
    for _ in range(8):
        assert env.reset()[0] in env.observation_space
        assert env.step(0)[0] in env.observation_space
    assert env.task["index"] == 7


@pytest.mark.parametrize(("change", "name", "is_right"), cases(DONE), ids=label)
def test_what_is_done_lies_in_the_worlds_space_in_every_task_or_the_change_is_refused(change, name, is_right):
    stage = Stage(Discrete(2), SPACES[name])
    if not is_right:
        with pytest.raises(ValueError, match=f"{type(change).__name__} needs .* got {type(SPACES[name]).__name__}"):
            Nonstationary(stage, change, Every(1))
        return
    env = Nonstationary(stage, change, Every(1))
    env.action_space.seed(0)
    for _ in range(8):
        env.reset()
        env.step(env.action_space.sample())
        env.step(env.action_space.sample())
    assert all(action in SPACES[name] for action in stage.acted)


@pytest.mark.parametrize("name", sorted(CHOICES))
def test_every_choice_is_made_by_one_action(name):
    stage = Stage(Discrete(2), SPACES[name])
    env = Nonstationary(stage, PermuteActions(), Every(4))
    options = list(range(int(stage.action_space.start), int(stage.action_space.start) + 4))
    for _ in range(5):
        order = env.reset()[1]["task"]["action_permutation"]
        for option in options:
            env.step(option)
        assert stage.acted[-4:] == [options[0] + place for place in order]
    for action in (options[0] - 1, options[-1] + 1):
        with pytest.raises(ValueError, match=f"action {action} is not in"):
            env.step(action)


def test_a_blank_is_a_number_where_pixels_have_no_bounds():
    env = Nonstationary(Stage(SPACES["real image"], Discrete(2)), Occlude(Constant(1.0)), Every(1))
    assert (env.reset()[0] == 0).all()


def test_the_space_of_an_image_with_even_bounds_stays_as_it_is():
    for change in (PermutePixels(), Recolour(Constant(0.5)), Occlude(Constant(0.5))):
        env = Nonstationary(Stage(SPACES["image"], Discrete(2)), change, Every(1))
        assert env.observation_space is SPACES["image"]


def test_actions_may_be_lists():
    stage = Stage(Discrete(2), SPACES["even"])
    for change in (PermuteActions(), FlipActions(Constant(1.0)), DeadZone(Constant(0.5)), ActionGain(Constant(0.5))):
        env = Nonstationary(stage, change, Every(1))
        env.reset()
        env.step([0.25, 0.5, 1.0])
    assert [sorted(action.tolist()) for action in stage.acted] == [
        [0.25, 0.5, 1.0], [-1.0, -0.5, -0.25], [0.0, 0.5, 1.0], [0.125, 0.25, 0.5],
    ]  # fmt: skip


def test_parameters_are_shown_among_real_numbers_only():
    shown = Nonstationary(Stage(SPACES["integers"], Discrete(2)), MaskObservations(Constant(0.5)), Every(1))
    with pytest.raises(
        ValueError, match="ShowTask needs observations that are vectors of floating-point numbers, got B"
    ):
        ShowTask(shown)
    with pytest.raises(ValueError, match=r"ShowTask needs tasks that are described by numbers, got .*CartPole-v1"):
        ShowTask(Chain(["CartPole-v1"], Every(1)))
