"""What the fault tests counted, for the table in docs/reliability.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

COUNTED: list[str] = []


@pytest.fixture
def counted() -> Callable[..., None]:
    """Keep a line of figures, to be shown when all tests are done."""
    return lambda what, **figures: COUNTED.append(f"{what}: {', '.join(f'{k} {v}' for k, v in figures.items())}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show the figures."""
    if COUNTED:
        terminalreporter.section("counted")
        for line in COUNTED:
            terminalreporter.write_line(line)
