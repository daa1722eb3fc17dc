"""Drawing a closure in the browser: from the finishing click to the effects in the panel and on the map.

The workspace has the roads of Columbus, 1,600 grids, 1,000 workers on shift and 500 open incidents, half of them with a
worker under way. A real server and Chromium; the time is taken in the page.
"""

from __future__ import annotations

import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import geopandas as gpd
import numpy as np
from shapely import box

from benchmarks.instances import SOURCES, data_folder
from benchmarks.report import Measure, Result
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.accounts import AccountDraft, add_account, sign_in
from gridgov.operations.adopting import adopt_incidents
from gridgov.operations.board import board_of
from gridgov.operations.importing import import_workspace
from gridgov.workspace import open_workspace

WORKERS, INCIDENTS, SIDE = 1000, 500, 40
DRAWINGS, WARM, AT_MOST_S = 20, 2, 1.0
CENTRE, REACH_DEG = (-82.998, 39.962), 0.17
METHOD = (
    f"`gridgov serve` on a workspace of the roads of Columbus with {SIDE * SIDE:,} grids, {WORKERS:,} workers on shift "
    f"and {INCIDENTS} open incidents (half of them under way), and one Chromium at 1366 x 768, on the same machine. "
    f"{DRAWINGS} closures are drawn by mouse, lines and areas by turns, after {WARM} that do not count. The clock "
    "of the page runs from the double click that finishes a drawing until the panel shows its effects and the "
    "map has painted them."
)
_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
_FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
_ADMIN = Person("system", Role.ADMIN, EVERYWHERE)
# Runs in the frame of the map, which has the same origin as the page around it.
_WATCH = """() => {
  const parent = window.parent.document;
  window.gridgovTook = [];
  let began = 0, painted = 0, shown = 0, before = "";
  const done = () => {
    if (!began || !painted || !shown) return;
    gridgovTook.push([shown - began, painted - began]);
    began = 0;
  };
  const mark = () => (parent.querySelector(".gg-effects") || { dataset: {} }).dataset.of || "";
  const report = gridgov.report;
  gridgov.report = (feature) => {
    [began, painted, shown, before] = [performance.now(), 0, 0, feature.id];
    report(feature);
  };
  gridgov.current.map.on("gg:shown", () => requestAnimationFrame(() => { painted = performance.now(); done(); }));
  new MutationObserver(() => {
    if (began && !shown && mark() === before) { shown = performance.now(); done(); }
  }).observe(parent.body, { subtree: true, childList: true, attributes: true });
}"""


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    """Measure."""
    del rounds
    with tempfile.TemporaryDirectory() as scratch:
        room = Path(scratch)
        tell("making the workspace")
        folder = _workspace(room, data_folder(data) / SOURCES["columbus"])
        token, under_way = _prepared(folder)
        tell("starting the server")
        with _Server(folder, room / "server.log") as server:
            took = _draw_all(server.address, token, tell)
    both = [max(pair) for pair in took]
    rows = [
        Measure("drawing → effects in panel and map, p95", quantiles(both, n=20)[18] / 1000, "s", AT_MOST_S),
        Measure("drawing → effects in panel and map, median", median(both) / 1000, "s"),
        Measure("drawing → text in the panel, median", median(pair[0] for pair in took) / 1000, "s"),
        Measure("drawing → map painted, median", median(pair[1] for pair in took) / 1000, "s"),
    ]
    checks = [f"{len(took)} drawings, {under_way} incidents with a worker under way"]
    return Result("closures", "Drawing a closure in the browser", "columbus, 1,000 workers", METHOD, rows, checks)


def _workspace(room: Path, roads: Path) -> Path:
    """Write seeded grids, workers and incidents beside the roads and import them all."""
    rng = np.random.default_rng(7)
    west, south = CENTRE[0] - REACH_DEG, CENTRE[1] - REACH_DEG
    step = 2 * REACH_DEG / SIDE
    cells = [(i, j) for j in range(SIDE) for i in range(SIDE)]
    grids = gpd.GeoDataFrame(
        {
            "grid_code": [
                f"339901{1 + j // 10:03d}{1 + i // 10:03d}{1 + i % 10 + 10 * (j % 10):03d}" for i, j in cells
            ],
            "persons": rng.integers(0, 900, len(cells)),
        },
        geometry=[
            box(west + i * step, south + j * step, west + (i + 1) * step, south + (j + 1) * step) for i, j in cells
        ],
        crs="EPSG:4326",
    )
    grids.to_file(room / "grids.gpkg", driver="GPKG")

    def points(count: int) -> gpd.GeoSeries:
        spread = rng.uniform(-0.8 * REACH_DEG, 0.8 * REACH_DEG, (count, 2)) + CENTRE
        return gpd.points_from_xy(*spread.T, crs="EPSG:4326")

    gpd.GeoDataFrame(
        {
            "worker_id": [f"W{i:04d}" for i in range(WORKERS)],
            "name": [f"网格员{i:04d}" for i in range(WORKERS)],
            "mode": rng.choice(["drive", "ebike", "walk"], WORKERS, p=[0.5, 0.4, 0.1]),
            "status": "free",
        },
        geometry=points(WORKERS),
    ).to_file(room / "workers.gpkg", driver="GPKG")
    states = np.where(np.arange(INCIDENTS) % 2, "dispatched", "filed")
    gpd.GeoDataFrame(
        {
            "incident_id": [f"I{i:04d}" for i in range(INCIDENTS)],
            "kind": "event",
            "class_code": "0101",
            "state": states,
            "severity": rng.integers(1, 5, INCIDENTS),
            "reported_at": "2026-06-30T01:00:00Z",
            "worker_id": [f"W{i:04d}" if i % 2 else "" for i in range(INCIDENTS)],
        },
        geometry=points(INCIDENTS),
    ).to_file(room / "incidents.gpkg", driver="GPKG")
    lines = [
        "[workspace]",
        'id = "columbus"',
        'names = { zh = "哥伦布", en = "Columbus" }',
        'timezone = "America/New_York"',
    ]
    sources = {"roads": roads, "grids": "grids.gpkg", "workers": "workers.gpkg", "incidents": "incidents.gpkg"}
    for kind, source in sources.items():
        lines += ["[[layer]]", f'kind = "{kind}"', f'source = "{source}"']
    file = room / "import.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    import_workspace(room / "columbus", file)
    return room / "columbus"


def _prepared(folder: Path) -> tuple[str, int]:
    """Take the incidents into the store and let a supervisor in; return the session and how many are under way."""
    workspace = open_workspace(folder)
    adopt_incidents(workspace)
    password = secrets.token_urlsafe(12)
    draft = AccountDraft(account_id="bench", role=Role.SUPERVISOR, areas=("all",))
    add_account(workspace, _ADMIN, draft, password=password)
    token = sign_in(workspace, "bench", password).token
    count = len(board_of(workspace).busy_handlers)
    workspace.store.close()
    return token, count


class _Server:
    """`gridgov serve`, stopped at the end."""

    def __init__(self, folder: Path, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self.address = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "gridgov", "serve", "--workspace", str(folder), "--port", str(port)]
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)

    def __enter__(self) -> _Server:
        end = time.monotonic() + 300
        while time.monotonic() < end and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.address}/healthz", timeout=5).close()
                return self
            except OSError:
                time.sleep(0.3)
        raise RuntimeError("the server did not answer")

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)


def _draw_all(address: str, token: str, tell: Callable[[str], None]) -> list[tuple[float, float]]:
    """Return milliseconds until the panel showed each drawing's effects, and until the map had painted them."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  # only this benchmark needs a browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_FLAGS)
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        context.add_cookies([{"name": "gridgov_session", "value": token, "url": address}])
        page = context.new_page()
        page.goto(f"{address}/?lang=zh&mode=roads")
        frame = _map_frame(page)
        frame.evaluate(_WATCH)
        rng = random.Random(7)
        for number in range(DRAWINGS + WARM):
            _draw(page, frame, rng, "polygon" if number % 2 else "line")
            frame.wait_for_function("(n) => gridgovTook.length > n", arg=number, timeout=120_000)
            tell(f"drawing {number + 1}: {max(frame.evaluate('gridgovTook.at(-1)')):.0f} ms")
            page.wait_for_timeout(600)
        took = frame.evaluate("gridgovTook")
        browser.close()
    return [(float(panel), float(painted)) for panel, painted in took[WARM:]]


def _map_frame(page: Any) -> Any:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for frame in page.frames:
            if "streamlit_folium" in frame.url and frame.evaluate("Boolean(window.gridgov && gridgov.current)"):
                frame.locator(".gg-draw a").first.wait_for(timeout=60_000)
                page.wait_for_timeout(2_000)
                frame.evaluate("([lon, lat]) => gridgov.current.map.setView([lat, lon], 13, {animate: false})", CENTRE)
                page.wait_for_timeout(2_000)
                return frame
        page.wait_for_timeout(200)
    raise RuntimeError("no map came up")


def _draw(page: Any, frame: Any, rng: random.Random, kind: str) -> None:
    """Draw a line of some 200 px or an area of some 120 x 120 px somewhere on the map."""
    edge = page.locator("iframe").bounding_box()
    x, y = edge["x"] + rng.uniform(260, 600), edge["y"] + rng.uniform(120, 420)
    ways = {"line": [(0, 0), (90, 70), (200, 40)], "polygon": [(0, 0), (120, 0), (120, 120), (0, 120)]}
    frame.locator(f".gg-draw a[data-kind={kind}]").click()
    for dx, dy in ways[kind][:-1]:
        page.mouse.click(x + dx, y + dy)
        page.wait_for_timeout(350)  # no double click yet
    page.mouse.dblclick(x + ways[kind][-1][0], y + ways[kind][-1][1])
