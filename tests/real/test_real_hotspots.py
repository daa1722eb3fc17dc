"""Hot spots and patrols on real incidents: twelve held-out months of New York, the accidents of Hualien."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from gridgov.analysis.hotspots import gi_star
from gridgov.analysis.patrol import BackTest, PatrolParams, back_test, count_patrol, plan_patrol, span_of
from gridgov.analysis.scan import ScanParams, scan
from gridgov.grids.borders import from_pairs
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.hotspots import HotspotQuery, find_hotspots, propose_patrols
from gridgov.operations.importing import ImportReport
from gridgov.workspace import Workspace

pytestmark = pytest.mark.real
CELL_M = 1_500.0
PARAMS = PatrolParams(hours=2_000, span_h=4, half_life_days=180)
PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)


@pytest.fixture(scope="module")
def city(real_data: Path) -> pd.DataFrame:
    """New York's requests: cell and time."""
    rows = pd.read_csv(real_data / "incidents" / "nyc_311_slice.csv").dropna(subset=["Latitude"])
    points = gpd.GeoSeries(gpd.points_from_xy(rows["Longitude"], rows["Latitude"]), crs=4326).to_crs(32618)
    at = pd.to_datetime(rows["Created Date"], format="%m/%d/%Y %I:%M:%S %p").to_numpy()
    x, y = (np.floor(values / CELL_M).astype(int) for values in (points.x.to_numpy(), points.y.to_numpy()))
    return pd.DataFrame({"x": x, "y": y, "at": at})


def test_patrols_of_twelve_held_out_months_beat_even_ones(city: pd.DataFrame) -> None:
    """Planned from the two years before each month of 2024; counting is as good within a few points, and is said."""
    cells = {cell: i for i, cell in enumerate(sorted(set(zip(city["x"], city["y"], strict=True))))}
    pairs = [(i, cells[n]) for (x, y), i in cells.items() for n in ((x + 1, y), (x, y + 1)) if n in cells]
    borders = from_pairs(len(cells), pairs)
    grid = np.array([cells[cell] for cell in zip(city["x"], city["y"], strict=True)])
    span = span_of(city["at"].dt.hour, city["at"].dt.day_of_week >= 5, PARAMS)

    def of_month(month: pd.Period) -> BackTest:
        begin, end = month.start_time, month.end_time
        past = ((city["at"] < begin) & (city["at"] >= begin - pd.Timedelta(days=730))).to_numpy()
        new = ((city["at"] >= begin) & (city["at"] <= end)).to_numpy()
        hot = gi_star(np.bincount(grid[past], minlength=len(cells)), borders, permutations=999)["hot"].to_numpy()
        age = ((begin - city["at"][past]) / pd.Timedelta(days=1)).to_numpy()
        plan = plan_patrol(grid[past], span[past], age, hot, borders, PARAMS)
        counting = count_patrol(grid[past], span[past], len(cells), PARAMS)
        return back_test(plan, counting, grid[new], span[new], len(cells), PARAMS)

    months = [of_month(month) for month in pd.period_range("2024-01", "2024-12", freq="M")]
    total = sum(month.incidents for month in months)
    rates = {
        name: sum(getattr(month, name) * month.incidents for month in months) / total
        for name in ("hit_rate", "uniform_rate", "same_hours_rate", "counting_rate")
    }
    assert total == 674
    assert all(month.better_than_uniform for month in months)
    assert rates["hit_rate"] > 4 * rates["same_hours_rate"] > 4 * rates["uniform_rate"]
    assert abs(rates["hit_rate"] - rates["counting_rate"]) < 0.05


def test_two_outbreaks_of_new_york_are_no_chance(city: pd.DataFrame) -> None:
    cells = {cell: i for i, cell in enumerate(sorted(set(zip(city["x"], city["y"], strict=True))))}
    begin = pd.Timestamp("2024-07-01")
    rows = city[(city["at"] >= begin) & (city["at"] < begin + pd.Timedelta(days=120))]
    grid = [cells[cell] for cell in zip(rows["x"], rows["y"], strict=True)]
    params = ScanParams(max_radius_m=4_000, max_days=14, replicas=199)
    found = scan(grid, (rows["at"] - begin).dt.days, CELL_M * np.array(sorted(cells)), params, days=120)
    assert len(found.significant) == 2
    assert [cluster.cases for cluster in found.significant] == [11, 9]


def test_hualiens_accidents_have_hot_areas_and_no_outbreak(imported: tuple[ImportReport, Workspace]) -> None:
    _, workspace = imported
    query = HotspotQuery(until=datetime(2023, 2, 15, tzinfo=UTC), scan=ScanParams(replicas=39, enough=10))
    found = find_hotspots(workspace, PLANNER, query)
    assert (found.incidents, found.days) == (435, 31)
    assert 10 <= found.frame["hot"].sum() <= 60
    assert found.scan.significant == ()
    test = propose_patrols(workspace, PLANNER, query).test
    assert test is not None
    assert test.incidents == 87
    assert test.better_than_uniform
