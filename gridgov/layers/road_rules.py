"""Who may use a road, which way, how fast and how many: OpenStreetMap tags and the speed profile, no geometry."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gridgov.config import resource_dir
from gridgov.errors import SpecError
from gridgov.model import TravelMode

Tags = Mapping[str, str]
MODES: tuple[TravelMode, ...] = (TravelMode.DRIVE, TravelMode.EBIKE, TravelMode.WALK)

_NO = {"no", "private", "agricultural", "forestry", "delivery", "customers", "emergency"}
_YES = {"yes", "designated", "permissive", "destination", "official"}
_ONEWAY = {"yes", "true", "1"}
_REVERSED = {"-1", "reverse"}
_EXPRESS = {"motorway", "motorway_link", "trunk", "trunk_link"}
# The tags that rule a mode, the most special one first.
_ACCESS = {
    TravelMode.DRIVE: ("motorcar", "motor_vehicle", "vehicle", "access"),
    TravelMode.EBIKE: ("bicycle", "vehicle", "access"),
    TravelMode.WALK: ("foot", "access"),
}
TAGS = {
    "highway", "name", "name:en", "oneway", "maxspeed", "lanes", "access", "vehicle", "motor_vehicle", "motorcar",
    "bicycle", "foot", "oneway:bicycle", "cycleway", "bridge", "tunnel", "junction", "area", "motorroad",
}  # fmt: skip
_TWO_WAYS = {"no", "false", "0"}
# Speeds in words are rightly no number: none, signals, CN:urban.
_SPEED_WORD = re.compile(r"none|signals|variable|walk|implicit|[A-Z]{2}:.+|[a-z]+:.+")
_SPEED = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|kph)?\s*")


@dataclass(frozen=True, slots=True)
class RoadClass:
    """A class of road in the profile: speed per mode (kph; 0: closed to it), lanes per direction, capacity."""

    kph: Mapping[TravelMode, float]
    lanes: float
    lane_capacity_vph: float


@dataclass(frozen=True, slots=True)
class SpeedProfile:
    """Speeds and capacities by class of road (data/profiles/speeds.toml)."""

    classes: Mapping[str, RoadClass]
    fallback_kph: Mapping[TravelMode, float]
    maximum_kph: Mapping[TravelMode, float]
    maxspeed_factor: float


@dataclass(frozen=True, slots=True)
class RoadUse:
    """What a way gives to each mode.

    `forward_kph` and `backward_kph` hold only the modes that may go along, or against, the order of its nodes.
    Capacities are vehicles per hour in each direction.
    """

    forward_kph: Mapping[TravelMode, float]
    backward_kph: Mapping[TravelMode, float]
    forward_vph: float
    backward_vph: float
    oneway: bool
    lanes: float
    maxspeed_kph: float | None


def load_speeds(path: Path | None = None) -> SpeedProfile:
    """Read the speed profile.

    Raises
    ------
    SpecError
        The file is no TOML or a value is missing or no number.
    """
    file = path or resource_dir("profiles") / "speeds.toml"
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        classes = {name: _road_class(row) for name, row in table["classes"].items()}
        return SpeedProfile(
            classes=classes,
            fallback_kph={mode: float(table["fallback"][f"{mode}_kph"]) for mode in MODES},
            maximum_kph={mode: float(table[mode]["maximum_kph"]) for mode in MODES},
            maxspeed_factor=float(table["drive"]["maxspeed_factor"]),
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{file}: not a valid TOML file ({error}); correct it") from error
    except (KeyError, TypeError, ValueError) as error:
        raise SpecError(f"{file}: a speed is missing or no number ({error}); correct it") from error


def _road_class(row: Mapping[str, Any]) -> RoadClass:
    kph = {mode: float(row[f"{mode}_kph"]) for mode in MODES}
    return RoadClass(kph=kph, lanes=float(row["lanes"]), lane_capacity_vph=float(row["lane_capacity_vph"]))


def road_use(tags: Tags, profile: SpeedProfile) -> RoadUse | None:
    """Return what a way gives to each mode, or None if its class is not in the profile or nobody may use it.

    A one-way binds cars, and e-bikes unless ``oneway:bicycle=no``; walkers go both ways except on motorways and trunk
    roads. A roundabout is one-way, and so is a motorway unless it says otherwise.
    """
    road_class = profile.classes.get(tags["highway"])
    if road_class is None or tags.get("area") == "yes":
        return None
    limit = maxspeed_kph(tags.get("maxspeed"))
    kph = {mode: _kph(mode, tags, road_class, profile, limit) for mode in MODES}
    sense = {mode: _sense(mode, tags) for mode in MODES}
    forward = {mode: kph[mode] for mode in MODES if kph[mode] > 0 and sense[mode] >= 0}
    backward = {mode: kph[mode] for mode in MODES if kph[mode] > 0 and sense[mode] <= 0}
    if not forward and not backward:
        return None
    oneway = sense[TravelMode.DRIVE] != 0
    lanes = _lanes(tags.get("lanes"), road_class, oneway=oneway)
    lane_vph = road_class.lane_capacity_vph * lanes
    return RoadUse(
        forward_kph=forward,
        backward_kph=backward,
        forward_vph=lane_vph if TravelMode.DRIVE in forward else 0.0,
        backward_vph=lane_vph if TravelMode.DRIVE in backward else 0.0,
        oneway=oneway,
        lanes=lanes,
        maxspeed_kph=limit,
    )


def maxspeed_kph(text: str | None) -> float | None:
    """Return a ``maxspeed`` tag in km/h; the lowest of several; None for words such as ``none`` or ``CN:urban``."""
    found = [_SPEED.fullmatch(part) for part in (text or "").replace("|", ";").split(";")]
    speeds = [float(m[1]) * (1.609344 if m[2] == "mph" else 1.0) for m in found if m]
    return min((speed for speed in speeds if speed > 0), default=None)


def unread_tags(tags: Tags) -> list[str]:
    """Return which of ``maxspeed``, ``lanes`` and ``oneway`` hold a value that is not understood and so not used."""
    speed, lanes, oneway = (tags.get(name, "").strip() for name in ("maxspeed", "lanes", "oneway"))
    unread = []
    if speed and maxspeed_kph(speed) is None and not _SPEED_WORD.fullmatch(speed):
        unread.append("maxspeed")
    if lanes and _lane_count(lanes) is None:
        unread.append("lanes")
    if oneway and oneway not in _ONEWAY | _REVERSED | _TWO_WAYS:
        unread.append("oneway")
    return unread


def _kph(mode: TravelMode, tags: Tags, road_class: RoadClass, profile: SpeedProfile, limit: float | None) -> float:
    allowed = _allowed(mode, tags, by_class=road_class.kph[mode] > 0)
    if not allowed:
        return 0.0
    kph = road_class.kph[mode] or profile.fallback_kph[mode]
    if mode is TravelMode.DRIVE and limit is not None:
        kph = limit * profile.maxspeed_factor
    return min(kph, profile.maximum_kph[mode])


def _allowed(mode: TravelMode, tags: Tags, *, by_class: bool) -> bool:
    if mode is not TravelMode.DRIVE and tags.get("motorroad") == "yes":
        return False
    for name in _ACCESS[mode]:
        value = tags.get(name)
        if value is None:
            continue
        if value in _NO or (value == "dismount" and mode is TravelMode.EBIKE):
            return False
        if value in _YES:  # only the mode's own tag opens a road that its class closes
            return by_class or (name == _ACCESS[mode][0] or (name == "motor_vehicle" and mode is TravelMode.DRIVE))
    return by_class


def _sense(mode: TravelMode, tags: Tags) -> int:
    """1: only along the nodes, -1: only against them, 0: both."""
    value = tags.get("oneway", "")
    implied = tags.get("junction") in {"roundabout", "circular"} or tags["highway"] == "motorway"
    sense = -1 if value in _REVERSED else int(value in _ONEWAY or (implied and value != "no"))
    if mode is TravelMode.WALK:
        return sense if tags["highway"] in _EXPRESS else 0
    opposite = tags.get("cycleway", "").startswith("opposite")
    if mode is TravelMode.EBIKE and (tags.get("oneway:bicycle") == "no" or opposite):
        return 0
    return sense


def _lanes(text: str | None, road_class: RoadClass, *, oneway: bool) -> float:
    """Lanes in one direction; the tag counts both directions of a two-way road."""
    count = _lane_count(text)
    if count is None:
        return road_class.lanes
    return float(count) if oneway else max(1.0, count / 2)


def _lane_count(text: str | None) -> int | None:
    """The lowest of several numbers; None for anything else."""
    counts = [int(part) for part in (text or "").split(";") if part.strip().isdecimal()]
    return min(counts) if counts and min(counts) >= 1 else None
