"""Durable settings, torn logs, full disks, failing syncs, lost connections: a refused write, and nothing lost."""

from __future__ import annotations

import ctypes
import platform
import random
import resource
import shutil
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from skipping import skip_here
from sqlalchemy import text
from store_cases import Cluster, fill, fold, free_port, mounted, new_event, random_events, short_folder

from gridgov.errors import StorageError
from gridgov.model.events import verify_chain
from gridgov.store import SqlStore, Store, open_store
from gridgov.verify_audit import verify_file


@pytest.fixture(autouse=True)
def _probe_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridgov.store.sql.PROBE_EVERY_S", 0.0)


def open_sql(url: str) -> SqlStore:
    store = open_store(url, fold=fold)
    assert isinstance(store, SqlStore)
    return store


def assert_sound(store: Store, acknowledged: int) -> None:
    assert store.head()[0] == acknowledged
    assert verify_chain(store.events()) is None
    assert store.state_digest() == store.replayed_digest()


def test_sqlite_waits_for_the_disk_at_every_commit(tmp_path: Path) -> None:
    store = open_sql(f"sqlite:///{tmp_path / 'store.sqlite'}")
    with store.engine.connect() as connection:
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA busy_timeout")) == 10_000
    store.close()


def test_postgresql_waits_for_the_disk_even_if_its_default_is_not_to(cluster: Cluster) -> None:
    url = cluster.database()
    cluster.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = off")
    store = open_sql(url)
    with store.engine.connect() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"
        assert connection.scalar(text("SHOW fsync")) == "on"
    store.close()


def test_a_torn_write_ahead_log_opens_to_a_prefix_that_verifies(tmp_path: Path) -> None:
    """What a power cut may leave: the log ends anywhere, or holds other bytes from somewhere on."""
    first = open_sql(f"sqlite:///{tmp_path / 'store.sqlite'}")
    first.close()
    store = open_sql(f"sqlite:///{tmp_path / 'store.sqlite'}")
    written = [event for draft in random_events(9, 50) for event in store.append([draft])]
    rng, lengths = random.Random(9), set()
    wal = (tmp_path / "store.sqlite-wal").read_bytes()
    for case in range(60):
        copy = tmp_path / f"copy{case}"
        copy.mkdir()
        shutil.copy(tmp_path / "store.sqlite", copy)
        offset = rng.randrange(len(wal) + 1)
        torn = wal[:offset] if case % 2 else wal[:offset] + rng.randbytes(len(wal) - offset)
        (copy / "store.sqlite-wal").write_bytes(torn)
        opened = open_sql(f"sqlite:///{copy / 'store.sqlite'}")
        events = list(opened.events())
        assert events == written[: len(events)]
        assert_sound(opened, len(events))
        opened.append([new_event()])
        opened.close()
        assert verify_file(copy / "store.sqlite").fault is None
        lengths.add(len(events))
    store.close()
    assert len(lengths) > 20


class SmallDisk:
    """A folder that soon is full: a small file system in memory, or a limit on the size of files."""

    def __init__(self, folder: Path, *, is_mount: bool) -> None:
        self.folder, self._is_mount = folder, is_mount
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        if self._is_mount:
            fill(self.folder / "ballast")
        else:
            largest = max(file.stat().st_size for file in self.folder.iterdir())
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, self._limits[1]))

    def free(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
        (self.folder / "ballast").unlink(missing_ok=True)


@pytest.fixture(params=["mount", "limit"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "limit":
        disk = SmallDisk(folder, is_mount=False)
        yield disk
        disk.free()
        return
    with mounted(folder, 2) as is_mount:
        if not is_mount:
            pytest.skip("this user may not mount; the limit on the size of files stands in")
        yield SmallDisk(folder, is_mount=True)


def test_a_full_disk_refuses_writes_and_loses_nothing(small_disk: SmallDisk) -> None:
    store = open_sql(f"sqlite:///{small_disk.folder / 'store.sqlite'}")
    acknowledged = 0

    def write_for_long() -> None:
        nonlocal acknowledged
        for _ in range(100):
            acknowledged += len(store.append([new_event(text="x" * 20_000)]))

    store.append([new_event()])
    acknowledged += 1
    small_disk.fill()
    with pytest.raises(StorageError, match="nothing was saved"):
        write_for_long()
    assert not store.writable()
    assert store.entity("I1") is not None
    assert_sound(store, acknowledged)
    with pytest.raises(StorageError):
        store.append([new_event(text="x" * 20_000)])
    small_disk.free()
    assert store.writable()
    acknowledged += len(store.append([new_event()]))
    assert_sound(store, acknowledged)
    store.close()


@pytest.mark.slow
def test_a_full_disk_of_the_server_refuses_writes_and_loses_nothing(cluster: Cluster) -> None:
    """PostgreSQL may give up altogether when its own log has no room; it is started again when there is some."""
    with short_folder() as folder, mounted(folder, 120) as is_mount:
        if not is_mount:
            pytest.skip("this user may not mount a small disk for the server")
        own = Cluster.make(folder, free_port())
        try:
            fill_and_recover(own, folder / "ballast")
        finally:
            if own.running():
                own.stop()


def fill_and_recover(server: Cluster, ballast: Path) -> None:
    store = open_sql(server.database())
    store.append([new_event()])
    fill(ballast)
    acknowledged, rng, refused = 1, random.Random(1), ""
    while not refused and acknowledged < 2000:
        try:
            acknowledged += len(store.append([new_event(text=rng.randbytes(20_000).hex())]))
        except StorageError as error:
            refused = str(error)
    assert "nothing was saved" in refused
    ballast.unlink()
    if not server.running():
        server.start()
    assert store.writable()
    acknowledged += len(store.append([new_event()]))
    assert_sound(store, acknowledged)
    store.close()


SECCOMP_NUMBERS = {"x86_64": (0xC000003E, 74, 75), "aarch64": (0xC00000B7, 82, 83)}


def refuse_syncs() -> bool:
    """Make fsync and fdatasync of this thread fail with an input/output error, for the rest of its life."""
    if platform.system() != "Linux" or platform.machine() not in SECCOMP_NUMBERS:
        return False
    architecture, fsync, fdatasync = SECCOMP_NUMBERS[platform.machine()]
    load, equal, give = 0x20, 0x15, 0x06
    steps = [
        (load, 0, 0, 4), (equal, 0, 4, architecture), (load, 0, 0, 0), (equal, 1, 0, fsync), (equal, 0, 1, fdatasync),
        (give, 0, 0, 0x00050000 | 5), (give, 0, 0, 0x7FFF0000),
    ]  # fmt: skip
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_filter = 38, 22
    return libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0 and libc.prctl(set_filter, 2, program, 0, 0) == 0


def in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_failing_sync_refuses_the_write_and_loses_nothing(tmp_path: Path) -> None:
    store = open_sql(f"sqlite:///{tmp_path / 'store.sqlite'}")
    store.append(random_events(3, 5))
    outcome: list[object] = []

    def write() -> None:
        outcome.append(refuse_syncs())
        for _ in range(2):
            try:
                outcome.append(store.append([new_event(text="lost")]))
            except StorageError as error:
                outcome.append(str(error))
        outcome.append(store.writable())

    in_thread(write)
    if outcome[0] is False:
        skip_here("this system has no seccomp filters to make a sync fail")
    assert all("nothing was saved" in str(answer) for answer in outcome[1:3])
    assert outcome[3] is False
    assert_sound(store, 5)
    assert store.writable()
    store.append([new_event(text="kept")])
    assert_sound(store, 6)
    store.close()
    assert verify_file(tmp_path / "store.sqlite").events == 6


def test_a_lost_server_refuses_writes_until_it_is_back_and_loses_nothing(cluster: Cluster) -> None:
    store = open_sql(cluster.database())
    store.append(random_events(3, 50))
    cluster.stop("immediate")
    try:
        with pytest.raises(StorageError, match="nothing was saved"):
            store.append([new_event()])
        with pytest.raises(StorageError, match="nothing could be read"):
            store.head()
        assert not store.writable()
    finally:
        cluster.start()
    assert store.writable()
    store.append([new_event()])
    assert_sound(store, 51)
    store.close()


def test_a_dropped_connection_is_replaced(cluster: Cluster) -> None:
    store = open_sql(cluster.database())
    store.append([new_event()])
    cluster.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gridgov'")
    store.append([new_event()])
    assert_sound(store, 2)
    store.close()


def test_a_database_that_cannot_be_opened_is_one_sentence(tmp_path: Path, cluster: Cluster) -> None:
    for url in (
        f"sqlite:///{tmp_path / 'no' / 'folder' / 'store.sqlite'}",
        f"postgresql://gridgov@127.0.0.1:{cluster.port}/no_such_database",
        "postgresql://gridgov@127.0.0.1:1/x",
    ):
        with pytest.raises(StorageError) as caught:
            open_store(url, fold=fold)
        assert "\n" not in str(caught.value)
    with pytest.raises(StorageError, match="no event store here"):
        open_store(f"sqlite:///{tmp_path / 'store.sqlite'}", fold=fold, create=False)
