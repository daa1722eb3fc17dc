"""The sample's roads: the size asked for, one network, no crossing of the river but on bridges, believable tags."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import osmium
import pytest
import shapely

from gridgov.sample.planar import Line, build
from gridgov.sample.recipe import read_recipe
from gridgov.sample.river import make_course

Ways = list[tuple[dict[str, str], list[int], shapely.LineString]]


@pytest.fixture(scope="module")
def ways(village: Path) -> Ways:
    found: Ways = []
    for item in osmium.FileProcessor(str(village / "roads.osm.pbf")).with_locations():
        if item.is_way():
            line = shapely.LineString([(node.lon, node.lat) for node in item.nodes])
            found.append((dict(item.tags), [node.ref for node in item.nodes], line))
    return found


@pytest.fixture(scope="module")
def graph(ways: Ways) -> nx.DiGraph:
    graph = nx.DiGraph()
    for tags, refs, _ in ways:
        nx.add_path(graph, refs)
        if tags.get("oneway") != "yes":
            nx.add_path(graph, refs[::-1])
    return graph


def test_the_network_is_one(graph: nx.DiGraph) -> None:
    """Every street can be reached from nearly every other, one-ways obeyed."""
    assert nx.is_weakly_connected(graph)
    assert len(max(nx.strongly_connected_components(graph), key=len)) > 0.99 * len(graph)


def test_a_village_has_at_most_a_thousand_junctions(graph: nx.DiGraph) -> None:
    """Junctions and ends, which are what stays after simplification, with some dead ends among them."""
    degrees = np.array([degree for _, degree in graph.to_undirected().degree()])
    assert 400 <= (degrees != 2).sum() <= 1000
    assert 0.03 < (degrees == 1).sum() / (degrees != 2).sum() < 0.25


def test_the_river_is_crossed_on_bridges_only(village: Path, ways: Ways) -> None:
    """A way in the water is a bridge; there are a few bridges."""
    water = gpd.read_file(village / "natural_resources.gpkg", layer="water")
    river = shapely.union_all(water[water["name"] == "临江"].geometry.to_numpy()).buffer(-1e-5)
    wet = [tags for tags, _, line in ways if shapely.intersects(river, line)]
    assert wet
    assert all(tags.get("bridge") == "yes" and tags["layer"] == "1" for tags in wet)


def test_streets_have_unique_names_in_both_languages(ways: Ways) -> None:
    """A name stands for one street; every main street has one."""
    english: dict[str, set[str]] = {}
    for tags, _, _ in ways:
        if "name" in tags:
            english.setdefault(tags["name"], set()).add(tags["name:en"])
        elif tags["highway"] in {"primary", "secondary", "tertiary", "residential"}:
            pytest.fail(f"no name: {tags}")
    assert all(len(names) == 1 for names in english.values())
    assert len(english) > 40


def test_the_hierarchy_is_there(ways: Ways) -> None:
    """Main, local and foot ways; dual carriageways are one-way; speeds are numbers."""
    classes = {tags["highway"] for tags, _, _ in ways}
    assert {
        "primary",
        "secondary",
        "tertiary",
        "unclassified",
        "residential",
        "living_street",
        "service",
        "footway",
    } <= classes
    assert any(tags.get("oneway") == "yes" and tags["highway"] == "primary" for tags, _, _ in ways)
    assert all(tags["maxspeed"].isdigit() for tags, _, _ in ways if "maxspeed" in tags)


def test_the_partition_is_a_coverage_even_with_holes() -> None:
    """Two crossing lines in a box, and a ring that touches nothing: all faces fit together."""
    box = shapely.LineString([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)])
    cross = shapely.LineString([(50, 0), (50, 100)])
    ring = shapely.LineString([(10, 10), (30, 10), (30, 30), (10, 30), (10, 10)])
    planar, rings = build([Line(box, "boundary"), Line(cross, "street", 0), Line(ring, "outline")])
    faces = [planar.polygon(one) for one in rings]
    assert shapely.coverage_is_valid(faces)
    assert sum(face.area for face in faces) == pytest.approx(10_000)
    assert all(street in {0, -1} for street in planar.street.values())


def test_cutting_an_edge_reaches_the_neighbour() -> None:
    """A vertex put into a shared border appears in both rings, in order."""
    box = shapely.LineString([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)])
    cross = shapely.LineString([(50, 0), (50, 100)])
    planar, rings = build([Line(box, "boundary"), Line(cross, "street", 0)])
    shared = next(key for key, street in planar.street.items() if street == 0)
    middle = planar.cut_edge(*shared, 50.0, 40.0)
    assert all(middle in planar.fresh(ring) for ring in rings)
    assert shapely.coverage_is_valid([planar.polygon(planar.fresh(ring)) for ring in rings])


def test_river_coordinates_go_both_ways() -> None:
    """(u, w) to metres and back, near the river and away from it."""
    course = make_course(read_recipe("district"))
    u, w = np.meshgrid(np.linspace(-6000, 6000, 25), np.linspace(-4000, 4000, 17))
    back_u, back_w = course.to_uw(course.to_xy(u, w))
    assert np.abs(back_u - u).max() < 60
    assert np.abs(back_w - w).max() < 60
