"""The grid worker's page for the phone, and what its script asks for: tasks in words, a task's story, the way there."""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gridgov.api.problems import problem_of
from gridgov.api.rendering import Renderer, clock_text, csrf_of, is_signed_in, person_of, table_texts
from gridgov.errors import GridgovError, ParameterError
from gridgov.i18n import Lang, label
from gridgov.maps import assets, cartography, map_layer, tiles
from gridgov.maps.console import attribution, layer_url
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.rights import Person
from gridgov.operations.door_rounds import DoorRound, danger_of, my_door_tasks
from gridgov.operations.incidents import person_name, possible_moves, read_incident, tasks_of, timeline
from gridgov.operations.tasks import duty_status, route_to_task
from gridgov.operations.worklists import counts_work_time, left_s, open_until
from gridgov.workspace import Workspace

# What a small map on a weak link needs; the console shows the rest.
_MAP_KINDS = ("water", "roads")
_NAMELESS = {"system": "case.by_system", "public": "case.by_public"}
_CODE = re.compile(r"[\w.-]+")
Handler = Callable[["WorkPages", Request], Response]


def _in_words(handler: Handler) -> Handler:
    """Answer with an error's sentence and its status in place of a traceback."""

    @functools.wraps(handler)
    def answer(self: WorkPages, request: Request) -> Response:
        try:
            return handler(self, request)
        except GridgovError as error:
            return problem_of(error, self.lang(request))

    return answer


class WorkPages:
    """The worker's page and its data."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    @property
    def routes(self) -> list[Route]:
        """The routes to mount."""
        return [
            Route("/work", self.page),
            Route("/my/tasks", self.tasks),
            Route("/my/tasks/{id}", self.task),
            Route("/my/tasks/{id}/route", self.route),
        ]

    def lang(self, request: Request) -> Lang:
        """Return the language of a request."""
        return self._renderer.lang(request)

    @property
    def _workspace(self) -> Workspace:
        return self._renderer.source.workspace

    def page(self, request: Request) -> Response:
        """Show the page to a worker; send whoever is not signed in to do so, and tell others where they belong."""
        person = person_of(request)
        if not is_signed_in(person):
            return RedirectResponse("/sign-in?next=/work", status_code=303)
        values: dict[str, Any] = {"session_csrf": csrf_of(request)}
        if not person.worker_id:
            return self._renderer.page(request, "not_worker.html", status=403, **values)
        lang = self.lang(request)
        data = {
            "texts": table_texts("phone.queue", lang) | table_texts("phone", lang),
            "lang": lang,
            "csrf": csrf_of(request),
            "account": person.account_id,
            "worker": person.worker_id,
            "bounds": self._workspace.bounds,
            "layers": _map_layers(self._workspace, lang),
            "credits": _credits(self._workspace),
            "scripts": [assets.url("vector-tile/vector-tile.js"), assets.url("console.js")],
        }
        return self._renderer.page(request, "work.html", data=data, **values)

    @_in_words
    def tasks(self, request: Request) -> Response:
        """Answer with the worker's tasks as the page shows them, most urgent first."""
        workspace, person, lang = self._workspace, person_of(request), self.lang(request)
        found = tasks_of(workspace, person)
        status = duty_status(workspace, person)
        return _fresh(
            {
                "now": workspace.now().isoformat(),
                "status": str(status) if status else "",
                "tasks": [task_card(workspace, person, record, lang) for record in found],
                "doors": _doors(workspace, person, lang),
            }
        )

    @_in_words
    def task(self, request: Request) -> Response:
        """Answer with one task of this worker and its story; also after it was done."""
        workspace, person, lang = self._workspace, person_of(request), self.lang(request)
        record = read_incident(workspace, person, request.path_params["id"])
        names = functools.cache(lambda actor: _actor_name(workspace, person, actor, lang))
        story = [
            {
                "at": clock_text(entry.at, workspace.timezone),
                "who": names(entry.actor),
                "text": _CODE.sub(lambda code: names(code[0]) if _has_digit(code[0]) else code[0], entry.text),
                "detail": entry.detail,
                "photos": list(entry.photos),
            }
            for entry in timeline(workspace, person, record.id, lang)
        ]
        return _fresh({**task_card(workspace, person, record, lang), "timeline": story})

    @_in_words
    def route(self, request: Request) -> Response:
        """Answer with the way from ``?lon=&lat=`` to a task of this worker."""
        lang = self.lang(request)
        lon, lat = (_number(request, name) for name in ("lon", "lat"))
        found = route_to_task(self._workspace, person_of(request), request.path_params["id"], lon, lat)
        if found is None:
            return _fresh({"found": False})
        return _fresh(
            {
                "found": True,
                "mode": label(f"dispatch.mode.{found.mode}", lang),
                "travel_time_s": round(found.travel_time_s),
                "length_m": round(found.length_m),
                "off_road_m": round(found.off_road_m),
                "coordinates": [[round(x, 6), round(y, 6)] for x, y in found.coordinates],
                "directions": [step.text(lang) for step in found.directions],
            }
        )


def _doors(workspace: Workspace, person: Person, lang: Lang) -> list[dict[str, Any]]:
    """Return the grids at whose doors the worker knocks, each with the danger that people leave from."""
    found = my_door_tasks(workspace, person)
    dangers = {number: danger_of(workspace, person, number, lang) for number in {task.evacuation_id for task in found}}
    return [{**door_card(task, workspace, lang), "danger": dangers[task.evacuation_id]} for task in found]


def door_card(task: DoorRound, workspace: Workspace, lang: Lang) -> dict[str, Any]:
    """Return a grid at whose doors the worker knocks, in words."""
    return {
        "evacuation": task.evacuation_id,
        "zone": task.zone_id,
        "text": task.texts.get(lang, task.zone_id),
        "before": clock_text(task.before, workspace.timezone),
        "done": task.done_at is not None,
        "late": task.is_late(workspace.now()),
        "help": task.help_at is not None,
        "note": task.help_note,
    }


def task_card(workspace: Workspace, person: Person, record: IncidentRecord, lang: Lang) -> dict[str, Any]:
    """Return a task in words and plain values."""
    known = workspace.incident_profile.classes.get(record.class_code)
    now, clock = workspace.now(), workspace.incident_clock
    open_now = open_until(now, clock)
    lamp = record.lamp(now)
    own = bool(person.worker_id) and record.handler == person.worker_id
    return {
        "id": record.id,
        "version": record.version,
        "class_name": known.name(lang) if known else record.class_names.get(lang, record.class_code),
        "closing": known.closing.get(lang, "") if known else "",
        "state": str(record.state),
        "state_text": label(f"incident.state.{record.state}", lang),
        "severity": record.severity,
        "emergency": record.emergency,
        "lamp": str(lamp) if lamp else "none",
        "lamp_text": label(f"incident.lamp.{lamp or 'none'}", lang),
        "left_s": left_s(record, now, clock),
        "left_at": now.isoformat(),
        "work_time": counts_work_time(record),
        "open_until": open_now.isoformat() if open_now else "",
        "due_text": clock_text(record.due_at, workspace.timezone),
        "reported_text": clock_text(record.reported_at, workspace.timezone),
        "runs": record.judged_at(now) == now,
        "description": record.description,
        "address": record.address,
        "lon": record.lon,
        "lat": record.lat,
        "photos": list(record.photos),
        "arrived": record.arrived_at is not None,
        "rework": record.rework_count,
        "extension_pending": record.pending_extension is not None,
        "limit_unit": str(record.limit.unit) if record.limit else "",
        "limit_unit_text": label(f"incident.unit.{record.limit.unit}", lang) if record.limit else "",
        "actions": [str(action) for action in possible_moves(person, record)],
        "mine": own,
    }


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _actor_name(workspace: Workspace, person: Person, actor: str, lang: Lang) -> str:
    if actor in _NAMELESS:
        return label(_NAMELESS[actor], lang)
    return person.name or actor if actor == person.actor else person_name(workspace, actor)


def _map_layers(workspace: Workspace, lang: Lang) -> list[dict[str, Any]]:
    """Return roads and water as the browser's vector layer reads them."""
    layers: list[dict[str, Any]] = []
    for kind in _MAP_KINDS:
        for layer_id in workspace.of_kind(kind):
            spec = workspace.spec(layer_id)
            layers.append(
                {
                    "url": layer_url(map_layer(layer_id, spec, lang), workspace.version),
                    "style": cartography.vector_style(spec, lang),
                    "minZoom": spec.style.min_zoom,
                    "dataMaxZoom": tiles.MAX_ZOOM,
                    "zIndex": len(layers) + 1,
                }
            )
    return layers


def _credits(workspace: Workspace) -> list[str]:
    """Return who has to be named on the map, as text that is safe where markup is read."""
    names = (attribution(workspace.spec(layer_id)) for kind in _MAP_KINDS for layer_id in workspace.of_kind(kind))
    return [html.escape(name) for name in dict.fromkeys(names) if name]


def _number(request: Request, name: str) -> float:
    text = request.query_params.get(name, "")
    try:
        return float(text)
    except ValueError:
        raise ParameterError(f"'{name}' must be a number of degrees, not '{text[:20]}'") from None


def _fresh(content: dict[str, Any]) -> Response:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
