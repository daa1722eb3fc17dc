"""The result of a benchmark: a table for people, JSON for programs, a section of docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "numba", "scipy", "networkx")
RIVALS = ("routingkit-cch", "igraph", "pandana")  # where installed


@dataclass(frozen=True)
class Row:
    """One engine on one task: median cpu milliseconds, and how many times as much as gridgov's."""

    task: str
    engine: str
    cpu_ms: float
    threads: int
    ratio: float
    bar: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the bar is reached, if there is one."""
        return self.bar is None or self.ratio >= self.bar


@dataclass(frozen=True)
class Measure:
    """One figure of our own, with the most or the least it may be."""

    task: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def passed(self) -> bool:
        """Whether the bar is reached, if there is one."""
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    @property
    def bar(self) -> str:
        """The bar in words; empty without one."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g} {self.unit}"
        return "" if self.at_most is None else f"≤ {self.at_most:g} {self.unit}"


@dataclass(frozen=True)
class Figures:
    """Several figures of our own on one task: values for programs, cells for people by their headings, the verdict.

    Without a bar (`judged` is False) there is nothing to reach, and `passed` is True.
    """

    task: str
    values: dict[str, Any]
    cells: dict[str, str]
    passed: bool
    judged: bool = True


@dataclass(frozen=True)
class Result:
    """A benchmark that has run."""

    name: str
    title: str
    instance: str
    method: str
    rows: Sequence[Row | Measure | Figures]
    checks: list[str]
    when: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def passed(self) -> bool:
        """Whether every bar is reached."""
        return all(row.passed for row in self.rows)


def machine() -> dict[str, Any]:
    """Return what the figures depend on, without names or paths."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        **{name: version(name) for name in RIVALS if _installed(name)},
    }


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def as_json(result: Result) -> str:
    """Return the result as one JSON document."""
    document = {
        "benchmark": result.name,
        "when": result.when.isoformat(timespec="seconds"),
        "instance": result.instance,
        "method": result.method,
        "machine": machine(),
        "rows": [{**asdict(row), "passed": row.passed} for row in result.rows],
        "checks": result.checks,
        "passed": result.passed,
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def as_table(result: Result) -> str:
    """Return the result as a Markdown table, which also reads well in a terminal."""
    compared = all(isinstance(row, Row) for row in result.rows)
    head = (
        ("task", "engine", "cpu ms", "threads", "times gridgov", "bar", "")
        if compared
        else ("task", "figure", "bar", "")
    )
    first = result.rows[0] if result.rows else None
    if isinstance(first, Figures):
        head = ("task", *first.cells, "")
    rows = [head, *(_cells(row) for row in result.rows)]
    width = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width[i]) for i, cell in enumerate(row)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in width) + "|")
    checks = [f"- {check}" for check in result.checks]
    return "\n".join([f"## {result.title}: {result.instance}", "", *lines, "", result.method, "", *checks])


def _cells(row: Row | Measure | Figures) -> tuple[str, ...]:
    if isinstance(row, Figures):
        return row.task, *row.cells.values(), ("reached" if row.passed else "MISSED") if row.judged else ""
    if isinstance(row, Measure):
        verdict = "" if not row.bar else ("reached" if row.passed else "MISSED")
        return row.task, f"{row.value:.3g} {row.unit}", row.bar, verdict
    bar = "" if row.bar is None else f"≥ {row.bar:,g}"
    verdict = "" if row.bar is None else ("reached" if row.passed else "MISSED")
    note = f"{row.engine} ({row.note})" if row.note else row.engine
    return row.task, note, _figure(row.cpu_ms), str(row.threads), f"{row.ratio:,.1f}", bar, verdict


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def write_docs(path: Path, result: Result) -> None:
    """Put a result into its section of the document, between its two marks; other sections stay."""
    start, end = f"<!-- {result.name}: written by the command -->", f"<!-- end of {result.name} -->"
    facts = ", ".join(f"{key} {value}" for key, value in machine().items())
    section = f"{start}\n{as_table(result)}\n\nMeasured {result.when:%Y-%m-%d} on: {facts}.\n{end}"
    text = path.read_text(encoding="utf-8") if path.is_file() else "# Benchmarks\n"
    if start in text and end in text:
        text = text[: text.index(start)] + section + text[text.index(end) + len(end) :]
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    path.write_text(text, encoding="utf-8")
