"""How a hazard looks: one colour scale, darker is worse or sooner; the legend and what hovering says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import shapely
from shapely.geometry import shape

from gridgov.i18n import Lang, label
from gridgov.maps.console import LegendEntry
from gridgov.maps.overlays import LegendPart, Overlay, Shapes, parts_of
from gridgov.model.evacuation_words import hours_text
from gridgov.model.hazards import LEVELS, Hazard, HazardZone

# From the palest to the darkest; for a colour-blind eye the steps differ in lightness, too.
LEVEL_COLOURS = ("#fdd0a2", "#fb8d4b", "#de2d26", "#7f0010")
_ARRIVAL_COLOURS = ("#7f0010", "#b8162a", "#de2d26", "#f2663a", "#fb9a55", "#fdc48f")
_EDGE = "#6b0010"
_SIMPLER_DEG = 0.00003  # three metres
_MOST_STEPS = len(_ARRIVAL_COLOURS)
_LABELS = ("emergency.level_1", "emergency.level_2", "emergency.level_3", "emergency.level_4")


def hazard_overlay(hazard: Hazard, lang: Lang, *, state: str) -> Overlay:
    """Return a hazard as an overlay whose shapes the browser fetches; `state` changes with the hazard."""
    many = len(arrival_steps(hazard)) > 1
    rules = [_rule(colour, edge=0.3 if many else 0.8) for colour in _colours(hazard)]
    shapes = Shapes(rules, (), pane="gg-areas", url=f"/shapes/hazard.{hazard.hazard_id}?v={state}&lang={lang}")
    return Overlay("hazard", shapes=(shapes,), legend=(legend_of(hazard, lang),), state=state)


def hazard_json(hazard: Hazard, lang: Lang) -> bytes:
    """Return the zones of a hazard as the browser's layer fetches them."""
    steps = arrival_steps(hazard)
    parts: list[Any] = []
    tips: list[list[str]] = []
    for zone in sorted(hazard.zones, key=lambda zone: (zone.level, -zone.arrival_s)):
        rule = _step_of(zone, steps) if len(steps) > 1 else zone.level - 1
        area = shapely.simplify(shape(zone.geometry), _SIMPLER_DEG)
        parts += parts_of(area if not area.is_empty else shape(zone.geometry), rule, len(tips))
        tips.append(zone_tip(hazard, zone, lang))
    return json.dumps({"parts": parts, "tips": tips}, ensure_ascii=False, separators=(",", ":")).encode()


def arrival_steps(hazard: Hazard) -> list[float]:
    """Return the times of arrival that have a colour of their own, rising, seconds; one: everywhere at once."""
    times = sorted({zone.arrival_s for zone in hazard.zones})
    if len(times) <= _MOST_STEPS:
        return times
    return [times[round(k * (len(times) - 1) / (_MOST_STEPS - 1))] for k in range(_MOST_STEPS)]


def legend_of(hazard: Hazard, lang: Lang) -> LegendPart:
    """Return the scale of a hazard."""
    steps = arrival_steps(hazard)
    title = hazard.name or label(f"hazard.kind.{hazard.kind}", lang)
    if len(steps) > 1:
        entries = [
            _entry(arrival_text(time, lang), colour) for time, colour in zip(steps, _colours(hazard), strict=False)
        ]
        return LegendPart(f"{title} · {label('emergency.arrival', lang)}", tuple(entries))
    present = {zone.level for zone in hazard.zones}
    entries = [_entry(label(_LABELS[k - 1], lang), LEVEL_COLOURS[k - 1]) for k in reversed(LEVELS) if k in present]
    return LegendPart(title, tuple(entries))


def plan_legend(lang: Lang) -> LegendPart:
    """Return how a plan in time is drawn; the colours are those of `static/plan_layer.js`."""
    entries = (
        LegendEntry("fill", label("emergency.legend_inside", lang), "#b3261e", line="#b3261e", opacity=0.4),
        LegendEntry(
            "fill", label("emergency.legend_left", lang), "#ffffff", line="#1a7f4b", opacity=0.0, dash=(3.0, 3.0)
        ),
        LegendEntry("line", label("emergency.legend_route", lang), "#1667b7"),
        LegendEntry("line", label("emergency.legend_queue", lang), "#c4008f"),
        LegendEntry("point", label("emergency.legend_shelter", lang), "#1a7f4b", shape="circle"),
        LegendEntry("point", label("emergency.legend_limit", lang), "#c4008f", shape="diamond"),
    )
    return LegendPart(label("emergency.legend_plan", lang), entries)


def zone_tip(hazard: Hazard, zone: HazardZone, lang: Lang) -> list[str]:
    """Return what a zone is, in lines."""
    lines = [
        hazard.name or label(f"hazard.kind.{hazard.kind}", lang),
        label(_LABELS[zone.level - 1], lang),
        arrival_text(zone.arrival_s, lang),
    ]
    if zone.measure is not None and hazard.unit:
        lines.append(f"{label(f'hazard.unit.{hazard.unit}', lang)} ≥ {zone.measure:g}")
    return lines


def arrival_text(seconds: float, lang: Lang) -> str:
    """Return when a zone is reached, after the start."""
    if seconds <= 0:
        return label("emergency.at_once", lang)
    return label("emergency.after", lang, time=hours_text(seconds + 1, lang, down=True))


def _colours(hazard: Hazard) -> Sequence[str]:
    return _ARRIVAL_COLOURS if len(arrival_steps(hazard)) > 1 else LEVEL_COLOURS


def _step_of(zone: HazardZone, steps: Sequence[float]) -> int:
    return max((k for k, step in enumerate(steps) if zone.arrival_s >= step), default=0)


def _rule(colour: str, *, edge: float) -> dict[str, Any]:
    width = [[9, 0.5], [14, 2.0 * edge]]
    return {"fill": colour, "fillOpacity": 0.5, "line": _EDGE, "width": width, "lineOpacity": edge}


def _entry(text: str, colour: str) -> LegendEntry:
    return LegendEntry("fill", text, colour, line=_EDGE, opacity=0.6)
