"""改变的说法: the changes of a scenario in words: what, and in small letters which and where, for pages and reports."""

from __future__ import annotations

from gridgov.i18n import Lang, label, unturned
from gridgov.model.changes import (
    AreaAdded,
    AreaTaken,
    Change,
    DutyAssigned,
    GridsMerged,
    GridSplit,
    PlaceAdded,
    PlaceChanged,
    PlaceRemoved,
    PopulationScaled,
    SpeedsScaled,
    VersionUsed,
)
from gridgov.model.closures import Closure
from gridgov.model.what_if import Scenario
from gridgov.network import place_closures
from gridgov.operations.closure_map import RoadsSize, roads_size
from gridgov.operations.situation import division_names, name_in
from gridgov.workspace import Workspace

Line = tuple[str, str]
_MOST_CODES = 6


def scenario_lines(workspace: Workspace, scenario: Scenario, lang: Lang) -> tuple[Line, ...]:
    """Return everything that a scenario changes in words: closures, then the other changes in their order."""
    closures: list[Line] = []
    if scenario.closures:
        placed = place_closures(workspace.network(), scenario.closures).edges
        closures = [
            closure_line(each, roads_size(workspace, edges), lang)
            for each, edges in zip(scenario.closures, placed, strict=True)
        ]
    return *closures, *(change_line(workspace, each, lang) for each in scenario.changes)


def closure_line(closure: Closure, size: RoadsSize, lang: Lang) -> Line:
    """Return closed or slow roads in words."""
    much = label("planning.line_roads", lang, n=f"{size.streets:,}", km=f"{size.length_m / 1000:.1f}")
    more = " · ".join(part for part in (unturned(closure.reason), much) if part)
    if closure.closes:
        return label("planning.line_closed", lang), more
    return label("planning.line_slowed", lang, percent=f"{100 * closure.factor:.0f}"), more


def change_line(opened: Workspace, change: Change, lang: Lang) -> Line:
    """Return a change in words."""
    match change:
        case PlaceAdded() | PlaceChanged() | PlaceRemoved():
            return _place_line(opened, change, lang)
        case AreaTaken():
            line = label("planning.line_taken", lang, layer=_layer(opened, change.layer, lang)), ""
        case AreaAdded():
            line = (
                label("planning.line_area", lang, layer=_layer(opened, change.layer, lang)),
                _fields(opened, change, lang),
            )
        case VersionUsed():
            line = label("planning.line_version", lang, layer=_layer(opened, change.layer, lang)), change.version
        case GridsMerged():
            line = label("planning.line_merged", lang, n=len(change.codes)), f"{_some(change.codes)} → {change.into}"
        case GridSplit():
            line = label("planning.line_split", lang, grid=change.code), " · ".join(change.codes)
        case DutyAssigned():
            line = (
                label("planning.line_duty", lang, n=sum(map(len, change.duty.values())), workers=len(change.duty)),
                "",
            )
        case _:
            line = _scaled_line(opened, change, lang)
    return line


def _place_line(opened: Workspace, change: PlaceAdded | PlaceChanged | PlaceRemoved, lang: Lang) -> Line:
    layer = _layer(opened, change.layer, lang)
    if isinstance(change, PlaceAdded):
        return label("planning.line_new", lang, layer=layer), _fields(opened, change, lang)
    name = _place(opened, change)
    if isinstance(change, PlaceChanged):
        return label("planning.line_changed", lang, layer=layer, name=name), _fields(opened, change, lang)
    return label("planning.line_removed", lang, layer=layer, name=name), change.id


def _scaled_line(opened: Workspace, change: PopulationScaled | SpeedsScaled, lang: Lang) -> Line:
    percent = f"{100 * change.factor:g}"
    if isinstance(change, PopulationScaled):
        names = division_names(opened)
        where = [name_in(names.get(area, {}), lang) or area for area in change.areas]
        return label("planning.line_people", lang, percent=percent), " · ".join(where) or label(
            "planning.everywhere", lang
        )
    known = opened.spec("roads").class_names if opened.has("roads") else {}
    roads = [known.get(each, {}).get(lang, each) for each in change.highways]
    return label("planning.line_speeds", lang, percent=percent), " · ".join(roads) or label("planning.all_roads", lang)


def _some(codes: tuple[str, ...]) -> str:
    return " + ".join(codes[:_MOST_CODES]) + (" + …" if len(codes) > _MOST_CODES else "")


def _layer(opened: Workspace, layer: str, lang: Lang) -> str:
    return opened.spec(layer).name(lang) if opened.has(layer) else layer


def _place(opened: Workspace, change: PlaceChanged | PlaceRemoved) -> str:
    if opened.has(change.layer):
        frame = opened.layer(change.layer)
        there = (frame[opened.spec(change.layer).key].astype(str) == change.id).to_numpy(dtype=bool)
        if "name" in frame and there.any() and isinstance(name := frame["name"][there].iloc[0], str):
            return unturned(name)
    return change.id


def _fields(opened: Workspace, change: PlaceAdded | PlaceChanged | AreaAdded, lang: Lang) -> str:
    if not opened.has(change.layer):
        return change.id
    spec, said = opened.spec(change.layer), []
    for name, value in change.attributes.items():
        field = spec.fields.get(name)
        if name == "class_name" and "class_code" in change.attributes:  # the code is named below
            continue
        shown = spec.class_names.get(str(value), {}).get(lang) or unturned(f"{value}")
        plain = name in {"name", "class_code", "category", spec.style.class_field}
        said.append(shown if plain or field is None else f"{field.names[lang]} {shown}")
    return " · ".join(said) or change.id
