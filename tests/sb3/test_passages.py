"""Methods that run a policy again: what its answers are, and policies for which that cannot be."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from sb3_contrib import TRPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3

from plastic_rl.optim import ChurnReduction
from plastic_rl.optim.passages import passage
from plastic_rl.sb3 import plastic, plastic_optimizers
from plastic_rl.sb3.policy_networks import trained_networks

often = partial(ChurnReduction, target_scale=0.5)


def small(**policy: Any) -> dict[str, Any]:
    """Settings of a small model; made anew each time, as SB3 writes into them."""
    return {"seed": 0, "device": "cpu", "policy_kwargs": {"net_arch": [8], **policy}}


class Space(gymnasium.Env):
    """Observations of three numbers, any actions."""

    def __init__(self, actions: spaces.Space) -> None:
        self.observation_space, self.action_space = spaces.Box(-1, 1, (3,)), actions

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 0.0, False, False, {}


ACTIONS = {
    "categorical": (spaces.Discrete(3), [3]),
    "several categorical": (spaces.MultiDiscrete([2, 3]), [2, 3]),
    "yes or no": (spaces.MultiBinary(2), [2, 2]),
    "numbers": (spaces.Box(-1, 1, (2,)), []),
}


@pytest.mark.parametrize("shares", [True, False])
@pytest.mark.parametrize("kind", ACTIONS)
def test_a_policys_answer_is_what_its_distribution_is_made_of(kind: str, shares: bool):
    actions, sizes = ACTIONS[kind]
    policy: Any = PPO("MlpPolicy", Space(actions), **small(share_features_extractor=shares)).policy
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    way, distribution = passage(policy), policy.get_distribution(x).distribution
    answer, values = way.run(x)
    assert list(way.categories) == sizes
    torch.testing.assert_close(values, policy.predict_values(x))
    torch.testing.assert_close(way.answer(x), answer)
    if kind == "numbers":
        torch.testing.assert_close(answer, distribution.mean)
    elif kind == "yes or no":
        torch.testing.assert_close(answer.view(5, 2, 2).softmax(-1)[..., 0], distribution.probs)
    else:
        parts = distribution if isinstance(distribution, list) else [distribution]
        for logits, part in zip(answer.split(sizes, 1), parts, strict=True):
            torch.testing.assert_close(logits.softmax(1), part.probs)


def test_the_answers_of_sac_are_its_mean_actions_and_its_values():
    policy: Any = SAC("MlpPolicy", gymnasium.make("Pendulum-v1"), **small()).policy
    x, taken = torch.randn(5, 3), torch.rand(5, 1)
    actor, critic = (network for _, network in trained_networks(policy))
    torch.testing.assert_close(passage(actor).answer(x).tanh(), actor(x, deterministic=True))
    torch.testing.assert_close(passage(critic).answer(x, taken), critic(x, taken))


@pytest.mark.parametrize(("algorithm", "world"), [(A2C, "CartPole-v1"), (DQN, "CartPole-v1"), (TD3, "Pendulum-v1")])
def test_every_optimiser_of_an_algorithm_has_its_churn(algorithm: Any, world: str):
    later = {} if algorithm is A2C else {"learning_starts": 4, "train_freq": 1, "batch_size": 4}
    model = plastic(algorithm)("MlpPolicy", gymnasium.make(world), plasticity=often, **small(), **later)
    model.learn(40)
    found = [optimizer.metrics()["churn/coefficient"] for optimizer in plastic_optimizers(model)]
    assert len(found) == (2 if algorithm is TD3 else 1)
    assert min(found) > 0


def test_a_policys_churn_is_none_of_its_critics():
    model = plastic(PPO)(
        "MlpPolicy", gymnasium.make("CartPole-v1"), plasticity=often, n_steps=32, batch_size=8, **small()
    )
    model.learn(32)
    optimizer: Any = model.policy.optimizer
    names, parameters = zip(*model.policy.named_parameters(), strict=True)
    term = optimizer.churn(optimizer._answers(optimizer.memory["reference"]), optimizer.memory["answers"])
    gradients = torch.autograd.grad(term, parameters, allow_unused=True)
    reached = {name for name, gradient in zip(names, gradients, strict=True) if gradient is not None}
    assert {name.rpartition(".")[0] for name in reached} == {"mlp_extractor.policy_net.0", "action_net"}


def test_a_recurrent_policy_is_refused_by_name():
    with pytest.raises(ValueError, match=r"RecurrentActorCriticPolicy cannot be run again.*not recurrent"):
        plastic(RecurrentPPO)("MlpLstmPolicy", gymnasium.make("CartPole-v1"), plasticity=often, seed=0, device="cpu")


def test_an_actor_that_moves_by_itself_is_refused():
    model = plastic(TRPO)(
        "MlpPolicy", gymnasium.make("CartPole-v1"), plasticity=often, n_steps=32, batch_size=16, **small()
    )
    with pytest.raises(RuntimeError, match=r"answers of ActorCriticPolicy do not depend on the layers.*TRPO"):
        model.learn(32)


def test_images_and_dicts_of_observations_are_kept():
    observations = spaces.Dict({"a": spaces.Box(-1, 1, (2,)), "b": spaces.Box(-1, 1, (3,))})

    class Parts(Space):
        def __init__(self) -> None:
            super().__init__(spaces.Discrete(2))
            self.observation_space = observations

    model = plastic(PPO)("MultiInputPolicy", Parts(), plasticity=often, n_steps=16, batch_size=4, n_epochs=1, **small())
    model.learn(16)
    kept = model.policy.optimizer.memory["previous"]["args"][0]
    assert {name: tuple(each.shape) for name, each in kept.items()} == {"a": (4, 2), "b": (4, 3)}
    assert np.isfinite(model.policy.optimizer.metrics()["churn/coefficient"])
