"""成批分析: zonal statistics, access and scenarios in pieces, on this machine's processes or on a Dask cluster.

Each gives what its operation for one process gives, bit for bit: `analysing.zonal_statistics`,
`accessibility.facility_access`, `what_if.run_scenario`. What depends on the moment or on the books (closures, learned
speeds) is looked up once, before the pieces are cut; workers read layers, rasters and roads of the workspace's folder
and never its store.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridgov.analysis import zonal
from gridgov.analysis.metric_layers import Rows, Shapes
from gridgov.config import Settings
from gridgov.errors import ComputingError, ParameterError, WorkspaceNotFoundError
from gridgov.model import TravelMode
from gridgov.model.rights import Person, Right, require
from gridgov.model.what_if import Base, Scenario
from gridgov.network import Direction, Places, Reach, RoadNetwork, reach
from gridgov.network.overlay import Overlay
from gridgov.network.validation import Floats, Int64s
from gridgov.operations.accessibility import (
    AccessQuery,
    AskedAccess,
    FacilityAccess,
    answered_access,
    asked_access,
)
from gridgov.operations.analysing import LayerUse, kind_of, open_layer, prepared_layer
from gridgov.operations.batch_computing import BatchProgress, Cancelled, Cluster, Machines, compute_batch
from gridgov.operations.coverage import keep_grid_places
from gridgov.operations.site_sets import GRIDS
from gridgov.operations.what_if import ScenarioRun, base_of, data_fingerprint, run_scenario
from gridgov.workspace import Workspace, open_workspace

MOST_PIECE = 1_000_000
_PLACE = ("node", "edge", "fraction", "lon", "lat", "distance_m")


@dataclass(frozen=True, kw_only=True)
class BatchRun:
    """How a batch is run.

    Attributes
    ----------
    on : Machines or Cluster, optional
        Default: this process.
    piece : int
        How many grids make a piece; the answers do not depend on it.
    progress, cancelled
        See `batch_computing.compute_batch`.

    Raises
    ------
    ParameterError
        A piece of less than one grid.
    """

    on: Machines | Cluster | None = None
    piece: int = 1_000
    progress: BatchProgress | None = None
    cancelled: Cancelled | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.piece <= MOST_PIECE:
            raise ParameterError(f"a piece of {self.piece} grids; give 1 to {MOST_PIECE:,}")

    def compute(self, work: Any, shared: Any, pieces: Sequence[tuple[str, Any]]) -> list[Any]:
        """Compute the pieces of a task."""
        return compute_batch(work, shared, pieces, on=self.on, progress=self.progress, cancelled=self.cancelled)


@dataclass
class SharedWorkspace:
    """A workspace that workers open by its path, each once, and keep; it travels as path and fingerprint.

    Attributes
    ----------
    path : str
        The same on every machine.
    data : str
        What a worker must find there (see `what_if.data_fingerprint`).
    """

    path: str
    data: str
    _opened: Workspace | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, workspace: Workspace) -> SharedWorkspace:
        """Return a workspace that is open here, to be sent."""
        return cls(str(workspace.path.resolve()), data_fingerprint(workspace), workspace)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "data": self.data, "_opened": None}

    @property
    def workspace(self) -> Workspace:
        """The workspace.

        Raises
        ------
        ComputingError
            The worker finds none at the path, or other data.
        """
        return self._opened or _opened(self.path, self.data)


@lru_cache(maxsize=2)
def _opened(path: str, data: str) -> Workspace:
    """Open a workspace in a worker, which keeps it for later batches."""
    where = f"the worker on {socket.gethostname()} finds"
    try:
        found = open_workspace(path, settings=Settings(store="memory:"))
    except WorkspaceNotFoundError as error:
        raise ComputingError(f"{where} no workspace at {path}; share that folder with it") from error
    if data_fingerprint(found) != data:
        raise ComputingError(f"{where} other data at {path} than this process; share one folder with it")
    return found


def zonal_in_batches(
    workspace: Workspace,
    person: Person,
    raster_id: str,
    zones: LayerUse | None = None,
    *,
    kind: zonal.Kind | None = None,
    quantiles: Sequence[float] = (),
    source_cell_m: float | None = None,
    run: BatchRun | None = None,
) -> zonal.ZonalStatistics:
    """Summarise a raster layer by the areas of a vector layer, as `analysing.zonal_statistics` does, in pieces.

    Raises
    ------
    StoppedError, ComputingError
        See `batch_computing.compute_batch`; and all that `analysing.zonal_statistics` raises.
    """
    require(person, Right.LAYER_READ)
    run = run or BatchRun()
    areas, findings = prepared_layer(workspace, zones or LayerUse(GRIDS))
    meaning = kind or kind_of(workspace, raster_id)
    job = _ZonalJob(SharedWorkspace.of(workspace), raster_id, meaning, tuple(quantiles))
    with open_layer(workspace, raster_id) as raster:

        def extract(shapes: Shapes) -> dict[str, NDArray[Any]]:
            parts = zonal.zone_parts(raster, shapes, run.piece)
            pieces = [(f"{areas.name} {areas.ids[rows[0]]} …", shapes[rows]) for rows in parts]
            return _put_together(len(shapes), parts, run.compute(_zonal_piece, job, pieces))

        result = zonal.zonal_statistics(
            raster, areas, kind=meaning, quantiles=quantiles, source_cell_m=source_cell_m, extract=extract
        )
    return replace(result, findings=(*findings, *result.findings))


@dataclass(frozen=True)
class _ZonalJob:
    """What all pieces of zonal statistics share."""

    at: SharedWorkspace
    raster_id: str
    kind: zonal.Kind
    quantiles: tuple[float, ...]


def _zonal_piece(job: _ZonalJob, shapes: Shapes) -> dict[str, NDArray[Any]]:
    with open_layer(job.at.workspace, job.raster_id) as raster:
        return zonal.cell_columns(raster, shapes, kind=job.kind, quantiles=job.quantiles)


def _put_together(
    count: int, parts: Sequence[Rows], found: Sequence[dict[str, NDArray[Any]]]
) -> dict[str, NDArray[Any]]:
    """Return the columns of all zones; those that are in no part meet no cell."""
    columns = {}
    for name, first in found[0].items():
        missing = np.nan if first.dtype == np.float64 else None
        columns[name] = np.full(count, missing, dtype=first.dtype)
        for rows, each in zip(parts, found, strict=True):
            columns[name][rows] = each[name]
    return columns


def access_in_batches(
    workspace: Workspace, person: Person, queries: Sequence[AccessQuery], *, run: BatchRun | None = None
) -> list[FacilityAccess]:
    """Return how soon the people of every grid are at the nearest facility, for several questions, in pieces of grids.

    Raises
    ------
    StoppedError, ComputingError
        See `batch_computing.compute_batch`; and all that `accessibility.facility_access` raises.
    """
    require(person, Right.LAYER_READ)
    run = run or BatchRun()
    asked = [asked_access(workspace, person, query) for query in queries]
    layers = list({id(each.workspace.layer(GRIDS)): each.workspace.layer(GRIDS) for each in asked}.values())
    pieces: list[tuple[str, _AccessPiece]] = []
    for layer in layers:  # scenarios may have other grids
        numbers = tuple(n for n, each in enumerate(asked) if each.workspace.layer(GRIDS) is layer)
        points = layer.geometry.representative_point()
        lon, lat, codes = points.x.to_numpy(), points.y.to_numpy(), layer["grid_code"].astype(str).tolist()
        for first in range(0, len(layer), run.piece):
            rows = slice(first, first + run.piece)
            pieces.append((f"grids {codes[first]} …", _AccessPiece(numbers, lon[rows], lat[rows])))
    job = _AccessJob(SharedWorkspace.of(workspace), tuple(map(_Search.of, asked)))
    found = run.compute(_access_piece, job, pieces)
    return [_joined(number, each, [one for one in found if number in one.times]) for number, each in enumerate(asked)]


@dataclass(frozen=True)
class _Search:
    """One search on the roads: from the facilities to everywhere, or from everywhere to them."""

    mode: TravelMode
    overlay: Overlay | None
    sites: tuple[NDArray[Any], ...]
    direction: Direction

    @classmethod
    def of(cls, asked: AskedAccess) -> _Search:
        """Return the search of a question."""
        network = asked.roads.network
        sites = tuple(getattr(asked.near.places, name) for name in _PLACE)
        return cls(asked.query.mode, network.overlay, sites, asked.direction)


@dataclass(frozen=True)
class _AccessPiece:
    """Points inside some grids, degrees, and which questions are about them."""

    numbers: tuple[int, ...]
    lon: Floats
    lat: Floats


@dataclass(frozen=True)
class _AccessFound:
    """Where the points are on the roads of each travel mode; times and sites for each question."""

    places: dict[TravelMode, tuple[NDArray[Any], ...]]
    times: dict[int, tuple[Int64s, Int64s]]


@dataclass
class _AccessJob:
    """What all pieces share; each worker searches once for each question."""

    at: SharedWorkspace
    searches: tuple[_Search, ...]

    def __getstate__(self) -> dict[str, Any]:
        return {"at": self.at, "searches": self.searches}

    @cached_property
    def reached(self) -> list[Reach]:
        """What each search reaches."""
        found = []
        for search in self.searches:
            topology = self.at.workspace.network(search.mode).topology
            network = RoadNetwork(topology, search.mode, search.overlay)
            found.append(reach(network, Places(*search.sites), direction=search.direction))
        return found


def _access_piece(job: _AccessJob, piece: _AccessPiece) -> _AccessFound:
    modes = {job.searches[number].mode for number in piece.numbers}
    places = {mode: job.at.workspace.network(mode).snap(piece.lon, piece.lat) for mode in sorted(modes)}
    times = {number: job.reached[number].times(places[job.searches[number].mode]) for number in piece.numbers}
    columns = {mode: tuple(getattr(each, name) for name in _PLACE) for mode, each in places.items()}
    return _AccessFound(columns, times)


def _joined(number: int, asked: AskedAccess, found: Sequence[_AccessFound]) -> FacilityAccess:
    """Return the answer to one question from the pieces about it, which come in the order of the grids."""
    mode = asked.query.mode
    columns = zip(*(one.places[mode] for one in found), strict=True)
    keep_grid_places(asked.workspace, mode, Places(*(np.concatenate(column) for column in columns)))
    time_ms, site = (np.concatenate([one.times[number][n] for one in found]) for n in (0, 1))
    return answered_access(asked, time_ms, site)


def run_scenarios(
    workspace: Workspace, person: Person, scenarios: Sequence[Scenario], *, run: BatchRun | None = None
) -> list[ScenarioRun]:
    """Answer the questions of many scenarios; nothing is written.

    One that says no moment is asked at the present one, with the closures that hold then, the same for all.

    Raises
    ------
    StoppedError, ComputingError
        See `batch_computing.compute_batch`; and all that `what_if.run_scenario` raises, with the scenario's name.
    """
    require(person, Right.SCENARIO_WRITE)
    base = base_of(workspace) if any(each.base == Base() for each in scenarios) else Base()
    whole = [replace(each, base=base) if each.base == Base() else each for each in scenarios]
    pieces = [(each.name or f"scenario {number}", each) for number, each in enumerate(whole, start=1)]
    job = _ScenarioJob(SharedWorkspace.of(workspace), person)
    return (run or BatchRun()).compute(_scenario_piece, job, pieces)


@dataclass(frozen=True)
class _ScenarioJob:
    """What all scenarios share."""

    at: SharedWorkspace
    person: Person


def _scenario_piece(job: _ScenarioJob, scenario: Scenario) -> ScenarioRun:
    return run_scenario(job.at.workspace, job.person, scenario)
