"""The changes of a scenario in words: what, and in small letters which and where."""

from __future__ import annotations

from app.widgets.frame import language, text
from app.widgets.wording import unturned
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
from gridgov.operations.closure_map import RoadsSize
from gridgov.operations.situation import division_names, name_in
from gridgov.workspace import Workspace

Line = tuple[str, str]


def closure_line(closure: Closure, size: RoadsSize) -> Line:
    """Return closed or slow roads in words."""
    much = text("planning.line_roads", n=f"{size.streets:,}", km=f"{size.length_m / 1000:.1f}")
    more = " · ".join(part for part in (unturned(closure.reason), much) if part)
    if closure.closes:
        return text("planning.line_closed"), more
    return text("planning.line_slowed", percent=f"{100 * closure.factor:.0f}"), more


def change_line(opened: Workspace, change: Change) -> Line:
    """Return a change in words."""
    match change:
        case PlaceAdded() | PlaceChanged() | PlaceRemoved():
            return _place_line(opened, change)
        case AreaTaken():
            line = text("planning.line_taken", layer=_layer(opened, change.layer)), ""
        case AreaAdded():
            line = text("planning.line_area", layer=_layer(opened, change.layer)), _fields(opened, change)
        case VersionUsed():
            line = text("planning.line_version", layer=_layer(opened, change.layer)), change.version
        case GridsMerged():
            line = text("planning.line_merged", n=len(change.codes)), change.into
        case GridSplit():
            line = text("planning.line_split", grid=change.code), " · ".join(change.codes)
        case DutyAssigned():
            line = text("planning.line_duty", n=sum(map(len, change.duty.values())), workers=len(change.duty)), ""
        case _:
            line = _scaled_line(opened, change)
    return line


def _place_line(opened: Workspace, change: PlaceAdded | PlaceChanged | PlaceRemoved) -> Line:
    layer = _layer(opened, change.layer)
    if isinstance(change, PlaceAdded):
        return text("planning.line_new", layer=layer), _fields(opened, change)
    name = _place(opened, change)
    if isinstance(change, PlaceChanged):
        return text("planning.line_changed", layer=layer, name=name), _fields(opened, change)
    return text("planning.line_removed", layer=layer, name=name), change.id


def _scaled_line(opened: Workspace, change: PopulationScaled | SpeedsScaled) -> Line:
    lang, percent = language(), f"{100 * change.factor:g}"
    if isinstance(change, PopulationScaled):
        names = division_names(opened)
        where = [name_in(names.get(area, {}), lang) or area for area in change.areas]
        return text("planning.line_people", percent=percent), " · ".join(where) or text("planning.everywhere")
    known = opened.spec("roads").class_names if opened.has("roads") else {}
    roads = [known.get(each, {}).get(lang, each) for each in change.highways]
    return text("planning.line_speeds", percent=percent), " · ".join(roads) or text("planning.all_roads")


def _layer(opened: Workspace, layer: str) -> str:
    return opened.spec(layer).name(language()) if opened.has(layer) else layer


def _place(opened: Workspace, change: PlaceChanged | PlaceRemoved) -> str:
    if opened.has(change.layer):
        frame = opened.layer(change.layer)
        there = (frame[opened.spec(change.layer).key].astype(str) == change.id).to_numpy(dtype=bool)
        if "name" in frame and there.any() and isinstance(name := frame["name"][there].iloc[0], str):
            return unturned(name)
    return change.id


def _fields(opened: Workspace, change: PlaceAdded | PlaceChanged | AreaAdded) -> str:
    if not opened.has(change.layer):
        return change.id
    spec, lang, said = opened.spec(change.layer), language(), []
    for name, value in change.attributes.items():
        field = spec.fields.get(name)
        if name == "class_name" and "class_code" in change.attributes:  # the code is named below
            continue
        shown = spec.class_names.get(str(value), {}).get(lang) or unturned(f"{value}")
        plain = name in {"name", "class_code", "category", spec.style.class_field}
        said.append(shown if plain or field is None else f"{field.names[lang]} {shown}")
    return " · ".join(said) or change.id
