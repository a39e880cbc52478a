"""Errors whose message is meant for the person who typed the command."""

from __future__ import annotations


class UserError(Exception):
    """A request that cannot be met: says what was given, what was expected and what to do, in one or two lines."""

    exit_code = 2


class RunError(UserError):
    """A run that could not go on: says at which step, what is safe and what to try."""

    exit_code = 1
