"""The nearest workers for the selection: who, when, which way, and why not somebody else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.widgets.choices import ANY, kept_choice, remembered_rank, remembered_select, skill_name
from app.widgets.frame import language, text
from app.widgets.selection import Selection
from app.widgets.wording import plain
from gridgov.errors import RightsError
from gridgov.i18n import Lang
from gridgov.maps import rank_colour
from gridgov.model import DispatchOption, DispatchPlan, TravelMode
from gridgov.model.overrides import Proposal
from gridgov.model.rights import Person, Right, may
from gridgov.operations.dispatching import dispatch_at, dispatch_to, need_of, skills_of
from gridgov.workspace import Workspace


def ask_dispatch(opened: Workspace, who: Person, selection: Selection) -> DispatchPlan | None:
    """Return the plan for a place, by the filters as they stand; None in a workspace without roads."""
    if not opened.has_network:
        st.info(text("console.no_roads"))
        return None
    try:
        return _dispatch(opened, who, selection)
    except RightsError:
        st.info(text("case.outside_area"))
        return None


def asked_dispatch(opened: Workspace, who: Person, selection: Selection) -> DispatchPlan | None:
    """Return the plan as `ask_dispatch` does, without a word where there is none."""
    if not opened.has_network or not may(who, Right.DISPATCH_PLAN):
        return None
    with suppress(RightsError):
        return _dispatch(opened, who, selection)
    return None


def _dispatch(opened: Workspace, who: Person, selection: Selection) -> DispatchPlan:
    skill, mode = kept_choice("skill"), kept_choice("mode")
    skills, modes = [skill] if skill else [], [mode] if mode else None
    if selection.incident_id is None:
        return dispatch_at(opened, who, selection.lon, selection.lat, skills=skills, modes=modes)
    any_skill = bool(st.session_state.get("any_skill"))
    return dispatch_to(opened, who, selection.incident_id, skills=skills, modes=modes, any_skill=any_skill)


def needed_skills(opened: Workspace, class_code: str) -> str:
    """Say what skill the class of an incident needs, where it needs any and the filters do not say otherwise."""
    need = need_of(opened, class_code)
    if not need.skills or kept_choice("skill") or st.session_state.get("any_skill"):
        return ""
    return text("override.needs", skills=" · ".join(skill_name(skill) for skill in need.skills))


def proposal_of(plan: DispatchPlan) -> Proposal:
    """Return what a plan proposes, with the time of whoever is chosen."""
    best, chosen = plan.options[0], plan.options[chosen_rank(plan) - 1]
    return Proposal(best.worker_id, best.travel_time_ms, chosen.travel_time_ms)


def chosen_rank(plan: DispatchPlan) -> int:
    """Return the rank whose route is drawn strong."""
    return min(int(st.session_state.get("rank") or 1), max(len(plan.options), 1))


def dispatch_title(option: DispatchOption) -> str:
    """Return what the button says that sends this worker."""
    return text("case.dispatch_to", name=plain(option.name or option.worker_id), time=_minutes(option.travel_time_ms))


def workers_panel(
    opened: Workspace,
    plan: DispatchPlan,
    lang: Lang,
    *,
    on_zoom: Callable[[], None],
) -> None:
    """Draw the workers who can go, the chosen one's route in words, and who was left out."""
    for note in plan.note_texts(lang):
        st.warning(note)
    if plan.speeds is not None:
        st.caption(plan.speeds.text(lang))
    if plan.options:
        chosen = chosen_rank(plan)
        option = plan.options[chosen - 1]
        ranks, zoom, narrow = st.columns([2.2, 0.6, 1.1], gap="small", vertical_alignment="bottom")
        remembered_rank(ranks, text("case.choose_worker"), [o.rank for o in plan.options], chosen=chosen)
        zoom.button(text("console.zoom_to_routes"), key="zoom_to", on_click=on_zoom, width="stretch")
        _narrow(opened, narrow)
        st.html(
            '<div class="gg-workers">' + "".join(_worker_line(o, o.rank == chosen) for o in plan.options) + "</div>"
        )
        with st.expander(text("console.route_of", name=plain(option.name))):
            st.html(
                '<ol class="gg-steps">'
                + "".join(f"<li>{escape(s.text(lang))}</li>" for s in option.directions)
                + "</ol>"
            )
    else:
        _narrow(opened, st.container())
    _left_out(plan, lang)


def _narrow(opened: Workspace, place: DeltaGenerator) -> None:
    """Draw the filters of workers, folded away."""
    with place.popover(text("worklist.filters"), width="stretch"):
        skills, modes = [ANY, *skills_of(opened)], [ANY, *map(str, TravelMode)]
        remembered_select(st.container(), text("console.filter_skill"), skills, name="skill", show=skill_name)
        remembered_select(st.container(), text("console.filter_mode"), modes, name="mode", show=_mode_name)
        kept = bool(st.session_state.get("any_skill"))
        key = f"any_skill-{language()}"
        st.checkbox(text("override.any_skill"), value=kept, key=key, on_change=_keep_any_skill, args=(key,))


def _keep_any_skill(key: str) -> None:
    st.session_state["any_skill"] = bool(st.session_state[key])


def _worker_line(option: DispatchOption, strong: bool) -> str:
    later = "" if option.rank == 1 else f"<em>+{_minutes(option.behind_ms)}</em>"
    skills = " · ".join(skill_name(skill) for skill in option.skills)
    return (
        f'<div class="gg-worker{" on" if strong else ""}">'
        f'<i style="background:{rank_colour(option.rank)}">{option.rank}</i>'
        f"<div><b>{escape(option.name or option.worker_id)}</b> <span>{escape(text(f'dispatch.mode.{option.mode}'))} · "
        f"{option.length_m / 1000:.1f} km</span><small>{escape(skills)}</small></div>"
        f"<strong>{_minutes(option.travel_time_ms)}</strong>{later}</div>"
    )


def _left_out(plan: DispatchPlan, lang: Lang) -> None:
    nearer = [e for e in plan.exclusions if e.travel_time_ms is not None]
    counts: dict[str, int] = {}
    for exclusion in plan.exclusions:
        counts[exclusion.reason] = counts.get(exclusion.reason, 0) + 1
    if plan.considered:
        st.caption(text("console.candidates", candidates=f"{plan.candidates:,}", considered=f"{plan.considered:,}"))
    if not counts:
        return
    with st.expander(text("console.left_out", count=f"{len(plan.exclusions):,}")):
        lines = [
            text(
                "console.nearer", name=e.name or e.worker_id, time=_minutes(e.travel_time_ms or 0), reason=e.text(lang)
            )
            for e in nearer[:5]
        ]
        lines += [
            f"{text(f'console.reason_{reason}')}: {count}"
            for reason, count in sorted(counts.items(), key=lambda c: -c[1])
        ]
        st.html('<ul class="gg-steps">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>")


def _minutes(milliseconds: int) -> str:
    seconds = round(milliseconds / 1000)
    return f"{seconds // 60}:{seconds % 60:02d}"


def _mode_name(mode: str) -> str:
    return text("console.any") if mode == ANY else text(f"dispatch.mode.{mode}")
