"""时段车速: how speeds change over the day, by travel mode, kind of day and class of road.

A factor multiplies the speed that data/profiles/speeds.toml gives for a class, the average of a free day: 0.6 in a rush
hour means that a trip takes 1 / 0.6 of the usual time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime, tzinfo
from enum import StrEnum

from gridgov.errors import ParameterError
from gridgov.i18n import Lang, label
from gridgov.model.incident_classes import Certainty

HOURS = 24
LARGEST_FACTOR = 2.0
ALL_CLASSES = "*"


class DayKind(StrEnum):
    """Whether people go to work."""

    WORKDAY = "workday"
    RESTDAY = "restday"


@dataclass(frozen=True, slots=True)
class SpeedCurve:
    """Factors of the 24 hours of a day for some classes of road.

    Attributes
    ----------
    mode : str
        Travel mode.
    day : DayKind
    classes : tuple of str
        OpenStreetMap's classes; ``*`` stands for all that no other curve names.
    factors : tuple of float
        One for each hour from midnight on, above 0 and at most 2.
    source, certainty
        Where the numbers are from.
    """

    mode: str
    day: DayKind
    classes: tuple[str, ...]
    factors: tuple[float, ...]
    source: str
    certainty: Certainty

    def __post_init__(self) -> None:
        if len(self.factors) != HOURS:
            raise ParameterError(f"a curve of speeds has {len(self.factors)} factors; give one for each of 24 hours")
        if not all(0.0 < factor <= LARGEST_FACTOR for factor in self.factors):
            raise ParameterError(f"a factor of speed lies outside 0 … {LARGEST_FACTOR:g}; close roads by closures")


@dataclass(frozen=True, slots=True)
class SpeedHours:
    """All curves of a city.

    Raises
    ------
    ParameterError
        Two curves say something about the same mode, kind of day and class.
    """

    curves: tuple[SpeedCurve, ...]

    def __post_init__(self) -> None:
        seen: set[tuple[str, str, str]] = set()
        for curve in self.curves:
            for road_class in curve.classes:
                key = (curve.mode, str(curve.day), road_class)
                if key in seen:
                    raise ParameterError(f"two curves of speeds are for {', '.join(key)}; strike one")
                seen.add(key)

    def factors(self, mode: str, day: DayKind, hour: int, classes: Iterable[str]) -> Mapping[str, float]:
        """Return the factor of each class of road at an hour; 1 where nothing is said.

        Raises
        ------
        ParameterError
            The hour is none of 0 … 23.
        """
        if not 0 <= hour < HOURS:
            raise ParameterError(f"the hour is {hour}; give one of 0 … 23")
        said = {
            road_class: curve.factors[hour]
            for curve in self.curves
            if curve.mode == mode and curve.day == day
            for road_class in curve.classes
        }
        other = said.get(ALL_CLASSES, 1.0)
        return {road_class: said.get(road_class, other) for road_class in classes}


@dataclass(frozen=True, slots=True)
class HourSpeeds:
    """Which speeds an answer was worked out with.

    Attributes
    ----------
    day, hour
        Of the moment, local time.
    measured_edges : int
        Edges with a measured speed at that hour; all others have that of their class of road.
    version : str
        Of the measured speeds; "" where none count.
    damaged : bool
        There are measured speeds that cannot be read and do not count.
    """

    day: DayKind
    hour: int
    measured_edges: int = 0
    version: str = ""
    damaged: bool = False

    def text(self, lang: Lang) -> str:
        """Return it as a sentence."""
        day = label(f"speeds.{self.day}", lang)
        code = "speeds.used_measured" if self.measured_edges else "speeds.used"
        code = "speeds.used_damaged" if self.damaged else code
        return label(code, lang, day=day, hour=self.hour, count=f"{self.measured_edges:,}", version=self.version)


def local_hour(when: datetime, timezone: tzinfo) -> int:
    """Return the hour of the day of an aware moment, local time."""
    if when.tzinfo is None:
        raise ParameterError("the moment must be an aware time (with an offset), so that its hour can be told")
    if not MINYEAR < when.year < MAXYEAR:  # the local time could lie beyond all years
        raise ParameterError(f"the moment is in the year {when.year}; give one that a calendar knows")
    return when.astimezone(timezone).hour
