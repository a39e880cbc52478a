"""Registers the ids of plastic_rl's environments with Gymnasium (through its plug-in entry point)."""


def register_environments() -> None:
    """Called by Gymnasium when it is imported."""
