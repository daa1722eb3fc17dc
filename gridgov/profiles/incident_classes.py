"""Classes of incidents of a city (data/profiles/incidents.toml): codes, limits, conditions, agencies, component ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from gridgov.config import resource_dir
from gridgov.errors import ParameterError, SpecError
from gridgov.model.clock import Limit, LimitUnit
from gridgov.model.component_ids import ComponentIdScheme, IdPart
from gridgov.model.incident_classes import (
    AgencyRule,
    Certainty,
    ClassLimit,
    ClassNeed,
    IncidentClass,
    IncidentProfile,
)
from gridgov.model.incidents import IncidentKind
from gridgov.model.workers import TravelMode
from gridgov.profiles.tables import Table

_RULES = ("owner_first", "place_first")
_MARKS = tuple(Certainty)


def load_incident_profile(path: Path | None = None) -> IncidentProfile:
    """Read the classes of incidents.

    Parameters
    ----------
    path : Path, optional
        Default data/profiles/incidents.toml.

    Raises
    ------
    SpecError
        The file cannot be read, or something in it is missing, unknown, impossible, or refers to what is not there.
    """
    table = Table.read(path or resource_dir("profiles") / "incidents.toml")
    sources = _texts(table.table("sources"))
    agencies = _named(table.table("agencies"))
    majors = table.table("majors")
    rules = table.table("agency_rules")
    profile_majors = {kind: _named(majors.table(kind)) for kind in IncidentKind}
    kind_rules = {kind: rules.text(kind, among=_RULES) for kind in IncidentKind}
    areas = _named(table.table("area_classes"))
    builder = _Builder(sources, agencies, profile_majors, kind_rules, areas)
    classes = builder.classes(table.tables("class", "code"))
    profile = IncidentProfile(
        classes=classes,
        majors=profile_majors,
        agencies=agencies,
        coordinator=table.text("coordinator", among=agencies),
        component_id=_component_id(table.table("component_id"), sources),
        area_classes=areas,
        streets=_streets(table.table("streets"), agencies),
        needs=_needs(table.tables("need"), classes, sources),
    )
    _cite(rules, sources)
    for part in (majors, rules, table):
        part.finish()
    return profile


class _Builder:
    """What the rows of classes refer to."""

    def __init__(
        self,
        sources: Mapping[str, str],
        agencies: Mapping[str, dict[str, str]],
        majors: Mapping[IncidentKind, Mapping[str, dict[str, str]]],
        rules: Mapping[IncidentKind, str],
        areas: Mapping[str, dict[str, str]],
    ) -> None:
        self._sources, self._agencies, self._majors, self._rules = sources, agencies, majors, rules
        self._areas = areas

    def classes(self, rows: list[Table]) -> dict[str, IncidentClass]:
        """Return the classes by code, in the order of the file."""
        classes: dict[str, IncidentClass] = {}
        for row in rows:
            item = self._class(row)
            if item.code in classes:
                raise SpecError(f"{row.where}: the code is there twice; give each class its own")
            classes[item.code] = item
        return classes

    def _class(self, row: Table) -> IncidentClass:
        kind = IncidentKind(row.text("kind", among=list(IncidentKind)))
        code = row.text("code")
        if not code.isdigit() or code[:2] not in self._majors[kind]:
            known = ", ".join(self._majors[kind])
            raise SpecError(f"{row.where}: the code must be digits that begin with a major of {kind}: {known}")
        source, certainty = _cite(row, self._sources)
        item = IncidentClass(
            kind=kind,
            code=code,
            major=code[:2],
            names=row.names("names"),
            owner=row.text("owner", "", among=self._agencies),
            rule=cast("AgencyRule", row.text("rule", self._rules[kind], among=_RULES)),
            limits=self._limits(row),
            filing=row.names("filing"),
            closing=row.names("closing"),
            source=source,
            certainty=certainty,
        )
        row.finish()
        return item

    def _limits(self, row: Table) -> tuple[ClassLimit, ...]:
        limits = tuple(self._limit(part) for part in row.tables("limits"))
        keys = [(limit.condition, limit.area_class) for limit in limits]
        if ("", "") not in keys:
            raise SpecError(
                f"{row.where}: a limit without condition and area_class is missing; add one for all other cases"
            )
        if len(set(keys)) != len(keys):
            raise SpecError(f"{row.where}: two limits have the same condition and area_class; strike one")
        return limits

    def _limit(self, part: Table) -> ClassLimit:
        source, certainty = _cite(part, self._sources)
        try:
            limit = Limit(part.number("amount"), LimitUnit(part.text("unit", among=list(LimitUnit))))
        except ParameterError as error:
            raise SpecError(f"{part.where}: {error}") from error
        condition = part.text("condition", "")
        found = ClassLimit(
            limit=limit,
            source=source,
            certainty=certainty,
            condition=condition,
            area_class=part.text("area_class", "", among=self._areas),
            names=part.names("names") if condition else {},
        )
        part.finish()
        return found


def _cite(table: Table, sources: Mapping[str, str]) -> tuple[str, Certainty]:
    """Return the source, in words, and the certainty that every number must have."""
    source = table.text("source", among=sources)
    return sources[source], Certainty(table.text("certainty", among=_MARKS))


def _needs(rows: list[Table], classes: Mapping[str, object], sources: Mapping[str, str]) -> dict[str, ClassNeed]:
    needs: dict[str, ClassNeed] = {}
    for row in rows:
        source, certainty = _cite(row, sources)
        modes = tuple(TravelMode(mode) for mode in _among(row, "modes", list(TravelMode)))
        need = ClassNeed(tuple(sorted(row.texts("skills", []))), modes or tuple(TravelMode), source, certainty)
        for code in _among(row, "classes", classes):
            if code in needs:
                raise SpecError(f"{row.where}: class {code} has its need twice; strike one")
            needs[code] = need
        row.finish()
    return needs


def _among(row: Table, key: str, known: Iterable[str]) -> list[str]:
    found = row.texts(key, [])
    if wrong := sorted(set(found) - set(known)):
        raise SpecError(f"{row.where}: '{key}' holds '{wrong[0]}', which is unknown; correct or strike it")
    return found


def _texts(table: Table) -> dict[str, str]:
    return {key: table.text(key) for key in table.keys()}  # noqa: SIM118 - a Table is no dict


def _named(table: Table) -> dict[str, dict[str, str]]:
    return {key: table.names(key) for key in table.keys()}  # noqa: SIM118 - a Table is no dict


def _streets(table: Table, agencies: Mapping[str, object]) -> dict[str, str]:
    return {key: table.text(key, among=agencies) for key in table.keys()}  # noqa: SIM118 - a Table is no dict


def _component_id(table: Table, sources: Mapping[str, str]) -> ComponentIdScheme:
    parts = []
    for row in table.tables("parts", "name"):
        parts.append(IdPart(row.text("name"), row.whole("length"), row.whole("minimum", 0), row.whole("maximum", 0)))
        row.finish()
    _cite(table, sources)
    try:
        scheme = ComponentIdScheme(
            tuple(parts),
            table.whole("length"),
            tuple(table.texts("class_parts")),
            table.whole("extension_from", 0),
        )
    except ParameterError as error:
        raise SpecError(f"{table.where}: {error}") from error
    table.finish()
    return scheme
