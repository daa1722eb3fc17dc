"""A served map and a browser that notes every request: none may leave this host."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from map_source import MapSource
from playwright.sync_api import Browser, Frame, Page, sync_playwright

_TESTS = Path(__file__).resolve().parent.parent
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_LOCAL = {"127.0.0.1", "localhost"}
_INLINE = {"data", "blob", "about"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, *, seconds: float = 90.0) -> None:
    """Wait until a server answers; say what it wrote if it ends or stays silent."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"the server did not answer at {url}:\n{log.read_text(encoding='utf-8')}")


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[list[str], int], str]]:
    """Start a server as a process of its own: `start_server(command, port)` returns its address."""
    started: list[subprocess.Popen[bytes]] = []

    def start(command: list[str], port: int) -> str:
        log = tmp_path_factory.mktemp("server") / "server.log"
        path = os.pathsep.join([str(_TESTS), str(_TESTS.parent), os.environ.get("PYTHONPATH", "")])
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": path}
            )
        started.append(process)
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/healthz", process, log)
        return address

    yield start
    for process in started:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def served_map(tmp_path_factory: pytest.TempPathFactory, start_server: Callable[[list[str], int], str]) -> str:
    """Address of the bare map page over the small made-up district."""
    folder = tmp_path_factory.mktemp("district")
    MapSource(folder).make()
    port = free_port()
    return start_server([sys.executable, str(_TESTS / "map_source.py"), str(folder), str(port)], port)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(path).is_file():
        reason = "Chromium is not installed (Debian: apt install chromium)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


class Watch:
    """Everything a browser context asked for, pages, frames and workers alike, and what went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.context.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("worker", lambda worker: self.requests.append(worker.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.context.on(
            "response", lambda answer: answer.status >= 400 and self.errors.append(f"{answer.status} {answer.url}")
        )

    @property
    def foreign(self) -> list[str]:
        """Requests to any other host."""
        parts = ((url, urlsplit(url)) for url in self.requests)
        return [url for url, part in parts if part.scheme not in _INLINE and part.hostname not in _LOCAL]

    def map_frame(self, *, seconds: float = 40.0) -> Frame:
        """The frame of the map, once it stands and has stopped loading."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for frame in self.page.frames:
                if "streamlit_folium" in frame.url and frame.evaluate("Boolean(window.gridgov && gridgov.current)"):
                    self.page.wait_for_load_state("networkidle")
                    self.page.wait_for_timeout(400)
                    return frame
            self.page.wait_for_timeout(100)
        raise AssertionError(f"no map came up; errors: {self.errors}")


@pytest.fixture
def watch(chromium: Browser) -> Iterator[Watch]:
    """A fresh page at the size of an office screen; after the test no request may have left this host."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    watcher = Watch(context.new_page())
    yield watcher
    context.close()
    assert watcher.requests, "the test opened no page"
    assert watcher.foreign == []
