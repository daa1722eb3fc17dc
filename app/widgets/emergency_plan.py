"""Step four: compute a plan, watch it get better, stop it; change a road or a shelter and compute again from there."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import folium
import streamlit as st

from app.widgets.doing import attempt, say
from app.widgets.drawing import begin_drawing, drawn, drop_drawing
from app.widgets.emergency_result import cells_html, result_panel
from app.widgets.emergency_state import (
    ROAD_PURPOSE,
    Emergency,
    changed_places,
    choose_plan,
    closed_edges,
    drop_changes,
    forget_changes,
    has_changes,
    keep_params,
    kept_params,
    shelters_out,
)
from app.widgets.frame import language, may_write, signed_in, text
from gridgov.errors import GridgovError
from gridgov.maps.closures import draft_shapes
from gridgov.maps.overlays import Overlay, overlay_group
from gridgov.model.evacuation_words import hours_text
from gridgov.model.rights import Person, Right, may
from gridgov.operations.bus_input import MOST_BUSES
from gridgov.operations.closure_map import lines_of_edges
from gridgov.operations.emergency import cut_edges, edge_array, plan_query
from gridgov.operations.evacuation_runs import EvacuationRun, run_of, running, start_evacuation
from gridgov.workspace import Workspace

_RUN = "emergency_run"
_LOOK_AGAIN_S = 1.0
_MOBILISATION = ("at_once", "rayleigh", "logit")
_ROUTES = (2, 1, 3, 0)
_CAUTIOUS = 0.7
_SOON_S = 10.0


def plan_step(opened: Workspace, who: Person, emergency: Emergency) -> None:
    """Draw the step."""
    if emergency.hazard is None:
        st.info(text("emergency.no_hazard"))
        return
    if not (may(who, Right.EVACUATION_WRITE) and may_write()):
        result_panel(opened, who, emergency)
        return
    run = running(opened, who)
    if run is not None:
        st.session_state[_RUN] = run.run_id
        if run.hazard_id != emergency.hazard_id:
            st.caption(text("emergency.other_running", id=run.hazard_id))
        _progress(opened, run.run_id)
    elif emergency.plan is None:
        _compute_form(opened, emergency)
    else:
        result_panel(opened, who, emergency)
        with st.expander(text("emergency.replan"), expanded=has_changes()):
            _compute_form(opened, emergency)


def run_on_map(opened: Workspace, who: Person, emergency: Emergency) -> str:
    """Return the computation whose answers the map shows as they come; nothing where none runs for this hazard."""
    if emergency.hazard is None or not may(who, Right.EVACUATION_WRITE):
        return ""
    run = running(opened, who)
    return run.run_id if run is not None and run.hazard_id == emergency.hazard_id else ""


def watch_run(opened: Workspace, who: Person) -> None:
    """Show on the other steps that a plan is being computed."""
    run = running(opened, who) if may(who, Right.EVACUATION_WRITE) else None
    if run is not None:
        st.session_state[_RUN] = run.run_id
        _bar(opened, run.run_id)


def start_plan(opened: Workspace, emergency: Emergency) -> None:
    """Begin to compute a plan with what is changed, from the present plan if there is one."""
    given = kept_params()
    asked = {
        "params": {name: value for name, value in given.items() if name != "buses"},
        "buses": given.get("buses", 0),
        "shelters_out": shelters_out(),
        "places": changed_places(),
        "closed_edges": closed_edges(),
        "replaces": emergency.plan_id,
    }
    run = attempt(
        lambda: start_evacuation(opened, signed_in(), plan_query(emergency.hazard_id, asked)),
        hint="emergency.cannot_plan",
    )
    if run is not None:
        st.session_state[_RUN] = run.run_id


def take_run_end(opened: Workspace) -> None:
    """Take the result of a computation that is over."""
    known = str(st.session_state.get(_RUN, ""))
    if not known:
        return
    try:
        run = run_of(opened, signed_in(), known)
    except GridgovError:
        st.session_state.pop(_RUN, None)
        return
    if run.state == "running":
        return
    st.session_state.pop(_RUN, None)
    if run.kept is not None:
        choose_plan(run.kept.evacuation.evacuation_id)
    elif run.error:
        detail = f" {run.error}" if language() == "en" else ""
        say(text("emergency.plan_failed") + detail, good=False)


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


def closed_group(opened: Workspace) -> list[folium.FeatureGroup]:
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
        keep_params(_parameters(emergency))
    code = "emergency.compute_again" if emergency.plan is not None else "emergency.compute"
    if st.button(text(code), key="compute_plan", type="primary", width="stretch"):
        start_plan(opened, emergency)
        st.rerun()


def _change_lines() -> None:
    """Say what is changed for the next plan; take back what the shown plan does not have, else what it has."""
    said = []
    if closed_edges():
        said.append(text("emergency.change_roads", n=len(closed_edges())))
    if shelters_out():
        said.append(text("emergency.change_out", n=len(shelters_out())))
    if changed_places():
        said.append(text("emergency.change_places_of", n=len(changed_places())))
    if said:
        st.html(f'<p class="gg-said">{escape(" · ".join(said))}</p>')
    if has_changes():
        st.button(text("emergency.forget_changes"), key="forget_changes", on_click=forget_changes)
    elif said:
        st.button(text("emergency.drop_changes"), key="drop_changes", on_click=drop_changes)


def _parameters(emergency: Emergency) -> dict[str, Any]:
    """Draw what a plan is computed with; it begins with what was chosen last, else with that of the present plan."""
    known = kept_params()
    if not known and emergency.plan is not None:
        query = emergency.plan.evacuation.query
        known = {**query.get("params", {}), "buses": (query.get("buses") or {}).get("vehicles", 0)}
    mode = st.segmented_control(
        text("emergency.travel"), ["drive", "walk"], required=True, key=f"plan-mode-{language()}",
        default=known.get("mode", "drive"), format_func=lambda m: text(f"emergency.travel_{m}"),
    )  # fmt: skip
    walks = mode == "walk"
    left, right = st.columns(2, gap="small")
    routes = left.selectbox(
        text("emergency.routes"), _ROUTES, key=f"plan-routes-{language()}",
        index=_position(_ROUTES, known.get("max_routes_per_zone", 2) or 0),
        format_func=lambda n: str(n) if n else text("emergency.no_limit"),
    )  # fmt: skip
    people = float(known.get("occupancy_persons_per_vehicle", 2.5))
    occupancy = right.number_input(
        text("emergency.occupancy"), 1.0, 60.0, people, 0.5, format="%g", key="plan-occupancy", disabled=walks
    )
    seconds = int(known.get("time_limit_s", 60))
    limit = left.number_input(text("emergency.time_limit"), 5, 600, min(max(seconds, 5), 600), 5, key="plan-limit")
    mobilisation = right.selectbox(
        text("emergency.mobilisation"), _MOBILISATION, key=f"plan-mobilisation-{language()}",
        index=_position(_MOBILISATION, known.get("mobilisation", "at_once")),
        format_func=lambda m: text(f"emergency.mobilisation_{m}"),
    )  # fmt: skip
    minutes = float(known.get("mobilisation_s", 1800.0)) / 60.0
    if mobilisation != "at_once":
        minutes = st.number_input(
            text("emergency.mobilisation_min"), 1.0, 600.0, minutes, 5.0, format="%g", key="plan-ready"
        )
    buses = st.number_input(
        text("emergency.buses"), 0, MOST_BUSES, int(known.get("buses", 0)), 5, key="plan-buses", disabled=walks
    )
    cautious = st.checkbox(text("emergency.cautious"), known.get("capacity_factor", 1.0) < 1.0, key="plan-cautious")
    contraflow = st.checkbox(
        text("emergency.contraflow"), bool(known.get("contraflow")), key="plan-contraflow", disabled=walks
    )
    return {
        "mode": mode,
        "max_routes_per_zone": routes or None,
        "occupancy_persons_per_vehicle": float(occupancy),
        "time_limit_s": float(limit),
        "mobilisation": mobilisation,
        "mobilisation_s": 60.0 * float(minutes),
        "capacity_factor": _CAUTIOUS if cautious else 1.0,
        "contraflow": bool(contraflow) and not walks,
        "buses": 0 if walks else int(buses),
    }


def _position(options: Sequence[Any], value: Any) -> int:
    return options.index(value) if value in options else 0


@st.fragment(run_every=_LOOK_AGAIN_S)
def _progress(opened: Workspace, run_id: str) -> None:
    """Show every better answer as it comes; when it is done, the page shows the plan."""
    run = _still_running(opened, run_id)
    _time_bar(run)
    if run.steps:
        st.html(_numbers_so_far(run))
    st.html(f'<div class="gg-answer" role="status">{escape(_so_far(run))}</div>{_steps_html(run)}')
    st.button(
        text("emergency.stop"), key="stop_plan", on_click=run.stop, type="primary", width="stretch",
        disabled=run.is_stopping,
    )  # fmt: skip


@st.fragment(run_every=_LOOK_AGAIN_S)
def _bar(opened: Workspace, run_id: str) -> None:
    _time_bar(_still_running(opened, run_id))


def _still_running(opened: Workspace, run_id: str) -> EvacuationRun:
    """Return a computation that runs; when it is over, the whole page is drawn anew."""
    try:
        run = run_of(opened, signed_in(), run_id)
    except GridgovError:
        st.rerun()
    if run.state != "running":
        st.rerun()
    return run


def _time_bar(run: EvacuationRun) -> None:
    limit = max(1.0, run.query.params.time_limit_s)
    said = text("emergency.computing", s=f"{min(run.elapsed_s, limit):.0f}", of=f"{limit:.0f}")
    if run.elapsed_s > limit or run.is_stopping:
        said = text("emergency.finishing")
    st.progress(min(1.0, run.elapsed_s / limit), text=said)


def _numbers_so_far(run: EvacuationRun) -> str:
    step, lang = run.steps[-1], language()
    bound = hours_text(step.lower_bound_s, lang, down=True) if step.lower_bound_s else "–"
    gap = "" if step.gap is None else f"+{100 * step.gap:.1f} %"
    return cells_html(
        [
            (text("emergency.clearance"), hours_text(step.clearance_time_s, lang), ""),
            (text("emergency.bound"), bound, gap),
            (text("emergency.left_behind"), f"{round(step.unmet_persons):,}", ""),
        ]
    )


def _so_far(run: EvacuationRun) -> str:
    """Return the best answer so far in words."""
    if not run.steps:
        return text("emergency.first_comes" if run.elapsed_s < _SOON_S else "emergency.first_later")
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
