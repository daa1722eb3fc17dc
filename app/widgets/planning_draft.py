"""The scenario that is being put together: what it changes, what it is asked. A page loaded again goes on with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

import streamlit as st

from app.widgets.doing import say, sentence_of
from app.widgets.frame import language, session_token, signed_in, text, workspace
from gridgov.errors import GridgovError, InputError
from gridgov.model.changes import Change
from gridgov.model.closures import Closure
from gridgov.model.rights import Person
from gridgov.model.what_if import Question, Scenario
from gridgov.operations.open_drafts import keep_open_draft, open_draft_of
from gridgov.operations.scenario_drafts import new_scenario, with_change, with_other_change, without_change
from gridgov.workspace import Workspace

ROAD_PURPOSE, HAZARD_PURPOSE, SPLIT_PURPOSE = "planning-roads", "planning-hazard", "planning-split"
AREA_PURPOSE, NEW_AREA_PURPOSE = "planning-area", "planning-new-area"
_T = TypeVar("_T")
_DRAFT, _VERSION, _EDITED = "planning_draft", "planning_version", "planning_edited"


def draft(opened: Workspace, who: Person) -> Scenario:
    """Return the scenario: of this page, else what this sign-in had open; an empty one before anything was done."""
    kept: Scenario | None = st.session_state.get(_DRAFT) or open_draft_of(opened, who, session_token())
    if kept is None:
        kept = new_scenario(opened, who, text("planning.unnamed"))
    st.session_state[_DRAFT] = kept
    return kept


def draft_version() -> int:
    """Return a number that is new whenever another scenario is opened: inputs then begin anew."""
    return int(st.session_state.get(_VERSION, 0))


def set_draft(scenario: Scenario) -> None:
    """Go on with a scenario."""
    st.session_state[_DRAFT] = scenario
    _keep(scenario)


def open_draft(scenario: Scenario | None) -> None:
    """Begin with a scenario, or with an empty one."""
    st.session_state.pop(_DRAFT, None)
    end_edit()
    if scenario is not None:
        st.session_state[_DRAFT] = scenario
    _keep(scenario)
    st.session_state[_VERSION] = draft_version() + 1


def _keep(scenario: Scenario | None) -> None:
    """Remember the scenario for this sign-in; where that ended the page still has it, and says so at the next step."""
    with suppress(GridgovError):
        keep_open_draft(workspace(), signed_in(), session_token(), scenario)


def rename_draft(opened: Workspace, who: Person, name: str) -> None:
    """Give the scenario a name."""
    set_draft(replace(draft(opened, who), name=name.strip() or text("planning.unnamed")))


def add_change(opened: Workspace, make: Callable[[Scenario], Change | Closure], *, hint: str) -> bool:
    """Add a change, or put it in the place of the one that is edited; return whether it could be, else say why not."""

    def act() -> Scenario:
        who = signed_in()
        now, number = draft(opened, who), edited_number()
        change = make(now)
        if number is None:
            return with_change(opened, who, now, change)
        return with_other_change(opened, who, now, number, change)

    changed = tried(act, hint=hint)
    if changed is not None:
        set_draft(changed)
        end_edit()
    return changed is not None


def drop_change(opened: Workspace, number: int) -> None:
    """Take a change back."""
    changed = tried(
        lambda: without_change(opened, signed_in(), draft(opened, signed_in()), number), hint="planning.cannot_drop"
    )
    if changed is not None:
        set_draft(changed)
        end_edit()


def edited_number() -> int | None:
    """Return the number of the change that is edited; None: a new one is made."""
    number: int | None = st.session_state.get(_EDITED)
    return number


def edited_change(opened: Workspace, who: Person) -> Change | Closure | None:
    """Return the change that is edited."""
    number, now = edited_number(), draft(opened, who)
    changes = (*now.closures, *now.changes)
    return None if number is None or number >= len(changes) else changes[number]


def begin_edit(number: int) -> None:
    """Edit a change: the inputs hold its values until it is put in its place."""
    st.session_state[_EDITED] = number


def end_edit() -> None:
    """Leave the change as it is."""
    st.session_state.pop(_EDITED, None)


def edit_key() -> str:
    """Return what the keys of inputs end with, so that those of a change that is edited hold its own values."""
    number = edited_number()
    return "" if number is None else f"-e{number}"


def tried(act: Callable[[], _T], *, hint: str) -> _T | None:
    """Do something and return its result; None when it was refused, which the page then says, in English in detail."""
    try:
        return act()
    except GridgovError as error:
        detail = f" {error}" if isinstance(error, InputError) and language() == "en" else ""
        say(sentence_of(error, hint) + detail, good=False)
    return None


def question_of(scenario: Scenario) -> Question:
    """Return what a scenario is asked."""
    return scenario.question or Question()
