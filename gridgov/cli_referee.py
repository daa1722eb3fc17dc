"""The commands `gridgov referee` and `gridgov calibrate`: SUMO replays a plan, and measures what roads carry."""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgov.config import load_settings
from gridgov.errors import ParameterError
from gridgov.i18n import as_lang, label

if TYPE_CHECKING:
    from gridgov.i18n import Lang
    from gridgov.referee import ClassCapacity, RefereeRoads, Verdict

Command = Callable[..., argparse.ArgumentParser]
SOURCE = "gridgov calibrate: saturation runs in Eclipse SUMO, mesoscopic model with junction control"


def add_commands(command: Command, workspace: str) -> None:
    """Add the commands."""
    referee = command("referee", _referee, "let SUMO replay an evacuation plan, and compare it with the promise")
    referee.add_argument("file", type=Path, metavar="PLAN", help="a gridgov-plan/1 document, plain or .gz")
    referee.add_argument("--workspace", type=Path, default=Path(workspace), metavar="DIR")
    referee.add_argument("--alone", action="store_true", help="only the document's roads: their turns are unknown")
    referee.add_argument(
        "--junctions",
        choices=("turns", "priority"),
        default="turns",
        help="streams take turns as somebody directs them, or the lesser street waits (default %(default)s)",
    )
    referee.add_argument("--limit", type=float, default=0.10, metavar="X", help="may be later (default %(default)s)")
    referee.add_argument("--seed", type=int, default=0)
    referee.add_argument("--json", action="store_true", help="print the verdict as JSON")

    calibrate = command("calibrate", _calibrate, "measure in SUMO how many vehicles each class of road passes")
    calibrate.add_argument("--out", type=Path, metavar="FILE", help="write the capacities as a profile (.toml)")
    calibrate.add_argument("--json", action="store_true", help="print the capacities as JSON")


def read_plan_document(path: Path) -> dict[str, Any]:
    """Return a plan document.

    Raises
    ------
    ParameterError
        The file is no gridgov-plan/1 document.
    """
    data = path.read_bytes()
    try:
        document = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    except (ValueError, EOFError, gzip.BadGzipFile) as error:
        raise ParameterError(f"{path}: this is no plan ({error}); make one with 'gridgov evacuate --out'") from error
    wanted = {"flows", "problem", "clearance_time_s", "occupancy_persons_per_vehicle"}
    if not isinstance(document, dict) or document.get("schema") != "gridgov-plan/1" or not wanted <= set(document):
        raise ParameterError(f"{path}: this is no gridgov-plan/1 document; make one with 'gridgov evacuate --out'")
    return document


def _referee(arguments: argparse.Namespace) -> int:
    from gridgov.referee import RefereeRoads, replay_in_sumo

    document = read_plan_document(arguments.file)
    params = document.get("params")
    if isinstance(params, dict) and params.get("mode") == "walk":
        raise ParameterError(f"{arguments.file}: everybody walks in this plan, and SUMO replays cars only")
    roads = RefereeRoads.from_document(document) if arguments.alone else _roads(arguments.workspace)
    verdict = replay_in_sumo(document, roads, junctions=arguments.junctions, limit=arguments.limit, seed=arguments.seed)
    if arguments.json:
        print(json.dumps(verdict.to_dict(), indent=1))
    else:
        _show_verdict(verdict, as_lang(arguments.lang))
    return 0 if verdict.holds else 1


def _roads(workspace: Path) -> RefereeRoads:
    from gridgov.layers.road_rules import load_speeds
    from gridgov.referee import RefereeRoads
    from gridgov.workspace import open_workspace

    network = open_workspace(workspace, settings=load_settings()).network()
    return RefereeRoads.from_network(network, load_speeds())


def _show_verdict(verdict: Verdict, lang: Lang) -> None:
    from rich.console import Console
    from rich.table import Table

    from gridgov.referee.replaying import SHARES

    table = Table(title=label("referee.title", lang))
    table.add_column(label("referee.measure", lang))
    table.add_column(label("referee.promised", lang), justify="right")
    table.add_column(label("referee.replayed", lang), justify="right")
    for share, promised, replayed in zip(SHARES, verdict.promised_s, verdict.replayed_s, strict=True):
        table.add_row(label("referee.share", lang, share=share), _clock(promised), _clock(replayed))
    Console().print(table)
    facts = {"teleports": verdict.teleports, "not_inserted": verdict.not_inserted, "not_arrived": verdict.not_arrived}
    told = "referee.failures" if verdict.failures else "referee.all_arrived"
    print(label(told, lang, vehicles=f"{verdict.vehicles:,}", **facts))
    if verdict.ratio == verdict.ratio:  # not NaN
        minutes = {"replayed": f"{verdict.replayed_s[-1] / 60:.1f}", "promised": f"{verdict.promised_s[-1] / 60:.1f}"}
        print(label("referee.ratio", lang, **minutes, ratio=f"{verdict.ratio * 100:.1f}"))
    verdict_code = "referee.verdict_yes" if verdict.holds else "referee.verdict_no"
    print(label(verdict_code, lang, limit=f"{verdict.limit * 100:g}"))


def _clock(seconds: float) -> str:
    if seconds != seconds:  # NaN: never  # noqa: PLR0124
        return "–"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _calibrate(arguments: argparse.Namespace) -> int:
    from gridgov.layers.road_rules import load_speeds
    from gridgov.referee import calibrate, capacities_toml

    measured = calibrate(load_speeds())
    if arguments.out is not None:
        arguments.out.write_text(capacities_toml(measured, source=SOURCE), encoding="utf-8")
    if arguments.json:
        print(json.dumps([_numbers(one) for one in measured], indent=1))
        return 0
    _show_capacities(measured, as_lang(arguments.lang))
    if arguments.out is not None:
        print(label("referee.written", as_lang(arguments.lang), path=arguments.out))
    return 0


def _numbers(one: ClassCapacity) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(one), "lane_capacity_vph": one.lane_capacity_vph}


def _show_capacities(measured: tuple[ClassCapacity, ...], lang: Lang) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for column in ("road_class", "assumed", "measured"):
        justify: Any = "left" if column == "road_class" else "right"
        table.add_column(label(f"referee.{column}", lang), justify=justify)
    for one in measured:
        table.add_row(one.highway, f"{one.assumed_vph:.0f}", f"{one.lane_capacity_vph:.0f}")
    Console().print(table)
