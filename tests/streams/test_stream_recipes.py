"""The recipes of streams: the papers' numbers, and that each gives its network what it takes."""

from dataclasses import fields
from pathlib import Path

import pytest
import torch

from envs import ENVS
from envs.continual_imagenet import SCALES
from envs.recipe import ImageStream, SupervisedStream
from plastic_rl.choices import Network
from plastic_rl.networks import network_for
from plastic_rl.streams.batches import chunks
from plastic_rl.streams.stream import Plan
from tests.streams import written

STREAMS = {name: recipe for name, recipe in ENVS.items() if issubclass(recipe, SupervisedStream)}

# What makes a recipe fit the small data sets below.
SMALL = {
    "continual-imagenet": {"train_images": 5, "test_images": 2},
    "tiny-continual-imagenet": {"train_images": 5, "test_images": 2},
    "incremental-cifar100": {"validation_images": 1},
    "omniglot-rotation": {"tasks": 2},
}


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """All data sets with a few images of each class, in upstream's own formats."""
    return written.write_all(tmp_path_factory.mktemp("data"))


def build(name, data_folder, *, seed=0, **settings):
    recipe = STREAMS[name]
    if issubclass(recipe, ImageStream):
        settings = {"data_folder": str(data_folder), "download": False, **settings}
    return recipe(**{**SMALL.get(name, {}), **settings}).build(seed=seed, device="cpu")


APD = {"restarts_optimizer": True, "looks_back": True, "decay": 0.95, "milestones": tuple(range(1, 20))}


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        ("permuted-mnist", Plan(800)),
        ("label-permuted-mnist", Plan(800)),
        ("random-label-mnist", Plan(50, 400, 16)),
        ("bit-flipping", Plan(300, shuffles=False)),
        ("geoff", Plan(18, shuffles=False)),
        ("switching-geoff", Plan(10, shuffles=False)),
        ("prototypes", Plan(160, shuffles=False)),
        ("continual-imagenet", Plan(2000, 250, 100, zeroes_head=True)),
        ("tiny-continual-imagenet", Plan(2000, 250, 100, zeroes_head=True)),
        ("incremental-cifar100", Plan(20, 200, 90, carries_best=True, milestones=(60, 120, 160), decay=0.2)),
        ("split-cifar100", Plan(10, 20, 100, **APD)),
        ("superclass-cifar100", Plan(20, 20, 100, **APD)),
        ("warm-start", Plan(2, 350, 128)),
        ("mnist", Plan(1, 5, 256)),
    ],
)
def test_streams_are_gone_through_as_the_papers_say(data_folder, name, plan):
    assert build(name, data_folder).plan == plan


def test_the_learning_rate_of_incremental_cifar100_falls_as_the_paper_says(data_folder):
    factor = build("incremental-cifar100", data_folder).plan.learning_rate_factor
    rates = [0.1 * factor(epoch) for epoch in (0, 59, 60, 119, 120, 159, 160, 199)]
    assert rates == pytest.approx([0.1, 0.1, 0.02, 0.02, 0.004, 0.004, 0.0008, 0.0008])


def test_the_settings_of_bit_flipping_are_the_papers():
    stream = build("bit-flipping", None)
    assert (stream.bits, stream.slow_bits, stream.examples(0)) == (20, 15, 10_000)
    assert (stream.target.incoming.shape, stream.target.share) == ((100, 21), 0.7)


@pytest.mark.parametrize("name", STREAMS)
def test_the_network_that_a_stream_names_takes_its_inputs_and_covers_its_targets(data_folder, name):
    stream = build(name, data_folder)
    task = stream.task(1 if stream.plan.tasks > 1 else 0)
    settings = STREAMS[name].agent_settings
    assert settings["network"] in set(Network)
    network = network_for(
        settings["network"],
        stream.shape,
        stream.outputs,
        hidden_layers=settings.get("hidden_layers", 1),
        hidden_units=settings.get("hidden_units", 1),
        width=2,
    )
    chunk = next(chunks([stream], [task], epoch=0))
    inputs, targets = next(chunk.minibatches())
    with torch.no_grad():
        outputs = network.eval()(inputs[0, :3])[:, task.outputs]
    assert outputs.isfinite().all()
    if not stream.is_regression:
        assert 0 <= targets.min() <= targets.max() < outputs.shape[1]
    assert stream.examples(task.index) == len(task.train)


@pytest.mark.parametrize("name", STREAMS)
def test_a_recipe_with_the_same_seed_is_the_same_stream(data_folder, name):
    first, second = (
        next(chunks([stream], [stream.task(0)], epoch=0))
        for stream in (build(name, data_folder, seed=7) for _ in range(2))
    )
    assert torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.targets, second.targets)
    other = build(name, data_folder, seed=8)
    chunk = next(chunks([other], [other.task(0)], epoch=0))
    assert not (torch.equal(first.inputs, chunk.inputs) and torch.equal(first.targets, chunk.targets))


def test_continual_imagenet_shows_images_on_the_scale_asked_for(data_folder):
    streams = {scale: build("tiny-continual-imagenet", data_folder, scale=scale) for scale in SCALES}
    seen = {scale: stream.view(stream.images.train.inputs) for scale, stream in streams.items()}
    assert torch.equal(seen["bytes"], streams["bytes"].images.train.inputs.float())
    assert torch.equal(seen["unit"], seen["bytes"] / 255)
    assert torch.allclose(seen["centred"], seen["unit"] - seen["unit"].mean(0), atol=1e-6)


def test_continual_imagenet_is_tested_on_training_images_that_are_not_learned_from(data_folder):
    images = build("continual-imagenet", data_folder).images
    assert images.test.inputs is images.train.inputs
    assert (len(images.train), len(images.test)) == (50, 20)
    assert not set(images.train.rows.tolist()) & set(images.test.rows.tolist())


def test_superclasses_are_five_classes_of_one_coarse_class_each(data_folder):
    stream = build("superclass-cifar100", data_folder)
    assert sorted(kind for group in stream.groups for kind in group) == list(range(100))
    assert all(len({int(stream.images.coarse[kind]) for kind in group}) == 1 for group in stream.groups)


def test_scrambled_images_are_what_the_released_code_learned_from(data_folder):
    plain, scrambled = (
        build("split-cifar100", data_folder, scrambled=kind).images.train.inputs for kind in (False, True)
    )
    assert torch.equal(scrambled[0].permute(1, 2, 0).flatten(), plain[0].flatten())
    assert not torch.equal(scrambled, plain)


def test_omniglot_has_fifteen_drawers_in_four_rotations_to_learn_and_five_to_test(data_folder):
    task = build("omniglot-rotation", data_folder).task(0)
    assert (len(task.train), len(task.test), task.validation) == (12 * 15 * 4, 12 * 5 * 4, None)


def test_the_order_of_split_tasks_is_a_setting(data_folder):
    stream = build("superclass-cifar100", data_folder, order="C")
    assert [stream.task(index).identity for index in range(4)] == [17, 1, 19, 18]


@pytest.mark.parametrize("images", ["fashion-mnist", "digits"])
def test_other_images_can_be_permuted(data_folder, images):
    assert build("permuted-mnist", data_folder, images=images, returning=2).task(5).identity == 1


def test_digits_and_bits_need_no_file():
    needless = [name for name, recipe in STREAMS.items() if "digits" in name or not issubclass(recipe, ImageStream)]
    assert len(needless) == 10
    for name in needless:
        assert build(name, Path("nowhere")).task(0).index == 0


def test_only_streams_of_images_have_settings_of_files():
    assert {field.name for field in fields(STREAMS["bit-flipping"])}.isdisjoint({"data_folder", "download"})


CHANGING = {name for name, recipe in STREAMS.items() if "changes" in {field.name for field in fields(recipe)}}


def test_streams_whose_tasks_are_drawn_have_the_control_that_never_changes():
    assert {
        *("permuted-mnist", "permuted-digits", "label-permuted-mnist", "label-permuted-digits"),
        *("random-label-mnist", "random-label-digits", "continual-imagenet", "tiny-continual-imagenet", "bit-flipping"),
        *("switching-geoff", "prototypes"),
    } == CHANGING


@pytest.mark.parametrize("name", sorted(CHANGING))
def test_a_stream_without_changes_keeps_its_first_task_for_ever(data_folder, name):
    still, changing = build(name, data_folder, changes=False), build(name, data_folder)

    def relation(stream, index):
        """What is to be learned; where inputs are the same in all tasks, of the first examples."""
        if name == "switching-geoff":
            return stream.target(index).incoming
        if name == "prototypes":
            return stream.patterns(index)[0]
        task = stream.task(index)
        inputs, targets = task.train.take(torch.arange(8))
        shown = task.view(inputs).flatten(1)
        return shown[:, :15] if name == "bit-flipping" else torch.cat([shown, targets[:, None]], 1)

    assert torch.equal(relation(still, 0), relation(still, 3))
    assert torch.equal(relation(still, 0), relation(changing, 0))
    assert not torch.equal(relation(still, 0), relation(changing, 3))
    first, later = still.task(0), still.task(3)
    assert (later.index, later.identity, first.identity) == (3, 0, 0)
