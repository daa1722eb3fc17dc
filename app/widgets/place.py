"""The facts of the selected incident or place."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.widgets.choices import skill_name
from app.widgets.frame import text
from app.widgets.selection import CLICK_M, Selection
from gridgov.i18n import Lang
from gridgov.operations.situation import (
    IncidentFacts,
    PlaceFacts,
    WorkerFacts,
    incident_facts,
    land_cover_name,
    name_in,
    place_facts,
    workers_at,
)
from gridgov.workspace import Workspace


def place_panel(opened: Workspace, lang: Lang, selection: Selection) -> PlaceFacts:
    """Draw what is known about the selection and return the facts of its place."""
    facts = place_facts(opened, selection.lon, selection.lat)
    rows: list[tuple[str, str]] = []
    if selection.incident_id is not None:
        incident = incident_facts(opened, selection.incident_id)
        _incident_head(opened, lang, incident)
    else:
        st.html(f'<div class="gg-head"><b>{escape(text("console.place"))}</b></div>')
        for worker in workers_at(opened, selection.lon, selection.lat, within_m=CLICK_M):
            _worker_card(worker)
    rows += _grid_rows(facts, lang)
    rows += _ground_rows(opened, facts, lang)
    rows.append(("console.field_position", f"{facts.lon:.5f}, {facts.lat:.5f}"))
    lines = "".join(f"<dt>{escape(text(code))}</dt><dd>{escape(value)}</dd>" for code, value in rows)
    st.html(f'<dl class="gg-facts">{lines}</dl>')
    return facts


def _worker_card(worker: WorkerFacts) -> None:
    state = text(f"console.reason_{worker.reason}") if worker.reason else text("console.worker_ready")
    skills = " · ".join(skill_name(skill) for skill in worker.skills)
    lines = [
        f"{worker.worker_id} · {text(f'dispatch.mode.{worker.mode}')} · {worker.shift or text('console.unknown')}",
        skills,
    ]
    st.html(
        f'<div class="gg-card"><b>{escape(worker.name or worker.worker_id)}</b> <i>{escape(state)}</i>'
        + "".join(f"<small>{escape(line)}</small>" for line in lines if line)
        + "</div>"
    )


def _incident_head(opened: Workspace, lang: Lang, incident: IncidentFacts) -> None:
    severity = incident.severity or 0
    badge = text(f"console.severity_{severity}") if severity else text("console.unknown")
    local = incident.reported_at.astimezone(opened.timezone) if incident.reported_at else None
    parts = [
        incident.incident_id,
        text(f"console.state_{incident.state}") if incident.state else "",
        f"{local:%m-%d %H:%M}" if local else "",
        text(f"console.source_{incident.source}") if incident.source else "",
    ]
    st.html(
        f'<div class="gg-head"><i class="gg-severity s{severity}">{escape(badge)}</i>'
        f"<b>{escape(name_in(incident.class_names, lang))}</b></div>"
        f'<div class="gg-sub">{escape(" · ".join(part for part in parts if part))}</div>'
        + (f'<div class="gg-text">{escape(incident.description)}</div>' if incident.description else "")
    )


def _grid_rows(facts: PlaceFacts, lang: Lang) -> list[tuple[str, str]]:
    grid = facts.grid
    if grid is None:
        return [("console.field_grid", text("console.no_grid"))]
    belongs = " / ".join(part for part in (name_in(grid.street, lang), name_in(grid.community, lang)) if part)
    persons = text("console.unknown") if grid.persons is None else f"{grid.persons:,}"
    if grid.persons is not None and grid.households is not None:
        persons = text("console.persons_households", persons=f"{grid.persons:,}", households=f"{grid.households:,}")
    rows = [
        ("console.field_grid", grid.grid_code),
        ("console.field_division", belongs),
        ("console.field_persons", persons),
    ]
    return [row for row in rows if row[1]]


def _ground_rows(opened: Workspace, facts: PlaceFacts, lang: Lang) -> list[tuple[str, str]]:
    ground = [name_in(names, lang) for _, _, names in facts.resources]
    cover = land_cover_name(opened, facts, lang)
    if cover and cover not in ground:
        ground.append(cover)
    rows = [("console.field_ground", " · ".join(part for part in ground if part))]
    if facts.elevation_m is not None:
        rows.append(("console.field_elevation", f"{facts.elevation_m:.0f} m"))
    return [row for row in rows if row[1]]
