"""A small world for tests of stores: a fold, events, and a throw-away PostgreSQL cluster."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gridgov.errors import ParameterError
from gridgov.model.events import Event, NewEvent

START = datetime(2026, 6, 30, 2, 0, tzinfo=UTC)


def fold(state: dict[str, Any] | None, event: Event) -> dict[str, Any] | None:
    """Merge the payload; `incident.refused` is refused, `incident.voided` ends the entity."""
    if event.kind == "incident.refused":
        raise ParameterError("this move is refused")
    if event.kind == "incident.broken":
        raise KeyError("a faulty fold")
    if event.kind == "incident.voided":
        return None
    return {**(state or {"count": 0}), **event.payload, "count": (state or {}).get("count", 0) + 1}


def new_event(
    entity_id: str = "I1", kind: str = "incident.noted", /, *, actor: str = "anna", at: datetime = START, **payload: Any
) -> NewEvent:
    return NewEvent(at, actor, kind, entity_id, payload)


def random_events(seed: int, count: int, entities: int = 12) -> list[NewEvent]:
    """Events with all the kinds of values that a payload may hold."""
    rng = random.Random(seed)
    events = []
    for step in range(count):
        payload: dict[str, Any] = {
            "status": rng.choice(["reported", "filed", "dispatched", "closed"]),
            "severity": rng.randint(1, 4),
            "lon": round(rng.uniform(118, 120), 7),
            "lat": round(rng.uniform(29, 31), 7),
            "grid_code": f"3301{rng.randint(0, 99999999999):011d}",
            "text": rng.choice(["积水约 20 cm", '<b>Äpfel & "Birnen"</b>', "line\nbreak", "🚒", ""]),
            "more": rng.choice([None, True, 1.5, [1, [2.5, "x"]], {"b": 1, "a": {}}]),
        }
        kind = "incident.voided" if rng.random() < 0.05 else "incident.noted"
        at = START + timedelta(seconds=step, microseconds=rng.randint(0, 999_999))
        events.append(NewEvent(at, rng.choice(["anna", "李雷"]), kind, f"I{rng.randrange(entities)}", payload))
    return events


class Cluster:
    """A PostgreSQL cluster in a folder of its own, on a free port of the loopback interface, run by no root."""

    def __init__(self, directory: Path, port: int, binaries: Path) -> None:
        self.directory, self.port, self._binaries = directory, port, binaries
        self._databases = 0

    @classmethod
    def make(cls, directory: Path, port: int) -> Cluster:
        binaries = postgresql_binaries()
        assert binaries is not None
        cluster = cls(directory, port, binaries)
        if os.geteuid() == 0:
            shutil.chown(directory, cluster._user, cluster._user)
        options = ("-U", "gridgov", "-A", "trust", "-E", "UTF8", "--no-locale", "--wal-segsize=1")
        cluster._run("initdb", "-D", str(directory / "data"), *options)
        settings = f"port={port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories=''\nshared_buffers='32MB'\n"
        settings += "max_wal_size='32MB'\nmin_wal_size='4MB'\nmax_connections=60\n"
        with (directory / "data" / "postgresql.conf").open("a") as file:
            file.write(settings)
        cluster.start()
        return cluster

    @property
    def _user(self) -> str:
        try:
            return pwd.getpwnam("postgres").pw_name
        except KeyError:
            return "nobody"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self._user, "--", *command]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.directory)
        assert done.returncode == 0, done.stderr + done.stdout

    def start(self) -> None:
        log = str(self.directory / "log")
        self._run("pg_ctl", "-D", str(self.directory / "data"), "-l", log, "-w", "-t", "60", "-s", "start")

    def running(self) -> bool:
        command = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", str(self.directory / "data"), "-m", mode, "-w", "-s", "stop")

    def execute(self, statement: str, database: str = "postgres") -> None:
        import psycopg

        url = f"postgresql://gridgov@127.0.0.1:{self.port}/{database}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def database(self) -> str:
        """Make an empty database and return its URL."""
        self._databases += 1
        name = f"test{self._databases}"
        self.execute(f"CREATE DATABASE {name}")
        return f"postgresql://gridgov@127.0.0.1:{self.port}/{name}"


def postgresql_binaries() -> Path | None:
    """The folder of initdb and pg_ctl: of the newest Debian package, or from the search path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder that any user may reach; pytest's own belong to one user."""
    folder = Path(tempfile.mkdtemp(prefix="gridgov-pg-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mounted(folder: Path, megabytes: int) -> Iterator[bool]:
    """Mount a small file system in memory; False where this user may not."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "none", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(ballast: Path) -> None:
    """Write until the disk is full."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
