"""Named questions of evacuation: one recipe for all networks, and the flood of the sample district.

The recipe (`by_recipe`), for a network with coordinates and capacities and a seed:
1. The largest strong part of the roads that have a capacity. The centre is one of the quarter of its nodes that lie
   nearest to their median, drawn by the seed.
2. The area to clear is the circle around the centre that holds 30 % of the nodes; zones are nodes of it, drawn.
3. Shelters stand on the ring outside, which holds the next 15 % of the nodes: one drawn node in each of equal sectors.
4. Demand is lognormal (sigma 0.8); no zone has more than its own streets let out in half of the time that all zones
   together need at least, else one driveway would be the whole question. Places are 1.15 times the demand,
   shared among the shelters by the capacity of the streets into each, times another such draw (sigma 0.2: a large
   shelter in a lane would be the whole question, too).
5. All of it is scaled to three hours of the static outflow: the largest rate, vehicles per hour, at which all zones
   can send and all shelters take their shares at the same time; or to a given number of vehicles. A vehicle holds 2.5
   persons.
"""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from benchmarks.instances import ROOT, data_folder, road_network
from gridgov.errors import ParameterError
from gridgov.network import CLOSED, RoadNetwork

SEEDS = (1, 2, 3)
PERSONS_PER_VEHICLE = 2.5
INSIDE, RING, HOURS, PLACES = 0.30, 0.15, 3.0, 1.15
FLOOD_M = 13.5  # metres above the sea: three tenths of the sample district's people live below
MATSIM = Path("evac") / "mount_alexander_shire_network_2018.xml.gz"
MATSIM_CRS = "EPSG:28355"
_UNITS = 100  # of a vehicle per hour in static flows
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Instance:
    """A question for `plan_evacuation`: zones with persons, shelters with places."""

    name: str
    seed: int
    network: RoadNetwork
    demand: pd.DataFrame
    shelters: pd.DataFrame

    @property
    def vehicles(self) -> float:
        """Vehicles of all zones."""
        return float(self.demand["persons"].sum() / PERSONS_PER_VEHICLE)

    def __str__(self) -> str:
        network = self.network
        return (
            f"{self.name} (seed {self.seed}): {network.n_nodes:,} nodes, {network.n_edges:,} edges, "
            f"{len(self.demand):,} zones, {self.vehicles:,.0f} vehicles, {len(self.shelters)} shelters"
        )


@dataclass(frozen=True)
class Named:
    """What an instance is made of: its network, how many zones and shelters, and its bars.

    Attributes
    ----------
    vehicles : float or None
        Instead of three hours of outflow.
    gap, seconds : float
        The bar: this gap within this time.
    """

    network: str
    zones: int
    shelters: int
    gap: float
    seconds: float
    vehicles: float | None = None


NAMED = {
    "village_30": Named("village", 30, 6, 0.005, 5),
    "village_150": Named("village", 150, 6, 0.005, 5),
    "linjiang_flood": Named("linjiang", 0, 0, 0.01, 60),
    "columbus_60": Named("columbus", 60, 20, 0.01, 60),
    "columbus_1000": Named("columbus", 1_000, 20, 0.01, 60),
    "mount_alexander": Named("mount_alexander", 300, 12, 0.01, 60),
    "city": Named("city", 4_000, 60, 0.015, 60, vehicles=700_000),
}


def evacuation_instance(name: str, seed: int, data: Path | None = None, tell: Tell = print) -> Instance:
    """Return an instance by its name.

    Raises
    ------
    ParameterError
        There is no such instance.
    """
    named = NAMED.get(name)
    if named is None:
        raise ParameterError(f"there is no instance '{name}'; known are {', '.join(NAMED)}")
    network = evacuation_network(named.network, data, tell)
    if name == "linjiang_flood":
        return _linjiang_flood(network, seed)
    return by_recipe(network, named.zones, named.shelters, seed, name=name, vehicles=named.vehicles)


def by_recipe(
    network: RoadNetwork, n_zones: int, n_shelters: int, seed: int, *, name: str = "", vehicles: float | None = None
) -> Instance:
    """Make an instance by the recipe of this module."""
    rng = np.random.default_rng(seed)
    capacity = _open_capacity(network)
    nodes = _strong_part(network, capacity > 0)
    x, y = _metres(network)
    place = np.column_stack([x[nodes], y[nodes]])
    central = np.argsort(((place - np.median(place, axis=0)) ** 2).sum(axis=1), kind="stable")
    centre = place[rng.choice(central[: max(1, len(nodes) // 4)])]
    away = np.argsort(((place - centre) ** 2).sum(axis=1), kind="stable")
    inside = round(INSIDE * len(nodes))
    zones = rng.choice(nodes[away[:inside]], min(n_zones, inside), replace=False)
    ring = away[inside : inside + round(RING * len(nodes))]
    shelters = _one_in_each_sector(nodes[ring], place[ring] - centre, n_shelters, rng)
    out_vph = np.bincount(network.tail, capacity, network.n_nodes)[zones]
    in_vph = np.bincount(network.head, capacity, network.n_nodes)[shelters]
    roads = _Static(network, capacity, zones, shelters)
    sizes = _scaled_to(1.0, rng.lognormal(0.0, 0.8, len(zones)), 0.5 * out_vph / roads.most())
    places = rng.lognormal(0.0, 0.2, len(shelters)) * in_vph
    places *= PLACES / places.sum()
    wanted = HOURS * roads.outflow_vph(sizes / sizes.sum(), places) if vehicles is None else vehicles
    persons = np.maximum(1.0, np.round(wanted * sizes / sizes.sum() * PERSONS_PER_VEHICLE))
    room = np.ceil(persons.sum() * places)
    return Instance(name, seed, network, *_frames(zones, persons, shelters, room))


def _frames(zones: Any, persons: Any, shelters: Any, room: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    demand = {"zone_id": [f"Z{i:05d}" for i in range(len(zones))], "node": zones, "persons": persons}
    places = {"shelter_id": [f"S{i:04d}" for i in range(len(shelters))], "node": shelters, "capacity_persons": room}
    return pd.DataFrame(demand), pd.DataFrame(places)


def _scaled_to(total: float, weights: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Scale weights to a sum; what is above the most of one goes to the others, as far as they can take it."""
    sizes = np.minimum(weights * total / weights.sum(), most)
    for _ in range(50):
        free = sizes < most
        rest = total - sizes.sum()
        if rest < 1e-6 * total or not free.any():
            break
        sizes[free] = np.minimum(sizes[free] * (1 + rest / sizes[free].sum()), most[free])
    return sizes


def _one_in_each_sector(nodes: np.ndarray, offsets: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a node of each of `n` equal sectors around the centre; empty sectors give none."""
    sector = np.floor((np.arctan2(offsets[:, 1], offsets[:, 0]) / (2 * np.pi) + 0.5) * n).astype(int).clip(0, n - 1)
    return np.array([rng.choice(nodes[sector == one]) for one in range(n) if (sector == one).any()])


class _Static:
    """Largest flows from zones to shelters that do not change in time."""

    def __init__(self, network: RoadNetwork, capacity: np.ndarray, zones: np.ndarray, shelters: np.ndarray) -> None:
        n = network.n_nodes
        self.roads, self.zones, self.shelters, self.n = np.round(capacity).astype(np.int64), zones, shelters, n
        self.tail = np.concatenate([network.tail, np.full(len(zones), n), shelters])
        self.head = np.concatenate([network.head, zones, np.full(len(shelters), n + 1)])

    def most(self) -> float:
        """Return the largest flow, vehicles per hour, whoever is in it."""
        return self._flow(np.full(len(self.zones), 2**29), np.full(len(self.shelters), 2**29)) / _UNITS

    def outflow_vph(self, sizes: np.ndarray, places: np.ndarray) -> float:
        """Return the largest flow in which every zone has its share and no shelter more than its share of places."""
        low, high = 0.0, self.most()
        while high - low > 1e-4 * high:
            rate = (low + high) / 2
            sent, taken = np.floor(rate * sizes * _UNITS), np.ceil(rate * places * _UNITS)
            full = self._flow(sent, taken) >= sent.sum()
            low, high = (rate, high) if full else (low, rate)
        return low

    def _flow(self, sent: np.ndarray, taken: np.ndarray) -> int:
        from scipy.sparse import csr_array  # noqa: PLC0415
        from scipy.sparse.csgraph import maximum_flow  # noqa: PLC0415

        units = np.concatenate([self.roads * _UNITS, sent, taken]).astype(np.int64)
        graph = csr_array((units, (self.tail, self.head)), shape=(self.n + 2, self.n + 2))
        graph.data = np.minimum(graph.data, 2**30)
        return int(maximum_flow(graph.astype(np.int32), self.n, self.n + 1).flow_value)


def _open_capacity(network: RoadNetwork) -> np.ndarray:
    assert network.capacity_vph is not None, "the recipe needs capacities"
    usable = (network.travel_time_ms != CLOSED) & (network.tail != network.head)
    return np.where(usable, network.capacity_vph, 0.0)


def _strong_part(network: RoadNetwork, usable: np.ndarray) -> np.ndarray:
    """Return the nodes of the largest part in which everybody reaches everybody."""
    from scipy.sparse import coo_array  # noqa: PLC0415
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    ends = (network.tail[usable], network.head[usable])
    matrix = coo_array((np.ones(usable.sum()), ends), shape=(network.n_nodes, network.n_nodes))
    _, part = connected_components(matrix, connection="strong")
    return np.flatnonzero(part == np.bincount(part).argmax())


def _metres(network: RoadNetwork) -> tuple[np.ndarray, np.ndarray]:
    """Return node positions in metres, good enough for circles."""
    assert network.x is not None
    assert network.y is not None
    return np.cos(np.radians(network.y.mean())) * 111_320 * network.x, 110_570 * network.y


# Networks


def evacuation_network(name: str, data: Path | None, tell: Tell) -> RoadNetwork:
    """Return a network by name, parsed once and kept."""
    if name in {"columbus", "city"}:
        return road_network(name, data, tell)
    cached = ROOT / ".cache" / "benchmarks" / f"{name}.npz"
    if not cached.is_file():
        tell(f"making the roads of {name} (kept for later runs)")
        cached.parent.mkdir(parents=True, exist_ok=True)
        if name == "mount_alexander":
            matsim_network(data_folder(data) / MATSIM, MATSIM_CRS).save(cached)
        else:
            _sample(name, cached)
    return RoadNetwork.load(cached)


def _sample(name: str, cached: Path) -> None:
    """Keep the roads of a sample and, of the district, who and what lies in the flood."""
    from gridgov.layers.roads import read_osm_roads  # noqa: PLC0415
    from gridgov.sample import write_sample  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        write_sample(folder, size="village" if name == "village" else "district")
        network = RoadNetwork.from_graph(read_osm_roads(folder / "roads.osm.pbf"))
        if name == "linjiang":
            demand, shelters = _flooded(folder, network)
            demand.to_csv(cached.with_suffix(".demand.csv"), index=False)
            shelters.to_csv(cached.with_suffix(".shelters.csv"), index=False)
        network.save(cached)


def _linjiang_flood(network: RoadNetwork, seed: int) -> Instance:
    """Return the flood of the sample district; the seed is the solver's alone."""
    frames = (ROOT / ".cache" / "benchmarks" / f"linjiang.{what}.csv" for what in ("demand", "shelters"))
    demand, shelters = (pd.read_csv(file, dtype={"zone_id": str, "shelter_id": str}) for file in frames)
    return Instance("linjiang_flood", seed, network, demand, shelters)


def _flooded(folder: Path, network: RoadNetwork) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the grids below the flood's level that water from the river reaches, and the shelters outside."""
    import geopandas as gpd  # noqa: PLC0415
    import rasterio  # noqa: PLC0415
    from rasterio.features import rasterize  # noqa: PLC0415
    from scipy import ndimage  # noqa: PLC0415

    with rasterio.open(folder / "elevation.tif") as raster:
        height, transform, crs = raster.read(1), raster.transform, raster.crs
    water = gpd.read_file(folder / "natural_resources.gpkg", layer="water").to_crs(crs)
    river = rasterize(water.geometry[water["class_code"].astype(str) == "1101"], height.shape, transform=transform)
    part, _ = ndimage.label((height <= FLOOD_M) | (river > 0))
    wet = np.isin(part, np.unique(part[river > 0]))

    def below(points: Any) -> np.ndarray:
        column, row = ~transform * (points.x.to_numpy(), points.y.to_numpy())
        limit = np.array(wet.shape) - 1
        return wet[np.clip(row.astype(int), 0, limit[0]), np.clip(column.astype(int), 0, limit[1])]

    grids = gpd.read_file(folder / "grids.gpkg").to_crs(crs)
    population = pd.read_csv(folder / "population.csv", dtype={"grid_code": str}).set_index("grid_code")["persons"]
    grids["persons"] = grids["grid_code"].astype(str).map(population)
    grids["geometry"] = grids.representative_point()
    zones = grids[below(grids.geometry) & (grids["persons"] > 0)]
    shelters = gpd.read_file(folder / "shelters.geojson").to_crs(crs)
    safe = shelters[~below(shelters.geometry)]
    nodes = _nearest_nodes(network, zones.geometry, crs), _nearest_nodes(network, safe.geometry, crs)
    demand = pd.DataFrame({"zone_id": zones["grid_code"], "node": nodes[0], "persons": zones["persons"].astype(float)})
    places = safe["capacity_persons"].astype(float)
    return demand, pd.DataFrame({"shelter_id": safe["shelter_id"], "node": nodes[1], "capacity_persons": places})


def _nearest_nodes(network: RoadNetwork, points: Any, crs: Any) -> np.ndarray:
    """Return the nearest node of the strong part for each point."""
    from pyproj import Transformer  # noqa: PLC0415
    from scipy.spatial import KDTree  # noqa: PLC0415

    nodes = _strong_part(network, _open_capacity(network) > 0)
    assert network.x is not None
    assert network.y is not None
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(network.x[nodes], network.y[nodes])
    return nodes[KDTree(np.column_stack([x, y])).query(np.column_stack([points.x, points.y]))[1]]


def matsim_network(path: Path, crs: str) -> RoadNetwork:
    """Read a MATSim network: capacity per hour, length / freespeed; two-way links are two links there.

    Parameters
    ----------
    path : Path
        network_v1 or v2 XML, gzip when the name ends in .gz.
    crs : str
        Of its coordinates.
    """
    from pyproj import Transformer  # noqa: PLC0415

    opened = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 - closed below
    nodes: dict[str, tuple[float, float]] = {}
    links: list[dict[str, str]] = []
    hours = 1.0
    with opened as file:
        for _, element in ElementTree.iterparse(file):
            if element.tag == "node":
                nodes[element.attrib["id"]] = (float(element.attrib["x"]), float(element.attrib["y"]))
            elif element.tag == "link":
                links.append(dict(element.attrib))
            elif element.tag == "links":
                parts = [float(part) for part in element.attrib.get("capperiod", "01:00:00").split(":")]
                hours = parts[0] + parts[1] / 60 + parts[2] / 3600
            element.clear()
    links = [link for link in links if "car" in link.get("modes", "car").split(",")]
    number = {name: position for position, name in enumerate(nodes)}
    table = pd.DataFrame(links)
    length, speed = table["length"].astype(float), table["freespeed"].astype(float)
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*np.array(list(nodes.values())).T)
    return RoadNetwork.from_arrays(
        table["from"].map(number).to_numpy(),
        table["to"].map(number).to_numpy(),
        np.maximum(1, np.round(length / speed * 1000)).astype(np.int64),
        table["capacity"].astype(float).to_numpy() / hours,
        lon,
        lat,
        length_m=length.to_numpy(),
    )
