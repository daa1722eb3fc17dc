"""The document of an evacuation plan as arrays for `verify_plan`: every value is checked, none is believed.

A document may come from anybody: wrong types, numbers that are none, ids out of range, lists of other lengths, values
that would fill the memory. Each gets one sentence. The standard library and numpy only, nothing of the solver.
"""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

CLOSED_MS = 2**31 - 1  # marks an edge that is closed all the time
MOST_BYTES, MOST_ITEMS = 1 << 30, 50_000_000
LONGEST_ID = 200
REASONS = ("no_route", "no_place", "too_late")


class PlanFileError(ValueError):
    """The file cannot be read, or is no plan at all."""


class MalformedError(ValueError):
    """A value of the document that cannot be used: where, and what is wrong."""


@dataclass(frozen=True)
class Problem:
    """The problem that is embedded in the document."""

    n_nodes: int
    tail: Ints
    head: Ints
    time_s: Floats
    capacity: Floats  # vehicles per second
    closes_s: Floats  # inf: never
    zone_ids: list[str]
    zone_node: Ints
    zone_persons: Floats
    deadline_s: Floats
    shelter_ids: list[str]
    shelter_node: Ints
    places: Floats


@dataclass(frozen=True)
class Flows:
    """Flows, and in `flow`, `edge`, `enter_s` one entry for each edge of each."""

    zone: Ints
    shelter: Ints
    start_s: Floats
    end_s: Floats
    rate: Floats  # vehicles per second
    persons: Floats
    length: Ints
    flow: Ints
    edge: Ints
    enter_s: Floats


def read_problem(table: dict[str, Any]) -> Problem:
    """Read the embedded problem."""
    n_nodes = table.get("nodes")
    if type(n_nodes) is not int or not 1 <= n_nodes <= MOST_ITEMS:
        raise MalformedError("problem.nodes", f"must be a whole number from 1 to {MOST_ITEMS}")
    columns = {name: list_of(table, name, where="problem.") for name in
               ("tail", "head", "travel_time_ms", "capacity_vph", "closes_s")}  # fmt: skip
    for name, column in columns.items():
        if len(column) != len(columns["tail"]):
            raise MalformedError(f"problem.{name}", f"has {len(column)} values, there are {len(columns['tail'])} edges")
    time_ms = whole_numbers(columns["travel_time_ms"], "problem.travel_time_ms", CLOSED_MS + 1)
    zones, shelters = _records(table, "demand", "problem."), _records(table, "shelters", "problem.")
    return Problem(
        n_nodes,
        whole_numbers(columns["tail"], "problem.tail", n_nodes),
        whole_numbers(columns["head"], "problem.head", n_nodes),
        np.where(time_ms == CLOSED_MS, np.inf, time_ms / 1000),
        numbers(columns["capacity_vph"], "problem.capacity_vph") / 3600,
        _or_never(columns["closes_s"], "problem.closes_s"),
        _ids(zones, "zone_id", "problem.demand"),
        whole_numbers(_column(zones, "node", "problem.demand"), "problem.demand.node", n_nodes),
        numbers(_column(zones, "persons", "problem.demand"), "problem.demand.persons"),
        _or_never([zone.get("deadline_s") for zone in zones], "problem.demand.deadline_s"),
        _ids(shelters, "shelter_id", "problem.shelters"),
        whole_numbers(_column(shelters, "node", "problem.shelters"), "problem.shelters.node", n_nodes),
        numbers(_column(shelters, "capacity_persons", "problem.shelters"), "problem.shelters.capacity_persons"),
    )


def read_flows(document: dict[str, Any], problem: Problem) -> Flows:
    """Read the flows."""
    rows = _records(document, "flows")
    edges, enter = _column(rows, "edges", "flows"), _column(rows, "enter_s", "flows")
    for number, (own, times) in enumerate(zip(edges, enter, strict=True)):
        if type(own) is not list or type(times) is not list or len(own) != len(times):
            raise MalformedError(f"flow {number}", "edges and enter_s must be lists of the same length")
    length = np.array([len(own) for own in edges], dtype=np.int64)
    return Flows(
        _positions(_column(rows, "zone_id", "flows"), problem.zone_ids, "flows.zone_id"),
        _positions(_column(rows, "shelter_id", "flows"), problem.shelter_ids, "flows.shelter_id"),
        numbers(_column(rows, "start_s", "flows"), "flows.start_s"),
        numbers(_column(rows, "end_s", "flows"), "flows.end_s"),
        numbers(_column(rows, "rate_vph", "flows"), "flows.rate_vph") / 3600,
        numbers(_column(rows, "persons", "flows"), "flows.persons"),
        length,
        np.repeat(np.arange(len(rows)), length),
        whole_numbers([edge for own in edges for edge in own], "flows.edges", len(problem.tail)),
        numbers([at for times in enter for at in times], "flows.enter_s"),
    )


Unmet: TypeAlias = tuple[Ints, Floats, Ints]


def read_unmet(document: dict[str, Any], problem: Problem) -> Unmet:
    """Return zone, persons and reason of who is not in the plan."""
    rows = _records(document, "unmet")
    return (
        _positions(_column(rows, "zone_id", "unmet"), problem.zone_ids, "unmet.zone_id"),
        numbers(_column(rows, "persons", "unmet"), "unmet.persons"),
        _positions(_column(rows, "reason", "unmet"), list(REASONS), "unmet.reason"),
    )


def object_of(table: dict[str, Any], name: str, where: str = "") -> dict[str, Any]:
    """Return an object of the document."""
    value = table.get(name)
    if type(value) is not dict:
        raise MalformedError(where + name, "must be an object")
    return value


def list_of(table: dict[str, Any], name: str, where: str = "") -> list[Any]:
    """Return a list of the document; in the certificate they hold ids."""
    value = table.get(name)
    if type(value) is not list or len(value) > MOST_ITEMS:
        raise MalformedError(where + name, f"must be a list of at most {MOST_ITEMS} values")
    if where == "certificate." and not all(type(one) is str for one in value):
        raise MalformedError(where + name, "must be a list of ids")
    return value


def _records(table: dict[str, Any], name: str, where: str = "") -> list[dict[str, Any]]:
    rows = list_of(table, name, where)
    if not all(type(row) is dict for row in rows):
        raise MalformedError(where + name, "must be a list of objects")
    return rows


def _column(rows: list[dict[str, Any]], name: str, where: str) -> list[Any]:
    for number, row in enumerate(rows):
        if name not in row:
            raise MalformedError(f"{where}[{number}]", f"has no {name}")
    return [row[name] for row in rows]


def number_of(table: dict[str, Any], name: str, *, least: float = 0.0, where: str = "") -> float:
    """Return a finite number of the document, not below `least`."""
    return float(numbers([table.get(name)], where + name, least=least)[0])


def numbers(values: list[Any], where: str, *, least: float = 0.0) -> Floats:
    """Return finite numbers, none below `least`."""
    if not set(map(type, values)) <= {int, float}:
        wrong = next(value for value in values if type(value) not in (int, float))
        raise MalformedError(where, f"{shortened(wrong)} is no number")
    try:
        found = np.array(values, dtype=np.float64)
    except OverflowError:
        raise MalformedError(where, "a number is too large") from None
    wrong_at = np.flatnonzero(~((found >= least) & (np.abs(found) < 1e15)))
    if len(wrong_at):
        raise MalformedError(
            where, f"value {wrong_at[0]} is {shortened(values[wrong_at[0]])}, which is not possible here"
        )
    return found


def whole_numbers(values: list[Any], where: str, limit: int) -> Ints:
    """Return whole numbers from 0 to `limit` - 1."""
    if not set(map(type, values)) <= {int}:
        wrong = next(value for value in values if type(value) is not int)
        raise MalformedError(where, f"{shortened(wrong)} is no whole number")
    if values and not (min(values) >= 0 and max(values) < limit):
        wrong = min(values) if min(values) < 0 else max(values)
        raise MalformedError(where, f"{shortened(wrong)} does not exist; numbers go from 0 to {limit - 1}")
    return np.array(values, dtype=np.int64)


def _or_never(values: list[Any], where: str) -> Floats:
    """Return seconds, infinite for null."""
    known = [value for value in values if value is not None]
    times = np.full(len(values), np.inf)
    times[[value is not None for value in values]] = numbers(known, where)
    return times


def _ids(rows: list[dict[str, Any]], name: str, where: str) -> list[str]:
    ids = _column(rows, name, where)
    if not all(type(one) is str and one.isprintable() and len(one) <= LONGEST_ID for one in ids):
        raise MalformedError(f"{where}.{name}", f"ids must be printable texts of at most {LONGEST_ID} characters")
    if len(set(ids)) != len(ids):
        twice = next(one for one, before in zip(sorted(ids)[1:], sorted(ids), strict=False) if one == before)
        raise MalformedError(f"{where}.{name}", f"{shortened(twice)} stands there twice")
    return ids


def _positions(values: list[Any], known: list[str], where: str) -> Ints:
    place = {one: position for position, one in enumerate(known)}
    if not all(type(value) is str and value in place for value in values):
        wrong = next(value for value in values if type(value) is not str or value not in place)
        raise MalformedError(where, f"{shortened(wrong)} is not known")
    return np.array([place[value] for value in values], dtype=np.int64)


def shortened(value: Any) -> str:
    """Return a value for a sentence, cut off when it is long."""
    if type(value) is int and abs(value) > 10**20:
        return "a huge number"
    text = json.dumps(value, ensure_ascii=True)[:61] if isinstance(value, str) else repr(value)[:61]
    return text if len(text) <= 60 else text[:57] + "…"


def read_document(path: Path) -> dict[str, Any]:
    """Read a document; a second value of the same name would let two readers see two plans, so it is refused."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise PlanFileError(f"{path}: the compressed file is damaged ({error})") from error
    except OSError as error:
        raise PlanFileError(f"{path}: {error.strerror or error}") from error
    if len(content) > MOST_BYTES:
        raise PlanFileError(f"{path}: larger than {MOST_BYTES >> 20} MiB, which no plan is")
    try:
        found = json.loads(content.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise PlanFileError(f"{path}: this is no JSON document ({str(error)[:100]})") from error
    if not isinstance(found, dict):
        raise PlanFileError(f"{path}: this is no JSON object")
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found
