"""封路: close roads, open them again, and the road network with the closures that hold at a moment.

Closures are events of the log. A network at a moment is a view of that hour's network (`operations.hours`), made once
for each set of closures that hold together; where none holds it is the hour's network itself, so that opening a road
restores every answer.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from gridgov.dispatch import Roster
from gridgov.errors import ConflictError, ParameterError, RecordNotFoundError
from gridgov.model import TravelMode
from gridgov.model.closures import ENTITY, HOLDS, Closure, added, removed
from gridgov.model.entities import EntityFilter
from gridgov.model.findings import Finding
from gridgov.model.rights import Person, Right, require
from gridgov.network import PlacedClosures, RoadNetwork, place_closures
from gridgov.network.closing import contradictions, with_factors, without_edges
from gridgov.network.validation import Int64s
from gridgov.operations.board import newest_first
from gridgov.operations.closure_checks import check_area, check_repeated, not_then
from gridgov.operations.crew import Crew, crew_of
from gridgov.operations.hours import HourKey, hour_key, hour_view
from gridgov.operations.random_ids import random_id
from gridgov.workspace import Workspace

KIND = "closure"
_MOST_SETS = 12  # each view keeps its own times of all edges
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureDraft:
    """Roads to close: a drawn GeoJSON line or polygon, or edge ids of the workspace's network.

    Attributes
    ----------
    valid_from, valid_to : datetime or None
        Aware; None: from now on, until further notice.
    factor : float
        0: closed; else the share of the usual speed, up to 1.
    source : str
        What it comes from, such as the id of a hazard; "": drawn by hand.
    modes : tuple of TravelMode
        Whom it stops; none: everybody.
    """

    geometry: Mapping[str, Any] | None = None
    edges: tuple[int, ...] = ()
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    reason: str = ""
    factor: float = 0.0
    source: str = ""
    modes: tuple[TravelMode, ...] = ()


@dataclass(frozen=True)
class RoadsAt:
    """The roads and the workers on them at one moment.

    Attributes
    ----------
    when : datetime
    placed : PlacedClosures
        The closures that hold then, with their edges; findings about them all.
    networks : mapping TravelMode -> RoadNetwork
    roster : Roster
        The workers, on these networks.
    """

    when: datetime
    placed: PlacedClosures
    networks: Mapping[TravelMode, RoadNetwork]
    roster: Roster


def close_roads(
    workspace: Workspace, person: Person, draft: ClosureDraft, *, idempotency_key: str | None = None
) -> tuple[Closure, tuple[Finding, ...]]:
    """Close roads, or make them slow, and return the closure with what is odd about it beside the others.

    Parameters
    ----------
    idempotency_key : str, optional
        A name for this very closing: sent again with it, it closes nothing more and the first closure is returned.

    Raises
    ------
    ParameterError
        It hits no road, holds at no moment, or its geometry, edges, factor or reason cannot be used.
    RightsError
        The person may not close roads, or it hits one outside the person's area.
    ConflictError
        Something else was closed under that key.
    LayerNotFoundError
        The workspace has no roads.
    """
    require(person, Right.CLOSURE_WRITE)
    now = workspace.now()
    wanted = closure_of(workspace, draft, now)
    placed = place_closures(workspace.network(), [wanted])
    check_area(workspace, person, wanted, placed.edges[0])
    if not len(placed.edges[0]):
        raise ParameterError("the closure hits no road, so it would change nothing; draw it again across a road")
    event = added(wanted, person.actor, now)
    done = workspace.store.append([event], expected_seq=0, idempotency_key=idempotency_key)
    check_repeated(done, [event], [draft])
    closure = Closure.from_dict(done[0].payload["closure"])
    return closure, findings_about(workspace, [closure], now)


def findings_about(workspace: Workspace, made: Sequence[Closure], now: datetime) -> tuple[Finding, ...]:
    """Return what is odd about closures of the books: beside the others, and that they are over already."""
    book, ids = _book_of(workspace), {closure.closure_id for closure in made}
    found = [f for f in book.placed(book.closures()).findings if f.key in ids or f.detail.get("other") in ids]
    over = (closure for closure in made if closure.valid_to is not None and closure.valid_to <= now)
    return (*found, *(not_then(closure, now) for closure in over))


def reopen_roads(workspace: Workspace, person: Person, closure_id: str, *, reason: str = "") -> Closure:
    """Take a closure off the books, so that every answer is again what it was without it; return it.

    Raises
    ------
    RecordNotFoundError
        There is no such closure.
    ConflictError
        Its roads were opened before.
    RightsError
        The person may not open roads, or it hits one outside the person's area.
    """
    require(person, Right.CLOSURE_WRITE)
    entity = workspace.store.entity(ENTITY + closure_id) if closure_id else None
    if entity is None:
        raise RecordNotFoundError(f"there is no closure '{closure_id[:40]}'")
    closure = Closure.from_dict(entity.state["closure"])
    check_area(workspace, person, closure)
    if entity.columns.status != HOLDS:
        raise ConflictError(f"the roads of closure {closure_id} were opened before")
    event = removed(closure_id, person.actor, workspace.now(), reason=_checked_text(reason, "reason"))
    workspace.store.append([event], expected_seq=entity.updated_seq)
    return closure


def closures_of(workspace: Workspace, person: Person, when: datetime | None = None) -> PlacedClosures:
    """Return the closures on the books, by id, with their edges and what is odd about them.

    Parameters
    ----------
    when : datetime, optional
        Only those that hold at that moment; default all that were not opened again, later and past ones, too.

    Raises
    ------
    RightsError
        The person may not see the map.
    LayerNotFoundError
        The workspace has no roads.
    """
    require(person, Right.LAYER_READ)
    book = _book_of(workspace)
    return book.placed(book.closures(when))


def network_now(workspace: Workspace, mode: TravelMode, when: datetime) -> RoadNetwork:
    """Return the road network of a travel mode at the hour of a moment, with the closures that hold then.

    Returns
    -------
    RoadNetwork
        The same view for the same closures and hour; the hour's own view (`hours.hour_view`) where none holds.

    Raises
    ------
    LayerNotFoundError
        The workspace has no roads.
    """
    book = _book_of(workspace)
    return book.network(mode, book.closures(when), when)


def roster_at(workspace: Workspace, when: datetime) -> Roster:
    """Return the workers as they are now on the roads as they are at a moment."""
    crew = crew_of(workspace)
    if not workspace.has_network:
        return crew.roster
    book = _book_of(workspace)
    return book.roster(crew, book.closures(when), when)


def roads_at(
    workspace: Workspace,
    crew: Crew,
    when: datetime,
    *,
    closures: Sequence[Closure] | None = None,
) -> RoadsAt:
    """Return the roads at a moment with other closures than those on the books, or with those.

    Parameters
    ----------
    crew : Crew
        The workers; the same crew for two answers makes them comparable.
    closures : sequence of Closure, optional
        Instead of those on the books; only those that hold at the moment count.

    Raises
    ------
    LayerNotFoundError
        The workspace has no roads.
    """
    book = _book_of(workspace)
    if closures is None:
        booked = book.closures(when)
        networks = {mode: book.network(mode, booked, when) for mode in TravelMode}
        return RoadsAt(when, book.placed(booked), networks, book.roster(crew, booked, when))
    holding = tuple(closure for closure in closures if closure.holds_at(when))
    placed = book.placed(holding, keep=False)
    networks = {mode: _view(hour_view(workspace, mode, when), placed.closures, placed.edges) for mode in TravelMode}
    groups = {mode: replace(group, network=networks[mode]) for mode, group in crew.roster.groups.items()}
    return RoadsAt(when, placed, networks, replace(crew.roster, groups=groups))


def book_closures(workspace: Workspace) -> tuple[Closure, ...]:
    """Return all closures on the books, by id, whenever they hold."""
    return _book_of(workspace).closures()


def _book_of(workspace: Workspace) -> _Book:
    workspace.network()  # says what is missing where there are no roads
    return workspace.cached("closures", lambda: _Book(workspace))


def closure_of(workspace: Workspace, draft: ClosureDraft, now: datetime, *, closure_id: str = "") -> Closure:
    """Return a draft as a closure, from now on where it has no beginning.

    Parameters
    ----------
    closure_id : str
        Default: a new one, of the day and six signs.

    Raises
    ------
    ParameterError
        It holds at no moment, or its geometry, edges, factor or reason cannot be used.
    """
    signs = random_id()
    return Closure(
        closure_id=closure_id or f"{now.astimezone(workspace.timezone):%y%m%d}-{signs}",
        valid_from=draft.valid_from or now,
        valid_to=draft.valid_to,
        reason=_checked_text(draft.reason, "reason"),
        factor=float(draft.factor),
        edges=tuple(int(edge) for edge in draft.edges),
        geometry=draft.geometry,
        topology=workspace.network().topology.digest if draft.edges else "",
        source=_checked_text(draft.source, "source"),
        modes=tuple(draft.modes),
    )


def _checked_text(text: str, name: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise ParameterError(f"the {name} has {len(text)} characters; write at most {_LONGEST_TEXT}")
    return text.strip()


class _Book:
    """The closures on the books, their edges, and the views of the sets that were asked for last."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.RLock()
        self._seq = 0
        self._closures: dict[str, Closure] = {}
        self._edges: dict[str, Int64s] = {}
        self._views: dict[tuple[TravelMode, HourKey, tuple[str, ...]], RoadNetwork] = {}
        self._rosters: dict[tuple[HourKey, tuple[str, ...]], tuple[int, Roster]] = {}

    def closures(self, when: datetime | None = None) -> tuple[Closure, ...]:
        """Return the closures that hold at a moment, or all on the books, by id, after reading what has changed."""
        if when is not None and when.tzinfo is None:
            raise ParameterError("the moment must be an aware time (with an offset), so that closures can be compared")
        with self._lock:
            self._read()
            known = [closure for _, closure in sorted(self._closures.items())]
        return tuple(closure for closure in known if when is None or closure.holds_at(when))

    def _read(self) -> None:
        store = self._workspace.store
        head = store.head()[0]
        if head == self._seq:
            return
        seen: set[str] = set()
        for entity in newest_first(store, EntityFilter(changed_after=self._seq), kind=KIND):
            closure_id = entity.entity_id.removeprefix(ENTITY)
            if closure_id in seen:
                continue
            seen.add(closure_id)
            if entity.columns.status == HOLDS:
                self._closures[closure_id] = Closure.from_dict(entity.state["closure"])
            else:
                self._closures.pop(closure_id, None)
                self._edges.pop(closure_id, None)
        self._seq = head

    def placed(self, closures: tuple[Closure, ...], *, keep: bool = True) -> PlacedClosures:
        """Return closures with their edges; those on the books are looked up once, others are not kept."""
        with self._lock:
            edges = tuple(
                self._edges_of(closure) if keep or self._closures.get(closure.closure_id) is closure
                else place_closures(self._workspace.network(), [closure]).edges[0]
                for closure in closures
            )  # fmt: skip
        findings = (*without_edges(closures, edges), *contradictions(closures, edges))
        return PlacedClosures(closures, edges, findings)

    def _edges_of(self, closure: Closure) -> Int64s:
        if closure.closure_id not in self._edges:
            network = self._workspace.network()
            edges = np.zeros(0, dtype=np.int64)
            if not closure.edges or closure.topology == network.topology.digest:  # else: roads were imported anew since
                with suppress(ParameterError):  # whatever is on the books must not keep everybody from being sent
                    edges = place_closures(network, [closure]).edges[0]
            self._edges[closure.closure_id] = edges
        return self._edges[closure.closure_id]

    def network(self, mode: TravelMode, closures: tuple[Closure, ...], when: datetime) -> RoadNetwork:
        """Return the view of a mode at the hour of a moment with the closures that stop it."""
        closures = tuple(closure for closure in closures if closure.stops(mode))
        base = hour_view(self._workspace, mode, when)
        if not closures:
            return base
        key = (mode, hour_key(self._workspace, when), tuple(closure.closure_id for closure in closures))
        with self._lock:
            if key not in self._views:
                edges = tuple(self._edges_of(closure) for closure in closures)
                self._views[key] = _view(base, closures, edges)
                _forget_oldest(self._views, _MOST_SETS * len(TravelMode))
            return self._views[key]

    def roster(self, crew: Crew, closures: tuple[Closure, ...], when: datetime) -> Roster:
        """Return a crew's workers, whose places stay, on the views of their modes."""
        key = (hour_key(self._workspace, when), tuple(closure.closure_id for closure in closures))
        with self._lock:
            version, roster = self._rosters.get(key, (0, crew.roster))
            if version != crew.version:
                groups = {
                    mode: replace(group, network=self.network(mode, closures, when))
                    for mode, group in crew.roster.groups.items()
                }
                roster = replace(crew.roster, groups=groups)
                self._rosters[key] = (crew.version, roster)
                _forget_oldest(self._rosters, _MOST_SETS)
            return roster


def _view(base: RoadNetwork, closures: tuple[Closure, ...], edges: tuple[Int64s, ...]) -> RoadNetwork:
    """Return a network in which all of some closures hold, as far as they stop its travel mode."""
    factors = np.ones(base.n_edges)
    for closure, ids in zip(closures, edges, strict=True):
        if not closure.stops(base.mode):
            continue
        factors[ids] = np.minimum(factors[ids], closure.factor)
    return with_factors(base, factors)


def _forget_oldest(known: dict[Any, Any], most: int) -> None:
    while len(known) > most:
        del known[next(iter(known))]
