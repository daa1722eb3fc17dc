"""What an evacuation plan says, in words: how long, how far from the best there can be, who is left, what to doubt."""

from __future__ import annotations

from collections import defaultdict
from math import ceil, floor
from typing import TYPE_CHECKING

from gridgov.i18n import Lang, label

if TYPE_CHECKING:
    from gridgov.model.evacuation import EvacuationPlan

_NAMED = 5
_MINUTE_S = 60.0
_SHORT_S = 600.0
_ALL_OF_THEM = "… "


def hours_text(seconds: float, lang: Lang, *, down: bool = False) -> str:
    """Return a time as hours and whole minutes: rounded up for what is promised, down for a bound."""
    minutes = floor(seconds / 60) if down else ceil(seconds / 60)
    if minutes < 60:
        return label("evacuate.minutes", lang, minutes=minutes)
    return label("evacuate.hours", lang, hours=minutes // 60, minutes=f"{minutes % 60:02d}")


def promise_text(plan: EvacuationPlan, lang: Lang) -> str:
    """Return what the plan promises and what no plan can beat."""
    if not plan.flows:
        return label("evacuate.nobody_moved", lang)
    if plan.gap is None:
        return label("evacuate.first_answer", lang, time=hours_text(plan.clearance_time_s, lang))
    if plan.clearance_time_s >= _SHORT_S and plan.clearance_time_s - plan.lower_bound_s < _MINUTE_S:
        return label("evacuate.best", lang, time=hours_text(plan.clearance_time_s, lang))
    return label(
        "evacuate.promise",
        lang,
        bound=_exact_text(plan.lower_bound_s, lang, down=True),
        time=_exact_text(plan.clearance_time_s, lang),
        gap=f"{100 * plan.gap:.1f}",
    )


def _exact_text(seconds: float, lang: Lang, *, down: bool = False) -> str:
    """Return a time as `hours_text` does, but a short one with its seconds, of which a minute is too large a part."""
    whole = floor(seconds) if down else ceil(seconds)
    if whole >= _SHORT_S:
        return hours_text(seconds, lang, down=down)
    return label("evacuate.minutes_seconds", lang, minutes=whole // 60, seconds=whole % 60)


def unmet_texts(plan: EvacuationPlan, lang: Lang) -> list[str]:
    """Return who cannot be brought to safety, one sentence for each reason, most persons first."""
    persons: dict[str, float] = defaultdict(float)
    zones: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for row in plan.unmet:
        persons[row.reason] += row.persons
        zones[row.reason].append((-row.persons, row.zone_id))
    return [
        label(
            f"evacuate.unmet.{reason}",
            lang,
            persons=f"{round(persons[reason]):,}",
            grids=len(zones[reason]),
            named=_named([zone for _, zone in sorted(zones[reason])], len(zones[reason]), lang),
        )
        for reason in sorted(persons, key=lambda reason: -persons[reason])
        if round(persons[reason]) > 0
    ]


def warning_texts(plan: EvacuationPlan, lang: Lang) -> list[str]:
    """Return what about the input must be known to judge the plan."""
    return [_warning_text(warning.code, list(warning.ids), lang) for warning in plan.warnings]


def _warning_text(code: str, ids: list[str], lang: Lang) -> str:
    """Return one sentence; a list of ids that was cut ends in ``… 270``, the number of all of them."""
    count = len(ids)
    if ids and ids[-1].startswith(_ALL_OF_THEM):
        count, ids = int(ids[-1].removeprefix(_ALL_OF_THEM)), ids[:-1]
    return label(f"evacuate.warning.{code}", lang, n=f"{count:,}", named=_named(ids, count, lang))


def _named(ids: list[str], count: int, lang: Lang) -> str:
    named = ", ".join(ids[:_NAMED])
    return named if count <= _NAMED else label("evacuate.and_more", lang, named=named, more=f"{count - _NAMED:,}")
