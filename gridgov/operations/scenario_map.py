"""方案上图: what a scenario changes, the minutes of every grid under it, and how two scenarios differ, on the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.errors import GridgovError
from gridgov.i18n import Lang, label
from gridgov.maps import MapView, view_of
from gridgov.maps.console import MapLayer
from gridgov.maps.overlays import Overlay
from gridgov.maps.scenario_overlays import ChangeKind, ChangeMark, ScenarioShapes, change_overlay, scenario_overlay
from gridgov.maps.time_overlays import coverage_overlay, time_steps
from gridgov.model.changes import AreaAdded, AreaTaken, PlaceAdded, PlaceChanged, PlaceRemoved
from gridgov.model.rights import Person, Right, require
from gridgov.model.what_if import Question, Scenario
from gridgov.network import place_closures
from gridgov.operations.closure_map import lines_of_edges
from gridgov.operations.coverage import SHELTERS, WORKERS, time_classes
from gridgov.operations.figure_words import subject_words
from gridgov.operations.mapping import MapSource, console_view
from gridgov.operations.scenario_comparison import Comparison
from gridgov.operations.scenario_drafts import PLACE_KINDS
from gridgov.operations.what_if import ScenarioRun
from gridgov.workspace import Workspace

_SHOWN_KINDS = {
    "roads", "land_cover", "elevation", "water", "sea", "divisions", "grids", "forest", "farmland", "grassland",
    "wetland", "protection_lines", "plan", "hazards", "facilities", "shelters",
}  # fmt: skip
_MOVING = {"incidents", "workers"}
_MOST_PLACES = 400
_Floats = NDArray[np.float64]


def comparison_view(workspace: Workspace, person: Person, lang: Lang, *, folded: bool = False) -> MapView:
    """Return the view of one of several maps that stand side by side: no live layers, one kept view for all.

    Parameters
    ----------
    folded : bool
        The legend is: it would cover a small map.

    Raises
    ------
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    view = view_of(MapSource(workspace.path), lang, key=f"{_view_key(workspace)}-pair")
    kept = tuple(
        replace(layer, visible=layer.visible and layer.spec.kind != "land_cover")
        for layer in view.layers
        if layer.spec.kind in _SHOWN_KINDS
    )
    return replace(view, layers=kept, notes=(), folded=folded)


def planning_view(workspace: Workspace, person: Person, lang: Lang) -> MapView:
    """Return the view of the planner's map: places shown, what moves hidden; the same kept view as the comparison's.

    Raises
    ------
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    view = console_view(workspace, lang)
    layers = tuple(replace(layer, visible=_is_planned_with(layer)) for layer in view.layers)
    return replace(view, layers=layers, key=_view_key(workspace))


def draft_overlay(workspace: Workspace, person: Person, scenario: Scenario, lang: Lang) -> Overlay:
    """Return what a scenario changes; what cannot be drawn is left out.

    Raises
    ------
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    return scenario_overlay(changed_shapes(workspace, scenario, lang), lang)


def run_overlay(
    workspace: Workspace, person: Person, run: ScenarioRun, subject: str, lang: Lang
) -> tuple[Overlay, ...]:
    """Return the minutes of every grid under a scenario, and what the scenario changes, with the places asked for.

    Raises
    ------
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    shapes = changed_shapes(workspace, run.scenario, lang)
    places = subject_places(workspace, run, subject)
    known = {(mark.lon, mark.lat) for mark in shapes.marks}
    marks = (*(mark for mark in places if (mark.lon, mark.lat) not in known), *shapes.marks)
    question = run.scenario.question or Question()
    steps = time_steps(question.minutes)
    seconds = base_order(workspace, run, subject)
    time_ms = np.where(np.isnan(seconds), -1, np.nan_to_num(seconds) * 1000).astype(np.int64)
    title = label("planning.minutes_to", lang, what=subject_words(subject, lang))
    values = coverage_overlay(time_classes(time_ms, steps), steps, lang, title=title)
    return values, scenario_overlay(replace(shapes, marks=marks), lang)


def difference_overlay(
    workspace: Workspace, person: Person, found: Comparison, subject: str, lang: Lang
) -> tuple[Overlay, ...]:
    """Return by how many minutes every grid gains or loses in the second scenario, and what that one changes.

    Raises
    ------
    RightsError
        The person may not make scenarios.
    """
    require(person, Right.SCENARIO_WRITE)
    first, second = (base_order(workspace, run, subject) for run in (found.first, found.second))
    title = label("planning.minutes_change", lang, what=subject_words(subject, lang))
    shapes = changed_shapes(workspace, found.second.scenario, lang)
    return change_overlay(first, second, lang, title=title), scenario_overlay(shapes, lang)


def base_order(workspace: Workspace, run: ScenarioRun, subject: str) -> _Floats:
    """Return the seconds of a run in the order of the workspace's grid layer; NaN where there is no way or no grid.

    A grid that was split has the time of the part with most of its people, one that was merged that of the whole.
    """
    codes = workspace.layer("grids")["grid_code"].astype(str)
    most = run.codes.sort_values(["share", "new_code"]).drop_duplicates("old_code", keep="last")
    into = dict(zip(most["old_code"], most["new_code"], strict=True))
    seconds = pd.Series(run.by_grid[f"{subject}_s"].to_numpy(dtype=float), index=run.by_grid["grid_code"].astype(str))
    asked = codes.map(lambda code: into.get(code, code)) if into else codes
    return seconds[~seconds.index.duplicated()].reindex(asked).to_numpy(dtype=float)


def changed_shapes(workspace: Workspace, scenario: Scenario, lang: Lang) -> ScenarioShapes:
    """Return what a scenario changes as shapes, WGS 84."""
    hazard = None if scenario.question is None else scenario.question.hazard
    return ScenarioShapes(
        marks=tuple(_marks(workspace, scenario, lang)),
        closed=_lines(workspace, scenario, slowed=False),
        slowed=_lines(workspace, scenario, slowed=True),
        taken=tuple(each.geometry for each in scenario.changes if isinstance(each, AreaTaken)),
        added=tuple(each.geometry for each in scenario.changes if isinstance(each, AreaAdded)),
        hazard=() if hazard is None else tuple(zone.geometry for zone in hazard.zones),
    )


def subject_places(workspace: Workspace, run: ScenarioRun, subject: str) -> list[ChangeMark]:
    """Return the places that a figure counts from; of workers, who move, and of very many none."""
    if subject == WORKERS:
        return []
    kind = SHELTERS if subject == SHELTERS else "facilities"
    marks: list[ChangeMark] = []
    for layer in workspace.of_kind(kind):
        frame = run.layers.get(layer, workspace.layer(layer))
        if kind == "facilities":
            frame = frame[(frame["category"] == subject).to_numpy(dtype=bool)]
        names = frame["name"].fillna("").astype(str) if "name" in frame else [""] * len(frame)
        points = frame.geometry.representative_point()
        marks += [
            ChangeMark(float(x), float(y), "place", (name,) if name else ())
            for x, y, name in zip(points.x, points.y, names, strict=True)
        ]
    return marks if len(marks) <= _MOST_PLACES else []


def _view_key(workspace: Workspace) -> str:
    return f"planning-{workspace.manifest.workspace_id}"


def _is_planned_with(layer: MapLayer) -> bool:
    return layer.spec.kind in PLACE_KINDS or (layer.visible and layer.spec.kind not in _MOVING)


def _marks(workspace: Workspace, scenario: Scenario, lang: Lang) -> list[ChangeMark]:
    marks: list[ChangeMark] = []
    added: dict[tuple[str, str], PlaceAdded] = {}
    for change in scenario.changes:
        if isinstance(change, PlaceAdded):
            added[change.layer, change.id] = change
            name = str(change.attributes.get("name") or change.id)
            marks.append(_mark(change.lon, change.lat, "new", name, lang))
        elif isinstance(change, PlaceChanged | PlaceRemoved):
            kind: ChangeKind = "changed" if isinstance(change, PlaceChanged) else "removed"
            place = added.get((change.layer, change.id))
            where = (place.lon, place.lat) if place else _place(workspace, change.layer, change.id)
            if where is not None:
                marks.append(_mark(*where, kind, change.id, lang))
    return marks


def _mark(lon: float, lat: float, kind: ChangeKind, name: str, lang: Lang) -> ChangeMark:
    return ChangeMark(lon, lat, kind, (label(f"planning.mark_{kind}", lang), name))


def _place(workspace: Workspace, layer: str, number: str) -> tuple[float, float] | None:
    if not workspace.has(layer):
        return None
    frame = workspace.layer(layer)
    there = (frame[workspace.spec(layer).key].astype(str) == number).to_numpy(dtype=bool)
    if not there.any():
        return None
    point = frame.geometry[there].iloc[0].representative_point()
    return float(point.x), float(point.y)


def _lines(workspace: Workspace, scenario: Scenario, *, slowed: bool) -> Sequence[Any]:
    closures = [each for each in scenario.closures if each.closes != slowed]
    if not closures or not workspace.has_network:
        return ()
    try:
        placed = place_closures(workspace.network(), closures)
    except GridgovError:  # edges of roads that were imported anew since; running it says so
        return ()
    every = np.unique(np.concatenate([np.asarray(edges, dtype=np.int64) for edges in placed.edges]))
    return lines_of_edges(workspace, every)
