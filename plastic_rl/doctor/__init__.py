"""The state of a network: ``python -m plastic_rl.doctor model.zip``."""
