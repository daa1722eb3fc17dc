"""编制中的方案: the scenario that somebody is putting together, in the server's memory until it is saved or dropped.

A page that is loaded again goes on where it was. Nothing is written: a server that starts again, or data that are
imported anew, forget it, and so does a sign-out, since a draft belongs to one sign-in.
"""

from __future__ import annotations

import hashlib
from threading import Lock

from gridgov.model.rights import Person, Right, require
from gridgov.model.what_if import Scenario
from gridgov.workspace import Workspace

_MOST_KEPT = 200


class _Drafts:
    """Drafts of all sign-ins, the one that was touched last at the end; the oldest beyond a number is forgotten."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._known: dict[str, Scenario] = {}

    def put(self, key: str, scenario: Scenario | None) -> None:
        with self._guard:
            self._known.pop(key, None)
            if scenario is not None:
                self._known[key] = scenario
            while len(self._known) > _MOST_KEPT:
                self._known.pop(next(iter(self._known)))

    def get(self, key: str) -> Scenario | None:
        with self._guard:
            return self._known.get(key)


def keep_open_draft(workspace: Workspace, person: Person, session: str, scenario: Scenario | None) -> None:
    """Remember the draft of a sign-in; None forgets it.

    Parameters
    ----------
    session : str
        The token of the sign-in; only its hash is kept. Empty (nobody signed in by the browser): nothing is remembered.

    Raises
    ------
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    if session:
        _drafts(workspace).put(_key(person, session), scenario)


def open_draft_of(workspace: Workspace, person: Person, session: str) -> Scenario | None:
    """Return the draft that a sign-in has open, if any.

    Raises
    ------
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    return _drafts(workspace).get(_key(person, session)) if session else None


def _drafts(workspace: Workspace) -> _Drafts:
    return workspace.cached("open drafts", _Drafts)


def _key(person: Person, session: str) -> str:
    return hashlib.sha256(f"{person.account_id}\n{session}".encode()).hexdigest()
