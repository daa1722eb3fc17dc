"""责任网格方案: duty areas of a redesign taken over into a scenario, and a month of dispatch simulated for a scenario.

Duty areas change no time along the roads: the nearest worker is the nearest whoever has the grid. What they change is
who is sent, so a scenario shows them by a month of dispatch (`gridgov.analysis.dispatch_month`): the same incidents on
both sides of a comparison, each sent to the worker of its grid; one in a grid of nobody, or of several, to whoever of
the community is there first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd
import shapely

from gridgov.analysis.dispatch_month import MonthFigures, Team, draw_arrivals, simulate_month
from gridgov.errors import ParameterError
from gridgov.model.changes import Change, DutyAssigned, GridsMerged, GridSplit
from gridgov.model.rights import Person
from gridgov.operations.closures import roads_at
from gridgov.operations.crew import crew_of
from gridgov.operations.incident_history import History, Ints, community_of, history_of
from gridgov.operations.incident_index import incident_index
from gridgov.operations.month_travel import month_travel
from gridgov.operations.redesigning import DutyRedesign, check_own, duty_today, roster_of
from gridgov.workspace import Workspace
from gridgov.workspace_variants import WorkspaceVariant

DAYS = 30
SERVICE_MIN = 30.0


@dataclass(frozen=True)
class DutyBook:
    """Who has which grids.

    Attributes
    ----------
    community : mapping of str to str
        Worker id → community.
    named : mapping of str to str
        ``community/number`` → worker id, for people who may not know who it is.
    of : mapping of str to tuple of str
        Grid code → worker ids; none or several are possible.
    """

    community: Mapping[str, str]
    named: Mapping[str, str]
    of: Mapping[str, tuple[str, ...]]


def duty_change(workspace: Workspace, person: Person, found: DutyRedesign) -> DutyAssigned:
    """Return the duty areas of a redesign as a change of a scenario; workers are named by community and number.

    Raises
    ------
    RightsError
        The person may not plan, or not there.
    ParameterError
        The redesign reaches beyond the person's area, or no community of it could be cut.
    """
    check_own(workspace, person, found)
    names = {worker: name for name, worker in _book(workspace).named.items()}
    codes = found.grids["grid_code"].astype(str).tolist()
    duty: dict[str, list[str]] = {}
    for code, owner in zip(codes, found.answer.owner.tolist(), strict=True):
        if owner >= 0:
            duty.setdefault(names[str(found.problem.worker_id[owner])], []).append(code)
    if not duty:
        raise ParameterError("no community of this redesign could be cut, so there is nothing to take over")
    return DutyAssigned({name: duty[name] for name in sorted(duty)})


def duty_after(workspace: Workspace, changes: Sequence[Change]) -> DutyBook:
    """Return who has which grids after changes; grids that merge keep the workers of all, parts of one those of it.

    For operations only: it checks no rights.

    Raises
    ------
    ParameterError
        A duty names a worker or a grid that is not there, or a grid of another community than the worker's.
    """
    book = _book(workspace)
    codes = workspace.layer("grids")["grid_code"].astype(str).tolist()
    place = dict(zip(codes, community_of(workspace).tolist(), strict=True))
    of = dict(book.of)
    for change in changes:
        match change:
            case GridsMerged():
                who = {worker: None for code in change.codes for worker in of.pop(code, ())}
                place[change.into] = next(iter([place.pop(code, "") for code in change.codes]))
                of[change.into] = tuple(who)
            case GridSplit():
                who_had, where = of.pop(change.code, ()), place.pop(change.code, "")
                of |= dict.fromkeys(change.codes, who_had)
                place |= dict.fromkeys(change.codes, where)
            case DutyAssigned():
                of |= _assigned(book, place, change)
    return replace(book, of=of)


def month_of(base: Workspace, variant: WorkspaceVariant, changes: Sequence[Change], *, seed: int) -> MonthFigures:
    """Return the figures of a month of dispatch as it would be; the incidents are those of history before its moment.

    For operations only: it checks no rights.

    Raises
    ------
    ParameterError
        There are no incidents to go by; and what `duty_after` raises.
    LayerNotFoundError
        The workspace has no workers, grids or roads.
    """
    history = _history(base, variant.now())
    book = duty_after(base, changes)
    grids = variant.layer("grids")["grid_code"].astype(str).tolist()
    names = community_of(variant)
    present = set(_workers(variant))
    ids = np.array([worker for worker in book.community if worker in present], dtype=object)
    own = np.array([book.community[worker] for worker in ids.tolist()], dtype=object)
    row = {worker: position for position, worker in enumerate(ids.tolist())}
    owner = np.array([_owner(book, row, code, str(name)) for code, name in zip(grids, names, strict=True)], np.int64)
    history = replace(history, grid=_moved(base, variant, history))
    arrivals = draw_arrivals(
        history.grid, history.hour, history_days=history.days, days=DAYS, service_min=SERVICE_MIN, seed=seed
    )
    roster = roster_of(variant, ids)
    roads = roads_at(variant, crew_of(variant), variant.now())
    team = Team(own, roster.shift_start_min, roster.shift_end_min)
    travel = month_travel(variant, roster, own, names, history, arrivals, networks=roads.networks)
    return simulate_month(arrivals, owner, names, team, travel)


def is_from_books(workspace: Workspace) -> bool:
    """Whether history comes from the event store, where an incident may still turn out to be nothing."""
    return bool(incident_index(workspace))


def _history(base: Workspace, until: datetime) -> History:
    history = history_of(base, np.arange(len(base.layer("grids")), dtype=np.int64), until=until)
    if not len(history):
        when = until.astimezone(base.timezone)
        raise ParameterError(f"no incident was reported before {when:%Y-%m-%d %H:%M}, so no month can be simulated")
    return history


def _book(workspace: Workspace) -> DutyBook:
    """Return today's duty, as the workers layer has it."""
    names = community_of(workspace)
    rows = np.flatnonzero(names != "").astype(np.int64)
    ids, communities, duty = duty_today(workspace, rows, names[rows])
    codes = workspace.layer("grids")["grid_code"].astype(str).to_numpy(dtype=object)[rows]
    of = {code: tuple(ids[worker] for worker in who) for code, who in zip(codes.tolist(), duty, strict=True)}
    community = dict(zip(ids, communities, strict=True))
    number: dict[str, int] = {}
    named = {}
    for worker, name in community.items():
        number[name] = number.get(name, 0) + 1
        named[f"{name}/{number[name]}"] = worker
    return DutyBook(community, named, of)


def _assigned(book: DutyBook, place: Mapping[str, str], change: DutyAssigned) -> dict[str, tuple[str, ...]]:
    of: dict[str, tuple[str, ...]] = {}
    for name, codes in change.duty.items():
        worker = book.named.get(name, name)
        if worker not in book.community:
            raise ParameterError(
                f"assign_duty: there is no worker '{name[:40]}' with a community; name one by id or as community/number"
            )
        for code in codes:
            if code not in place:
                raise ParameterError(f"assign_duty: there is no grid '{code[:40]}'")
            if place[code] != book.community[worker]:
                raise ParameterError(
                    f"assign_duty: grid {code} lies in community {place[code] or '–'}, worker {name} belongs to "
                    f"{book.community[worker]}; duty stays within a community"
                )
            of[code] = (worker,)
    return of


def _owner(book: DutyBook, row: Mapping[str, int], code: str, community: str) -> int:
    """Return the one worker of a grid; -1 where there is none, or more than one."""
    who = [worker for worker in book.of.get(code, ()) if worker in row and book.community[worker] == community]
    return row[who[0]] if len(who) == 1 else -1


def _moved(base: Workspace, variant: WorkspaceVariant, history: History) -> Ints:
    """Return the grid of the variant of each incident: where a grid was cut, the part in which it lies."""
    old = base.layer("grids")["grid_code"].astype(str).to_numpy(dtype=object)[history.grid]
    grids = variant.layer("grids")
    position = pd.Index(grids["grid_code"].astype(str))
    moved = position.get_indexer(old).astype(np.int64)
    parts = variant.codes.sort_values("share", ascending=False, kind="stable")
    shapes = np.asarray(grids.geometry.array, dtype=object)
    for code, group in parts.groupby("old_code", sort=True):
        rows = np.flatnonzero(old == code)
        choices = position.get_indexer(group["new_code"])
        inside = np.array([shapely.intersects_xy(shapes[at], history.lon[rows], history.lat[rows]) for at in choices])
        moved[rows] = choices[inside.argmax(axis=0)]  # on no part, by a hair: the largest
    if (lost := moved < 0).any():
        raise ParameterError(
            f"grid {old[lost][0]} of the history of incidents is not among the grids of the scenario; a month is "
            "simulated on the same grids, merged or split"
        )
    return np.asarray(moved, dtype=np.int64)


def _workers(variant: Workspace) -> list[str]:
    frame = variant.layers_of_kind("workers")
    return [] if frame is None else frame["worker_id"].astype(str).tolist()
