"""方案文件: a scenario written by hand (TOML or JSON), made complete so that it says the same on every day.

Left out, the moment is that of the data (`as_of` of a sample, else of the import), and the closures on the books do not
count: so a file does not depend on when it is read.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from gridgov.errors import ParameterError, SourceError
from gridgov.hazards import drawn_hazard
from gridgov.model.changes import Change, change_from_dict
from gridgov.model.closures import Closure
from gridgov.model.events import parse_time, plain_json
from gridgov.model.hazards import Hazard
from gridgov.model.rights import Person, Right, require
from gridgov.model.typed_reading import Fields
from gridgov.model.what_if import Base, Question, Scenario
from gridgov.operations.hazards import district_area, read_hazard
from gridgov.operations.what_if import base_of, data_fingerprint, stamped
from gridgov.workspace import Workspace

CLOSE = "close_roads"
_WORDS = {"name", "seed", "at", "books", "change", "question", "hazard"}
_ASKED = {"near", "minutes", "mode", "resources", "evacuate", "evacuation_s", "month"}
_DRAWN = {"geometry", "level", "arrival_min", "name"}
_ROADS = {"kind", "id", "edges", "geometry", "reason", "factor", "modes", "valid_from", "valid_to"}


def read_scenario_file(workspace: Workspace, person: Person, file: str | Path) -> Scenario:
    """Read a scenario of a TOML or JSON file.

    Raises
    ------
    SourceError
        There is no such file, or it is neither.
    ParameterError
        A word is unknown or a value cannot be used; the sentence names file and word.
    """
    file = Path(file)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file}: cannot be read ({error.strerror}); give a scenario as TOML or JSON") from error
    data = parsed_scenario(content, file)
    try:
        return scenario_of(workspace, person, data, name=file.stem)
    except ParameterError as error:
        raise ParameterError(f"{file}: {error}") from error


def parsed_scenario(content: bytes, file: PurePath) -> dict[str, Any]:
    """Return what a TOML or JSON file holds; its name says which of the two it is.

    Raises
    ------
    SourceError
        It is neither, or no table.
    """
    try:
        text = content.decode("utf-8-sig")
        data = json.loads(text) if file.suffix.lower() == ".json" else tomllib.loads(text)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:  # both decoders raise a ValueError
        raise SourceError(f"{file}: is no {file.suffix or 'TOML'} file ({error})") from error
    if not isinstance(data, dict):
        raise SourceError(f"{file}: holds no table; give name, [[change]] and [question]")
    return data


def scenario_of(workspace: Workspace, person: Person, data: Mapping[str, Any], *, name: str = "") -> Scenario:
    """Return the scenario that somebody wrote.

    Parameters
    ----------
    data : mapping
        name, seed, at, books (whether closures on the books count), change (list of tables with `kind`), hazard (an id,
        or a table with a geometry), question (near, minutes, mode, resources, evacuate, evacuation_s, month). One that
        `Scenario.to_dict` gave is taken as it is.
    name : str
        Where the data have none.

    Raises
    ------
    ParameterError
        A word is unknown or a value cannot be used.
    RecordNotFoundError
        There is no such hazard.
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    if "base" in data:
        return stamped(workspace, Scenario.from_dict(data))
    given = Fields.of(data).only(*_WORDS)
    when = _moment(workspace, data, "at") or parse_time(workspace.manifest.as_of or workspace.manifest.imported_at)
    base = base_of(workspace, at=when) if given.truth("books") else Base(data_fingerprint(workspace), when)
    closures: list[Closure] = []
    changes: list[Change] = []
    for item in _tables(data.get("change", [])):
        closes = item.get("kind") == CLOSE
        try:
            if closes:
                closures.append(_closure(workspace, item))
            else:
                changes.append(change_from_dict(item))
        except ParameterError as error:
            number = f"{CLOSE} {len(closures) + 1}" if closes else f"change {len(changes) + 1}"
            raise ParameterError(f"{number}: {error}") from error
    seed = given.whole("seed", 0)
    question = _question(workspace, person, data)
    scenario = Scenario(str(data.get("name", name)), tuple(closures), tuple(changes), question, base, seed)
    return stamped(workspace, scenario)


def _tables(items: Any) -> list[Mapping[str, Any]]:
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ParameterError("change is no list of tables; begin each change with [[change]]")
    return items


def _moment(workspace: Workspace, data: Mapping[str, Any], name: str) -> datetime | None:
    """Return a time; one without an offset is of the district's zone."""
    given = data.get(name)
    if given is None:
        return None
    try:
        when = given if isinstance(given, datetime) else datetime.fromisoformat(given)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} is {given!r}; give a time such as 2026-06-30T10:00:00+08:00") from error
    return when if when.tzinfo is not None else when.replace(tzinfo=workspace.timezone)


def _closure(workspace: Workspace, item: Mapping[str, Any]) -> Closure:
    """Return a closure of roads; its id comes from its content, so that the order in the file changes nothing."""
    Fields.of(item, CLOSE).only(*_ROADS)
    given = Fields(item)
    geometry = given.table("geometry")
    closure = Closure(
        given.text("id", CLOSE),
        valid_from=_moment(workspace, item, "valid_from"),
        valid_to=_moment(workspace, item, "valid_to"),
        reason=given.text("reason", ""),
        factor=given.number("factor", 0.0),
        edges=given.wholes("edges"),
        geometry=None if geometry is None else geometry.data,
        modes=given.modes("modes"),
    )
    if "id" in item:
        return closure
    content = json.dumps(plain_json(closure.to_dict()), ensure_ascii=False, sort_keys=True)
    return replace(closure, closure_id=f"{CLOSE}-{hashlib.sha256(content.encode()).hexdigest()[:8]}")


def _question(workspace: Workspace, person: Person, data: Mapping[str, Any]) -> Question:
    asked = Fields.of(data.get("question", {}), "question").only(*_ASKED)
    given, standard = Fields(asked.data), Question()
    return Question(
        near=given.words("near", standard.near),
        minutes=given.number("minutes", standard.minutes),
        mode=given.mode("mode"),
        resources=given.words("resources", standard.resources),
        hazard=_hazard(workspace, person, data.get("hazard")),
        evacuate=given.truth("evacuate"),
        evacuation_s=given.number("evacuation_s", standard.evacuation_s),
        month=given.truth("month"),
    )


def _hazard(workspace: Workspace, person: Person, given: Any) -> Hazard | None:
    if given is None:
        return None
    if isinstance(given, str):
        return read_hazard(workspace, person, given).hazard
    if not isinstance(given, Mapping):
        raise ParameterError(f"hazard is {given!r}; give the id of one on the books, or a table with a geometry")
    drawn = Fields(given, "hazard").only(*_DRAWN)
    if not isinstance(given.get("geometry"), Mapping):
        raise ParameterError("hazard has no geometry; give a GeoJSON Polygon")
    return drawn_hazard(
        given["geometry"],
        district=district_area(workspace),
        metric_crs=workspace.metric_crs,
        level=drawn.whole("level", 3),
        arrival_s=60 * drawn.number("arrival_min", 0.0),
        name=drawn.text("name", ""),
    )
