"""Overlay of vector layers against geopandas.overlay: the same parts, the same rest, and the time for both."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from benchmarks.report import Measure, Result
from benchmarks.vector_instances import hualien, linjiang
from gridgov.analysis.metric_layers import MetricLayer, metric_layer
from gridgov.analysis.overlay import Overlay, overlay
from gridgov.analysis.overlay_parts import parts_of_shapes

_MOST_ROUNDS = 5  # geopandas takes its time
METHOD = (
    "One process; cpu time of all threads, medians of the rounds, in which the engines take turns (geopandas's parts "
    "and rest run once). Other work shared the machine: trust the ratios. All start from the same frames in a metric "
    "CRS; compiling, once for a machine, is outside. “Areas and proof” is what the analyses of gridgov ask for: every "
    "geometry is checked, the area of each part comes from the borders alone, without making its polygon, the rest of "
    "each row from a sweep that is independent of it; polygons that overlap within a layer are looked for, and parts "
    "and rest must sum to the whole. “Polygons, areas and proof” also makes the polygon of each part with GEOS; "
    "“polygons alone” makes only these, after the checks of geometry. geopandas.overlay always makes polygons: with "
    "how=“identity” of parts and rest, with how=“intersection” of the parts alone; it proves nothing. All find the "
    "same pairs; sums are compared below."
)
PROOF, DRAWN, ALONE = "areas and proof", "polygons, areas and proof", "polygons alone"
REST, PARTS = "parts and rest", "parts alone"
RATIOS = ((REST, PROOF, 1.0), (PARTS, PROOF, 1.0), (REST, DRAWN, 1.0), (PARTS, DRAWN, None), (PARTS, ALONE, None))


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    rows, checks = list[Measure](), list[str]()
    cases = {"linjiang": linjiang(tell), "Hualien": hualien(data)}
    for name, (left, right) in cases.items():
        own, some = _case(name, left, right, min(rounds, _MOST_ROUNDS), tell)
        rows += own
        checks += some
    versions = ", ".join(f"{name} {version(name)}" for name in ("geopandas", "shapely"))
    checks.append(f"{versions}, GEOS {shapely.geos_version_string}")
    return Result(
        "overlay",
        "Overlay of vector layers",
        "linjiang, 20,000 grids × 5,000 parcels; Hualien, zoning × areas",
        METHOD,
        rows,
        checks,
    )


def _case(
    name: str, left: gpd.GeoDataFrame, right: gpd.GeoDataFrame, rounds: int, tell: Callable[[str], None]
) -> tuple[list[Measure], list[str]]:
    engines: dict[str, Callable[[], Any]] = {
        PROOF: lambda: overlay(*_layers(left, right)),
        DRAWN: lambda: overlay(*_layers(left, right), geometry=True),
        ALONE: lambda: parts_of_shapes(*_layers(left, right), whole=True),
        REST: lambda: gpd.overlay(left, right, how="identity", keep_geom_type=True),
        PARTS: lambda: gpd.overlay(left, right, how="intersection", keep_geom_type=True),
    }
    overlay(*_layers(left.iloc[:100], right), apart="report")  # compiles
    times: dict[str, list[float]] = {engine: [] for engine in engines}
    found: dict[str, Any] = {}
    for number in range(rounds):
        for engine, act in engines.items():
            if engine == REST and number:
                continue
            start = time.process_time()
            found[engine] = act()
            times[engine].append(time.process_time() - start)
        tell(f"{name}: round {number + 1} of {rounds}, gridgov {times[PROOF][-1]:.2f} s")
    seconds = {engine: median(values) for engine, values in times.items()}
    rows = [Measure(f"{name}: gridgov, {engine}", seconds[engine], "s") for engine in (PROOF, DRAWN, ALONE)]
    rows += [Measure(f"{name}: geopandas, {engine}", seconds[engine], "s") for engine in (REST, PARTS)]
    for theirs, own, bar in RATIOS:
        ratio = seconds[theirs] / seconds[own]
        rows.append(Measure(f"{name}: geopandas, {theirs}, times gridgov, {own}", ratio, "x", at_least=bar))
    checks = _compared(name, found[PROOF], found[REST], found[PARTS])
    apart = float(np.abs(found[DRAWN].pairs["size"] - found[PROOF].pairs["size"]).max())
    checks.append(
        f"{name}: areas from the borders alone differ from the polygons' by at most {apart:.1e} m² in any pair"
    )
    return rows, checks


def _layers(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame) -> tuple[MetricLayer, MetricLayer]:
    crs = left.crs.to_string()
    return metric_layer(left, "left", metric_crs=crs)[0], metric_layer(right, "right", metric_crs=crs)[0]


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
