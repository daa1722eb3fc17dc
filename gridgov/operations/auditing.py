"""Write the event log out for people who check it elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gridgov.model.events import Checkpoint, Event
from gridgov.store import open_store, workspace_store_url
from gridgov.store.export import export_events, write_checkpoint


def export_audit(
    workspace: Path, out: Path, *, store_url: str | None = None, checkpoint_file: Path | None = None
) -> Checkpoint:
    """Write all events to `out` as JSON lines and return the checkpoint of the last one.

    Parameters
    ----------
    workspace : Path
        Its own store is exported, unless `store_url` names another.
    out : Path
        A name that ends in .gz is compressed.
    store_url : str, optional
        See `gridgov.store.open_store`.
    checkpoint_file : Path, optional
        The checkpoint is added to this file.

    Raises
    ------
    StorageError
        There is no store, or a file cannot be written.
    """
    store = open_store(store_url or workspace_store_url(workspace), fold=_nothing, create=False)
    try:
        checkpoint = export_events(store, out, now=datetime.now(UTC))
    finally:
        store.close()
    if checkpoint_file is not None:
        write_checkpoint(checkpoint, checkpoint_file)
    return checkpoint


def _nothing(_state: dict[str, Any] | None, _event: Event) -> None:
    """Fold to nothing: an export only reads events."""
