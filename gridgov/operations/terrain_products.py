"""地形产品入库: slope, aspect, hillshade and viewshed made from a version of the elevation, kept as layers.

Each says what it was made from (`LayerEntry.made_from`): product, elevation and its digest, every parameter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from gridgov.analysis import terrain
from gridgov.errors import ParameterError
from gridgov.layers import ImportLayer, import_raster, load_specs, raster_place
from gridgov.layers.windows import Floats, MetricRaster, opened_metric, write_by_windows, write_part
from gridgov.model.rights import Person
from gridgov.operations.catalogue import require_layers
from gridgov.operations.findings import findings_frame
from gridgov.operations.importing import Content, entry_of, make_folders
from gridgov.operations.publishing import publish_version, written_aside
from gridgov.workspace import LayerEntry, Workspace

Progress = Callable[[str, float], None]
_MOST_PLACES = 50
_NOT_KNOWN = 255


class TerrainProduct(StrEnum):
    """What is made of elevation, cell by cell; each is a kind of layer."""

    SLOPE = "slope"
    ASPECT = "aspect"
    HILLSHADE = "hillshade"


@dataclass(frozen=True, slots=True)
class Sight:
    """A place from which one looks, (lon, lat), and how."""

    place: tuple[float, float]
    eye_m: float
    options: terrain.SightOptions

    @classmethod
    def of(
        cls,
        place: tuple[float, float],
        *,
        eye_m: float,
        target_m: float,
        radius_m: float,
        refraction: float,
        curvature: bool,
    ) -> Sight:
        """Return it of plain numbers, for faces that know no analysis."""
        options = terrain.SightOptions(radius_m, target_m, curvature, refraction)
        return cls(place, eye_m, options)


def make_terrain(
    workspace: Workspace,
    person: Person,
    product: TerrainProduct,
    *,
    elevation: str = "elevation",
    layer_id: str = "",
    height_unit: str = "m",
    sun: tuple[float, float] = (315.0, 45.0),
    progress: Progress | None = None,
) -> LayerEntry:
    """Make slope (degrees), aspect (degrees from north; -1 flat) or hillshade (0 to 255) and keep it as a layer.

    An elevation in degrees is warped to the metric CRS of the workspace first. It is read in windows, so its size does
    not matter. The same product of the same elevation is the version that is there.

    Parameters
    ----------
    elevation : str
        The layer, or a version of it, ``elevation@2020``.
    layer_id : str
        Of the product; empty: its kind.
    height_unit : str
        ``m``, ``ft`` or ``us-ft``.
    sun : tuple of float
        Azimuth and altitude, degrees; of hillshade.

    Raises
    ------
    RightsError
        The person may not make layers.
    LayerNotFoundError
        There is no such elevation.
    ParameterError
        It is no elevation, or a parameter cannot be.
    """
    require_layers(person)
    tell = progress or (lambda text, share: None)
    facts: dict[str, Any] = {"product": str(product), "method": "Horn 1981", "height_unit": height_unit}
    if product is TerrainProduct.HILLSHADE:
        facts |= {"azimuth_deg": sun[0], "altitude_deg": sun[1]}

    def write(raster: MetricRaster, target: Path) -> None:
        cells = terrain.ground_cells(raster.crs, raster.east, raster.north, height_unit=height_unit)
        makers: dict[TerrainProduct, Callable[[Floats], Floats]] = {
            TerrainProduct.SLOPE: lambda heights: terrain.slope_degrees(heights, cells),
            TerrainProduct.ASPECT: lambda heights: terrain.aspect_degrees(heights, cells),
            TerrainProduct.HILLSHADE: lambda heights: np.maximum(
                terrain.hillshade(heights, cells, azimuth_deg=sun[0], altitude_deg=sun[1]), 1.0
            ),
        }
        dtype, nodata = ("uint8", 0.0) if product is TerrainProduct.HILLSHADE else ("float32", -9999.0)
        write_by_windows(
            raster, target, makers[product], dtype=dtype, nodata=nodata, tell=lambda share: tell("make", 0.8 * share)
        )

    return _keep(workspace, person, (str(product), layer_id), elevation, facts, write)


def make_viewshed(
    workspace: Workspace,
    person: Person,
    places: Sequence[tuple[float, float]],
    *,
    eye_m: float = 1.7,
    options: terrain.SightOptions | None = None,
    elevation: str = "elevation",
    layer_id: str = "",
    height_unit: str = "m",
) -> LayerEntry:
    """Make the ground seen from places (lon, lat): how many of them see each cell; keep it as a layer.

    Parameters
    ----------
    eye_m : float
        Height of the eye above the ground.
    options : SightOptions, optional
        Radius (5 km), height of what is to be seen, curvature and refraction.

    Raises
    ------
    RightsError
        The person may not make layers.
    LayerNotFoundError
        There is no such elevation.
    ParameterError
        There is no place or more than 50, one lies where no elevation is known, or the radius is too large.
    """
    require_layers(person)
    chosen = options or terrain.SightOptions()
    if not 1 <= len(places) <= _MOST_PLACES:
        raise ParameterError(f"{len(places)} places to look from: give 1 to {_MOST_PLACES}")
    facts = {
        "product": "viewshed",
        "method": "Franklin and Ray 1994, R3",
        "places": [[round(lon, 7), round(lat, 7)] for lon, lat in places],
        "eye_m": eye_m,
        "height_unit": height_unit,
        **asdict(chosen),
    }

    def write(raster: MetricRaster, target: Path) -> None:
        cells = terrain.ground_cells(raster.crs, raster.east, raster.north, height_unit=height_unit)
        spots = [raster.place_of(lon, lat) for lon, lat in places]
        rows, columns = _about(raster, spots, cells, chosen.radius_m)
        heights = raster.read(rows, columns)
        observers = tuple(terrain.Observer(row - rows[0], column - columns[0], eye_m) for row, column in spots)
        seen = terrain.viewshed(heights, cells, observers, chosen)
        counts = np.where(seen < 0, _NOT_KNOWN, seen)
        write_part(raster, target, counts, (rows[0], columns[0]), dtype="uint8", nodata=_NOT_KNOWN)

    return _keep(workspace, person, ("viewshed", layer_id), elevation, facts, write)


def _about(
    raster: MetricRaster, spots: Sequence[tuple[float, float]], cells: terrain.GroundCells, radius_m: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the rows and columns (from, to) within the radius of any of the places."""
    height, width = raster.shape
    rows, columns = [row for row, _ in spots], [column for _, column in spots]
    tall, wide = radius_m / cells.north_m + 1, radius_m / cells.east_m + 1
    if not all(-0.5 <= row < height - 0.5 and -0.5 <= column < width - 0.5 for row, column in spots):
        raise ParameterError("a place to look from lies where the elevation model knows nothing; move it")
    top, bottom = max(0, int(min(rows) - tall)), min(height, int(max(rows) + tall) + 2)
    left, right = max(0, int(min(columns) - wide)), min(width, int(max(columns) + wide) + 2)
    if (bottom - top) * (right - left) > 4 * terrain.MOST_SIGHT_CELLS:
        raise ParameterError("the places lie too far apart or look too far: make several viewsheds")
    return (top, bottom), (left, right)


def _keep(
    workspace: Workspace,
    person: Person,
    kind_and_id: tuple[str, str],
    elevation: str,
    facts: dict[str, Any],
    write: Callable[[MetricRaster, Path], None],
) -> LayerEntry:
    """Write a product aside and publish it with what it was made from."""
    source = workspace.entry(elevation)
    if source.kind != "elevation":
        raise ParameterError(f"'{elevation}' is a layer of kind '{source.kind}'; name an elevation")
    kind = kind_and_id[0]
    spec, layer_id = load_specs()[kind], kind_and_id[1] or kind
    if not (layer_id == kind or layer_id.startswith(f"{kind}-")):
        raise ParameterError(f"the id '{layer_id[:40]}' must be '{kind}' or begin with '{kind}-'")
    made_from = {**facts, "elevation": f"{source.layer_id}@{source.version}", "elevation_digest": source.digest}
    with written_aside(workspace.path) as part:
        make_folders(part)
        plain = part / "product.tif"
        with opened_metric(workspace.raster_path(elevation), workspace.metric_crs) as raster:
            write(raster, plain)
        item = ImportLayer(layer_id=layer_id, kind=kind, source=plain, date=source.date, licence=source.licence or None)
        target = part / "rasters" / f"{layer_id}.tif"
        findings = import_raster(item, spec, target, bounds=None)
        plain.unlink()
        findings_frame(findings).to_parquet(part / "findings.parquet", index=False)
        entry = entry_of(item, spec, Content(target, 1, 0, *raster_place(target)))
        entry = replace(
            entry,
            source=f"{source.layer_id}@{source.version}",
            findings=len(findings),
            added_at=workspace.wall_now().isoformat(timespec="seconds"),
            added_by=person.account_id,
            made_from=json.dumps(made_from, ensure_ascii=False, sort_keys=True),
        )
        return publish_version(workspace.path, part, entry)
