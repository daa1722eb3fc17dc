"""Findings alone: of an import file, of a workspace, or of a single data file. Nothing is written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from gridgov.errors import SourceError
from gridgov.layers import District, ImportLayer, import_raster, load_specs, read_import_file, read_osm_roads
from gridgov.model import Finding
from gridgov.operations.findings import findings_of
from gridgov.operations.importing import read_and_check
from gridgov.workspace import MANIFEST, open_workspace, utc_now

Bounds = tuple[float, float, float, float]
Progress = Callable[[str, float], None]


def check_path(
    path: Path, *, kind: str | None = None, source_layer: str | None = None, progress: Progress | None = None
) -> list[Finding]:
    """Return what the checks find.

    Parameters
    ----------
    path : Path
        An import file (.toml), a workspace folder, or one data file together with its `kind`.
    kind : str, optional
        Layer kind of a single data file.
    source_layer : str, optional
        Layer inside a single data file that has several.

    Raises
    ------
    SourceError, SpecError
        The path is none of these, or a source as a whole cannot be used.
    """
    tell = progress or (lambda text, fraction: None)
    if path.is_dir():
        if not (path / MANIFEST).is_file():
            raise SourceError(f"{path}: no workspace in this folder; give a workspace, an import file or a data file")
        workspace = open_workspace(path)
        workspace.check_files()
        return findings_of(workspace.findings)
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder")
    if path.suffix == ".toml":
        plan = read_import_file(path)
        return _check_items(plan.layers, plan.bounds, plan.as_of or utc_now(), tell)
    if kind is None:
        raise SourceError(f"{path}: say what it holds, for example --kind grids; known are {', '.join(load_specs())}")
    return _check_items(
        (ImportLayer(layer_id=kind, kind=kind, source=path, source_layer=source_layer),), None, utc_now(), tell
    )


def _check_items(items: tuple[ImportLayer, ...], bounds: Bounds | None, now: datetime, tell: Progress) -> list[Finding]:
    specs = load_specs()
    findings: list[Finding] = []
    for position, item in enumerate(sorted(items, key=lambda item: item.kind != "grids")):
        tell(f"{item.layer_id}: {item.source.name}", position / len(items))
        if item.kind == "roads":
            findings += read_osm_roads(item.source).graph["findings"]
        elif item.kind in specs and specs[item.kind].geometry == "raster":
            with tempfile.TemporaryDirectory() as folder:
                findings += import_raster(item, specs[item.kind], Path(folder) / "raster.tif", bounds=bounds)
        else:
            _, result = read_and_check(item, specs, District(bounds=bounds), now)
            findings += result.findings
            if item.kind == "grids" and bounds is None:
                west, south, east, north = (float(v) for v in result.frame.total_bounds)
                bounds = west, south, east, north
    return findings
