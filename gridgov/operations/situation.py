"""What is at a place, as far as a person may see it: the facts that a click shows, and which incident it means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.warp import transform

from gridgov.crs import WGS84
from gridgov.dispatch import Roster
from gridgov.i18n import Lang
from gridgov.model import WorkerStatus
from gridgov.model.rights import Person, Right
from gridgov.operations.board import board_of
from gridgov.operations.crew import crew_of
from gridgov.operations.dispatching import grid_code_at
from gridgov.workspace import Workspace

RESOURCES = "natural_resources"
_METRES_PER_DEGREE = 111_195.0  # of a great circle of the mean Earth radius


@dataclass(frozen=True)
class GridFacts:
    """One grid and what it belongs to. Numbers are None where they are not known."""

    grid_code: str
    name: str
    community: dict[str, str]
    street: dict[str, str]
    persons: int | None
    households: int | None


@dataclass(frozen=True)
class WorkerFacts:
    """One worker, as a panel shows them. `reason` is empty for who can go now, else a code (off_shift, busy)."""

    worker_id: str
    name: str
    mode: str
    skills: tuple[str, ...]
    shift: str
    reason: str


@dataclass(frozen=True)
class PlaceFacts:
    """Everything the workspace knows about a point.

    `resources` holds (layer id, class, names by language) for every natural-resource polygon there; `land_cover` is the
    class of the land-cover raster as text.
    """

    lon: float
    lat: float
    grid: GridFacts | None
    elevation_m: float | None
    land_cover: str | None
    resources: tuple[tuple[str, str, dict[str, str]], ...]


def place_facts(workspace: Workspace, lon: float, lat: float) -> PlaceFacts:
    """Return what is known about a point."""
    cover = _raster_value(workspace, "land_cover", lon, lat)
    return PlaceFacts(
        lon=lon,
        lat=lat,
        grid=_grid_facts(workspace, grid_code_at(workspace, lon, lat)),
        elevation_m=_raster_value(workspace, "elevation", lon, lat),
        land_cover=None if cover is None else str(int(cover)),
        resources=_resources(workspace, lon, lat),
    )


def workers_at(workspace: Workspace, person: Person, lon: float, lat: float, *, within_m: float) -> list[WorkerFacts]:
    """Return the workers who stand at a point, for a click on their mark."""
    crew = crew_of(workspace)
    roster, on_shift = crew.roster, crew.roster.on_shift(workspace.now())
    seen = crew.seen_by(person, Right.WORKER_READ) & crew.seen_by(person, Right.POSITION_READ)
    near = seen & (_distance_m(roster.lon, roster.lat, lon, lat) <= within_m)
    return [
        WorkerFacts(
            worker_id=str(roster.worker_id[row]),
            name=str(roster.name[row]),
            mode=str(roster.mode[row]),
            skills=roster.skills[row],
            shift=roster.shift_texts[row],
            reason=""
            if on_shift[row] and roster.status[row] == str(WorkerStatus.FREE)
            else _why(roster, row, on_shift),
        )
        for row in np.flatnonzero(near).tolist()
    ]


def incident_near(workspace: Workspace, person: Person, lon: float, lat: float, *, within_m: float) -> str | None:
    """Return the id of the shown incident nearest to a point, or None if none lies within a distance."""
    board = board_of(workspace)
    distance_m = np.where(board.seen_by(person), _distance_m(board["lon"], board["lat"], lon, lat), np.inf)
    if not len(board) or distance_m.min() > within_m:
        return None
    return str(board["incident_id"][int(np.argmin(distance_m))])


def land_cover_name(workspace: Workspace, facts: PlaceFacts, lang: Lang) -> str:
    """Return the name of the land cover at a place; empty where it is not known."""
    if facts.land_cover is None:
        return ""
    names = workspace.spec("land_cover").class_names.get(facts.land_cover)
    return names[lang] if names else facts.land_cover


def division_names(workspace: Workspace) -> dict[str, dict[str, str]]:
    """Return division code → name by language; empty without a layer of divisions."""
    if not workspace.has("divisions"):
        return {}
    return workspace.cached("division_names", lambda: _division_names(workspace))


def name_in(names: dict[str, str], lang: Lang) -> str:
    """Return a name in a language, or in the other one if that is all there is."""
    return names.get(lang) or names.get("zh") or ""


def _why(roster: Roster, row: int, on_shift: NDArray[np.bool_]) -> str:
    return "busy" if on_shift[row] and roster.status[row] == str(WorkerStatus.BUSY) else "off_shift"


def _distance_m(lons: NDArray[np.float64], lats: NDArray[np.float64], lon: float, lat: float) -> NDArray[np.float64]:
    """Return distances over a few kilometres, where the Earth is flat enough."""
    east = (lons - lon) * np.cos(np.radians(lat))
    return np.asarray(np.hypot(east, lats - lat) * _METRES_PER_DEGREE)


def _grid_facts(workspace: Workspace, grid_code: str | None) -> GridFacts | None:
    if grid_code is None:
        return None
    grids = workspace.layer("grids")
    row = grids[(grids["grid_code"] == grid_code).to_numpy(dtype=bool)].iloc[0]
    names = division_names(workspace)

    def division(column: str) -> dict[str, str]:
        code = _text(row.get(column))
        return names.get(code, {"zh": code, "en": code})

    return GridFacts(
        grid_code=grid_code,
        name=_text(row.get("name")),
        community=division("community_code"),
        street=division("street_code"),
        persons=_count(row.get("persons")),
        households=_count(row.get("households")),
    )


def _division_names(workspace: Workspace) -> dict[str, dict[str, str]]:
    frame = workspace.layer("divisions")
    english = frame["name_en"] if "name_en" in frame else frame["name"]
    return {
        str(code): {"zh": _text(zh), "en": _text(en) or _text(zh)}
        for code, zh, en in zip(frame["division_code"], frame["name"], english, strict=True)
    }


def _resources(workspace: Workspace, lon: float, lat: float) -> tuple[tuple[str, str, dict[str, str]], ...]:
    point = shapely.Point(lon, lat)
    found = []
    for layer_id in workspace.layer_ids:
        spec = workspace.spec(layer_id)
        if spec.group != RESOURCES or spec.geometry == "raster":
            continue
        frame = workspace.layer(layer_id)
        for position in frame.sindex.query(point, predicate="intersects")[:1]:
            row = frame.iloc[int(position)]
            code = _text(row.get("class_code"))
            known = spec.class_names.get(code)
            own = _text(row.get("class_name")) or code
            found.append((layer_id, code, dict(known) if known else {"zh": own, "en": own}))
    return tuple(found)


def _raster_value(workspace: Workspace, layer_id: str, lon: float, lat: float) -> float | None:
    """Return the raster's cell at a point, or None outside it or where it has no data."""
    if not workspace.has(layer_id):
        return None
    with rasterio.open(workspace.raster_path(layer_id)) as raster:
        xs, ys = transform(WGS84, raster.crs, [lon], [lat])
        left, bottom, right, top = raster.bounds
        if not (left <= xs[0] <= right and bottom <= ys[0] <= top):
            return None
        value = next(raster.sample([(xs[0], ys[0])], masked=True))[0]
    return None if np.ma.is_masked(value) or not np.isfinite(value) else float(value)


def _count(value: object) -> int | None:
    return None if value is None or pd.isna(value) else int(value)  # type: ignore[call-overload]


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)  # type: ignore[call-overload]
