"""Can a saved model still learn? ``python -m plastic_rl.probe model.zip``, or :func:`probe_saved`."""

from plastic_rl.probe.saved import Probed, probe_saved

__all__ = ["Probed", "probe_saved"]
