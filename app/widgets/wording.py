"""Words and signs for incidents: severity, lamp, state, time left; what somebody wrote never becomes markup."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from html import escape

from app.widgets.frame import language, text, workspace
from gridgov.i18n import unturned
from gridgov.model.clock import Lamp
from gridgov.operations.situation import name_in

SEVERITY_SIGNS = {1: "●", 2: "■", 3: "▲", 4: "★"}  # the shapes of the map
LAMP_SIGNS = {Lamp.GREEN: "○", Lamp.YELLOW: "◐", Lamp.RED: "●"}
_LAMP_COLOURS = {Lamp.GREEN: "green", Lamp.YELLOW: "orange", Lamp.RED: "red"}
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$&^=])")
_HOURS_ONLY_FROM = 100


def plain(words: str) -> str:
    """Return a text for a widget's label, in which Markdown finds nothing to do."""
    return _MARKUP.sub(r"\\\1", " ".join(unturned(words).split()))


def class_text(names: Mapping[str, str]) -> str:
    """Return the name of a class in the language of the page."""
    return name_in(dict(names), language())


def lamp_words(lamp: Lamp | None) -> str:
    """Return a lamp as sign and word."""
    return text("incident.lamp.none") if lamp is None else f"{LAMP_SIGNS[lamp]} {text(f'incident.lamp.{lamp}')}"


def lamp_badge(lamp: Lamp | None) -> str:
    """Return a lamp for a widget's label: colour, shape and word."""
    return "" if lamp is None else f":{_LAMP_COLOURS[lamp]}-badge[{lamp_words(lamp)}]"


def lamp_html(lamp: Lamp | None) -> str:
    """Return a lamp as HTML: colour, shape and word."""
    return f'<i class="gg-lamp {lamp or "none"}">{escape(lamp_words(lamp))}</i>'


def left_text(left_s: int, *, work_time: bool) -> str:
    """Return the time left, or by how much it is late, and whether that is work time."""
    hours, minutes = divmod(abs(left_s) // 60, 60)
    amount = f"{hours:,}" if hours >= _HOURS_ONLY_FROM else f"{hours}:{minutes:02d}"
    if work_time:
        return text("worklist.overdue_work" if left_s < 0 else "worklist.left_work", time=amount)
    return text("worklist.overdue" if left_s < 0 else "worklist.left", time=amount)


def waiting_text(since: datetime) -> str:
    """Return how long something has waited, in the largest fitting unit."""
    minutes = max(int((workspace().now() - since).total_seconds() // 60), 0)
    if minutes < 60:
        age = text("console.age_minutes", n=minutes)
    elif minutes < 48 * 60:
        age = text("console.age_hours", n=minutes // 60)
    else:
        age = text("console.age_days", n=minutes // 1440)
    return text("worklist.waiting", time=age)


def state_text(state: str) -> str:
    """Return a state in words."""
    return text(f"incident.state.{state}")


def action_text(action: str) -> str:
    """Return what a button says that does this."""
    words = text(f"incident.action.{action}")
    return words[:1].upper() + words[1:]


def moment_text(at: datetime | None) -> str:
    """Return a time in the district's zone, with the year where it is another one."""
    if at is None:
        return ""
    opened = workspace()
    local, now = at.astimezone(opened.timezone), opened.now().astimezone(opened.timezone)
    return f"{local:%m-%d %H:%M}" if local.year == now.year else f"{local:%Y-%m-%d %H:%M}"


def facts_html(rows: list[tuple[str, str]]) -> str:
    """Return facts as a list of names and values; empty values are left out. Names are codes of texts."""
    lines = "".join(f"<dt>{escape(text(code))}</dt><dd>{escape(unturned(value))}</dd>" for code, value in rows if value)
    return f'<dl class="gg-facts">{lines}</dl>'


def picture_html(content: bytes, caption: str) -> str:
    """Return a PNG with its caption. It travels inside the page: a file beside it may be gone after the next run."""
    source = f"data:image/png;base64,{b64encode(content).decode('ascii')}"
    words = escape(caption)
    return f'<figure class="gg-picture"><img src="{source}" alt="{words}"><figcaption>{words}</figcaption></figure>'
