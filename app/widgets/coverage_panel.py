"""The mode of coverage: how far every grid is from the nearest worker, shelter or facility, and who is too far."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st

from app.widgets.choices import choose_part, kept_choice, remembered_select
from app.widgets.doing import sentence_of
from app.widgets.frame import language, text
from app.widgets.isochrone import isochrone_mode
from app.widgets.map_frame import Show
from app.widgets.selection import ask_zoom
from app.widgets.subjects import subject_name
from app.widgets.wording import plain
from gridgov.errors import GridgovError
from gridgov.maps.overlays import Overlay, overlay_group
from gridgov.maps.time_overlays import coverage_overlay, time_steps
from gridgov.model import TravelMode
from gridgov.model.rights import Person
from gridgov.operations.coverage import WORKERS, Coverage, CoverageQuery, coverage, coverage_subjects, grid_values
from gridgov.operations.mapping import grid_frame, grid_name
from gridgov.workspace import Workspace

_WORST = 40
_OWN_MODE = ""
_VIEWS = ("grids", "place")


def coverage_mode(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the panel and the map."""
    views = _VIEWS if opened.has("grids") else _VIEWS[1:]
    view = st.session_state.get("coverage_view", views[0])
    view = _choose_view(views, view if view in views else views[0])
    if view == "place":
        isochrone_mode(opened, who, show)
        return
    try:
        found = coverage(opened, who, _asked(opened))
    except GridgovError as error:
        show([])
        st.warning(sentence_of(error, "map_coverage.cannot"))
        return
    show([overlay_group(_overlay(opened, found))])
    _figures(opened, found)
    _worst(opened, found)


def _choose_view(views: tuple[str, ...], chosen: str) -> str:
    if len(views) < 2:
        return chosen

    def keep(view: str) -> None:
        st.session_state["coverage_view"] = view

    choose_part(
        "views",
        views,
        chosen,
        label=text("map_coverage.view"),
        show=lambda view: text(f"map_coverage.view_{view}"),
        keep=keep,
    )
    return chosen


def _asked(opened: Workspace) -> CoverageQuery:
    """Draw what can be asked for and return it."""
    subjects = list(coverage_subjects(opened))
    remembered_select(
        st.container(), text("map_coverage.of"), subjects, name="coverage_of", show=lambda of: subject_name(opened, of)
    )
    minutes, order, mode = st.columns([1, 1, 1.5], gap="small")
    limit = minutes.number_input(
        text("map_coverage.minutes"),
        1,
        240,
        value=int(st.session_state.get("coverage_minutes", 15)),
        step=1,
        key="cov-minutes",
    )
    count = order.number_input(
        text("map_coverage.order"),
        1,
        5,
        value=int(st.session_state.get("coverage_order", 1)),
        step=1,
        key="cov-order",
    )
    st.session_state.update(coverage_minutes=limit, coverage_order=count)
    modes = [_OWN_MODE, *map(str, TravelMode)]
    of = kept_choice("coverage_of") or WORKERS
    of = of if of in subjects else WORKERS
    remembered_select(mode, text("console.filter_mode"), modes, name="coverage_mode", show=lambda m: _mode_name(m, of))
    chosen = kept_choice("coverage_mode")
    return CoverageQuery(of=of, minutes=float(limit), order=int(count), mode=TravelMode(chosen) if chosen else None)


def _mode_name(mode: str, of: str) -> str:
    if mode:
        return text(f"dispatch.mode.{mode}")
    return text("map_coverage.own_mode" if of == WORKERS else "map_coverage.by_car")


def _figures(opened: Workspace, found: Coverage) -> None:
    """Draw how many people are too far, have no way at all, and how many grids nobody has counted."""
    summary, minutes = found.summary, f"{found.query.minutes:g}"
    cells = [
        (text("map_coverage.beyond", minutes=minutes), summary.persons_beyond, summary.grids_beyond),
        (text("map_coverage.without_way"), summary.persons_unreached, summary.grids_unreached),
    ]
    st.html(
        '<div class="gg-cells">'
        + "".join(
            f"<div><span>{escape(name)}</span><b>{persons:,}</b>"
            f"<small>{escape(text('map_coverage.people_of_grids', n=f'{grids:,}'))}</small></div>"
            for name, persons, grids in cells
        )
        + "</div>"
    )
    notes = [text("map_coverage.sources", n=f"{found.sources:,}", what=subject_name(opened, found.query.of))]
    if summary.grids_without_population:
        notes.append(text("map_coverage.unknown_population", n=f"{summary.grids_without_population:,}"))
    if found.closures:
        notes.append(text("map_coverage.with_closures", n=f"{len(found.closures):,}"))
    st.caption(" · ".join(notes))


def _people(count: float) -> str:
    return text("map_coverage.people", n=f"{count:,.0f}")


def _worst(opened: Workspace, found: Coverage) -> None:
    """Draw the grids that are farthest, those without any way first; choosing one asks to go there."""
    time = np.where(found.order_time_ms < 0, np.iinfo(np.int64).max, found.order_time_ms)
    rows = np.lexsort((-np.nan_to_num(found.persons), -time))[:_WORST]
    rows = [int(row) for row in rows if time[row] > found.limit_ms]
    st.html(f'<div class="gg-list-head">{escape(text("map_coverage.worst"))}</div>')
    if not rows:
        st.info(text("map_coverage.everybody", minutes=f"{found.query.minutes:g}"))
        return
    key = f"worst-{language()}"

    def go_there() -> None:
        ask_zoom(grid_frame(opened, int(st.session_state[key])))

    with st.container(height=300, key="worst"):
        st.radio(
            text("map_coverage.worst"),
            rows,
            index=None,
            format_func=lambda row: plain(
                f"{_minutes(int(found.order_time_ms[row]))} · {grid_name(opened, row, language())}"
            ),
            captions=[plain(_caption(found, row)) for row in rows],
            label_visibility="collapsed",
            key=key,
            on_change=go_there,
            width="stretch",
        )


def _caption(found: Coverage, row: int) -> str:
    persons = found.persons[row]
    people = text("map_coverage.unknown_people") if np.isnan(persons) else _people(float(persons))
    return f"{found.grid_code[row]} · {people}"


def _minutes(milliseconds: int) -> str:
    if milliseconds < 0:
        return text("map_coverage.no_way")
    return text("console.minutes", minutes=f"{milliseconds / 60_000:.0f}")


def _overlay(opened: Workspace, found: Coverage) -> Overlay:
    steps = time_steps(found.query.minutes)
    what = subject_name(opened, found.query.of)
    order = found.query.order
    title = (
        text("map_coverage.title", what=what) if order == 1 else text("map_coverage.title_order", what=what, k=order)
    )
    return coverage_overlay(grid_values(found, steps), steps, language(), title=title)
