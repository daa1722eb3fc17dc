"""要素: what is asked of a collection of features, and what is answered, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gridgov.errors import ParameterError

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureQuery:
    """Which features of a collection are wanted; what is left at its default does not count.

    Attributes
    ----------
    bbox : tuple of float
        West, south, east, north, degrees. West greater than east: across the 180th meridian.
    start, end : datetime
        Aware, both inclusive; None: open.
    equals : mapping
        Name of a property -> the value it must have, as text.
    limit, offset : int
        The page.
    """

    bbox: Bounds | None = None
    start: datetime | None = None
    end: datetime | None = None
    equals: Mapping[str, str] = field(default_factory=dict)
    limit: int = 100
    offset: int = 0

    @property
    def boxes(self) -> tuple[Bounds, ...]:
        """The box in one piece, or in two where it crosses the 180th meridian; empty without one."""
        if self.bbox is None:
            return ()
        west, south, east, north = self.bbox
        if west <= east:
            return (self.bbox,)
        return (west, south, 180.0, north), (-180.0, south, east, north)

    @property
    def timed(self) -> bool:
        """Whether a time is asked for."""
        return self.start is not None or self.end is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCollection:
    """What a collection is.

    Attributes
    ----------
    bounds : tuple of float
        West, south, east, north of its features, degrees.
    interval : tuple of datetime
        From when to when its features are; None where the features have no time.
    queryables : mapping
        Properties that may be asked for, with their JSON type (``string``, ``integer``, ``number``, ``boolean``).
    """

    id: str
    title: str
    description: str
    bounds: Bounds
    interval: tuple[datetime, datetime] | None = None
    queryables: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: its geometry is GeoJSON text (``null`` where it has none), its properties are values of JSON."""

    id: str
    geometry: str
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """The features of a page and how many there are in all."""

    matched: int
    features: tuple[Feature, ...]


def property_value(name: str, kind: str, text: str) -> str | bool | float:
    """Return what a property must be, read from text.

    Parameters
    ----------
    kind : str
        ``string``, ``integer``, ``number`` or ``boolean``.

    Raises
    ------
    ParameterError
        The text is none of that kind.
    """
    if kind == "string":
        return text
    try:
        if kind == "boolean":
            return {"true": True, "false": False}[text]
        return int(text) if kind == "integer" else float(text)
    except (KeyError, ValueError):
        raise ParameterError(f"'{text[:80]}' is no {kind}, as the property '{name}' has") from None
