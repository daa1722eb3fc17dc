"""案件文字索引: the words of every incident kept beside the store, for searches over all of them.

It is made once and then only reads what has changed since. Phone and identity numbers that people write into texts are
not in it, so that nobody finds by a number what they may not read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gridgov.model.entities import Entity, EntityFilter, IndexColumns, sort_key
from gridgov.model.masking import mask_contacts
from gridgov.operations.incidents import KIND
from gridgov.store import Store
from gridgov.workspace import Workspace

_PAGE = 5000


# What the search knows of an incident: words, columns in their order, updated_seq. A tuple of nothing but texts and
# numbers, which the garbage collector need not look through.
_Row = tuple[Any, ...]


def ids_with_words(workspace: Workspace, words: list[str], where: EntityFilter) -> list[str]:
    """Return the ids of the incidents that match a filter and hold all of these words, the most urgent first.

    For operations only: it checks no rights, the filter has to.
    """
    index = workspace.cached("incident_texts", lambda: _TextIndex(workspace.store))
    return index.find([word.casefold() for word in words], where)


class _TextIndex:
    """The words of all incidents of a store. May be used from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[str, _Row] = {}
        self._seq = 0

    def find(self, words: list[str], where: EntityFilter) -> list[str]:
        """Return the ids of what matches, the most urgent first."""
        with self._lock:
            self._catch_up()
            holds, states = _holds(words), set(where.statuses)
            hits = [(i, row) for i, row in self._known.items() if holds(row[0]) and (not states or row[1] in states)]
            found = [_entity(incident_id, row) for incident_id, row in hits]
        return [entity.entity_id for entity in sorted(filter(where.matches, found), key=sort_key("urgency"))]

    def _catch_up(self) -> None:
        """Take in what has changed since the last time; whatever changes meanwhile comes at the next call."""
        head = self._store.head()[0]
        if head == self._seq:
            return
        where, offset = EntityFilter(changed_after=self._seq), 0
        while found := self._store.entities(KIND, where, order="id", limit=_PAGE, offset=offset):
            self._known.update((entity.entity_id, _row(entity)) for entity in found)
            offset += len(found)
        self._seq = head


def _holds(words: list[str]) -> Callable[[str], bool]:
    if len(words) == 1:
        (only,) = words
        return lambda text: only in text
    return lambda text: all(word in text for word in words)


def _row(entity: Entity) -> _Row:
    state, has = entity.state, entity.columns
    words = mask_contacts(f"{state['description']} {state['address']}")
    columns = (getattr(has, name) for name in IndexColumns.__slots__)
    return (f"{entity.entity_id} {words}".casefold(), *columns, entity.updated_seq)


def _entity(incident_id: str, row: _Row) -> Entity:
    """Return a row as an entity without its state."""
    return Entity(incident_id, KIND, row[-1], IndexColumns(*row[1:-1]), "")
