"""Figures: each benchmark measures one and holds it against its bar; all are printed and written to one JSON file."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import pytest

FIGURES: list[dict[str, object]] = []

Figure = Callable[..., None]


def figures_file() -> Path:
    """Where the figures go: ``GEN3D_BENCH_JSON`` or ``.benchmarks/figures.json`` in the repository."""
    named = os.environ.get("GEN3D_BENCH_JSON")
    return Path(named) if named else Path(__file__).parents[2] / ".benchmarks" / "figures.json"


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Record a figure; with a bar, hold it against that (``at_most`` or ``at_least``)."""

    def record(name: str, value: float, unit: str, at_most: float | None = None, at_least: float | None = None) -> None:
        passed = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
        FIGURES.append(
            {"figure": name, "value": float(f"{value:.4g}"), "unit": unit, "at_most": at_most, "at_least": at_least,
             "passed": passed, "test": request.node.name}
        )  # fmt: skip
        assert passed, f"{name}: {value:.4g} {unit}, bar {'<=' if at_least is None else '>='} {at_most or at_least}"

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not FIGURES:
        return
    terminalreporter.section("figures")
    for row in FIGURES:
        bar = f"<= {row['at_most']}" if row["at_most"] is not None else f">= {row['at_least']}"
        verdict = (
            "" if row["at_most"] is row["at_least"] is None else f"{'ok' if row['passed'] else 'MISSED'} (bar {bar})"
        )
        terminalreporter.write_line(f"{row['figure']:<66} {row['value']:>9} {row['unit']:<8} {verdict}")
    path = figures_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    report = {"date": time.strftime("%Y-%m-%d"), **machine, "figures": FIGURES}
    path.write_text(json.dumps(report, indent=1) + "\n")
    terminalreporter.write_line(f"written to {path}")
