"""What has happened to an incident: who did what and when, in whose words, with which pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from urllib.parse import quote

import streamlit as st

from app.widgets.frame import text
from app.widgets.wording import moment_text, unturned
from gridgov.errors import StorageError
from gridgov.i18n import Lang
from gridgov.model.incident_record import IncidentRecord
from gridgov.model.rights import Person
from gridgov.model.timeline import TimelineEntry
from gridgov.operations.incidents import person_name, timeline
from gridgov.workspace import Workspace

_CODE = re.compile(r"[\w.-]+")
_NAMELESS = {"system": "case.by_system", "public": "case.by_public"}


def draw_timeline(opened: Workspace, who: Person, record: IncidentRecord, lang: Lang) -> None:
    """Draw all events of an incident, the newest first."""
    try:
        entries = timeline(opened, who, record.id, lang)
    except StorageError:
        st.warning(text("console.store_lost"))
        return
    lines = "".join(_line(opened, record.id, entry) for entry in reversed(entries))
    st.html(f'<ol class="gg-timeline">{lines}</ol>')


def photos_html(incident_id: str, digests: Iterable[str]) -> str:
    """Return pictures of an incident as links to their full size."""
    folder = f"/api/v1/incidents/{quote(incident_id, safe='')}/photos"
    name = escape(text("case.photo"))
    return "".join(
        f'<a class="gg-photo" href="{folder}/{quote(digest, safe="")}" target="_blank">'
        f'<img src="{folder}/{quote(digest, safe="")}" alt="{name}" loading="lazy"></a>'
        for digest in digests
    )


def _line(opened: Workspace, incident_id: str, entry: TimelineEntry) -> str:
    by = text(_NAMELESS[entry.actor]) if entry.actor in _NAMELESS else person_name(opened, entry.actor)
    words = f"<q>{escape(unturned(entry.detail))}</q>" if entry.detail else ""
    return (
        f"<li><time>{escape(moment_text(entry.at))}</time> <b>{escape(_named(opened, entry.text))}</b> "
        f"<span>{escape(by)}</span>{words}{photos_html(incident_id, entry.photos)}</li>"
    )


def _named(opened: Workspace, sentence: str) -> str:
    """Return a sentence of the log with the names of workers where it has their codes."""
    return _CODE.sub(
        lambda found: person_name(opened, found[0]) if any(map(str.isdigit, found[0])) else found[0], sentence
    )
