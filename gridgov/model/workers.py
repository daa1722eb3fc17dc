"""网格员: how a grid worker travels and whether they are free."""

from __future__ import annotations

from enum import StrEnum


class TravelMode(StrEnum):
    """How somebody moves on the road network."""

    DRIVE = "drive"
    EBIKE = "ebike"
    WALK = "walk"


class WorkerStatus(StrEnum):
    """What a worker is doing."""

    FREE = "free"
    BUSY = "busy"
    OFF = "off"
