"""What the fault tests counted, for the table in docs/reliability.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Keep a line of figures, to be shown when all tests are done."""
    return lambda what, **figures: record_property(
        "counted", f"{what}: {', '.join(f'{name} {figure}' for name, figure in figures.items())}"
    )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show the figures, of all processes."""
    reports = terminalreporter.getreports("passed")
    lines = [line for report in reports for name, line in getattr(report, "user_properties", []) if name == "counted"]
    if lines:
        terminalreporter.section("counted")
        for line in sorted(set(lines)):
            terminalreporter.write_line(line)
