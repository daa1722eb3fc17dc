"""How far one comes from a place: click the map, choose the minutes, see the areas."""

from __future__ import annotations

import streamlit as st

from app.widgets.choices import kept_choice, remembered_select
from app.widgets.doing import sentence_of
from app.widgets.frame import language, text
from app.widgets.map_frame import Show
from app.widgets.selection import clicked
from app.widgets.wording import facts_html
from gridgov.errors import GridgovError
from gridgov.maps.overlays import overlay_group
from gridgov.maps.time_overlays import isochrone_overlay
from gridgov.model import TravelMode
from gridgov.model.rights import Person
from gridgov.operations.mapping import place_group
from gridgov.operations.reached_areas import ReachedAreas, reached_areas
from gridgov.workspace import Workspace

_USUAL_MINUTES = "5, 10, 15"
_DIRECTIONS = ("from", "to")


def isochrone_mode(opened: Workspace, who: Person, show: Show) -> None:
    """Draw what can be asked for, and the areas on the map."""
    minutes = _asked()
    place = clicked()
    if place is None:
        show([])
        st.info(text("map_coverage.click_a_place"))
        return
    mode = TravelMode(kept_choice("isochrone_mode") or TravelMode.DRIVE)
    direction = kept_choice("isochrone_direction") or _DIRECTIONS[0]
    here = [place_group(*place)]
    try:
        reached = reached_areas(
            opened, who, *place, minutes, mode=mode, direction="to" if direction == "to" else "from"
        )
    except GridgovError as error:
        show(here)
        st.warning(sentence_of(error, "map_coverage.cannot_reach"))
        return
    title = text(f"map_coverage.reach_{direction}", mode=text(f"dispatch.mode.{mode}"))
    show([overlay_group(isochrone_overlay(reached.areas, language(), title=title)), *here])
    _figures(reached)


def _asked() -> list[float]:
    """Draw minutes, travel mode and direction; return the minutes."""
    key = f"isochrone_minutes-{language()}"
    kept = str(st.session_state.get("isochrone_minutes", _USUAL_MINUTES))
    given = st.text_input(text("map_coverage.minutes_list"), value=kept, key=key)
    st.session_state["isochrone_minutes"] = given
    mode, direction = st.columns(2, gap="small")
    remembered_select(
        mode,
        text("console.filter_mode"),
        list(map(str, TravelMode)),
        name="isochrone_mode",
        show=lambda chosen: text(f"dispatch.mode.{chosen}"),
    )
    remembered_select(
        direction,
        text("map_coverage.direction"),
        list(_DIRECTIONS),
        name="isochrone_direction",
        show=lambda chosen: text(f"map_coverage.direction_{chosen}"),
    )
    return minutes_of(given)


def minutes_of(given: str) -> list[float]:
    """Return the numbers in a list that somebody typed, whatever stands between them; what is no number is left out."""
    found = []
    for part in given.replace("，", ",").replace("、", ",").replace(";", ",").replace(" ", ",").split(","):
        try:
            found.append(float(part))
        except ValueError:
            continue
    return sorted(set(found))


def _figures(reached: ReachedAreas) -> None:
    rows = "".join(
        f"<tr><td>{minutes:g}</td><td>{area:,.1f}</td><td>{roads:,.1f}</td></tr>"
        for minutes, area, roads in reached.sizes
    )
    heads = "".join(f"<th>{text(code)}</th>" for code in ("isochrone.minutes", "isochrone.area", "isochrone.roads"))
    st.html(f'<table class="gg-table"><tr>{heads}</tr>{rows}</table>')
    st.html(facts_html([("console.field_position", f"{reached.lon:.5f}, {reached.lat:.5f}")]))
    if reached.closures:
        st.caption(text("map_coverage.with_closures", n=f"{reached.closures:,}"))
