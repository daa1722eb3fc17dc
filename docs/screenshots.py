"""Take the pictures of the documents: `make screenshots` (needs chromium; the sample is made if absent)."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent
WORKSPACE = HERE.parent / "data" / "linjiang"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


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


def take(page: Page, address: str, lang: str) -> None:
    """Take the pictures of one language."""
    page.goto(f"{address}/?lang={lang}")
    settle(page)
    page.screenshot(path=HERE / f"console-{lang}.png")
    page.locator(".st-key-worklist [role=radiogroup] label").nth(1).click()
    page.locator(".gg-worker").first.wait_for()
    page.locator(".st-key-zoom_to button").click()
    settle(page)
    page.screenshot(path=HERE / f"dispatch-{lang}.png")
    page.goto(f"{address}/data?lang={lang}")
    page.locator("[data-testid=stDataFrame]").first.wait_for()
    page.wait_for_timeout(1_500)
    page.screenshot(path=HERE / f"data-{lang}.png")


def main() -> None:
    """Serve the sample district, take the pictures, stop the server."""
    port = free_port()
    command = [sys.executable, "-m", "gridgov", "demo", "--workspace", str(WORKSPACE), "--port", str(port)]
    with subprocess.Popen(command) as server, sync_playwright() as playwright:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/healthz")
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for lang in ("zh", "en"):  # a browser context of its own: the map keeps the view within one
                take(browser.new_context(viewport={"width": 1366, "height": 768}).new_page(), address, lang)
            browser.close()
        finally:
            server.terminate()
    for picture in HERE.glob("*.png"):  # 256 colours are enough for a map and a third of the size
        with Image.open(picture) as image:
            small = image.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, kmeans=3, dither=Image.Dither.NONE)
        small.save(picture, optimize=True)


if __name__ == "__main__":
    main()
