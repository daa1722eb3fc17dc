"""The command `gridgov whatif`: run a scenario, or many, beside the base or beside another scenario."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgov.config import load_settings
from gridgov.errors import ParameterError, StorageError
from gridgov.i18n import as_lang, label

if TYPE_CHECKING:
    from gridgov.i18n import Lang
    from gridgov.model.rights import Person
    from gridgov.model.what_if import Scenario
    from gridgov.operations.scenario_comparison import Comparison, Difference
    from gridgov.operations.what_if import ScenarioRun
    from gridgov.workspace import Workspace

Command = Callable[..., argparse.ArgumentParser]
SCHEMA = "gridgov-what-if/1"
MANY_SCHEMA = "gridgov-what-if-many/1"
_NAME, _NUMBER = 12, 8  # least widths of columns; a longer head goes on in the next line
_SCALES = {"s": 60.0, "m2": 10_000.0, "share": 0.01}  # shown as minutes, hectares, per cent


def add_command(command: Command, workspace: str) -> None:
    """Add the command."""
    whatif = command("whatif", _whatif, "run scenarios of files beside the base, figure by figure")
    whatif.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="a scenario, TOML or JSON; several ask the same question"
    )
    whatif.add_argument("--against", type=Path, metavar="FILE", help="another scenario instead of the base")
    whatif.add_argument("--workspace", type=Path, default=Path(workspace), metavar="DIR")
    whatif.add_argument("--save", type=Path, metavar="FILE", help="write the scenario with all that it rests on, JSON")
    whatif.add_argument("--grids", type=Path, metavar="FILE", help="write the figures of every grid, CSV")
    whatif.add_argument(
        "--codes", type=Path, metavar="FILE", help="write old and new codes of grids that are merged or split, CSV"
    )
    whatif.add_argument(
        "--workers", type=int, metavar="N", help="processes of this machine that run them (default: this one)"
    )
    whatif.add_argument("--scheduler", default="", metavar="ADDRESS", help="the Dask scheduler whose workers run them")
    whatif.add_argument("--json", action="store_true", help="print figures and digests as JSON")


def _whatif(arguments: argparse.Namespace) -> int:
    from gridgov.model.rights import EVERYWHERE, Person, Role
    from gridgov.operations.scenario_comparison import compare_scenarios
    from gridgov.operations.scenario_files import read_scenario_file
    from gridgov.operations.what_if import unchanged
    from gridgov.workspace import open_workspace

    workspace = open_workspace(arguments.workspace, settings=load_settings())
    person, lang = Person("system", Role.PLANNER, EVERYWHERE), as_lang(arguments.lang)
    scenarios = [read_scenario_file(workspace, person, file) for file in arguments.files]
    if arguments.against is None:
        other = unchanged(scenarios[0], label("what_if.base", lang))
    else:
        other = read_scenario_file(workspace, person, arguments.against)
    if len(scenarios) > 1:
        return _many(arguments, workspace, person, other, scenarios)
    if arguments.workers is None and not arguments.scheduler:
        found = compare_scenarios(workspace, person, other, scenarios[0])
    else:
        found = _beside_one(arguments, workspace, person, other, scenarios)[0]
    if arguments.save is not None:
        _write(arguments.save, json.dumps(scenarios[0].to_dict(), ensure_ascii=False, indent=1) + "\n")
    if arguments.grids is not None:
        _write(arguments.grids, found.by_grid.to_csv(index=False))
    if arguments.codes is not None:
        _write(arguments.codes, found.second.codes.to_csv(index=False))
    if arguments.json:
        print(json.dumps(document(found, lang), ensure_ascii=False, indent=1))
    else:
        _show(found, lang)
    return 0


def _many(
    arguments: argparse.Namespace, workspace: Workspace, person: Person, other: Scenario, scenarios: list[Scenario]
) -> int:
    """Show several scenarios in one table."""
    if arguments.save is not None or arguments.grids is not None or arguments.codes is not None:
        raise ParameterError("--save, --grids and --codes write one scenario; give one FILE with them")
    found = _beside_one(arguments, workspace, person, other, scenarios)
    if arguments.json:
        shown = document_of_many(found, arguments.files, as_lang(arguments.lang))
        print(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        _show_many(found, as_lang(arguments.lang))
    return 0


def _beside_one(
    arguments: argparse.Namespace, workspace: Workspace, person: Person, other: Scenario, scenarios: list[Scenario]
) -> list[Comparison]:
    """Run scenarios where the person wants them run, and put each beside one."""
    from gridgov.operations.batch_analyses import BatchRun, run_scenarios
    from gridgov.operations.batch_computing import Machines
    from gridgov.operations.scenario_comparison import compare_runs

    _check_together(arguments, other, scenarios)
    machines = Machines.of(load_settings(), workers=arguments.workers, scheduler=arguments.scheduler)
    run = BatchRun(on=machines, progress=_tell if sys.stderr.isatty() else None)
    first, *others = run_scenarios(workspace, person, [other, *scenarios], run=run)
    return [compare_runs(first, each) for each in others]


def _check_together(arguments: argparse.Namespace, other: Scenario, scenarios: list[Scenario]) -> None:
    """Refuse scenarios whose figures do not belong into one table."""
    for file, scenario in zip(arguments.files, scenarios, strict=True):
        if scenario.question != other.question:
            raise ParameterError(f"{file}: asks another question than {arguments.against or arguments.files[0]}")
        if arguments.against is None and scenario.base != other.base:
            raise ParameterError(f"{file}: has another moment or other closures on the books than {arguments.files[0]}")


def _tell(done: int, every: int) -> None:
    print(f"\r{done}/{every}", end="\n" if done == every else "", file=sys.stderr, flush=True)


def document_of_many(found: Sequence[Comparison], files: Sequence[Path], lang: Lang = "zh") -> dict[str, Any]:
    """Return many scenarios beside one as plain data for JSON, schema gridgov-what-if-many/1; findings in words."""
    first = found[0].first
    digests = " ".join([first.digest, *(each.second.digest for each in found)])
    return {
        "schema": MANY_SCHEMA,
        "digest": hashlib.sha256(digests.encode()).hexdigest(),
        "first": _side(first, lang),
        "scenarios": [
            {
                **_side(each.second, lang),
                "file": str(file),
                "seconds": round(each.second.seconds, 3),
                "differences": [asdict(row) for row in each.differences],
            }
            for file, each in zip(files, found, strict=True)
        ],
    }


def _side(run: ScenarioRun, lang: Lang) -> dict[str, Any]:
    return {
        "name": run.scenario.name,
        "digest": run.digest,
        "data_changed": run.data_changed,
        "findings": [finding.to_dict(lang) for finding in run.findings],
    }


def document(found: Comparison, lang: Lang = "zh") -> dict[str, Any]:
    """Return a comparison as plain data for JSON, schema gridgov-what-if/1; findings in words."""
    return {
        "schema": SCHEMA,
        "digest": found.digest,
        "first": _side(found.first, lang),
        "second": _side(found.second, lang),
        "data_changed": found.first.data_changed or found.second.data_changed,
        "differences": [asdict(each) for each in found.differences],
        "codes": found.second.codes.to_dict("records"),
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
    table.add_column(label("what_if.figure", lang), overflow="fold", min_width=_NAME)
    for heading in (found.first.scenario.name, found.second.scenario.name, label("what_if.change", lang)):
        table.add_column(heading, justify="right", overflow="fold", min_width=_NUMBER)
    table.add_column("", no_wrap=True)
    for row in found.differences:
        table.add_row(_words(row, lang), *_numbers(row), label(f"what_if.verdict.{row.verdict}", lang))
    print(_asked((found.first, found.second), lang))
    console = Console()
    console.print(table)
    _notes((found.first, found.second), found.differences, lang)
    print(f"sha256:{found.digest}")


def _show_many(found: Sequence[Comparison], lang: Lang) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    table.add_column(label("what_if.figure", lang), overflow="fold", min_width=_NAME)
    runs = (found[0].first, *(each.second for each in found))
    print(_asked(runs, lang))
    for run in runs:
        table.add_column(run.scenario.name, justify="right", overflow="fold", min_width=_NUMBER)
    columns = [{(row.code, row.subject): row for row in each.differences} for each in found]
    for key, row in {key: row for column in columns for key, row in column.items()}.items():
        cells = [_beside(column[key]) if key in column else "—" for column in columns]
        table.add_row(_words(row, lang), _numbers(row)[0], *cells)
    Console().print(table)
    _notes(runs, [row for each in found for row in each.differences], lang)
    for each in found:
        print(f"sha256:{each.second.digest} {each.second.scenario.name}")


def _asked(runs: Sequence[ScenarioRun], lang: Lang) -> str:
    """Return how people travel, the time limit and the moment in words, once for all figures."""
    from gridgov.model.what_if import Question

    question = runs[0].scenario.question or Question()
    moments = dict.fromkeys(f"{run.at:%Y-%m-%d %H:%M}" for run in runs)
    mode = label(f"what_if.travel.{question.mode or 'usual'}", lang)
    return label("what_if.asked", lang, mode=mode, minutes=f"{question.minutes:g}", at=" / ".join(moments))


def _notes(runs: Sequence[ScenarioRun], differences: Sequence[Difference], lang: Lang) -> None:
    """Say what the figures rest on where it is not what one would think."""
    for run in runs:
        if run.data_changed:
            print(f"{run.scenario.name}: {label('what_if.data_changed', lang)}")
    if not all(row.exact for row in differences):
        print(label("what_if.not_exact", lang))
    for said in dict.fromkeys(finding.message(lang) for run in runs for finding in run.findings):
        print(said)


def _beside(row: Difference) -> str:
    _, value, change = _numbers(row)
    return value if not row.change else f"{value} ({change})"


def _words(row: Difference, lang: Lang) -> str:
    from gridgov.operations.figure_words import figure_words

    return figure_words(row.code, row.subject, row.unit, lang)


def _numbers(row: Difference) -> tuple[str, str, str]:
    scale = _SCALES.get(row.unit, 1.0)
    digits = 0 if row.unit in {"persons", "count"} else 1

    def shown(value: float | None, sign: str = "") -> str:
        return "—" if value is None else f"{value / scale:{sign},.{digits}f}"

    return shown(row.first), shown(row.second), shown(row.change, "+")
