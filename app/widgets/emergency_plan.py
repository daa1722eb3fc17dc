"""Step four: compute a plan, watch it get better, stop it; change a road or a shelter and compute again from there."""

from __future__ import annotations

from html import escape
from typing import Any

import folium
import streamlit as st

from app.widgets.doing import attempt, say
from app.widgets.drawing import begin_drawing, drawing_tools, drawn, drop_drawing
from app.widgets.emergency_result import result_panel
from app.widgets.emergency_state import (
    ROAD_PURPOSE,
    Emergency,
    changed_places,
    choose_plan,
    closed_edges,
    emergency_of,
    forget_changes,
    shelters_out,
)
from app.widgets.frame import language, may_write, signed_in, text
from gridgov.errors import GridgovError
from gridgov.maps.closures import draft_shapes
from gridgov.maps.overlays import Overlay, overlay_group
from gridgov.model.evacuation_words import hours_text
from gridgov.model.rights import Person, Right, may
from gridgov.operations.closure_map import lines_of_edges
from gridgov.operations.emergency import cut_edges, edge_array, plan_query
from gridgov.operations.evacuating import EvacuationRun, run_of, running, start_evacuation
from gridgov.workspace import Workspace

_RUN = "emergency_run"
_LOOK_AGAIN_S = 1.0
_MOBILISATION = ("at_once", "rayleigh", "logit")


def plan_step(opened: Workspace, who: Person, emergency: Emergency) -> list[folium.FeatureGroup]:
    """Draw the step and return what lies over the map."""
    if emergency.hazard is None:
        st.info(text("emergency.no_hazard"))
        return []
    if not (may(who, Right.EVACUATION_WRITE) and may_write()):
        result_panel(opened, who, emergency)
        return []
    run = running(opened, who)
    known = st.session_state.get(_RUN)
    if run is not None:
        st.session_state[_RUN] = run.run_id
        _progress(opened, run.run_id)
        return _closed_group(opened)
    if known:
        _ended(opened, str(known))
        emergency = emergency_of(opened, who)
    groups = _closed_group(opened)
    if emergency.plan is None:
        _compute_form(opened, emergency)
        return [*groups, drawing_tools(ROAD_PURPOSE)]
    result_panel(opened, who, emergency)
    with st.expander(text("emergency.replan"), expanded=_has_changes()):
        _compute_form(opened, emergency)
    return [*groups, drawing_tools(ROAD_PURPOSE)]


def take_road_drawing(opened: Workspace) -> None:
    """Take a line or an area drawn over roads: they are closed for the next plan."""
    drawing = drawn(ROAD_PURPOSE)
    if drawing is None:
        return
    drop_drawing()
    found = attempt(lambda: cut_edges(opened, drawing.geometry), hint="roads.cannot_close")
    if found:
        st.session_state["emergency_edges"] = tuple(sorted({*closed_edges(), *found}))
        say(text("emergency.roads_taken"))
    elif found is not None:
        say(text("emergency.no_roads_there"), good=False)


def _has_changes() -> bool:
    return bool(shelters_out() or changed_places() or closed_edges())


def _closed_group(opened: Workspace) -> list[folium.FeatureGroup]:
    """Return the roads that the next plan must not use."""
    if not closed_edges():
        return []
    lines = lines_of_edges(opened, edge_array(closed_edges()))
    return [overlay_group(Overlay("replan", shapes=(draft_shapes(lines, slowed=False),)))]


def _compute_form(opened: Workspace, emergency: Emergency) -> None:
    _change_lines()
    st.button(
        text("emergency.close_on_map"), key="close_on_map", on_click=begin_drawing, args=("line",), width="stretch"
    )
    with st.expander(text("emergency.parameters")):
        params = _parameters()
    code = "emergency.compute_again" if emergency.plan is not None else "emergency.compute"
    if st.button(text(code), key="compute_plan", type="primary", width="stretch"):
        given = {
            "params": params,
            "shelters_out": shelters_out(),
            "places": changed_places(),
            "closed_edges": closed_edges(),
            "replaces": emergency.plan_id,
        }
        run = attempt(
            lambda: start_evacuation(opened, signed_in(), plan_query(emergency.hazard_id, given)),
            hint="emergency.cannot_plan",
        )
        if run is not None:
            st.session_state[_RUN] = run.run_id
        st.rerun()


def _change_lines() -> None:
    """Say what is changed for the next plan, with one button that forgets it."""
    said = []
    if closed_edges():
        said.append(text("emergency.change_roads", n=len(closed_edges())))
    if shelters_out():
        said.append(text("emergency.change_out", n=len(shelters_out())))
    if changed_places():
        said.append(text("emergency.change_places_of", n=len(changed_places())))
    if said:
        st.html(f'<p class="gg-said">{escape(" · ".join(said))}</p>')
        st.button(text("emergency.forget_changes"), key="forget_changes", on_click=forget_changes)


def _parameters() -> dict[str, Any]:
    mode = st.segmented_control(
        text("emergency.travel"), ["drive", "walk"], default="drive", required=True, key=f"plan-mode-{language()}",
        format_func=lambda m: text(f"emergency.travel_{m}"),
    )  # fmt: skip
    left, right = st.columns(2, gap="small")
    routes = left.selectbox(
        text("emergency.routes"), [2, 1, 3, 0], key=f"plan-routes-{language()}",
        format_func=lambda n: str(n) if n else text("emergency.no_limit"),
    )  # fmt: skip
    occupancy = right.number_input(text("emergency.occupancy"), 1.0, 60.0, 2.5, 0.5, format="%g", key="plan-occupancy")
    limit = left.number_input(text("emergency.time_limit"), 5, 600, 60, 5, key="plan-limit")
    mobilisation = right.selectbox(
        text("emergency.mobilisation"), _MOBILISATION, key=f"plan-mobilisation-{language()}",
        format_func=lambda m: text(f"emergency.mobilisation_{m}"),
    )  # fmt: skip
    minutes = 30.0
    if mobilisation != "at_once":
        minutes = st.number_input(
            text("emergency.mobilisation_min"), 1.0, 600.0, 30.0, 5.0, format="%g", key="plan-ready"
        )
    cautious = st.checkbox(text("emergency.cautious"), key="plan-cautious")
    contraflow = st.checkbox(text("emergency.contraflow"), key="plan-contraflow", disabled=mode == "walk")
    return {
        "mode": mode,
        "max_routes_per_zone": routes or None,
        "occupancy_persons_per_vehicle": float(occupancy),
        "time_limit_s": float(limit),
        "mobilisation": mobilisation,
        "mobilisation_s": 60.0 * float(minutes),
        "capacity_factor": 0.7 if cautious else 1.0,
        "contraflow": bool(contraflow) and mode != "walk",
    }


@st.fragment(run_every=_LOOK_AGAIN_S)
def _progress(opened: Workspace, run_id: str) -> None:
    """Show every better answer as it comes; when it is done, the page shows the plan."""
    try:
        run = run_of(opened, signed_in(), run_id)
    except GridgovError:
        st.rerun()
    if run.state != "running":
        st.rerun()
    limit = max(1.0, run.query.params.time_limit_s)
    said = text("emergency.computing", s=f"{run.elapsed_s:.0f}", of=f"{limit:.0f}")
    st.progress(min(1.0, run.elapsed_s / limit), text=said)
    st.html(f'<div class="gg-answer" role="status">{escape(_so_far(run))}</div>{_steps_html(run)}')
    st.button(text("emergency.stop"), key="stop_plan", on_click=run.stop, type="primary", width="stretch")


def _so_far(run: EvacuationRun) -> str:
    """Return the best answer so far in words."""
    if not run.steps:
        return text("emergency.first_comes")
    step, lang = run.steps[-1], language()
    time = hours_text(step.clearance_time_s, lang)
    if step.gap is None or not step.lower_bound_s:
        return text("evacuate.first_answer", time=time)
    bound = hours_text(step.lower_bound_s, lang, down=True)
    return text("evacuate.promise", bound=bound, time=time, gap=f"{100 * step.gap:.1f}")


def _steps_html(run: EvacuationRun) -> str:
    lang = language()
    head = "".join(f"<th>{escape(text(f'emergency.step_{name}'))}</th>" for name in ("after", "time", "bound", "gap"))
    rows = "".join(
        f"<tr><td>{step.elapsed_s:.1f} s</td><td>{escape(hours_text(step.clearance_time_s, lang))}</td>"
        f"<td>{escape(hours_text(step.lower_bound_s, lang, down=True)) if step.lower_bound_s else '–'}</td>"
        f"<td>{'–' if step.gap is None else f'{100 * step.gap:.1f} %'}</td></tr>"
        for step in run.steps[-8:]
    )
    return f'<table class="gg-table">{"<tr>" + head + "</tr>"}{rows}</table>' if rows else ""


def _ended(opened: Workspace, run_id: str) -> None:
    """Take the result of a computation that is over."""
    st.session_state.pop(_RUN, None)
    try:
        run = run_of(opened, signed_in(), run_id)
    except GridgovError:
        return
    if run.kept is not None:
        choose_plan(run.kept.evacuation.evacuation_id)
        forget_changes()
    elif run.error:
        st.html(f'<p class="gg-said bad" role="alert">{escape(text("emergency.plan_failed"))}</p>')
        st.caption(escape(run.error))
