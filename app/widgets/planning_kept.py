"""Keep a scenario under its name, open one that is kept, as a file out of here and into here."""

from __future__ import annotations

import re

import streamlit as st

from app.widgets.choices import told_apart
from app.widgets.doing import attempt, say
from app.widgets.frame import language, may_write, signed_in, text
from app.widgets.planning_changes import draft_groups
from app.widgets.planning_draft import draft, open_draft, set_draft, tried
from app.widgets.planning_map import PlanningMap
from app.widgets.wording import moment_text, unturned
from gridgov.model.rights import Person
from gridgov.operations.incidents import person_name
from gridgov.operations.scenario_drafts import scenario_file, scenario_from_bytes
from gridgov.operations.scenarios import SavedScenario, keep_scenario, remove_scenario, scenarios_of
from gridgov.workspace import Workspace

_FILE, _CHOSEN = "planning_file", "planning_kept"


def kept_step(opened: Workspace, who: Person, show: PlanningMap) -> None:
    """Draw the step and the map."""
    show(draft_groups(opened, who))
    st.button(
        text("planning.keep"), key="planning_keep", type="primary", on_click=_keep, args=(opened,),
        disabled=not may_write(), width="stretch",
    )  # fmt: skip
    now = draft(opened, who)
    st.download_button(
        text("planning.download"), lambda: scenario_file(opened, who, now), file_name=f"{file_stem(now.name)}.json",
        mime="application/json", key="planning_download", on_click="ignore", width="stretch",
    )  # fmt: skip
    _upload(opened)
    known = {saved.scenario_id: saved for saved in scenarios_of(opened, who, any_changes=True)}
    st.html(f'<div class="gg-list-head">{text("planning.kept", n=len(known))}</div>')
    if not known:
        st.caption(text("planning.none_kept"))
        return
    _choose(opened, known)


def file_stem(name: str) -> str:
    """Return a name that every system takes for a file."""
    return re.sub(r'[\\/:*?"<>|\s]+', "-", name).strip("-.")[:60] or "scenario"


def _keep(opened: Workspace) -> None:
    who = signed_in()
    kept = attempt(lambda: keep_scenario(opened, who, draft(opened, who)), hint="planning.cannot_keep")
    if kept is not None:
        set_draft(kept.scenario)
        say(text("planning.done_kept", name=kept.name))


def _upload(opened: Workspace) -> None:
    with st.container(key="planning_upload"):
        st.html(f"<style>.st-key-planning_upload {{ --gg-choose: '{text('planning.choose_file')}'; }}</style>")
        file = st.file_uploader(text("planning.upload"), type=["toml", "json"], key=f"planning-upload-{_uploads()}")
    if file is None:
        return
    st.session_state[_FILE] = _uploads() + 1  # an empty input for the next one
    opened_file = tried(
        lambda: scenario_from_bytes(opened, signed_in(), file.getvalue(), file.name), hint="planning.cannot_read"
    )
    if opened_file is not None:
        open_draft(opened_file)
        say(text("planning.done_opened", name=opened_file.name))
    st.rerun()


def _uploads() -> int:
    return int(st.session_state.get(_FILE, 0))


def _choose(opened: Workspace, known: dict[str, SavedScenario]) -> None:
    names = told_apart({number: unturned(saved.name) for number, saved in known.items()})
    chosen = st.selectbox(
        text("planning.kept_one"), list(known), format_func=lambda number: names[number],
        key=f"{_CHOSEN}-{language()}", label_visibility="collapsed",
    )  # fmt: skip
    saved = known[chosen]
    count = len(saved.scenario.closures) + len(saved.scenario.changes)
    who = person_name(opened, saved.by)
    st.caption(f"{text('planning.changes', n=count)} · {who} · {moment_text(saved.at)}")
    left, right = st.columns(2, gap="small")
    left.button(text("planning.open"), key="planning_open", on_click=_open, args=(saved,), width="stretch")
    right.button(
        text("planning.remove"), key="planning_forget", on_click=_remove, args=(opened, saved), width="stretch",
        disabled=not may_write(),
    )  # fmt: skip


def _open(saved: SavedScenario) -> None:
    open_draft(saved.scenario)
    say(text("planning.done_opened", name=saved.name))


def _remove(opened: Workspace, saved: SavedScenario) -> None:
    if attempt(lambda: remove_scenario(opened, signed_in(), saved.scenario_id)) is not None:
        say(text("planning.done_removed", name=saved.name))
