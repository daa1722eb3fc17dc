"""重复案件: which incidents may be the same one reported twice, merging with all reporters, and separating again."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gridgov.model.events import NewEvent
from gridgov.model.incident_life import Action, refusal_code
from gridgov.model.incident_moves import check_move, move_event
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.refusals import refuse

RADIUS_M = 50.0
WITHIN = timedelta(hours=24)
_EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An incident that may be the same: how far away and how long before or after."""

    incident_id: str
    distance_m: float
    apart_s: float


def possible_duplicates(
    record: IncidentRecord,
    others: Iterable[IncidentRecord],
    *,
    radius_m: float = RADIUS_M,
    within: timedelta = WITHIN,
) -> list[Duplicate]:
    """Return the incidents that `record` may be merged into, nearest first.

    They have the same class, lie within `radius_m`, were reported within `within` of each other (both inclusive), and
    their state lets them take another one in.
    """
    found = []
    for other in others:
        if other.id == record.id or other.class_code != record.class_code:
            continue
        if refusal_code(other, Action.ABSORB) is not None:
            continue
        apart = abs(other.reported_at - record.reported_at)
        distance = distance_m(record.lon, record.lat, other.lon, other.lat)
        if apart <= within and distance <= radius_m:
            found.append(Duplicate(other.id, distance, apart.total_seconds()))
    return sorted(found, key=lambda duplicate: (duplicate.distance_m, duplicate.apart_s, duplicate.incident_id))


def distance_m(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Return the distance of two places on the sphere in metres (haversine formula; degrees WGS 84)."""
    phi, other_phi = math.radians(lat), math.radians(other_lat)
    half_phi, half_lambda = (other_phi - phi) / 2, math.radians(other_lon - lon) / 2
    chord = math.sin(half_phi) ** 2 + math.cos(phi) * math.cos(other_phi) * math.sin(half_lambda) ** 2
    return 2 * _EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def merge(duplicate: IncidentRecord, main: IncidentRecord, actor: str, at: datetime) -> tuple[NewEvent, NewEvent]:
    """并案: the duplicate ends and rests under `main`, which takes in its reporters.

    Returns
    -------
    tuple of NewEvent
        One for the duplicate and one for the main incident; append both in one transaction.

    Raises
    ------
    MoveRefusedError
        One of the two is in a state that does not allow it, or they are the same.
    """
    if duplicate.id == main.id:
        raise refuse("same", id=main.id)
    check_move(duplicate, Action.MERGE, at)
    check_move(main, Action.ABSORB, at)
    taken = [reporter.to_dict() for reporter in duplicate.reporters]
    return (
        move_event(duplicate, Action.MERGE, actor, at, {"into": main.id}),
        move_event(main, Action.ABSORB, actor, at, {"duplicate": duplicate.id, "reporters": taken}),
    )


def unmerge(
    duplicate: IncidentRecord, main: IncidentRecord, actor: str, at: datetime, *, reason: str
) -> tuple[NewEvent, NewEvent]:
    """拆案: separate a duplicate again; both are exactly what they were, but for what happened to `main` meanwhile.

    Returns
    -------
    tuple of NewEvent
        One for the duplicate and one for the main incident; append both in one transaction.
    """
    check_move(duplicate, Action.UNMERGE, at, reason)
    if duplicate.merged_into != main.id:
        raise refuse("other_main", id=duplicate.id, into=duplicate.merged_into, other=main.id)
    check_move(main, Action.NOTE, at)  # only the order of time: a main incident may have ended since
    if main.is_merged:
        raise refuse("merged", id=main.id, into=main.merged_into)
    via = sorted({duplicate.id, *(reporter.via for reporter in duplicate.reporters)})
    return (
        move_event(duplicate, Action.UNMERGE, actor, at, {"from": main.id, "reason": reason}),
        move_event(main, Action.UNMERGE, actor, at, {"duplicate": duplicate.id, "via": via, "reason": reason}),
    )
