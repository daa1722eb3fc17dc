"""The server under load: 50 people with 50 accounts report and read for a minute, on SQLite and PostgreSQL.

GRIDGOV_BENCH_POSTGRESQL holds the URL of an empty database; without it SQLite alone is measured. GRIDGOV_BENCH_SECONDS
shortens the minute; GRIDGOV_BENCH_ONLY names one of the two.
"""

from __future__ import annotations

import asyncio
import json
import os
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
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from benchmarks.report import Measure, Result
from gridgov.config import Settings
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.accounts import AccountDraft, add_account
from gridgov.operations.importing import import_sample
from gridgov.workspace import open_workspace

PEOPLE = 50
SECONDS = float(os.environ.get("GRIDGOV_BENCH_SECONDS", "60"))
REPORTS_AT_LEAST = {"SQLite": 100.0, "PostgreSQL": 200.0}
PASSWORD = secrets.token_urlsafe(12)
ADMIN = Person("system", Role.ADMIN, EVERYWHERE)
METHOD = (
    f"`gridgov serve` on the village sample as one process; the clients are another process on the same machine: "
    f"{PEOPLE} signed-in supervisors, each with one connection, do one thing after the other without a pause: "
    "a report, then one of three reads (the first 20 of the worklist, one incident, its timeline), all checked for the "
    "right status. The default durability: a sync at every commit. Limits of requests are as they come, except that "
    "an account may do more than 20 a second."
)


@dataclass
class Tally:
    """What the clients saw: seconds of every answered request, and every answer that was not the right one."""

    reports_s: list[float] = field(default_factory=list)
    reads_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def run(*, data: Path | None, rounds: int, tell: Callable[[str], None]) -> Result:
    """Measure."""
    del data, rounds
    rows: list[Measure] = []
    checks: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "village"
        tell("making the village")
        import_sample(workspace, size="village")
        urls = {"SQLite": ""}
        if given := os.environ.get("GRIDGOV_BENCH_POSTGRESQL"):
            urls["PostgreSQL"] = given
        only = os.environ.get("GRIDGOV_BENCH_ONLY", "")
        for name, url in urls.items():
            if only and name != only:
                continue
            tell(f"{name}: {PEOPLE} people for {SECONDS:.0f} s")
            tally, wall_s = _under_load(workspace, Settings(store=url), tell)
            rows += _figures(name, tally, wall_s)
            if tally.errors:
                raise AssertionError(f"{name}: {len(tally.errors)} wrong answers, the first: {tally.errors[0]}")
            checks.append(f"{name}: {len(tally.reports_s):,} reports and {len(tally.reads_s):,} reads, no wrong answer")
    return Result("load", "Server under load", f"{PEOPLE} clients, {SECONDS:.0f} s", METHOD, rows, checks)


def _figures(name: str, tally: Tally, wall_s: float) -> list[Measure]:
    def percentile(values: list[float], part: int) -> float:
        return quantiles(values, n=100)[part - 1] * 1000

    per_s = len(tally.reports_s) / wall_s
    return [
        Measure(f"{name}: reports acknowledged", per_s, "/s", at_least=REPORTS_AT_LEAST[name]),
        Measure(f"{name}: reads answered", len(tally.reads_s) / wall_s, "/s"),
        Measure(f"{name}: wrong answers", float(len(tally.errors)), "", 0.0),
        Measure(f"{name}: report, median", percentile(tally.reports_s, 50), "ms"),
        Measure(f"{name}: report, 95 %", percentile(tally.reports_s, 95), "ms"),
        Measure(f"{name}: read, median", percentile(tally.reads_s, 50), "ms"),
        Measure(f"{name}: read, 95 %", percentile(tally.reads_s, 95), "ms"),
    ]


def _under_load(folder: Path, settings: Settings, tell: Callable[[str], None]) -> tuple[Tally, float]:
    workspace = open_workspace(folder, settings=settings)
    for number in range(PEOPLE):
        draft = AccountDraft(account_id=f"bench{number:02d}", role=Role.SUPERVISOR, areas=("all",))
        add_account(workspace, ADMIN, draft, password=PASSWORD)
    points = [point.representative_point() for point in workspace.layer("grids").geometry]
    places = [(round(point.x, 6), round(point.y, 6)) for point in points]
    workspace.store.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    variables = {**os.environ, "GRIDGOV_REQUESTS_PER_MIN": "100000", "GRIDGOV_STORE": settings.store}
    command = [sys.executable, "-m", "gridgov", "serve", "--workspace", str(folder), "--port", str(port)]
    with (folder.parent / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
    try:
        _wait(port, server)
        tally = Tally()
        return tally, asyncio.run(_everybody(port, places, tally, tell))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
            return
        except OSError:
            if server.poll() is not None:
                raise RuntimeError("the server ended before it answered") from None
            time.sleep(0.1)
    raise RuntimeError("the server did not answer")


async def _everybody(port: int, places: list[tuple[float, float]], tally: Tally, tell: Callable[[str], None]) -> float:
    """Return how many seconds it took, sign-ins left out."""
    clients = [_Client(port) for _ in range(PEOPLE)]
    for number, client in enumerate(clients):  # one after the other: a password takes a core for a while on purpose
        await client.sign_in(f"bench{number:02d}")
    tell("signed in")
    start = time.perf_counter()
    end = time.perf_counter() + SECONDS
    await asyncio.gather(
        *(_one(client, random.Random(number), places, tally, end) for number, client in enumerate(clients))
    )
    return time.perf_counter() - start


async def _one(
    client: _Client, rng: random.Random, places: list[tuple[float, float]], tally: Tally, end: float
) -> None:
    known = ""
    while time.perf_counter() < end:
        lon, lat = rng.choice(places)
        body = {"class_code": "0101", "lon": lon, "lat": lat, "description": "垃圾堆放在路口，已两天", "severity": 2}
        status, answer = await client.timed("POST", "/api/v1/incidents", tally.reports_s, body)
        if status != 201:
            tally.errors.append(f"report: {status} {answer[:200]!r}")
            continue
        known = json.loads(answer)["id"]
        path = rng.choice(("incidents?limit=20", f"incidents/{known}", f"incidents/{known}/timeline"))
        status, answer = await client.timed("GET", f"/api/v1/{path}", tally.reads_s)
        if status != 200:
            tally.errors.append(f"{path}: {status} {answer[:200]!r}")


class _Client:
    """One connection that is kept; as little Python as possible, because it shares the machine with the server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._token = ""
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def sign_in(self, account: str) -> None:
        status, answer = await self.ask("POST", "/api/v1/session", {"account": account, "password": PASSWORD})
        if status not in {200, 201}:
            raise RuntimeError(f"{account} could not sign in: {status} {answer[:200]!r}")
        self._token = json.loads(answer)["token"]
        if self._streams is not None:  # the server ends connections that rest while the others sign in
            self._streams[1].close()
            self._streams = None

    async def timed(
        self, method: str, path: str, seconds: list[float], body: dict[str, object] | None = None
    ) -> tuple[int, bytes]:
        start = time.perf_counter()
        answer = await self.ask(method, path, body)
        seconds.append(time.perf_counter() - start)
        return answer

    async def ask(self, method: str, path: str, body: dict[str, object] | None = None) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        sent = b"" if body is None else json.dumps(body).encode()
        head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(sent)}"]
        if self._token:
            head.append(f"Authorization: Bearer {self._token}")
        if body is not None:
            head += ["Content-Type: application/json", f"Idempotency-Key: {secrets.token_hex(16)}"]
        writer.write("\r\n".join([*head, "", ""]).encode() + sent)
        status_line, *headers = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        named = dict(line.lower().split(": ", 1) for line in headers if line)
        content = await reader.readexactly(int(named.get("content-length", "0")))
        if named.get("connection") == "close":
            writer.close()
            self._streams = None
        return int(status_line.split()[1]), content
