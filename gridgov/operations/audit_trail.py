"""审计页: the event log page by page, newest first, narrowed by actor and kind; the checkpoint of its present end."""

from __future__ import annotations

from dataclasses import dataclass

from gridgov.model.events import Checkpoint, Event
from gridgov.model.rights import Person
from gridgov.operations.auditing import MOST_AT_ONCE, audit_events
from gridgov.workspace import Workspace

PAGE = 50
_MOST_READ = 20 * MOST_AT_ONCE  # of one page; a narrow filter over a long log goes on with the next one


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Events, newest first. `next_before` is where the next page begins; None at the first event of the log."""

    events: tuple[Event, ...]
    next_before: int | None


def audit_trail(
    workspace: Workspace,
    person: Person,
    *,
    before: int | None = None,
    entity_id: str = "",
    actor: str = "",
    kind: str = "",
    limit: int = PAGE,
) -> AuditPage:
    """Return a page of the log as `audit_events` shows it.

    Parameters
    ----------
    before : int, optional
        Only events with a smaller number.
    entity_id, actor : str
        Only what happened to this, or was done by that one.
    kind : str
        Only kinds that begin like this, such as ``account.``.

    Raises
    ------
    RightsError
        The person may not read the log.
    """
    found: list[Event] = []
    for _ in range(0, _MOST_READ, MOST_AT_ONCE):
        page = audit_events(workspace, person, before=before, entity_id=entity_id, limit=MOST_AT_ONCE)
        if not page:
            return AuditPage(tuple(found), None)
        for event in page:
            if (not actor or event.actor == actor) and event.kind.startswith(kind):
                found.append(event)
            if len(found) == limit:
                return AuditPage(tuple(found), event.seq if event.seq > 1 else None)
        before = page[-1].seq
        if before <= 1 or (entity_id and len(page) < MOST_AT_ONCE):
            return AuditPage(tuple(found), None)
    return AuditPage(tuple(found), before)


def present_checkpoint(workspace: Workspace, person: Person) -> Checkpoint:
    """Return the fingerprint of the log as it is now, to be kept elsewhere.

    Raises
    ------
    RightsError
        The person may not read the log.
    """
    audit_events(workspace, person, limit=1)  # checks the right
    return workspace.store.checkpoint(now=workspace.wall_now())
