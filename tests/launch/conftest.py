"""Settings composed as the command line composes them, without a process of their own."""

from collections.abc import Callable

import pytest
from hydra import compose, initialize

from launch.request import check_request
from launch.settings import CONFIG_NAME, Settings, from_hydra, register


@pytest.fixture(scope="session")
def settings_of() -> Callable[..., Settings]:
    """Return the settings that the words of a command give."""
    register()

    def composed(*words: str) -> Settings:
        check_request(words)
        with initialize(version_base="1.3", config_path=None):
            return from_hydra(compose(CONFIG_NAME, list(words)))

    return composed
