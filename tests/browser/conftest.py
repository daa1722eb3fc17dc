"""A served map and a browser that notes every request: none may leave this host."""

from __future__ import annotations

import json
import logging
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
from typing import Any
from urllib.parse import urlsplit

import pytest
from map_source import MapSource
from playwright.sync_api import Browser, Frame, Page, Request, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from gridgov.config import load_settings
from gridgov.i18n import label

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
PASSWORD = "a long pass phrase 42"
expect.set_options(timeout=20_000)  # milliseconds; two cores may be shared with other tests
_ACCOUNTS = {
    "boss": ("--role", "supervisor", "--area", "all", "--name", "周督导"),
    "checker": ("--role", "supervisor", "--area", "all", "--name", "李核查"),
    "keeper": ("--role", "admin", "--area", "all"),
    "plan": ("--role", "planner", "--area", "all"),
    "chief": ("--role", "commander", "--area", "all", "--name", "陈指挥"),
    "walker": ("--role", "worker", "--worker", "W00001", "--name", "赵巡查"),
}
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


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, *, said: str = "", seconds: float = 500.0) -> None:
    """Wait until a server answers and has said something; say what it wrote if it ends or does neither."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200 and said in log.read_text(encoding="utf-8"):
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the server did not get ready at {url}:\n{log.read_text(encoding='utf-8')}")


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[list[str], int], str]]:
    """Start a server as a process of its own: `start_server(command, port)` returns its address.

    After a fresh installation the console compiles beside its first answers, which slows them; it says when that is
    over, and only then is it ready here.
    """
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
        said = label("evacuate.warm_up.done", load_settings().lang) if "serve" in command else ""
        wait_for(f"{address}/healthz", process, log, said=said)
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


class Console:
    """A served copy of the sample village with an account for each role, and a way into it past the pages."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self.folder = folder
        self._tokens: dict[str, str] = {}

    def token(self, account: str, password: str = PASSWORD) -> str:
        """The session of an account, signed in once."""
        if account not in self._tokens:
            answer = self._ask("POST", "/session", {"account": account, "password": password})
            self._tokens[account] = str(answer["token"])
        return self._tokens[account]

    def sign_in(self, page: Page, account: str) -> None:
        """Let a page's browser have the session of an account; of a planner a new one, with no draft open."""
        if account == "plan":
            self._tokens.pop(account, None)
        cookie = {"name": "gridgov_session", "value": self.token(account), "url": self.address}
        page.context.add_cookies([{**cookie, "httpOnly": True, "sameSite": "Lax"}])  # type: ignore[list-item]

    def ask(self, method: str, path: str, body: object = None, *, account: str = "boss") -> Any:
        """What the API answers to an account."""
        return self._ask(method, path, body, self.token(account))

    def report(
        self,
        description: str,
        *,
        severity: int = 4,
        class_code: str = "0101",
        place: tuple[float, float] = (119.018, 29.601),
    ) -> str:
        """A new incident, in the middle of the district if nothing else is said; its number."""
        spot = {"lon": place[0], "lat": place[1]}
        given = {"class_code": class_code, "description": description, "severity": severity, **spot}
        return str(self.ask("POST", "/incidents", given)["id"])

    def _ask(self, method: str, path: str, body: object, token: str = "") -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/api/v1{path}", content, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


@pytest.fixture(scope="session")
def console_server(
    village: Path, tmp_path_factory: pytest.TempPathFactory, start_server: Callable[[list[str], int], str]
) -> Console:
    """The console over a copy of the sample village, started as people start it."""
    folder = tmp_path_factory.mktemp("console") / "village"
    shutil.copytree(village, folder, ignore=lambda _, names: [name for name in names if name.startswith("store")])
    command = [sys.executable, "-m", "gridgov"]
    for account, given in _ACCOUNTS.items():
        subprocess.run(
            [*command, "users", "add", account, *given, "--password-stdin", "--workspace", str(folder)],
            input=PASSWORD,
            text=True,
            check=True,
            capture_output=True,
        )
    port = free_port()
    return Console(start_server([*command, "serve", "--workspace", str(folder), "--port", str(port)], port), folder)


class Watch:
    """Everything a browser context asked for, pages, frames and workers alike, and what went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._loading: set[Request] = set()
        page.context.on("request", lambda request: self.requests.append(request.url))
        page.on("request", self._began)
        page.on("requestfinished", self._ended)
        page.on("requestfailed", self._ended)
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("worker", lambda worker: self.requests.append(worker.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.context.on(
            "response", lambda answer: answer.status >= 400 and self.errors.append(f"{answer.status} {answer.url}")
        )

    def _began(self, request: Request) -> None:
        self._loading.add(request)

    def _ended(self, request: Request) -> None:
        self._loading.discard(request)

    @property
    def foreign(self) -> list[str]:
        """Requests to any other host."""
        parts = ((url, urlsplit(url)) for url in self.requests)
        return [url for url, part in parts if part.scheme not in _INLINE and part.hostname not in _LOCAL]

    def settle(self, *, quiet_ms: int = 600, seconds: float = 60.0) -> None:
        """Wait until nothing has been loading for a moment.

        Playwright's "networkidle" never comes if a frame is replaced while it loads, as the map's is on a slow start.
        """
        end, quiet = time.monotonic() + seconds, 0
        while quiet < quiet_ms and time.monotonic() < end:
            self.page.wait_for_timeout(100)
            quiet = 0 if any(map(_awaited, self._loading)) else quiet + 100
        if quiet < quiet_ms:
            logging.getLogger(__name__).warning("still loading: %s", sorted(each.url[:200] for each in self._loading))

    def map_frame(self, *, seconds: float = 90.0) -> Frame:
        """The frame of the map, once it stands and has stopped loading."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for frame in self.page.frames:
                if "streamlit_folium" in frame.url and frame.evaluate("Boolean(window.gridgov && gridgov.current)"):
                    self.settle()
                    return frame
            self.page.wait_for_timeout(100)
        raise AssertionError(f"no map came up; errors: {self.errors}")


def _awaited(request: Request) -> bool:
    """Whether an answer can still come: what a frame asked for that is gone never ends."""
    try:
        return not request.frame.is_detached()
    except PlaywrightError:  # of a page that is not there yet
        return True


@pytest.fixture
def watch(chromium: Browser) -> Iterator[Watch]:
    """A fresh page at the size of an office screen; after the test no request may have left this host."""
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    watcher = Watch(context.new_page())
    yield watcher
    context.close()
    assert watcher.requests, "the test opened no page"
    assert watcher.foreign == []


@pytest.fixture
def console(watch: Watch, console_server: Console) -> str:
    """Address of the console, with a supervisor signed in."""
    console_server.sign_in(watch.page, "boss")
    return console_server.address
