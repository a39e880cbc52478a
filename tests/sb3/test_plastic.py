"""A plastic algorithm is the algorithm, with one more keyword: nothing else changes, and nothing gets lost."""

import base64
import json
import pickle
import pickletools
import zipfile
from functools import partial
from pathlib import Path

import cloudpickle
import gymnasium
import numpy as np
import pytest
import torch
from sb3_contrib import ARS, RecurrentPPO
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback, CheckpointCallback
from training import (
    EAGER,
    OFF,
    are_equal,
    elsewhere,
    learn,
    make,
    memories,
    replaced,
    same_optimizers,
    same_parameters,
)

from plastic_rl.initialisers import lecun_uniform_
from plastic_rl.nonstationary import Every, Nonstationary, PermuteObservations
from plastic_rl.optim import Adam, ContinualBackprop, ShrinkPerturb, Stack, methods_in
from plastic_rl.sb3 import plastic, plastic_optimizers, reattach
from plastic_rl.sb3.description import describe
from plastic_rl.sb3.local_ppo import LocalPPO
from plastic_rl.sb3.plastic import made

OBSERVATIONS = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)


def world() -> gymnasium.Env:
    return Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), Every(50))


def actions(model: PPO) -> list[int]:
    return model.predict(OBSERVATIONS, deterministic=True)[0].tolist()


def wrapper(model: PPO) -> ContinualBackprop:
    (optimizer,) = plastic_optimizers(model.policy)
    assert isinstance(optimizer, ContinualBackprop)
    return optimizer


@pytest.fixture(scope="module")
def trained() -> PPO:
    model = make(plastic(PPO), env=world(), plasticity=partial(EAGER, initialiser=lecun_uniform_))
    learn(model, 256)
    return model


@pytest.fixture(scope="module")
def saved(trained: PPO, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.zip"
    trained.save(path)
    return path


# Off means gone


@pytest.mark.parametrize("plasticity", [None, OFF], ids=["no method", "rate 0"])
@pytest.mark.parametrize("algorithm_settings", [{}, {"max_grad_norm": 0.1, "learning_rate": 1e-2}], ids=["", "clipped"])
def test_without_replacements_training_is_bit_for_bit_plain_ppo(plasticity, algorithm_settings):
    plain = make(**algorithm_settings)
    lines = learn(plain, 256)
    ours = make(plastic(PPO), plasticity=plasticity, **algorithm_settings)
    assert lines == learn(ours, 256)
    assert {"train/loss", "train/approx_kl", "step"} <= set(lines[-1])
    assert same_parameters(plain, ours)
    assert same_optimizers(plain, ours)
    assert np.array_equal(plain._last_obs, ours._last_obs)


def test_with_a_method_units_are_replaced(trained: PPO):
    # 256 steps make 4 rollouts of 2 minibatches, twice: 16 updates; 4 layers of 16 units; 0.05 · 16 = 0.8 a layer and
    # update from the third update on, as long as all units are mature.
    assert wrapper(trained).memory["step"] == 16
    assert 4 * 8 <= replaced(trained)[0] <= 4 * 11
    assert not same_parameters(trained, plain_twin(trained))


def plain_twin(model: PPO) -> PPO:
    twin = make(env=world())
    learn(twin, model.num_timesteps)
    return twin


def test_a_method_off_and_no_method_have_the_same_class():
    assert plastic(PPO) is plastic(PPO)
    assert issubclass(plastic(PPO), PPO)
    assert make(plastic(PPO)).plasticity is None
    assert plastic_optimizers(make(plastic(PPO)).policy) == []


# The optimiser is SB3's


def test_adam_keeps_the_eps_that_ppo_gives_it_and_policy_kwargs_stay_plain():
    model = make(plastic(PPO), plasticity=EAGER)
    inner = wrapper(model).optimizer
    assert type(inner) is Adam  # torch's Adam with a clock for single units
    assert [group["eps"] for group in inner.param_groups] == [1e-5]
    assert model.policy_kwargs == {"net_arch": [16, 16]}
    assert model.policy.optimizer_class is torch.optim.Adam


def test_the_learning_rate_schedule_reaches_the_wrapped_optimiser():
    model = make(plastic(PPO), plasticity=EAGER, learning_rate=lambda remaining: 1e-3 * remaining)
    model.learn(256)
    # The last update runs when the last rollout is done: nothing remains.
    assert [group["lr"] for group in wrapper(model).optimizer.param_groups] == [0.0]
    model = make(plastic(PPO), plasticity=EAGER, learning_rate=lambda remaining: 1e-3 * (2 - remaining))
    model.learn(128)
    assert [group["lr"] for group in wrapper(model).optimizer.param_groups] == [2e-3]


def test_callbacks_work(tmp_path: Path):
    class Count(BaseCallback):
        steps, seen = 0, 0

        def _on_step(self) -> bool:
            self.steps += 1
            return True

        def _on_rollout_start(self) -> None:
            self.seen = replaced(self.model)[0]

    count = Count()
    model = make(plastic(PPO), plasticity=EAGER)
    model.learn(256, callback=[count, CheckpointCallback(64, str(tmp_path))])
    assert count.steps == 256
    assert 0 < count.seen < replaced(model)[0]
    names = sorted(path.name for path in tmp_path.glob("*.zip"))
    assert names == sorted(f"rl_model_{step}_steps.zip" for step in (64, 128, 192, 256))
    assert replaced(plastic(PPO).load(tmp_path / "rl_model_192_steps.zip"))[0] > 0


def test_a_policy_with_another_head_is_noticed_and_gone_on_with():
    model = make(plastic(PPO), plasticity=EAGER)
    learn(model, 64)
    before = replaced(model)[0]
    births = [watched.birth.clone() for watched in wrapper(model).watched]
    model.policy.action_net = torch.nn.Linear(16, 2)
    wrapper(model).add_param_group({"params": model.policy.action_net.parameters()})
    with pytest.raises(RuntimeError, match=r"`action_net` is another module, or gone.*reattach"):
        learn(model, 64)
    reattach(model)
    assert all(map(torch.equal, births, [watched.birth for watched in wrapper(model).watched]))
    learn(model, 64)
    assert replaced(model)[0] > before


# Saving and loading


def test_a_loaded_model_predicts_the_same_and_remembers_all(trained: PPO, saved: Path):
    ours = plastic(PPO).load(saved, env=world(), device="cpu")
    assert actions(ours) == actions(trained)
    assert same_parameters(ours, trained)
    assert same_optimizers(ours, trained)
    assert are_equal(memories(ours), memories(trained))
    assert wrapper(ours).watched[0].initialiser is lecun_uniform_


def test_learning_goes_on_in_another_process_from_another_folder(trained: PPO, saved: Path, tmp_path: Path):
    script = """if True:
        import sys, gymnasium
        from stable_baselines3 import PPO
        from plastic_rl.nonstationary import Every, Nonstationary, PermuteObservations
        from plastic_rl.sb3 import plastic
        from training import memories, replaced
        env = Nonstationary(gymnasium.make("CartPole-v1"), PermuteObservations(), Every(50))
        model = plastic(PPO).load(sys.argv[1], env=env, device="cpu")
        (memory,), before = memories(model), replaced(model)[0]
        ages = [memory["step"] - int(birth) for birth in memory["layers"]["mlp_extractor.policy_net.0"]["birth"]]
        print(memory["step"], ages, before)
        model.learn(128, reset_num_timesteps=False)
        print(model.num_timesteps, memories(model)[0]["step"], replaced(model)[0] > before)
    """
    (memory,) = memories(trained)
    births = memory["layers"]["mlp_extractor.policy_net.0"]["birth"]
    arrived, went_on = elsewhere(script, tmp_path, saved).splitlines()
    assert arrived == f"16 {[16 - int(birth) for birth in births]} {replaced(trained)[0]}"
    assert went_on == "384 24 True"


def test_plain_ppo_opens_the_file_predicts_the_same_and_goes_on(trained: PPO, saved: Path, tmp_path: Path):
    plain = PPO.load(saved, env=world(), device="cpu")
    assert actions(plain) == actions(trained)
    assert type(plain.policy.optimizer) is torch.optim.Adam
    plain.learn(64, reset_num_timesteps=False)
    assert plain.num_timesteps == 320
    plain.save(tmp_path / "plain")
    back = plastic(PPO).load(tmp_path / "plain", env=world(), device="cpu")
    assert wrapper(back).memory["step"] == 0  # plain PPO keeps the settings, and drops the state
    learn(back, 64, reset_num_timesteps=False)
    assert replaced(back)[0] > 0


def test_the_file_opens_where_plastic_rl_cannot_be_imported(trained: PPO, saved: Path, tmp_path: Path):
    script = """if True:
        import sys
        import numpy
        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "plastic_rl":
                    raise ImportError("plastic_rl is not here")
        sys.meta_path.insert(0, Blocker())
        from stable_baselines3 import PPO
        model = PPO.load(sys.argv[1], device="cpu")
        observations = numpy.random.default_rng(0).normal(size=(16, 4)).astype(numpy.float32)
        print(model.predict(observations, deterministic=True)[0].tolist())
        assert "plastic_rl" not in sys.modules
    """
    assert elsewhere(script, tmp_path, saved) == str(actions(trained))


def test_nothing_in_the_file_is_pickled_from_this_project(saved: Path):
    roots = {word.partition(".")[0] for text in pickled_words(saved) for word in text.split()}
    assert "stable_baselines3" in roots  # the words are seen at all
    assert roots & {"plastic_rl", "agents", "envs", "launch", "tests", "training"} == set()
    with zipfile.ZipFile(saved) as archive:
        data = json.loads(archive.read("data"))
    assert data["plasticity"] == {
        "method": "plastic_rl.optim.continual_backprop:ContinualBackprop",
        "settings": {
            "replacement_rate": 0.05,
            "maturity_threshold": 2,
            "initialiser": {"function": "plastic_rl.initialisers:lecun_uniform_"},
        },
    }


def pickled_words(path: Path) -> list[str]:
    """All strings in the pickles of a saved model, among which are the modules that they refer to."""
    with zipfile.ZipFile(path) as archive:
        data = json.loads(archive.read("data"))
    codes = [base64.b64decode(item[":serialized:"]) for item in data.values() if is_pickled(item)]
    return [argument for code in codes for _, argument, _ in pickletools.genops(code) if isinstance(argument, str)]


def is_pickled(item: object) -> bool:
    return isinstance(item, dict) and ":serialized:" in item


def test_an_old_plain_model_gains_a_method_and_keeps_it(tmp_path: Path):
    old = make()
    learn(old, 128)
    old.save(tmp_path / "old")
    ours = plastic(PPO).load(tmp_path / "old", env=gymnasium.make("CartPole-v1"), plasticity=EAGER, device="cpu")
    assert same_parameters(old, ours)
    assert same_optimizers(old, ours)
    learn(ours, 128, reset_num_timesteps=False)
    assert replaced(ours)[0] > 0
    ours.save(tmp_path / "new")
    assert replaced(plastic(PPO).load(tmp_path / "new")) == replaced(ours)


def test_loading_can_change_the_settings_and_take_the_method_off(trained: PPO, saved: Path):
    eager = plastic(PPO).load(saved, plasticity=partial(ContinualBackprop, replacement_rate=0.5))
    assert [watched.budget.rate for watched in wrapper(eager).watched] == [0.5] * 4
    assert wrapper(eager).memory["step"] == 16
    without = plastic(PPO).load(saved, plasticity=None)
    assert plastic_optimizers(without.policy) == []
    assert actions(without) == actions(trained)


def test_a_model_of_earlier_days_goes_on(tmp_path: Path):
    """Saved before methods could be lists and plain values (tests/fixtures/README.md)."""
    old = Path(__file__).parents[1] / "fixtures" / "plastic_ppo.zip"
    model = plastic(PPO).load(old, env=gymnasium.make("CartPole-v1"), device="cpu")
    assert replaced(model) == [15]
    (memory,) = memories(model)
    assert memory["step"] == 16
    births = {name: layer["birth"].tolist() for name, layer in memory["layers"].items()}
    assert births == {
        "mlp_extractor.policy_net.0": [0, 16, 0, 8, 0, 0, 0, 0],
        "mlp_extractor.policy_net.2": [0, 0, 0, 10, 0, 0, 16, 0],
        "mlp_extractor.value_net.2": [16, 0, 0, 0, 10, 0, 0, 0],
    }
    seen = np.linspace(-1, 1, 32, dtype=np.float32).reshape(8, 4)
    assert model.predict(seen, deterministic=True)[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    learn(model, 64, reset_num_timesteps=False)
    assert replaced(model)[0] > 15
    model.save(tmp_path / "model")
    assert replaced(plastic(PPO).load(tmp_path / "model")) == replaced(model)


# Several methods, and plain values


SHRINK = partial(ShrinkPerturb, shrink=1e-3, noise_std=1e-3)
PLAIN = {
    "method": "plastic_rl.optim:ContinualBackprop",
    "settings": {"replacement_rate": 0.05, "maturity_threshold": 2},
}
PLAIN_SHRINK = {"method": "plastic_rl.optim:ShrinkPerturb", "settings": {"shrink": 0.001, "noise_std": 0.001}}


@pytest.mark.parametrize(
    "several",
    [Stack((EAGER, SHRINK)), [EAGER, SHRINK], [PLAIN, PLAIN_SHRINK], (PLAIN, SHRINK)],
    ids=["stack", "list", "plain", "mixed"],
)
def test_several_methods_are_saved_and_go_on_as_one_that_was_never_saved(several, tmp_path: Path):
    whole = make(plastic(PPO), plasticity=several)
    outer = plastic_optimizers(whole.policy)[0]
    assert [type(method) for method in methods_in(outer)] == [ShrinkPerturb, ContinualBackprop]
    learn(whole, 128)
    whole.save(tmp_path / "model")
    assert json.loads(zipfile.ZipFile(tmp_path / "model.zip").read("data"))["plasticity"] == describe([EAGER, SHRINK])
    again = plastic(PPO).load(tmp_path / "model", env=whole.env, device="cpu")
    assert are_equal(again.policy.optimizer.state_dict(), whole.policy.optimizer.state_dict())
    assert replaced(again)[0] > 0
    learn(again, 64, reset_num_timesteps=False)
    assert replaced(again)[0] > replaced(whole)[0]
    assert PPO.load(tmp_path / "model", device="cpu").num_timesteps == 128


def test_plain_values_train_as_the_method_itself(tmp_path: Path):
    method = make(plastic(PPO), plasticity=EAGER)
    learn(method, 128)
    plain = make(plastic(PPO), plasticity=PLAIN)
    learn(plain, 128)
    assert same_parameters(method, plain)
    plain.save(tmp_path / "model")
    quick = {**PLAIN, "settings": {"replacement_rate": 0.5}}
    loaded = plastic(PPO).load(tmp_path / "model", plasticity=quick)
    assert {watched.budget.rate for watched in wrapper(loaded).watched} == {0.5}


def test_nothing_is_built_before_the_settings_are_checked():
    with pytest.raises(ValueError, match="did you mean replacement_rate"):
        plastic(PPO)("no such policy", "NoSuchWorld-v0", plasticity=partial(ContinualBackprop, replacment_rate=0.1))
    with pytest.raises(ValueError, match="plasticity as plain values is"):
        plastic(PPO)("no such policy", "NoSuchWorld-v0", plasticity={"replacement_rate": 0.1})


# The class


def test_what_is_plastic_is_returned_as_it_is():
    class Mine(plastic(PPO)):
        pass

    assert plastic(plastic(PPO)) is plastic(PPO)
    assert plastic(Mine) is Mine
    model = make(plastic(plastic(PPO)), plasticity=EAGER)
    learn(model, 128)
    assert replaced(model)[0] > 0
    assert replaced(make(Mine, plasticity=EAGER)) == [0]


class Nested:
    class Tuned(PPO):
        pass


@pytest.mark.parametrize("algorithm", [PPO, SAC, RecurrentPPO, LocalPPO, Nested.Tuned])
@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps], ids=["pickle", "cloudpickle"])
def test_the_class_is_pickled_by_its_name(algorithm: type, dumps):
    code = dumps(plastic(algorithm))
    assert pickle.loads(code) is plastic(algorithm)
    assert len(code) < 200
    assert plastic(algorithm).__name__ == f"Plastic{algorithm.__name__}"


def test_it_is_found_in_a_process_that_has_not_made_it_yet(tmp_path: Path):
    script = """if True:
        import pickle, sys
        loaded = pickle.loads(bytes.fromhex(sys.argv[1]))
        from stable_baselines3 import SAC
        from plastic_rl.sb3 import plastic
        print(loaded is plastic(SAC))
    """
    assert elsewhere(script, tmp_path, pickle.dumps(plastic(SAC)).hex()) == "True"


def test_what_is_made_of_no_algorithm_is_no_attribute():
    with pytest.raises(AttributeError, match="Nothing"):
        made.stable_baselines3.ppo.ppo.Nothing  # noqa: B018
    assert not hasattr(made, "__wrapped__")


# What cannot be done is said at once


def test_settings_that_cannot_be_saved_are_refused_at_construction():
    with pytest.raises(ValueError, match="cannot be imported by name"):
        make(plastic(PPO), plasticity=partial(ContinualBackprop, initialiser=lambda tensor, generator=None: tensor))
    with pytest.raises(ValueError, match="cannot be imported by name"):
        make(plastic(PPO), plasticity=lambda optimizer, layers: EAGER(optimizer, layers[:1]))
    with pytest.raises(ValueError, match=r"replacement_rate must be in \[0, 1\], got 3.0"):
        make(plastic(PPO), plasticity=partial(ContinualBackprop, replacement_rate=3.0))


def test_algorithms_and_settings_that_no_method_fits_are_refused():
    with pytest.raises(ValueError, match="PlasticARS trains its policy without an optimiser"):
        plastic(ARS)("MlpPolicy", "CartPole-v1", plasticity=EAGER)
    with pytest.raises(ValueError, match=r"`mlp_extractor.policy_net.2`: .*ignore=\['mlp_extractor.policy_net.2'\]"):
        make(plastic(PPO), env="Pendulum-v1", use_sde=True, plasticity=EAGER)


def test_what_is_no_method_is_refused_at_once(saved: Path):
    with pytest.raises(TypeError, match=r"plasticity must be a method such as partial\(.*got 'cbp'"):
        plastic(PPO).load(saved, plasticity="cbp")


def test_layers_can_be_left_alone_and_stay_so_after_loading(tmp_path: Path):
    model = make(plastic(PPO), plasticity=EAGER, ignore=["mlp_extractor.policy_net.0"])
    watched = [watched.layer.name for watched in wrapper(model).watched]
    assert watched == ["mlp_extractor.policy_net.2", "mlp_extractor.value_net.0", "mlp_extractor.value_net.2"]
    model.save(tmp_path / "model")
    again = wrapper(plastic(PPO).load(tmp_path / "model"))
    assert [watched.layer.name for watched in again.watched] == watched
