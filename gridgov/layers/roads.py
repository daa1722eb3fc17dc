"""OpenStreetMap roads: stream a file, keep its highways, and build one simplified graph for all modes.

The graph follows OSMnx's conventions (a MultiDiGraph with `crs`; nodes with `x`, `y`; edges with `osmid`, `length` and,
where nodes were merged, `geometry`) and is simplified once by OSMnx. Its edges are the union of what drivers, e-bikes
and walkers may use; `drive_s`, `ebike_s` and `walk_s` stand only on the edges that the mode may use.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import osmium
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgov.crs import WGS84
from gridgov.errors import SourceError
from gridgov.layers.road_losses import RoadLosses
from gridgov.layers.road_rules import MODES, TAGS, RoadUse, SpeedProfile, load_speeds, road_use
from gridgov.layers.sources import check_source

Progress = Callable[[str, float], None]
_Ints = NDArray[np.int64]
_Floats = NDArray[np.float64]

_SUFFIXES = (".osm", ".pbf", ".osm.bz2", ".osm.gz", ".xml")
_EARTH_RADIUS_M = 6_371_009.0  # as OSMnx has it, so that lengths compare equal
_KEEP = "gridgov_keep"  # node attribute: OSMnx must not merge the edges on its two sides


@dataclass(frozen=True, slots=True)
class _Way:
    osmid: int
    nodes: tuple[tuple[int, float, float], ...]  # id, lon, lat
    use: RoadUse
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Segments:
    """Directed pieces between neighbouring nodes: positions in `node_ids`, in `ways`, and the direction."""

    tail: _Ints
    head: _Ints
    way: _Ints
    forward: NDArray[np.bool_]
    length_m: _Floats
    modes: _Ints  # bit i: MODES[i] may go here


def read_osm_roads(
    path: Path,
    *,
    speeds: SpeedProfile | None = None,
    layer_id: str = "roads",
    progress: Progress | None = None,
) -> nx.MultiDiGraph:
    """Read the roads of an OpenStreetMap file as one graph for all modes.

    Parameters
    ----------
    path : Path
        ``.osm``, ``.osm.pbf``, ``.osm.gz`` or ``.osm.bz2``. It is streamed; only highways stay in memory,
        and 16 bytes for each node.
    speeds : SpeedProfile, optional
        Default data/profiles/speeds.toml.
    layer_id : str
        Named in the findings, which are the list ``graph.graph["findings"]``.
    progress : callable, optional
        Called with (what is being done, share done 0 … 1).

    Returns
    -------
    networkx.MultiDiGraph
        Edges: ``osmid`` (int or list), ``highway``, ``name``, ``name_en`` (several joined by " / "), ``oneway``,
        ``lanes`` (per direction), ``maxspeed_kph``, ``bridge``, ``tunnel``, ``length`` (m), ``capacity_vph`` and the
        seconds ``drive_s``, ``ebike_s``, ``walk_s`` of the modes that may use the direction. All components are kept.

    Raises
    ------
    SourceError
        The file is missing, broken or not OpenStreetMap, or has no road.
    """
    report = progress or (lambda text, share: None)
    _check_file(path)
    profile = speeds or load_speeds()
    losses = RoadLosses()
    ways = list(_read_ways(path, profile, losses))
    if not ways:
        raise SourceError(f"{path}: no usable road (way with a highway tag) in this file; export an area with roads")
    node_ids, lon, lat, refs = _nodes(ways)
    report("build", 0.2)
    segments = _segments(ways, refs, lon, lat)
    if not len(segments.tail):
        raise SourceError(
            f"{path}: its roads have no edge, for their nodes are missing; export the area with its nodes"
        )
    graph = _graph(ways, node_ids, lon, lat, segments)
    report("simplify", 0.5)
    simplified = _simplify(graph)
    simplified.graph["findings"] = losses.findings(layer_id, missing_nodes=int(np.isnan(lon).sum()))
    report("simplify", 1.0)
    return simplified


def _check_file(path: Path) -> None:
    check_source(path)
    if not path.name.lower().endswith(_SUFFIXES):
        raise SourceError(f"{path}: roads are read from .osm or .osm.pbf files; give one of these")


def _stream(path: Path) -> Iterator[Any]:
    """The file's highways with the positions of their nodes (kept by osmium, 16 bytes a node)."""
    only_ways = osmium.filter.EntityFilter(osmium.osm.WAY)
    try:
        ways = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations("sparse_mem_array")
        yield from ways.with_filter(only_ways).with_filter(osmium.filter.KeyFilter("highway"))
    except (RuntimeError, ValueError, OSError, LookupError, osmium.InvalidLocationError) as error:  # they share no base
        reason = " ".join(str(error).split())
        raise SourceError(f"{path}: broken or not an OpenStreetMap file ({reason}); fetch it again") from error


def _read_ways(path: Path, profile: SpeedProfile, losses: RoadLosses) -> Iterator[_Way]:
    for way in _stream(path):
        tags = {tag.k: tag.v for tag in way.tags if tag.k in TAGS}
        use = road_use(tags, profile)
        if use is None:
            losses.classes[tags["highway"]] += 1
            continue
        places = [(node.ref, node.location) for node in way.nodes]
        nodes = [(ref, at.lon, at.lat) if at.valid() else (ref, math.nan, math.nan) for ref, at in places]
        distinct = tuple(node for node, _ in groupby(nodes))
        losses.note(way.id, tags, distinct)
        yield _Way(way.id, distinct, use, _attributes(way.id, tags, use))


def _attributes(osmid: int, tags: Mapping[str, str], use: RoadUse) -> dict[str, Any]:
    attributes: dict[str, Any] = {"osmid": osmid, "highway": tags["highway"], "oneway": use.oneway, "lanes": use.lanes}
    if use.maxspeed_kph is not None:
        attributes["maxspeed_kph"] = use.maxspeed_kph
    for tag, name in (("name", "name"), ("name:en", "name_en")):
        if tags.get(tag):
            attributes[name] = tags[tag]
    for tag in ("bridge", "tunnel"):
        if tags.get(tag, "no") != "no":
            attributes[tag] = True
    return attributes


def _nodes(ways: list[_Way]) -> tuple[_Ints, _Floats, _Floats, _Ints]:
    """Sorted ids of the ways' nodes, their positions (NaN: not in the file), and the place in them of every use."""
    refs = np.fromiter((node[0] for way in ways for node in way.nodes), np.int64)
    places = np.fromiter((xy for way in ways for node in way.nodes for xy in node[1:]), float).reshape(-1, 2)
    node_ids, first, use = np.unique(refs, return_index=True, return_inverse=True)
    return node_ids, places[first, 0], places[first, 1], use


def _segments(ways: list[_Way], refs: _Ints, lon: _Floats, lat: _Floats) -> _Segments:
    owner = np.repeat(np.arange(len(ways)), [len(way.nodes) for way in ways])
    inside = (owner[:-1] == owner[1:]) & ~np.isnan(lon[refs[:-1]]) & ~np.isnan(lon[refs[1:]])
    tail, head, way = refs[:-1][inside], refs[1:][inside], owner[:-1][inside]
    length = _great_circle_m(lon[tail], lat[tail], lon[head], lat[head])
    along = np.array([_mode_bits(w.use.forward_kph) for w in ways], np.int64)[way]
    against = np.array([_mode_bits(w.use.backward_kph) for w in ways], np.int64)[way]
    a, b = along > 0, against > 0
    return _Segments(
        tail=np.concatenate([tail[a], head[b]]),
        head=np.concatenate([head[a], tail[b]]),
        way=np.concatenate([way[a], way[b]]),
        forward=np.concatenate([np.ones(int(a.sum()), bool), np.zeros(int(b.sum()), bool)]),
        length_m=np.concatenate([length[a], length[b]]),
        modes=np.concatenate([along[a], against[b]]),
    )


def _mode_bits(kph: Mapping[Any, float]) -> int:
    return sum(1 << i for i, mode in enumerate(MODES) if mode in kph)


def _great_circle_m(lon0: _Floats, lat0: _Floats, lon1: _Floats, lat1: _Floats) -> _Floats:
    """Haversine distance on OSMnx's sphere, metres."""
    phi0, phi1 = np.radians(lat0), np.radians(lat1)
    h = np.sin((phi1 - phi0) / 2) ** 2 + np.cos(phi0) * np.cos(phi1) * np.sin(np.radians(lon1 - lon0) / 2) ** 2
    return np.asarray(2 * _EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(h, 1.0))))


def _keep_nodes(segments: _Segments, n: int) -> _Ints:
    """Nodes between two neighbours whose sides differ in who may go which way: their edges must not be merged."""
    node = np.concatenate([segments.tail, segments.head])
    neighbour = np.concatenate([segments.head, segments.tail])
    zero = np.zeros_like(segments.modes)
    key, place = np.unique(node * n + neighbour, return_inverse=True)
    leaving, arriving = np.zeros(len(key), np.int64), np.zeros(len(key), np.int64)
    np.bitwise_or.at(leaving, place, np.concatenate([segments.modes, zero]))
    np.bitwise_or.at(arriving, place, np.concatenate([zero, segments.modes]))
    owner = key // n
    first = np.flatnonzero(np.bincount(owner, minlength=n)[owner] == 2)[::2]
    second = first + 1
    unequal = (arriving[first] != leaving[second]) | (arriving[second] != leaving[first])
    return np.asarray(owner[first[unequal]])


def _ring_nodes(segments: _Segments, n: int) -> _Ints:
    """One node of every ring that nothing else touches: without an end, OSMnx would leave the ring out."""
    key = np.unique(np.concatenate([segments.tail * n + segments.head, segments.head * n + segments.tail]))
    neighbours = np.bincount(key // n, minlength=n)
    pairs = coo_array((np.ones(len(key), np.int8), (key // n, key % n)), shape=(n, n))
    _, component = connected_components(pairs, directed=False)
    is_ring = np.ones(int(component.max()) + 1, dtype=np.bool_)
    is_ring[component[neighbours != 2]] = False
    _, first = np.unique(component, return_index=True)
    return np.asarray(first[is_ring])


def _graph(ways: list[_Way], node_ids: _Ints, lon: _Floats, lat: _Floats, segments: _Segments) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph(crs=WGS84.lower())
    used = np.unique(np.concatenate([segments.tail, segments.head]))
    graph.add_nodes_from(
        (osmid, {"x": x, "y": y})
        for osmid, x, y in zip(node_ids[used].tolist(), lon[used].tolist(), lat[used].tolist(), strict=True)
    )
    keep = np.concatenate([_keep_nodes(segments, len(node_ids)), _ring_nodes(segments, len(node_ids))])
    for osmid in node_ids[keep].tolist():
        graph.nodes[osmid][_KEEP] = True
    shared = [(_directed(way, forward=False), _directed(way, forward=True)) for way in ways]
    columns = (node_ids[segments.tail], node_ids[segments.head], segments.way, segments.forward, segments.length_m)
    for u, v, way, forward, metres in zip(*(column.tolist() for column in columns), strict=True):
        attributes, paces = shared[way][forward]
        graph.add_edge(u, v, **attributes, length=metres, **{name: metres * pace for name, pace in paces})
    return graph


def _directed(way: _Way, *, forward: bool) -> tuple[dict[str, Any], list[tuple[str, float]]]:
    """Attributes of one direction of a way, and seconds per metre by mode."""
    kph, vph = (way.use.forward_kph, way.use.forward_vph) if forward else (way.use.backward_kph, way.use.backward_vph)
    return {**way.attributes, "capacity_vph": vph}, [(f"{mode}_s", 3.6 / speed) for mode, speed in kph.items()]


def _simplify(graph: nx.MultiDiGraph) -> nx.MultiDiGraph:
    import osmnx  # noqa: PLC0415 - with scikit-learn and matplotlib it takes two seconds to load

    sums = dict.fromkeys(("length", *(f"{mode}_s" for mode in MODES)), sum)
    others = {
        "capacity_vph": min,
        "lanes": min,
        "maxspeed_kph": min,
        "oneway": any,
        "bridge": any,
        "tunnel": any,
        "highway": _most_common,
        "name": _joined,
        "name_en": _joined,
    }
    simplified = osmnx.simplify_graph(graph, node_attrs_include=[_KEEP], edge_attr_aggs={**sums, **others})
    for _, attributes in simplified.nodes(data=True):
        attributes.pop(_KEEP, None)
    return simplified


def _most_common(values: list[str]) -> str:
    return Counter(values).most_common(1)[0][0]


def _joined(values: list[str]) -> str:
    return " / ".join(dict.fromkeys(values))
