"""Coordinate systems."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.crs import gcj02_to_wgs84, metric_crs, wgs84_to_gcj02

china = {"lon": st.floats(73.5, 135.0), "lat": st.floats(18.0, 53.0)}


def test_gcj02_of_the_published_pair() -> None:
    """Lon 120, lat 40 becomes 120.00567568, 40.00130479 (the pair that public converters agree on)."""
    lon, lat = wgs84_to_gcj02(120.0, 40.0)
    assert lon == pytest.approx(120.00567568, abs=5e-9)
    assert lat == pytest.approx(40.00130479, abs=5e-9)


@given(**china)
def test_gcj02_there_and_back(lon: float, lat: float) -> None:
    """The round trip comes back to within a millionth of a degree (in fact a billionth)."""
    back = gcj02_to_wgs84(*wgs84_to_gcj02(lon, lat))
    assert back[0] == pytest.approx(lon, abs=1e-9)
    assert back[1] == pytest.approx(lat, abs=1e-9)


@given(**china)
def test_the_shift_is_at_most_seven_hundred_metres_or_so(lon: float, lat: float) -> None:
    x, y = wgs84_to_gcj02(lon, lat)
    east, north = (x - lon) * 111_320 * np.cos(np.radians(lat)), (y - lat) * 111_320
    assert np.hypot(east, north) < 1_200


def test_outside_china_nothing_is_shifted() -> None:
    lon, lat = wgs84_to_gcj02([-83.0, 2.35], [40.0, 48.86])
    np.testing.assert_array_equal(lon, [-83.0, 2.35])
    np.testing.assert_array_equal(lat, [40.0, 48.86])


@pytest.mark.parametrize(
    ("lon", "lat", "crs"),
    [
        (120.2, 30.2, "EPSG:4549"),
        (116.4, 39.9, "EPSG:4548"),
        (121.6, 24.0, "EPSG:32651"),
        (-83.0, 40.0, "EPSG:32617"),
        (151.2, -33.9, "EPSG:32756"),
    ],
)
def test_the_metric_crs_of_a_place(lon: float, lat: float, crs: str) -> None:
    """CGCS2000 three-degree zones in mainland China, UTM elsewhere."""
    assert metric_crs(lon, lat) == crs
