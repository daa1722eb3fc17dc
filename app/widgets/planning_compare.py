"""Step three of a scenario: two scenarios compared: progress, the figures of both, three maps that move together."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from uuid import uuid4

import streamlit as st

from app.widgets.choices import remembered_select, told_apart
from app.widgets.frame import language, signed_in, text
from app.widgets.planning_changes import draft_groups
from app.widgets.planning_draft import draft, question_of, tried
from app.widgets.planning_export import export_buttons
from app.widgets.planning_map import PlanningMap, SmallMap, small_map
from app.widgets.planning_table import figures_table
from app.widgets.subjects import subject_name
from app.widgets.wording import unturned
from gridgov.errors import GridgovError
from gridgov.i18n import Lang
from gridgov.maps.scenario_overlays import linked_overlay
from gridgov.maps.time_overlays import time_legend
from gridgov.model.rights import Person
from gridgov.model.what_if import Scenario
from gridgov.operations.scenario_comparison import Comparison
from gridgov.operations.scenario_map import difference_overlay, run_overlay
from gridgov.operations.scenario_runs import ComparisonRun, comparison_run, start_comparison
from gridgov.operations.scenarios import scenarios_of
from gridgov.operations.what_if import unchanged
from gridgov.workspace import Workspace

BASE, DRAFT = "base", "draft"
_RUN, _CHANNEL, _SUBJECT = "planning_run", "planning_channel", "planning_subject"
_LOOK_AGAIN_S = 0.4


def compare_step(opened: Workspace, who: Person, show: PlanningMap) -> None:
    """Draw what is compared; then its progress; then figures and maps."""
    first, second = _choose(opened, who)
    run = _run(opened)
    running = run is not None and run.state == "running"
    st.button(
        text("planning.compare"), key="planning_compare", type="primary", width="stretch", disabled=running,
        on_click=_start, args=(opened, first, second),
    )  # fmt: skip
    if run is None:
        show(draft_groups(opened, who))
        st.caption(text("planning.compare_means"))
    elif run.found is not None:
        _result(opened, who, run, run.found, show)
    elif running:
        show(draft_groups(opened, who))
        _progress(opened, run.run_id)
    else:
        show(draft_groups(opened, who))
        _ended(run)


def _choose(opened: Workspace, who: Person) -> tuple[Scenario, Scenario]:
    """Draw the choice of the two; both are asked what the second is asked."""
    now = draft(opened, who)
    kept = {saved.scenario_id: saved.scenario for saved in scenarios_of(opened, who, any_changes=True)}
    names = told_apart({number: unturned(scenario.name) for number, scenario in kept.items()})
    names |= {BASE: text("planning.base"), DRAFT: text("planning.this_one", name=unturned(now.name))}
    left, right = st.columns(2, gap="small")
    options_a, options_b = [BASE, *kept, DRAFT], [DRAFT, *kept]
    remembered_select(left, text("planning.scenario_a"), options_a, name="planning_a", show=lambda one: names[one])
    remembered_select(right, text("planning.scenario_b"), options_b, name="planning_b", show=lambda one: names[one])
    a, b = str(st.session_state.get("planning_a", BASE)), str(st.session_state.get("planning_b", DRAFT))
    second = kept.get(b, now)
    asked = question_of(second)
    second = replace(second, question=asked)
    first = unchanged(second, text("planning.base")) if a not in {DRAFT, *kept} else kept.get(a, now)
    return replace(first, question=asked), second


def _start(opened: Workspace, first: Scenario, second: Scenario) -> None:
    run = tried(lambda: start_comparison(opened, signed_in(), first, second), hint="planning.cannot_compare")
    if run is not None:
        st.session_state[_RUN] = run.run_id
        run.wait(_LOOK_AGAIN_S)


def _run(opened: Workspace) -> ComparisonRun | None:
    known = str(st.session_state.get(_RUN, ""))
    if not known:
        return None
    try:
        return comparison_run(opened, signed_in(), known)
    except GridgovError:
        st.session_state.pop(_RUN, None)
        return None


@st.fragment(run_every=_LOOK_AGAIN_S)
def _progress(opened: Workspace, run_id: str) -> None:
    """Show how far it is; when it is over, the page shows the answer."""
    run = _run(opened)
    if run is None or run.run_id != run_id or run.state != "running":
        st.rerun()
    said = text("planning.stopping") if run.is_stopping else text(f"planning.stage_{run.stage}")
    st.progress(min(1.0, run.share), text=f"{said} · {run.elapsed_s:.0f} s")
    st.button(text("planning.stop"), key="planning_stop", on_click=run.stop, disabled=run.is_stopping, width="stretch")


def _ended(run: ComparisonRun) -> None:
    if run.state == "stopped":
        st.info(text("planning.stopped"))
        return
    detail = f" {run.error}" if language() == "en" else ""
    st.html(f'<p class="gg-said bad" role="alert">{escape(text("planning.failed") + detail)}</p>')


def _result(opened: Workspace, who: Person, run: ComparisonRun, found: Comparison, show: PlanningMap) -> None:
    question = question_of(found.second.scenario)
    remembered_select(
        st.container(), text("planning.shown"), list(question.near), name=_SUBJECT,
        show=lambda of: subject_name(opened, of),
    )  # fmt: skip
    kept = str(st.session_state.get(_SUBJECT, ""))
    subject = kept if kept in question.near else question.near[0]
    _maps(opened, who, found, subject, show)
    _cautions(run, found)
    export_buttons(opened, who, found, subject)
    figures_table(found)


def _maps(opened: Workspace, who: Person, found: Comparison, subject: str, show: PlanningMap) -> None:
    lang = language()
    link = linked_overlay(str(st.session_state.setdefault(_CHANNEL, uuid4().hex)))
    first, second = (escape(unturned(run.scenario.name)) for run in (found.first, found.second))
    with show.place:
        left, right = st.columns(2, gap="small")
        for place, key, name, one in ((left, "map_a", f"A · {first}", found.first),
                                      (right, "map_b", f"B · {second}", found.second)):  # fmt: skip
            overlays = (*run_overlay(opened, who, one, subject, lang), link)
            small_map(opened, who, place, SmallMap(key, name, overlays, folded=True))
        st.html(_strip(found, lang))
        overlays = (*difference_overlay(opened, who, found, subject, lang), link)
        small_map(opened, who, st.container(), SmallMap("map_change", escape(text("planning.difference")), overlays))


def _strip(found: Comparison, lang: Lang) -> str:
    """Return the classes of minutes of the two maps as one line: their own legends are folded where they are small."""
    entries = "".join(
        f'<span><i style="background:{entry.color}"></i>{escape(entry.label)}</span>'
        for entry in time_legend(question_of(found.second.scenario).minutes, lang)
    )
    return f'<div class="gg-strip">{entries}</div>'


def _cautions(run: ComparisonRun, found: Comparison) -> None:
    """Say what the figures rest on where it is not what one would think."""
    said = [text("planning.took", s=f"{run.elapsed_s:.1f}")]
    st.caption(" · ".join(said))
    cautions = []
    if found.first.data_changed or found.second.data_changed:
        cautions.append(text("what_if.data_changed"))
    if found.first.scenario.base.at != found.second.scenario.base.at:
        cautions.append(text("planning.other_moment"))
    cautions += dict.fromkeys(each.message(language()) for each in (*found.first.findings, *found.second.findings))
    if not all(row.exact for row in found.differences):
        cautions.append(text("what_if.not_exact"))
    if found.second.scenario.closures == () == found.second.scenario.changes == found.first.scenario.closures:
        cautions.append(text("planning.nothing_differs"))
    for sentence in cautions:
        st.html(f'<p class="gg-caution">{escape(sentence)}</p>')
