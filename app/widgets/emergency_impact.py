"""Step two: who and what lies in the hazard, with a range for every number; which roads go, who is cut off, needs."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape
from typing import Any

import streamlit as st

from app.widgets.emergency_state import Emergency
from app.widgets.frame import language, text
from app.widgets.subjects import subject_name
from gridgov.i18n import has_label
from gridgov.maps.hazard_shapes import arrival_text
from gridgov.model.evacuation_words import hours_text
from gridgov.model.rights import Person
from gridgov.operations.emergency import grid_names, shelter_list
from gridgov.operations.impact import HazardImpact, impact_of, road_consequences
from gridgov.operations.situation import division_names, name_in
from gridgov.workspace import Workspace

_SHOWN = 60
_HECTARE_M2 = 10_000.0
_NOT_KNOWN = "–"
_PEOPLE = ("persons", "households")
Line = tuple[str, str, str]


def impact_step(opened: Workspace, who: Person, emergency: Emergency) -> None:
    """Draw the step."""
    if emergency.hazard is None:
        st.info(text("emergency.no_hazard"))
        return
    found = impact_of(opened, who, emergency.hazard_id)
    _figures(found)
    _notes(found)
    lists: dict[str, Callable[[], list[Line]]] = {
        "arrival": lambda: _by_arrival(found),
        "street": lambda: _by_street(opened, found),
        "cut_off": lambda: _cut_off(opened, who, emergency.hazard_id),
        "facilities": lambda: _facilities(opened, found),
        "needs": lambda: _needs(found),
    }
    if not opened.has_network or not opened.has("grids"):
        del lists["cut_off"]
    with st.container(key="emergency_lists"):
        for tab, make in zip(st.tabs([text(f"emergency.list_{n}") for n in lists]), lists.values(), strict=True):
            tab.html(lines_html(make(), text("emergency.none_here")))


def range_text(value: float, low: float, high: float, *, digits: int = 0) -> str:
    """Return a range, or nothing where it is none."""
    low_text, high_text = f"{low:,.{digits}f}", f"{high:,.{digits}f}"
    return "" if low_text == high_text == f"{value:,.{digits}f}" else f"{low_text} – {high_text}"


def lines_html(lines: list[Line], empty: str) -> str:
    """Return a list: what, how much, and a line below."""
    if not lines:
        return f'<p class="gg-sub">{escape(empty)}</p>'
    items = "".join(
        f"<li><b>{escape(head)}</b><em>{escape(value)}</em><small>{escape(more)}</small></li>"
        for head, value, more in lines[:_SHOWN]
    )
    if len(lines) > _SHOWN:
        items += f'<li class="more">{escape(text("roads.and_more", n=f"{len(lines) - _SHOWN:,}"))}</li>'
    return f'<ul class="gg-changes">{items}</ul>'


def _figures(found: HazardImpact) -> None:
    rows = []
    for name, figure in found.impact.figures.items():
        if name == "shelter_places":
            continue
        scale, digits, code = _unit(name)
        value, low, high = (getattr(figure, part) / scale for part in ("value", "low", "high"))
        if value <= 0 and high <= 0:
            continue
        rows.append(
            f"<tr><td>{escape(text(code) if has_label(code) else name)}</td><td>{value:,.{digits}f}</td>"
            f"<td>{escape(range_text(value, low, high, digits=digits))}</td></tr>"
        )
    head = (
        f"<tr><th></th><th>{escape(text('emergency.now_inside'))}</th><th>{escape(text('emergency.between'))}</th></tr>"
    )
    st.html(f'<table class="gg-table gg-impact">{head}{"".join(rows)}</table>')


def _unit(name: str) -> tuple[float, int, str]:
    """Return what a figure is divided by, its decimals and the code of its name."""
    if name == "road_m":
        return 1000.0, 1, "emergency.figure_road_m"
    if name.startswith("area_m2."):
        return _HECTARE_M2, 1, f"emergency.figure_area_{name.removeprefix('area_m2.')}"
    return 1.0, 0, f"emergency.figure_{name}"


def _notes(found: HazardImpact) -> None:
    unknown = found.impact.unknown_grids
    if unknown.high:
        st.html(f'<p class="gg-caution">{escape(text("emergency.unknown_grids", n=round(unknown.value)))}</p>')
    counted = text("emergency.counted_day" if found.day else "emergency.counted_night")
    st.caption(f"{counted} {text('emergency.range_means')}")


def _people_of(persons: float) -> str:
    return _NOT_KNOWN if math.isnan(persons) else people(persons)


def _range_of(value: float, low: float, high: float) -> str:
    return "" if math.isnan(value) else range_text(value, low, high)


def _by_arrival(found: HazardImpact) -> list[Line]:
    by_time = len(found.impact.by_arrival) > 1
    frame = found.impact.by_arrival if by_time else found.impact.by_level.iloc[::-1]
    lines = []
    for row in frame.to_dict("records"):
        head = arrival_text(row["arrival_s"], language()) if by_time else text(f"emergency.level_{int(row['level'])}")
        persons = row.get("persons", 0.0)
        more = [_range_of(persons, row.get("persons_low", persons), row.get("persons_high", persons))]
        if row.get("road_m"):
            more.append(text("emergency.roads_km", km=f"{row['road_m'] / 1000:,.1f}"))
        lines.append((head, _people_of(persons), " · ".join(part for part in more if part)))
    return lines


def _by_street(opened: Workspace, found: HazardImpact) -> list[Line]:
    names, lang = division_names(opened), language()
    lines = []
    for row in found.impact.by_street.sort_values("persons", ascending=False).to_dict("records"):
        code = str(row["street_code"])
        more = [
            text("emergency.grids", n=int(row["grids"])),
            _range_of(row["persons"], row["persons_low"], row["persons_high"]),
            text("emergency.unknown_grids_short", n=int(row["unknown_grids"])).strip(" ·")
            if row["unknown_grids"]
            else "",
        ]
        lines.append(
            (name_in(names.get(code, {}), lang) or code, _people_of(row["persons"]), " · ".join(m for m in more if m))
        )
    return lines


def _cut_off(opened: Workspace, who: Person, hazard_id: str) -> list[Line]:
    roads = road_consequences(opened, who, hazard_id)
    shelters = {each.shelter_id: each.name for each in shelter_list(opened, who)}
    names = grid_names(opened, language())
    lines: list[Line] = []
    for row in roads.shelters.to_dict("records"):
        name = shelters.get(str(row["shelter_id"])) or str(row["shelter_id"])
        lines.append((name, _when(row["struck_s"]), text("emergency.shelter_struck")))
    for row in roads.cut_off.to_dict("records"):
        code = str(row["grid_code"])
        lines.append((names.get(code) or code, _when(row["cut_off_s"]), text(f"emergency.cut_{row['reason']}")))
    return lines


def _when(seconds: float) -> str:
    if seconds is None or math.isnan(seconds):
        return "–"
    return text("emergency.now") if seconds <= 0 else hours_text(seconds + 1, language(), down=True)


def _facilities(opened: Workspace, found: HazardImpact) -> list[Line]:
    def line(row: dict[str, Any]) -> Line:
        what = subject_name(opened, str(row.get("category", "")))
        return str(row.get("name") or row.get("facility_id")), what, arrival_text(row["arrival_s"], language())

    return [line(row) for row in found.impact.facilities.to_dict("records")]


def _needs(found: HazardImpact) -> list[Line]:
    lang = language()
    lines = []
    for each in found.impact.needs:
        need, total = each.need, each.total
        per = text(f"emergency.per_{need.per}")
        lines.append(
            (
                need.names.get(lang, need.code),
                f"{total.value:,.0f} {need.unit.get(lang, '')}{per}",
                range_text(total.value, total.low, total.high),
            )
        )
    return lines


def people(count: float) -> str:
    """Return a number of people."""
    return text("map_coverage.people", n=f"{round(count):,}")
