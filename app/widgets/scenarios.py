"""Named scenarios of closures: choose one, see what it would change, put it in force, remove it."""

from __future__ import annotations

import streamlit as st

from app.widgets.closure_effects import effects_groups, effects_panel
from app.widgets.doing import attempt, say, sentence_of
from app.widgets.frame import language, may_write, signed_in, text
from app.widgets.map_frame import Show
from app.widgets.wording import plain
from gridgov.errors import GridgovError
from gridgov.maps.closures import tip_of
from gridgov.model.rights import Person, Right, may
from gridgov.operations.closure_effects import closure_effects
from gridgov.operations.scenarios import SavedScenario, apply_scenario, remove_scenario
from gridgov.workspace import Workspace

_CHOSEN = "scenario_chosen"


def scenario_list(opened: Workspace, who: Person, scenarios: tuple[SavedScenario, ...], show: Show) -> None:
    """Draw the scenarios, or the one that is chosen with its effects, and the map."""
    known = {saved.scenario_id: saved for saved in scenarios}
    chosen = known.get(str(st.session_state.get(_CHOSEN, "")))
    if chosen is not None:
        _one(opened, who, chosen, show)
        return
    show([])
    if not known:
        st.info(text("roads.none_scenarios"))
        return
    with st.container(height=430, key="closures"):
        picked = st.radio(
            text("roads.group_scenarios"),
            list(known),
            index=None,
            format_func=lambda i: plain(known[i].name),
            captions=[text("roads.closures_in", n=len(saved.scenario.closures)) for saved in scenarios],
            label_visibility="collapsed",
            key=f"scenarios-{language()}",
            width="stretch",
        )
    if picked is not None:
        st.session_state[_CHOSEN] = picked
        st.rerun()


def _one(opened: Workspace, who: Person, saved: SavedScenario, show: Show) -> None:
    st.button(text("worklist.back"), key="clear", on_click=_forget)
    st.markdown(f"**{plain(saved.name)}**")
    lines = [" · ".join(tip_of(closure, language(), opened.timezone)) for closure in saved.scenario.closures]
    st.caption("  \n".join(plain(line) for line in lines))
    with st.container(key="scenario_buttons", horizontal=True, gap="small"):
        if may(who, Right.CLOSURE_WRITE):
            st.button(
                text("roads.apply_scenario"),
                key="apply_scenario",
                type="primary",
                on_click=_apply,
                args=(opened, saved),
                disabled=not may_write(),
            )
        if may(who, Right.SCENARIO_WRITE):
            st.button(
                text("roads.remove_scenario"),
                key="remove_scenario",
                on_click=_remove,
                args=(opened, saved),
                disabled=not may_write(),
            )
    try:
        effects = closure_effects(opened, who, scenario=saved.scenario)
    except GridgovError as error:
        show([])
        st.warning(sentence_of(error, "roads.cannot_close"))
        return
    slowed = all(not closure.closes for closure in saved.scenario.closures)
    show(effects_groups(opened, effects, None, slowed=slowed))
    effects_panel(opened, effects, of=saved.scenario_id)


def _forget() -> None:
    st.session_state.pop(_CHOSEN, None)
    for key in [str(key) for key in st.session_state if str(key).startswith("scenarios-")]:
        del st.session_state[key]


def _apply(opened: Workspace, saved: SavedScenario) -> None:
    done = attempt(lambda: apply_scenario(opened, signed_in(), saved.scenario_id), hint="roads.cannot_close")
    if done is not None:
        _forget()
        say(text("roads.done_applied", name=saved.name))


def _remove(opened: Workspace, saved: SavedScenario) -> None:
    if attempt(lambda: remove_scenario(opened, signed_in(), saved.scenario_id)) is not None:
        _forget()
        say(text("roads.done_removed", name=saved.name))
