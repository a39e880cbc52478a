"""Sutton's tracking problem, and what learned step sizes are worth on it: `python -m experiments.tracking`."""
