"""What a closure changes, as the panel and the map show it: figures, who comes later, which grids, who is cut off."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

import folium
import streamlit as st

from app.widgets.frame import language, text
from app.widgets.subjects import subject_name
from app.widgets.wording import SEVERITY_SIGNS, plain
from gridgov.maps.effect_overlays import ClosedRoads, IncidentMark, effects_overlay
from gridgov.maps.overlays import overlay_group
from gridgov.operations.closure_effects import DRAFT, ClosureEffects, FacilityEffect, IncidentEffect, WorkerEffect
from gridgov.operations.closure_map import lines_of_edges
from gridgov.operations.crew import Crew, crew_of
from gridgov.workspace import Workspace

_SHOWN = 60
_NAMES = 4
_SAID = frozenset({"no_workers", "nobody_can_go", "no_grids"})  # the others are what the lists show
_KINDS = {"cut_off": "cut_off", "later": "later", "earlier": "better", "restored": "better"}


def effects_groups(
    opened: Workspace, effects: ClosureEffects, drawn: Mapping[str, Any] | None, *, slowed: bool
) -> list[folium.FeatureGroup]:
    """Return what lies over the map."""
    roads = ClosedRoads(lines_of_edges(opened, effects.edges.edge_id), drawn, slowed)
    marks = [
        IncidentMark(e.lon, e.lat, _KINDS[e.change], (_incident_head(e), _times(e)))
        for e in effects.incidents
        if e.change in _KINDS
    ]
    shown = effects_overlay(roads, effects.grids, marks, language(), limit_min=effects.limit_ms / 60_000)
    return [overlay_group(shown)]


def effects_panel(opened: Workspace, effects: ClosureEffects, *, of: str = "") -> None:
    """Draw the figures and the lists; `of` names the drawing that they are of."""
    summary = effects.summary
    length = text("roads.length", km=f"{summary.length_m / 1000:,.1f}", n=f"{summary.streets:,}")
    names = text("roads.between_names").join(effects.edges.names[:_NAMES])
    st.html(
        f'<div class="gg-effects" data-of="{escape(of)}"><b>{escape(length)}</b> <span>{escape(names)}</span></div>'
    )
    _figures(effects)
    said = [found.message(language()).replace(f"{DRAFT}1", text("roads.this_one")) for found in effects.findings]
    said += [note.text(language()) for note in effects.notes if note.code in _SAID]
    for sentence in dict.fromkeys(said):
        st.caption(plain(sentence))
    _lists(opened, effects)


def _lists(opened: Workspace, effects: ClosureEffects) -> None:
    """Draw what changes: incidents, grids, workers, facilities, each under its own tab."""
    incidents = [e for e in effects.incidents if e.change in _KINDS or e.is_other_worker]
    workers = [w for w in effects.workers if w.reason != "restored"]
    places = [effect for effect in effects.facilities if effect.cut_off]
    grids, crew = effects.worst_grids, crew_of(opened)
    shown = grids.head(_SHOWN).astype({"before_ms": float, "after_ms": float}).to_dict("records")
    lists = {
        "incidents": (len(incidents), [_incident_line(crew, e) for e in incidents[:_SHOWN]]),
        "grids": (len(grids), [_grid_line(row) for row in shown]),
        "workers": (len(workers), [_worker_line(w) for w in workers[:_SHOWN]]),
        "facilities": (effects.summary.facilities_cut_off, [_facility_line(opened, e) for e in places]),
    }
    filled = {name: found for name, found in lists.items() if found[0]}
    if not filled:
        return
    titles = [text(f"roads.list_{name}", n=f"{total:,}") for name, (total, _) in filled.items()]
    with st.container(key="changes"):
        for tab, (name, (total, lines)) in zip(st.tabs(titles), filled.items(), strict=True):
            items = "".join(f"<li>{line}</li>" for line in lines)
            if total > len(lines) and name != "facilities":
                items += f'<li class="more">{escape(text("roads.and_more", n=f"{total - len(lines):,}"))}</li>'
            tab.html(f'<ul class="gg-changes">{items}</ul>')


def _figures(effects: ClosureEffects) -> None:
    summary = effects.summary
    replaced = text("roads.other_worker", n=f"{summary.incidents_other_worker:,}")
    cells = [
        ("roads.incidents_later", summary.incidents_later, replaced),
        ("roads.incidents_cut_off", summary.incidents_cut_off, text("roads.of_incidents", n=f"{summary.incidents:,}")),
        ("roads.grids_lost", summary.grids_lost, _people(summary.persons_lost)),
        ("roads.grids_cut_off", summary.grids_cut_off, _people(summary.persons_cut_off)),
    ]
    minutes = f"{effects.limit_ms / 60_000:g}"
    st.html(
        '<div class="gg-cells">'
        + "".join(
            f'<div class="{"on" if count else ""}"><span>{escape(text(code, minutes=minutes))}</span>'
            f"<b>{count:,}</b><small>{escape(more)}</small></div>"
            for code, count, more in cells
        )
        + "</div>"
    )


def _people(count: int) -> str:
    return text("map_coverage.people", n=f"{count:,}")


def _incident_line(crew: Crew, effect: IncidentEffect) -> str:
    who = [
        str(crew.roster.name[crew.row[i]]) or i
        for i in dict.fromkeys((effect.worker_before, effect.worker_after))
        if i in crew.row
    ]
    people = " → ".join(who)
    why = effect.text(language())
    return (
        f"<b>{escape(_incident_head(effect))}</b><em>{escape(_times(effect))}</em>"
        f"<small>{escape(' · '.join(part for part in (people, why) if part))}</small>"
    )


def _incident_head(effect: IncidentEffect) -> str:
    return f"{SEVERITY_SIGNS.get(effect.severity, '·')} {effect.incident_id}"


def _times(effect: IncidentEffect) -> str:
    before, after = (_clock(ms) for ms in (effect.before_ms, effect.after_ms))
    delay = effect.delay_ms
    more = "" if not delay else f" ({'+' if delay > 0 else '−'}{_clock(abs(delay))})"
    return f"{before} → {after}{more}"


def _clock(milliseconds: int | None) -> str:
    if milliseconds is None:
        return text("map_coverage.no_way")
    seconds = round(milliseconds / 1000)
    return f"{seconds // 60}:{seconds % 60:02d}"


def _grid_line(row: Mapping[str, Any]) -> str:
    before, after = (None if math.isnan(row[name]) else int(row[name]) for name in ("before_ms", "after_ms"))
    what = text("roads.grid_cut_off") if row["cut_off"] else f"{_clock(before)} → {_clock(after)}"
    unknown = math.isnan(row["persons"])
    people = text("map_coverage.unknown_people") if unknown else _people(int(row["persons"]))
    return f"<b>{escape(str(row['id']))}</b><em>{escape(what)}</em><small>{escape(people)}</small>"


def _worker_line(effect: WorkerEffect) -> str:
    name, mode = effect.name or effect.worker_id, text(f"dispatch.mode.{effect.mode}")
    return f"<b>{escape(name)}</b><em>{escape(mode)}</em><small>{escape(effect.text(language()))}</small>"


def _facility_line(opened: Workspace, effect: FacilityEffect) -> str:
    name, count = subject_name(opened, effect.category), f"{len(effect.cut_off):,} / {effect.total:,}"
    return f"<b>{escape(name)}</b><em>{escape(count)}</em><small>{escape(', '.join(effect.cut_off[:_NAMES]))}</small>"
