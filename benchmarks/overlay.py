"""Overlay of vector layers against geopandas.overlay: the same parts, the same rest, and the time for both."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import geopandas as gpd
import shapely

from benchmarks.report import Measure, Result
from benchmarks.vector_instances import hualien, linjiang
from gridgov.analysis.metric_layers import metric_layer
from gridgov.analysis.overlay import Overlay, overlay

_MOST_ROUNDS = 5  # geopandas takes its time
METHOD = (
    "One process; cpu time of all threads, medians of the rounds, in which the engines take turns (geopandas's parts "
    "and rest run once). All start from the same frames in a metric CRS. gridgov checks every geometry, measures parts "
    "and rest apart from each other, looks for polygons that overlap within a layer and proves that everything sums to "
    "the whole. geopandas.overlay with how=“identity” gives the same parts and rest, with how=“intersection” the parts "
    "alone; it proves nothing. Both find the same pairs; sums are compared below."
)


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    rows, checks = list[Measure](), list[str]()
    cases = {"20,000 grids × 5,000 parcels (linjiang)": linjiang(tell), "zoning × areas (Hualien)": hualien(data)}
    for name, (left, right) in cases.items():
        own, some = _case(name, left, right, min(rounds, _MOST_ROUNDS), tell)
        rows += own
        checks += some
    versions = ", ".join(f"{name} {version(name)}" for name in ("geopandas", "shapely"))
    checks.append(f"{versions}, GEOS {shapely.geos_version_string}")
    return Result("overlay", "Overlay of vector layers", "linjiang as a city, Hualien", METHOD, rows, checks)


def _case(
    name: str, left: gpd.GeoDataFrame, right: gpd.GeoDataFrame, rounds: int, tell: Callable[[str], None]
) -> tuple[list[Measure], list[str]]:
    engines: dict[str, Callable[[], Any]] = {
        "gridgov": lambda: _ours(left, right),
        "parts and rest": lambda: gpd.overlay(left, right, how="identity", keep_geom_type=True),
        "parts alone": lambda: gpd.overlay(left, right, how="intersection", keep_geom_type=True),
    }
    times: dict[str, list[float]] = {engine: [] for engine in engines}
    found: dict[str, Any] = {}
    for number in range(rounds):
        for engine, act in engines.items():
            if engine == "parts and rest" and number:
                continue
            start = time.process_time()
            found[engine] = act()
            times[engine].append(time.process_time() - start)
        tell(f"{name}: round {number + 1} of {rounds}, gridgov {times['gridgov'][-1]:.2f} s")
    seconds = {engine: median(values) for engine, values in times.items()}
    rows = [Measure(f"{name}: gridgov, parts, rest and proof", seconds["gridgov"], "s")]
    for engine in ("parts and rest", "parts alone"):
        rows.append(Measure(f"{name}: geopandas, {engine}", seconds[engine], "s"))
        ratio = seconds[engine] / seconds["gridgov"]
        bar = 1.0 if engine == "parts and rest" else None
        rows.append(Measure(f"{name}: geopandas, {engine}, times gridgov", ratio, "x", at_least=bar))
    return rows, _compared(name, found["gridgov"], found["parts and rest"], found["parts alone"])


def _ours(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame) -> Overlay:
    crs = left.crs.to_string()
    return overlay(metric_layer(left, "left", metric_crs=crs)[0], metric_layer(right, "right", metric_crs=crs)[0])


def _compared(name: str, ours: Overlay, identity: gpd.GeoDataFrame, parts: gpd.GeoDataFrame) -> list[str]:
    """Compare with geopandas; a difference ends the benchmark."""
    balance, pairs = ours.balance, parts[parts.area > 0]
    if len(pairs) != len(ours.pairs):
        raise SystemExit(f"{name}: geopandas finds {len(pairs)} parts, gridgov {len(ours.pairs)}")
    differences = abs(pairs.area.sum() - balance.parts), abs(identity.area.sum() - balance.parts - balance.rest)
    if max(differences) > 1e-6 * balance.whole:
        raise SystemExit(f"{name}: sums differ from geopandas's by {differences} m²")
    return [
        f"{name}: {len(pairs):,} parts as geopandas finds them; parts and rest differ from its by "
        f"{max(differences) / balance.whole:.1e} of the whole",
        f"{name}: parts and rest miss the whole by {balance.error_share:.1e}, in the worst row by "
        f"{balance.worst_share:.1e} (at most 1e-3); {len(ours.overlaps):,} pairs of polygons overlap within the layer, "
        f"{balance.doubled:,.0f} m² are in several parts",
    ]
