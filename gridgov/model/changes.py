"""假设的改变: what a scenario changes beside closing roads: places, areas, people, speeds, versions of layers, grids.

A change is plain data. It is laid on the base in the order of its scenario (`gridgov.analysis.changing`), and the base
itself never changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

from gridgov.errors import ParameterError

_MOST_FACTOR = 100.0
_AREA_KINDS = {"Polygon", "MultiPolygon"}


@dataclass(frozen=True, slots=True)
class PlaceAdded:
    """A new place of a layer of points, such as a shelter or a fire station; `attributes` by field of that layer."""

    kind: ClassVar[str] = "add_place"
    layer: str
    id: str
    lon: float
    lat: float
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_words(self.kind, layer=self.layer, id=self.id)
        if not (abs(self.lon) <= 180.0 and abs(self.lat) <= 90.0):
            raise ParameterError(f"add_place {self.id}: {self.lon}, {self.lat} is no longitude, latitude in degrees")


@dataclass(frozen=True, slots=True)
class PlaceChanged:
    """Other values of a place that is there, such as its number of places."""

    kind: ClassVar[str] = "change_place"
    layer: str
    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_words(self.kind, layer=self.layer, id=self.id)
        if not self.attributes:
            raise ParameterError(f"change_place {self.id}: nothing changes; give the fields that do")


@dataclass(frozen=True, slots=True)
class PlaceRemoved:
    """A place that is there no more."""

    kind: ClassVar[str] = "remove_place"
    layer: str
    id: str

    def __post_init__(self) -> None:
        _check_words(self.kind, layer=self.layer, id=self.id)


@dataclass(frozen=True, slots=True)
class AreaTaken:
    """An area that a layer of polygons loses, such as farmland that is built on; a GeoJSON polygon, WGS 84."""

    kind: ClassVar[str] = "take_area"
    layer: str
    geometry: Mapping[str, Any]

    def __post_init__(self) -> None:
        _check_words(self.kind, layer=self.layer)
        _check_area(self.kind, self.geometry)


@dataclass(frozen=True, slots=True)
class AreaAdded:
    """An area that a layer of polygons gains; a GeoJSON polygon, WGS 84."""

    kind: ClassVar[str] = "add_area"
    layer: str
    id: str
    geometry: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_words(self.kind, layer=self.layer, id=self.id)
        _check_area(self.kind, self.geometry)


@dataclass(frozen=True, slots=True)
class PopulationScaled:
    """More or fewer people, in grids whose code begins with one of `areas` (none: everywhere)."""

    kind: ClassVar[str] = "scale_population"
    factor: float
    areas: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "areas", _words(self.kind, "areas", self.areas))
        _check_factor(self.kind, self.factor, least=0.0)


@dataclass(frozen=True, slots=True)
class SpeedsScaled:
    """Faster or slower roads of some OSM classes (none: all), for every travel mode."""

    kind: ClassVar[str] = "scale_speeds"
    factor: float
    highways: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "highways", _words(self.kind, "highways", self.highways))
        _check_factor(self.kind, self.factor, least=0.01)


@dataclass(frozen=True, slots=True)
class VersionUsed:
    """Another version of a layer than the newest."""

    kind: ClassVar[str] = "use_version"
    layer: str
    version: str

    def __post_init__(self) -> None:
        _check_words(self.kind, layer=self.layer, version=self.version)


@dataclass(frozen=True, slots=True)
class GridsMerged:
    """Grids that become one, under a new code or that of one of them; counts add up."""

    kind: ClassVar[str] = "merge_grids"
    codes: tuple[str, ...]
    into: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", _words(self.kind, "codes", self.codes))
        _check_words(self.kind, into=self.into)
        if len(set(self.codes)) < 2:
            raise ParameterError(f"merge_grids into {self.into}: give two or more different codes")


Change = (
    PlaceAdded | PlaceChanged | PlaceRemoved | AreaTaken | AreaAdded
    | PopulationScaled | SpeedsScaled | VersionUsed | GridsMerged
)  # fmt: skip
CHANGES: Mapping[str, type[Change]] = {
    each.kind: each
    for each in (
        PlaceAdded, PlaceChanged, PlaceRemoved, AreaTaken, AreaAdded,
        PopulationScaled, SpeedsScaled, VersionUsed, GridsMerged,
    )
}  # fmt: skip
"""Word in a file → record."""


def change_to_dict(change: Change) -> dict[str, Any]:
    """Return a change as plain data for JSON."""
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(change).items()}
    return {"kind": change.kind, **plain}


def change_from_dict(data: Mapping[str, Any]) -> Change:
    """Return the change that `change_to_dict` gave, or that somebody wrote.

    Raises
    ------
    ParameterError
        Its kind or one of its words is unknown, one is missing, or a value cannot be used.
    """
    given = dict(data)
    kind = given.pop("kind", None)
    if not isinstance(kind, str) or kind not in CHANGES:
        raise ParameterError(f"there is no change of the kind {kind!r}; known are {', '.join(CHANGES)} and close_roads")
    made = CHANGES[kind]
    known = {each.name for each in fields(made)}
    if strange := sorted(set(given) - known):
        raise ParameterError(f"{kind} has no '{strange[0]}'; known are {', '.join(sorted(known))}")
    try:
        return made(**{key: _plain(kind, key, value) for key, value in given.items()})
    except TypeError as error:  # a word is missing; the others are known
        missing = str(error).split(": ")[-1]
        raise ParameterError(f"{kind} needs {missing}") from error


_NUMBERS = {"lon", "lat", "factor"}
_LISTS = {"areas", "highways", "codes"}
_MAPPINGS = {"attributes", "geometry"}


def _plain(kind: str, key: str, value: Any) -> Any:
    """Return a value of the right type, else say what is wrong."""
    if key in _NUMBERS:
        good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        wanted = "a number"
    elif key in _LISTS:
        good, wanted = isinstance(value, list | tuple), "a list of words"
    elif key in _MAPPINGS:
        good, wanted = isinstance(value, Mapping), "a table of fields"
    else:
        good, wanted = isinstance(value, str), "a word in quotes"
    if not good:
        raise ParameterError(f"{kind}: {key} is {value!r}; give {wanted}")
    return float(value) if key in _NUMBERS else value


def _check_words(kind: str, **given: str) -> None:
    for name, value in given.items():
        if not value.strip() or not value.isprintable() or len(value) > 200:
            raise ParameterError(f"{kind}: {name} is {value[:40]!r}; give a name of 1 to 200 characters")


def _words(kind: str, name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(isinstance(value, str) and value for value in values):
        raise ParameterError(f"{kind}: {name} is {list(values)!r}; give a list of words")
    return tuple(values)


def _check_factor(kind: str, factor: float, *, least: float) -> None:
    if not (math.isfinite(factor) and least <= factor <= _MOST_FACTOR):
        raise ParameterError(f"{kind}: the factor is {factor}; give a number from {least:g} to {_MOST_FACTOR:g}")


def _check_area(kind: str, geometry: Mapping[str, Any]) -> None:
    if geometry.get("type") not in _AREA_KINDS:
        raise ParameterError(f"{kind}: the geometry is a {geometry.get('type')!r}; give a GeoJSON Polygon")
