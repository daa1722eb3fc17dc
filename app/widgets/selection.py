"""What is selected: an incident or any place; the map and the list are one selection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from gridgov.errors import RecordNotFoundError, RightsError
from gridgov.model.rights import Person
from gridgov.operations.incidents import read_incident
from gridgov.operations.situation import incident_near
from gridgov.workspace import Workspace

CLICK_M = 2.0  # the map moves a click near an incident onto it, so only rounding is left


@dataclass(frozen=True)
class Selection:
    """A place, and the incident there if one is meant."""

    lon: float
    lat: float
    incident_id: str | None = None


def current(opened: Workspace, who: Person) -> Selection | None:
    """Return what is selected in this session; a new one, or a link to another incident, begins with the address."""
    selection: Selection | None = st.session_state.get("selection")
    named = st.query_params.get("incident", "")
    if "selection" not in st.session_state or (named and (selection is None or selection.incident_id != named)):
        selection = st.session_state["selection"] = _of_address(opened, who)
    return selection


def unknown_incident() -> str:
    """Return the number that the address names although nothing is selected: there is no such incident to see."""
    return st.query_params.get("incident", "").strip() if st.session_state.get("selection") is None else ""


def clear() -> None:
    """Select nothing; an old click is not taken again."""
    st.session_state["selection"] = None
    _write_address(None)


def choose_incident(opened: Workspace, who: Person, incident_id: str) -> None:
    """Select an incident."""
    record = read_incident(opened, who, incident_id)
    _choose(Selection(record.lon, record.lat, incident_id))


def choose_place(lon: float, lat: float) -> None:
    """Select a place that is no incident."""
    _choose(Selection(lon, lat))


def take_click(opened: Workspace, who: Person, returned: dict[str, Any] | None, *, select: bool = True) -> None:
    """Take a new click on the map; the map reports the last one again in every rerun.

    Parameters
    ----------
    select : bool
        The click selects the incident or place there; otherwise it is kept for `clicked`.
    """
    click = (returned or {}).get("last_clicked")
    if click is None or click == st.session_state.get("click_taken"):
        return
    st.session_state["click_taken"] = click
    lon, lat = float(click["lng"]), float(click["lat"])
    if not select:
        st.session_state["clicked"] = (lon, lat)
        return
    found = incident_near(opened, who, lon, lat, within_m=CLICK_M)
    if found is not None:
        choose_incident(opened, who, found)
    else:
        choose_place(lon, lat)


def clicked() -> tuple[float, float] | None:
    """Return the place (lon, lat) of the last click that selected nothing; None before the first."""
    place: tuple[float, float] | None = st.session_state.get("clicked")
    return place


def forget_click() -> None:
    """Forget the last click that selected nothing."""
    st.session_state.pop("clicked", None)


def ask_zoom(frame: tuple[tuple[float, float], int]) -> None:
    """Move the map's view, because the user asked for it. Asked twice for one place, the centre differs by a hair."""
    (lat, lon), zoom = frame
    hair = 1e-9 if st.session_state.get("zoom_asked") == (frame[0], zoom) else 0.0
    st.session_state["zoom_asked"] = ((lat + hair, lon), zoom)


def asked_zoom() -> tuple[tuple[float, float] | None, int | None]:
    """Return the view last asked for; the map moves only when it changes."""
    centre, zoom = st.session_state.get("zoom_asked", (None, None))
    return centre, zoom


def _choose(selection: Selection) -> None:
    st.session_state["selection"] = selection
    st.session_state["rank"] = 1
    for name in ("redispatch", "new_incident", "said"):
        st.session_state.pop(name, None)
    _write_address(selection)


def _write_address(selection: Selection | None) -> None:
    """Keep the selection in the address bar, so that a reload keeps it and a colleague can be sent the link."""
    for name in ("incident", "at"):
        st.query_params.pop(name, None)
    if selection is not None and selection.incident_id is not None:
        st.query_params["incident"] = selection.incident_id
    elif selection is not None:
        st.query_params["at"] = f"{selection.lon:.6f},{selection.lat:.6f}"


def _of_address(opened: Workspace, who: Person) -> Selection | None:
    """Return what the address names; an address that names nothing we know selects nothing."""
    try:
        if incident_id := st.query_params.get("incident"):
            record = read_incident(opened, who, incident_id)
            return Selection(record.lon, record.lat, incident_id)
        if at := st.query_params.get("at"):
            lon, lat = (float(part) for part in at.split(","))
            return Selection(lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None
    except (RecordNotFoundError, RightsError, ValueError):
        return None
    return None
