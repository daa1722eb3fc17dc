"""Workspace = settings + store + layers + networks + clock: the one place that wires things together.

On disk a workspace is a folder:

    workspace.json       the manifest; replacing it is the one atomic step of an import
    data-<version>/      what the import made, never changed afterwards
        layers/<layer_id>.parquet    GeoParquet, WGS 84, checked
        rasters/<layer_id>.tif       Cloud-Optimised GeoTIFF
        tiles/<layer_id>.pmtiles     vector tiles
        network.npz                  the road network with all modes
        findings.parquet, aside/     what the checks found; rows kept aside, with the reason
    store.sqlite         the event log and the current state, unless the setting `store` names a database
    photos/              pictures that belong to incidents, named by their SHA-256
"""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd

from gridgov.config import Settings, load_settings
from gridgov.errors import LayerNotFoundError, StorageError, WorkspaceNotFoundError
from gridgov.grids import GridLocator
from gridgov.i18n import Lang
from gridgov.layers import load_specs
from gridgov.model import LayerSpec, TravelMode
from gridgov.model.clock import Clock
from gridgov.model.folding import fold
from gridgov.model.incident_classes import IncidentProfile
from gridgov.network import RoadNetwork
from gridgov.profiles import load_calendar, load_incident_profile
from gridgov.store import Store, open_store, workspace_store_url

MANIFEST = "workspace.json"
FORMAT = 1

_T = TypeVar("_T")


@dataclass(frozen=True)
class LayerEntry:
    """One layer of a workspace, as the manifest lists it."""

    layer_id: str
    kind: str
    rows: int
    aside: int
    findings: int
    source: str
    names: dict[str, str]
    geometry: str
    code_scheme: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Manifest:
    """What a workspace is: its names, place, clock and layers. Times are ISO 8601."""

    workspace_id: str
    names: dict[str, str]
    timezone: str
    metric_crs: str
    bounds: tuple[float, float, float, float]
    version: str
    data: str
    imported_at: str
    as_of: str | None = None
    layers: tuple[LayerEntry, ...] = ()
    facts: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the manifest as the text of workspace.json."""
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str, where: Path) -> Manifest:
        """Read workspace.json.

        Raises
        ------
        StorageError
            It is no manifest, or one of another format.
        """
        try:
            content = json.loads(text)
            if content.pop("format") != FORMAT:
                raise StorageError(f"{where}: made by another version of gridgov; import the workspace again")
            content["layers"] = tuple(LayerEntry(**entry) for entry in content["layers"])
            content["bounds"] = tuple(content["bounds"])
            return cls(**content)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise StorageError(f"{where}: the manifest is damaged ({error}); import the workspace again") from error


def utc_now() -> datetime:
    """Return the wall clock, aware UTC."""
    return datetime.now(UTC)


class Workspace:
    """An opened workspace. Frames it returns are shared by all users of the process: read them, never change them.

    Parameters
    ----------
    path : Path
        Its folder.
    manifest : Manifest
    settings : Settings
        Of which the workspace needs the URL of the store.
    clock : callable
        Gives the present, aware UTC; a sample with a frozen `as_of` does not ask it, unless `start_clock` was called.
    """

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        *,
        settings: Settings | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.settings = settings or Settings()
        self._clock = clock
        self._ahead = timedelta(0)
        self._ticking = manifest.as_of is None
        self._entries = {entry.layer_id: entry for entry in manifest.layers}
        self._specs = load_specs()
        self._loaded: dict[str, Any] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    # -- what it is ------------------------------------------------------------------------------------------------

    @property
    def data(self) -> Path:
        """The folder of imported data."""
        return self.path / self.manifest.data

    @property
    def version(self) -> str:
        """Changes with every import; part of every tile address."""
        return self.manifest.version

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north, degrees."""
        return self.manifest.bounds

    @property
    def metric_crs(self) -> str:
        """The CRS to measure areas and lengths in."""
        return self.manifest.metric_crs

    @property
    def timezone(self) -> ZoneInfo:
        """Local time of the district."""
        return ZoneInfo(self.manifest.timezone)

    def name(self, lang: Lang) -> str:
        """Return the district's name."""
        return self.manifest.names.get(lang) or next(iter(self.manifest.names.values()))

    def now(self) -> datetime:
        """Return the present for every decision: the frozen `as_of` of a sample, else the clock. Aware UTC."""
        if not self._ticking and self.manifest.as_of:
            return datetime.fromisoformat(self.manifest.as_of).astimezone(UTC)
        return self._clock() + self._ahead

    def wall_now(self) -> datetime:
        """Return the real time, also in a sample: for sessions, lock-outs and the limits of requests."""
        return self._clock()

    def start_clock(self) -> None:
        """Let a sample's clock run: from its `as_of`, or from the last event where that is later.

        A server calls it once, so that deadlines come nearer and no event is earlier than the one before it.
        """
        if self.manifest.as_of and not self._ticking:
            begin = datetime.fromisoformat(self.manifest.as_of).astimezone(UTC)
            try:
                last = next(self.store.events(after=self.store.head()[0] - 1), None)
            except StorageError:  # whoever needs the store will hear of it; the map does not
                last = None
            begin = begin if last is None else max(begin, last.at)
            self._ahead, self._ticking = begin - self._clock(), True

    as_of = now

    # -- layers ----------------------------------------------------------------------------------------------------

    @property
    def layer_ids(self) -> tuple[str, ...]:
        """Ids of all layers, in import order."""
        return tuple(self._entries)

    def has(self, layer_id: str) -> bool:
        """Return whether there is such a layer."""
        return layer_id in self._entries

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """Return the ids of the layers of a kind."""
        return tuple(entry.layer_id for entry in self._entries.values() if entry.kind == kind)

    def entry(self, layer_id: str) -> LayerEntry:
        """Return the manifest's line about a layer.

        Raises
        ------
        LayerNotFoundError
        """
        try:
            return self._entries[layer_id]
        except KeyError:
            raise LayerNotFoundError(
                f"workspace {self.path.name} has no layer '{layer_id}'; it has {', '.join(self._entries) or 'none'}"
            ) from None

    def spec(self, layer_id: str) -> LayerSpec:
        """Return the specification of a layer, with the names, licence and code scheme of its own source."""
        entry = self.entry(layer_id)
        return replace(self._specs[entry.kind], names=entry.names, code_scheme=entry.code_scheme, licence=entry.licence)

    def layer(self, layer_id: str) -> gpd.GeoDataFrame:
        """Return a vector layer (or a table without geometry as a plain frame), read once."""
        self.entry(layer_id)
        return self._once(f"layer:{layer_id}", lambda: self._read_frame(layer_id))

    def layers_of_kind(self, kind: str) -> gpd.GeoDataFrame | None:
        """Return all layers of a kind as one frame with a column `layer_id`, or None where there is none."""
        ids = self.of_kind(kind)
        return self._once(f"kind:{kind}", lambda: self._concat(ids)) if ids else None

    def raster_path(self, layer_id: str) -> Path:
        """Return the Cloud-Optimised GeoTIFF of a raster layer."""
        self.entry(layer_id)
        return self.data / "rasters" / f"{layer_id}.tif"

    def tiles_path(self, layer_id: str) -> Path:
        """Return the PMTiles file of a vector layer."""
        self.entry(layer_id)
        return self.data / "tiles" / f"{layer_id}.pmtiles"

    @property
    def findings(self) -> pd.DataFrame:
        """All findings of the import: layer, row, field, rule, level, action, key, detail (JSON)."""
        return self._once("findings", lambda: _read(self.data / "findings.parquet", pd.read_parquet))

    # -- what is computed from layers --------------------------------------------------------------------------------

    @property
    def has_network(self) -> bool:
        """Whether there are roads."""
        return bool(self.of_kind("roads"))

    def network(self, mode: TravelMode = TravelMode.DRIVE) -> RoadNetwork:
        """Return the road network as one travel mode sees it.

        Raises
        ------
        LayerNotFoundError
            The workspace has no roads.
        """
        return self._once(f"network:{mode}", lambda: self._base_network().for_mode(mode))

    @property
    def grid_locator(self) -> GridLocator | None:
        """Point → grid, or None in a workspace without grids."""
        return self._once("locator", lambda: GridLocator(self.layer("grids"))) if self.has("grids") else None

    # -- what happens ----------------------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The event log and current state, opened when it is first asked for.

        Raises
        ------
        StorageError
            The database cannot be reached or used.
        """
        return self._once("store", lambda: open_store(self.store_url, fold=fold))

    @property
    def store_url(self) -> str:
        """Where the store is: the setting, else the workspace's own SQLite file."""
        return self.settings.store or workspace_store_url(self.path)

    @property
    def incident_profile(self) -> IncidentProfile:
        """Classes, limits and agencies of the city."""
        return self._once("incident_profile", load_incident_profile)

    @property
    def incident_clock(self) -> Clock:
        """How handling is timed."""
        return self._once("incident_clock", lambda: load_calendar().clock)

    @property
    def photos(self) -> Path:
        """The folder of pictures: the setting, else one in the workspace."""
        return Path(self.settings.photos) if self.settings.photos else self.path / "photos"

    def cached(self, name: str, make: Callable[[], _T]) -> _T:
        """Return something an operation derives from this version of the data, made once for all users."""
        return self._once(f"derived:{name}", make)

    def check_files(self) -> None:
        """Read every file of the workspace.

        Raises
        ------
        StorageError
            One is missing or damaged.
        """
        for layer_id, entry in self._entries.items():
            if entry.geometry != "raster":
                self.layer(layer_id)
            elif not self.raster_path(layer_id).is_file():
                raise StorageError(_again(self.raster_path(layer_id), "is missing"))
        if self.has_network:
            self._base_network()
        _ = self.findings

    # -- inside ----------------------------------------------------------------------------------------------------

    def _base_network(self) -> RoadNetwork:
        if not self.has_network:
            raise LayerNotFoundError(
                f"workspace {self.path.name} has no roads; add a [[layer]] of kind 'roads' to its import file"
            )
        return self._once("network", lambda: _read(self.data / "network.npz", RoadNetwork.load))

    def _read_frame(self, layer_id: str) -> gpd.GeoDataFrame:
        kind = self.spec(layer_id).geometry
        if kind == "raster":
            raise LayerNotFoundError(f"layer '{layer_id}' of {self.path.name} is a raster, not a vector layer")
        file = self.data / "layers" / f"{layer_id}.parquet"
        return _read(file, pd.read_parquet if kind == "table" else gpd.read_parquet)

    def _concat(self, ids: Iterable[str]) -> gpd.GeoDataFrame:
        return pd.concat([self.layer(i).assign(layer_id=i) for i in ids], ignore_index=True)

    def _once(self, key: str, make: Callable[[], _T]) -> _T:
        """Make a thing once even if several sessions ask at the same moment; others wait for that one key only."""
        if key in self._loaded:
            return self._loaded[key]  # type: ignore[no-any-return]
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._loaded:
                self._loaded[key] = make()
            return self._loaded[key]  # type: ignore[no-any-return]


def _read(file: Path, reader: Callable[[Path], _T]) -> _T:
    """Read a file of the workspace; one that is gone or damaged is said to be so."""
    try:
        return reader(file)
    except FileNotFoundError:
        raise StorageError(_again(file, "is missing")) from None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:  # pyarrow's and numpy's errors are these
        raise StorageError(_again(file, f"cannot be read ({type(error).__name__})")) from error


def _again(file: Path, fault: str) -> str:
    return f"{file}: this file of the workspace {fault}; import the workspace again"


def open_workspace(
    path: str | Path, *, settings: Settings | None = None, clock: Callable[[], datetime] = utc_now
) -> Workspace:
    """Open a workspace folder. Layers are read when they are first asked for.

    Parameters
    ----------
    path : str or Path
    settings : Settings, optional
        Default: every setting as it comes, so a store inside the workspace.
    clock : callable
        Gives the present, aware UTC.

    Raises
    ------
    WorkspaceNotFoundError
        No workspace lies there.
    StorageError
        Its manifest is damaged or of another format.
    """
    folder = Path(path)
    file = folder / MANIFEST
    if not file.is_file():
        raise WorkspaceNotFoundError(
            f"{folder}: no workspace here; make one with 'gridgov sample {folder}' "
            f"or 'gridgov init {folder} --from import.toml'"
        )
    manifest = Manifest.from_json(file.read_text(encoding="utf-8"), file)
    return Workspace(folder, manifest, settings=settings, clock=clock)


_SHARED: dict[Path, tuple[tuple[int, ...], Workspace]] = {}
_SHARED_LOCK = threading.Lock()


def shared_workspace(path: str | Path) -> Workspace:
    """Return the one opened workspace of this process for a folder, so that console and routes share its frames.

    After a new import the next call opens the new version; who still holds the old one keeps what it has read. It has
    the settings of the process, and the clock of a sample runs.
    """
    folder = Path(path).absolute()
    with _SHARED_LOCK:
        known, mark = _SHARED.get(folder), _mark_of(folder / MANIFEST)
        if known is None or known[0] != mark:
            opened = open_workspace(folder, settings=load_settings())
            opened.start_clock()
            _SHARED[folder] = known = (mark, opened)
        return known[1]


def _mark_of(manifest: Path) -> tuple[int, ...]:
    """Return what tells one manifest from the next without reading it: an import puts a new file in its place."""
    try:
        found = manifest.stat()
    except FileNotFoundError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size
