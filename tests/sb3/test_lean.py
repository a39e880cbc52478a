"""The lean loop of PPO: SB3's numbers, bit for bit or to rounding, and the reasons to leave it."""

import logging
from copy import deepcopy
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sb3_contrib import RecurrentPPO
from stable_baselines3 import A2C, PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback, CallbackList, EveryNTimesteps
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.vec_env import VecNormalize
from torch import nn

from plastic_rl.optim import ContinualBackprop, ReGraMa, methods_in
from plastic_rl.sb3 import NormalizedRolloutBuffer, mlp_policy, plastic, trunk
from plastic_rl.sb3.algorithm_state import algorithm_state, restore_algorithm_state
from plastic_rl.sb3.lean import why_not
from plastic_rl.sb3.lean.products import Products, QuickProducts, quick_products
from plastic_rl.sb3.lean.stepping import copied
from plastic_rl.sb3.regularized_ppo import RegularizedPPO
from tests.contract.methods import METHODS
from tests.contract.network_options import NETWORKS
from tests.sb3.training import EAGER, learn, make, replaced, same_parameters

ITERATIONS = 10

# Methods with which PPO must go on in the lean loop; those that put terms on features into autograd's graph cannot.
IN_THE_LEAN_LOOP = {
    "continual backprop",
    "continual backprop, lazy",
    "ReDo",
    "L2 init",
    "shrink and perturb",
    "weight clipping",
    "churn reduction",
}


class Trunk(FlattenExtractor):
    """A layer that actor and critic share."""

    def __init__(self, observation_space: Any) -> None:
        super().__init__(observation_space)
        self.shared = nn.Linear(self.features_dim, self.features_dim)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.shared(super().forward(observations)))


def widths(*layers: int, activation: type[nn.Module] = nn.Tanh, **more: Any) -> dict[str, Any]:
    return {"net_arch": list(layers), "activation_fn": activation, **more}


UNEQUAL = {"net_arch": {"pi": [32], "vf": [8, 8, 8]}, "share_features_extractor": False}
CASES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "discrete": ("CartPole-v1", 2, {}),
    "one copy": ("CartPole-v1", 1, {"normalize_advantage": False}),
    "a small last minibatch": ("CartPole-v1", 2, {"batch_size": 127}),
    "entropy bonus": ("CartPole-v1", 1, {"ent_coef": 0.01, "policy_kwargs": widths(16, activation=nn.LeakyReLU)}),
    "target of the divergence": ("CartPole-v1", 2, {"target_kl": 1e-4, "learning_rate": 3e-3}),
    "values clipped": ("CartPole-v1", 2, {"clip_range_vf": 0.1, "vf_coef": 1.0, "n_epochs": 3}),
    "continuous, gradients clipped": ("Pendulum-v1", 3, {"max_grad_norm": 0.05, "policy_kwargs": widths(16, 16)}),
    "continuous, entropy bonus": ("Pendulum-v1", 1, {"ent_coef": 0.01, "policy_kwargs": widths(8, activation=nn.ReLU)}),
    "unequal networks": ("Pendulum-v1", 2, {"policy_kwargs": UNEQUAL, "clip_range_vf": 0.2, "max_grad_norm": 1e9}),
    "no hidden layers": ("CartPole-v1", 1, {"policy_kwargs": widths(activation=nn.Sigmoid)}),
    "advantages over the rollout": (
        *("CartPole-v1", 2),
        {"normalize_advantage": False, "rollout_buffer_class": NormalizedRolloutBuffer},
    ),
    "wide": ("CartPole-v1", 1, {"policy_kwargs": widths(256, 256, activation=nn.ReLU), "n_epochs": 1}),
    "weight decay": (
        *("Pendulum-v1", 2),
        {"policy_kwargs": widths(16, optimizer_kwargs={"eps": 1e-8, "weight_decay": 1e-2}), "clip_range": 0.01},
    ),
}
# Beside a norm, what gives two numbers for each unit, a learnt slope, and what autograd differentiates by itself.
BETWEEN: dict[str, dict[str, Any]] = {
    **{name: trunk(**options) for name, options in NETWORKS.items()},
    **{each.__name__: {"activation_fn": each} for each in (nn.ELU, nn.GELU, nn.SiLU, nn.Softplus)},
    "layer norm alone": {"activation_fn": partial(nn.LayerNorm, [16], elementwise_affine=False)},
}
IN_BETWEEN = {"policy": mlp_policy(PPO), "n_epochs": 1}
CASES.update(
    (name, ("CartPole-v1", 2, {**IN_BETWEEN, "policy_kwargs": {"net_arch": [16, 16], **options}}))
    for name, options in BETWEEN.items()
)

# Of them every day one with all three of norm, doubling and autograd, and one with weights of its own.
NIGHTLY = BETWEEN.keys() - {"layer norm, CReLU, dropout", "PReLU"}


def cases(names: Any, nightly: Any = NIGHTLY) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow) if name in nightly else name for name in names]


def trained(case: str, kind: Any, **more: Any) -> tuple[Any, list[dict[str, Any]]]:
    """A model of one of the cases after some iterations, and its log."""
    env, copies, settings = CASES[case]
    model = make(kind, env=make_vec_env(env, copies, seed=3), **{**settings, **more})
    log = learn(model, ITERATIONS * 64 * copies)
    model.logger.dump()
    return model, log


@cache
def plainly_trained(case: str) -> tuple[Any, list[dict[str, Any]]]:
    """The same by SB3's own PPO."""
    return trained(case, PPO)


def flat(model: Any) -> torch.Tensor:
    return nn.utils.parameters_to_vector(model.policy.parameters()).detach()


@pytest.mark.parametrize("case", cases(CASES))
@pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
def test_parameters_and_logs_are_those_of_stable_baselines_bit_for_bit(case: str):
    plain, lines = plainly_trained(case)
    lean, same_lines = trained(case, plastic(PPO))
    assert why_not(lean) is None
    assert same_parameters(plain, lean)
    assert lines == same_lines
    assert lines[-1].keys() >= {"train/loss", "train/approx_kl", "train/clip_fraction"}


@pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
@pytest.mark.parametrize("case", cases(sorted(CASES.keys() - {"target of the divergence"})))
def test_quick_parameters_are_those_of_stable_baselines_to_rounding(case: str):
    plain, lines = plainly_trained(case)
    quick, others = trained(case, plastic(PPO), lean="quick")
    assert (flat(plain) - flat(quick)).norm() <= 1e-6 * flat(plain).norm()
    assert [line.keys() for line in lines] == [line.keys() for line in others]
    assert not same_parameters(plain, quick)  # else there would be nothing quick about it


def test_a_quick_loop_stops_at_the_target_of_the_divergence():
    case = "target of the divergence"
    (_, lines), (_, others) = plainly_trained(case), trained(case, plastic(PPO), lean="quick")
    updates = [line["train/n_updates"] for line in lines[1:]]
    assert updates[-1] < 2 * ITERATIONS
    assert updates[:3] == [line["train/n_updates"] for line in others[1:4]]


@pytest.mark.parametrize("lean", ["exact", "quick"])
def test_it_normalises_observations_and_looks_beyond_time_limits(lean: str):
    models = []
    for kind, settings in ((PPO, {}), (plastic(PPO), {"lean": lean})):
        models.append(make(kind, env=VecNormalize(make_vec_env("Pendulum-v1", 2, seed=3)), **settings))
        learn(models[-1], 8 * 128)  # episodes end after 200 steps
    gap = (flat(models[0]) - flat(models[1])).norm() / flat(models[0]).norm()
    assert gap <= (0 if lean == "exact" else 1e-6)
    assert models[0].env.obs_rms.count == models[1].env.obs_rms.count


# Every day those that look at activations or gradients, and one for each moment; all in the slow run.
DAILY = {"L2 init", "weight clipping", "churn reduction", "hare and tortoise", "UPGD", "FIRE", "plasticity injection"}


@pytest.mark.parametrize(
    "name",
    [
        name if method.replaces or name in DAILY else pytest.param(name, marks=pytest.mark.slow)
        for name, method in METHODS.items()
    ],
)
def test_methods_do_the_same_in_both_loops(name: str):
    models = []
    for lean in ("off", "exact"):
        model = make(plastic(PPO), n_steps=32, batch_size=8, plasticity=METHODS[name].on, lean=lean)
        METHODS[name].begin(model.policy.optimizer)
        learn(model, 2 * 32)
        models.append(model)
    assert why_not(models[1]) is None or name not in IN_THE_LEAN_LOOP
    assert same_parameters(*models)


def test_continual_backprop_does_the_same_in_both_loops_to_normalised_layers():
    settings: dict[str, Any] = {**CASES["layer norm"][2], "n_steps": 32, "batch_size": 8, "plasticity": EAGER}
    models = list[Any]()
    for lean in ("off", "exact"):
        models.append(make(plastic(PPO), lean=lean, **settings))
        learn(models[-1], 3 * 32)
    assert why_not(models[1]) is None
    assert replaced(models[1]) == replaced(models[0])
    assert replaced(models[0])[0] > 0
    assert same_parameters(*models)


def test_a_policy_that_has_no_room_for_a_doubling_is_left_to_stable_baselines():
    model = make(plastic(PPO), policy_kwargs={"net_arch": [16], **trunk(activation="crelu")})
    assert why_not(model) == "its policy has no room for crelu"
    assert why_not(make(plastic(PPO), policy_kwargs={"activation_fn": partial(nn.LayerNorm, 64)})) == (
        "it has a LayerNorm, whose derivative is not known here"
    )


def test_continual_backprop_replaces_the_same_units_in_a_quick_loop():
    method = partial(ContinualBackprop, replacement_rate=0.05, maturity_threshold=2, audit_size=1000, seed=0)
    told: list[list[Any]] = []
    for lean in ("off", "quick"):
        model = make(plastic(PPO), n_epochs=4, plasticity=method, lean=lean)
        learn(model, 4 * 64)
        (outermost, *_) = methods_in(model.policy.optimizer)
        assert isinstance(outermost, ContinualBackprop)
        told.append([(each.step, each.layer, each.unit) for each in outermost.replacements()])
    assert told[0] == told[1]
    assert len(told[0]) > 10


@pytest.mark.parametrize("lean", ["exact", "quick"])
def test_a_run_goes_on_bit_for_bit(lean: str):
    def fresh() -> Any:
        return make(plastic(PPO), env=make_vec_env("Pendulum-v1", 2, seed=3), plasticity=EAGER, lean=lean)

    def go_on(model: Any) -> Any:
        learn(model, 256, reset_num_timesteps=False)
        return model

    first = go_on(fresh())
    state = deepcopy(algorithm_state(first))
    go_on(first)
    second = fresh()
    learn(second, 128)  # else there is nowhere to restore it to
    restore_algorithm_state(second, state)
    assert same_parameters(first, go_on(second))


class Locals(BaseCallback):
    """Keeps what the loop showed."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[dict[str, Any]] = []

    def _on_step(self) -> bool:
        self.steps.append(dict(self.locals))
        return len(self.steps) < 10


def test_callbacks_see_what_they_see_in_stable_baselines_and_may_stop():
    seen = []
    for kind in (PPO, plastic(PPO)):
        callback = Locals()
        learn(make(kind, env=make_vec_env("Pendulum-v1", 2, seed=3)), 64, callback=callback)
        seen.append(callback.steps)
    ours, theirs = seen[1], seen[0]
    assert len(ours) == len(theirs) == 10
    assert ours[0].keys() == theirs[0].keys()
    for name in ("actions", "values", "log_probs", "clipped_actions", "new_obs", "rewards", "dones", "obs_tensor"):
        assert all(np.array_equal(one[name], other[name]) for one, other in zip(ours, theirs, strict=True)), name
    assert ours[3]["infos"] == theirs[3]["infos"]


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this build of torch brings no oneDNN")
@pytest.mark.parametrize(("vectors", "kind"), [("AVX512", QuickProducts), ("AVX2", Products), ("DEFAULT", Products)])
def test_onednn_multiplies_only_where_a_processor_has_vectors_of_512_bits(monkeypatch, vectors: str, kind: type):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: vectors)
    assert type(quick_products(32, [torch.zeros(256, 256)])) is kind
    assert type(quick_products(32, [torch.zeros(64, 64)])) is Products  # too small to be worth its preparations


def test_a_quick_loop_asks_the_critic_once_where_nobody_looks_at_values_and_at_each_step_where_somebody_may():
    values, asked = [], []
    of_the_library = EveryNTimesteps(10**9, CallbackList([]))
    for callback in (None, of_the_library, lambda seen, _: asked.append(seen["values"]) is None):
        model = make(plastic(PPO), env=make_vec_env("Pendulum-v1", 2, seed=3), lean="quick")
        learn(model, 2 * model.n_steps, callback=callback)
        values.append(model.rollout_buffer.values)
    assert [value.shape for value in asked] == [(2, 1)] * model.n_steps
    assert np.array_equal(values[0], values[1])
    np.testing.assert_allclose(values[0], values[2], rtol=1e-5, atol=1e-6)


def test_a_saved_model_keeps_its_loop_and_opens_in_plain_stable_baselines(tmp_path: Path):
    model = make(plastic(PPO), lean="quick")
    learn(model, 64)
    model.save(tmp_path / "model")
    kind: Any = plastic(PPO)
    assert kind.load(tmp_path / "model").lean == "quick"
    assert kind.load(tmp_path / "model", lean="off").lean == "off"
    assert same_parameters(PPO.load(tmp_path / "model"), model)


def test_a_loop_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="lean must be one of quick, exact, off; got 'fast'"):
        make(plastic(PPO), lean="fast")
    off_policy: Any = plastic(SAC)
    with pytest.raises(TypeError, match="lean"):
        off_policy("MlpPolicy", "Pendulum-v1", lean="quick")


def test_half_a_rollout_is_not_learned_from():
    for kind in (PPO, plastic(PPO)):
        model = make(kind)
        model._setup_learn(64)
        with pytest.raises(AssertionError):
            model.train()


def test_torch_refuses_what_is_no_number():
    for env in ("CartPole-v1", "Pendulum-v1"):
        model = make(plastic(PPO), env=env, lean="quick")
        learn(model, 64)
        with torch.no_grad():
            model.policy.action_net.weight.fill_(torch.nan)
        with pytest.raises(ValueError, match=r"^Expected parameter"):
            model.train()
        with pytest.raises(ValueError, match=r"^Expected parameter"):
            model.collect_rollouts(model.env, model._init_callback(None), model.rollout_buffer, 64)


FALLBACKS: dict[str, tuple[Any, dict[str, Any]]] = {
    "A2C is not Stable-Baselines3's PPO": (A2C, {"env": "CartPole-v1"}),
    "RecurrentPPO is not Stable-Baselines3's PPO": (RecurrentPPO, {"policy": "MlpLstmPolicy"}),
    "RegularizedPPO is not Stable-Baselines3's PPO": (RegularizedPPO, {}),
    "it explores by gSDE": (PPO, {"env": "Pendulum-v1", "use_sde": True}),
    "its features come from a Trunk": (PPO, {"policy_kwargs": {"features_extractor_class": Trunk}}),
    "it has a Mish, whose derivative is not known here": (PPO, {"policy_kwargs": widths(8, activation=nn.Mish)}),
    "its policy is a ActorCriticCnnPolicy, not an MlpPolicy": (PPO, {"policy": "CnnPolicy"}),
    "a GradientRecorder looks into its network": (PPO, {"plasticity": partial(ReGraMa, gradient_of="activations")}),
}


@pytest.mark.parametrize("reason", FALLBACKS)
def test_what_is_outside_the_lean_loop_learns_in_stable_baselines_and_says_why_once(
    reason: str, caplog: pytest.LogCaptureFixture
):
    kind, settings = FALLBACKS[reason]
    if settings.get("policy") == "CnnPolicy":
        settings = {**settings, "env": "plastic_rl.nonstationary:plastic_rl/PixelPermutedCatch-v0"}
    caplog.set_level(logging.INFO)
    small = {"policy": "MlpPolicy", "env": "CartPole-v1", "n_steps": 64, "seed": 0, "device": "cpu", **settings}
    model = plastic(kind)(**small)
    assert not model.is_lean()
    learn(model, 128)
    said = [record.message for record in caplog.records if "own loop" in record.message]
    assert said == [f"{kind.__name__} learns in Stable-Baselines3's own loop: {reason}."]


def test_a_hook_a_frozen_weight_or_another_function_is_not_passed_over():
    def refused(change: Any) -> str | None:
        model = make(plastic(PPO))
        change(model)
        return why_not(model)

    assert refused(lambda model: None) is None
    hooked = refused(lambda model: model.policy.mlp_extractor.policy_net[0].register_forward_hook(print))
    assert hooked == "a builtin_function_or_method looks into its network"
    assert refused(lambda model: model.policy.value_net.bias.requires_grad_(False)) == "value_net.bias is frozen"
    replaced = refused(lambda model: setattr(model.policy, "evaluate_actions", None))
    assert replaced == "somebody has replaced evaluate_actions"
    listened = refused(lambda model: model.policy.value_net.bias.register_hook(print))
    assert listened == "somebody listens to the gradient of value_net.bias"


def test_a_world_may_write_over_what_it_told():
    told: dict[str, Any] = {"where": np.zeros(2), "nested": {"list": [1, 2]}, "name": "x", "number": 1.0}
    kept = copied(told)
    told["where"] += 1
    told["nested"]["list"].append(3)
    assert kept["where"].sum() == 0
    assert kept["nested"] == {"list": [1, 2]}
    assert (kept["name"], kept["number"]) == ("x", 1.0)
