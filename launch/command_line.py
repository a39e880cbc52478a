"""From the words of a command to the runs that they ask for, and to an exit code.

Exit codes: 0 done, 1 a run that could not go on, 2 a request that cannot be met, 130 interrupted by Ctrl-C.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

import plastic_rl
from launch.console import INTERRUPTED, say
from launch.effects import check_effects
from launch.help import help_text
from launch.messages import explained, told_of
from launch.request import check_request, wants_help
from launch.settings import CONFIG_NAME, from_hydra, register
from launch.sweeps.words import refuse_alone, split
from launch.words import MULTIRUN, as_hydra_reads

_SEE_WHERE = "Run it again with debug=true to see where it happened."


def main(arguments: Sequence[str]) -> int:
    """Do what a command asks for.

    Args:
        arguments: The words after `train.py`.

    Returns:
        The exit code.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises its errors, and the messages below are ours
    register()
    try:
        return _obey(as_hydra_reads(arguments))
    except SystemExit as error:
        return int(error.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        return _report(error, with_traceback="debug=true" in arguments)


def _obey(arguments: list[str]) -> int:
    if "--version" in arguments:
        say(f"plastic_rl {plastic_rl.__version__}")
        return 0
    if wants_help(arguments):
        say(help_text(split(arguments)[1]))
        return 0
    if MULTIRUN[-1] in arguments:
        from launch.sweeps.sweep import sweep

        return sweep(arguments)
    refuse_alone(arguments)
    check_request(arguments)
    sys.argv[1:] = arguments
    hydra.main(version_base="1.3", config_path=None, config_name=CONFIG_NAME)(_job)()
    return 0


def _job(config: DictConfig) -> None:
    from launch.seeds import run_seeds

    _show_what_the_library_says()
    debug = bool(config.debug)
    given = [word.partition("=")[0] for word in HydraConfig.get().overrides.task]
    try:
        settings = from_hydra(config)
        check_effects(settings, given)
        run_seeds(settings)
    except Exception as error:
        sys.exit(_report(error, with_traceback=debug))


def _show_what_the_library_says() -> None:
    library = logging.getLogger("plastic_rl")
    if not library.handlers:
        library.addHandler(logging.StreamHandler())
    library.setLevel(logging.INFO)


def _report(error: Exception, *, with_traceback: bool) -> int:
    told, exit_code = told_of(error)
    with suppress(OSError):  # A terminal that has gone away.
        if with_traceback:
            traceback.print_exception(error)
        print(told if explained(error) else f"{told}\n{_SEE_WHERE}", file=sys.stderr)
    return exit_code
