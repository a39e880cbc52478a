"""A callback that puts the state of the networks, and what methods do, into Stable-Baselines3's own log."""

from __future__ import annotations

from stable_baselines3.common.callbacks import BaseCallback

from plastic_rl.sb3.attachment import plastic_optimizers
from plastic_rl.sb3.forecast import forecast_model
from plastic_rl.sb3.network_metrics import NetworkMetrics
from plastic_rl.sb3.shared_clock import warn_of_wrong_pace
from plastic_rl.validation import whole_number


class PlasticityCallback(BaseCallback):
    """Records ``units/…``, ``rank/…``, ``weights/…`` and the counters of methods (``cbp/…``) with SB3's logger.

    ::

        model.learn(100_000, callback=PlasticityCallback())

    They are in SB3's next dump: on the console, in TensorBoard, in its files. Once, at the start, the forecast of the
    methods at hand is printed. For any algorithm, on-policy or off-policy, plain or plastic; training is bit for bit
    the same with it.

    Args:
        every: environment steps from one measurement to the next, which waits for the end of a rollout.
        samples: how many observations to look at, of the last rollout or the replay buffer.
        verbose: 0 prints no forecast.

    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(self, every: int = 2048, samples: int = 2048, verbose: int = 1) -> None:
        super().__init__(verbose)
        self.every, self.samples = whole_number("every", every), whole_number("samples", samples)
        if not self.samples:
            raise ValueError("samples must be 1 or more, got 0")
        self._is_forecast = False
        self._next = 0

    def _on_training_start(self) -> None:
        warn_of_wrong_pace(self.training_env)
        self.networks = NetworkMetrics(self.model, self.samples)
        self._next = self.num_timesteps + self.every
        if self.verbose and not self._is_forecast and plastic_optimizers(self.model):
            expected = forecast_model(self.model, run_length=self.locals.get("total_timesteps"))
            if not expected.is_empty:
                print(expected.line)
            self._is_forecast = True

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if self.num_timesteps < self._next:
            return
        self._next = self.num_timesteps + self.every
        for name, value in self.networks.measure().items():
            self.logger.record(name, value)
