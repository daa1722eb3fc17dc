"""The commands `gridgov isochrone` and `gridgov assign`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridgov.config import load_settings
from gridgov.errors import ParameterError
from gridgov.i18n import as_lang, label
from gridgov.model import TravelMode

if TYPE_CHECKING:
    import geopandas as gpd

    from gridgov.i18n import Lang
    from gridgov.model.assignments import AssignmentPlan
    from gridgov.model.rights import Person
    from gridgov.network import Direction
    from gridgov.workspace import Workspace

Command = Callable[..., argparse.ArgumentParser]
MINUTES = "5,10,15"


def add_commands(command: Command, workspace: str) -> None:
    """Add the commands."""
    isochrone = command("isochrone", _isochrone, "find how far one comes from a place within some minutes")
    isochrone.add_argument("--workspace", type=Path, default=Path(workspace), metavar="DIR")
    isochrone.add_argument("--at", required=True, metavar="LON,LAT", help="the place, degrees WGS 84")
    isochrone.add_argument("--minutes", default=MINUTES, metavar="M,M,…", help="how long (default %(default)s)")
    isochrone.add_argument(
        "--mode", choices=[str(mode) for mode in TravelMode], default=str(TravelMode.DRIVE), help="default %(default)s"
    )
    isochrone.add_argument("--to", action="store_true", help="trips end at the place instead of starting there")
    isochrone.add_argument("--out", type=Path, metavar="FILE", help="write the areas as GeoJSON")
    isochrone.add_argument("--json", action="store_true", help="print the numbers as JSON")

    assign = command("assign", _assign, "decide who goes to which of all filed incidents; sends nobody")
    assign.add_argument("--workspace", type=Path, default=Path(workspace), metavar="DIR")
    assign.add_argument(
        "--limit", type=int, default=1000, metavar="N", help="the N most urgent incidents (default %(default)s)"
    )
    assign.add_argument("--json", action="store_true", help="print the plan as JSON")


def position(text: str) -> tuple[float, float]:
    """Return the longitude and latitude of ``LON,LAT``.

    Raises
    ------
    ParameterError
        The text is no position.
    """
    try:
        lon, lat = (float(part) for part in text.replace("，", ",").split(","))
    except ValueError:
        raise ParameterError(f"--at takes LON,LAT in degrees, such as 119.02,29.61, not '{text}'") from None
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        hint = "; did you mean LON,LAT the other way round?" if -180 <= lat <= 180 and -90 <= lon <= 90 else ""
        raise ParameterError(f"--at {text}: longitude goes from -180 to 180 and latitude from -90 to 90{hint}")
    return lon, lat


def _opened(arguments: argparse.Namespace) -> tuple[Workspace, Person]:
    from gridgov.model.rights import EVERYWHERE, Person, Role
    from gridgov.workspace import open_workspace

    at_the_shell = Person("system", Role.COMMANDER, EVERYWHERE)
    return open_workspace(arguments.workspace, settings=load_settings()), at_the_shell


def _minutes(text: str) -> list[float]:
    try:
        return [float(part) for part in text.replace("，", ",").split(",")]
    except ValueError:
        raise ParameterError(f"--minutes takes numbers, such as {MINUTES}, not '{text}'") from None


def _isochrone(arguments: argparse.Namespace) -> int:
    from gridgov.operations.service_areas import isochrone_at

    (lon, lat), minutes, mode = position(arguments.at), _minutes(arguments.minutes), TravelMode(arguments.mode)
    workspace, person = _opened(arguments)
    direction: Direction = "to" if arguments.to else "from"
    found = isochrone_at(workspace, person, lon, lat, minutes, mode=mode, direction=direction)
    areas = found.areas()
    if arguments.out is not None:
        arguments.out.write_text(areas.assign(minutes=areas["limit_s"] / 60).to_json(), encoding="utf-8")
    if arguments.json:
        asked = {"lon": lon, "lat": lat, "mode": str(mode), "direction": direction}
        print(json.dumps({**asked, "areas": _numbers(areas)}, ensure_ascii=False, indent=1))
    else:
        _show_areas(areas, arguments)
    return 0 if len(found.pieces) else 1


def _numbers(areas: gpd.GeoDataFrame) -> list[dict[str, float]]:
    columns = (areas[name].tolist() for name in ("limit_s", "area_km2", "roads_km"))
    return [
        {"minutes": limit_s / 60, "area_km2": round(area, 6), "roads_km": round(roads, 6)}
        for limit_s, area, roads in zip(*columns, strict=True)
    ]


def _show_areas(areas: gpd.GeoDataFrame, arguments: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.table import Table

    lang = as_lang(arguments.lang)
    title = "isochrone.title_to" if arguments.to else "isochrone.title_from"
    table = Table(title=label(title, lang, at=arguments.at, mode=label(f"dispatch.mode.{arguments.mode}", lang)))
    for column in ("minutes", "area", "roads"):
        table.add_column(label(f"isochrone.{column}", lang), justify="right")
    for row in _numbers(areas):
        table.add_row(f"{row['minutes']:g}", f"{row['area_km2']:,.2f}", f"{row['roads_km']:,.1f}")
    Console().print(table)
    if arguments.out is not None:
        print(label("isochrone.written", lang, path=arguments.out))


def _assign(arguments: argparse.Namespace) -> int:
    from gridgov.operations.assigning import AssignmentQuery, assign

    workspace, person = _opened(arguments)
    plan = assign(workspace, person, AssignmentQuery(limit=arguments.limit))
    if arguments.json:
        print(json.dumps(plan.to_dict(), ensure_ascii=False, indent=1))
    else:
        _show_plan(plan, as_lang(arguments.lang))
    return 0 if plan.assignments else 1


def _show_plan(plan: AssignmentPlan, lang: Lang) -> None:
    from rich.console import Console
    from rich.table import Table

    if not plan.assignments and not plan.unassigned:
        print(label("assignment.nothing", lang))
        return
    table = Table()
    for column in ("incident", "worker", "mode", "arrives", "why"):
        justify: Any = "right" if column == "arrives" else "left"
        table.add_column(label(f"assignment.column.{column}", lang), justify=justify)
    for one in plan.assignments:
        seconds = round(one.travel_time_ms / 1000)
        table.add_row(
            one.incident_id,
            f"{one.name} {one.worker_id}".strip(),
            label(f"dispatch.mode.{one.mode}", lang),
            f"{seconds // 60}:{seconds % 60:02d}",
            " ".join(one.texts(lang)),
        )
    if plan.assignments:
        Console().print(table)
    for text in [*plan.texts(lang), *(left.text(lang) for left in plan.unassigned)]:
        print(text)
