"""The published settings of each learner on each stream and in each world, where they differ from the recipe's own.

Dohare et al., Nature 632 (2024), Methods, and the configuration files of their code (`lop/*/cfg`). Where the paper
tried several values, the one it plots. Pairs that no paper ran have the values of the nearest pair that it did, and say
so.
"""

from __future__ import annotations

from collections.abc import Mapping

Settings = Mapping[str, object]

# Continual ImageNet: SGD with momentum; every method its own best step size.
_IMAGENET: Mapping[str, Settings] = {
    "sgd": {"learning_rate": 0.01, "momentum": 0.9},
    "linear": {"learning_rate": 0.001, "momentum": 0.9},
    "sgd_l2": {"learning_rate": 0.03, "momentum": 0.9, "weight_decay": 3e-6},
    "sgd_shrink_perturb": {"learning_rate": 0.01, "momentum": 0.9, "weight_decay": 1e-5, "noise_std": 1e-5},
    "sgd_cbp": {"learning_rate": 0.01, "momentum": 0.9, "replacement_rate": 3e-4, "maturity_threshold": 100},
    "sgd_fresh": {"learning_rate": 0.01, "momentum": 0.9},  # the paper's fresh network of task 1
    "sgd_head_reset": {"learning_rate": 0.01, "momentum": 0.9},  # not run: the protocol zeroes the head
}

# Class-incremental CIFAR-100: one step size and weight decay for all.
_RESNET: Settings = {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 5e-4}
_CIFAR: Mapping[str, Settings] = {
    "sgd": _RESNET,
    "linear": {"learning_rate": 0.01, "momentum": 0.9, "weight_decay": 5e-4},  # not run; 0.1 diverges
    "sgd_l2": _RESNET,  # the same as sgd: the paper's base algorithm has weight decay
    "sgd_shrink_perturb": {**_RESNET, "noise_std": 1e-5},
    "sgd_head_reset": _RESNET,
    "sgd_fresh": _RESNET,
    "sgd_cbp": {
        **_RESNET,
        "replacement_rate": 1e-5,
        "maturity_threshold": 1000,
        "utility": "contribution",
        "mode": "lazy",  # weights are read when a unit falls due, as in the paper's code for the ResNet
    },
}

# The HSIC bottleneck on streams: ours (docs/hsic_bottleneck.md). These come an example at a time, which layer
# normalisation takes; in larger minibatches batch normalisation is as good.
_LOCAL: Settings = {"normalization": "layer", "hidden_units": 100}
_LOCAL_STREAM: Mapping[str, Settings] = {"hsic": _LOCAL, "hsic_cbp": _LOCAL}

# Online Permuted MNIST: plain SGD; all mitigating methods with step size 0.003.
_MNIST: Mapping[str, Settings] = {
    "sgd": {"learning_rate": 0.003},
    "linear": {"learning_rate": 0.003},
    "sgd_l2": {"learning_rate": 0.003, "weight_decay": 1e-4},
    "sgd_shrink_perturb": {"learning_rate": 0.003, "weight_decay": 1e-4, "noise_std": 1e-5},
    "sgd_head_reset": {"learning_rate": 0.003},
    "sgd_fresh": {"learning_rate": 0.003},
    "sgd_cbp": {"learning_rate": 0.003, "replacement_rate": 1e-6, "maturity_threshold": 100},
    "adam": {"learning_rate": 1e-4},
    "adam_fresh": {"learning_rate": 1e-4},
    "adam_cbp": {"learning_rate": 1e-4, "replacement_rate": 1e-6, "maturity_threshold": 100},
    **_LOCAL_STREAM,
}

# Slowly-changing regression: the step size whose loss of plasticity the paper shows first, 0.01; rates of replacement
# from its grid, the best of our pilot (docs/streams.md).
_BITS: Mapping[str, Settings] = {
    "sgd": {"learning_rate": 0.01},
    "linear": {"learning_rate": 0.01},
    "sgd_l2": {"learning_rate": 0.01, "weight_decay": 1e-3},
    "sgd_shrink_perturb": {"learning_rate": 0.01, "weight_decay": 1e-2, "noise_std": 1e-3},
    "sgd_head_reset": {"learning_rate": 0.01},
    "sgd_fresh": {"learning_rate": 0.01},
    "sgd_cbp": {"learning_rate": 0.01, "replacement_rate": 1e-4, "maturity_threshold": 100},
    "adam": {"learning_rate": 0.01},
    "adam_fresh": {"learning_rate": 0.01},
    "adam_cbp": {"learning_rate": 0.003, "replacement_rate": 1e-4, "maturity_threshold": 100},
    "hsic": {"normalization": "layer"},
    "hsic_cbp": {"normalization": "layer"},
}

# Not of a paper: digits are small, so that a higher rate makes up for the few updates.
_DIGITS: Mapping[str, Settings] = {
    "sgd_cbp": {"replacement_rate": 1e-4},
    "adam_cbp": {"replacement_rate": 1e-4},
    **_LOCAL_STREAM,
}


def _bottleneck(beta: float) -> Mapping[str, Settings]:
    """Ma et al. (AAAI 2020), "unformatted training", for images at once: `config` and `scripts` of their code."""
    paper = {"estimator": "normalized_hsic", "beta": beta, "sigma": 6.0, "optimizer": "sgd", "learning_rate": 1e-3}
    return {
        "hsic": {**paper, "readout": "assignment"},
        "hsic_cbp": {**paper, "readout": "softmax"},  # not run; units that stand for classes cannot be replaced
    }


# CIFAR-100 Superclass: λ1 of `cifar100_sup_apd_bash.py`; all else, and CIFAR-100 Split, as in the recipe.
_SUPERCLASS: Mapping[str, Settings] = {"apd_reference": {"sparsity": 6e-4}}

# Classic control: RL Baselines3 Zoo's (dqn.yml, qrdqn.yml, sac.yml, td3.yml, tqc.yml, crossq.yml, a2c.yml, ppo_lstm.yml
# of DLR-RM/rl-baselines3-zoo), tuned there on worlds that do not change. Not taken: state-dependent exploration, layers
# of 400 and 300 units, learning rates that fall to zero within a run, and updates by the episode. Acrobot and
# LunarLander have the values of DQN's recipe.
_CARTPOLE_Q: Settings = {
    "learning_rate": 2.3e-3,
    "minibatch_size": 64,
    "replay_size": 100_000,
    "target_every": 10,
    "update_every": 256,
    "replay_ratio": 0.5,  # 128 updates every 256 steps
    "exploration_fraction": 0.16,
    "exploration_last": 0.04,
}
_CARTPOLE: Mapping[str, Settings] = {
    "dqn": _CARTPOLE_Q,
    "qrdqn": {**_CARTPOLE_Q, "quantiles": 10},
    "recurrent_ppo": {
        "learning_rate": 1e-3,
        "rollout_steps": 256,  # 32 of each of 8 copies
        "minibatch_size": 256,
        "epochs": 20,
        "discount": 0.98,
        "gae_lambda": 0.8,
    },
}
_PENDULUM: Mapping[str, Settings] = {
    "sac": {"learning_rate": 1e-3, "learning_starts": 100},
    "td3": {"learning_rate": 1e-3, "discount": 0.98, "replay_size": 200_000},
    "tqc": {"learning_rate": 1e-3, "learning_starts": 100},
    "crossq": {"learning_starts": 100, "policy_delay": 2, "critic_units": 256},
    "recurrent_ppo": {"learning_rate": 1e-3, "discount": 0.9, "rollout_steps": 4096},  # 1,024 of each of 4 copies there
}
_MOUNTAIN_CAR_Q: Settings = {
    "learning_rate": 4e-3,
    "replay_size": 10_000,
    "discount": 0.98,
    "target_every": 600,
    "update_every": 16,
    "replay_ratio": 0.5,
    "exploration_fraction": 0.2,
    "exploration_last": 0.07,
}
_MOUNTAIN_CAR: Mapping[str, Settings] = {"dqn": _MOUNTAIN_CAR_Q, "qrdqn": _MOUNTAIN_CAR_Q}

PUBLISHED: Mapping[str, Mapping[str, Settings]] = {
    "permuted-cartpole": _CARTPOLE,
    "shifting-cartpole": _CARTPOLE,
    "noisy-cartpole": _CARTPOLE,
    "noisy-mountaincar": _MOUNTAIN_CAR,
    "permuted-pendulum": _PENDULUM,
    "continual-imagenet": _IMAGENET,
    "tiny-continual-imagenet": _IMAGENET,
    "incremental-cifar100": _CIFAR,
    "permuted-mnist": _MNIST,
    "label-permuted-mnist": _MNIST,
    "random-label-mnist": _MNIST,
    "permuted-digits": _DIGITS,
    "label-permuted-digits": _DIGITS,
    "random-label-digits": _DIGITS,
    "bit-flipping": _BITS,
    "superclass-cifar100": _SUPERCLASS,
    "mnist": _bottleneck(200.0),
    "fashion-mnist": _bottleneck(1000.0),
    "cifar10": _bottleneck(2500.0),
    "coarse-cifar100": _bottleneck(2500.0),  # not run; as CIFAR-10
}
"""By stream or world, then by learner."""


def published(agent: str, env: str, base: str = "") -> Settings:
    """Return what a paper set for a learner in a world or on a stream; empty where it said nothing.

    Args:
        agent: The learner.
        env: The world or stream.
        base: What the learner is without its methods; what was said of that goes for it where nothing else was said.
    """
    of_stream = PUBLISHED.get(env, {})
    return of_stream.get(agent, of_stream.get(base, {}))
