"""Importing and opening: whole processes on real files, with their memory; bars are absolute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.instances import ROOT, data_folder
from benchmarks.report import Measure, Result

ROADS = {
    "columbus": "scale/columbus.osm.pbf",
    "shanghai_center": "osm_extra/shanghai_center.osm",
    "shenzhen_pinghu": "osm_extra/shenzhen_pinghu.osm",
    "andorra": "terrain/andorra.osm.pbf",
}
ELEVATION = {"andorra": "terrain/N42E001.hgt"}
METHOD = (
    "Each figure is of a process of its own, wall time, Python's start and imports included, except “second opening”: "
    "there the libraries are imported first, then the clock runs while the workspace is opened, every layer read, all "
    "workers put on the roads and one place dispatched to. Memory is the largest resident set of the process."
)
_OPEN = """
import json, sys, time
import gridgov.operations.dispatching as dispatching, gridgov.operations.situation, gridgov.workspace as w
from gridgov.model.rights import EVERYWHERE, Person, Role
start = time.perf_counter()
opened = w.open_workspace(sys.argv[1])
for layer in opened.layer_ids:
    if opened.entry(layer).geometry != "raster":
        opened.layer(layer)
west, south, east, north = opened.bounds
dispatching.dispatch_at(opened, Person("bench", Role.COMMANDER, EVERYWHERE), (west + east) / 2, (south + north) / 2)
print(json.dumps(time.perf_counter() - start))
"""


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    folder = data_folder(data).resolve()
    rows: list[Measure] = []
    with tempfile.TemporaryDirectory() as scratch:
        room = Path(scratch)
        for name in ROADS:
            tell(f"importing {name}")
            seconds, memory_gib = _timed(
                [*_gridgov("init"), str(room / name), "--from", str(_import_file(name, folder, room))]
            )
            bars = (90.0, 3.0) if name == "columbus" else (None, None)
            rows += [
                Measure(f"import {name}", seconds, "s", bars[0]),
                Measure(f"import {name}, memory", memory_gib, "GiB", bars[1]),
            ]
        tell("importing hualien")
        seconds, memory_gib = _timed(
            [*_gridgov("init"), str(room / "hualien"), "--from", str(ROOT / "tests" / "real" / "hualien.toml")],
            {"GRIDGOV_TEST_DATA": str(folder)},
        )
        rows += [
            Measure("import hualien, 8 layers", seconds, "s"),
            Measure("import hualien, memory", memory_gib, "GiB"),
        ]
        tell("making the sample district")
        seconds, memory_gib = _timed([*_gridgov("sample"), str(room / "district")])
        rows += [Measure("make and import the sample district", seconds, "s")]
        for name in ("columbus", "hualien", "district"):
            tell(f"opening {name}")
            rows.append(Measure(f"second opening of {name}", _opening_s(room / name, rounds), "s", 2.0))
        tell("asking for help")
        helps = [_timed([*_gridgov("--help")])[0] for _ in range(rounds)]
        rows.append(Measure("gridgov --help", median(helps), "s", 1.0))
    return Result("importing", "Importing and opening", "real files", METHOD, rows, [])


def _gridgov(command: str) -> list[str]:
    return [sys.executable, "-m", "gridgov", command]


def _import_file(name: str, folder: Path, room: Path) -> Path:
    lines = ["[workspace]", f'id = "{name}"', f'names = {{ zh = "{name}", en = "{name}" }}']
    lines += ["[[layer]]", 'kind = "roads"', f'source = "{folder / ROADS[name]}"']
    if name in ELEVATION:
        lines += ["[[layer]]", 'kind = "elevation"', f'source = "{folder / ELEVATION[name]}"']
    file = room / f"{name}.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def _timed(command: list[str], more: dict[str, str] | None = None) -> tuple[float, float]:
    """Return wall seconds and the largest resident set in GiB of one process."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **(more or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 2**20


def _opening_s(workspace: Path, rounds: int) -> float:
    command = [sys.executable, "-c", _OPEN, str(workspace)]
    times = [
        json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout)
        for _ in range(rounds)
    ]
    return median(times)
