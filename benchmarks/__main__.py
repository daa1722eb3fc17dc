"""Runs one benchmark by its name.

    python -m benchmarks dispatch                table for people
    python -m benchmarks dispatch --json         the same for programs
    python -m benchmarks dispatch --write-docs   also puts the table into docs/benchmarks.md

Exit 0: every bar is reached; 1: one is not; 2: bad usage or input.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.report import as_json, as_table, write_docs
from gridgov.errors import GridgovError

ROOT = Path(__file__).resolve().parent.parent
NAMES = (
    "assignment", "batches", "closures", "dispatch", "evacuation", "importing", "load", "network", "overlay", "referee",
    "siting", "store", "zonal",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure gridgov against its rivals.")
    parser.add_argument("name", choices=NAMES, help="which benchmark")
    parser.add_argument("--json", action="store_true", help="print the result for programs")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument("--data", type=Path, help="folder of real data (default: GRIDGOV_TEST_DATA or ../shared/data)")
    parser.add_argument(
        "--rounds", type=int, default=7, help="alternated rounds; figures are their medians (default 7)"
    )
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    benchmark = import_module(f"benchmarks.{options.name}")
    try:
        result = benchmark.run(data=options.data, rounds=options.rounds, tell=_tell)
    except GridgovError as error:
        print(error, file=sys.stderr)
        return 2
    if options.write_docs:
        write_docs(ROOT / "docs" / "benchmarks.md", result)
    print(as_json(result) if options.json else as_table(result))
    return 0 if result.passed else 1


def _tell(text: str) -> None:
    """Say on stderr what is being done, so that stdout holds the result alone."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
