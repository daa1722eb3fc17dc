"""One incident, whole: facts, next step, photos, reporters, duplicates, and everything that has happened to it."""

from html import escape

import streamlit as st

from app.widgets.case import case_head, draw_case_facts
from app.widgets.case_parts import draw_duplicates, draw_photos, draw_reporters, draw_stages
from app.widgets.doing import show_said
from app.widgets.frame import language, may_write, person, text, workspace
from app.widgets.moves import more_moves, next_step, undo_bar
from app.widgets.place import place_rows
from app.widgets.timeline import draw_timeline
from app.widgets.wording import plain
from gridgov.errors import GridgovError, StorageError
from gridgov.operations.incidents import person_name, possible_moves, read_incident
from gridgov.operations.situation import place_facts

opened, lang, who = workspace(), language(), person()
incident_id = st.query_params.get("id", "").strip()
if not incident_id:
    st.info(text("console.no_incident_named"))
    st.page_link(st.session_state["map_page"], label=text("console.page_map"), query_params={"lang": lang})
    st.stop()
try:
    record = read_incident(opened, who, incident_id)
except StorageError:
    st.warning(text("console.store_lost"))
    st.stop()
except GridgovError:
    st.warning(text("console.unknown_incident", id=plain(incident_id[:40])))
    st.stop()

active, moves = may_write(), possible_moves(who, record)
left, right = st.columns([1.15, 1], gap="large")
with left, st.container(key="case"):
    case_head(opened, record)
    show_said()
    undo_bar(opened, record, moves, person_name(opened, record.handler), active=active)
    with st.container(key="actions"):
        next_step(opened, record, moves, active=active)
        more, on_map = st.columns(2, gap="small")
        with more:
            more_moves(opened, record, moves, active=active, redispatch_here=False)
        given = {"incident": record.id, "lang": lang}
        on_map.page_link(st.session_state["map_page"], label=text("case.on_map"), query_params=given)
    place = place_rows(opened, lang, place_facts(opened, record.lon, record.lat))
    draw_case_facts(opened, record, place[:-1])
    draw_photos(record)
    draw_reporters(opened, who, record, moves, active=active)
    draw_stages(opened, record)
    draw_duplicates(opened, record, moves, active=active)
with right:
    st.html(f'<h3 class="gg-h">{escape(text("case.timeline"))}</h3>')
    draw_timeline(opened, who, record, lang)
