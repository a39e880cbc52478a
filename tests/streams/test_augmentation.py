"""Mirrored, shifted and turned images: pixel by pixel, then what holds for any draw."""

import pytest
import torch
from torch.nn import functional

from plastic_rl.streams.augmentation import FlipCropRotate, flip, rotate, shift
from plastic_rl.streams.draws import source


def image(rows):
    return torch.tensor(rows, dtype=torch.float32)[None, None]


def test_a_flip_mirrors_left_to_right_the_images_that_it_is_to_mirror():
    images = image([[1, 2], [3, 4]]).expand(2, 1, 2, 2)
    assert flip(images, torch.tensor([True, False]))[:, 0].tolist() == [[[2, 1], [4, 3]], [[1, 2], [3, 4]]]


def test_a_shift_mirrors_beyond_the_edge_without_repeating_it():
    picture = image([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    assert shift(picture, torch.tensor([1]), torch.tensor([0]))[0, 0].tolist() == [[4, 5, 6], [7, 8, 9], [4, 5, 6]]
    assert shift(picture, torch.tensor([0]), torch.tensor([-2]))[0, 0].tolist() == [[3, 2, 1], [6, 5, 4], [9, 8, 7]]


def test_a_shift_is_a_crop_of_the_image_padded_by_reflection():
    images = torch.randn(5, 3, 8, 8, generator=source(0))
    padded = functional.pad(images, [4] * 4, mode="reflect")
    down, right = torch.tensor([-4, -1, 0, 2, 4]), torch.tensor([4, 0, -3, 1, -4])
    crops = [
        padded[number, :, 4 + top : 12 + top, 4 + left : 12 + left]
        for number, (top, left) in enumerate(zip(down.tolist(), right.tolist(), strict=True))
    ]
    assert torch.equal(shift(images, down, right), torch.stack(crops))


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_quarter_turns_are_exact_and_anticlockwise(turns):
    images = torch.randn(2, 3, 6, 6, generator=source(1))
    assert torch.equal(rotate(images, torch.full((2,), 90.0 * turns)), images.rot90(turns, (2, 3)))


def test_each_image_has_an_angle_of_its_own_and_corners_become_nothing():
    turned = rotate(torch.ones(2, 1, 32, 32), torch.tensor([0.0, 15.0]))
    assert turned[0].min() == 1
    assert [turned[1, 0, row, column].item() for row in (0, 31) for column in (0, 31)] == [0, 0, 0, 0]
    assert turned[1, 0, 8:24, 8:24].min() == 1


def test_a_small_turn_moves_the_right_end_of_a_line_up():
    line = torch.zeros(1, 1, 33, 33)
    line[..., 16, :] = 1
    turned = rotate(line, torch.tensor([10.0]))[0, 0]
    # 12 pixels from the middle it is 12 tan(10 degrees) = 2.1 pixels higher.
    assert turned[:, 28].argmax() == 14
    assert turned[:, 4].argmax() == 18


def test_shape_and_range_stay_and_equal_draws_give_equal_images():
    images = torch.rand(50, 3, 32, 32, generator=source(2)) - 0.5
    first, again, other = (FlipCropRotate()(images, source(seed)) for seed in (3, 3, 4))
    assert first.shape == images.shape
    assert images.min() <= first.min() <= first.max() <= images.max()
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def recorded(drawn, name):
    def leave(images, *draws):
        drawn[name] = draws
        return images

    return leave


def test_every_flip_shift_and_angle_is_drawn(monkeypatch):
    drawn = {}
    for name in ("flip", "shift", "rotate"):
        monkeypatch.setattr(f"plastic_rl.streams.augmentation.{name}", recorded(drawn, name))
    FlipCropRotate()(torch.zeros(2000, 1, 4, 4), source(0))
    # Of 2,000 flips five standard deviations are 0.056.
    assert abs(drawn["flip"][0].float().mean() - 0.5) < 0.056
    assert all(shifts.unique().tolist() == list(range(-4, 5)) for shifts in drawn["shift"])
    (degrees,) = drawn["rotate"]
    assert 0 <= degrees.min() < 0.1
    assert 14.9 < degrees.max() <= 15
