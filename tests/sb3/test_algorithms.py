"""What is promised of every algorithm: units are replaced where it is said, and nothing else is different."""

import json
import sys
from types import ModuleType

import pytest
import torch
from algorithms import CASES, Case, pendulum
from sb3_contrib import TRPO
from stable_baselines3 import A2C, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.envs import FakeImageEnv
from stable_baselines3.common.sb2_compat.rmsprop_tf_like import RMSpropTFLike
from torch import nn
from training import EAGER, OFF, elsewhere, learn, memories, replaced, same_optimizers, same_parameters

from plastic_rl.layers import assert_function_preserving
from plastic_rl.optim.replacement import replace_units
from plastic_rl.sb3 import layers_of, plastic, plastic_optimizers
from plastic_rl.sb3.example import example
from plastic_rl.sb3.rmsprop import RestartingRMSprop, with_restart

STEPS = 64  # of which the algorithms of `algorithms.OFF_POLICY` learn from 54
WITH_TARGETS = ["SAC", "TD3", "DDPG", "DQN", "TQC", "QRDQN"]

every_algorithm = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@pytest.fixture(scope="module")
def trained() -> dict[str, BaseAlgorithm]:
    """Each algorithm after a short training with replacements; trained once for all tests that only read."""
    models = {}
    for name, case in CASES.items():
        models[name] = case.make(plastic, plasticity=EAGER)
        learn(models[name], STEPS)
    return models


@pytest.fixture(scope="module")
def went_on(trained: dict[str, BaseAlgorithm], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What became of each saved model in another process, in another folder."""
    folder, other = tmp_path_factory.mktemp("saved"), tmp_path_factory.mktemp("other")
    for name, model in trained.items():
        model.save(folder / name)
    return json.loads(elsewhere(GO_ON, other, folder).splitlines()[-1])


GO_ON = """if True:
    import json, sys
    from pathlib import Path
    import torch
    torch.set_num_threads(1)
    from algorithms import CASES
    from plastic_rl.sb3 import plastic
    from training import memories, replaced
    report = {}
    for name, case in CASES.items():
        path = Path(sys.argv[1]) / name
        model = plastic(case.algorithm).load(path, env=case.env(), device="cpu")
        steps, before = [memory["step"] for memory in memories(model)], replaced(model)
        births = [{name: layer["birth"].tolist() for name, layer in memory["layers"].items()}
                  for memory in memories(model)]
        model.learn(16, reset_num_timesteps=False)
        plain = case.algorithm.load(path, env=case.env(), device="cpu")
        plain.learn(16, reset_num_timesteps=False)
        report[name] = {"steps": steps, "replaced": before, "births": births, "timesteps": model.num_timesteps,
                        "later_steps": [memory["step"] for memory in memories(model)],
                        "later_replaced": replaced(model), "plain_timesteps": plain.num_timesteps}
    print(json.dumps(report))
"""


@every_algorithm
def test_units_are_replaced_in_the_layers_that_are_promised(case: Case, trained: dict[str, BaseAlgorithm]):
    model = trained[case.algorithm.__name__]
    optimizers = plastic_optimizers(model.policy)
    assert [sorted(layer_names(optimizer)) for optimizer in optimizers] == [sorted(names) for names in case.watched]
    for optimizer in optimizers:
        counts = optimizer.metrics()
        assert all(counts[f"cbp/replaced/{name}"] > 0 for name in layer_names(optimizer))


def layer_names(optimizer) -> list[str]:
    return [watched.layer.name for watched in optimizer.watched]


@every_algorithm
def test_time_is_counted_in_updates_of_each_optimiser(case: Case, trained: dict[str, BaseAlgorithm]):
    assert [memory["step"] for memory in memories(trained[case.algorithm.__name__])] == case.updates


@every_algorithm
def test_at_rate_zero_training_is_bit_for_bit_the_plain_algorithm(case: Case):
    plain = case.make()
    lines = learn(plain, STEPS)
    ours = case.make(plastic, plasticity=OFF)
    assert learn(ours, STEPS) == lines
    assert same_parameters(plain, ours)
    assert same_optimizers(plain, ours)


@every_algorithm
def test_a_saved_model_goes_on_elsewhere_with_all_that_it_remembers(
    case: Case, trained: dict[str, BaseAlgorithm], went_on: dict[str, dict]
):
    model, report = trained[case.algorithm.__name__], went_on[case.algorithm.__name__]
    assert report["replaced"] == replaced(model)
    assert report["steps"] == [memory["step"] for memory in memories(model)]
    assert report["births"] == [
        {name: layer["birth"].tolist() for name, layer in memory["layers"].items()} for memory in memories(model)
    ]
    assert report["timesteps"] >= model.num_timesteps + 16
    assert all(later > before for later, before in zip(report["later_steps"], report["steps"], strict=True))
    assert all(later > before for later, before in zip(report["later_replaced"], report["replaced"], strict=True))
    assert report["plain_timesteps"] == report["timesteps"]


@pytest.mark.parametrize("name", WITH_TARGETS)
def test_target_networks_are_changed_by_their_own_averaging_alone(name: str, monkeypatch: pytest.MonkeyPatch):
    model = CASES[name].make(plastic, plasticity=EAGER)
    targets = [value for key, value in model.policy.state_dict().items() if "target" in key]
    known, averagings = [value.clone() for value in targets], []
    module = averaging_module(model)
    average = module.polyak_update

    def watched_average(*args) -> None:
        assert all(torch.equal(*pair) for pair in zip(targets, known, strict=True))
        average(*args)
        known[:] = [value.clone() for value in targets]
        averagings.append(replaced(model))

    monkeypatch.setattr(module, "polyak_update", watched_average)
    learn(model, STEPS)
    assert all(torch.equal(*pair) for pair in zip(targets, known, strict=True))
    assert all(last > first for first, last in zip(averagings[0], averagings[-1], strict=True))


def averaging_module(model: BaseAlgorithm) -> ModuleType:
    """The module whose `polyak_update` an algorithm calls."""
    modules = (sys.modules[kind.__module__] for kind in type(model).__mro__)
    return next(module for module in modules if hasattr(module, "polyak_update"))


def test_every_algorithm_with_targets_is_among_those_watched(trained: dict[str, BaseAlgorithm]):
    have = [name for name, model in trained.items() if any("target" in key for key in model.policy.state_dict())]
    assert sorted(have) == sorted(WITH_TARGETS)


def test_trpo_moves_its_actor_as_if_there_were_no_method():
    case = CASES["TRPO"]
    plain, ours = case.make(), None
    learn(plain, 32)
    ours = case.make(plastic, plasticity=EAGER)
    learn(ours, 32)  # one rollout: the actor's step precedes the critic's, in which units are replaced
    assert replaced(ours)[0] > 0
    same, different = ("policy_net", "action_net"), ("mlp_extractor.value_net",)
    ours_state = ours.policy.state_dict()
    for name, value in plain.policy.state_dict().items():
        if any(part in name for part in same):
            assert torch.equal(value, ours_state[name]), name
        if name.startswith(different):
            assert not torch.equal(value, ours_state[name]), name


def test_trpo_with_a_trunk_of_its_own_for_the_critic_replaces_that_one_too():
    critic_only = [f"vf_features_extractor.{name}" for name in ("cnn.0", "cnn.2", "cnn.4", "linear.0")]
    for share, expected in ((True, []), (False, critic_only)):
        kwargs = {"share_features_extractor": share, "features_extractor_kwargs": {"features_dim": 8}, "net_arch": [8]}
        model = plastic(TRPO)("CnnPolicy", images(discrete=True), plasticity=EAGER, device="cpu", policy_kwargs=kwargs)
        names = layer_names(plastic_optimizers(model.policy)[0])
        assert sorted(names) == sorted([*expected, "mlp_extractor.value_net.0"])


def images(*, discrete: bool) -> FakeImageEnv:
    return FakeImageEnv(screen_height=40, screen_width=40, n_channels=1, discrete=discrete)


@pytest.mark.parametrize("algorithm", [SAC, TD3])
def test_a_layer_that_another_network_reads_as_well_is_left_alone(algorithm: type):
    kwargs = {"net_arch": [8], "features_extractor_kwargs": {"features_dim": 8}, "share_features_extractor": True}
    settings = {"device": "cpu", "buffer_size": 50, "learning_starts": 4, "batch_size": 4, "policy_kwargs": kwargs}
    model = plastic(algorithm)("CnnPolicy", images(discrete=False), plasticity=EAGER, **settings)
    layers = [watched.layer for optimizer in plastic_optimizers(model.policy) for watched in optimizer.watched]
    shared = [layer for layer in layers if layer.name.startswith("features_extractor")]
    assert [layer.name for layer in shared] == [f"features_extractor.cnn.{place}" for place in (0, 2, 4)]
    for network in (model.actor, model.critic):
        assert_function_preserving(network, shared, *example(network))
    learn(model, 16)
    assert all(count > 0 for count in replaced(model))


def test_crossq_norms_start_anew_for_newborn_units_and_for_no_others():
    model = CASES["CrossQ"].make(plastic, plasticity=EAGER)
    (watched,) = (watched for watched in model.actor.optimizer.watched if watched.layer.name == "latent_pi.4")
    (port,) = watched.layer.normed_by  # one norm, although `mu` and `log_std` both read it
    assert port.layer is model.actor.latent_pi[6]
    values = [getattr(port.layer, name).data.fill_(7.0) for name in ("scale", "bias", "ra_mean", "ra_var")]
    replace_units(watched.layer, torch.tensor([2, 5]), watched.initialisers(), torch.Generator(), model.actor.optimizer)
    for value, start in zip(values, (1.0, 0.0, 0.0, 1.0), strict=True):
        assert value.tolist() == [start if unit in (2, 5) else 7.0 for unit in range(8)]


def test_every_hidden_layer_of_crossq_has_its_norm(trained: dict[str, BaseAlgorithm]):
    for layer in layers_of(trained["CrossQ"].policy):
        assert [type(port.layer).__name__ for port in layer.normed_by] == ["BatchRenorm1d"]


def test_an_lstm_that_the_critic_shares_counts_it_as_a_reader():
    kwargs = {"shared_lstm": True, "enable_critic_lstm": False, "lstm_hidden_size": 8}
    model = CASES["RecurrentPPO"].make(plastic, plasticity=EAGER, policy_kwargs={"net_arch": [8], **kwargs})
    (lstm,) = (layer for layer in layers_of(model.policy) if layer.name == "lstm_actor")
    readers = sorted(port.name for port in lstm.read_by)
    assert readers == ["lstm_actor.recurrence", "mlp_extractor.policy_net.0", "mlp_extractor.value_net.0"]
    learn(model, 64)
    assert model.policy.optimizer.metrics()["cbp/replaced/lstm_actor"] > 0


def test_gsde_names_the_layer_that_its_noise_reads_and_works_without_it():
    case = Case(SAC, [], [], {"learning_starts": 10, "batch_size": 8, "use_sde": True}, env=pendulum)
    with pytest.raises(ValueError, match=r"`latent_pi.2`: .*ignore=\['latent_pi.2'\]"):
        case.make(plastic, plasticity=EAGER)
    model = case.make(plastic, plasticity=EAGER, ignore=["latent_pi.2"])
    learn(model, 40)
    assert all(count > 0 for count in replaced(model))


def test_a_newborn_unit_starts_as_in_a_fresh_rmsprop_of_a2c():
    def steps(weight: nn.Parameter, rmsprop: RMSpropTFLike, gradients: list[float]) -> torch.Tensor:
        before = weight.detach().clone()
        for gradient in gradients:
            weight.grad = torch.full_like(weight, gradient)
            rmsprop.step()
        return weight.detach() - before

    old, fresh = nn.Parameter(torch.zeros(3, 2)), nn.Parameter(torch.zeros(3, 2))
    ours = with_restart(RMSpropTFLike([old], lr=0.1, eps=1e-5))
    assert type(ours) is RestartingRMSprop
    steps(old, ours, [0.01] * 50)
    ours.restart_clock(old, 0, torch.tensor([1]))
    moved = steps(old, ours, [0.01])
    expected = steps(fresh, RMSpropTFLike([fresh], lr=0.1, eps=1e-5), [0.01])
    torch.testing.assert_close(moved[1], expected[1], rtol=1e-5, atol=0)
    # 0.1 · 0.01 / √(0.99 + 0.01 · 0.01² + 1e-5)
    torch.testing.assert_close(moved[1], torch.full((2,), -0.00100503), rtol=1e-5, atol=0)
    assert torch.equal(moved[0], moved[2])
    assert moved[0, 0] < 1.2 * moved[1, 0]  # the others' average has come down from one


def test_a2c_with_its_old_rmsprop_is_bit_for_bit_itself_and_replaces():
    case = Case(A2C, [], [], {"use_rms_prop": False}, {"optimizer_class": RMSpropTFLike})
    plain = case.make()
    learn(plain, 40)
    off = case.make(plastic, plasticity=OFF)
    learn(off, 40)
    assert same_parameters(plain, off)
    ours = case.make(plastic, plasticity=EAGER)
    learn(ours, 40)
    assert replaced(ours)[0] > 0


def test_what_a_forward_pass_needs_is_known_or_asked_for():
    class Curious(PPO.policy_aliases["MlpPolicy"]):
        def forward(self, obs, mood):
            return super().forward(obs)

    with pytest.raises(ValueError, match=r"Curious.forward needs \['mood'\], of which no example is known"):
        plastic(PPO)(Curious, "CartPole-v1", plasticity=EAGER, device="cpu")
