"""Files → a workspace, all or nothing.

Everything is written aside, into a folder of its own; then one atomic replacement of the manifest makes it the
workspace. A fault of a whole source, a crash or a stop before that leaves what was there untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from gridgov.config import load_settings
from gridgov.crs import WGS84, area_error, metric_crs
from gridgov.errors import SourceError, SpecError
from gridgov.i18n import Lang
from gridgov.layers import (
    CheckResult,
    District,
    ImportLayer,
    ImportPlan,
    import_raster,
    load_specs,
    raster_place,
    read_import_file,
    read_layer,
    read_osm_roads,
    road_points,
    write_aside,
)
from gridgov.maps.tiles import build_tiles
from gridgov.model import Finding, FindingAction, LayerSpec
from gridgov.network import RoadNetwork
from gridgov.operations.adopting import adopt_incidents
from gridgov.operations.districts import DistrictCheck, check_grids, facts_of, join_population, locate_points
from gridgov.operations.findings import findings_frame
from gridgov.operations.publishing import digest, file_digest, publish, written_aside
from gridgov.sample import write_sample
from gridgov.workspace import LayerEntry, Manifest, open_workspace, utc_now

if TYPE_CHECKING:
    import geopandas as gpd

Bounds = tuple[float, float, float, float]
Progress = Callable[[str, float], None]
_AREA_ERROR_AT_MOST = 0.01
_WIDEST_DEGREES = 20.0  # of a layer that is drawn as a whole, for want of a district to cut it to
_SEE_ALL = "'gridgov check' on the import file prints all findings"
_ONLY_ONE = {"grids", "roads", "population"}
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
            "layers": [
                {"id": e.layer_id, "kind": e.kind, "rows": e.rows, "aside": e.aside, "findings": e.findings}
                for e in self.layers
            ],
            "facts": self.facts,
            "findings": [finding.to_dict(lang) for finding in self.findings],
        }


def import_workspace(
    directory: str | Path,
    import_file: str | Path,
    *,
    progress: Progress | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> ImportReport:
    """Import the sources that an import file names into a workspace folder.

    Parameters
    ----------
    directory : str or Path
        The workspace; made if it is not there, replaced as a whole if it is.
    import_file : str or Path
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
    StorageError
        The event store refused the incidents: the workspace is there, and the next start of its server takes them in.
    """
    tell = progress or (lambda text, fraction: None)
    directory, plan = Path(directory), read_import_file(Path(import_file))
    with written_aside(directory) as part:
        now = clock()
        run = _ImportRun(plan, part, tell, now)
        for item in sorted(plan.layers, key=lambda layer: _FIRST.get(layer.kind, 9)):
            run.take(item)
        manifest = run.finish()
        report = ImportReport(
            directory=directory,
            names=dict(plan.names),
            layers=manifest.layers,
            facts=manifest.facts,
            findings=(*run.findings, *run.older_findings),
            aside_directory=directory / manifest.data / "aside",
        )
        publish(directory, part, manifest)
    _adopt(directory, clock, tell)
    tell("done", 1.0)
    return report


def _adopt(directory: Path, clock: Callable[[], datetime], tell: Progress) -> None:
    """Take the incidents of the new workspace into its store, which outlives every import."""
    opened = open_workspace(directory, settings=load_settings(), clock=clock)
    if not opened.of_kind("incidents"):
        return
    try:
        adopt_incidents(opened, progress=lambda text, share: tell(text, 0.98 + 0.02 * share))
    finally:
        opened.store.close()


def import_sample(directory: str | Path, *, size: str = "district", progress: Progress | None = None) -> ImportReport:
    """Write the sample district's source files to `directory`/sources and import them like everyone's."""
    tell, directory = progress or (lambda text, fraction: None), Path(directory)
    (directory / "sources").mkdir(parents=True, exist_ok=True)  # a place that cannot be is said before the work
    import_file = write_sample(directory / "sources", size=size, progress=lambda text, f: tell(text, 0.5 * f))
    return import_workspace(directory, import_file, progress=lambda text, f: tell(text, 0.5 + 0.5 * f))


def read_and_check(
    item: ImportLayer, specs: dict[str, LayerSpec], place: District, now: datetime
) -> tuple[LayerSpec, CheckResult]:
    """Read one vector or table source and check its rows, grid codes and topology included.

    `now` tells times that lie in the future.
    """
    spec = _spec_of(item, specs)
    result = read_layer(item, spec, district=place, now=now)
    if item.kind == "grids":
        result = check_grids(result, spec, item.layer_id)
    return spec, result


class _ImportRun:
    """One import under way: takes layer after layer into a folder that is not yet a workspace."""

    def __init__(self, plan: ImportPlan, part: Path, tell: Progress, imported_at: datetime) -> None:
        self.plan, self.part, self.tell, self.imported_at = plan, part, tell, imported_at
        self.now = plan.as_of or imported_at
        self.specs = load_specs()
        self.place = District(bounds=plan.bounds)  # where rows are believed
        self.extent: Bounds | None = None  # what the map opens on
        self.roads_box: Bounds | None = None
        self.findings: list[Finding] = []
        self.entries: dict[str, LayerEntry] = {}
        self.facts: dict[str, int] = {}
        self.district = DistrictCheck()
        self.seen: list[Bounds] = []
        self.newest = {item.layer_id: max(_dates(plan, item.layer_id)) for item in plan.layers}
        self.older: list[LayerEntry] = []  # of layers with several dates
        self.older_findings: list[Finding] = []
        make_folders(part)

    def take(self, item: ImportLayer) -> None:
        """Read, check and write one source."""
        fraction = len(self.entries) / (len(self.plan.layers) + 1)
        self.tell(f"{item.layer_id}: {item.source.name}", fraction)
        spec = _spec_of(item, self.specs)
        refuse_future(item, max(self.now, self.imported_at))
        if item.kind in _ONLY_ONE and any(entry.kind == item.kind for entry in self.entries.values()):
            raise SpecError(
                f"{self.plan.path}: a workspace has one layer of kind '{item.kind}'; '{item.layer_id}' is the second"
            )
        if item.kind == "roads":
            self._take_roads(item, spec, fraction)
        elif item.date != self.newest[item.layer_id]:
            self._take_older(item, spec)
        else:
            self._take(item, spec)

    def _take(self, item: ImportLayer, spec: LayerSpec) -> None:
        if spec.geometry == "raster":
            self._take_raster(item, spec)
        else:
            self._take_frame(item)

    def _take_older(self, item: ImportLayer, spec: LayerSpec) -> None:
        """Take an earlier date of a layer into a folder of its own."""
        part, findings, entry = self.part, self.findings, self.entries.pop(item.layer_id, None)
        folder = f"older/{item.layer_id}-{item.date}"
        self.part, self.findings = part / folder, []
        make_folders(self.part)
        self._take(item, spec)
        findings_frame(self.findings).to_parquet(self.part / "findings.parquet", index=False)
        older = self.entries.pop(item.layer_id)
        self.older.append(replace(older, folder=folder, findings=len(self.findings)))
        self.older_findings += self.findings
        self.part, self.findings = part, findings
        if entry is not None:
            self.entries[item.layer_id] = entry

    def finish(self) -> Manifest:
        """Write the findings and return the manifest of what was taken."""
        self.tell("findings and facts", 0.98)
        bounds = self.extent or self.place.bounds or _union(self.seen)
        if bounds is None:
            raise SourceError(
                f"{self.plan.path}: no layer says where the district is; add roads, grids or bounds to [workspace]"
            )
        self.facts.update(facts_of(self.district))
        findings_frame(self.findings).to_parquet(self.part / "findings.parquet", index=False)
        counts = pd.Series([finding.layer for finding in self.findings], dtype=object).value_counts()
        layers = tuple(
            self._timed(self.entries[layer_id], findings=int(counts.get(layer_id, 0)))
            for layer_id in dict.fromkeys(item.layer_id for item in self.plan.layers)
        )
        version = digest(self.part)
        older = (replace(entry, folder=f"data-{version}/{entry.folder}") for entry in self.older)
        return Manifest(
            workspace_id=self.plan.workspace_id,
            names=dict(self.plan.names),
            timezone=self.plan.timezone,
            metric_crs=self._metric_crs(bounds),
            bounds=bounds,
            version=version,
            data=f"data-{version}",
            imported_at=self.imported_at.isoformat(timespec="seconds"),
            as_of=self.plan.as_of.isoformat() if self.plan.as_of else None,
            layers=layers,
            versions=tuple(self._timed(entry, findings=entry.findings) for entry in older),
            facts=self.facts,
        )

    def _timed(self, entry: LayerEntry, *, findings: int) -> LayerEntry:
        return replace(entry, findings=findings, added_at=self.imported_at.isoformat(timespec="seconds"))

    def _metric_crs(self, bounds: Bounds) -> str:
        """Return the CRS to measure in; one that does not fit the place would make every area wrong."""
        lon, lat = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
        given = self.plan.metric_crs
        if given is None:
            return metric_crs(lon, lat)
        off = area_error(given, lon, lat)
        if off > _AREA_ERROR_AT_MOST:
            raise SpecError(
                f"{self.plan.path}: metric_crs {given} gives areas here that are {off:.0%} off; "
                f"use {metric_crs(lon, lat)} or leave it out"
            )
        return given

    def _take_roads(self, item: ImportLayer, spec: LayerSpec, fraction: float) -> None:
        graph = read_osm_roads(item.source, progress=lambda text, f: self.tell(text, fraction))
        self.findings.extend(graph.graph["findings"])
        network = RoadNetwork.from_graph(graph)
        network.save(self.part / "network.npz")
        roads = network.to_frame()
        self.roads_box = _frame_bounds(roads)
        if self.extent is not None and not _touch(self.extent, _frame_bounds(roads)):
            raise SourceError(
                f"{item.source}: the roads ({_text(_frame_bounds(roads))}) lie nowhere near the grids "
                f"({_text(self.extent)}); give the roads of this district"
            )
        self._write_frame(item, spec, CheckResult(roads, pd.DataFrame(), [], WGS84))
        self.extent = self.extent or _frame_bounds(roads)
        self.place = replace(
            self.place, bounds=self.place.bounds or self.extent, roads_lonlat=road_points(roads.geometry.to_numpy())
        )
        self.facts.update(road_nodes=network.n_nodes, road_edges=network.n_edges)

    def _take_raster(self, item: ImportLayer, spec: LayerSpec) -> None:
        target = self.part / "rasters" / f"{item.layer_id}.tif"
        self.findings.extend(import_raster(item, spec, target, bounds=self.place.bounds))
        crs, bounds = raster_place(target)
        self._enter(item, spec, Content(target, 1, 0, crs, bounds))

    def _take_frame(self, item: ImportLayer) -> None:
        spec, result = read_and_check(item, self.specs, self.place, self.now)
        refuse_empty(item, result)
        frame = result.frame
        self.findings.extend(result.findings)
        if item.kind == "grids":
            self.district = DistrictCheck(frame)
            self.extent = _frame_bounds(frame)
            self.place = replace(self.place, bounds=self.place.bounds or self.extent)
        elif item.kind == "population":
            self._join_population(item, frame)
        elif spec.geometry == "point":
            frame, findings = locate_points(frame, self.district, item.layer_id)
            self.findings.extend(findings)
        self._write_frame(item, spec, replace(result, frame=frame))

    def _join_population(self, item: ImportLayer, population: pd.DataFrame) -> None:
        """Write persons and households into the grids, which were taken before."""
        grids, findings = join_population(self.district, population, item.layer_id)
        self.findings.extend(findings)
        if grids is not None:
            self.district = DistrictCheck(grids)
            grids.to_parquet(self.part / "layers" / "grids.parquet", index=False)

    def _write_frame(self, item: ImportLayer, spec: LayerSpec, result: CheckResult) -> None:
        within = self._drawn_within(item, spec, result)
        content = write_rows(self.part, item.layer_id, spec, result, within=within)
        if content.bounds is not None:
            self.seen.append(content.bounds)
        self._enter(item, spec, content)

    def _drawn_within(self, item: ImportLayer, spec: LayerSpec, result: CheckResult) -> Bounds | None:
        """Return the box that maps show: the district's and its roads'; one half of the world would never end."""
        if item.kind in {"grids", "roads"} or spec.geometry not in {"polygon", "line", "any"}:
            return None
        known = [box for box in (self.extent, self.place.bounds, self.roads_box) if box is not None]
        if known:
            return _union(known)
        west, south, east, north = _frame_bounds(result.frame)
        if max(east - west, north - south) > _WIDEST_DEGREES:
            raise SourceError(
                f"{item.source}: layer '{item.layer_id}' is {east - west:.0f} by {north - south:.0f} degrees wide, and "
                f"nothing says where the district is; add grids, roads or bounds to [workspace] of {self.plan.path}"
            )
        return None

    def _enter(self, item: ImportLayer, spec: LayerSpec, content: Content) -> None:
        self.entries[item.layer_id] = entry_of(item, spec, content)


@dataclass(frozen=True, slots=True)
class Content:
    """What was written of a layer: the file of its rows or cells, how many, and where they lie."""

    file: Path
    rows: int
    aside: int
    crs: str
    bounds: Bounds | None


def make_folders(part: Path) -> None:
    """Make the folders that hold layers, in a folder that is made, too."""
    for name in ("layers", "rasters", "tiles", "aside"):
        (part / name).mkdir(parents=True)


def write_rows(
    part: Path, layer_id: str, spec: LayerSpec, result: CheckResult, *, within: Bounds | None = None
) -> Content:
    """Write checked rows, their tiles (cut around the box `within`) and the rows kept aside below a folder."""
    frame = result.frame
    if len(result.aside):
        write_aside(part / "aside" / f"{layer_id}.csv", result.aside)
    file = part / "layers" / f"{layer_id}.parquet"
    frame.to_parquet(file, index=False)
    if spec.geometry in {"polygon", "line", "any"}:
        build_tiles(frame, part / "tiles" / f"{layer_id}.pmtiles", spec=spec, within=within)
    bounds = _frame_bounds(frame) if spec.geometry != "table" and len(frame) else None
    return Content(file, len(frame), len(result.aside), result.crs, bounds)


def entry_of(item: ImportLayer, spec: LayerSpec, content: Content) -> LayerEntry:
    """Return the manifest's line about what was written; its findings are counted later."""
    return LayerEntry(
        layer_id=item.layer_id,
        kind=item.kind,
        rows=content.rows,
        aside=content.aside,
        findings=0,
        source=item.source.name,
        names=dict(item.names or spec.names),
        geometry=spec.geometry,
        code_scheme=spec.code_scheme,
        licence=item.licence or spec.licence,
        date=item.date,
        crs=content.crs,
        bounds=content.bounds,
        digest=file_digest(content.file),
    )


def refuse_future(item: ImportLayer, now: datetime) -> None:
    """A date says what time the content shows; one to come would hide every true version until then.

    Raises
    ------
    SourceError
        The year, month or day begins after `now`, by the layer's local time.
    """
    today = now.astimezone(ZoneInfo(item.timezone)).date().isoformat()
    if item.date > today:
        raise SourceError(
            f"{item.source}: the date {item.date} of layer '{item.layer_id}' is still to come (today is {today}); give "
            f"the date of survey, or of a plan the date it was made, and write the year it aims at in its name",
            code="date_future",
            fields={"date": item.date, "today": today},
        )


def _dates(plan: ImportPlan, layer_id: str) -> list[str]:
    return [item.date for item in plan.layers if item.layer_id == layer_id]


def refuse_empty(item: ImportLayer, result: CheckResult, *, advice: str = _SEE_ALL) -> None:
    """A layer of which no row can be used is a fault of the whole source."""
    if not len(result.frame):
        first = next((f for f in result.findings if f.action == FindingAction.ASIDE), None)
        said = first.message("en") if first else "no reason found"
        count = len(result.aside)
        raise SourceError(
            f"{item.source}: none of the {count} rows of layer '{item.layer_id}' can be used (the first: {said}); "
            f"{advice}",
            code="no_row",
            fields={"count": str(count), "reason": f"{first.message('zh')} / {said}" if first else said},
        )


def _spec_of(item: ImportLayer, specs: dict[str, LayerSpec]) -> LayerSpec:
    if item.kind not in specs:
        raise SpecError(f"layer '{item.layer_id}': unknown kind '{item.kind}'; known are {', '.join(specs)}")
    spec = specs[item.kind]
    return spec if item.code_scheme is None else replace(spec, code_scheme=item.code_scheme)


def _frame_bounds(frame: gpd.GeoDataFrame) -> Bounds:
    west, south, east, north = (float(v) for v in frame.total_bounds)
    return west, south, east, north


def _touch(a: Bounds, b: Bounds) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _text(box: Bounds) -> str:
    return ", ".join(f"{value:.3f}" for value in box)


def _union(boxes: list[Bounds]) -> Bounds | None:
    if not boxes:
        return None
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)
