"""The command `gridgov whatif`: run a scenario beside the base, or beside another scenario."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgov.config import load_settings
from gridgov.errors import StorageError
from gridgov.i18n import as_lang, label

if TYPE_CHECKING:
    from gridgov.i18n import Lang
    from gridgov.operations.scenario_comparison import Comparison, Difference

Command = Callable[..., argparse.ArgumentParser]
SCHEMA = "gridgov-what-if/1"
_SCALES = {"s": 60.0, "m2": 10_000.0, "share": 0.01}  # shown as minutes, hectares, per cent


def add_command(command: Command, workspace: str) -> None:
    """Add the command."""
    whatif = command("whatif", _whatif, "run a scenario of a file beside the base, figure by figure")
    whatif.add_argument("file", type=Path, metavar="FILE", help="a scenario, TOML or JSON")
    whatif.add_argument("--against", type=Path, metavar="FILE", help="another scenario instead of the base")
    whatif.add_argument("--workspace", type=Path, default=Path(workspace), metavar="DIR")
    whatif.add_argument("--save", type=Path, metavar="FILE", help="write the scenario with all that it rests on, JSON")
    whatif.add_argument("--grids", type=Path, metavar="FILE", help="write the figures of every grid, CSV")
    whatif.add_argument("--json", action="store_true", help="print figures and digests as JSON")


def _whatif(arguments: argparse.Namespace) -> int:
    from gridgov.model.rights import EVERYWHERE, Person, Role
    from gridgov.operations.scenario_comparison import compare_scenarios
    from gridgov.operations.scenario_files import read_scenario_file
    from gridgov.operations.what_if import unchanged
    from gridgov.workspace import open_workspace

    workspace = open_workspace(arguments.workspace, settings=load_settings())
    person, lang = Person("system", Role.PLANNER, EVERYWHERE), as_lang(arguments.lang)
    scenario = read_scenario_file(workspace, person, arguments.file)
    if arguments.against is None:
        other = unchanged(scenario, label("what_if.base", lang))
    else:
        other = read_scenario_file(workspace, person, arguments.against)
    found = compare_scenarios(workspace, person, other, scenario)
    if arguments.save is not None:
        _write(arguments.save, json.dumps(scenario.to_dict(), ensure_ascii=False, indent=1) + "\n")
    if arguments.grids is not None:
        _write(arguments.grids, found.by_grid.to_csv(index=False))
    if arguments.json:
        print(json.dumps(document(found), ensure_ascii=False, indent=1))
    else:
        _show(found, lang)
    return 0


def document(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data for JSON, schema gridgov-what-if/1."""
    return {
        "schema": SCHEMA,
        "digest": found.digest,
        "first": {"name": found.first.scenario.name, "digest": found.first.digest},
        "second": {"name": found.second.scenario.name, "digest": found.second.digest},
        "data_changed": found.second.data_changed,
        "differences": [asdict(each) for each in found.differences],
        "scenario": found.second.scenario.to_dict(),
    }


def _write(file: Path, content: str) -> None:
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{file}: cannot be written ({error.strerror}); give another file") from error


def _show(found: Comparison, lang: Lang) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{found.first.scenario.name} → {found.second.scenario.name}")
    table.add_column(label("what_if.figure", lang))
    for heading in (found.first.scenario.name, found.second.scenario.name, label("what_if.change", lang)):
        table.add_column(heading, justify="right")
    table.add_column("")
    for row in found.differences:
        table.add_row(_words(row, lang), *_numbers(row), label(f"what_if.verdict.{row.verdict}", lang))
    console = Console()
    console.print(table)
    if found.second.data_changed:
        print(label("what_if.data_changed", lang))
    if not all(row.exact for row in found.differences):
        print(label("what_if.not_exact", lang))
    print(f"sha256:{found.digest}")


def _words(row: Difference, lang: Lang) -> str:
    from gridgov.operations.figure_words import figure_words

    return figure_words(row.code, row.subject, row.unit, lang)


def _numbers(row: Difference) -> tuple[str, str, str]:
    scale = _SCALES.get(row.unit, 1.0)
    digits = 0 if row.unit in {"persons", "count"} else 1

    def shown(value: float | None, sign: str = "") -> str:
        return "—" if value is None else f"{value / scale:{sign},.{digits}f}"

    return shown(row.first), shown(row.second), shown(row.change, "+")
