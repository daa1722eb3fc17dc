"""The command `gridgov isochrone`; those of whole plans are in `cli_assign`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gridgov import cli_assign
from gridgov.errors import ParameterError
from gridgov.i18n import as_lang, label
from gridgov.model import TravelMode

if TYPE_CHECKING:
    import geopandas as gpd

    from gridgov.network import Direction

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
    cli_assign.add_commands(command, workspace)


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


def _minutes(text: str) -> list[float]:
    try:
        return [float(part) for part in text.replace("，", ",").split(",")]
    except ValueError:
        raise ParameterError(f"--minutes takes numbers, such as {MINUTES}, not '{text}'") from None


def _isochrone(arguments: argparse.Namespace) -> int:
    from gridgov.operations.service_areas import isochrone_at

    (lon, lat), minutes, mode = position(arguments.at), _minutes(arguments.minutes), TravelMode(arguments.mode)
    workspace, person = cli_assign.opened(arguments)
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
