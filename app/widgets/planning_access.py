"""How soon people are at the nearest facility, group by group, and who is under-served."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.widgets.background import answer_to
from app.widgets.frame import language, text
from app.widgets.map_frame import Show
from app.widgets.planning_inputs import (
    Row,
    cautions,
    choose,
    csv_button,
    field_name,
    go_list,
    grid_rows,
    head,
    layer_name,
    number,
    percent,
    sentence,
    table,
)
from app.widgets.subjects import subject_name
from gridgov.i18n import has_label
from gridgov.maps.overlays import Overlay, overlay_group
from gridgov.maps.planning_overlays import outlines
from gridgov.maps.time_overlays import coverage_overlay, time_steps
from gridgov.model import TravelMode
from gridgov.model.rights import Person
from gridgov.model.siting import SitingReason
from gridgov.operations.accessibility import AccessQuery, FacilityAccess, facility_access
from gridgov.operations.catalogue import LIVE
from gridgov.operations.coverage import SHELTERS, coverage_subjects
from gridgov.operations.mapping import grid_name
from gridgov.operations.site_sets import people_groups, site_sources
from gridgov.workspace import Workspace

_LINE = "#d1338a"
_MODES = ("drive", "walk", "ebike")
_NAMED = 3


def source_name(opened: Workspace, of: str) -> str:
    """Return what sites are taken from, in words."""
    if of in coverage_subjects(opened) or of == SHELTERS:
        return subject_name(opened, of)
    return text("planning_parts.in_every", layer=layer_name(opened, of))


def group_name(opened: Workspace, group: str) -> str:
    """Return a group of people in words."""
    if group == "grids":
        return text("planning_parts.group_grids")
    return field_name(opened, group)


def sources(opened: Workspace) -> list[str]:
    """Return what there can be facilities of: those of the map, then layers of points."""
    known = [of for of in site_sources(opened) if of in coverage_subjects(opened)]
    layers = [
        of for of in site_sources(opened)
        if of not in known and opened.has(of) and opened.entry(of).geometry == "point"
        and opened.entry(of).kind not in {*LIVE, "facilities", "shelters"}
    ]  # fmt: skip
    return [*known, *layers]


def choose_travel(opened: Workspace, name: str, *, default_minutes: float = 15) -> tuple[TravelMode, float]:
    """Draw the travel mode and the minutes."""
    left, right = st.columns([1.4, 1], gap="small")
    mode = choose(
        text("planning_parts.mode"), _MODES, name=f"{name}_mode", place=left,
        show=lambda mode: text(f"dispatch.mode.{mode}"),
    )  # fmt: skip
    minutes = number(right, text("planning_parts.minutes"), 1, 240, name=f"{name}_minutes", default=default_minutes)
    return TravelMode(mode), minutes


def reason_texts(opened: Workspace, reasons: tuple[SitingReason, ...]) -> list[str]:
    """Return reasons and notes as sentences, with some of what they are about."""
    said = []
    rows = grid_rows(opened)
    for reason in reasons:
        code = f"planning_parts.reason_{reason.code}"
        named = [grid_name(opened, rows[one], language()) if one in rows else one for one in reason.ids]
        first = text("planning_parts.name_comma").join(list(dict.fromkeys(named))[:_NAMED])
        fields = {name: f"{value:,.0f}" for name, value in reason.fields.items()}
        words = text(code, **{"n": f"{len(reason.ids):,}", **fields}) if has_label(code) else reason.code
        said.append(f"{words} ({first}{' …' if len(reason.ids) > _NAMED else ''})" if first else words)
    return said


def minutes_text(seconds: float | None) -> str:
    """Return a time as minutes; a dash where there is none."""
    return "–" if seconds is None or np.isnan(seconds) else f"{seconds / 60:.1f}"


def access_view(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the question and its answer."""
    of = choose(
        text("planning_parts.nearest_what"),
        sources(opened),
        name="plan_access_of",
        show=lambda o: source_name(opened, o),
    )
    mode, minutes = choose_travel(opened, "plan_access")
    group = choose(
        text("planning_parts.group"), [*people_groups(opened), "grids"], name="plan_access_group",
        show=lambda g: group_name(opened, g),
    )  # fmt: skip
    query = AccessQuery(of=of, mode=mode, minutes=minutes, group=group)
    found = answer_to(
        opened, "access", query, lambda: facility_access(opened, who, query),
        hint="planning_parts.cannot_access", ready=bool(of),
    )  # fmt: skip
    if found is None:
        show([])
        return
    show([overlay_group(_overlay(opened, found))])
    _figures(opened, found)
    _underserved(opened, found)


def _overlay(opened: Workspace, found: FacilityAccess) -> Overlay:
    """Return the minutes of every grid, with a border around the under-served ones."""
    steps = time_steps(found.query.minutes)
    minutes = found.grids["minutes"].to_numpy(dtype=float)
    codes = np.searchsorted(np.array(steps), np.nan_to_num(minutes), side="left").astype(np.int8)
    codes[np.isnan(minutes)] = -1
    title = text("map_coverage.title", what=source_name(opened, found.query.of))
    plain = coverage_overlay(codes, steps, language(), title=title)
    shapes = (outlines(found.underserved.geometry, _LINE, width=1.6),) if len(found.underserved) else ()
    return Overlay("planning", plain.values, shapes, plain.legend)


def _figures(opened: Workspace, found: FacilityAccess) -> None:
    query = found.query
    chosen = found.figures.get(query.group)
    if chosen is not None:
        sentence(
            text(
                "planning_parts.access_answer", group=group_name(opened, query.group),
                share=percent(chosen.share_within), minutes=f"{query.minutes:g}",
                what=source_name(opened, query.of), n=found.sources,
            )
        )  # fmt: skip
    head(text("planning_parts.by_group"))
    names = ("group", "within_share", "median_minutes", "p90_minutes", "unreached")
    heads = [text(f"planning_parts.{name}", minutes=f"{query.minutes:g}") for name in names]
    rows = [
        (group_name(opened, group), percent(each.share_within), minutes_text(each.median_s), minutes_text(each.p90_s),
         f"{each.persons_unreached:,.0f}")
        for group, each in found.figures.items()
    ]  # fmt: skip
    table(heads, rows)
    closed = [text("map_coverage.with_closures", n=len(found.closures))] if found.closures else []
    cautions([*reason_texts(opened, found.notes), *closed])


def _underserved(opened: Workspace, found: FacilityAccess) -> None:
    rows = grid_rows(opened)
    lines = [
        Row(
            f"{text('map_coverage.people', n=f'''{row['persons_underserved']:,.0f}''')} · "
            f"{grid_name(opened, rows[row['grid_code']], language())}",
            f"{row['grid_code']} · {_minutes(row['minutes'])}", rows[row["grid_code"]],
        )
        for row in found.underserved.to_dict("records")
    ]  # fmt: skip
    if not lines:
        st.info(text("map_coverage.everybody", minutes=f"{found.query.minutes:g}"))
    else:
        go_list(opened, text("planning_parts.underserved", n=len(lines)), lines, name="plan_access_list", height=220)
    heads = [text("planning_parts.grid"), text("planning_parts.minutes"), text("planning_parts.nearest"),
             text("planning_parts.group_persons")]  # fmt: skip
    people = found.grids[found.query.group] if found.query.group in found.grids else [1.0] * len(found.grids)
    values = [
        (code, "" if np.isnan(minutes) else round(minutes, 2), nearest, "" if np.isnan(count) else count)
        for code, minutes, nearest, count in zip(
            found.grids["grid_code"], found.grids["minutes"], found.grids["nearest_name"], people, strict=True
        )
    ]
    csv_button(heads, values, f"access-{found.query.of}.csv")


def _minutes(minutes: float) -> str:
    return text("map_coverage.no_way") if np.isnan(minutes) else text("console.minutes", minutes=f"{minutes:.0f}")
