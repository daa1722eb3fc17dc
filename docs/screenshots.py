"""Take the pictures of the documents: `make screenshots` (needs chromium; the sample is made if absent).

`python docs/screenshots.py planning siting` takes only some, `--workspace FOLDER` of another workspace.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent
WORKSPACE = HERE.parent / "data" / "linjiang"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
_PEOPLE = (("wang", "supervisor", "王敏"), ("chen", "commander", "陈建国"), ("lin", "planner", "林晓"))
_ROW_PX, _LAND_ROW = 35, 12
_AREA = [(0.42, 0.4), (0.58, 0.36), (0.62, 0.55), (0.45, 0.6)]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, seconds: float = 180.0) -> None:
    """Wait until the console answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise SystemExit(f"no answer at {url}")


def settle(page: Page) -> None:
    """Wait until the map has drawn what it asked for."""
    page.wait_for_selector("iframe")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(3_000)


def ask(address: str, path: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
    """Return what the API answers."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    content = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{address}/api/v1{path}", content, headers)) as answer:
        return json.load(answer)


def sign_in(page: Page, address: str, token: str) -> None:
    """Let the browser have a session."""
    page.context.add_cookies([{"name": "gridgov_session", "value": token, "url": address}])


def take_console(page: Page, address: str, lang: str, token: str) -> None:
    """Take the pictures of the map, of sending somebody, of a batch."""
    sign_in(page, address, token)
    page.goto(f"{address}/?lang={lang}")
    page.locator(".st-key-worklist [role=radiogroup] label").first.wait_for()
    settle(page)
    page.screenshot(path=HERE / f"console-{lang}.png")
    waiting = ask(address, "/incidents?state=filed&limit=5", token=token)["items"]
    page.goto(f"{address}/?lang={lang}&incident={waiting[-1]['id']}")
    page.locator(".gg-worker").first.wait_for()
    page.locator(".st-key-zoom_to button").click()
    settle(page)
    page.screenshot(path=HERE / f"dispatch-{lang}.png")
    page.goto(f"{address}/?lang={lang}")
    page.get_by_role("link", name={"zh": "批量派遣", "en": "Assign all"}[lang], exact=True).click()
    page.locator("[data-testid=stDataFrame]").first.wait_for()
    page.wait_for_timeout(1_500)
    page.screenshot(path=HERE / f"batch-{lang}.png")


def take_data(page: Page, address: str, lang: str, token: str) -> None:
    """Take the picture of the catalogue with the layer of land chosen."""
    sign_in(page, address, token)
    page.goto(f"{address}/?lang={lang}")
    page.locator("iframe").wait_for(timeout=60_000)
    page.get_by_role("link", name={"zh": "数据", "en": "Data"}[lang], exact=True).click()
    page.locator("[data-testid=stDataFrame]").first.wait_for()
    page.wait_for_timeout(1_500)
    box = page.locator("[data-testid=stDataFrame]").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 18, box["y"] + _ROW_PX * (_LAND_ROW + 1.5))  # the rows are painted, not elements
    page.wait_for_timeout(4_000)
    page.screenshot(path=HERE / f"data-{lang}.png")


def take_roads(page: Page, address: str, lang: str, token: str) -> None:
    """Take the pictures of a drawn closure with its effects, and of coverage."""
    sign_in(page, address, token)
    page.goto(f"{address}/?lang={lang}&mode=roads")
    settle(page)
    frame = next(each for each in page.frames if "streamlit_folium" in each.url)
    box = page.locator("iframe").bounding_box()
    assert box is not None
    frame.locator(".gg-draw a[data-kind=polygon]").click()
    corners = [(0.42, 0.42), (0.485, 0.36), (0.52, 0.41), (0.45, 0.47)]
    for x, y in corners[:-1]:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.wait_for_timeout(350)
    x, y = corners[-1]
    page.mouse.dblclick(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.locator(".gg-effects").wait_for(timeout=120_000)
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] + 8)
    settle(page)
    page.screenshot(path=HERE / f"closures-{lang}.png")
    page.goto(f"{address}/?lang={lang}&mode=coverage")
    page.locator(".gg-cells").wait_for(timeout=120_000)
    settle(page)
    page.screenshot(path=HERE / f"coverage-{lang}.png")


def take_emergency(page: Page, address: str, lang: str, token: str) -> None:
    """Take the pictures of a drawn hazard with its impact, and of a plan in time, as a commander sees them."""
    sign_in(page, address, token)
    page.goto(f"{address}/?lang={lang}")
    page.locator("iframe").wait_for(timeout=60_000)
    page.get_by_role("link", name={"zh": "应急指挥", "en": "Emergency"}[lang], exact=True).click()
    page.locator(".st-key-steps").wait_for(timeout=60_000)
    page.wait_for_timeout(6_000)
    if page.locator(".st-key-new_hazard button").count():
        page.locator(".st-key-new_hazard button").click()
    page.locator(".st-key-hazard_kinds button").nth(1).click()
    page.wait_for_timeout(1_500)
    page.locator(".st-key-compute_hazard button").click()
    page.locator(".gg-impact").wait_for(timeout=120_000)
    page.wait_for_timeout(5_000)
    page.screenshot(path=HERE / f"emergency-{lang}.png")
    page.locator(".st-key-steps button").nth(0).click()
    page.locator(".st-key-new_hazard button").click(timeout=60_000)
    page.wait_for_timeout(1_500)
    page.locator(".st-key-hazard_kinds button").nth(0).click(timeout=60_000)
    page.locator(".st-key-draw_hazard button").click(timeout=60_000)
    page.wait_for_timeout(1_500)
    box = page.locator("iframe").bounding_box()
    assert box is not None
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in _AREA]
    for corner in corners[:-1]:
        page.mouse.click(*corner)
        page.wait_for_timeout(350)
    page.mouse.dblclick(*corners[-1])
    page.locator(".gg-impact").wait_for(timeout=120_000)
    page.locator(".st-key-steps button").nth(3).click()
    page.locator(".st-key-compute_plan button").click(timeout=60_000)
    page.locator(".gg-answer[data-plan]").wait_for(timeout=180_000)
    page.wait_for_timeout(5_000)
    frame = next(each for each in page.frames if "streamlit_folium" in each.url)
    frame.wait_for_selector(".gg-timeline", timeout=60_000)
    frame.evaluate("gridgov.current.emergency._setTime(0.4 * gridgov.current.emergency._plan.end_s)")
    page.wait_for_timeout(5_000)
    page.screenshot(path=HERE / f"evacuation-plan-{lang}.png")


def take_planning(page: Page, address: str, lang: str, token: str) -> None:
    """Take the picture of a new shelter and a closed bridge beside the base, as a planner sees them."""
    sign_in(page, address, token)
    page.goto(f"{address}/?lang={lang}")
    page.locator("iframe").wait_for(timeout=60_000)
    page.get_by_role("link", name={"zh": "规划", "en": "Planning"}[lang], exact=True).click()
    page.locator(".st-key-planning_kinds").wait_for(timeout=60_000)
    page.wait_for_timeout(6_000)
    name = page.locator("[class*=st-key-planning-name] input")
    name.fill({"zh": "新避难所，断一桥", "en": "New shelter, closed bridge"}[lang])
    name.press("Enter")
    box = page.locator("iframe").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.31 * box["width"], box["y"] + 0.19 * box["height"])
    page.locator(".st-key-planning_add button:enabled").click(timeout=60_000)
    page.locator(".gg-change").first.wait_for(timeout=60_000)
    page.locator(".st-key-planning_kinds button").nth(2).click()
    page.locator(".st-key-planning_draw_line button").click(timeout=60_000)
    page.wait_for_timeout(1_500)
    page.mouse.click(box["x"] + 0.455 * box["width"], box["y"] + 0.53 * box["height"])
    page.wait_for_timeout(350)
    page.mouse.dblclick(box["x"] + 0.52 * box["width"], box["y"] + 0.455 * box["height"])
    page.locator(".gg-change").nth(1).wait_for(timeout=60_000)
    page.locator(".st-key-steps button").nth(2).click()
    page.locator(".st-key-planning_compare button:enabled").click(timeout=60_000)
    page.locator(".gg-figures").wait_for(timeout=120_000)
    page.wait_for_timeout(6_000)
    page.screenshot(path=HERE / f"planning-{lang}.png")


def take_siting(page: Page, address: str, lang: str, token: str) -> None:
    """Take the picture of the best new shelters."""
    sign_in(page, address, token)
    page.goto(f"{address}/?lang={lang}")
    page.locator("iframe").wait_for(timeout=60_000)
    page.get_by_role("link", name={"zh": "规划", "en": "Planning"}[lang], exact=True).click()
    page.locator(".st-key-planning_parts button").nth(2).click(timeout=60_000)
    page.wait_for_timeout(4_000)
    page.locator(".st-key-views button").nth(1).click()
    page.wait_for_timeout(2_000)
    page.locator(".st-key-compute-sites button:enabled").click()
    page.locator(".gg-answer").first.wait_for(timeout=300_000)
    page.wait_for_timeout(6_000)
    page.screenshot(path=HERE / f"planning-sites-{lang}.png")


def served_copy(workspace: Path, folder: Path, password: str) -> None:
    """Copy a district without what was done in it, let people in who plan and command; make the sample if absent."""
    gridgov = [sys.executable, "-m", "gridgov"]
    if not (workspace / "workspace.json").is_file():
        subprocess.run([*gridgov, "sample", str(workspace)], check=True)
    shutil.copytree(workspace, folder, ignore=lambda _, names: [name for name in names if name.startswith("store")])
    for account, role, name in _PEOPLE:
        add = ["users", "add", account, "--role", role, "--area", "all", "--name", name, "--password-stdin"]
        subprocess.run([*gridgov, *add, "--workspace", str(folder)], input=password, text=True, check=True)


TAKEN = {
    "console": (take_console, "wang"),
    "roads": (take_roads, "wang"),
    "data": (take_data, "lin"),
    "emergency": (take_emergency, "chen"),
    "planning": (take_planning, "lin"),
    "siting": (take_siting, "lin"),
}
"""Name → what takes the pictures, and who sits at the console."""


def main() -> None:
    """Serve a copy of the sample district, take the pictures, stop the server."""
    parser = argparse.ArgumentParser(description="Take the pictures of the documents.")
    parser.add_argument("pictures", nargs="*", choices=[[], *TAKEN], help="which; all if none is named")
    parser.add_argument("--workspace", type=Path, default=WORKSPACE)
    given = parser.parse_args()
    port, password, before = free_port(), secrets.token_urlsafe(16), time.time()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "linjiang"
        served_copy(given.workspace, folder, password)
        command = [sys.executable, "-m", "gridgov", "serve", "--workspace", str(folder), "--port", str(port)]
        with subprocess.Popen(command) as server, sync_playwright() as playwright:
            try:
                address = f"http://127.0.0.1:{port}"
                wait_for(f"{address}/healthz")
                tokens = {
                    account: ask(address, "/session", {"account": account, "password": password})["token"]
                    for account, *_ in _PEOPLE
                }
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
                for lang in ("zh", "en"):  # a browser context of its own: the map keeps the view within one
                    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
                    for name in given.pictures or TAKEN:
                        picture, account = TAKEN[name]
                        picture(page, address, lang, tokens[account])
                browser.close()
            finally:
                server.terminate()
    for path in HERE.glob("*.png"):  # 256 colours are enough for a map and a third of the size
        if path.stat().st_mtime < before:
            continue
        with Image.open(path) as image:
            small = image.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, kmeans=3, dither=Image.Dither.NONE)
        small.save(path, optimize=True)


if __name__ == "__main__":
    main()
