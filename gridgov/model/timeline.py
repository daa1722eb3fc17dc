"""办理经过: the events of an incident as entries for people, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gridgov.i18n import Lang, label
from gridgov.model.events import Event

_DETAILS = ("reason", "note", "text")  # where the free text of an event stands


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of a timeline: what happened, the words that somebody wrote to it, and its photos.

    `detail` is what a person wrote: show it as text, never as markup.
    """

    seq: int
    at: datetime
    actor: str
    text: str
    detail: str = ""
    photos: tuple[str, ...] = ()


def timeline_entry(event: Event, lang: Lang) -> TimelineEntry:
    """Return an event of an incident as an entry of its timeline."""
    given = event.payload
    detail = next((str(given[name]) for name in _DETAILS if given.get(name)), "")
    return TimelineEntry(
        event.seq, event.at, event.actor, _sentence(event, lang), detail, tuple(given.get("photos") or ())
    )


def _sentence(event: Event, lang: Lang) -> str:
    given, name = event.payload, event.kind.partition(".")[2] or "undone"
    if name == "merged":
        name = "merged_into" if "into" in given else "merged_from"
    if name == "dispatched" and given.get("reason_code"):
        why = label(f"override.reason.{given['reason_code']}", lang)
        proposed = given["proposal"]["worker_id"]
        return label("override.dispatched", lang, handler=given["handler"], proposed=proposed, why=why)
    fields: dict[str, str] = {key: str(given[key]) for key in ("handler", "into", "duplicate") if key in given}
    if name == "extension_requested":
        fields["limit"] = label(f"incident.limit.{given['limit']['unit']}", lang, amount=given["limit"]["amount"])
    if name == "reminded":
        return label("incident.list_separator", lang).join(
            label(f"incident.reminder.{code}", lang) for code in given["codes"]
        )
    return label(f"incident.event.{name}", lang, **fields)
