"""Every optimiser of a policy gets its method or is named: separate ones, dicts of them, and those left plain."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium
import pytest
import torch
from algorithms import pendulum
from sb3_contrib import TRPO, RecurrentPPO
from stable_baselines3 import PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn
from torch.optim import Adam, Optimizer
from training import EAGER, learn, make, replaced

from plastic_rl.optim import ShrinkPerturb, Stack, wrapped
from plastic_rl.sb3 import forecast_model, plastic, plastic_optimizers
from plastic_rl.sb3.attachment import attach

OFF_POLICY: dict[str, Any] = {"learning_starts": 10, "batch_size": 8, "device": "cpu", "seed": 0}
ON_POLICY: dict[str, Any] = {"n_steps": 32, "batch_size": 16, "device": "cpu", "seed": 0}
ACTOR = ["mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2"]
CRITIC = ["mlp_extractor.value_net.0", "mlp_extractor.value_net.2"]


def layer_names(model: BaseAlgorithm) -> list[list[str]]:
    return [sorted(layer.name for layer in optimizer.layers) for optimizer in plastic_optimizers(model)]


class Apart(ActorCriticPolicy):
    """An actor and a critic with an optimiser each, kept in one way or another."""

    keep: Callable[[Any, Optimizer, Optimizer], None]

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        critic = [p for name, p in self.named_parameters() if "value_net" in name]
        mine = {id(parameter) for parameter in critic}
        actor = [parameter for parameter in self.parameters() if id(parameter) not in mine]
        del self.optimizer
        type(self).keep(self, Adam(actor, lr=1e-3), Adam(critic, lr=1e-3))


class InAttributes(Apart):
    def keep(self, actor: Optimizer, critic: Optimizer) -> None:
        self.optimizer, self.critic_optimizer = actor, critic


class InADict(Apart):
    def keep(self, actor: Optimizer, critic: Optimizer) -> None:
        self.optimizers = {"actor": actor, "critic": critic}


class InAList(Apart):
    def keep(self, actor: Optimizer, critic: Optimizer) -> None:
        self.optimizers = [actor, critic]
        self.again = actor


class Hidden(Apart):
    def keep(self, actor: Optimizer, critic: Optimizer) -> None:
        self.optimizer, self.chest = actor, lambda: critic


class Tuned(PPO):
    """PPO that moves actor and critic by the optimisers that the policy keeps."""

    def train(self) -> None:
        policy: Any = self.policy
        kept = getattr(policy, "optimizers", None) or [policy.optimizer, policy.critic_optimizer]
        optimizers = list(kept.values()) if isinstance(kept, dict) else list(kept)
        for data in self.rollout_buffer.get(self.batch_size):
            values, log_prob, _ = policy.evaluate_actions(data.observations, data.actions.long().flatten())
            loss = -(log_prob * data.advantages).mean() + (values.flatten() - data.returns).square().mean()
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()

    def _update_learning_rate(self, optimizers: Any) -> None:
        pass


@pytest.mark.parametrize("policy", [InAttributes, InADict, InAList])
def test_separate_optimisers_of_actor_and_critic_each_replace_their_units(policy: type):
    model = make(plastic(Tuned), policy, plasticity=EAGER)
    assert layer_names(model) == [ACTOR, CRITIC]
    before = {name: value.clone() for name, value in model.policy.state_dict().items()}
    model.learn(256)
    counts = [optimizer.metrics()["cbp/replaced"] for optimizer in plastic_optimizers(model)]
    assert all(count > 0 for count in counts)
    assert not torch.equal(before["mlp_extractor.value_net.0.weight"], model.policy.mlp_extractor.value_net[0].weight)
    assert len(forecast_model(model).layers) == 4


def test_an_optimiser_in_two_places_is_wrapped_once_and_is_in_both():
    model = make(plastic(Tuned), InAList, plasticity=EAGER)
    assert model.policy.again is model.policy.optimizers[0]
    assert len(plastic_optimizers(model)) == 2


def test_an_optimiser_of_the_algorithm_is_found():
    class Owner(PPO):
        def _setup_model(self) -> None:
            super()._setup_model()
            value_net = self.policy.mlp_extractor.value_net
            self.critic_optimizer = Adam([*value_net.parameters(), *self.policy.value_net.parameters()])
            self.policy.optimizer = Adam([*self.policy.mlp_extractor.policy_net.parameters(), *self.policy.action_net.parameters()])  # fmt: skip  # noqa: E501

    model = make(plastic(Owner), plasticity=EAGER)
    assert layer_names(model) == [ACTOR, CRITIC]
    assert type(model.critic_optimizer) is type(model.policy.optimizer)


def test_a_critic_whose_optimiser_cannot_be_found_is_refused_by_name():
    with pytest.raises(ValueError, match=r"`mlp_extractor.value_net.0`: it has weights that no optimiser.*ignore="):
        make(plastic(Tuned), Hidden, plasticity=EAGER)
    model = make(plastic(Tuned), Hidden, plasticity=EAGER, ignore=CRITIC)
    assert layer_names(model) == [ACTOR]


def test_the_entropy_coefficients_optimiser_stays_plain():
    model = plastic(SAC)("MlpPolicy", pendulum(), plasticity=EAGER, policy_kwargs={"net_arch": [8]}, **OFF_POLICY)
    assert type(model.ent_coef_optimizer) is Adam
    assert layer_names(model) == [["latent_pi.0"], ["qf0.0", "qf1.0"]]


# Nothing to replace


@pytest.mark.parametrize(
    ("algorithm", "kwargs"),
    [(PPO, {"net_arch": []}), (TRPO, {"net_arch": []}), (TRPO, {"net_arch": {"pi": [8], "vf": []}})],
)
def test_a_policy_without_anything_to_replace_is_refused_in_these_words(algorithm: type, kwargs: dict[str, Any]):
    with pytest.raises(ValueError, match=r"nothing to replace in this network: ActorCriticPolicy has no hidden layer"):
        plastic(algorithm)("MlpPolicy", "CartPole-v1", plasticity=EAGER, policy_kwargs=kwargs, **ON_POLICY)


@pytest.mark.parametrize(
    ("net_arch", "plain", "watched"),
    [({"pi": [], "qf": [8]}, "Actor", ["qf0.0", "qf1.0"]), ({"pi": [8], "qf": []}, "ContinuousCritic", ["mu.0"])],
)
def test_an_optimiser_with_nothing_to_replace_stays_plain_beside_others(
    net_arch: dict[str, list[int]], plain: str, watched: list[str], caplog: pytest.LogCaptureFixture, tmp_path
):
    kwargs = {"net_arch": net_arch}
    model = plastic(TD3)("MlpPolicy", pendulum(), plasticity=EAGER, policy_kwargs=kwargs, **OFF_POLICY)
    assert layer_names(model) == [watched]
    assert f"nothing to replace in the network of {plain}: its optimiser stays as it is" in caplog.text
    learn(model, 32)
    assert replaced(model)[0] > 0
    model.save(tmp_path / "model")
    assert replaced(plastic(TD3).load(tmp_path / "model")) == replaced(model)


def test_of_a_stack_what_replaces_no_units_still_acts(caplog: pytest.LogCaptureFixture):
    stack = Stack((partial(ShrinkPerturb, noise_std=0.1), EAGER))
    network = nn.Linear(2, 1)
    optimizer, is_complete = wrapped(stack, torch.optim.SGD(network.parameters(), lr=0.0), [])
    assert (type(optimizer), is_complete) == (ShrinkPerturb, False)
    model = plastic(TD3)("MlpPolicy", pendulum(), policy_kwargs={"net_arch": {"pi": [], "qf": [8]}}, **OFF_POLICY)
    attach(model, stack)
    assert type(model.actor.optimizer) is ShrinkPerturb
    assert "nothing to replace in the network of Actor" in caplog.text


# The advice can be followed


@pytest.mark.parametrize(
    ("algorithm", "policy", "env", "settings", "advice"),
    [
        (SAC, "MlpPolicy", pendulum, {**OFF_POLICY, "use_sde": True}, ["latent_pi.0"]),
        (
            RecurrentPPO,
            "MlpLstmPolicy",
            lambda: gymnasium.make("CartPole-v1"),
            {**ON_POLICY, "policy_kwargs": {"net_arch": [8], "lstm_hidden_size": 8, "n_lstm_layers": 2}},
            ["lstm_actor", "lstm_critic"],
        ),
    ],
    ids=["gsde", "stacked lstm"],
)
def test_following_the_advice_leads_into_no_other_refusal(
    algorithm: type, policy: str, env: Callable[[], gymnasium.Env], settings: dict[str, Any], advice: list[str]
):
    settings = {"policy_kwargs": {"net_arch": [8]}, **settings, "plasticity": EAGER}
    with pytest.raises(ValueError, match="cannot be replaced") as refusal:
        plastic(algorithm)(policy, env(), **settings)
    assert str(refusal.value).endswith(f"Leave them alone with ignore={advice}")
    model = plastic(algorithm)(policy, env(), ignore=advice, **settings)
    learn(model, 64)
    assert replaced(model)[0] > 0


def test_where_following_it_would_leave_nothing_this_is_said_instead():
    kwargs = {"net_arch": {"pi": [8], "vf": []}}
    with pytest.raises(ValueError, match=r"`mlp_extractor.policy_net.0`: .*There is nothing else to replace"):
        make(plastic(PPO), env="Pendulum-v1", use_sde=True, policy_kwargs=kwargs, plasticity=EAGER)


def test_all_networks_are_looked_at_before_anything_is_refused():
    class Softened(ActorCriticPolicy):
        def _build(self, lr_schedule: Any) -> None:
            super()._build(lr_schedule)
            for net in (self.mlp_extractor.policy_net, self.mlp_extractor.value_net):
                net[1] = nn.Softmax(1)

    with pytest.raises(ValueError, match=r"ignore=\['mlp_extractor.policy_net.0', 'mlp_extractor.value_net.0'\]"):
        make(plastic(PPO), Softened, plasticity=EAGER)


def test_trpo_is_not_refused_for_a_layer_that_it_never_replaces():
    settings = {"policy_kwargs": {"net_arch": [8]}, "use_sde": True, **ON_POLICY}
    model = plastic(TRPO)("MlpPolicy", pendulum(), plasticity=EAGER, **settings)
    assert layer_names(model) == [["mlp_extractor.value_net.0"]]


def test_a_norm_that_makes_newborns_audible_is_named_when_a_method_is_attached(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    class Normed(ActorCriticPolicy):
        def _build_mlp_extractor(self) -> None:
            super()._build_mlp_extractor()
            self.mlp_extractor.value_net[1] = nn.LayerNorm(16)

    from plastic_rl.optim import unit_replacer

    monkeypatch.setattr(unit_replacer, "_told", set())
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            make(plastic(PPO), Normed, plasticity=EAGER)
    assert [record.message for record in caplog.records if "Expect a jolt" in record.message] == [
        "mlp_extractor.value_net.0: a norm that mixes units (LayerNorm, RMSNorm, GroupNorm) lies between these units "
        "and their readers, so that a newborn unit disturbs the others through it. Expect a jolt at each replacement."
    ]
