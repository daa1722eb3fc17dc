"""Workers on the road network of their own travel mode, prepared once for many questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.model import TravelMode, WorkerStatus
from gridgov.network import Places, RoadNetwork

_NO_SHIFT = -1
UNKNOWN = "unknown"  # a value that the source should give and does not: nobody is sent on a guess


@dataclass(frozen=True)
class ModeGroup:
    """The workers of one travel mode: their rows in the roster and their places on that mode's network."""

    network: RoadNetwork
    rows: NDArray[np.intp]
    places: Places


@dataclass(frozen=True)
class Roster:
    """All workers, ready to be searched.

    Attributes
    ----------
    worker_id, name : arrays of str, shape (n,)
    mode, status : arrays of str
    lon, lat : arrays of degrees; NaN where a worker has no position
    shift_start_min, shift_end_min : arrays of int, minutes after local midnight; -1: no shift given
    skills : tuple of tuples of str
    groups : mapping TravelMode -> ModeGroup
    """

    worker_id: NDArray[np.object_]
    name: NDArray[np.object_]
    mode: NDArray[np.object_]
    status: NDArray[np.object_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    shift_start_min: NDArray[np.int64]
    shift_end_min: NDArray[np.int64]
    skills: tuple[tuple[str, ...], ...]
    groups: Mapping[TravelMode, ModeGroup]
    timezone: ZoneInfo

    def __len__(self) -> int:
        return len(self.worker_id)

    @classmethod
    def from_frame(
        cls, workers: gpd.GeoDataFrame, networks: Mapping[TravelMode, RoadNetwork], timezone: ZoneInfo
    ) -> Roster:
        """Put a frame of workers on the road networks.

        Parameters
        ----------
        workers : GeoDataFrame
            Columns of the workers layer; a missing column counts as "not given".
        networks : mapping
            One network view for each travel mode.
        timezone : ZoneInfo
            In which shifts are written.
        """
        n = len(workers)
        points = workers.geometry
        present = ~(points.isna() | points.is_empty).to_numpy(dtype=bool)
        lon, lat = np.full(n, np.nan), np.full(n, np.nan)
        lon[present], lat[present] = points[present].x, points[present].y
        roster = cls(
            worker_id=_text(workers, "worker_id", ""),
            name=_text(workers, "name", ""),
            mode=_text(workers, "mode", str(TravelMode.WALK)),
            status=_text(workers, "status", str(WorkerStatus.FREE)),
            lon=lon,
            lat=lat,
            shift_start_min=_minutes(workers, "shift_start"),
            shift_end_min=_minutes(workers, "shift_end"),
            skills=tuple(_as_tuple(value) for value in workers.get("skills", pd.Series([None] * n))),
            groups={},
            timezone=timezone,
        )
        return roster.standing_at(lon, lat, networks)

    def standing_at(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64], networks: Mapping[TravelMode, RoadNetwork]
    ) -> Roster:
        """Return the same workers at other positions (NaN: none), put on the road networks of their modes."""
        groups: dict[TravelMode, ModeGroup] = {}
        for mode, network in networks.items():
            rows = np.flatnonzero(~np.isnan(lon) & (self.mode == str(mode)))
            if len(rows):
                groups[mode] = ModeGroup(network, rows, network.snap(lon[rows], lat[rows]))
        return replace(self, lon=lon, lat=lat, groups=groups)

    def on_shift(self, now: datetime) -> NDArray[np.bool_]:
        """Return who works at a moment. A shift may pass midnight; without a shift a worker counts as on duty."""
        local = now.astimezone(self.timezone)
        minute = local.hour * 60 + local.minute
        start, end = self.shift_start_min, self.shift_end_min
        by_day = (start <= minute) & (minute < end)
        over_night = (minute >= start) | (minute < end)
        return np.asarray(np.where(start < end, by_day, over_night) | (start == _NO_SHIFT) | (end == _NO_SHIFT))

    def has_skills(self, skills: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return who has all of some skills."""
        wanted = set(skills)
        return np.fromiter((wanted.issubset(owned) for owned in self.skills), dtype=np.bool_, count=len(self))

    def all_skills(self) -> list[str]:
        """Return every skill that somebody has, sorted."""
        return sorted({skill for owned in self.skills for skill in owned})

    @cached_property
    def shift_texts(self) -> list[str]:
        """Every worker's shift as ``08:00–16:00``; empty where none is given."""
        pairs = list(zip(self.shift_start_min.tolist(), self.shift_end_min.tolist(), strict=True))
        known = {pair: "–".join(f"{m // 60:02d}:{m % 60:02d}" for m in pair) for pair in set(pairs)}
        return ["" if _NO_SHIFT in pair else known[pair] for pair in pairs]


def _text(frame: gpd.GeoDataFrame, column: str, default: str) -> NDArray[np.object_]:
    if column not in frame:
        return np.full(len(frame), default, dtype=object)
    missing = default if default == "" else UNKNOWN  # a column that is there and empty is not "not given"
    return np.asarray(frame[column].astype(object).where(frame[column].notna(), missing), dtype=object)


def _minutes(frame: gpd.GeoDataFrame, column: str) -> NDArray[np.int64]:
    if column not in frame:
        return np.full(len(frame), _NO_SHIFT, dtype=np.int64)
    clock = frame[column].astype("string").str.extract(r"^(\d{1,2}):(\d{2})")
    minutes = pd.to_numeric(clock[0], errors="coerce") * 60 + pd.to_numeric(clock[1], errors="coerce")
    return np.asarray(minutes.fillna(_NO_SHIFT).to_numpy(dtype=float), dtype=np.int64)


def _as_tuple(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part for part in value.split(";") if part)
    return tuple(str(part) for part in value) if isinstance(value, list | tuple | np.ndarray) else ()
