"""影响评估: who and what lies in a hazard, by level and time of arrival, by grid, community and street, with a range.

People of a grid are spread evenly over it, so the share of its area that lies in a zone is the share of its people
there. A grid whose population is not known is counted apart, never as nobody. Every number has a range: the same
number for the hazard one step milder and one step worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.analysis.exposure import Pieces, pieces_of
from gridgov.model.hazards import Hazard
from gridgov.model.needs import Need

_Floats = NDArray[np.float64]
_Bools = NDArray[np.bool_]
_Shapes = NDArray[np.object_]
_SLIVER_M2 = 1.0  # what rounding leaves along a common border
GROUPS = ("persons", "households", "elderly_persons")
_SUFFIX = "_persons"  # every column of that ending is a group of people who may need help


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and its range.

    Attributes
    ----------
    value, low, high : float
        For the hazard as it is, one step milder and one step worse.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, milder: float, worse: float) -> Figure:
        """Return a figure whose range holds the value, whichever way a step moves it."""
        return cls(value, min(value, milder, worse), max(value, milder, worse))


@dataclass(frozen=True, slots=True)
class NeedTotal:
    """What all displaced people together need, rounded up to whole pieces of a thing."""

    need: Need
    total: Figure


@dataclass(frozen=True, slots=True)
class Exposed:
    """What may be in a hazard, in one metric CRS; every layer may be missing (None).

    Attributes
    ----------
    grids : GeoDataFrame
        grid_code, persons (missing: not known), and where known households, other ``…_persons``, community_code,
        street_code.
    facilities, shelters : GeoDataFrame of points
        facility_id, name, category; shelter_id, name, capacity_persons.
    roads : GeoDataFrame of lines
        One for each street, whatever its directions; highway where known.
    resources : GeoDataFrame of areas
        layer_kind, class_code, class_name.
    """

    metric_crs: str
    grids: gpd.GeoDataFrame | None = None
    facilities: gpd.GeoDataFrame | None = None
    shelters: gpd.GeoDataFrame | None = None
    roads: gpd.GeoDataFrame | None = None
    resources: gpd.GeoDataFrame | None = None


@dataclass(frozen=True, slots=True)
class Impact:
    """Who and what lies in a hazard.

    Attributes
    ----------
    figures : dict
        persons, households, every ``…_persons``, grids, facilities, shelters, shelter_places, road_m, and the square
        metres of resources by kind as ``area_m2.<layer_kind>``, and cropland as ``area_m2.cropland``. A group that no
        layer knows, or whose number no grid inside knows, is not there.
    unknown_grids : Figure
        Grids in the hazard whose population is not known; their people are in none of the sums.
    unknown_by_group : dict
        The same for every group of people, where there are such grids.
    by_level, by_arrival : DataFrame
        level or arrival_s; persons, persons_low, persons_high, households, road_m, area_m2 in that class alone; NaN for
        a group that no grid there knows, and the grids that do not know it as ``<group>_unknown_grids``.
    by_grid, by_community, by_street : DataFrame
        Code, level (the worst there), arrival_s (the earliest), share of the area inside, persons with its range, the
        other groups.
    facilities, shelters : DataFrame
        Those inside, with level and arrival_s, worst and earliest first.
    resources : DataFrame
        layer_kind, class_code, class_name, area_m2 with its range, largest first.
    needs : tuple of NeedTotal
        Of all people inside.
    """

    figures: dict[str, Figure]
    unknown_grids: Figure
    by_level: pd.DataFrame
    by_arrival: pd.DataFrame
    by_grid: pd.DataFrame
    by_community: pd.DataFrame
    by_street: pd.DataFrame
    facilities: pd.DataFrame
    shelters: pd.DataFrame
    resources: pd.DataFrame
    needs: tuple[NeedTotal, ...] = ()
    unknown_by_group: dict[str, Figure] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Variants:
    """The hazard as it is, one step milder and one step worse."""

    now: Pieces
    milder: Pieces
    worse: Pieces

    def areas(self, shapes: _Shapes) -> tuple[_Floats, _Floats, _Floats]:
        return self.now.shares(shapes), self.milder.shares(shapes), self.worse.shares(shapes)


def measure_impact(
    hazard: Hazard, exposed: Exposed, *, presence: float = 1.0, needs: tuple[Need, ...] = (), column: str = "persons"
) -> Impact:
    """Return who and what lies in a hazard.

    Parameters
    ----------
    hazard : Hazard
    exposed : Exposed
    presence : float
        How many people are there for each one that `column` counts (a factor for day or night).
    needs : tuple of Need
        Minimum needs of one displaced person.
    column : str
        The people of a grid: ``persons``, or ``persons_day`` by day where the grids have it; a grid that has no
        value there is counted by ``persons`` times `presence`.

    Returns
    -------
    Impact
    """
    crs = exposed.metric_crs
    variants = _Variants(pieces_of(hazard.zones, crs), pieces_of(hazard.milder, crs), pieces_of(hazard.worse, crs))
    people = _People.of(exposed.grids, variants, column, presence)
    figures = people.figures()
    roads = _lengths(exposed.roads, variants)
    figures |= {"road_m": _figure_of(roads)} if roads is not None else {}
    facilities, many = _points(exposed.facilities, variants)
    figures |= {"facilities": _counted(many)} if exposed.facilities is not None else {}
    shelters, hit = _points(exposed.shelters, variants)
    if exposed.shelters is not None:
        figures |= {"shelters": _counted(hit), "shelter_places": _places(exposed.shelters, hit)}
    resources, of_zones = _resources(exposed.resources, variants)
    figures |= _areas_of(resources)
    return Impact(
        figures,
        people.unknown(),
        people.by_class(variants, "level", roads, of_zones),
        people.by_class(variants, "arrival_s", roads, of_zones),
        people.by_grid(),
        people.rolled_up("community_code"),
        people.rolled_up("street_code"),
        facilities,
        shelters,
        resources,
        needs_of(needs, figures["persons"]) if "persons" in figures else (),
        people.unknown_by_group(),
        {"presence": presence, "column": column},
    )


def needs_of(needs: tuple[Need, ...], persons: Figure) -> tuple[NeedTotal, ...]:
    """Return what some people need at least."""

    def total(need: Need, count: float) -> float:
        amount = round(need.per_person * count, 6)
        return float(np.ceil(amount)) if need.whole else amount

    return tuple(
        NeedTotal(need, Figure(total(need, persons.value), total(need, persons.low), total(need, persons.high)))
        for need in needs
    )


@dataclass(frozen=True, slots=True)
class _People:
    """Shares of grids in zones, and who lives there."""

    frame: pd.DataFrame  # grid_code, community_code, street_code, and one column for each group, NaN: not known
    shares: tuple[_Floats, _Floats, _Floats]  # of each grid's area, (grids, zones)
    hits: tuple[_Bools, ...]  # what is more than a sliver, (grids, zones)
    level: NDArray[np.int64]
    arrival_s: _Floats

    @classmethod
    def of(cls, grids: gpd.GeoDataFrame | None, variants: _Variants, column: str, presence: float) -> _People:
        """Measure grids."""
        known = variants.now.level, variants.now.arrival_s
        if grids is None or not len(grids):
            none = np.zeros((0, variants.now.n_zones))
            return cls(pd.DataFrame({"grid_code": []}), (none, none, none), (none > 0,) * 3, *known)
        areas = variants.areas(np.asarray(grids.geometry.array, dtype=object))
        size = np.maximum(grids.geometry.area.to_numpy(), 1e-9)[:, None]
        first, second, third = (np.minimum(area / size, 1.0) for area in areas)
        hits = tuple(area > _SLIVER_M2 for area in areas)
        return cls(_counts(grids, column, presence), (first, second, third), hits, *known)

    @property
    def groups(self) -> list[str]:
        return [name for name in map(str, self.frame) if name in {"persons", "households"} or name.endswith(_SUFFIX)]

    def inside(self, group: str, which: int = 0) -> _Floats:
        """Return the people of a group in each grid and zone; nobody where the number is not known."""
        counts = self.frame[group].fillna(0.0).to_numpy()
        return np.asarray(counts[:, None] * self.shares[which])

    def figures(self) -> dict[str, Figure]:
        made = {
            group: Figure.of(*(float(self.inside(group, i).sum()) for i in range(3)))
            for group in self.groups
            if self._is_known(group, np.asarray(self.hits[0].any(axis=1)))
        }
        made["grids"] = Figure.of(*(float(hit.any(axis=1).sum()) for hit in self.hits))
        return made

    def _is_known(self, group: str, inside: _Bools) -> bool:
        """Whether any of some grids knows the number of a group; of no grids it is known if any grid at all knows."""
        known = self.frame[group].notna().to_numpy()
        return bool(known[inside].any() if inside.any() else known.any())

    def unknown(self, group: str = "persons") -> Figure:
        missing = self.frame[group].isna().to_numpy() if group in self.frame else np.zeros(len(self.frame), dtype=bool)
        return Figure.of(*(float((hit.any(axis=1) & missing).sum()) for hit in self.hits))

    def unknown_by_group(self) -> dict[str, Figure]:
        counted = {group: self.unknown(group) for group in self.groups}
        return {group: figure for group, figure in counted.items() if figure.high}

    def by_class(
        self, variants: _Variants, key: str, roads: tuple[_Floats, ...] | None, areas: tuple[_Floats, ...] | None
    ) -> pd.DataFrame:
        """Return numbers for each level or time of arrival."""
        classes = [np.asarray(getattr(each, key)) for each in (variants.now, variants.milder, variants.worse)]
        measures: dict[str, tuple[_Floats, ...]] = {
            group: tuple(self.inside(group, i).sum(axis=0) for i in range(3)) for group in self.groups
        }
        measures |= {"road_m": roads} if roads is not None else {}
        measures |= {"area_m2": areas} if areas is not None else {}
        values = np.unique(classes[0])
        columns: dict[str, Any] = {key: values}
        for name, parts in measures.items():
            sums = [
                [float(part[of == value].sum()) for value in values] for part, of in zip(parts, classes, strict=True)
            ]
            columns[name] = sums[0]
            columns[f"{name}_low"], columns[f"{name}_high"] = np.min(sums, axis=0), np.max(sums, axis=0)
        inside = [np.asarray(self.hits[0][:, classes[0] == value].any(axis=1)) for value in values]
        return self._unknown_apart(pd.DataFrame(columns), inside)

    def _unknown_apart(self, frame: pd.DataFrame, inside: list[_Bools]) -> pd.DataFrame:
        """Make the numbers of rows in which no grid knows a group NaN, and count the grids that do not know it."""
        for group in self.groups:
            missing = self.frame[group].isna().to_numpy()
            unknown = np.array([int((grids & missing).sum()) for grids in inside], dtype=np.int64)
            if not unknown.any():
                continue
            nobody_knows = np.array([not self._is_known(group, grids) for grids in inside], dtype=np.bool_)
            frame.loc[nobody_knows, [group, f"{group}_low", f"{group}_high"]] = np.nan
            frame[f"{group}_unknown_grids"] = unknown
        return frame

    def by_grid(self) -> pd.DataFrame:
        """Return the grids that are inside, worst and earliest first."""
        share = self.shares[0]
        hit: _Bools = np.asarray(self.hits[0].any(axis=1))
        frame = self.frame.loc[hit].copy()
        in_zone = self.hits[0][hit]
        frame["share"] = np.minimum(share[hit].sum(axis=1), 1.0)
        frame["level"] = np.where(in_zone, self.level, 0).max(axis=1, initial=0)
        frame["arrival_s"] = np.where(in_zone, self.arrival_s, np.inf).min(axis=1, initial=np.inf)
        for group in self.groups:
            known = self.frame[group].notna().to_numpy()[hit]
            parts = [np.where(known, self.inside(group, i)[hit].sum(axis=1), np.nan) for i in range(3)]
            frame[group] = parts[0]
            frame[f"{group}_low"], frame[f"{group}_high"] = np.min(parts, axis=0), np.max(parts, axis=0)
        order = ["level", "arrival_s", "grid_code"]
        return frame.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)

    def rolled_up(self, column: str) -> pd.DataFrame:
        """Return the same for communities or streets; grids without such a code are left out."""
        grids = self.by_grid()
        if column not in grids:
            return pd.DataFrame({column: []})
        sums = [name for group in self.groups for name in (group, f"{group}_low", f"{group}_high")]
        grids = grids.assign(grids=1, unknown_grids=grids["persons"].isna() if "persons" in grids else False)
        counts = ["grids", "unknown_grids"]
        for group in self.groups:
            if group != "persons" and grids[group].isna().any():
                counts.append(f"{group}_unknown_grids")
                grids[counts[-1]] = grids[group].isna()
        grouped = grids[grids[column].notna()].groupby(column, sort=True)
        worst = grouped.agg({**dict.fromkeys(counts, "sum"), "level": "max", "arrival_s": "min"})
        return pd.concat([worst, grouped[sums].sum(min_count=1)], axis=1).reset_index()  # of none known: not known


def _counts(grids: gpd.GeoDataFrame, column: str, presence: float) -> pd.DataFrame:
    """Return who is in each grid at that time of day; missing where it is not known."""
    frame = pd.DataFrame({"grid_code": grids["grid_code"].astype(str).to_numpy()})
    for code in ("community_code", "street_code"):
        if code in grids:
            frame[code] = grids[code].to_numpy()
    for name in ("persons", "households", *(c for c in grids if str(c).endswith(_SUFFIX))):
        if name in grids:
            frame[str(name)] = pd.to_numeric(grids[name]).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    if "persons" in frame:
        frame["persons"] *= presence
        if column != "persons" and column in grids:
            at_that_time = pd.to_numeric(grids[column]).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
            frame["persons"] = np.where(np.isnan(at_that_time), frame["persons"], at_that_time)
    return frame


def _lengths(roads: gpd.GeoDataFrame | None, variants: _Variants) -> tuple[_Floats, ...] | None:
    if roads is None:
        return None
    lines = np.asarray(roads.geometry.array, dtype=object)
    return tuple(each.lengths(lines).sum(axis=0) for each in (variants.now, variants.milder, variants.worse))


def _points(frame: gpd.GeoDataFrame | None, variants: _Variants) -> tuple[pd.DataFrame, tuple[NDArray[np.bool_], ...]]:
    """Return the points inside, and for each variant which of all points are."""
    if frame is None:
        return pd.DataFrame(), ()
    points = np.asarray(frame.geometry.array, dtype=object)
    zones = [each.points_in(points) for each in (variants.now, variants.milder, variants.worse)]
    hit = zones[0] >= 0
    inside = pd.DataFrame(frame.loc[hit].drop(columns=frame.geometry.name))
    inside["level"] = variants.now.level[zones[0][hit]]
    inside["arrival_s"] = variants.now.arrival_s[zones[0][hit]]
    ordered = inside.sort_values(["level", "arrival_s"], ascending=[False, True], kind="stable")
    return ordered.reset_index(drop=True), tuple(zone >= 0 for zone in zones)


def _counted(hits: tuple[NDArray[np.bool_], ...]) -> Figure:
    now, milder, worse = (float(hit.sum()) for hit in hits)
    return Figure.of(now, milder, worse)


def _places(shelters: gpd.GeoDataFrame, hits: tuple[NDArray[np.bool_], ...]) -> Figure:
    places = pd.to_numeric(shelters["capacity_persons"]).astype("Float64").fillna(0.0).to_numpy(dtype=float)
    now, milder, worse = (float(places[hit].sum()) for hit in hits)
    return Figure.of(now, milder, worse)


def _resources(frame: gpd.GeoDataFrame | None, variants: _Variants) -> tuple[pd.DataFrame, tuple[_Floats, ...] | None]:
    """Return areas by class with their range, and the sums over classes by zone."""
    keys = ["layer_kind", "class_code", "class_name"]
    if frame is None:
        return pd.DataFrame(columns=[*keys, "area_m2", "area_m2_low", "area_m2_high"]), None
    parts = variants.areas(np.asarray(frame.geometry.array, dtype=object))
    table = pd.DataFrame({key: frame[key].fillna("").astype(str) if key in frame else "" for key in keys})
    for name, part in zip(("now", "milder", "worse"), parts, strict=True):
        table[name] = part.sum(axis=1)
    table = table.groupby(keys, as_index=False)[["now", "milder", "worse"]].sum()
    sides = table[["now", "milder", "worse"]].to_numpy()
    made = table[keys].assign(area_m2=sides[:, 0], area_m2_low=sides.min(axis=1), area_m2_high=sides.max(axis=1))
    made = made.loc[made["area_m2_high"] > 0].sort_values("area_m2", ascending=False, kind="stable")
    return made.reset_index(drop=True), tuple(part.sum(axis=0) for part in parts)


def _areas_of(resources: pd.DataFrame) -> dict[str, Figure]:
    """Return square metres by kind of resource; cropland is class 01 of the national land classes."""
    groups: Mapping[str, pd.DataFrame] = {str(kind): rows for kind, rows in resources.groupby("layer_kind")} | {
        "cropland": resources[(resources["layer_kind"] == "land") & resources["class_code"].str.startswith("01")]
    }
    names = ("area_m2", "area_m2_low", "area_m2_high")
    return {
        f"area_m2.{kind}": Figure(*(float(rows[name].sum()) for name in names))
        for kind, rows in groups.items()
        if len(rows)
    }


def _figure_of(parts: tuple[_Floats, ...]) -> Figure:
    now, milder, worse = (float(part.sum()) for part in parts)
    return Figure.of(now, milder, worse)
