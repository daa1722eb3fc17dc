"""Step three: shelters with their places: total against need, which not to use, places as they are; one clicked."""

from __future__ import annotations

from html import escape

import streamlit as st

from app.widgets.choices import told_apart
from app.widgets.emergency_impact import Line, lines_html, people
from app.widgets.emergency_plan import start_plan
from app.widgets.emergency_state import (
    Emergency,
    changed_places,
    choose_shelter,
    chosen_shelter,
    go_to,
    has_changes,
    set_out,
    set_places,
    shelters_out,
)
from app.widgets.frame import language, may_write, text
from app.widgets.wording import unturned
from gridgov.model.rights import Person, Right, may
from gridgov.operations.emergency import ShelterPlaces, shelter_list
from gridgov.operations.impact import impact_of
from gridgov.workspace import Workspace


def shelters_step(opened: Workspace, who: Person, emergency: Emergency) -> None:
    """Draw the step."""
    shelters = {each.shelter_id: each for each in shelter_list(opened, who)}
    if not shelters:
        st.info(text("emergency.no_shelters"))
        return
    struck, need = _struck_and_need(opened, who, emergency)
    if may(who, Right.EVACUATION_WRITE) and may_write():
        _changes(shelters)
    out, changed = set(shelters_out()), changed_places()
    places = {i: changed.get(i, each.places) for i, each in shelters.items()}
    usable = [i for i in shelters if i not in struck and i not in out]
    total = sum(places[i] or 0 for i in usable)
    unknown = sum(places[i] is None for i in usable)
    _balance(len(usable), total, need, unknown)
    st.html(lines_html([_line(shelters[i], places[i], struck, out, changed) for i in shelters], ""))


def shelter_card(opened: Workspace, who: Person, emergency: Emergency) -> None:
    """Draw the shelter that was clicked on the map: leave it out, change its places, plan again."""
    shelter = next((each for each in shelter_list(opened, who) if each.shelter_id == chosen_shelter()), None)
    if shelter is None:
        return
    struck, _ = _struck_and_need(opened, who, emergency)
    out, changed = set(shelters_out()), changed_places()
    name, value, more = _line(shelter, changed.get(shelter.shelter_id, shelter.places), struck, out, changed)
    with st.container(key="shelter_card", border=True):
        head, close = st.columns([0.86, 0.14], gap="small", vertical_alignment="top")
        more = f"<small>{escape(more)}</small>" if more else ""
        head.html(f'<div class="gg-shelter"><b>{escape(name)}</b> <span>{escape(value)}</span>{more}</div>')
        close.button("✕", key="close_shelter", help=text("emergency.close"), on_click=choose_shelter, args=("",))
        if may(who, Right.EVACUATION_WRITE) and may_write():
            _card_changes(opened, emergency, shelter, struck=shelter.shelter_id in struck)


def _card_changes(opened: Workspace, emergency: Emergency, shelter: ShelterPlaces, *, struck: bool) -> None:
    number, out = shelter.shelter_id, shelter.shelter_id in shelters_out()
    if not struck:
        left, right = st.columns(2, gap="small", vertical_alignment="bottom")
        now = changed_places().get(number, shelter.places)
        key = f"card-places-{number}-{now}"

        def keep() -> None:
            set_places(number, int(st.session_state[key]))

        left.number_input(text("emergency.places"), 0, 1_000_000, now or 0, 50, key=key, on_change=keep, disabled=out)
        code = "emergency.use_again" if out else "emergency.leave_out"
        right.button(
            text(code), key="shelter_out", on_click=set_out, args=(number,), kwargs={"out": not out}, width="stretch"
        )
    if has_changes() and emergency.hazard is not None:
        code = "emergency.plan_again" if emergency.plan is not None else "emergency.compute"
        if st.button(text(code), key="plan_again", type="primary", width="stretch"):
            start_plan(opened, emergency)
            choose_shelter("")
            go_to("plan")
            st.rerun()


def _struck_and_need(opened: Workspace, who: Person, emergency: Emergency) -> tuple[set[str], float | None]:
    if emergency.hazard is None:
        return set(), None
    impact = impact_of(opened, who, emergency.hazard_id).impact
    persons = impact.figures.get("persons")
    inside = set(impact.shelters["shelter_id"].astype(str)) if len(impact.shelters) else set()
    return inside, None if persons is None else persons.value


def _balance(count: int, total: int, need: float | None, unknown: int) -> None:
    """Say at once whether the places are enough, by number."""
    cells = [
        (text("emergency.places_usable"), f"{total:,}", text("emergency.in_shelters", n=f"{count:,}"), ""),
        (text("emergency.places_needed"), "–" if need is None else f"{round(need):,}", "", ""),
    ]
    st.html(
        '<div class="gg-cells">'
        + "".join(
            f'<div class="{on}"><span>{escape(name)}</span><b>{value}</b><small>{escape(more)}</small></div>'
            for name, value, more, on in cells
        )
        + "</div>"
    )
    if need is not None and round(need) > total:
        short = text("emergency.places_short", n=f"{round(need) - total:,}")
        st.html(f'<p class="gg-said bad" role="alert">{escape(short)}</p>')
    elif need is not None:
        st.html(f'<p class="gg-said">{escape(text("emergency.places_enough", n=f"{total - round(need):,}"))}</p>')
    if unknown:
        st.html(f'<p class="gg-caution">{escape(text("emergency.places_unknown", n=unknown))}</p>')


def _changes(shelters: dict[str, ShelterPlaces]) -> None:
    """Draw what is changed for the next plan; the layer stays as it is."""
    names = told_apart({i: unturned(each.name or i) for i, each in shelters.items()})

    def show(shelter_id: str) -> str:
        return names[shelter_id]

    key = f"shelters-out-{language()}"

    def keep() -> None:
        st.session_state["emergency_out"] = tuple(st.session_state[key])

    kept = [i for i in shelters_out() if i in shelters]
    if key in st.session_state and list(st.session_state[key]) != kept:  # changed on the map, or forgotten
        st.session_state[key] = kept
    given = {} if key in st.session_state else {"default": kept}
    st.multiselect(
        text("emergency.shelters_out"),
        list(shelters),
        format_func=show,
        key=key,
        on_change=keep,
        placeholder=text("emergency.choose_shelters"),
        **given,
    )
    with st.expander(text("emergency.change_places")):
        chosen = st.selectbox(
            text("emergency.shelter"), list(shelters), format_func=show, key=f"shelter-{language()}", index=None,
            placeholder=text("emergency.shelter"),
        )  # fmt: skip
        if chosen is None:
            return
        now = changed_places().get(chosen, shelters[chosen].places)
        number = st.number_input(text("emergency.places"), 0, 1_000_000, now or 0, 50, key=f"places-{chosen}")
        st.button(text("emergency.set_places"), key="set_places", on_click=set_places, args=(chosen, int(number)))


def _line(shelter: ShelterPlaces, places: int | None, struck: set[str], out: set[str], changed: dict[str, int]) -> Line:
    said = []
    if shelter.shelter_id in struck:
        said.append(f"✕ {text('emergency.shelter_struck')}")
    if shelter.shelter_id in out:
        said.append(f"✕ {text('emergency.shelter_out')}")
    if shelter.shelter_id in changed:
        said.append(text("emergency.places_changed", n="–" if shelter.places is None else f"{shelter.places:,}"))
    value = text("emergency.not_known") if places is None else people(places)
    return shelter.name or shelter.shelter_id, value, " · ".join(said)
