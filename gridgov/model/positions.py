"""Where workers are: positions from phones, and which of them are kept as a track."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gridgov.errors import ParameterError


@dataclass(frozen=True, slots=True)
class Position:
    """A worker's position: aware time, degrees WGS 84, radius of uncertainty in metres (None: unknown)."""

    worker_id: str
    at: datetime
    lon: float
    lat: float
    accuracy_m: float | None = None

    def __post_init__(self) -> None:
        if not self.worker_id or self.at.tzinfo is None:
            raise ParameterError("a position needs a worker_id and a time with its zone")
        if not (math.isfinite(self.lon) and math.isfinite(self.lat) and abs(self.lon) <= 180 and abs(self.lat) <= 90):
            raise ParameterError(f"the position {self.lon}, {self.lat} of {self.worker_id} is not on the globe")


def latest_of(positions: Iterable[Position]) -> dict[str, Position]:
    """Return the newest position of each worker."""
    latest: dict[str, Position] = {}
    for position in positions:
        if position.worker_id not in latest or position.at >= latest[position.worker_id].at:
            latest[position.worker_id] = position
    return latest


def sample_track(positions: Iterable[Position], kept_at: Mapping[str, datetime], every_s: float) -> list[Position]:
    """Return the positions to keep as a track: of each worker one per `every_s` seconds, in the order of time.

    Parameters
    ----------
    positions : iterable of Position
        A batch, in any order.
    kept_at : mapping
        When the last kept position of a worker was; a worker that has none is missing.
    every_s : float
        Least seconds between two kept positions of a worker.
    """
    last, kept = dict(kept_at), []
    for position in sorted(positions, key=lambda p: (p.worker_id, p.at)):
        before = last.get(position.worker_id)
        if before is None or (position.at - before).total_seconds() >= every_s:
            kept.append(position)
            last[position.worker_id] = position.at
    return kept
