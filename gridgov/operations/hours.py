"""时段路网: the roads as they are at an hour of the day, by the profile of speeds and by what was measured.

One view is kept for each travel mode and hour, so that everybody who asks about one hour searches the same network.
Closures are laid on these views (`closures.network_now`); taking one off gives the view itself back.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from gridgov.errors import StorageError
from gridgov.model import TravelMode
from gridgov.model.speed_profiles import DayKind, HourSpeeds, SpeedHours, local_hour
from gridgov.network import RoadNetwork
from gridgov.network.hours import with_hour
from gridgov.network.track_speeds import edge_factors
from gridgov.profiles import load_speed_hours
from gridgov.workspace import Workspace

FOLDER = "speeds"  # in the workspace's folder
CURRENT = "current.json"
HourKey = tuple[str, int, str]
_MOST_VIEWS = 24  # a view keeps a time for every edge


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of a kind of day, local time."""

    day: DayKind
    hour: int


@dataclass(frozen=True)
class LearnedSpeeds:
    """Measured speeds of a workspace.

    Attributes
    ----------
    facts : dict
        version, since, until, topology, least_samples, positions, passages, edges, …, as `speeds.learn_speeds` wrote.
    table : DataFrame
        mode, day, hour, edge_id, speed_kph, factor, samples.
    """

    facts: dict[str, Any]
    table: pd.DataFrame

    @property
    def version(self) -> str:
        """Name of the version."""
        return str(self.facts["version"])

    def at(self, hour: Hour) -> pd.DataFrame:
        """Return the rows of an hour that have passages enough to count."""
        table, least = self.table, int(self.facts["least_samples"])
        rows: pd.DataFrame = table[
            (table["day"] == str(hour.day)) & (table["hour"] == hour.hour) & (table["samples"] >= least)
        ]
        return rows


def hour_of(workspace: Workspace, when: datetime) -> Hour:
    """Return the hour and the kind of day of a moment, local time; days without work hours are days of rest.

    Raises
    ------
    ParameterError
        The moment has no zone.
    """
    hour = local_hour(when, workspace.timezone)
    works = workspace.incident_clock.calendar.hours_of(when.astimezone(workspace.timezone).date())
    return Hour(DayKind.WORKDAY if works else DayKind.RESTDAY, hour)


def hour_view(workspace: Workspace, mode: TravelMode, when: datetime) -> RoadNetwork:
    """Return the road network of a travel mode at the hour of a moment, without closures.

    Returns
    -------
    RoadNetwork
        The same view for the same hour; the workspace's own network where that hour changes nothing.

    Raises
    ------
    LayerNotFoundError
        The workspace has no roads.
    ParameterError
        The moment has no zone.
    """
    workspace.network(mode)  # says what is missing where there are no roads
    return _views_of(workspace).network(mode, hour_of(workspace, when))


def prepare_hour(workspace: Workspace, when: datetime) -> None:
    """Make the roads of an hour ready, so that nobody waits for them: closures then change only what differs."""
    if not workspace.has_network or not workspace.network().has_hierarchy:
        return
    for mode in TravelMode:
        _ = hour_view(workspace, mode, when).metric.dependents


def hour_key(workspace: Workspace, when: datetime) -> HourKey:
    """Return what tells one hour's views from another's: kind of day, hour, version of the measured speeds."""
    hour = hour_of(workspace, when)
    return str(hour.day), hour.hour, _views_of(workspace).version()


def speeds_at(workspace: Workspace, when: datetime) -> HourSpeeds:
    """Return which speeds the roads have at a moment, of all travel modes together."""
    return _views_of(workspace).speeds(hour_of(workspace, when))


def learned_speeds(workspace: Workspace) -> LearnedSpeeds | None:
    """Return the measured speeds that count now; None where there are none of these roads.

    Raises
    ------
    StorageError
        The file is damaged.
    """
    views = _views_of(workspace)
    learned = views.learned()
    if views.fault:
        raise StorageError(views.fault)
    return learned


def folder_of(workspace: Workspace) -> Path:
    """Return the folder of measured speeds."""
    return workspace.path / FOLDER


def speed_hours(workspace: Workspace) -> SpeedHours:
    """Return the profile of speeds by hour."""
    return workspace.cached("speed hours", load_speed_hours)


def _views_of(workspace: Workspace) -> _Views:
    return workspace.cached("hour views", lambda: _Views(workspace))


class _Views:
    """The views of the hours that were asked for last, and the measured speeds that they are made from."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.RLock()
        self._mark: tuple[int, ...] = ()
        self._learned: LearnedSpeeds | None = None
        self.fault = ""  # a damaged file must not keep anybody from being sent: the answers say that it does not count
        self._views: dict[tuple[TravelMode, Hour, str], RoadNetwork] = {}
        self._speeds: dict[tuple[Hour, str], HourSpeeds] = {}

    def learned(self) -> LearnedSpeeds | None:
        """Return the measured speeds after looking whether there are newer ones."""
        file = folder_of(self._workspace) / CURRENT
        try:
            found = file.stat()
            mark: tuple[int, ...] = (found.st_ino, found.st_mtime_ns, found.st_size)
        except FileNotFoundError:
            mark = ()
        with self._lock:
            if mark != self._mark:
                self._learned, self.fault = None, ""
                try:
                    self._learned = self._read(file) if mark else None
                except StorageError as error:
                    self.fault = str(error)
                self._mark = mark
                self._speeds.clear()
            return self._learned

    def _read(self, file: Path) -> LearnedSpeeds | None:
        try:
            facts = json.loads(file.read_text(encoding="utf-8"))
            if facts["topology"] != self._workspace.network().topology.digest:
                return None  # roads were imported anew since: their edges have other numbers
            return LearnedSpeeds(facts, pd.read_parquet(file.parent / facts["file"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{file}: the measured speeds cannot be read ({type(error).__name__}); learn them again"
            ) from error

    def version(self) -> str:
        """Return the version of the measured speeds, "" where there are none."""
        learned = self.learned()
        return "" if learned is None else learned.version

    def speeds(self, hour: Hour) -> HourSpeeds:
        """Return which speeds count at an hour."""
        learned = self.learned()
        if learned is None:
            return HourSpeeds(hour.day, hour.hour, damaged=bool(self.fault))
        key = (hour, learned.version)
        if key not in self._speeds:
            count = len(learned.at(hour))
            self._speeds[key] = HourSpeeds(hour.day, hour.hour, count, learned.version if count else "")
        return self._speeds[key]

    def network(self, mode: TravelMode, hour: Hour) -> RoadNetwork:
        """Return the view of a mode at an hour."""
        learned = self.learned()
        key = (mode, hour, "" if learned is None else learned.version)
        with self._lock:
            if key not in self._views:
                base, measured = self._workspace.network(mode), None
                if learned is not None:
                    rows = learned.at(hour)
                    measured = edge_factors(base, rows[rows["mode"] == str(mode)], hour.hour, least_samples=1)
                hours = speed_hours(self._workspace)
                self._views[key] = with_hour(base, hours, hour.hour, hour.day, edge_factors=measured)
                while len(self._views) > _MOST_VIEWS:
                    del self._views[next(iter(self._views))]
            return self._views[key]
