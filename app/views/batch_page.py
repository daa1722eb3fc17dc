"""Assign all: the best plan for all filed incidents, why, and sending it in one go."""

from __future__ import annotations

import streamlit as st

from app.widgets.batch import ask_plan, plan_head, plan_table
from app.widgets.batch_changes import change_panel
from app.widgets.batch_sending import results_panel, send_bar
from app.widgets.doing import show_said
from app.widgets.frame import may_write, person, text, workspace
from app.widgets.override_records import override_records
from gridgov.model.rights import Right, may

opened, who = workspace(), person()
st.page_link(st.session_state["map_page"], label=text("batch.to_map"))
if not (may(who, Right.DISPATCH_PLAN) and may(who, Right.INCIDENT_DISPATCH)):
    st.info(text("case.error_rights"))
    st.stop()
st.html(f'<div class="gg-head"><b>{text("batch.title")}</b></div>')
show_said()
results_panel(opened, who, active=may_write())
plan = ask_plan(opened, who)
if plan is not None:
    plan_head(plan)
    table, aside = st.columns([0.68, 0.32], gap="medium")
    with table:
        chosen = plan_table(opened, plan)
        send_bar(opened, plan, chosen, active=may_write())
    with aside:
        change_panel(opened, who, plan)
override_records(opened, who)
