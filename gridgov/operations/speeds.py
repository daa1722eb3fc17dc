"""实测车速: speeds of edges by hour, learned from the tracks of the workspace's own workers.

Every learning writes a version of its own into the workspace's folder; the last one, or the one that somebody chose
since, counts in every answer (`operations.hours`). What is kept is of roads: how often an edge was passed in an hour
and the median speed, and nobody's name or way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridgov.errors import NotFoundError, ParameterError, RecordNotFoundError, RightsError, StorageError
from gridgov.model import TravelMode
from gridgov.model.events import format_time
from gridgov.model.findings import Finding, FindingAction, FindingLevel
from gridgov.model.positions import Position
from gridgov.model.rights import EVERYWHERE, Person, Right, require
from gridgov.model.speed_profiles import HOURS, DayKind
from gridgov.network.track_speeds import Leg, MatchParams, edge_speeds, match_track
from gridgov.operations.crew import crew_of
from gridgov.operations.hours import CURRENT, LearnedSpeeds, folder_of, hour_of, learned_speeds
from gridgov.workspace import Workspace

USUAL_SPAN = timedelta(days=28)
LEAST_SAMPLES = 3  # passages of an edge in an hour; fewer say too little
PLAUSIBLE = (0.05, 3.0)  # of the usual speed; what lies beyond is a wrong match or somebody who stood
LAYER = "tracks"  # in findings
COLUMNS = ("mode", "day", "hour", "edge_id", "speed_kph", "factor", "samples")
_DAYS = tuple(DayKind)
_APART_S = 1e11  # between the times of two workers, so that no passage goes on in another one's track

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Learning:
    """What was learned.

    Attributes
    ----------
    version : str
        Name of the new version; "" where nothing could be learned, and the speeds are as before.
    positions, workers, legs : int
        Positions read, workers who have any, ways between two positions that were matched to roads.
    edge_hours, counted : int
        Pairs of edge and hour that were seen, and how many of them often enough to count.
    findings : tuple of Finding
    """

    version: str
    positions: int
    workers: int
    legs: int
    edge_hours: int
    counted: int
    findings: tuple[Finding, ...] = ()


@dataclass
class _Seen:
    """What tracks of one travel mode gave."""

    legs: list[Leg] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)  # kind of day and hour of each leg as one number


def learn_speeds(
    workspace: Workspace,
    person: Person,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    least_samples: int = LEAST_SAMPLES,
    progress: Progress | None = None,
) -> Learning:
    """Match the kept positions of all workers to the roads and keep the median speed of each edge and hour.

    Parameters
    ----------
    since, until : datetime, optional
        Aware; of the positions. Default the last 28 days.
    least_samples : int
        Passages that an edge needs in an hour for its speed to count.
    progress : callable, optional
        Called with the workers done and all of them.

    Returns
    -------
    Learning
        Too few tracks are findings, and then the speeds stay as they were.

    Raises
    ------
    RightsError
        The person may not, or has not the whole workspace as area.
    ParameterError
        A time has no zone, the span is empty, or a number is below 1.
    LayerNotFoundError
        The workspace has no roads.
    StorageError
        The folder cannot be written.
    """
    _require_whole(person)
    workspace.network()  # says what is missing where there are no roads
    until = until or workspace.now()
    since = since or until - USUAL_SPAN
    _check(since, until, least_samples)
    crew = crew_of(workspace)
    seen: dict[TravelMode, _Seen] = {}
    positions = workers = 0
    for row, worker_id in enumerate(crew.roster.worker_id.tolist()):
        track = list(_in_order(workspace.store.track(worker_id, since=since), until))
        mode = str(crew.roster.mode[row])
        if len(track) > 1 and mode in set(TravelMode):
            workers, positions = workers + 1, positions + len(track)
            _match(workspace, seen.setdefault(TravelMode(mode), _Seen()), TravelMode(mode), track, row)
        if progress is not None:
            progress(row + 1, len(crew))
    table, odd = _table(workspace, seen)
    counted = int((table["samples"] >= least_samples).sum())
    facts: dict[str, Any] = {
        "since": format_time(since), "until": format_time(until), "least_samples": least_samples,
        "positions": positions, "workers": workers, "legs": sum(len(one.legs) for one in seen.values()),
        "edge_hours": len(table), "counted": counted,
    }  # fmt: skip
    version = _write(workspace, person, facts, table) if counted else ""
    return Learning(
        version, positions, workers, facts["legs"], len(table), counted, tuple(_findings(facts, odd))
    )  # fmt: skip


def read_speeds(workspace: Workspace, person: Person) -> LearnedSpeeds | None:
    """Return the measured speeds that count now; None where there are none of these roads.

    Raises
    ------
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)
    return learned_speeds(workspace) if workspace.has_network else None


def speed_versions(workspace: Workspace, person: Person) -> list[str]:
    """Return the versions in the workspace's folder, oldest first."""
    require(person, Right.LAYER_READ)
    return sorted(file.stem for file in folder_of(workspace).glob("*.parquet"))


def use_speeds(workspace: Workspace, person: Person, version: str) -> None:
    """Let another version count from now on; "": none, so that only the profile does.

    Raises
    ------
    RightsError
        The person may not, or has not the whole workspace as area.
    RecordNotFoundError
        There is no such version.
    """
    _require_whole(person)
    folder = folder_of(workspace)
    if not version:
        (folder / CURRENT).unlink(missing_ok=True)
        return
    if version not in speed_versions(workspace, person):
        known = ", ".join(speed_versions(workspace, person)) or "none"
        raise RecordNotFoundError(f"there are no measured speeds '{version[:40]}'; there are {known}")
    _point_at(folder, version)


def _require_whole(person: Person) -> None:
    require(person, Right.SPEEDS_LEARN)
    if EVERYWHERE[0] not in person.areas:
        raise RightsError(f"speeds are of the whole workspace: account {person.account_id} has a part of it as area")


def _check(since: datetime, until: datetime, least_samples: int) -> None:
    if since.tzinfo is None or until.tzinfo is None:
        raise ParameterError("since and until must be aware times (with an offset)")
    if since >= until:
        raise ParameterError(f"the time from {format_time(since)} to {format_time(until)} is empty; give since < until")
    if least_samples < 1:
        raise ParameterError(f"the least number of passages is {least_samples}; give 1 or more")


def _in_order(track: list[Position], until: datetime) -> Iterator[Position]:
    """Yield positions before a moment, each later than the one before."""
    last: datetime | None = None
    for position in track:
        if position.at < until and (last is None or position.at > last):
            yield position
            last = position.at


def _match(workspace: Workspace, seen: _Seen, mode: TravelMode, track: list[Position], row: int) -> None:
    apart = _APART_S * row
    lon, lat = ([getattr(position, name) for position in track] for name in ("lon", "lat"))
    times = np.array([position.at.timestamp() for position in track]) + apart
    hour_at = {float(time): hour_of(workspace, position.at) for time, position in zip(times, track, strict=True)}
    for leg in match_track(workspace.network(mode), lon, lat, times, MatchParams()):
        hour = hour_at[leg.start_s]
        seen.legs.append(leg)
        seen.codes.append(_DAYS.index(hour.day) * HOURS + hour.hour)


def _table(workspace: Workspace, seen: dict[TravelMode, _Seen]) -> tuple[pd.DataFrame, int]:
    """Return the rows of all modes, and how many were left out for a speed that nobody drives."""
    parts, odd = [pd.DataFrame(columns=list(COLUMNS))], 0
    for mode, one in seen.items():
        rows = edge_speeds(workspace.network(mode), one.legs, one.codes)
        fine = rows["factor"].between(*PLAUSIBLE)
        odd += int((~fine).sum())
        rows, codes = rows[fine], rows["hour"][fine].to_numpy(dtype=np.int64)
        days = [str(_DAYS[code // HOURS]) for code in codes]
        parts.append(rows.assign(mode=str(mode), day=days, hour=codes % HOURS)[list(COLUMNS)])
    table = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    return table.astype({"hour": np.int64, "edge_id": np.int64, "samples": np.int64}), odd


def _findings(facts: dict[str, Any], odd: int) -> Iterator[Finding]:
    def finding(rule: str, level: FindingLevel, **detail: int) -> Finding:
        return Finding(LAYER, None, None, rule, level, FindingAction.KEPT, None, dict(detail))

    few = facts["edge_hours"] - facts["counted"]
    if not facts["legs"]:
        yield finding("speeds_no_tracks", FindingLevel.WARNING, count=facts["positions"])
    elif not facts["counted"]:
        yield finding("speeds_none_count", FindingLevel.WARNING, count=few, least=facts["least_samples"])
    elif few:
        yield finding("speeds_few_samples", FindingLevel.INFO, count=few, least=facts["least_samples"])
    if odd:
        yield finding("speeds_implausible", FindingLevel.INFO, count=odd)


def _write(workspace: Workspace, person: Person, facts: dict[str, Any], table: pd.DataFrame) -> str:
    folder = folder_of(workspace)
    stem = workspace.wall_now().strftime("%Y%m%dT%H%M%SZ")
    try:
        folder.mkdir(exist_ok=True)
        version, number = stem, 1
        while (folder / f"{version}.parquet").exists():
            number += 1
            version = f"{stem}-{number}"
        table.to_parquet(folder / f"{version}.parquet", index=False)
        facts |= {
            "version": version, "file": f"{version}.parquet", "topology": workspace.network().topology.digest,
            "learned_by": person.actor,
        }  # fmt: skip
        (folder / f"{version}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{folder}: the speeds cannot be written ({error.strerror})") from error
    _point_at(folder, version)
    return version


def _point_at(folder: Path, version: str) -> None:
    """Make a version the one that counts, in one step."""
    try:
        text = (folder / f"{version}.json").read_text(encoding="utf-8")
        new = folder / f".{CURRENT}"
        new.write_text(text, encoding="utf-8")
        new.replace(folder / CURRENT)
    except FileNotFoundError:
        raise NotFoundError(
            f"{folder}: the facts about version {version} are missing; learn the speeds again"
        ) from None
    except OSError as error:
        raise StorageError(f"{folder}: the speeds cannot be written ({error.strerror})") from error
