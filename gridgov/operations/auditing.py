"""审计: read the event log, and write it out for people who check it elsewhere."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gridgov.errors import RightsError
from gridgov.model.events import Checkpoint, Event
from gridgov.model.masking import mask_contacts, mask_name, mask_phone
from gridgov.model.rights import EVERYWHERE, Person, Right, require
from gridgov.store import open_store, workspace_store_url
from gridgov.store.export import export_events, write_checkpoint
from gridgov.workspace import Workspace

MOST_AT_ONCE = 1000
_FREE_TEXTS = frozenset({"description", "address", "note", "text", "reason"})


def audit_events(
    workspace: Workspace, person: Person, *, before: int | None = None, entity_id: str = "", limit: int = 100
) -> list[Event]:
    """Return events, newest first, with reporters and long numbers in texts masked (so the hash fits them no more).

    Parameters
    ----------
    before : int, optional
        Only events with a smaller number: the last number of the page before.
    entity_id : str
        Only what happened to this, such as ``account:anna`` or the number of an incident.
    limit : int
        At most 1,000.

    Raises
    ------
    RightsError
        The person may not read the log, or only a part of the workspace.
    """
    require(person, Right.AUDIT_READ)
    if person.areas != EVERYWHERE:
        raise RightsError(f"the log is that of the whole workspace: {person.account_id} has only a part of it")
    store, most = workspace.store, min(max(limit, 0), MOST_AT_ONCE)
    last = store.head()[0] if before is None else max(min(before - 1, store.head()[0]), 0)
    after = 0 if entity_id else max(last - most, 0)
    chosen = deque(store.events(after=after, until=last, entity_id=entity_id or None), maxlen=most)
    return [replace(event, payload=_masked(event.payload)) for event in reversed(chosen)]


def _masked(value: Any, key: str = "", *, of_person: bool = False) -> Any:
    """Return a part of a payload as somebody may see it who handles no incidents."""
    if isinstance(value, dict):
        reporter = "phone" in value
        return {name: _masked(part, name, of_person=reporter) for name, part in value.items()}
    if isinstance(value, list):
        return [_masked(part, key) for part in value]
    if not isinstance(value, str):
        return value
    if key == "phone":
        return mask_phone(value)
    if of_person and key == "name":
        return mask_name(value)
    return mask_contacts(value) if key in _FREE_TEXTS else value


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
