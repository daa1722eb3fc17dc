"""Speeds by hour of a city (data/profiles/speed_hours.toml): factors by mode, kind of day and class of road."""

from __future__ import annotations

from pathlib import Path

from gridgov.config import resource_dir
from gridgov.errors import ParameterError, SpecError
from gridgov.model.incident_classes import Certainty
from gridgov.model.speed_profiles import DayKind, SpeedCurve, SpeedHours
from gridgov.model.workers import TravelMode
from gridgov.profiles.tables import Table


def load_speed_hours(path: Path | None = None) -> SpeedHours:
    """Read the speeds by hour.

    Parameters
    ----------
    path : Path, optional
        Default data/profiles/speed_hours.toml.

    Raises
    ------
    SpecError
        The file cannot be read, or something in it is missing, unknown or impossible.
    """
    table = Table.read(path or resource_dir("profiles") / "speed_hours.toml")
    curves = tuple(_curve(row) for row in table.tables("curve"))
    table.finish()
    try:
        return SpeedHours(curves)
    except ParameterError as error:
        raise SpecError(f"{table.where}: {error}") from error


def _curve(row: Table) -> SpeedCurve:
    mode = row.text("mode", among=list(TravelMode))
    day = DayKind(row.text("day", among=list(DayKind)))
    classes, factors = tuple(row.texts("classes")), tuple(row.numbers("factors"))
    source, certainty = row.text("source"), Certainty(row.text("certainty", among=list(Certainty)))
    row.finish()
    try:
        return SpeedCurve(mode, day, classes, factors, source, certainty)
    except ParameterError as error:
        raise SpecError(f"{row.where}: {error}") from error
