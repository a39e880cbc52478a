"""Networks of every architecture that people train, each small enough to be taken apart in a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import torch
from gymnasium import spaces
from sb3_contrib import QRDQN, RecurrentPPO
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3 import DQN, PPO, SAC, TD3
from torch import Tensor, nn
from torch.nn import functional

from plastic_rl.networks import ConvNet, ResNet18
from plastic_rl.sb3 import mlp_policy as halved
from plastic_rl.sb3 import trunk

Entry = tuple[nn.Module, tuple[Any, ...]]


class Box(gymnasium.Env):
    """An environment that only has spaces."""

    def __init__(self, observations: spaces.Space, actions: spaces.Space) -> None:
        self.observation_space, self.action_space = observations, actions

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        return self.observation_space.sample(), {}


VECTOR = spaces.Box(-1, 1, (4,))
IMAGE = spaces.Box(0, 255, (1, 36, 36), dtype="uint8")
DICTIONARY = spaces.Dict({"image": IMAGE, "vector": VECTOR})
CONTINUOUS = spaces.Box(-1, 1, (2,))
DISCRETE = spaces.Discrete(3)
SMALL: dict[str, Any] = {"net_arch": [8, 6]}
SMALL_CNN: dict[str, Any] = {"net_arch": [8], "features_extractor_kwargs": {"features_dim": 8}}


def mlp_policy() -> Entry:
    return PPO("MlpPolicy", Box(VECTOR, CONTINUOUS), policy_kwargs={**SMALL}).policy, (torch.ones(2, 4),)


def cnn_policy(*, shared: bool) -> Entry:
    settings = {**SMALL_CNN, "share_features_extractor": shared}
    return PPO("CnnPolicy", Box(IMAGE, DISCRETE), policy_kwargs=settings).policy, (torch.full((1, 1, 36, 36), 99.0),)


def with_activation(algorithm: Any, part: str, activation: str) -> Entry:
    """Part of a policy whose hidden layers have another non-linearity, which may give two numbers for each unit."""
    spaces_ = Box(VECTOR, DISCRETE if algorithm is DQN else CONTINUOUS)
    settings: dict[str, Any] = {"policy_kwargs": {**SMALL, **trunk(activation=activation)}}
    model = algorithm(halved(algorithm), spaces_, **settings, **({} if algorithm is PPO else {"buffer_size": 9}))
    example = (torch.ones(2, 4), torch.ones(2, 2)) if part == "critic" else (torch.ones(2, 4),)
    return getattr(model, part), example


def multi_input_policy() -> Entry:
    settings = {"net_arch": [8], "features_extractor_kwargs": {"cnn_output_dim": 8}}
    policy = PPO("MultiInputPolicy", Box(DICTIONARY, DISCRETE), policy_kwargs=settings).policy
    return policy, ({"image": torch.full((1, 1, 36, 36), 99.0), "vector": torch.ones(1, 4)},)


def sac_actor() -> Entry:
    return SAC("MlpPolicy", Box(VECTOR, CONTINUOUS), policy_kwargs={**SMALL}).actor, (torch.ones(2, 4),)


def sac_critic() -> Entry:
    critic = SAC("MlpPolicy", Box(VECTOR, CONTINUOUS), policy_kwargs={**SMALL}).critic
    return critic, (torch.ones(2, 4), torch.ones(2, 2))


def td3_actor() -> Entry:
    return TD3("MlpPolicy", Box(VECTOR, CONTINUOUS), policy_kwargs={**SMALL}).actor, (torch.ones(2, 4),)


def dqn() -> Entry:
    return DQN("MlpPolicy", Box(VECTOR, DISCRETE), buffer_size=9, policy_kwargs={**SMALL}).q_net, (torch.ones(2, 4),)


def quantile_dqn() -> Entry:
    model = QRDQN("MlpPolicy", Box(VECTOR, DISCRETE), buffer_size=9, policy_kwargs={**SMALL})
    return model.quantile_net, (torch.ones(2, 4),)


def recurrent_policy() -> Entry:
    settings = {"net_arch": [6], "lstm_hidden_size": 5}
    policy = RecurrentPPO("MlpLstmPolicy", Box(VECTOR, CONTINUOUS), policy_kwargs=settings).policy
    states = tuple(torch.ones(1, 2, 5) for _ in range(2))
    return policy, (torch.ones(6, 4), RNNStates(states, states), torch.tensor([1.0, 0, 0, 1, 0, 0]))


class Recurrent(nn.Module):
    """Reads its recurrent layer's last hidden state, as classifiers of sequences do."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.embed, self.recurrent, self.out = nn.Linear(3, 6), kind(6, 5, batch_first=True), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        _, state = self.recurrent(torch.relu(self.embed(x)))
        return self.out((state[0] if isinstance(state, tuple) else state)[-1])


class Residual(nn.Module):
    """A stream that two layers add to and three layers read."""

    def __init__(self) -> None:
        super().__init__()
        self.inward, self.out = nn.Linear(4, 6), nn.Linear(6, 2)
        self.down, self.up = nn.ModuleList(nn.Linear(6, 3) for _ in "ab"), nn.ModuleList(nn.Linear(3, 6) for _ in "ab")

    def forward(self, x: Tensor) -> Tensor:
        stream = self.inward(x)
        for down, up in zip(self.down, self.up, strict=True):
            stream = stream + up(torch.relu(down(stream)))
        return self.out(stream)


class Concatenation(nn.Module):
    """Two branches and the input itself side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.out = nn.Linear(4, 3), nn.Linear(4, 2), nn.Linear(9, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.cat([torch.relu(self.left(x)), x, torch.tanh(self.right(x))], 1))


class CReLU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.relu(), (-x).relu()], 1)


class Tied(nn.Module):
    """Two branches with one weight, as twins have."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.first, self.second = (
            *(nn.Linear(4, 3), nn.Linear(4, 3)),
            *(nn.Linear(3, 1), nn.Linear(3, 1)),
        )
        self.right.weight = self.left.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.first(torch.relu(self.left(x))) + self.second(torch.tanh(self.right(x)))


class Twin(nn.Module):
    """One encoder that sees two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.out = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)), nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.encoder(x) - self.encoder(x.flip(1))))


class Gated(nn.Module):
    """A gated multilayer perceptron (SwiGLU), gate and value from one layer or from two."""

    def __init__(self, *, fused: bool) -> None:
        super().__init__()
        self.fused = nn.Linear(4, 10, bias=False) if fused else None
        self.gate, self.up = (None, None) if fused else (nn.Linear(4, 5, bias=False), nn.Linear(4, 5, bias=False))
        self.out = nn.Linear(5, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.fused(x).chunk(2, -1) if self.fused else (self.gate(x), self.up(x))
        return self.out(functional.silu(gate) * up)


class SqueezeExcitation(nn.Module):
    """Channels weighed by what a small network makes of their means."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.down, self.up, self.out = (
            *(nn.Conv2d(1, 6, 3), nn.Linear(6, 2)),
            *(nn.Linear(2, 6), nn.Conv2d(6, 2, 3)),
        )

    def forward(self, x: Tensor) -> Tensor:
        channels = self.conv(x)
        weight = torch.sigmoid(self.up(torch.relu(self.down(channels.mean((2, 3))))))
        return self.out(channels * weight[:, :, None, None])


class Attention(nn.Module):
    """Attention with queries, keys and values from one layer, as in timm, or from three."""

    def __init__(self, width: int, heads: int, *, fused: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width) if fused else None
        self.parts = nn.ModuleList() if fused else nn.ModuleList(nn.Linear(width, width) for _ in "qkv")
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(x).chunk(3, -1) if self.qkv else [part(x) for part in self.parts]
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).flatten(2))


class VisionTransformer(nn.Module):
    """A small ViT whose blocks norm what they read (pre-norm)."""

    def __init__(self, *, fused: bool, width: int = 8) -> None:
        super().__init__()
        self.patch = nn.Conv2d(1, width, 4, stride=4)
        self.place = nn.Parameter(torch.randn(1, 4, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.attention = Attention(width, 2, fused=fused)
        self.mlp = nn.Sequential(nn.Linear(width, 12), nn.GELU(), nn.Linear(12, width))
        self.head = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        stream = self.patch(x).flatten(2).transpose(1, 2) + self.place
        stream = stream + self.attention(self.norms[0](stream))
        stream = stream + self.mlp(self.norms[1](stream))
        return self.head(self.norms[2](stream).mean(1))


class Encoder(nn.Module):
    """torch's own transformer encoder."""

    def __init__(self, *, norm_first: bool) -> None:
        super().__init__()
        self.embed, self.head = nn.Linear(3, 8), nn.Linear(8, 2)
        layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=12, batch_first=True, norm_first=norm_first)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.embed(x)).mean(1))


def grouped() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 12, 3, groups=4), nn.ReLU()),
        *(nn.Conv2d(12, 12, 3, groups=12), nn.BatchNorm2d(12), nn.ReLU(), nn.Conv2d(12, 4, 1)),
        *(nn.ReLU(), nn.Flatten(), nn.Linear(64, 2)),
    )


def transposed() -> nn.Module:
    return nn.Sequential(
        *(nn.Linear(4, 2 * 9), nn.ReLU(), nn.Unflatten(1, (2, 3, 3))),
        *(nn.ConvTranspose2d(2, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.ConvTranspose2d(5, 1, 3, bias=False)),
    )


def sequence() -> nn.Module:
    return nn.Sequential(nn.Conv1d(2, 4, 3), nn.PReLU(4), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(12, 2))


ZOO: dict[str, Callable[[], Entry]] = {
    "ppo mlp": mlp_policy,
    "ppo cnn, shared": lambda: cnn_policy(shared=True),
    "ppo cnn, separate": lambda: cnn_policy(shared=False),
    "ppo multi-input": multi_input_policy,
    "sac actor": sac_actor,
    "sac critics": sac_critic,
    "td3 actor": td3_actor,
    "dqn": dqn,
    "qr-dqn": quantile_dqn,
    "recurrent ppo": recurrent_policy,
    "ppo, crelu": lambda: with_activation(PPO, "policy", "crelu"),
    "sac critics, fourier": lambda: with_activation(SAC, "critic", "fourier"),
    "td3 actor, rational": lambda: with_activation(TD3, "actor", "rational"),
    "dqn, aid": lambda: with_activation(DQN, "q_net", "aid"),
    "sac actor, smooth-leaky": lambda: with_activation(SAC, "actor", "smooth_leaky_relu"),
    "convnet": lambda: (ConvNet(), (torch.ones(1, 3, 32, 32),)),
    "resnet-18": lambda: (ResNet18(10, width=8), (torch.randn(2, 3, 16, 16),)),
    "vit": lambda: (VisionTransformer(fused=False), (torch.randn(2, 1, 8, 8),)),
    "vit, fused qkv": lambda: (VisionTransformer(fused=True), (torch.randn(2, 1, 8, 8),)),
    "transformer encoder, pre-norm": lambda: (Encoder(norm_first=True), (torch.randn(2, 4, 3),)),
    "transformer encoder, post-norm": lambda: (Encoder(norm_first=False), (torch.randn(2, 4, 3),)),
    "lstm": lambda: (Recurrent(nn.LSTM), (torch.randn(2, 4, 3),)),
    "gru": lambda: (Recurrent(nn.GRU), (torch.randn(2, 4, 3),)),
    "rnn": lambda: (Recurrent(nn.RNN), (torch.randn(2, 4, 3),)),
    "residual": lambda: (Residual(), (torch.ones(2, 4),)),
    "concatenation": lambda: (Concatenation(), (torch.ones(2, 4),)),
    "crelu": lambda: (nn.Sequential(nn.Linear(4, 3), CReLU(), nn.Linear(6, 2)), (torch.ones(2, 4),)),
    "tied": lambda: (Tied(), (torch.ones(2, 4),)),
    "twin": lambda: (Twin(), (torch.randn(2, 4),)),
    "gated": lambda: (Gated(fused=False), (torch.ones(2, 4),)),
    "gated, fused": lambda: (Gated(fused=True), (torch.ones(2, 4),)),
    "squeeze and excitation": lambda: (SqueezeExcitation(), (torch.randn(2, 1, 8, 8),)),
    "grouped and depthwise": lambda: (grouped(), (torch.randn(2, 1, 10, 10),)),
    "transposed": lambda: (transposed(), (torch.randn(2, 4),)),
    "one-dimensional": lambda: (sequence(), (torch.randn(2, 2, 8),)),
}
