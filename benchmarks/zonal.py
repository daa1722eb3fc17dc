"""Zonal statistics of 20,000 grids over a raster of 100 million cells, against rasterstats; each run is a process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.windows import Window, from_bounds

from benchmarks.instances import ROOT
from benchmarks.report import Measure, Result
from benchmarks.vector_instances import METRIC_CRS, linjiang

SIDE, BLOCK, NODATA = 10_000, 512, -9999.0
_RASTER = ROOT / ".cache" / "benchmarks" / "zonal-100m.tif"
_RIVAL_STEP = 5  # rasterstats takes minutes
_SAMPLED, _FINER = 40, 16  # zones that are counted by brute force, and into how many rows each cell is cut for that
METHOD = (
    "float32, deflate, blocks of 512 x 512 cells, a hundredth of them without a value. Count, mean, minimum, maximum "
    "of every grid. Every run is a process of its own that opens the file and computes; its clock (cpu time, so that "
    "a busy machine disturbs less) starts after the imports, memory is the largest resident set of the whole process. "
    "gridgov runs in every round, before and after rasterstats, which works on every fifth grid, its time taken five "
    "times; it takes the cells whose middle lies in a grid, gridgov the exact share of each cell. Other "
    "work shared the machine: trust the ratio."
)
_RUN = """
import json, sys, time
import geopandas as gpd, rasterio
engine, raster, zones, kind = sys.argv[1:]
frame = gpd.read_parquet(zones)
if engine == "gridgov":
    from gridgov.analysis.metric_layers import metric_layer
    from gridgov.analysis.raster_cells import OpenRaster
    from gridgov.analysis.zonal import zonal_statistics
    start, wall = time.process_time(), time.perf_counter()
    layer = metric_layer(frame, "grids", metric_crs=frame.crs.to_string(), id_column="grid_code")[0]
    with rasterio.Env(GDAL_CACHEMAX=128), rasterio.open(raster) as file:  # as the operations open it
        quantiles = (0.1, 0.5, 0.9) if kind == "quantiles" else ()
        table = zonal_statistics(OpenRaster("raster", file), layer, kind="measures", quantiles=quantiles).table
    found = table[["cells", "mean", "min", "max", "nodata_share"]].to_numpy().tolist()
else:
    import rasterstats
    start, wall = time.process_time(), time.perf_counter()
    stats = rasterstats.zonal_stats(frame, raster, stats="count mean min max")
    found = [[row["count"], row["mean"], row["min"], row["max"], 0.0] for row in stats]
seconds = time.process_time() - start, time.perf_counter() - wall
with open("/proc/self/status") as status:  # getrusage would also count the process that started this one
    peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps([*seconds, found, peak_kib / 2**20]))
"""


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    del data
    grids, _ = linjiang(tell)
    if not _RASTER.is_file():
        tell("writing the raster (kept for later runs)")
        write_raster(_RASTER, grids)
    with tempfile.TemporaryDirectory() as room:
        zones = Path(room) / "zones.parquet"
        grids.to_parquet(zones)
        some = Path(room) / "some.parquet"
        grids.iloc[::_RIVAL_STEP].to_parquet(some)
        tell("gridgov")
        ours = [_child("gridgov", zones)]
        tell("rasterstats")
        rival = _child("rasterstats", some)
        for number in range(1, rounds):
            tell(f"gridgov, round {number + 1}")
            ours.append(_child("gridgov", zones))
        quantiles = _child("gridgov", zones, kind="quantiles")
    seconds, rival_s = median(each[0] for each in ours), rival[0] * len(grids) / len(rival[2])
    rows = [
        Measure("gridgov: cpu time", seconds, "s"),
        Measure("gridgov: wall time", median(each[1] for each in ours), "s"),
        Measure("rasterstats: cpu time, scaled up", rival_s, "s"),
        Measure("rasterstats: cpu time, times gridgov", rival_s / seconds, "x", at_least=5.0),
        Measure("gridgov: memory", max(each[3] for each in ours), "GiB", at_most=1.5),
        Measure("gridgov: with three quantiles, cpu time", quantiles[0], "s"),
        Measure("gridgov: with three quantiles, memory", quantiles[3], "GiB", at_most=1.5),
        Measure("rasterstats: memory", rival[3], "GiB"),
    ]
    checks = [
        _sampled(grids, np.array(ours[0][2])),
        _beside(np.array(ours[0][2])[::_RIVAL_STEP], np.array(rival[2], dtype=float)),
    ]
    checks.append(", ".join(f"{name} {version(name)}" for name in ("exactextract", "rasterio", "rasterstats")))
    title = f"{len(grids):,} grids over {SIDE * SIDE / 1e6:.0f} million cells"
    return Result("zonal", "Zonal statistics", title, METHOD, rows, checks)


def write_raster(path: Path, grids: gpd.GeoDataFrame) -> None:
    """Write hills and noise about the grids, row of blocks by row of blocks."""
    west, south, east, north = grids.total_bounds
    cell = max(east - west, north - south) / SIDE
    rng = np.random.default_rng(SIDE)
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "predictor": 3}
    part = path.with_suffix(".part")
    with rasterio.open(
        part, "w", driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="float32", crs=METRIC_CRS, nodata=NODATA,
        transform=Affine(cell, 0, west, 0, -cell, north), **options,
    ) as file:  # fmt: skip
        for top in range(0, SIDE, BLOCK):
            rows = min(BLOCK, SIDE - top)
            hills = np.add.outer(np.sin(np.arange(top, top + rows) / 300), np.cos(np.arange(SIDE) / 500)) * 100
            values = (np.round(hills * 4) / 4 + rng.integers(0, 16, (rows, SIDE)) / 4).astype(np.float32)
            values[rng.integers(0, 100, (rows, SIDE)) == 0] = NODATA
            file.write(values, 1, window=Window(0, top, SIDE, rows))
    part.rename(path)


def _child(engine: str, zones: Path, *, kind: str = "") -> tuple[float, float, Any, float]:
    """Return cpu seconds, wall seconds, what was found and the largest resident set in GiB of one process."""
    command = [sys.executable, "-c", _RUN, engine, str(_RASTER), str(zones), kind]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{engine} failed with exit code {done.returncode}: {done.stderr[-500:]}")
    cpu, wall, found, peak_gib = json.loads(done.stdout)
    return cpu, wall, found, peak_gib


def _sampled(grids: gpd.GeoDataFrame, found: np.ndarray) -> str:
    """Compare the means of some grids with brute force: every cell cut into many, each counted by its middle."""
    chosen = np.random.default_rng(1).choice(len(grids), _SAMPLED, replace=False)
    worst = 0.0
    with rasterio.open(_RASTER) as file:
        for row in chosen:
            shape = grids.geometry.iloc[row]
            exact = from_bounds(*shape.bounds, file.transform)
            window = Window(int(exact.col_off), int(exact.row_off), int(exact.width) + 2, int(exact.height) + 2)
            window = window.intersection(Window(0, 0, SIDE, SIDE))
            values = np.kron(file.read(1, window=window), np.ones((_FINER, _FINER), dtype=np.float32))
            place = file.window_transform(window) @ Affine.scale(1 / _FINER)
            columns, rows = np.meshgrid(np.arange(values.shape[1]) + 0.5, np.arange(values.shape[0]) + 0.5)
            inside = shapely.contains_xy(shape, place.c + columns * place.a, place.f + rows * place.e)
            known = inside & (values != NODATA)
            cells = known.sum() / _FINER**2
            worst = max(worst, abs(values[known].mean() - found[row, 1]), abs(cells - found[row, 0]) / cells * 100)
    if worst > 0.5:
        raise SystemExit(f"brute force differs by {worst}")
    return (
        f"{_SAMPLED} grids counted by brute force, every cell cut into {_FINER * _FINER}: means differ by at most "
        f"{worst:.2g} (values span 400), cells by at most as many percent"
    )


def _beside(ours: np.ndarray, rival: np.ndarray) -> str:
    difference = np.abs(ours[:, 1] - rival[:, 1])
    return (
        f"means of rasterstats, which takes whole cells by their middle, differ by {np.nanmedian(difference):.2g} in "
        f"the median and {np.nanmax(difference):.2g} at most; grids without a mean: {int(np.isnan(ours[:, 1]).sum())} "
        f"of ours, {int(np.isnan(rival[:, 1]).sum())} of its"
    )
