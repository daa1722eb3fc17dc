"""Files → a workspace, all or nothing.

Everything is written aside, into a folder of its own; then one atomic replacement of the manifest makes it the
workspace. A fault of a whole source, a crash or a stop before that leaves what was there untouched.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from gridgov.crs import metric_crs
from gridgov.errors import SourceError, SpecError
from gridgov.i18n import Lang
from gridgov.layers import (
    CheckResult,
    ImportLayer,
    ImportPlan,
    import_raster,
    load_specs,
    read_import_file,
    read_layer,
    read_osm_roads,
    write_aside,
)
from gridgov.maps.tiles import build_tiles
from gridgov.model import Finding, FindingLevel, LayerSpec
from gridgov.network import RoadNetwork
from gridgov.operations.districts import DistrictCheck, check_grids, facts_of, join_population, locate_points
from gridgov.workspace import MANIFEST, LayerEntry, Manifest, utc_now

if TYPE_CHECKING:
    import geopandas as gpd

Bounds = tuple[float, float, float, float]
Progress = Callable[[str, float], None]
_FIRST = {"grids": 0, "roads": 1, "population": 2}  # grids give the district's bounds, roads the next best


@dataclass(frozen=True)
class ImportReport:
    """What an import made: the layers, some facts to compare with the source, and every finding."""

    directory: Path
    names: dict[str, str]
    layers: tuple[LayerEntry, ...]
    facts: dict[str, int]
    findings: tuple[Finding, ...]
    aside_directory: Path

    def name(self, lang: Lang) -> str:
        """Return the district's name."""
        return self.names[lang]

    def to_dict(self, lang: Lang) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        return {
            "workspace": str(self.directory),
            "layers": [{"id": e.layer_id, "kind": e.kind, "rows": e.rows, "aside": e.aside, "findings": e.findings} for e in self.layers],
            "facts": self.facts,
            "findings": [finding.to_dict(lang) for finding in self.findings],
        }


def import_workspace(
    directory: Path, import_file: Path, *, progress: Progress | None = None, clock: Callable[[], datetime] = utc_now
) -> ImportReport:
    """Import the sources that an import file names into a workspace folder.

    Parameters
    ----------
    directory : Path
        The workspace; made if it is not there, replaced as a whole if it is.
    import_file : Path
        TOML; see docs/importing.md.
    progress : callable, optional
        Called with (what is being done, fraction 0 … 1).
    clock : callable, optional
        Gives `imported_at`.

    Returns
    -------
    ImportReport

    Raises
    ------
    SpecError
        The import file is wrong.
    SourceError
        A source as a whole cannot be used; the folder stays as it was.
    """
    tell = progress or (lambda text, fraction: None)
    plan = read_import_file(import_file)
    with _written_aside(directory) as part:
        run = _ImportRun(plan, part, tell)
        for item in sorted(plan.layers, key=lambda layer: _FIRST.get(layer.kind, 9)):
            run.take(item)
        manifest = run.finish(clock())
        report = ImportReport(
            directory=directory,
            names=dict(plan.names),
            layers=manifest.layers,
            facts=manifest.facts,
            findings=tuple(run.findings),
            aside_directory=directory / manifest.data / "aside",
        )
        _publish(directory, part, manifest)
    tell("done", 1.0)
    return report


def import_sample(directory: Path, *, size: str = "district", progress: Progress | None = None) -> ImportReport:
    """Write the sample district's source files to `directory`/sources and import them like everyone's."""
    from gridgov.sample import write_sample

    tell = progress or (lambda text, fraction: None)
    import_file = write_sample(directory / "sources", size=size, progress=lambda text, f: tell(text, 0.5 * f))
    return import_workspace(directory, import_file, progress=lambda text, f: tell(text, 0.5 + 0.5 * f))


def read_and_check(item: ImportLayer, specs: dict[str, LayerSpec], bounds: Bounds | None) -> tuple[LayerSpec, CheckResult]:
    """Read one vector or table source and check its rows, grid codes and topology included."""
    spec = _spec_of(item, specs)
    result = read_layer(item, spec, bounds=bounds)
    if item.kind == "grids":
        result = check_grids(result, spec, item.layer_id)
    return spec, result


class _ImportRun:
    """One import under way: takes layer after layer into a folder that is not yet a workspace."""

    def __init__(self, plan: ImportPlan, part: Path, tell: Progress) -> None:
        self.plan, self.part, self.tell = plan, part, tell
        self.specs = load_specs()
        self.bounds: Bounds | None = plan.bounds
        self.findings: list[Finding] = []
        self.entries: dict[str, LayerEntry] = {}
        self.facts: dict[str, int] = {}
        self.district = DistrictCheck()
        self.seen: list[Bounds] = []
        for name in ("layers", "rasters", "tiles", "aside"):
            (part / name).mkdir()

    def take(self, item: ImportLayer) -> None:
        """Read, check and write one source."""
        fraction = len(self.entries) / (len(self.plan.layers) + 1)
        self.tell(f"{item.layer_id}: {item.source.name}", fraction)
        spec = _spec_of(item, self.specs)
        if item.kind == "roads":
            self._take_roads(item, spec, fraction)
        elif spec.geometry == "raster":
            self._take_raster(item, spec)
        else:
            self._take_frame(item)

    def finish(self, imported_at: datetime) -> Manifest:
        """Write the findings and return the manifest of what was taken."""
        self.tell("findings and facts", 0.98)
        bounds = self.bounds or _union(self.seen)
        if bounds is None:
            raise SourceError(f"{self.plan.path}: no layer says where the district is; add roads, grids or bounds to [workspace]")
        self.facts.update(facts_of(self.district))
        _findings_frame(self.findings).to_parquet(self.part / "findings.parquet", index=False)
        counts = pd.Series([finding.layer for finding in self.findings], dtype=object).value_counts()
        layers = tuple(
            replace(self.entries[item.layer_id], findings=int(counts.get(item.layer_id, 0))) for item in self.plan.layers
        )
        version = _digest(self.part)
        return Manifest(
            workspace_id=self.plan.workspace_id,
            names=dict(self.plan.names),
            timezone=self.plan.timezone,
            metric_crs=self.plan.metric_crs or metric_crs((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2),
            bounds=bounds,
            version=version,
            data=f"data-{version}",
            imported_at=imported_at.isoformat(timespec="seconds"),
            as_of=self.plan.as_of.isoformat() if self.plan.as_of else None,
            layers=layers,
            facts=self.facts,
        )

    def _take_roads(self, item: ImportLayer, spec: LayerSpec, fraction: float) -> None:
        if (self.part / "network.npz").exists():
            raise SpecError(f"{self.plan.path}: a workspace has one layer of roads; '{item.layer_id}' is the second")
        graph = read_osm_roads(item.source, progress=lambda text, f: self.tell(text, fraction))
        network = RoadNetwork.from_graph(graph)
        network.save(self.part / "network.npz")
        roads = network.to_frame()
        self._write_frame(item, spec, roads, aside=0)
        self.bounds = self.bounds or _frame_bounds(roads)
        self.facts.update(road_nodes=network.n_nodes, road_edges=network.n_edges)

    def _take_raster(self, item: ImportLayer, spec: LayerSpec) -> None:
        findings = import_raster(item, spec, self.part / "rasters" / f"{item.layer_id}.tif", bounds=self.bounds)
        self.findings.extend(findings)
        self._enter(item, spec, rows=1, aside=0)

    def _take_frame(self, item: ImportLayer) -> None:
        spec, result = read_and_check(item, self.specs, self.bounds)
        frame = result.frame
        self.findings.extend(result.findings)
        if item.kind == "grids":
            self.district = DistrictCheck(frame)
            self.bounds = self.bounds or _frame_bounds(frame)
        elif item.kind == "population":
            self._join_population(item, frame)
        elif spec.geometry == "point":
            frame, findings = locate_points(frame, self.district, item.layer_id)
            self.findings.extend(findings)
        if len(result.aside):
            write_aside(self.part / "aside" / f"{item.layer_id}.csv", result.aside)
        self._write_frame(item, spec, frame, aside=len(result.aside))

    def _join_population(self, item: ImportLayer, population: pd.DataFrame) -> None:
        """Write persons and households into the grids, which were taken before."""
        grids, findings = join_population(self.district, population, item.layer_id)
        self.findings.extend(findings)
        if grids is not None:
            self.district = DistrictCheck(grids)
            grids.to_parquet(self.part / "layers" / "grids.parquet", index=False)

    def _write_frame(self, item: ImportLayer, spec: LayerSpec, frame: gpd.GeoDataFrame, *, aside: int) -> None:
        frame.to_parquet(self.part / "layers" / f"{item.layer_id}.parquet", index=False)
        if spec.geometry in {"polygon", "line", "any"}:
            build_tiles(frame, self.part / "tiles" / f"{item.layer_id}.pmtiles", spec=spec)
        if spec.geometry != "table" and len(frame):
            self.seen.append(_frame_bounds(frame))
        self._enter(item, spec, rows=len(frame), aside=aside)

    def _enter(self, item: ImportLayer, spec: LayerSpec, *, rows: int, aside: int) -> None:
        self.entries[item.layer_id] = LayerEntry(
            layer_id=item.layer_id,
            kind=item.kind,
            rows=rows,
            aside=aside,
            findings=0,
            source=item.source.name,
            names=dict(spec.names),
            geometry=spec.geometry,
            code_scheme=spec.code_scheme,
        )


def _spec_of(item: ImportLayer, specs: dict[str, LayerSpec]) -> LayerSpec:
    if item.kind not in specs:
        raise SpecError(f"layer '{item.layer_id}': unknown kind '{item.kind}'; known are {', '.join(specs)}")
    spec = specs[item.kind]
    return spec if item.code_scheme is None else replace(spec, code_scheme=item.code_scheme)


def _frame_bounds(frame: gpd.GeoDataFrame) -> Bounds:
    west, south, east, north = (float(v) for v in frame.total_bounds)
    return west, south, east, north


def _union(boxes: list[Bounds]) -> Bounds | None:
    if not boxes:
        return None
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def _findings_frame(findings: list[Finding]) -> pd.DataFrame:
    columns = {
        "layer": "string", "row": "Int64", "field": "string", "rule": "string", "level": "string", "action": "string",
        "key": "string", "detail": "string",
    }  # fmt: skip
    rows = [
        (f.layer, f.row, f.field, f.rule, str(f.level), str(f.action), f.key, json.dumps(f.detail, ensure_ascii=False))
        for f in findings
    ]
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def findings_of(frame: pd.DataFrame) -> list[Finding]:
    """Return the findings that a workspace keeps as records again."""
    from gridgov.model import FindingAction

    return [
        Finding(
            layer=row.layer,
            row=None if pd.isna(row.row) else int(row.row),
            field=None if pd.isna(row.field) else row.field,
            rule=row.rule,
            level=FindingLevel(row.level),
            action=FindingAction(row.action),
            key=None if pd.isna(row.key) else row.key,
            detail=json.loads(row.detail),
        )
        for row in frame.itertuples(index=False)
    ]


def _digest(part: Path) -> str:
    """Return 12 hex digits over everything written, so that the same sources give the same version."""
    sha = hashlib.sha256()
    for file in sorted(p for p in part.rglob("*") if p.is_file()):
        sha.update(str(file.relative_to(part)).encode())
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                sha.update(chunk)
    return sha.hexdigest()[:12]


@contextmanager
def _written_aside(directory: Path) -> Iterator[Path]:
    """Give a folder beside the data to write into; remove it, and a folder we made for it, if anything goes wrong."""
    existed = directory.exists()
    if existed and not directory.is_dir():
        raise SourceError(f"{directory}: is a file; give a folder for the workspace")
    directory.mkdir(parents=True, exist_ok=True)
    _sweep(directory, older_than_s=86_400.0, pattern=".import-*")
    part = Path(tempfile.mkdtemp(prefix=".import-", dir=directory))
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if not existed and not (directory / MANIFEST).exists():
            shutil.rmtree(directory, ignore_errors=True)


def _publish(directory: Path, part: Path, manifest: Manifest) -> None:
    """Make the written folder the workspace: rename it, replace the manifest, then remove the data it replaces."""
    data = directory / manifest.data
    if not data.exists():  # else the same content was imported before: keep it
        part.rename(data)
    fresh = directory / f".{MANIFEST}.new"
    with fresh.open("w", encoding="utf-8") as file:
        file.write(manifest.to_json())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(directory / MANIFEST)
    for old in directory.glob("data-*"):
        if old != data:  # renamed first: a half-removed folder must never pass for data of that version
            old.rename(directory / f".trash-{old.name}")
    _sweep(directory, older_than_s=0.0, pattern=".trash-*")


def _sweep(directory: Path, *, older_than_s: float, pattern: str) -> None:
    """Remove what an import that was killed has left behind."""
    for folder in directory.glob(pattern):
        if time.time() - folder.stat().st_mtime >= older_than_s:
            shutil.rmtree(folder, ignore_errors=True)
