"""The observations that a policy is looked at with: read from files, or drawn as near to real ones as can be."""

import numpy as np
import pytest
from gymnasium import spaces

from plastic_rl.doctor.drawing import blurred_shapes, drawn
from plastic_rl.doctor.observations import count_of, observations_file, observations_of
from plastic_rl.errors import UserError

VECTOR = spaces.Box(-1, 1, (3,), np.float32)
IMAGE = spaces.Box(0, 255, (2, 8, 9), np.uint8)
BOTH = spaces.Dict({"image": IMAGE, "vector": VECTOR})


def test_rows_of_an_npy(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((5, 3)))
    assert observations_of(tmp_path / "a.npy", VECTOR).shape == (5, 3)


def test_the_only_array_of_an_npz(tmp_path):
    np.savez(tmp_path / "a.npz", whatever=np.ones((5, 3)))
    assert observations_of(tmp_path / "a.npz", VECTOR).shape == (5, 3)


def test_the_parts_of_a_dict(tmp_path):
    parts = {"vector": np.ones((4, 3)), "image": np.zeros((4, 8, 9, 2), np.uint8), "more": np.ones(2)}
    np.savez(tmp_path / "a.npz", **parts)
    found = observations_of(tmp_path / "a.npz", BOTH)
    assert {name: part.shape for name, part in found.items()} == {"image": (4, 8, 9, 2), "vector": (4, 3)}
    assert count_of(found) == 4


@pytest.mark.parametrize("name", ["observations.npy", "observations.npz"])
def test_the_file_of_a_folder(tmp_path, name):
    np.save(tmp_path / "observations.npy", np.ones((5, 3)))
    if name.endswith("z"):
        np.savez(tmp_path / name, np.ones((7, 3)))
    assert observations_file(tmp_path) == tmp_path / name
    assert observations_file(tmp_path / "of_ones_own.npy") == tmp_path / "of_ones_own.npy"


def test_integers_that_are_members(tmp_path):
    np.save(tmp_path / "a.npy", np.array([2, 3, 4]))
    assert observations_of(tmp_path / "a.npy", spaces.Discrete(3, start=2)).tolist() == [2, 3, 4]
    with pytest.raises(UserError, match="no members of"):
        observations_of(tmp_path / "a.npy", spaces.Discrete(3))


@pytest.mark.parametrize(
    ("array", "space", "message"),
    [
        (np.ones((5, 4)), VECTOR, r"rows of shape \(4,\), the model observes \(3,\)"),
        (np.ones(3), VECTOR, r"rows of shape \(\), the model observes \(3,\)"),
        (np.float32(1), VECTOR, "rows of shape"),
        (np.zeros((0, 3)), VECTOR, "holds no observation"),
        (np.full((2, 3), np.nan), VECTOR, "holds what is no finite number"),
        (np.full((2, 3), "a"), VECTOR, "holds what is no finite number"),
        (np.ones((5, 3)), BOTH, "lacks image, vector; the model observes a dict of image, vector"),
    ],
)
def test_what_fits_nothing_is_refused(tmp_path, array, space, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UserError, match=message):
        observations_of(tmp_path / "a.npy", space)


def test_odd_npz_files_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.ones((2, 3)), b=np.ones((2, 3)))
    with pytest.raises(UserError, match="holds a, b; give one array"):
        observations_of(tmp_path / "a.npz", VECTOR)
    np.savez(tmp_path / "b.npz", vector=np.ones((2, 3)), image=np.zeros((3, 2, 8, 9)))
    with pytest.raises(UserError, match="not as many rows of each: 3 of image, 2 of vector"):
        observations_of(tmp_path / "b.npz", BOTH)


@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"PK\x03\x04"])
def test_what_is_no_file_of_arrays_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.npy: cannot be read as an \.npy or \.npz of observations"):
        observations_of(tmp_path / "a.npy", VECTOR)


def test_a_folder_without_observations_says_how_to_save_some(tmp_path):
    with pytest.raises(UserError, match=r"holds neither observations\.npz nor observations\.npy; save some with"):
        observations_file(tmp_path)


@pytest.mark.parametrize(
    "space",
    [VECTOR, IMAGE, BOTH, spaces.Discrete(4), spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(5)],
    ids=lambda space: type(space).__name__,
)
def test_what_is_drawn_is_of_the_space_and_always_the_same(space):
    (first, words), (second, _) = drawn(space, 6), drawn(space, 6)
    np.testing.assert_equal(first, second)
    assert "6 " in words
    rows = [
        {name: part[row] for name, part in first.items()} if isinstance(first, dict) else first[row] for row in range(6)
    ]
    assert all(space.contains(row) for row in rows)
    assert len({str(row) for row in rows}) > 1


def test_a_bound_as_large_as_a_float_can_be_is_none():
    """Drawn between such bounds, every unit of a network would be saturated."""
    largest = np.finfo(np.float32).max
    space = spaces.Box(np.array([-2.0, -largest], np.float32), np.array([2.0, largest], np.float32))
    observations, _ = drawn(space, 200)
    assert np.abs(observations[:, 0]).max() <= 2
    assert 2 < np.abs(observations[:, 1]).max() < 10


def test_behind_a_vecnormalize_they_are_normal():
    observations, words = drawn(spaces.Box(0, 1, (50,), np.float32), 1000, is_normalised=True)
    assert observations.mean() == pytest.approx(0, abs=0.02)
    assert observations.std() == pytest.approx(1, abs=0.02)
    assert "VecNormalize" in words


def test_images_are_shifts_of_those_that_the_model_saw_last():
    last = np.zeros((2, *IMAGE.shape), np.uint8)
    last[0, :, 4, 4], last[1, :, 2:4, 2] = 200, 100
    pictures, words = drawn(IMAGE, 40, last=last)
    assert "40 shifts of the 2 images that the model saw last" in words
    assert [int(each.sum()) for each in pictures] == [400, 400] * 20  # the same pixels elsewhere
    places = {tuple(np.argwhere(each[0])[0]) for each in pictures[::2]}
    assert places <= {(row, column) for row in (3, 4, 5) for column in (3, 4, 5)}
    assert len(places) > 5


def test_images_for_want_of_any_are_smooth():
    """White noise differs from pixel to pixel as much as from one end to the other; photographs do not."""
    noise = np.random.default_rng(1).integers(0, 256, (50, 1, 32, 32))
    shapes = blurred_shapes(np.random.default_rng(0), 50, 3, 32, 32)
    assert shapes.shape == (50, 3, 32, 32)
    assert (shapes.min(), shapes.max()) == (0, 255)
    assert roughness(noise) > 0.9
    assert roughness(shapes) < 0.6
    np.testing.assert_array_equal(shapes[:, 1, :, 1:], shapes[:, 0, :, :-1])


def roughness(images):
    """Return the standard deviation of neighbours' differences over that of far pixels' differences."""
    values = images.astype(float)
    return (values[..., 1:] - values[..., :-1]).std() / (values[..., 16:] - values[..., :-16]).std()


def test_channels_may_be_first_or_last():
    last_axis = spaces.Box(0, 255, (8, 9, 2), np.uint8)
    assert drawn(last_axis, 3)[0].shape == (3, 8, 9, 2)
    assert drawn(IMAGE, 3)[0].shape == (3, 2, 8, 9)
