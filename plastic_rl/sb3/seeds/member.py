"""One of several seeds that learn together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.sb3.seeds.generators import OwnGenerators


class Member:
    """A model that learns in company, with random generators of its own.

    Made in the moment at which the model would have begun to learn alone, it takes over the global generators.

    Args:
        model: the model.
        total_steps: at which it is trained.
        callback: told of what its own `learn` would tell it of.
    """

    def __init__(self, model: Any, total_steps: int, callback: BaseCallback) -> None:
        self.model: PPO = model
        self.total_steps, self.given = total_steps, callback
        self.generators = OwnGenerators()
        self.error: Exception | None = None
        self.is_asked_to_stop = False
        self.iteration = 0

    @property
    def goes_on(self) -> bool:
        """True if it has neither failed, nor been asked to stop, nor come to its end."""
        return not (self.error or self.is_asked_to_stop) and self.model.num_timesteps < self.total_steps

    def attempt(self, action: Callable[[], object]) -> bool:
        """Does something of this seed alone, in its turn; an error ends its training, and nobody else's.

        Returns:
            True if it went well.
        """
        with self.generators.in_force():
            return self.attempt_as_it_is(action)

    def attempt_as_it_is(self, action: Callable[[], object]) -> bool:
        """Does something that draws from no global generator."""
        try:
            action()
        except Exception as error:
            self.error = error
        return self.error is None

    # The parts of `OnPolicyAlgorithm.learn`.

    def begin(self) -> None:
        """Sets the model up to learn."""
        model = self.model
        remaining = self.total_steps - model.num_timesteps
        self.total_steps, self.callback = model._setup_learn(remaining, self.given, False)
        self.callback.on_training_start({"self": model, "total_timesteps": self.total_steps}, {})

    def rest(self) -> None:
        """Logs what came of a rollout."""
        self.iteration += 1
        self.model._update_current_progress_remaining(self.model.num_timesteps, self.total_steps)
        self.model.dump_logs(self.iteration)

    def learn_alone(self) -> None:
        """Takes a rollout and the update on it in the model's own loop."""
        model = self.model
        assert model.env is not None
        if not model.collect_rollouts(model.env, self.callback, model.rollout_buffer, model.n_steps):
            self.is_asked_to_stop = True
            return
        self.rest()
        model.train()

    def end(self) -> None:
        """Tells the callback that the training is over."""
        self.callback.on_training_end()
