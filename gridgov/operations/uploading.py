"""图层入库: a file that somebody sends becomes a version of a layer, by the very checks of an import; nothing is lost.

Rows in = rows in the layer + rows kept aside, always; the file itself is kept beside them. What cannot be used as a
whole is refused in one sentence, and the workspace stays as it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyproj
import pyproj.exceptions

from gridgov.errors import GridgovError, ParameterError, SourceError, SpecError, StorageError, UploadError
from gridgov.layers import (
    MAX_BYTES,
    SUFFIXES,
    CheckResult,
    District,
    ImportLayer,
    import_raster,
    load_specs,
    plain_name,
    raster_facts,
    raster_place,
    read_layer,
    road_points,
    unpack,
    vector_facts,
)
from gridgov.layers.import_file import check_date
from gridgov.model import Finding, LayerSpec
from gridgov.model.rights import Person
from gridgov.operations.catalogue import require_layers
from gridgov.operations.districts import DistrictCheck, locate_points
from gridgov.operations.findings import findings_frame
from gridgov.operations.importing import Content, entry_of, make_folders, refuse_empty, refuse_future, write_rows
from gridgov.operations.publishing import publish_version, written_aside
from gridgov.workspace import LayerEntry, Workspace

MAX_CELLS = 500_000_000
# What the daily work stands on comes by `gridgov init` alone, all of it together.
NOT_HERE = frozenset(
    {"roads", "grids", "divisions", "population", "workers", "incidents", "shelters", "sensors"}
)  # fmt: skip
_RASTERS = (".tif", ".tiff")
_FAR_RULES = frozenset({"area_far_away", "outside_district"})
_FEW = 12
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerUpload:
    """What the person says about a file; an import file says the same in ``[[layer]]`` (docs/importing.md).

    Attributes
    ----------
    kind : str
    layer_id : str
        Empty: the kind. A second layer of a kind begins with it: ``land-survey``.
    names : mapping
        In each language; empty: those of the kind, or of the layer that is there.
    date : str
        What time the content shows: ``2025``, ``2025-06``, ``2025-06-30``; empty: today's version.
    crs : str
        Where the file names none.
    source_layer : str
        Where the file holds several.
    fields : mapping
        Field -> column of the file, where the names differ.
    """

    kind: str
    layer_id: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    date: str = ""
    licence: str = ""
    crs: str = ""
    source_layer: str = ""
    encoding: str = ""
    x: str = ""
    y: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    gcj02: bool = False


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """What a file holds, before anything is checked.

    Attributes
    ----------
    layers, columns : tuple of str
        Of a vector file; columns of its first layer. A raster has neither.
    crs : str
        Empty: the file declares none.
    rows : int
        Or pixels of a raster.
    """

    name: str
    is_raster: bool
    layers: tuple[str, ...]
    columns: tuple[str, ...]
    crs: str
    rows: int


@dataclass(frozen=True, slots=True)
class UploadReport:
    """What became of an upload: the new version, and what the checks found. `entry.aside` rows are kept aside."""

    entry: LayerEntry
    findings: tuple[Finding, ...]

    @property
    def ref(self) -> str:
        """By which the version is asked for."""
        return f"{self.entry.layer_id}@{self.entry.version}"


def uploadable_kinds(workspace: Workspace) -> dict[str, LayerSpec]:
    """Return the kinds of layers that may be sent: kind -> specification."""
    return workspace.cached("uploadable", lambda: {k: s for k, s in load_specs().items() if k not in NOT_HERE})


def inspect_upload(workspace: Workspace, person: Person, file_name: str, content: bytes) -> UploadFacts:
    """Return what a file holds, so that the right questions can be asked; nothing is kept.

    Raises
    ------
    RightsError
        The person may not bring in layers.
    UploadError
        It is too large, or nothing that can be read.
    """
    require_layers(person)
    with written_aside(workspace.path) as part, _refusals(part, file_name):
        kept, data = _unpacked(part, file_name, content)
        return _facts(kept.name, data)


def upload_layer(
    workspace: Workspace,
    person: Person,
    file_name: str,
    content: bytes,
    upload: LayerUpload,
    *,
    progress: Progress | None = None,
) -> UploadReport:
    """Check a file and keep it as a version of a layer; the newest version by date is the one in use.

    GeoPackage, GeoJSON, zipped Shapefile (or a zip of one of the others), GeoTIFF and CSV are taken, up to 200 MB. The
    workspace as it is opened does not change; the next opening (`shared_workspace`) has the new version. The same
    content with the same date, sent again, is the version that is there.

    Raises
    ------
    RightsError
        The person may not bring in layers, or not for the whole workspace.
    UploadError
        The file cannot be taken; `code` and `fields` say why.
    ParameterError
        The kind, the id or the date cannot be.
    StorageError
        The disk refused; nothing was kept.
    """
    require_layers(person)
    spec = _spec_of(workspace, upload)
    layer_id = _layer_id(workspace, upload)
    tell = progress or (lambda text, share: None)
    with written_aside(workspace.path) as part, _refusals(part, file_name):
        make_folders(part)
        tell("read", 0.1)
        kept, data = _unpacked(part, file_name, content)
        _check_file_kind(spec, data)
        item = _item(workspace, upload, layer_id, data)
        refuse_future(item, max(workspace.now(), workspace.wall_now()))
        content_of, findings = _take(workspace, item, spec, part, tell)
        findings_frame(findings).to_parquet(part / "findings.parquet", index=False)
        shutil.rmtree(part / "unpacked", ignore_errors=True)
        entry = entry_of(replace(item, source=kept), spec, content_of)
        entry = replace(
            entry,
            findings=len(findings),
            added_at=workspace.wall_now().isoformat(timespec="seconds"),
            added_by=person.account_id,
        )
        tell("publish", 0.95)
        return UploadReport(publish_version(workspace.path, part, entry), tuple(findings))


def _take(
    workspace: Workspace, item: ImportLayer, spec: LayerSpec, part: Path, tell: Progress
) -> tuple[Content, list[Finding]]:
    if spec.geometry == "raster":
        width, height, crs = raster_facts(item.source)
        _check_cells(width, height)
        if not crs and not item.crs:
            raise _no_crs()
        target = part / "rasters" / f"{item.layer_id}.tif"
        found = import_raster(item, spec, target, bounds=workspace.bounds, progress=tell, must_fit=True)
        return Content(target, 1, 0, *raster_place(target)), found
    result = read_layer(item, spec, district=_district(workspace, spec), progress=tell, now=workspace.now())
    _refuse_far(result)
    refuse_empty(item, result, advice="correct the file and send it again")
    findings = list(result.findings)
    if spec.geometry == "point" and workspace.has("grids"):
        frame, outside = locate_points(result.frame, DistrictCheck(workspace.layer("grids")), item.layer_id)
        result, findings = replace(result, frame=frame), findings + outside
    content = write_rows(part, item.layer_id, spec, result, within=_drawn_within(workspace))
    _refuse_elsewhere(workspace, content, result)
    return content, findings


def _item(workspace: Workspace, upload: LayerUpload, layer_id: str, data: Path) -> ImportLayer:
    if upload.crs:
        try:
            pyproj.CRS.from_user_input(upload.crs)
        except pyproj.exceptions.CRSError as error:
            raise UploadError(
                f"the CRS '{upload.crs[:40]}' is unknown: write it as EPSG:4326", code="crs", fields={"crs": upload.crs}
            ) from error
    names = upload.names or (workspace.entry(layer_id).names if workspace.has(layer_id) else {})
    if data.suffix.lower() not in _RASTERS:
        _ask_for_crs(upload, data)
    return ImportLayer(
        layer_id=layer_id, kind=upload.kind, source=data, source_layer=upload.source_layer or None,
        crs=upload.crs or None, encoding=upload.encoding or None, fields=dict(upload.fields), x=upload.x or None,
        y=upload.y or None, licence=upload.licence or None, names=dict(names) or None, gcj02=upload.gcj02,
        date=upload.date, timezone=str(workspace.timezone), code_scheme=None,
    )  # fmt: skip


def _check_file_kind(spec: LayerSpec, data: Path) -> None:
    """Say which files a kind takes, before a reader says which it could read."""
    if (data.suffix.lower() in _RASTERS) is (spec.geometry == "raster"):
        return
    known = ", ".join(suffix for suffix in SUFFIXES if (suffix in _RASTERS) is (spec.geometry == "raster"))
    raise UploadError(
        f"layers of kind '{spec.kind}' are not taken from such a file: send one of {known}",
        code="file_kind",
        fields={"kind": f"{spec.name('zh')} / {spec.name('en')}", "known": known},
    )


def _ask_for_crs(upload: LayerUpload, data: Path) -> None:
    if data.suffix.lower() == ".csv" or upload.crs:
        return
    names, _, crs, _ = vector_facts(data)
    if len(names) > 1 and upload.source_layer not in names:
        listed = ", ".join(names[:_FEW])
        raise UploadError(
            f"the file holds several layers ({listed}): name one", code="several", fields={"names": listed}
        )
    if not crs:
        raise _no_crs()


def _unpacked(part: Path, file_name: str, content: bytes) -> tuple[Path, Path]:
    """Keep the file as it was sent, and return it and the data in it."""
    name = plain_name(file_name)
    if len(content) > MAX_BYTES:
        raise UploadError(
            f"the file has {len(content):,} bytes: send at most {MAX_BYTES:,}",
            too_large=True, code="too_large", fields={"most": f"{MAX_BYTES // 1024**2}"},
        )  # fmt: skip
    if not content:
        raise UploadError("the file is empty: send one with content", code="empty")
    kept = part / "source" / name
    kept.parent.mkdir()
    kept.write_bytes(content)
    if kept.suffix.lower() != ".zip":
        return kept, kept
    unpacked = part / "unpacked"
    unpacked.mkdir()
    return kept, unpack(kept, unpacked)


def _facts(name: str, data: Path) -> UploadFacts:
    if data.suffix.lower() in _RASTERS:
        width, height, crs = raster_facts(data)
        _check_cells(width, height)
        return UploadFacts(name, True, (), (), crs, width * height)
    layers, columns, crs, rows = vector_facts(data)
    crs = "" if data.suffix.lower() == ".csv" else crs
    return UploadFacts(name, False, tuple(layers), tuple(columns), crs, rows)


def _check_cells(width: int, height: int) -> None:
    if width * height > MAX_CELLS:
        raise UploadError(
            f"the raster has {width:,} x {height:,} cells: at most {MAX_CELLS:,} are taken here; "
            f"import it on the server instead",
            too_large=True, code="cells", fields={"most": f"{MAX_CELLS:,}"},
        )  # fmt: skip


def _spec_of(workspace: Workspace, upload: LayerUpload) -> LayerSpec:
    kinds = uploadable_kinds(workspace)
    if upload.kind not in kinds:
        why = "comes with an import alone (gridgov init)" if upload.kind in NOT_HERE else "is unknown"
        raise ParameterError(f"layers of kind '{upload.kind}': that kind {why}; send one of {', '.join(kinds)}")
    try:
        check_date(upload.date, "date")
    except SpecError as error:
        raise UploadError(str(error), code="date", fields={"date": upload.date[:20]}) from error
    return kinds[upload.kind]


def _layer_id(workspace: Workspace, upload: LayerUpload) -> str:
    layer_id = upload.layer_id or upload.kind
    plain = layer_id.replace("-", "").replace("_", "")
    if not (layer_id == upload.kind or layer_id.startswith(f"{upload.kind}-")) or not (
        plain.isascii() and plain.isalnum() and layer_id == layer_id.lower() and len(layer_id) <= 60
    ):
        raise UploadError(
            f"the id '{layer_id[:40]}' must be '{upload.kind}' or begin with '{upload.kind}-', in a-z, 0-9, - and _",
            code="id", fields={"kind": upload.kind},
        )  # fmt: skip
    if workspace.has(layer_id) and workspace.entry(layer_id).kind != upload.kind:
        raise ParameterError(f"layer '{layer_id}' is of kind '{workspace.entry(layer_id).kind}'; choose another id")
    return layer_id


def _district(workspace: Workspace, spec: LayerSpec) -> District:
    """What is known of the place; roads give away a GCJ-02 offset of points."""
    lines = None
    if spec.geometry == "point" and workspace.has_network:
        lines = workspace.cached("road points", lambda: road_points(workspace.layer("roads").geometry.to_numpy()))
    return District(bounds=workspace.bounds, roads_lonlat=lines)


def _drawn_within(workspace: Workspace) -> tuple[float, float, float, float]:
    """The box that maps show: the district's and its roads'."""
    roads = [workspace.entry(layer_id).bounds for layer_id in workspace.of_kind("roads")]
    boxes = [box for box in roads if box is not None]
    west, south, east, north = np.array([workspace.bounds, *boxes]).T
    return float(west.min()), float(south.min()), float(east.max()), float(north.max())


def _refuse_elsewhere(workspace: Workspace, content: Content, result: CheckResult) -> None:
    box, here = content.bounds, workspace.bounds
    if box is None or (box[0] <= here[2] and box[2] >= here[0] and box[1] <= here[3] and box[3] >= here[1]):
        return
    raise _elsewhere(len(result.frame), f"{box[0]:.3f}, {box[1]:.3f} – {box[2]:.3f}, {box[3]:.3f}")


def _refuse_far(result: CheckResult) -> None:
    """Rows that were all put aside for lying in another place: the CRS is wrong, or the file."""
    if len(result.frame) or not set(result.aside["rule"]) <= _FAR_RULES:
        return
    first = next(finding for finding in result.findings if finding.rule in _FAR_RULES)
    raise _elsewhere(len(result.aside), f"{first.detail['lon']}, {first.detail['lat']}")


def _elsewhere(count: int, place: str) -> UploadError:
    return UploadError(
        f"all {count} rows lie outside the district (at {place}): correct the CRS or send another file",
        code="elsewhere",
        fields={"place": place},
    )


def _no_crs() -> UploadError:
    return UploadError("the file names no CRS: say which it is, for example EPSG:4490 or EPSG:4326", code="no_crs")


@contextmanager
def _refusals(part: Path, file_name: str) -> Iterator[None]:
    """Say what the checks refuse as the fault of the file that was sent, by its own name."""
    try:
        yield
    except (SourceError, SpecError) as error:
        words = str(error)
        for path in sorted(part.rglob("*"), key=lambda path: -len(str(path))):
            words = words.replace(str(path), file_name.replace("\\", "/").rsplit("/", 1)[-1][:80])
        words = words.replace(" in the import file", "")
        code = error.code if isinstance(error, SourceError) else ""
        fields = error.fields if isinstance(error, SourceError) and code else {"detail": words}
        raise UploadError(words, code=code or "content", fields=fields) from error
    except OSError as error:  # errors of ours are among them
        if isinstance(error, GridgovError):
            raise
        raise StorageError(f"the layer could not be written ({error.strerror or error}); nothing was kept") from error
