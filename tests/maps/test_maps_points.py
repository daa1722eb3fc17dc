"""Points: the binary format, the classes, and which row a click means."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point

from gridgov.maps import encode_points, nearest_row
from gridgov.maps.cartography import point_style
from gridgov.maps.points import classes


def decode(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    n = int.from_bytes(data[:4], "little")
    assert len(data) == 4 + 9 * n
    return np.frombuffer(data, "<f4", 2 * n, 4).reshape(n, 2), np.frombuffer(data, "u1", n, 4 + 8 * n)


def test_nine_bytes_a_point(source):
    """The file is the count, the places and the classes, in the order of the rows."""
    places, codes = decode(encode_points(source.layer("incidents"), source.spec("incidents")))
    assert np.allclose(places[:, 0], source.layer("incidents").geometry.x, atol=1e-5)
    assert list(codes) == [0, 1, 2, 3]


def test_rows_without_place_do_not_travel(source):
    """A worker whose position is unknown is no point at 0, 0."""
    frame = source.layer("workers").copy()
    frame.geometry = [None, Point(121, 31)]
    places, _ = decode(encode_points(frame, source.spec("workers")))
    assert len(places) == 1


def test_workers_differ_by_status_and_mode(source):
    """The class of a worker is status and travel mode together."""
    spec, style = source.spec("workers"), point_style(source.spec("workers"))
    free_ebike, busy_walk = (style.symbols[code] for code in classes(source.layer("workers"), spec))
    assert (free_ebike.fill, free_ebike.shape) == (spec.style.classes["free"], "diamond")
    assert (busy_walk.fill, busy_walk.shape) == (spec.style.classes["busy"], "circle")


def test_unknown_values_have_a_class_of_their_own(source):
    """A value outside of the specification is drawn as the last symbol, not as somebody else's."""
    frame = source.layer("incidents").assign(severity=[1, 9, None, 4])
    last = len(point_style(source.spec("incidents")).symbols) - 1
    assert list(classes(frame, source.spec("incidents"))) == [0, last, last, 3]


def test_severity_differs_by_shape_and_colour(source):
    """Four steps, four shapes, four colours."""
    symbols = point_style(source.spec("incidents")).legend
    assert len({symbol.shape for symbol in symbols}) == len({symbol.fill for symbol in symbols}) == 4


def test_a_click_means_the_point_it_was_moved_onto(source):
    """The place that the browser sends back, exact to a float32, finds its row."""
    frame = source.layer("incidents")
    places, _ = decode(encode_points(frame, source.spec("incidents")))
    assert [nearest_row(frame, float(lon), float(lat)) for lon, lat in places] == [0, 1, 2, 3]


def test_a_click_beside_means_no_point(source):
    """Beyond the tolerance there is no row."""
    point = source.layer("incidents").geometry.iloc[0]
    assert nearest_row(source.layer("incidents"), point.x + 0.0005, point.y) is None


@given(st.floats(-179.9, 179.9), st.floats(-84, 84))
def test_the_way_to_the_browser_and_back_finds_the_row(lon, lat):
    """Everywhere on earth the rounding of float32 stays within the tolerance of a click."""
    frame = gpd.GeoDataFrame(geometry=[Point(lon, lat)], crs="EPSG:4326")
    assert nearest_row(frame, float(np.float32(lon)), float(np.float32(lat))) == 0
