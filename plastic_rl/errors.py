"""Errors whose message is meant for the person who typed the command."""

from __future__ import annotations


class UserError(Exception):
    """A request that cannot be met: says what was given, what was expected and what to do, in one or two lines."""

    exit_code = 2


class RunError(UserError):
    """A run that could not go on: says at which step, what is safe and what to try."""

    exit_code = 1


class RunInterruptedError(UserError):
    """A run that was asked to stop and did, after saving what it needs to go on."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
