"""The pace of PPO: Stable-Baselines3's own beside `plastic(PPO)` at the same settings, and where their time goes.

    python -m benchmarks.ppo            every workload, about a quarter of an hour of one core
    python -m benchmarks.ppo --quick    two blocks of each, about three minutes
    python -m benchmarks.ppo Ant        the workloads whose name starts so

Blocks of a few rollouts, each with its update, alternate in one process and on one thread; a pace is the median over
blocks of environment steps per second of the processor (`time.process_time`), so that a neighbour's load counts little.
The parts are taken apart in further blocks, which have clocks in them and are not counted for the pace: physics (the
simulator), wrappers (everything else around `env.step`), inference, buffer, advantages, update, callbacks, in
microseconds for each environment step.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import CallbackList, EveryNTimesteps
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from benchmarks.tables import command_line, is_asked_for, save, show, with_workloads
from plastic_rl.nonstationary.classic_control import batched_classic
from plastic_rl.optim import ChurnReduction, Plasticity
from plastic_rl.sb3 import plastic, trunk
from plastic_rl.sb3.lean import networks, rollout
from plastic_rl.sb3.lean.stepping import CopiesAtOnce, CopiesInTurn

ANT = "plastic_rl.nonstationary:plastic_rl/SlipperyAnt-v0"
NOISY = "plastic_rl.nonstationary:plastic_rl/NoisyCartPole-v0"
PARTS = ("physics", "wrappers", "inference", "buffer", "advantages", "callbacks", "update")
LEARNERS = ("SB3", "exact", "quick")


@dataclass(frozen=True)
class Workload:
    """PPO somewhere, with some settings.

    Args:
        name: of the workload.
        env: the id of the world.
        copies: of it.
        layers: the widths of both networks' hidden layers.
        settings: of PPO; ``rollout`` is of all copies together.
        rollouts: of a block.
        between: what stands between two linear layers.
        method: around the optimiser; Stable-Baselines3's own loop drives it by ``lean="off"``.
    """

    name: str
    env: str
    copies: int
    layers: tuple[int, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    rollout: int = 2048
    rollouts: int = 1
    between: Callable[[], torch.nn.Module] = torch.nn.ReLU
    method: Plasticity | None = None

    @property
    def steps(self) -> int:
        """Environment steps of a block."""
        return self.rollout * self.rollouts

    def learner(self, kind: str) -> PPO:
        """The model of one of `LEARNERS`."""
        venv = DummyVecEnv([lambda: Monitor(gymnasium.make(self.env, copies=self.copies))] * self.copies)
        kept: dict[str, Any] = {"n_steps": self.rollout // self.copies, "seed": 0, "device": "cpu"}
        kept |= {"policy_kwargs": self.policy(), **self.settings}
        if kind == "SB3" and self.method is None:
            return PPO("MlpPolicy", venv, **kept)
        make: Any = plastic(PPO)
        return make("MlpPolicy", venv, lean="off" if kind == "SB3" else kind, plasticity=self.method, **kept)

    def policy(self) -> dict[str, Any]:
        """The policy's settings."""
        return {"net_arch": list(self.layers), "activation_fn": self.between, "optimizer_kwargs": {"eps": 1e-8}}


LAYER_NORM = trunk(normalization="layer")["activation_fn"]
OF_ANT = {"batch_size": 128, "n_epochs": 10, "learning_rate": 1e-4, "vf_coef": 1.0, "max_grad_norm": 1e9}
OF_CARTPOLE = {**OF_ANT, "learning_rate": 1e-3}
ALIGNED = {"batch_size": 32, "n_epochs": 5, "learning_rate": 1e-3, "ent_coef": 0.01, "max_grad_norm": 1e9}
WORKLOADS = [
    Workload("Ant, 1 copy", ANT, 1, (256, 256), OF_ANT),
    Workload("Ant, 8 copies", ANT, 8, (256, 256), OF_ANT),
    Workload("Ant, 16 copies", ANT, 16, (256, 256), OF_ANT),
    Workload("CartPole, 8 copies", NOISY, 8, (64, 64), OF_CARTPOLE, rollout=1024, rollouts=3),
    Workload("aligned control, 1 copy", NOISY, 1, (256, 256, 256), ALIGNED, rollout=800, rollouts=2),
    Workload("layer norm, CartPole, 8 copies", NOISY, 8, (64, 64), OF_CARTPOLE, 1024, 3, LAYER_NORM),
    Workload("layer norm, aligned control, 1 copy", NOISY, 1, (256, 256, 256), ALIGNED, 800, 2, LAYER_NORM),
    Workload("churn reduction, CartPole, 8 copies", NOISY, 8, (64, 64), OF_CARTPOLE, 1024, 3, method=ChurnReduction),
    Workload(
        "churn reduction, aligned control, 1 copy", NOISY, 1, (256, 256, 256), ALIGNED, 800, method=ChurnReduction
    ),
]


def quiet() -> CallbackList:
    """Callbacks of Stable-Baselines3 that do nothing, as those of a run do at most steps."""
    return CallbackList([EveryNTimesteps(10**12, CallbackList([]))])


def block(model: PPO, workload: Workload) -> float:
    """The processor's seconds of a block."""
    began = time.process_time()
    model.learn(workload.steps, callback=quiet(), reset_num_timesteps=False)
    return time.process_time() - began


@contextmanager
def clocks(model: Any, times: dict[str, float]) -> Iterator[None]:
    """Has the parts of a model's loop take their own time."""
    is_lean, envs = getattr(model, "lean", "off") != "off", [env.unwrapped for env in model.get_env().envs]
    batch = batched_classic(envs) if is_lean else None
    places: list[tuple[Any, str, str]] = [(each, "step", "physics") for each in ([type(batch)] if batch else envs)]
    # A clock in a vector environment would lead the lean loop to step it as Stable-Baselines3 does.
    places += [(each, "step", "environment") for each in ((CopiesInTurn, CopiesAtOnce) if is_lean else (model.env,))]
    places += [(type(model), "train", "update")]
    places += [(CallbackList, name, "callbacks") for name in ("on_step", "update_locals")]
    if is_lean:
        places += [(networks.Networks, name, "inference") for name in ("act", "values")]
        places += [(rollout.Rollout, "_keep", "buffer"), (rollout, "estimate_advantages", "advantages")]
    else:
        places += [(model.policy, name, "inference") for name in ("forward", "predict_values")]
        buffer = model.rollout_buffer
        places += [(buffer, "add", "buffer"), (buffer, "compute_returns_and_advantage", "advantages")]
    with ExitStack() as stack:
        for place in places:
            stack.enter_context(timed(*place, times))
        yield


@contextmanager
def timed(owner: Any, name: str, part: str, times: dict[str, float]) -> Iterator[None]:
    """Takes the time of a function, or of a method, for a ``with`` statement."""
    is_own, function = name in vars(owner), getattr(owner, name)

    def clocked(*args: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            return function(*args, **named)
        finally:
            times[part] += time.process_time() - began

    setattr(owner, name, clocked)
    try:
        yield
    finally:
        if is_own:
            setattr(owner, name, function)
        else:
            delattr(owner, name)


def parts_of(model: PPO, workload: Workload, blocks: int) -> dict[str, float]:
    """Microseconds for each environment step, by part."""
    times: dict[str, float] = defaultdict(float)
    with clocks(model, times):
        for _ in range(blocks):
            block(model, workload)
    times["wrappers"] = times.pop("environment") - times["physics"]
    return {part: times[part] * 1e6 / (blocks * workload.steps) for part in PARTS}


def measure(workload: Workload, quick: bool) -> list[dict[str, str]]:
    """The table's lines of one workload."""
    models = {kind: workload.learner(kind) for kind in LEARNERS}
    paces: dict[str, list[float]] = {kind: [] for kind in LEARNERS}
    for model in models.values():
        block(model, workload)  # warm
    for _ in range(2 if quick else 7):
        for kind, model in models.items():
            paces[kind].append(workload.steps / block(model, workload))
    return [row(workload, kind, paces, parts_of(models[kind], workload, 1 if quick else 2)) for kind in LEARNERS]


def row(workload: Workload, kind: str, paces: dict[str, list[float]], parts: dict[str, float]) -> dict[str, str]:
    """A line of the table."""
    ratios = [ours / its for ours, its in zip(paces[kind], paces["SB3"], strict=True)]
    return {
        "workload": workload.name,
        "loop": kind,
        "steps/s": f"{statistics.median(paces[kind]):.0f}",
        "over SB3": f"{statistics.median(ratios):.2f}",
        **{f"{part}, us": f"{parts[part]:.1f}" for part in PARTS},
    }


def main() -> None:
    """Measures, prints a table and writes it down."""
    options = with_workloads(command_line("ppo_cpu", quick="two blocks of each")).parse_args()
    torch.set_num_threads(1)
    table: list[dict[str, str]] = []
    for workload in WORKLOADS:
        if is_asked_for(workload.name, options):
            print(f"measuring {workload.name}", flush=True)
            table += measure(workload, options.quick)
    print(show(table))
    save(table, options)


if __name__ == "__main__":
    main()
