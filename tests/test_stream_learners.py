"""Every learner on every stream, through the real path, on small files in upstream's own formats."""

import sys
from dataclasses import fields
from pathlib import Path

import pytest

from agents import AGENTS, NAMED
from agents.apd import DecomposedAdam
from agents.dynamic import Dynamic
from agents.published import PUBLISHED, published
from agents.recipe import SupervisedAgent
from agents.step_sizes import StepSizeAgent
from envs import ENVS
from envs.recipe import ImageStream, SupervisedStream
from launch.run import run
from launch.settings import Settings, known_to
from plastic_rl.errors import RunError, UserError
from plastic_rl.runs import Track, read_metrics

sys.path.insert(0, str(Path(__file__).parent / "streams"))
from tests.streams import written

pytestmark = pytest.mark.usefixtures("rough_pictures")

LEARNERS = [name for name, recipe in AGENTS.items() if issubclass(recipe, SupervisedAgent)]
STREAMS = [name for name, recipe in ENVS.items() if issubclass(recipe, SupervisedStream)]

SMALL_AGENT = {"hidden_layers": 2, "hidden_units": 6, "network_width": 2, "network": "mlp"}
SMALL_STREAM = {"tasks": 2, "epochs": 1, "examples": 12, "batch_size": 8, "milestones": []}
SMALL_DATA = {
    "continual-imagenet": {"train_images": 5, "test_images": 2},
    "tiny-continual-imagenet": {"train_images": 5, "test_images": 2},
    "incremental-cifar100": {"validation_images": 1},
}


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    return written.write_all(tmp_path_factory.mktemp("data"))


def known(recipe, settings):
    return {name: value for name, value in settings.items() if name in {each.name for each in fields(recipe)}}


def small_run(out, data_folder, agent, env, *, seeds=1, agent_settings=None, env_settings=None):
    """A run as the front door composes it: the paper's settings, in a size for tests."""
    kind, problem = AGENTS[agent], ENVS[env]
    learner = known(
        kind, {**published(agent, env, kind.base_name), **known_to(kind, SMALL_AGENT), **(agent_settings or {})}
    )
    stream = known(problem, {**SMALL_STREAM, **SMALL_DATA.get(env, {}), **(env_settings or {})})
    if issubclass(kind, StepSizeAgent):
        stream["batch_size"] = 1  # step sizes are learned from one example at a time
    if issubclass(problem, ImageStream):
        stream |= {"data_folder": str(data_folder), "download": False}
    settings = Settings(agent=kind(**learner), env=problem(**stream), total_steps=None, seeds=seeds, track=Track.off)
    settings.out = str(out)
    return run(settings)


# Every stream with one learner, every learner with a file of its own with two streams, and every third method with SGD
# (tests/contract has every method on a stream, too); all pairs by `make slow`.
EVERYDAY = {("sgd_cbp", env) for env in STREAMS}
EVERYDAY |= {(agent, "split-digits") for agent in LEARNERS if agent in NAMED}
EVERYDAY |= {(agent, ("bit-flipping", "permuted-digits")[place % 2]) for place, agent in enumerate(NAMED)}
EVERYDAY |= {
    (agent, "permuted-digits") for agent in [each for each in LEARNERS if AGENTS[each].base_name == "sgd"][::3]
}
# Neither a decomposition nor a network whose units change can carry the best weights of a task over to the next.
REFUSED = {(agent, "incremental-cifar100") for agent in LEARNERS if issubclass(AGENTS[agent], DecomposedAdam | Dynamic)}


@pytest.mark.parametrize(
    ("agent", "env"),
    [
        pytest.param(agent, env, marks=() if (agent, env) in EVERYDAY else pytest.mark.slow)
        for agent in LEARNERS
        for env in STREAMS
        if (agent, env) not in REFUSED
    ],
)
def test_every_learner_learns_from_every_stream(tmp_path, data_folder, agent, env):
    folder = small_run(tmp_path, data_folder, agent, env)
    assert folder.status == "finished"
    assert folder.picture_file.exists()
    assert folder.weights_file.exists()
    ends = [line for line in read_metrics(folder.metrics_file) if {"online/accuracy", "online/error"} & set(line)]
    assert [line["task/index"] for line in ends] == list(range(len(ends)))
    assert all(line["global_step"] > 0 for line in ends)


@pytest.mark.parametrize(("agent", "env"), sorted(REFUSED))
def test_a_stream_that_carries_weights_over_is_refused(tmp_path, data_folder, agent, env):
    with pytest.raises(UserError, match="carries its best weights over"):
        small_run(tmp_path, data_folder, agent, env)


@pytest.mark.parametrize(
    ("env", "network"),
    [("continual-imagenet", "convnet"), ("incremental-cifar100", "resnet18"), ("split-cifar100", "lenet")],
)
@pytest.mark.parametrize("seeds", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_convolutional_networks_learn_too_one_seed_or_two(tmp_path, data_folder, env, network, seeds):
    settings = {"agent_settings": {"network": network}, "env_settings": {"tasks": 1}}
    folder = small_run(tmp_path, data_folder, "sgd_cbp", env, seeds=seeds, **settings)
    ends = [line for line in read_metrics(folder.metrics_file) if "online/accuracy" in line]
    assert [line["seed"] for line in ends] == list(range(seeds))
    assert folder.path.name.endswith("-s0-1" if seeds == 2 else "-s0")


def test_the_published_table_names_what_exists():
    for env, agents in PUBLISHED.items():
        assert env in ENVS
        for agent, settings in agents.items():
            assert (agent in LEARNERS) is (env in STREAMS)
            assert set(settings) <= {each.name for each in fields(AGENTS[agent])}


CBP = {"replacement_rate", "maturity_threshold"}


@pytest.mark.parametrize(
    ("env", "agent", "settings"),
    [  # Dohare et al. 2024, Methods and `lop/*/cfg`
        ("continual-imagenet", "sgd", {"learning_rate": 0.01, "momentum": 0.9}),
        ("continual-imagenet", "sgd_l2", {"learning_rate": 0.03, "momentum": 0.9, "weight_decay": 3e-6}),
        ("continual-imagenet", "sgd_cbp", {"learning_rate": 0.01, "replacement_rate": 3e-4, "maturity_threshold": 100}),
        ("incremental-cifar100", "sgd", {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 5e-4}),
        ("incremental-cifar100", "sgd_shrink_perturb", {"learning_rate": 0.1, "noise_std": 1e-5}),
        ("incremental-cifar100", "sgd_cbp", {"replacement_rate": 1e-5, "maturity_threshold": 1000}),
        ("permuted-mnist", "sgd", {"learning_rate": 0.003}),
        ("permuted-mnist", "sgd_cbp", {"learning_rate": 0.003, "replacement_rate": 1e-6, "maturity_threshold": 100}),
        ("permuted-mnist", "sgd_shrink_perturb", {"weight_decay": 1e-4, "noise_std": 1e-5}),
        ("permuted-mnist", "adam", {"learning_rate": 1e-4}),
        ("bit-flipping", "sgd", {"learning_rate": 0.01}),
    ],
)
def test_learners_have_the_papers_settings(env, agent, settings):
    assert dict(settings).items() <= dict(published(agent, env)).items()


def test_a_linear_model_stays_one_whatever_network_a_stream_names():
    assert known_to(AGENTS["linear"], {"network": "mlp", "learning_rate": 0.5}) == {"learning_rate": 0.5}


def settings_of(agent, env, **settings):
    return Settings(agent=AGENTS[agent](), env=ENVS[env](), track=Track.off, **{"total_steps": None, **settings})


@pytest.mark.parametrize(
    ("agent", "env", "settings", "words"),
    [
        (
            "ppo",
            "permuted-digits",
            {},
            r"env=permuted-digits is a supervised stream, not for agent=ppo\.\nExpected.* sgd",
        ),
        (
            "sgd",
            "ant",
            {"total_steps": 100},
            r"env=ant is an environment to act in, not for agent=sgd\.\nExpected.* ppo",
        ),
        ("sgd", "permuted-digits", {"total_steps": 100}, r"total_steps=100 is for reinforcement learning.*env.tasks"),
        ("ppo", "permuted-cartpole", {"total_steps": 100, "seeds": 2}, "seeds=2 in a world are as many runs"),
        ("sgd", "permuted-digits", {"formats": ["csv"]}, "formats=.* is for reinforcement learning"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, agent, env, settings, words):
    with pytest.raises(UserError, match=words):
        run(settings_of(agent, env, out=str(tmp_path), **settings))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_data_set_is_named(tmp_path):
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte"):
        small_run(tmp_path / "runs", tmp_path / "nowhere", "sgd", "permuted-mnist")


def test_numbers_that_are_none_stop_the_run(tmp_path, data_folder):
    with pytest.raises(RunError, match=r"no longer made of finite numbers.*try a smaller agent.learning_rate"):
        small_run(tmp_path, data_folder, "sgd", "bit-flipping", agent_settings={"learning_rate": 100.0})
