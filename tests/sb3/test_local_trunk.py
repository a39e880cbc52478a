"""PPO on a locally trained trunk, and PPO with an HSIC regulariser: who learns from what, saved and gone on with."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.torch_layers import NatureCNN
from stable_baselines3.common.type_aliases import RolloutBufferSamples
from stable_baselines3.common.vec_env import DummyVecEnv
from training import EAGER, are_equal, learn_in, make, same_optimizers, same_parameters
from training import learn as learn_plainly

from plastic_rl.runs import seed_everything
from plastic_rl.sb3 import PlasticityCallback, plastic
from plastic_rl.sb3.labelled_rollouts import LabelledRolloutBuffer, next_observations
from plastic_rl.sb3.local_ppo import LocalPPO
from plastic_rl.sb3.local_trunk import LocalTrunkPolicy
from plastic_rl.sb3.regularized_ppo import RegularizedPPO


class Saddle(gymnasium.Env):
    """Episodes of one step that pay the product of the two numbers seen: nothing for a linear critic."""

    observation_space = spaces.Box(-1, 1, (2,))
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return self.state, {}

    def step(self, action):
        return self.state, float(self.state.prod()), True, False, {}


def local(env="CartPole-v1", **of_policy):
    """A small LocalPPO; settings are those of its policy."""
    return make(LocalPPO, env=env, policy_kwargs={"net_arch": [16, 8], **of_policy})


def trunk(model):
    return [parameter.detach().clone() for parameter in model.policy.trainer.trunk.parameters()]


def same(first, second):
    return all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_what_followed_each_observation_by_hand():
    # Two environments for three steps; the second begins an episode with its last observation.
    observations = np.array([[[0.0], [10.0]], [[1.0], [11.0]], [[2.0], [20.0]]])
    starts = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 1.0]])
    followed = next_observations(observations, starts)[..., 0]
    assert followed.tolist() == [[1, 11], [2, 11], [2, 20]]  # at the end of an episode or of the rollout itself
    assert observations[..., 0].tolist() == [[0, 10], [1, 11], [2, 20]]


def test_a_listener_is_shown_every_minibatch_and_changes_nothing():
    heard = []

    def rollout(listener):
        buffer = LabelledRolloutBuffer(4, spaces.Box(0, 100, (1,)), spaces.Discrete(2), n_envs=2)
        buffer.listener = listener
        for step in range(4):
            observations = np.array([[step], [10 + step]], dtype=np.float32)
            ones = np.ones(2)
            buffer.add(observations, np.zeros((2, 1)), ones, ones * (step == 0), torch.zeros(2), torch.zeros(2))
        buffer.compute_returns_and_advantage(torch.zeros(2), np.zeros(2))
        np.random.seed(0)  # noqa: NPY002 -- what SB3's buffers draw from
        return [samples.observations.flatten().tolist() for _ in range(2) for samples in buffer.get(4)]

    given = rollout(lambda samples, following: heard.append((samples.observations, following)))
    assert given == rollout(None)
    assert [shown.flatten().tolist() for shown, _ in heard] == given
    for shown, following in heard:
        last = shown % 10 == 3
        assert torch.equal(following, torch.where(last, shown, shown + 1))


def test_the_loss_of_the_heads_never_reaches_the_trunk():
    policy = local().policy
    values, log_probability, entropy = policy.evaluate_actions(torch.rand(5, 4), torch.zeros(5))
    (values.sum() + log_probability.sum() + entropy.sum()).backward()
    reached = {name for name, parameter in policy.named_parameters() if parameter.grad is not None}
    assert reached == {"action_net.weight", "action_net.bias", "value_net.weight", "value_net.bias"}
    assert policy.action_net.in_features == 16 + 8  # both blocks are read


def test_the_trunk_takes_a_step_on_each_minibatch_and_ppo_takes_none_in_it():
    model = local()
    with_weight_decay = make(LocalPPO, policy_kwargs={"optimizer_kwargs": {"weight_decay": 0.5}})
    for each in (model, with_weight_decay):
        each.policy.trainer.update = lambda observations, targets: None
        before, head = trunk(each), each.policy.value_net.weight.clone()
        each.learn(64)
        assert same(before, trunk(each))
        assert not torch.equal(head, each.policy.value_net.weight)

    model = local()
    model.learn(64)  # two passes over two minibatches
    clocks = [state["step"].item() for each in model.policy.trainer.optimizers for state in each.state.values()]
    assert clocks == [4] * 4
    assert not any(parameter in model.policy.optimizer.state for parameter in model.policy.trainer.parameters())


@pytest.mark.parametrize(("is_frozen", "least", "most"), [(False, 0.5, 1.0), (True, -0.3, 0.1)])
def test_a_trunk_learns_what_a_linear_critic_cannot_see(is_frozen, least, most):
    """Returns are the product of two numbers; what the critic explains of them is what the trunk has learned."""
    policy_kwargs = {"net_arch": [8], "trunk_learning_rate": 0.01}
    model = make(LocalPPO, env=Saddle(), n_steps=256, learning_rate=0.01, policy_kwargs=policy_kwargs)
    if is_frozen:
        model.policy.trainer.update = lambda observations, targets: None
    last = learn_plainly(model, 14 * 256)[-1]
    assert least < last["train/explained_variance"] < most
    assert ("local/loss/0" in last) != is_frozen


def in_continuous_world(**of_policy):
    return local(SimpleBox(), **of_policy)


class SimpleBox(Saddle):
    action_space = spaces.Box(-1, 1, (3,))


# Columns: one number each; a class each, or a dimension each; a number of the observation each.
@pytest.mark.parametrize(
    ("targets", "discrete", "continuous"),
    [
        ("returns", 1, 1),
        ("advantages", 1, 1),
        ("actions", 2, 3),
        ("next_observations", 4, 2),
        ("returns+actions+next_observations", 1 + 2 + 4, 1 + 3 + 2),
    ],
)
def test_targets_are_what_they_are_called(targets, discrete, continuous):
    for model, width in ((local(targets=targets), discrete), (in_continuous_world(targets=targets), continuous)):
        assert model.policy.trainer.encoder.width == width
        model.learn(64)
        assert all(loss.isfinite() for loss in model.policy.trainer.losses)


def test_the_targets_are_those_of_the_minibatch():
    model, told = local(targets="returns+advantages+actions+next_observations"), {}
    model.policy.trainer.update = lambda observations, targets: told.update(targets, observations=observations)
    actions, rest = torch.tensor([[1.0], [0.0], [1.0]]), torch.zeros(3)
    samples = RolloutBufferSamples(torch.rand(3, 4), actions, rest, rest, torch.rand(3), torch.rand(3))
    following = torch.rand(3, 4)
    model.policy.learn_locally(samples, following)
    assert told["actions"].tolist() == [1, 0, 1]
    for name, expected in {
        "observations": samples.observations,
        "returns": samples.returns,
        "advantages": samples.advantages,
        "next_observations": following,
    }.items():
        assert torch.equal(told[name], expected)


ALGORITHMS = {
    "local": partial(plastic(LocalPPO), policy_kwargs={"net_arch": [8], "targets": "returns+actions"}),
    "regularised": partial(plastic(RegularizedPPO), policy_kwargs={"net_arch": [8]}, lambda_x=0.1, lambda_y=0.5),
}


@pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=ALGORITHMS)
def test_a_run_in_parts_is_the_run_in_one(algorithm, tmp_path: Path):
    def run(name: str, steps: int):
        seed_everything(0)
        env = DummyVecEnv([lambda: Monitor(gymnasium.make("CartPole-v1"))])
        model = algorithm("MlpPolicy", env, n_steps=64, batch_size=32, n_epochs=2, seed=0, device="cpu")
        return learn_in(tmp_path / name, model, steps)

    whole = run("whole", 256)
    run("parts", 128)
    parts = run("parts", 256)
    assert same_parameters_and_state(whole, parts)
    assert same_optimizers(whole, parts)


def same_parameters_and_state(first, second):
    return are_equal(dict(first.policy.state_dict()), dict(second.policy.state_dict()))


def test_a_saved_model_has_its_trunk_optimisers_and_goes_on(tmp_path: Path):
    model = local(targets="returns+next_observations")
    model.learn(128)
    model.save(tmp_path / "model.zip")
    again = LocalPPO.load(tmp_path / "model.zip", env=model.get_env(), device="cpu")
    assert same_parameters_and_state(model, again)
    before = trunk(again)
    again.learn(64)
    assert not same(before, trunk(again))
    model.policy.save(tmp_path / "policy.pt")
    assert LocalTrunkPolicy.load(tmp_path / "policy.pt").targets == "returns+next_observations"


def test_plain_ppo_opens_the_file_and_leaves_the_trunk_as_it_is(tmp_path: Path):
    model = local()
    model.learn(64)
    model.save(tmp_path / "model.zip")
    plain = PPO.load(tmp_path / "model.zip", env=model.get_env(), device="cpu")
    observation = np.ones(4, dtype=np.float32)
    assert torch.equal(
        plain.policy.get_distribution(torch.as_tensor(observation)[None]).distribution.logits,
        model.policy.get_distribution(torch.as_tensor(observation)[None]).distribution.logits,
    )
    before = trunk(plain)
    plain.learn(64)
    assert same(before, trunk(plain))


REFUSED = [
    (lambda: local(targets="rewards"), r"targets must be some of .* joined by \+; got 'rewards'"),
    (lambda: local(targets="returns+returns"), "got 'returns\\+returns'"),
    (lambda: local(estimator="nothing"), "estimator must be one of"),
    (lambda: local(net_arch={"pi": [4], "vf": [4]}), "actor and critic share the trunk"),
    (lambda: local(Pictures(), features_extractor_class=NatureCNN), "NatureCNN has weights"),
    (lambda: local(Switches(), targets="actions"), "actions can be targets if they are Discrete or Box"),
    (lambda: LabelledRolloutBuffer(4, DICTIONARY, spaces.Discrete(2)), "that are dictionaries are not supported"),
    (lambda: make(plastic(LocalPPO), plasticity=EAGER), "cannot be replaced through the policy's optimiser"),
    (lambda: make(LocalPPO, rollout_buffer_class=None), "got LocalTrunkPolicy and RolloutBuffer"),
    (lambda: make(RegularizedPPO, lambda_x=-1.0), "weights of 0 or more"),
    (lambda: make(RegularizedPPO, rollout_buffer_class=None), "got MlpExtractor and RolloutBuffer"),
    (lambda: make(RegularizedPPO, policy=LocalTrunkPolicy), "got LocalTrunk and LabelledRolloutBuffer"),
    (lambda: make(RegularizedPPO, policy_kwargs={"net_arch": []}), "one layer or more"),
]


class Pictures(Saddle):
    observation_space = spaces.Box(0, 255, (3, 36, 36), dtype=np.uint8)


class Switches(Saddle):
    action_space = spaces.MultiBinary(2)


DICTIONARY = spaces.Dict({"a": spaces.Box(-1, 1, (2,))})


@pytest.mark.parametrize(("build", "message"), REFUSED, ids=[message[:24] for _, message in REFUSED])
def test_what_makes_no_sense_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def learned(algorithm, steps, **settings):
    """A model and what it logged; SB3 draws from global generators, so that one must be done before the next begins."""
    model = make(algorithm, **settings)
    return model, learn_plainly(model, steps)


def test_a_regulariser_of_no_weight_is_plain_ppo_bit_for_bit():
    plain, first = learned(PPO, 192)
    off, second = learned(RegularizedPPO, 192)
    assert first == second
    assert same_parameters(plain, off)
    assert same_optimizers(plain, off)


@pytest.mark.parametrize("weights", [{"lambda_x": 0.5}, {"lambda_y": 0.5}])
def test_a_regulariser_moves_actor_and_critic_and_is_recorded(weights):
    plain, _ = learned(PPO, 128)
    on, lines = learned(RegularizedPPO, 128, **weights)
    assert "hsic/regulariser" in lines[-1]
    for name in ("policy_net", "value_net"):
        networks = [getattr(model.policy.mlp_extractor, name)[0].weight for model in (plain, on)]
        assert not torch.equal(*networks)


def test_the_returns_that_it_is_told_are_standardised():
    model = make(RegularizedPPO, lambda_y=1.0)
    rest = torch.zeros(2)
    model._label(RolloutBufferSamples(rest, rest, rest, rest, rest, torch.tensor([1.0, 3.0])), rest)
    assert [each.targets.flatten().tolist() for each in model.regularizers] == [pytest.approx([-1.0, 1.0])] * 2


def test_a_regularised_model_is_still_one_when_it_is_loaded(tmp_path: Path):
    model = make(RegularizedPPO, lambda_x=0.5, lambda_y=0.25)
    model.learn(64)
    model.save(tmp_path / "model.zip")
    again = RegularizedPPO.load(tmp_path / "model.zip", env=model.get_env(), device="cpu")
    assert [(each.lambda_x, each.lambda_y) for each in again.regularizers] == [(0.5, 0.25)] * 2
    assert "hsic/regulariser" in learn_plainly(again, 128)[-1]
    assert same_parameters(PPO.load(tmp_path / "model.zip", device="cpu"), model)


def test_a_zip_of_earlier_days_goes_on_learning():
    """Saved when encoders and moments had no origins (tests/fixtures/README.md)."""
    path = Path(__file__).parents[1] / "fixtures" / "local_trunk.zip"
    model = LocalPPO.load(path, env=gymnasium.make("CartPole-v1"), device="cpu")
    trainer = model.policy.trainer
    assert trainer.encoder.encoders["returns"].fading.weight == pytest.approx(64, rel=1e-3)
    assert trainer.objectives[0].moments.products.diagonal().min() > 0
    model.learn(64)
    assert trainer.encoder.encoders["returns"].fading.weight > 100


def test_the_log_names_layers_as_in_a_policy_with_one_optimiser():
    """The optimisers of the trunk's blocks have no layers of their own to report on."""
    names = {
        name for line in learn_plainly(local(), 64, callback=PlasticityCallback(verbose=0, every=16)) for name in line
    }
    assert {name for name in names if name.startswith("rank/effective")} >= {"rank/effective"}
    assert not {name for name in names if "optimizer" in name}
