"""应急上图: what the emergency page's map fetches by itself: a hazard, the numbers over the map, a plan in time."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridgov.errors import GridgovError, NotFoundError
from gridgov.i18n import Lang, label
from gridgov.maps.hazard_shapes import hazard_json, plan_legend
from gridgov.maps.overlays import Overlay
from gridgov.model.evacuation_words import hours_text
from gridgov.model.evacuations import ORDERED
from gridgov.model.rights import Person, Right, require
from gridgov.operations.emergency import (
    EmergencyNumbers,
    ShelterPlaces,
    emergency_numbers,
    grid_names,
    river_levels,
    shelter_list,
)
from gridgov.operations.evacuating import read_evacuation
from gridgov.operations.evacuation_view import PlanView, kept_answer, nearest_known, plan_view, running_view
from gridgov.operations.hazards import district_area, read_hazard
from gridgov.operations.impact import prepare_impact
from gridgov.workspace import Workspace

_MOST_ROADS = 12_000
_MOST_CURVE = 60
_TEXTS = ("inside", "road", "safe", "play", "pause", "speed", "slider", "lost", "at_moment", "preview")


def emergency_shapes(workspace: Workspace, person: Person, name: str, lang: Lang) -> bytes:
    """Return what a name of the emergency page's map stands for, as JSON.

    Parameters
    ----------
    name : str
        ``hazard.<id>``, ``numbers.<hazard id or nothing>``, ``evacuation.<id>``, or ``running.<id>``: the best plan so
        far of a computation, empty before there is one.

    Raises
    ------
    RightsError
        The person may not see the map.
    NotFoundError
        There is nothing of that name.
    """
    require(person, Right.LAYER_READ)
    kind, _, key = name.partition(".")
    if kind == "hazard":
        return hazard_json(read_hazard(workspace, person, key).hazard, lang)
    if kind == "numbers":
        return numbers_json(workspace, emergency_numbers(workspace, person, key), lang)
    if kind in {"evacuation", "running"}:
        view = plan_view(workspace, person, key) if kind == "evacuation" else running_view(workspace, person, key)
        if view is None:
            return b"{}"
        digest = view.recorded.evacuation.digest
        return kept_answer(
            workspace, f"map/{digest}/{lang}", lambda: plan_json(workspace, view, shelter_list(workspace, person), lang)
        )
    raise NotFoundError(f"there are no shapes '{name[:60]}'")


def emergency_overlay(
    workspace: Workspace, person: Person, lang: Lang, *, hazard_id: str = "", evacuation_id: str = "", run_id: str = ""
) -> Overlay:
    """Return the numbers over the map and, if one is given, a plan in time: kept, or of a computation that runs.

    Raises
    ------
    RightsError
        The person may not see the map.
    RecordNotFoundError
        There is no such plan.
    """
    require(person, Right.LAYER_READ)
    head = workspace.store.head()[0]
    config: dict[str, Any] = {
        "numbers": f"/shapes/numbers.{hazard_id}?lang={lang}&s={head}",
        "texts": {name: label(f"emergency.{name}", lang) for name in _TEXTS},
        "plan": None,
    }
    if run_id:
        url = f"/shapes/running.{run_id}?lang={lang}"
        config["plan"] = {"url": url, "again": True, "leave_s": None, "nearest": None}
    elif evacuation_id:
        recorded = read_evacuation(workspace, person, evacuation_id)
        leave, now = recorded.leave_at, workspace.now()
        local = None if leave is None else leave.astimezone(workspace.timezone)
        nearest = nearest_known(workspace, recorded)
        config["plan"] = {
            "url": f"/shapes/evacuation.{evacuation_id}?lang={lang}",
            "leave_s": None if local is None else local.hour * 3600 + local.minute * 60 + local.second,
            "nearest": None if nearest is None else _thinned(nearest),
        }
        if recorded.status == ORDERED and leave is not None:
            config["plan"]["now_s"] = round(max(0.0, (now - leave).total_seconds()) / 60) * 60
    return Overlay("emergency", emergency=config, legend=(plan_legend(lang),) if evacuation_id or run_id else ())


def prepare_emergency(workspace: Workspace) -> None:
    """Read beside everything else, once, what the first hazard would have to wait for."""

    def begin() -> threading.Thread:
        thread = threading.Thread(target=_prepare, args=(workspace,), name="emergency", daemon=True)
        thread.start()
        return thread

    workspace.cached("emergency_prepared", begin)


def prepare_numbers(workspace: Workspace, person: Person, hazard_id: str) -> None:
    """Begin to count beside everything else what the map and the page ask for next about a new hazard.

    Raises
    ------
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)

    def count() -> None:
        with suppress(GridgovError):  # said when somebody asks for the numbers
            emergency_numbers(workspace, person, hazard_id)

    threading.Thread(target=count, name="numbers", daemon=True).start()


def _prepare(workspace: Workspace) -> None:
    with suppress(GridgovError):  # what is missing is said when somebody needs it
        district_area(workspace)
        prepare_impact(workspace)
        river_levels(workspace)


def numbers_json(workspace: Workspace, numbers: EmergencyNumbers, lang: Lang) -> bytes:
    """Return the numbers over the map in words."""
    local = numbers.as_of.astimezone(workspace.timezone)
    on_duty = numbers.workers_on_duty
    stale = label("emergency.positions_stale", lang) if numbers.positions_stale and on_duty else ""
    cells = [
        _cell(
            "risk",
            "emergency.at_risk",
            _count(numbers.persons) if numbers.hazard_id else "–",
            _range(numbers, lang),
            lang,
        ),
        _cell("safe", "emergency.safe_now", "–", label("emergency.no_plan_yet", lang), lang),
        {
            **_cell(
                "workers",
                "emergency.workers_inside",
                "–" if numbers.workers_inside is None else _count(numbers.workers_inside),
                "" if on_duty is None else label("emergency.workers_on_duty", lang, n=_count(on_duty)),
                lang,
            ),
            "stale": stale,
        },
        _cell("roads", "emergency.roads_closed", _count(numbers.streets_closed), _roads_note(numbers, lang), lang),
    ]
    said = {"as_of": label("emergency.as_of", lang, time=f"{local:%H:%M:%S}"), "cells": cells}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def plan_json(workspace: Workspace, view: PlanView, shelters: Sequence[ShelterPlaces], lang: Lang) -> bytes:
    """Return a plan in time as the browser draws it: curve, grids, roads, queues, shelters, bottlenecks."""
    end = float(view.time_s[-1]) if len(view.time_s) else 0.0
    network = workspace.network()
    roads = view.roads.head(_MOST_ROADS)
    streets = network.topology.streets.street_of_edge
    merged = roads.assign(street=streets[roads["edge"].to_numpy()]).groupby("street", sort=False)
    lines = [
        [
            _flat(network.edge_coordinates(int(g["edge"].iloc[0]))),
            _i(g["persons"].sum()),
            _i(g["from_s"].min()),
            _i(g["to_s"].max()),
        ]
        for _, g in merged
    ]
    made = {
        "end_s": max(end, 1.0),
        **{name: np.round(values).astype(int).tolist() for name, values in (
            ("time_s", view.time_s), ("inside", view.inside), ("road", view.on_road), ("safe", view.safe)
        )},
        "zones": _zones(workspace, view, lang),
        "roads": lines,
        "queues": _queues(workspace, view),
        "shelters": _shelters(view, shelters, lang),
        "bottlenecks": [
            {"lon": round(row["lon"], 6), "lat": round(row["lat"], 6), "tip": bottleneck_tip(row, lang)}
            for row in view.bottlenecks.to_dict("records")
        ],
    }  # fmt: skip
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()


def bottleneck_tip(row: Mapping[Any, Any], lang: Lang) -> list[str]:
    """Return the road that limits a plan, and what one more lane there saves."""
    minutes = label("emergency.lane_saves", lang, minutes=f"{row['minutes_saved_per_lane']:.1f}")
    return [str(row["name"]) or label("evacuate.nameless_road", lang), minutes]


def _zones(workspace: Workspace, view: PlanView, lang: Lang) -> list[Any]:
    grids = workspace.layer("grids").set_index("grid_code").geometry
    found, names = [], grid_names(workspace, lang)
    for row in view.departures.to_dict("records"):
        area = grids.get(row["zone_id"])
        if area is None:
            continue
        rings = [
            _flat(shapely.get_coordinates(ring))
            for part in shapely.get_parts(area)
            for ring in (part.exterior, *part.interiors)
        ]
        left = not math.isnan(row["first_s"])
        stuck = row["unmet"] > max(0.5, row["persons"])
        times = (_i(row["first_s"]), _i(row["last_s"])) if left else (None, None)
        found.append([rings, *times, int(stuck), _zone_tip(row, names, lang)])
    return found


def _zone_tip(row: Mapping[Any, Any], names: Mapping[str, str], lang: Lang) -> list[str]:
    code = str(row["zone_id"])
    lines = [names.get(code) or code, label("map_coverage.people", lang, n=_count(row["persons"] + row["unmet"]))]
    if not math.isnan(row["first_s"]):
        first, last = (hours_text(row[name], lang, down=True) for name in ("first_s", "last_s"))
        lines.append(label("emergency.leaves_between", lang, first=first, last=last))
    if round(row["unmet"]) > 0:
        lines.append(label("emergency.not_brought_out", lang, n=_count(row["unmet"])))
    return lines


def _queues(workspace: Workspace, view: PlanView) -> dict[str, Any]:
    network, replay = workspace.network(), view.replay
    row = {int(edge): position for position, edge in enumerate(replay.queue_edges)}
    return {
        "width_s": replay.queue_s,
        "rows": [
            [_flat(network.edge_coordinates(edge)), np.round(replay.queues[row[edge]]).astype(int).tolist()]
            for edge in view.queues["edge"].astype(int).tolist()
        ],
    }


def _shelters(view: PlanView, shelters: Sequence[ShelterPlaces], lang: Lang) -> list[dict[str, Any]]:
    known = {each.shelter_id: each for each in shelters}
    load = view.replay.shelter_load * view.plan.occupancy_persons_per_vehicle
    found = []
    for position, shelter in enumerate(view.plan.problem.shelters):
        place = known.pop(shelter.shelter_id, None)
        if place is None:
            continue
        coming = np.round(load[:, position]).astype(int)
        final = label("emergency.shelter_fill", lang, n=_count(coming[-1]), places=_count(shelter.capacity_persons))
        found.append(
            _place(place) | {"places": _i(shelter.capacity_persons), "load": coming.tolist(), "struck": 0,
                             "tip": [place.name or place.shelter_id, final]}
        )  # fmt: skip
    for place in known.values():  # struck out by the hazard, or not used by this plan
        tip = [place.name or place.shelter_id, label("emergency.shelter_not_used", lang)]
        found.append(_place(place) | {"places": place.places or 0, "load": [0], "struck": 1, "tip": tip})
    return found


def _place(place: ShelterPlaces) -> dict[str, Any]:
    return {"lon": round(place.lon, 6), "lat": round(place.lat, 6)}


def _thinned(curve: tuple[NDArray[np.float64], NDArray[np.float64]]) -> list[list[int]]:
    time, safe = curve
    step = max(1, len(time) // _MOST_CURVE)
    return [[_i(t), _i(n)] for t, n in zip(time[::step].tolist(), safe[::step].tolist(), strict=True)]


def _cell(ident: str, code: str, value: str, note: str, lang: Lang) -> dict[str, str]:
    return {"id": ident, "name": label(code, lang), "value": value, "note": note, "stale": ""}


def _range(numbers: EmergencyNumbers, lang: Lang) -> str:
    if not numbers.hazard_id:
        return label("emergency.no_hazard_chosen", lang)
    said = label("emergency.range", lang, low=_count(numbers.low), high=_count(numbers.high))
    if numbers.unknown_grids:
        said += label("emergency.unknown_grids_short", lang, n=numbers.unknown_grids)
    return said


def _roads_note(numbers: EmergencyNumbers, lang: Lang) -> str:
    if numbers.streets_later:
        return label("emergency.roads_later", lang, n=_count(numbers.streets_later))
    return label("emergency.roads_km", lang, km=f"{numbers.road_m / 1000:,.1f}")


def _count(value: float) -> str:
    return f"{round(value):,}"


def _flat(coordinates: Any) -> list[float]:
    flat: list[float] = np.round(np.asarray(coordinates)[:, :2], 5).ravel().tolist()
    return flat


def _i(value: float) -> int:
    return round(float(value))
