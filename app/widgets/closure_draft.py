"""A closure that is not in force yet: drawn, or taken from a hazard; its effects, and what to do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from app.widgets.closure_effects import effects_groups, effects_panel
from app.widgets.closure_times import begin_input, end_input
from app.widgets.doing import attempt, say, sentence_of
from app.widgets.drawing import drawn, drop_drawing
from app.widgets.frame import language, may_write, signed_in, text
from app.widgets.map_frame import Show
from gridgov.errors import GridgovError
from gridgov.model import TravelMode
from gridgov.model.rights import Person, Right, may
from gridgov.operations.closure_effects import ClosureEffects, closure_effects
from gridgov.operations.closures import ClosureDraft, close_roads
from gridgov.operations.scenarios import save_scenario
from gridgov.workspace import Workspace

PURPOSE = "closure"
_HAZARD = "closure_hazard"
_SLOWED_PERCENT = 30


@dataclass(frozen=True)
class Area:
    """What a closure is drawn from: a drawing, or a hazard."""

    id: str
    geometry: Mapping[str, Any]
    source: str = ""
    reason: str = ""


def area_of_closure() -> Area | None:
    """Return what was drawn last, or the hazard that was chosen; None: nothing."""
    drawing = drawn(PURPOSE)
    if drawing is not None:
        return Area(drawing.id, drawing.geometry)
    chosen: Area | None = st.session_state.get(_HAZARD)
    return chosen


def close_from(area: Area) -> None:
    """Begin a closure with the area of a hazard."""
    drop_drawing()
    st.session_state[_HAZARD] = area


def drop_area() -> None:
    """Forget the draft."""
    drop_drawing()
    st.session_state.pop(_HAZARD, None)
    for key in [str(key) for key in st.session_state if str(key).startswith("closing-")]:
        del st.session_state[key]


def draft_panel(opened: Workspace, who: Person, area: Area, show: Show) -> None:
    """Draw the effects of a draft at once, on the map and in the panel; under them what is to be said about it."""
    top = st.container(key="draft")
    draft = _asked(opened, area)
    try:
        effects = effects_of(opened, who, area, draft)
    except GridgovError as error:
        show([])
        top.warning(sentence_of(error, "roads.cannot_close"))
        _buttons(opened, who, area, draft, active=False)
        return
    show(effects_groups(opened, effects, area.geometry, slowed=draft.factor > 0))
    with top:
        effects_panel(opened, effects, of=area.id)
    _buttons(opened, who, area, draft, active=bool(effects.summary.edges))


def effects_of(opened: Workspace, who: Person, area: Area, draft: ClosureDraft) -> ClosureEffects:
    """Return the effects; the same draft on the same events is not worked out again."""
    key = (area.id, draft.factor, draft.modes, draft.valid_from, draft.valid_to, opened.store.head()[0])
    known = st.session_state.get("closure_effects")
    if known is None or known[0] != key:
        known = (key, closure_effects(opened, who, [draft]))
        st.session_state["closure_effects"] = known
    found: ClosureEffects = known[1]
    return found


def _asked(opened: Workspace, area: Area) -> ClosureDraft:
    """Draw what has to be known of a closure and return it as it stands."""
    with st.container(key="closing"):
        kind = _kind()
        percent = (
            0
            if kind == "closed"
            else st.slider(text("roads.percent"), 10, 90, _SLOWED_PERCENT, 10, key="closing-percent")
        )
        reason = st.text_input(
            text("roads.reason"),
            value=area.reason or None,
            key="closing-reason",
            placeholder=text("roads.reason_example"),
            label_visibility="collapsed",
        )
        with st.expander(text("roads.when_and_whom")):
            start, end = st.columns(2, gap="small")
            valid_from, valid_to = begin_input(opened, start), end_input(opened, end)
            modes = st.pills(
                text("roads.modes"),
                list(TravelMode),
                selection_mode="multi",
                default=list(TravelMode),
                format_func=lambda mode: text(f"dispatch.mode.{mode}"),
                key=f"closing-modes-{language()}",
            )
    return ClosureDraft(
        geometry=area.geometry,
        valid_from=valid_from,
        valid_to=valid_to,
        reason=reason or "",
        factor=percent / 100,
        source=area.source,
        modes=tuple(modes),
    )


def _kind() -> str:
    key = f"closing-kind-{language()}"
    chosen = st.segmented_control(
        text("roads.kind"),
        ["closed", "slowed"],
        default="closed",
        format_func=lambda kind: text(f"roads.{kind}"),
        key=key,
        required=True,
        width="stretch",
        label_visibility="collapsed",
    )
    return str(chosen)


def _buttons(opened: Workspace, who: Person, area: Area, draft: ClosureDraft, *, active: bool) -> None:
    ready = active and may_write()
    with st.container(key="closing_buttons", horizontal=True, gap="small"):
        if may(who, Right.CLOSURE_WRITE):
            st.button(
                text("roads.close"),
                key="close_roads",
                type="primary",
                on_click=_close,
                args=(opened, area, draft),
                disabled=not ready,
            )
        if may(who, Right.SCENARIO_WRITE):
            with st.popover(text("roads.keep_as_scenario"), disabled=not ready):
                st.text_input(text("roads.scenario_name"), key="closing-scenario")
                st.button(text("roads.keep"), key="keep_scenario", on_click=_keep, args=(opened, area, draft))
        st.button(text("roads.discard"), key="discard_closure", on_click=drop_area)


def _with_reason(draft: ClosureDraft) -> ClosureDraft:
    """Return the draft with the reason that is typed now: a press may come before the page was drawn with it."""
    return replace(draft, reason=str(st.session_state.get("closing-reason") or ""))


def _close(opened: Workspace, area: Area, draft: ClosureDraft) -> None:
    draft = _with_reason(draft)
    if not draft.reason.strip():
        say(text("roads.reason_needed"), good=False)
        return
    done = attempt(
        lambda: close_roads(opened, signed_in(), draft, idempotency_key=f"closure-{area.id}"), hint="roads.cannot_close"
    )
    if done is not None:
        drop_area()
        say(text("roads.done_closed", id=done[0].closure_id))


def _keep(opened: Workspace, area: Area, draft: ClosureDraft) -> None:
    draft = _with_reason(draft)
    name = str(st.session_state.get("closing-scenario") or "").strip()
    if not name:
        say(text("roads.name_needed"), good=False)
        return
    kept = attempt(
        lambda: save_scenario(opened, signed_in(), name, [draft], idempotency_key=f"scenario-{area.id}-{name}"),
        hint="roads.cannot_keep",
    )
    if kept is not None:
        drop_area()
        say(text("roads.done_kept", name=name))
