"""The closures on the books: those that hold, are planned, are over; one chosen: its facts, zoom, open again."""

from __future__ import annotations

from collections import Counter
from html import escape

import folium
import streamlit as st

from app.widgets.closure_draft import Area, close_from
from app.widgets.closure_effects import effects_groups, effects_panel
from app.widgets.doing import attempt, say, sentence_of
from app.widgets.frame import language, may_write, signed_in, text
from app.widgets.map_frame import Show
from app.widgets.scenarios import scenario_list
from app.widgets.selection import ask_zoom, clicked, forget_click
from app.widgets.wording import facts_html, plain
from gridgov.errors import GridgovError
from gridgov.maps.closures import LAYER, interval_text, tip_of
from gridgov.maps.overlays import Overlay, overlay_group
from gridgov.model.closures import Closure
from gridgov.model.rights import Person, Right, may
from gridgov.operations.closure_effects import closure_effects
from gridgov.operations.closure_map import Hazard, ListedClosure, RoadsSize, closure_near, hazard_areas, listed_closures
from gridgov.operations.closures import closures_of, reopen_roads
from gridgov.operations.scenarios import scenarios_of
from gridgov.workspace import Workspace

_CHOSEN, _GROUP = "closure_chosen", "closure_group"
SCENARIOS = "scenarios"
GROUPS = ("holding", "planned", "past", SCENARIOS)
_CLICK_M = 40.0


def refreshed_closures(opened: Workspace, who: Person) -> folium.FeatureGroup:
    """Return what makes the browser ask for the closures again as soon as others hold."""
    holding = closures_of(opened, who, opened.now()).closures
    return overlay_group(Overlay("closures", refresh=LAYER, state=",".join(c.closure_id for c in holding)))


def closure_list(opened: Workspace, who: Person, show: Show) -> None:
    """Draw the list, or the closure that is chosen, and the map."""
    rows = {row.closure.closure_id: row for row in listed_closures(opened, who)}
    _take_click(opened, who)
    chosen = rows.get(str(st.session_state.get(_CHOSEN, "")))
    if chosen is None:
        st.session_state.pop(_CHOSEN, None)
    else:
        _one(opened, who, chosen, show)
        return
    scenarios = scenarios_of(opened, who)
    counts = Counter(row.group for row in rows.values()) + Counter({SCENARIOS: len(scenarios)})
    group = _choose_group(counts)
    if group == SCENARIOS:
        scenario_list(opened, who, scenarios, show)
        return
    show([])
    shown = {i: row for i, row in rows.items() if row.group == group}
    if not shown:
        st.info(text(f"roads.none_{group}"))
        return
    with st.container(height=430, key="closures"):
        picked = st.radio(
            text("roads.layer"),
            list(shown),
            index=None,
            format_func=lambda i: plain(_first_line(shown[i].closure)),
            captions=[_second_line(opened, row) for row in shown.values()],
            label_visibility="collapsed",
            key=f"closures-{language()}",
            width="stretch",
        )
    if picked is not None:
        st.session_state[_CHOSEN] = picked
        st.rerun()


def hazard_choice(opened: Workspace, who: Person) -> None:
    """Draw the choice of a hazard whose area is to be closed; nothing where there is none with an area."""
    hazards = hazard_areas(opened, who)
    with st.popover(text("roads.from_hazard"), width="stretch", disabled=not hazards):
        known = {hazard.hazard_id: hazard for hazard in hazards}
        chosen = st.selectbox(
            text("roads.hazard"),
            list(known),
            index=None,
            format_func=lambda i: plain(_hazard_name(known[i])),
            placeholder=text("roads.hazard"),
            key=f"hazard-{language()}",
        )
        if chosen is not None:
            hazard = known[chosen]
            area = Area(f"hazard-{chosen}", hazard.geometry, source=chosen, reason=_hazard_name(hazard))
            st.button(text("roads.show_effects"), key="from_hazard", on_click=close_from, args=(area,), type="primary")


def _hazard_name(hazard: Hazard) -> str:
    return (
        " · ".join(part for part in (hazard.name, hazard.category_names.get(language(), "")) if part)
        or hazard.hazard_id
    )


def _choose_group(counts: Counter[str]) -> str:
    key = f"{_GROUP}-{language()}"
    chosen = str(st.session_state.get(_GROUP, GROUPS[0]))

    def keep() -> None:
        st.session_state[_GROUP] = st.session_state[key]

    given = {} if key in st.session_state else {"default": chosen}
    st.segmented_control(
        text("roads.layer"),
        list(GROUPS),
        format_func=lambda g: f"{text(f'roads.group_{g}')} {counts[g]}",
        key=key,
        required=True,
        on_change=keep,
        label_visibility="collapsed",
        width="stretch",
        **given,
    )
    return chosen


def _first_line(closure: Closure) -> str:
    sign = "⊖" if closure.closes else "≈"
    return f"{sign} {closure.reason or text('roads.no_reason')}"


def _second_line(opened: Workspace, row: ListedClosure) -> str:
    kilometres = row.size.length_m / 1000
    what = tip_of(row.closure, language(), opened.timezone)[0]
    return plain(f"{what} · {kilometres:.1f} km · {interval_text(row.closure, language(), opened.timezone)}")


def is_chosen() -> bool:
    """Return whether a closure of the list is open."""
    return bool(st.session_state.get(_CHOSEN))


def _take_click(opened: Workspace, who: Person) -> None:
    """Choose the closure that was clicked on the map."""
    place = clicked()
    if place is None:
        return
    forget_click()
    found = closure_near(opened, who, *place, within_m=_CLICK_M)
    if found is not None:
        st.session_state[_CHOSEN] = found


def _forget() -> None:
    st.session_state.pop(_CHOSEN, None)
    for key in [str(key) for key in st.session_state if str(key).startswith("closures-")]:
        del st.session_state[key]


def _one(opened: Workspace, who: Person, row: ListedClosure, show: Show) -> None:
    """Draw a closure: facts, findings, zoom, open again; on demand what opening it would change."""
    closure, size = row.closure, row.size
    st.button(text("worklist.back"), key="clear", on_click=_forget)
    st.html(f'<div class="gg-head"><b>{escape(_first_line(closure))}</b></div>')
    _facts(opened, closure, size)
    for finding in row.findings:
        st.warning(plain(finding.message(language())))
    holds = row.group == "holding"
    zoom, effects = st.columns(2, gap="small", vertical_alignment="center")
    zoom.button(
        text("roads.zoom"),
        key="zoom_closure",
        on_click=_zoom,
        args=(size,),
        width="stretch",
        disabled=size.view is None,
    )
    if may(who, Right.CLOSURE_WRITE):
        _reopening(opened, closure)
    if not effects.toggle(text("roads.if_opened"), key="if_opened", disabled=not holds) or not holds:
        show([])
        return
    try:
        found = closure_effects(opened, who, reopened=[closure.closure_id])
    except GridgovError as error:
        show([])
        st.warning(sentence_of(error, "roads.cannot_close"))
        return
    show(effects_groups(opened, found, closure.geometry, slowed=not closure.closes))
    effects_panel(opened, found)


def _facts(opened: Workspace, closure: Closure, size: RoadsSize) -> None:
    rows = [
        ("roads.what", tip_of(closure, language(), opened.timezone)[0]),
        ("roads.when", interval_text(closure, language(), opened.timezone)),
        ("roads.roads", text("roads.length", km=f"{size.length_m / 1000:,.1f}", n=f"{size.streets:,}")),
        ("roads.modes", " · ".join(text(f"dispatch.mode.{mode}") for mode in closure.modes)),
        ("roads.source", closure.source),
        ("roads.number", closure.closure_id),
    ]
    st.html(facts_html(rows))


def _zoom(size: RoadsSize) -> None:
    if size.view is not None:
        ask_zoom(size.view)


def _reopening(opened: Workspace, closure: Closure) -> None:
    with st.container(key="reopening"):
        st.text_input(
            text("roads.reopen_reason"), key=_reason_key(closure.closure_id), placeholder=text("roads.reopen_example")
        )
        st.button(
            text("roads.reopen"),
            key="reopen_roads",
            type="primary",
            on_click=_reopen,
            args=(opened, closure.closure_id),
            disabled=not may_write(),
            width="stretch",
        )


def _reason_key(closure_id: str) -> str:
    return f"reopen-{closure_id}"


def _reopen(opened: Workspace, closure_id: str) -> None:
    reason = str(st.session_state.get(_reason_key(closure_id)) or "")  # what is typed now, drawn or not
    if not reason.strip():
        say(text("roads.reason_needed"), good=False)
        return
    if attempt(lambda: reopen_roads(opened, signed_in(), closure_id, reason=reason), hint="roads.cannot_reopen"):
        _forget()
        say(text("roads.done_reopened", id=closure_id))
