"""What a closure changes, as the panel and the map show it: figures, who comes later, which grids, who is cut off."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import folium
import streamlit as st

from app.widgets.frame import language, text
from app.widgets.subjects import subject_name
from app.widgets.wording import SEVERITY_SIGNS
from gridgov.maps.effect_overlays import ClosedRoads, IncidentMark, effects_overlay
from gridgov.maps.overlays import overlay_group
from gridgov.operations.closure_effects import ClosureEffects, IncidentEffect, WorkerEffect
from gridgov.operations.closure_map import lines_of_edges
from gridgov.operations.crew import crew_of
from gridgov.workspace import Workspace

_SHOWN = 60
_NAMES = 4
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


def effects_panel(opened: Workspace, effects: ClosureEffects) -> None:
    """Draw the figures and the lists."""
    summary = effects.summary
    length = text("roads.length", km=f"{summary.length_m / 1000:,.1f}", n=f"{summary.streets:,}")
    names = text("roads.between_names").join(effects.edges.names[:_NAMES])
    st.html(f'<div class="gg-effects"><b>{escape(length)}</b> <span>{escape(names)}</span></div>')
    _figures(effects)
    for note in dict.fromkeys(
        [*(f.text(language()) for f in effects.findings), *(n.text(language()) for n in effects.notes)]
    ):
        st.caption(note)
    changed = [e for e in effects.incidents if e.change in _KINDS or e.is_other_worker]
    _lines("roads.list_incidents", [_incident_line(opened, e) for e in changed], opened=True)
    _grids(effects)
    workers = [w for w in effects.workers if w.reason != "restored"]
    _lines("roads.list_workers", [_worker_line(w) for w in workers])
    _facilities(opened, effects)


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


def _lines(code: str, lines: Sequence[str], *, opened: bool = False) -> None:
    """Draw a foldable list of HTML lines; nothing where it is empty."""
    if lines:
        with st.expander(text(code, n=f"{len(lines):,}"), expanded=opened):
            _list(lines[:_SHOWN], len(lines))


def _list(lines: Sequence[str], total: int) -> None:
    items = "".join(f"<li>{line}</li>" for line in lines)
    if total > len(lines):
        items += f'<li class="more">{escape(text("roads.and_more", n=f"{total - len(lines):,}"))}</li>'
    st.html(f'<ul class="gg-changes">{items}</ul>')


def _incident_line(opened: Workspace, effect: IncidentEffect) -> str:
    crew = crew_of(opened)
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


def _grids(effects: ClosureEffects) -> None:
    worst = effects.worst_grids
    if worst.empty:
        return
    with st.expander(text("roads.list_grids", n=f"{len(worst):,}")):
        shown = worst.head(_SHOWN).astype({"before_ms": float, "after_ms": float})
        _list([_grid_line(row) for row in shown.to_dict("records")], len(worst))


def _grid_line(row: Mapping[str, Any]) -> str:
    before, after = (None if math.isnan(row[name]) else int(row[name]) for name in ("before_ms", "after_ms"))
    what = text("roads.grid_cut_off") if row["cut_off"] else f"{_clock(before)} → {_clock(after)}"
    unknown = math.isnan(row["persons"])
    people = text("map_coverage.unknown_people") if unknown else _people(int(row["persons"]))
    return f"<b>{escape(str(row['id']))}</b><em>{escape(what)}</em><small>{escape(people)}</small>"


def _worker_line(effect: WorkerEffect) -> str:
    name, mode = effect.name or effect.worker_id, text(f"dispatch.mode.{effect.mode}")
    return f"<b>{escape(name)}</b><em>{escape(mode)}</em><small>{escape(effect.text(language()))}</small>"


def _facilities(opened: Workspace, effects: ClosureEffects) -> None:
    cut = [effect for effect in effects.facilities if effect.cut_off]
    _lines(
        "roads.list_facilities",
        [
            f"<b>{escape(subject_name(opened, e.category))}</b><em>{len(e.cut_off):,} / {e.total:,}</em>"
            f"<small>{escape(', '.join(e.cut_off[:6]))}</small>"
            for e in cut
        ],
    )
