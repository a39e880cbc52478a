"""All methods that add a term to the loss: networks that are compiled, or that compute in 16 bits, and any policy."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium
import pytest
import torch
from sb3_contrib import TRPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from torch import Tensor

from plastic_rl.layers import hidden_layers
from plastic_rl.learners import Backprop, Blueprint, Renewal
from plastic_rl.optim import ChurnReduction, FeatureNorm, InFeR, Plasticity, ProximalFeatures
from plastic_rl.sb3 import plastic, plastic_optimizers
from plastic_rl.streams import Plan
from tests.optim.networks import mlp, numbers
from tests.streams.small import Blobs, go_through
from tests.streams.small import mlp as small

TERMS: dict[str, Plasticity] = {
    "feature norm": partial(FeatureNorm, strength=0.5),
    "churn": partial(ChurnReduction, target_scale=0.5),
    "PFO": partial(ProximalFeatures, copy_every=3),
    "InFeR": partial(InFeR, seed=0),
}
terms = pytest.mark.parametrize("term", TERMS.values(), ids=TERMS.keys())


def trained(term: Plasticity | None, *, compiles: bool = False, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    network, data = mlp(), torch.Generator().manual_seed(1)
    optimizer: Any = torch.optim.SGD(network.parameters(), lr=0.1)
    if term is not None:
        optimizer = term(optimizer, hidden_layers(network, torch.zeros(1, 6)))
    forward: Any = torch.compile(network, backend="aot_eager") if compiles else network
    for _ in range(5):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype, enabled=dtype is torch.bfloat16):
            outputs = forward(torch.randn(8, 6, generator=data))
        outputs.float().square().mean().backward()
        optimizer.step()
    return numbers(network)


@terms
def test_a_compiled_network_learns_the_same(term: Plasticity):
    torch.testing.assert_close(trained(term, compiles=True), trained(term))


@terms
def test_in_16_bits_the_term_is_there_and_near(term: Plasticity):
    moved = []
    for dtype in (torch.bfloat16, torch.float32):
        pairs = zip(trained(term, dtype=dtype), trained(None, dtype=dtype), strict=True)
        moved.append(torch.cat([(a - b).flatten() for a, b in pairs]))
    assert torch.cosine_similarity(*moved, 0) > 0.9
    assert moved[0].norm().item() == pytest.approx(moved[1].norm().item(), rel=0.2)


POLICIES: dict[str, tuple[Any, str, str, dict[str, Any]]] = {
    "A2C": (A2C, "MlpPolicy", "CartPole-v1", {"n_steps": 4}),
    "PPO, images": (PPO, "CnnPolicy", "images", {"n_steps": 8, "batch_size": 4, "n_epochs": 2}),
    "DQN": (DQN, "MlpPolicy", "CartPole-v1", {"learning_starts": 4, "train_freq": 1, "batch_size": 4}),
    "TD3": (TD3, "MlpPolicy", "Pendulum-v1", {"learning_starts": 4, "train_freq": 1, "batch_size": 4}),
}


class Images(gymnasium.Env):
    """Small images, all alike."""

    observation_space = gymnasium.spaces.Box(0, 255, (36, 36, 1), dtype="uint8")
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), float(action), False, False, {}


def make(name: str, **settings: Any) -> Any:
    algorithm, policy, world, own = POLICIES[name]
    env = Images() if world == "images" else gymnasium.make(world)
    env.observation_space.seed(0)
    return plastic(algorithm)(policy, env, seed=0, device="cpu", policy_kwargs={"net_arch": [8]}, **own, **settings)


@pytest.mark.parametrize("name", POLICIES)
@terms
def test_it_acts_in_every_network_of_an_algorithm(name: str, term: Plasticity):
    models = [make(name, plasticity=term), make(name)]
    assert plastic_optimizers(models[0])
    for model in models:
        model.learn(16)
    for (part, one), (_, other) in zip(*(each.policy.named_parameters() for each in models), strict=True):
        if "target" not in part and part.endswith("0.weight"):
            assert not torch.equal(one, other), part


def test_an_actors_loss_has_no_gradient_of_its_critics_term():
    """SAC's and TD3's actors learn through the critic."""
    world = gymnasium.make("Pendulum-v1")
    settings: Any = {"seed": 0, "device": "cpu", "policy_kwargs": {"net_arch": [8]}, "learning_starts": 4}
    model: Any = plastic(SAC)("MlpPolicy", world, plasticity=partial(FeatureNorm, strength=5.0), **settings)
    model.learn(8)
    critic, observations = model.critic, torch.randn(4, 3)
    actions = model.actor(observations, deterministic=True).detach().requires_grad_()
    model.actor.optimizer.zero_grad()
    found = torch.autograd.grad(critic(observations, actions)[0].mean(), actions)[0]
    critic.optimizer.remove()
    torch.testing.assert_close(found, torch.autograd.grad(critic(observations, actions)[0].mean(), actions)[0])


def test_the_norm_of_features_needs_no_second_pass_and_goes_with_a_recurrent_policy():
    world = gymnasium.make("CartPole-v1")
    model = plastic(RecurrentPPO)(
        "MlpLstmPolicy", world, plasticity=FeatureNorm, n_steps=16, batch_size=8, n_epochs=1, seed=0, device="cpu"
    )
    model.learn(16)


@pytest.mark.parametrize("term", [FeatureNorm, ProximalFeatures, InFeR])
def test_in_trpo_it_is_the_critics_alone(term: Any):
    world = gymnasium.make("CartPole-v1")
    settings: Any = {"n_steps": 16, "batch_size": 8, "policy_kwargs": {"net_arch": [8]}, "seed": 0, "device": "cpu"}
    model = plastic(TRPO)("MlpPolicy", world, plasticity=term, **settings)
    model.learn(32)
    (optimizer,) = plastic_optimizers(model)
    names = {each.layer.name for each in optimizer.features}  # pyright: ignore[reportAttributeAccessIssue]
    assert names == {"mlp_extractor.value_net.0"}


@terms
def test_around_a_network_that_is_drawn_afresh_they_remember_nothing(term: Plasticity):
    blueprint = Blueprint(small, partial(torch.optim.SGD, lr=0.1), term, renewal=Renewal.network)
    stream = Blobs(Plan(1, batch_size=4), 3)
    learner, fresh = (Backprop(blueprint, stream, seed=0) for _ in range(2))
    go_through([stream], learner)
    for each in (learner, fresh):
        each.begin(stream.task(1), stream.plan)
    assert str(learner.optimizer.state_dict()) == str(fresh.optimizer.state_dict())
