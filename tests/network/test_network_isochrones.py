"""Isochrones: edge-accurate, nested, right in both directions; every point of a road against the search itself."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from road_cases import locations, networks

from gridgov.errors import ParameterError
from gridgov.network import CLOSED, RoadNetwork, isochrones


def covered(pieces, edge: int, fraction: float, limit_s: float) -> bool:
    """Whether a point of the street drawn along an edge lies in a piece of a band."""
    own = pieces[(pieces.edge_id == edge) & (pieces.limit_s == limit_s)]
    return bool(((own.from_fraction <= fraction) & (fraction <= own.to_fraction)).any())


def test_a_partly_reached_road_is_cut_where_the_time_is_used_up(tiny_city: RoadNetwork) -> None:
    """15 s from crossing 5: its four roads, and half of every road that goes on from their ends."""
    pieces = isochrones(tiny_city, [5], [15]).pieces
    parts = sorted(zip(pieces.from_fraction.round(6), pieces.to_fraction.round(6), strict=True))
    assert parts.count((0.0, 1.0)) == 4
    halves = [part for part in parts if part != (0.0, 1.0)]
    assert len(halves) == 8 + 3 - 2  # crossings 4 and 1 lie at the border; 0 → 1 cannot be driven towards 0
    assert {round(end - start, 6) for start, end in halves} == {0.5}
    assert np.allclose(
        shapely.length(pieces.geometry.array) / 0.001, pieces.to_fraction - pieces.from_fraction, rtol=1e-6
    )


def test_the_direction_matters_on_a_one_way_street(tiny_city: RoadNetwork) -> None:
    """Within 5 s of crossing 1: eastward from it, and towards it from the west."""
    for direction, seen in (("from", "east"), ("to", "west")):
        pieces = isochrones(tiny_city, [1], [5], direction=direction).pieces  # type: ignore[arg-type]
        flat = pieces[pieces.geometry.bounds.miny == pieces.geometry.bounds.maxy]
        assert len(flat) == 1
        assert (flat.geometry.iloc[0].centroid.x > float(tiny_city.x[1])) == (seen == "east")


@given(st.data())
def test_every_point_of_a_road_lies_in_the_band_that_the_search_says(data: st.DataObject) -> None:
    network = data.draw(networks())
    sources = data.draw(locations(network, min_size=1, max_size=3))
    direction = data.draw(st.sampled_from(["from", "to"]))
    limits = data.draw(st.sampled_from([[0.002], [1.0, 20.0, 90.0], [30.0, 60.0], [2000.0, 4000.0]]))
    pieces = isochrones(network, sources, limits, direction=direction).pieces
    streets = network.topology.streets
    for street in range(len(streets.first_of_street) - 1):
        edge = int(streets.edges_of_street[streets.first_of_street[street]])
        line = network.edge_coordinates(edge)
        twins = streets.edges_of_street[streets.first_of_street[street] : streets.first_of_street[street + 1]]
        if (line == line[0]).all() or (network.travel_time_ms[twins] == CLOSED).all():
            continue
        for fraction in (0.13, 0.41, 0.77):
            place = network.place_on_edge(edge, fraction)
            pair = (sources, [place]) if direction == "from" else ([place], sources)
            times = network.travel_times(*pair).ravel()
            time = min((int(ms) for ms in times if ms >= 0), default=None)
            if time is not None and min(abs(time - limit * 1000) for limit in limits) <= 2:
                continue  # times are whole milliseconds, cuts are exact
            band = next((limit for limit in limits if time is not None and time <= limit * 1000), None)
            for limit in limits:
                assert covered(pieces, edge, fraction, limit) == (limit == band)


@given(st.data())
def test_pieces_of_a_street_do_not_overlap(data: st.DataObject) -> None:
    network = data.draw(networks())
    sources = data.draw(locations(network, min_size=1, max_size=3))
    pieces = isochrones(network, sources, [1.0, 20.0, 90.0]).pieces.sort_values(["edge_id", "from_fraction"])
    for _, own in pieces.groupby("edge_id"):
        assert (own.from_fraction.to_numpy()[1:] >= own.to_fraction.to_numpy()[:-1]).all()


def test_the_area_of_a_shorter_time_lies_within_that_of_a_longer_one(tiny_city: RoadNetwork) -> None:
    areas = isochrones(tiny_city, [5], [30, 5, 15]).areas()
    assert areas.limit_s.tolist() == [5.0, 15.0, 30.0]
    metric = areas.to_crs("EPSG:4548").geometry
    for inner, outer in ((0, 1), (1, 2)):
        assert metric.iloc[inner].difference(metric.iloc[outer]).area < 0.01
    assert areas.area_km2.is_monotonic_increasing
    assert areas.area_km2.tolist() == pytest.approx((metric.area / 1e6).tolist(), rel=1e-3)


def test_blocks_are_filled_and_large_holes_are_kept(tiny_city: RoadNetwork) -> None:
    """A block of the tiny city measures about 97 × 111 m."""
    everything = isochrones(tiny_city, [5], [600])
    assert len(everything.areas(beside_road_m=10).geometry.iloc[0].geoms[0].interiors) == 0
    assert len(everything.areas(beside_road_m=10, filled_m2=1).geometry.iloc[0].geoms[0].interiors) == 9


def test_a_closed_road_is_not_reached(tiny_city: RoadNetwork) -> None:
    around = np.flatnonzero((tiny_city.tail == 5) | (tiny_city.head == 5))
    within = isochrones(tiny_city.with_closures(around), [5], [60])
    assert len(within.pieces) == 0
    areas = within.areas()
    assert areas.area_km2.tolist() == [0.0]
    assert areas.geometry.is_empty.all()


@pytest.mark.parametrize("limits", [[], [0], [-5, 10], [10, 10], [float("nan")]])
def test_limits_without_meaning_are_refused(tiny_city: RoadNetwork, limits: list[float]) -> None:
    with pytest.raises(ParameterError, match="limits"):
        isochrones(tiny_city, [5], limits)


def test_a_network_without_coordinates_has_no_isochrones() -> None:
    with pytest.raises(ParameterError, match="coordinates"):
        isochrones(RoadNetwork.from_arrays([0], [1], [5]), [0], [10])
