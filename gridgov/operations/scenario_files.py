"""方案文件: a scenario written by hand (TOML or JSON), made complete so that it says the same on every day.

Left out, the moment is that of the data (`as_of` of a sample, else of the import), and the closures on the books do not
count: so a file does not depend on when it is read.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from gridgov.errors import ParameterError, SourceError
from gridgov.hazards import drawn_hazard
from gridgov.model import TravelMode
from gridgov.model.changes import Change, change_from_dict
from gridgov.model.closures import Closure
from gridgov.model.events import parse_time
from gridgov.model.hazards import Hazard
from gridgov.model.rights import Person, Right, require
from gridgov.model.what_if import Base, Question, Scenario
from gridgov.operations.hazards import district_area, read_hazard
from gridgov.operations.what_if import base_of, data_fingerprint
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
        return _complete(data)
    _check_words(data, _WORDS, "a scenario")
    when = _moment(workspace, data.get("at"))
    base = base_of(workspace, at=when) if _truth(data, "books") else Base(data_fingerprint(workspace), when)
    closures: list[Closure] = []
    changes: list[Change] = []
    for number, item in enumerate(_tables(data.get("change", [])), start=1):
        if item.get("kind") == CLOSE:
            closures.append(_closure(item, number))
        else:
            changes.append(change_from_dict(item))
    seed = data.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ParameterError(f"seed is {seed!r}; give a whole number")
    question = _question(workspace, person, data)
    return Scenario(str(data.get("name", name)), tuple(closures), tuple(changes), question, base, seed)


def _complete(data: Mapping[str, Any]) -> Scenario:
    try:
        return Scenario.from_dict(data)
    except (KeyError, TypeError, AttributeError) as error:
        raise ParameterError(f"the scenario is not whole ({error!r}); write it again with --save") from error


def _check_words(data: Mapping[str, Any], known: set[str], what: str) -> None:
    if strange := sorted(set(data) - known):
        raise ParameterError(f"{what} has no '{strange[0]}'; known are {', '.join(sorted(known))}")


def _tables(items: Any) -> list[Mapping[str, Any]]:
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ParameterError("change is no list of tables; begin each change with [[change]]")
    return items


def _moment(workspace: Workspace, given: Any) -> datetime:
    if given is None:
        return parse_time(workspace.manifest.as_of or workspace.manifest.imported_at)
    try:
        when = given if isinstance(given, datetime) else datetime.fromisoformat(given)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"at is {given!r}; give a time such as 2026-06-30T10:00:00+08:00") from error
    return when if when.tzinfo is not None else when.replace(tzinfo=workspace.timezone)


def _truth(data: Mapping[str, Any], name: str) -> bool:
    value = data.get(name, False)
    if not isinstance(value, bool):
        raise ParameterError(f"{name} is {value!r}; give true or false")
    return value


def _number(data: Mapping[str, Any], name: str, default: float) -> float:
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ParameterError(f"{name} is {value!r}; give a number")
    return float(value)


def _words(data: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = data.get(name, list(default))
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ParameterError(f"{name} is {value!r}; give a list of words")
    return tuple(value)


def _closure(item: Mapping[str, Any], number: int) -> Closure:
    _check_words(item, _ROADS, CLOSE)
    edges = item.get("edges", [])
    if not isinstance(edges, list) or not all(isinstance(edge, int) and not isinstance(edge, bool) for edge in edges):
        raise ParameterError(f"{CLOSE}: edges is {edges!r}; give a list of edge ids")
    start, end = item.get("valid_from"), item.get("valid_to")
    return Closure.from_dict(
        {
            **{key: item[key] for key in ("geometry", "reason") if key in item},
            "closure_id": str(item.get("id", f"change-{number}")),
            "edges": edges,
            "factor": _number(item, "factor", 0.0),
            "modes": [*_words(item, "modes", ())],
            "valid_from": start.isoformat() if isinstance(start, datetime) else start,
            "valid_to": end.isoformat() if isinstance(end, datetime) else end,
        }
    )


def _question(workspace: Workspace, person: Person, data: Mapping[str, Any]) -> Question:
    asked = data.get("question", {})
    if not isinstance(asked, Mapping):
        raise ParameterError(f"question is {asked!r}; give a table, [question]")
    _check_words(asked, _ASKED, "a question")
    standard = Question()
    mode = asked.get("mode")
    if mode is not None and mode not in {str(each) for each in TravelMode}:
        raise ParameterError(f"mode is {mode!r}; give {', '.join(TravelMode)}")
    hazard = _hazard(workspace, person, data.get("hazard"))
    return Question(
        near=_words(asked, "near", standard.near),
        minutes=_number(asked, "minutes", standard.minutes),
        mode=None if mode is None else TravelMode(mode),
        resources=_words(asked, "resources", standard.resources),
        hazard=hazard,
        evacuate=_truth(asked, "evacuate"),
        evacuation_s=_number(asked, "evacuation_s", standard.evacuation_s),
        month=_truth(asked, "month"),
    )


def _hazard(workspace: Workspace, person: Person, given: Any) -> Hazard | None:
    if given is None:
        return None
    if isinstance(given, str):
        return read_hazard(workspace, person, given).hazard
    if not isinstance(given, Mapping):
        raise ParameterError(f"hazard is {given!r}; give the id of one on the books, or a table with a geometry")
    _check_words(given, _DRAWN, "a hazard")
    if not isinstance(given.get("geometry"), Mapping):
        raise ParameterError("hazard has no geometry; give a GeoJSON Polygon")
    return drawn_hazard(
        given["geometry"],
        district=district_area(workspace),
        metric_crs=workspace.metric_crs,
        level=int(_number(given, "level", 3)),
        arrival_s=60 * _number(given, "arrival_min", 0.0),
        name=str(given.get("name", "")),
    )
