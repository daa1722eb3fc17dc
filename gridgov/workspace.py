"""Workspace = settings + store + layers + networks + clock: the one place that wires things together.

On disk a workspace is a folder:

    workspace.json       the manifest; replacing it is the one atomic step of an import
    data-<version>/      what the import made, never changed afterwards
        layers/<layer_id>.parquet    GeoParquet, WGS 84, checked
        rasters/<layer_id>.tif       Cloud-Optimised GeoTIFF
        tiles/<layer_id>.pmtiles     vector tiles
        network.npz                  the road network with all modes
        findings.parquet, aside/     what the checks found; rows kept aside, with the reason
    catalogue/<layer_id>/<version>/  a version of a layer that came later or was kept, with the same folders inside
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
    """One version of a layer of a workspace, as the manifest lists it.

    Attributes
    ----------
    date : str
        What time the content shows: ``2025``, ``2025-06`` or ``2025-06-30``; empty: not said.
    crs : str
        Of the source; rows are kept in WGS 84, rasters in their own CRS.
    bounds : tuple, optional
        West, south, east, north, degrees.
    digest : str
        SHA-256 of the file of rows or cells, hex.
    folder : str
        Where it lies in the workspace; empty: in the folder of the last import.
    added_at, added_by : str
        When it came, and from which account; empty: with the import.
    made_from : str
        Of a derived layer: what it was made from and how.
    withdrawn_at : str
        Since when it is not used any more; its files stay.
    """

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
    date: str = ""
    crs: str = ""
    bounds: tuple[float, float, float, float] | None = None
    digest: str = ""
    folder: str = ""
    added_at: str = ""
    added_by: str = ""
    made_from: str = ""
    withdrawn_at: str = ""

    @property
    def version(self) -> str:
        """What names this version among those of its layer: its date, or the day it came, and its content."""
        return f"{self.date or self.added_at[:10] or 'undated'}-{self.digest[:8] or '0'}"

    @property
    def newness(self) -> tuple[str, str]:
        """What versions of a layer are ordered by: the date of the content, then when it came."""
        return self.date or self.added_at[:10], self.added_at


@dataclass(frozen=True)
class Manifest:
    """What a workspace is: its names, place, clock and layers. Times are ISO 8601.

    `layers` came with the last import; `versions` are all others that are kept: older dates, uploads, derived layers.
    """

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
    versions: tuple[LayerEntry, ...] = ()
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
            for name in ("layers", "versions"):
                content[name] = tuple(_entry_of(entry) for entry in content.get(name, ()))
            content["bounds"] = tuple(content["bounds"])
            return cls(**content)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise StorageError(f"{where}: the manifest is damaged ({error}); import the workspace again") from error


def _entry_of(content: dict[str, Any]) -> LayerEntry:
    box = content.get("bounds")
    return LayerEntry(**{**content, "bounds": tuple(box) if box else None})


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
        self._entries = _newest(manifest)
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

    def take_over(self, other: Workspace) -> None:
        """Take what another opening of the same import has read and computed and what no layer's version changes."""
        for key, value in list(other._loaded.items()):
            if key == "store" or key.startswith(("layer:", "network", "findings:", "incident_")):
                self._loaded[key] = value
        self._ahead, self._ticking = other._ahead, other._ticking

    # -- layers ----------------------------------------------------------------------------------------------------

    @property
    def layer_ids(self) -> tuple[str, ...]:
        """Ids of all layers, in import order."""
        return tuple(self._entries)

    def has(self, layer_id: str) -> bool:
        """Return whether there is such a layer (or such a version of one, ``land_cover@2020``)."""
        return layer_id in self._entries or ("@" in layer_id and self._version(layer_id) is not None)

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """Return the ids of the layers of a kind."""
        return tuple(entry.layer_id for entry in self._entries.values() if entry.kind == kind)

    def entry(self, layer_id: str) -> LayerEntry:
        """Return the manifest's line about a layer: its newest version, or the one that is named after an ``@``.

        ``land_cover@2020`` is the newest of those versions whose name, or whose digest, begins with 2020.

        Raises
        ------
        LayerNotFoundError
        """
        found = self._entries.get(layer_id) or self._version(layer_id)
        if found is not None:
            return found
        name = layer_id.partition("@")[0]
        if name in self._entries:
            known = ", ".join(f"{name}@{entry.version}" for entry in self.versions(name))
            raise LayerNotFoundError(f"layer '{name}' has no version '{layer_id}'; it has {known}")
        raise LayerNotFoundError(
            f"workspace {self.path.name} has no layer '{layer_id}'; it has {', '.join(self._entries) or 'none'}"
        )

    def versions(self, layer_id: str) -> tuple[LayerEntry, ...]:
        """Return all versions of a layer, newest first, withdrawn ones included."""
        every = [e for e in (*self.manifest.layers, *self.manifest.versions) if e.layer_id == layer_id]
        return tuple(sorted(every, key=lambda entry: entry.newness, reverse=True))

    def spec(self, layer_id: str) -> LayerSpec:
        """Return the specification of a layer, with the names, licence and code scheme of its own source."""
        entry = self.entry(layer_id)
        return replace(self._specs[entry.kind], names=entry.names, code_scheme=entry.code_scheme, licence=entry.licence)

    def layer(self, layer_id: str) -> gpd.GeoDataFrame:
        """Return a vector layer (or a table without geometry as a plain frame), read once."""
        entry = self.entry(layer_id)
        key = f"layer:{entry.layer_id}@{entry.folder}" if entry.folder else f"layer:{entry.layer_id}"
        return self._once(key, lambda: self._read_frame(layer_id))

    def layers_of_kind(self, kind: str) -> gpd.GeoDataFrame | None:
        """Return all layers of a kind as one frame with a column `layer_id`, or None where there is none."""
        ids = self.of_kind(kind)
        return self._once(f"kind:{kind}", lambda: self._concat(ids)) if ids else None

    def raster_path(self, layer_id: str) -> Path:
        """Return the Cloud-Optimised GeoTIFF of a raster layer."""
        entry = self.entry(layer_id)
        return self.folder_of(entry) / "rasters" / f"{entry.layer_id}.tif"

    def tiles_path(self, layer_id: str) -> Path:
        """Return the PMTiles file of a vector layer."""
        entry = self.entry(layer_id)
        return self.folder_of(entry) / "tiles" / f"{entry.layer_id}.pmtiles"

    def folder_of(self, entry: LayerEntry) -> Path:
        """Return the folder of a version, with layers/, rasters/, tiles/, aside/ and findings.parquet in it."""
        return self.path / entry.folder if entry.folder else self.data

    @property
    def findings(self) -> pd.DataFrame:
        """Findings of all layers in use: layer, row, field, rule, level, action, key, detail (JSON)."""
        return self._once("findings", self._read_findings)

    def findings_in(self, folder: Path) -> pd.DataFrame:
        """Return what the checks found in what lies in one folder.

        Raises
        ------
        StorageError
            The file is missing or cannot be read.
        """
        return self._once(f"findings:{folder}", lambda: _read(folder / "findings.parquet", pd.read_parquet))

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
        for entry in self.manifest.versions:
            folder, ending = ("rasters", "tif") if entry.geometry == "raster" else ("layers", "parquet")
            file = self.folder_of(entry) / folder / f"{entry.layer_id}.{ending}"
            if not file.is_file():
                raise StorageError(_again(file, "is missing"))
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

    def _version(self, layer_id: str) -> LayerEntry | None:
        """Return the version that is named after an ``@``: the newest that begins so."""
        name, at, wanted = layer_id.partition("@")
        if not at or not wanted:
            return None
        fitting = [e for e in self.versions(name) if e.version.startswith(wanted) or e.digest.startswith(wanted)]
        return next((e for e in fitting if not e.withdrawn_at), next(iter(fitting), None))

    def _read_frame(self, layer_id: str) -> gpd.GeoDataFrame:
        entry = self.entry(layer_id)
        if entry.geometry == "raster":
            raise LayerNotFoundError(f"layer '{entry.layer_id}' of {self.path.name} is a raster, not a vector layer")
        file = self.folder_of(entry) / "layers" / f"{entry.layer_id}.parquet"
        return _read(file, pd.read_parquet if entry.geometry == "table" else gpd.read_parquet)

    def _read_findings(self) -> pd.DataFrame:
        """Those of the import, but for layers of which a later version is in use those of that version."""
        later = [entry for entry in self._entries.values() if entry.folder]
        parts = [self.findings_in(self.data)]
        parts[0] = parts[0][~parts[0]["layer"].isin([entry.layer_id for entry in later])]
        parts += [self.findings_in(self.folder_of(entry)) for entry in later]
        return pd.concat(parts, ignore_index=True) if later else parts[0]

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


def _newest(manifest: Manifest) -> dict[str, LayerEntry]:
    """The version in use of every layer: the newest that is not withdrawn; layers in the order they came."""
    found: dict[str, LayerEntry] = {}
    for entry in (*manifest.layers, *manifest.versions):
        known = found.get(entry.layer_id)
        if not entry.withdrawn_at and (known is None or entry.newness > known.newness):
            found[entry.layer_id] = entry
    return found


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
            if known is not None and known[1].manifest.data == opened.manifest.data:  # a layer came or went
                opened.take_over(known[1])
            else:
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
