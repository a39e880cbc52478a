"""One rollout: `OnPolicyAlgorithm.collect_rollouts`, without distribution objects and with fewer copies."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback, ConvertCallback
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from plastic_rl.sb3.lean.advantages import estimate_advantages
from plastic_rl.sb3.lean.networks import Networks
from plastic_rl.sb3.lean.stepping import step_of
from plastic_rl.sb3.untold_methods import callbacks_in

# Where callbacks come from of which it is known that they do not look at values.
KNOWN = ("stable_baselines3", "plastic_rl")


class Rollout:
    """The collection of one rollout.

    Callbacks find in their ``locals`` what SB3's loop shows them. Where numbers may be SB3's to rounding, and all
    callbacks are SB3's or of this library, none of which looks at values, the critic is asked once, at the end, and not
    step by step.

    Args:
        model: a PPO that `why_not` has found nothing against.
        env: its environment.
        callback: told of each step.
        buffer: to be filled.
        steps: of each copy.
        is_exact: in the arithmetic of SB3's own loop, bit for bit.
    """

    def __init__(
        self, model: Any, env: VecEnv, callback: BaseCallback, buffer: RolloutBuffer, steps: int, *, is_exact: bool
    ) -> None:
        self.model, self.env, self.callback, self.buffer, self.steps = model, env, callback, buffer, steps
        self.networks = Networks(model.policy, env.num_envs, is_exact=is_exact)
        space = model.action_space
        self.step_env = step_of(env)
        self.bounds = (space.low, space.high) if isinstance(space, spaces.Box) else None
        self.shape = (-1, *space.shape)
        self.fixed = {"self": model, "env": env, "callback": callback, "rollout_buffer": buffer}
        self.fixed["n_rollout_steps"] = steps
        self.seen: dict[str, Any] = {}  # what the last step has shown the callback
        self.judges = is_exact or not all(map(is_known, callbacks_in(callback)))

    def collect(self) -> bool:
        """Fills the buffer; False if the callback asked to stop."""
        self.begin()
        for step in range(self.steps):
            if not self.take(step, *self.networks.act(self.model._last_obs, judges=self.judges)):
                return False
        if not self.judges:
            self._judge()
        self.finish(self.networks.values(self.seen["new_obs"]))
        return True

    def begin(self) -> None:
        """Makes room for a rollout."""
        assert self.model._last_obs is not None, "No previous observation was provided"
        self.model.policy.set_training_mode(False)
        self.buffer.reset()
        self.callback.on_rollout_start()

    def take(self, step: int, actions: Tensor, values: Tensor | None, log_probs: Tensor) -> bool:
        """Takes a step, and keeps it; False if the callback asked to stop.

        Args:
            step: its number in the rollout.
            actions: one for each copy.
            values: the critic's, of shape (copies, 1); None where they come later.
            log_probs: of the actions.
        """
        self.seen = self._step(step, actions, values, log_probs)
        if not self.callback.on_step():
            return False
        self._keep(self.seen)
        return True

    def finish(self, values: Tensor) -> None:
        """Fills in advantages and returns.

        Args:
            values: the critic's, of what follows the rollout.
        """
        estimate_advantages(self.buffer, values.numpy()[:, 0], self.seen["dones"])
        self.callback.update_locals({**self.seen, "values": values, "n_steps": self.steps})
        self.callback.on_rollout_end()

    def _judge(self) -> None:
        """Fills in the critic's values of all steps."""
        buffer = self.buffer
        seen = buffer.observations.reshape(-1, *buffer.obs_shape)
        buffer.values[:] = self.networks.values(seen).numpy().reshape(buffer.values.shape)

    def _step(self, step: int, actions: Tensor, values: Tensor | None, log_probs: Tensor) -> dict[str, Any]:
        """Acts, and shows the callback what came of it."""
        model = self.model
        chosen = actions.numpy().reshape(self.shape)
        clipped = chosen if self.bounds is None else self._clipped(chosen)
        new_obs, rewards, dones, infos = self.step_env(clipped)
        model.num_timesteps += self.env.num_envs
        seen = {
            **self.fixed,
            "n_steps": step,
            "obs_tensor": torch.as_tensor(model._last_obs),
            "actions": chosen,
            "values": values,
            "log_probs": log_probs,
            "clipped_actions": clipped,
            "new_obs": new_obs,
            "rewards": rewards,
            "dones": dones,
            "infos": infos,
        }
        self.callback.update_locals(seen)
        return seen

    def _clipped(self, actions: np.ndarray) -> np.ndarray:
        low, high = self.bounds or (-np.inf, np.inf)
        return np.minimum(np.maximum(actions, low), high)  # a quarter of the time of `np.clip`

    def _keep(self, seen: dict[str, Any]) -> None:
        """Puts the transition into the buffer."""
        model, buffer, place = self.model, self.buffer, self.buffer.pos
        dones, rewards = seen["dones"], seen["rewards"]
        model._update_info_buffer(seen["infos"], dones)
        if dones.any():
            self._add_cut_off_values(rewards, dones, seen["infos"])
        buffer.observations[place] = model._last_obs
        buffer.actions[place] = seen["actions"].reshape(buffer.n_envs, buffer.action_dim)
        buffer.rewards[place] = rewards
        buffer.episode_starts[place] = model._last_episode_starts
        if self.judges:
            buffer.values[place] = seen["values"].numpy()[:, 0]
        buffer.log_probs[place] = seen["log_probs"].numpy()
        buffer.pos += 1
        buffer.full = buffer.pos == buffer.buffer_size
        model._last_obs, model._last_episode_starts = seen["new_obs"], dones

    def _add_cut_off_values(self, rewards: np.ndarray, dones: np.ndarray, infos: list[dict[str, Any]]) -> None:
        """Adds the value of the last observation where a time limit cut the episode short."""
        for copy in np.flatnonzero(dones):
            last = infos[copy].get("terminal_observation")
            if last is not None and infos[copy].get("TimeLimit.truncated", False):
                rewards[copy] += self.model.gamma * self.networks.values(np.asarray(last)[None])[0, 0].numpy()


def is_known(callback: BaseCallback) -> bool:
    """True for a callback of Stable-Baselines3 or of this library, but for one around a function of somebody's."""
    if isinstance(callback, ConvertCallback) and callback.callback is not None:
        return False
    return type(callback).__module__.partition(".")[0] in KNOWN
