"""The event log as files: events as JSON lines, checkpoints as JSON. `gridgov/verify_audit.py` reads both."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import BufferedWriter
from pathlib import Path
from typing import IO

from gridgov.errors import StorageError
from gridgov.model.events import GENESIS_HASH, Checkpoint, Event, canonical_json
from gridgov.store.contract import Store
from gridgov.store.engines import OWNER_ONLY


def event_line(event: Event) -> str:
    """Return an event as one line of an export."""
    return canonical_json(event.to_dict()) + "\n"


def export_events(store: Store, path: Path, *, now: datetime) -> Checkpoint:
    """Write all events of a store to a file and return the checkpoint of the last one written.

    A name that ends in .gz is compressed. The file appears whole or not at all. It holds what the events hold, names
    and telephone numbers of reporters included: keep it as the store itself is kept.

    Raises
    ------
    StorageError
        The file cannot be written.
    """
    seq, last_hash = 0, GENESIS_HASH
    try:
        with _replaced(path) as file:
            for event in store.events():
                file.write(event_line(event).encode())
                seq, last_hash = event.seq, event.hash
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"{path}: the export cannot be written ({error.strerror or error})") from error
    return Checkpoint(seq, last_hash, now)


def write_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Add a checkpoint to a file of checkpoints, one JSON object a line; keep the file away from the store."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(checkpoint.to_dict()) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(f"{path}: the checkpoint cannot be written ({error.strerror or error})") from error


@contextmanager
def _replaced(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` that takes its place when all went well, on disk before that."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY), "wb") as raw:
            if path.name.endswith(".gz"):
                with (
                    gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
                    BufferedWriter(packed) as file,
                ):
                    yield file
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
