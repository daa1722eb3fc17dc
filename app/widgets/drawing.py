"""Draw on the map: a line or an area that the user draws arrives at once, without any further click.

A page gives `drawing_tools()` to its map as one more group, calls `take_drawing` with what the map returned before it
draws anything (the map then returns "all_drawings"), and reads the last shape with `drawn`. A shape belongs to whoever
asked for it by `purpose`, so that two pages or modes do not take each other's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import folium
import streamlit as st

from app.widgets.frame import language
from gridgov.maps.overlays import drawing_overlay, overlay_group

_TAKEN, _DRAWN, _START, _PURPOSE = "drawing_taken", "drawing", "drawing_start", "drawing_purpose"


@dataclass(frozen=True)
class Drawing:
    """A drawn shape: a GeoJSON LineString or Polygon, WGS 84; `id` is new for each."""

    id: str
    geometry: Mapping[str, Any]
    purpose: str


def take_drawing(returned: Mapping[str, Any] | None) -> None:
    """Take a new shape from what the map returned; it reports the last one again in every rerun."""
    drawings = (returned or {}).get("all_drawings") or []
    if not drawings or not isinstance(drawings[-1], dict):
        return
    found = drawings[-1]
    number, geometry = str(found.get("properties", {}).get("id", "")), found.get("geometry")
    if not number or not geometry or number == st.session_state.get(_TAKEN):
        return
    st.session_state[_TAKEN] = number
    st.session_state[_DRAWN] = Drawing(number, geometry, str(st.session_state.get(_PURPOSE, "")))


def drawing_tools(purpose: str, *, kinds: Sequence[str] = ("line", "polygon")) -> folium.FeatureGroup:
    """Return the tools for the map; what is drawn with them is for this purpose."""
    st.session_state[_PURPOSE] = purpose
    taken, start = str(st.session_state.get(_TAKEN, "")), str(st.session_state.get(_START, ""))
    return overlay_group(drawing_overlay(language(), kinds=kinds, taken=taken, start=start))


def drawn(purpose: str) -> Drawing | None:
    """Return the last shape drawn for a purpose, until it is dropped."""
    drawing: Drawing | None = st.session_state.get(_DRAWN)
    return drawing if drawing is not None and drawing.purpose == purpose else None


def drop_drawing() -> None:
    """Forget the last shape."""
    st.session_state.pop(_DRAWN, None)


def begin_drawing(kind: str) -> None:
    """Let the map begin to draw a ``line`` or a ``polygon``, for a button of the page."""
    st.session_state[_START] = f"{kind}:{uuid4().hex[:8]}"
