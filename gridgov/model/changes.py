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


@dataclass(frozen=True, slots=True)
class GridSplit:
    """A grid that is cut in two along a line, a GeoJSON LineString, WGS 84.

    Attributes
    ----------
    code : str
    line : mapping
        It crosses the grid once, from outside to outside.
    codes : tuple of str
        Of the larger part and of the smaller one, by area; one of them may be the old code.
    share : float or None
        Which part of the people the larger one gets, between 0 and 1; None: as its share of the area.
    """

    kind: ClassVar[str] = "split_grid"
    code: str
    line: Mapping[str, Any]
    codes: tuple[str, ...]
    share: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", _words(self.kind, "codes", self.codes))
        _check_words(self.kind, code=self.code)
        if self.line.get("type") != "LineString":
            raise ParameterError(f"split_grid {self.code}: the line is a {self.line.get('type')!r}; draw a LineString")
        if len(self.codes) != 2 or len(set(self.codes)) != 2:
            raise ParameterError(f"split_grid {self.code}: give two different codes, of the larger part first")
        if self.share is not None and not 0 <= self.share <= 1:
            raise ParameterError(f"split_grid {self.code}: the share is {self.share:g}; give a number from 0 to 1")


@dataclass(frozen=True, slots=True)
class DutyAssigned:
    """责任网格调整: grids that become the duty of one worker each; who else had them has them no more.

    Attributes
    ----------
    duty : mapping of str to list of str
        Worker → codes of grids. A worker is named by id, or by community and number (``339901001/2``) as in a redesign
        that is shown to people who may not know who works where.
    """

    kind: ClassVar[str] = "assign_duty"
    duty: Mapping[str, Any]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for worker, codes in self.duty.items():
            if not isinstance(codes, list | tuple) or not all(isinstance(code, str) and code for code in codes):
                raise ParameterError(f"assign_duty: the duty of {worker[:40]} is {codes!r}; give a list of grid codes")
            if double := sorted(seen.intersection(codes)):
                raise ParameterError(f"assign_duty: grid {double[0]} is given to two workers; give it to one")
            seen.update(codes)
        if not seen:
            raise ParameterError("assign_duty: nothing changes; give workers and their grids")


Change = (
    PlaceAdded | PlaceChanged | PlaceRemoved | AreaTaken | AreaAdded
    | PopulationScaled | SpeedsScaled | VersionUsed | GridsMerged | GridSplit | DutyAssigned
)  # fmt: skip
CHANGES: Mapping[str, type[Change]] = {
    each.kind: each
    for each in (
        PlaceAdded, PlaceChanged, PlaceRemoved, AreaTaken, AreaAdded,
        PopulationScaled, SpeedsScaled, VersionUsed, GridsMerged, GridSplit, DutyAssigned,
    )
}  # fmt: skip
"""Word in a file → record."""


def change_to_dict(change: Change) -> dict[str, Any]:
    """Return a change as plain data for JSON; what is not given is left out."""
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(change).items()}
    return {"kind": change.kind, **{key: value for key, value in plain.items() if value is not None}}


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


_NUMBERS = {"lon", "lat", "factor", "share"}
_LISTS = {"areas", "highways", "codes"}
_MAPPINGS = {"attributes", "geometry", "line", "duty"}


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
