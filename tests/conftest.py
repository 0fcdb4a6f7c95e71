"""How property tests run, as long as they need, and how much was compared in all of them.

`SOAK=1000` asks for about that many examples, clusters or damaged files of each kind.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

SOAK = int(os.environ.get("SOAK", "0"))

settings.register_profile(
    "podwall",
    deadline=None,  # a busy machine is no bug
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=max(100, SOAK),
    derandomize=not SOAK,  # a change is not judged by luck; what is new is found by `make soak`
)
settings.load_profile("podwall")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the sum of what tests counted with `record_property("compared: ...", number)`."""
    counted: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, number in report.user_properties:
            if name.startswith("compared: ") and report.when == "call":
                counted[name] += int(str(number))
    for name, number in sorted(counted.items()):
        terminalreporter.write_line(f"{name.removeprefix('compared: ')}: {number:,}")
