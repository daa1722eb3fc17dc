"""The facts of a place: its grid, the ground, who stands there."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.widgets.choices import skill_name
from app.widgets.frame import text
from app.widgets.selection import CLICK_M, Selection
from gridgov.i18n import Lang
from gridgov.model.rights import Person
from gridgov.operations.situation import (
    PlaceFacts,
    WorkerFacts,
    land_cover_name,
    name_in,
    workers_at,
)
from gridgov.workspace import Workspace


def place_rows(opened: Workspace, lang: Lang, facts: PlaceFacts) -> list[tuple[str, str]]:
    """Return what is known about a place, codes of names and values."""
    position = ("console.field_position", f"{facts.lon:.5f}, {facts.lat:.5f}")
    return [*_grid_rows(facts, lang), *_ground_rows(opened, facts, lang), position]


def place_head(opened: Workspace, who: Person, selection: Selection) -> None:
    """Draw the head of a place that is no incident: who stands there."""
    st.html(f'<div class="gg-head"><b>{escape(text("console.place"))}</b></div>')
    for worker in workers_at(opened, who, selection.lon, selection.lat, within_m=CLICK_M):
        _worker_card(worker)


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
