"""How closures look: a barrier band along every closed road, another for slow ones, a traffic sign on each closure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from gridgov.i18n import Lang, label
from gridgov.maps.console import LegendEntry, MapLayer
from gridgov.maps.overlays import DRAFT_COLOUR, Part, Shapes, point_part
from gridgov.model.closures import Closure
from gridgov.model.layers import LayerSpec, LayerStyle

LAYER = "closures"
BAND, CLOSED_COLOUR, SLOW_COLOUR, SIGN_COLOUR = "#1d2129", "#ffffff", "#ffcf33", "#c1121f"
CLOSED, SLOWED, CLOSED_SIGN, SLOW_SIGN = range(4)
_CASING = [[10, 2.5], [13, 4.5], [15, 7], [18, 11]]
_WIDTH = [[10, 1], [13, 2.4], [15, 4.2], [18, 7]]
_REASON_CHARACTERS = 60

Line = NDArray[np.float64]


@dataclass(frozen=True)
class DrawnClosure:
    """A closure and the lines of the roads that it closes, WGS 84."""

    closure: Closure
    lines: Sequence[Line]


def closures_layer(lang: Lang, *, refresh_s: float = 0.0) -> MapLayer:
    """Return the layer of closures for a `MapView`; the browser asks for its shapes by itself."""
    names = {language: label("roads.layer", language) for language in ("zh", "en")}
    spec = LayerSpec(LAYER, names, "line", "governance", "closure_id", {}, LayerStyle())
    return MapLayer(
        LAYER, spec, "shapes", names[lang], legend_of_closures(lang), refresh_s=refresh_s, shapes={"rules": rules()}
    )


def legend_of_closures(lang: Lang) -> tuple[LegendEntry, ...]:
    """Return the lines of the legend."""
    return (
        LegendEntry("line", label("roads.closed", lang), CLOSED_COLOUR, line=BAND, dash=(4.0, 3.0)),
        LegendEntry("line", label("roads.slowed", lang), SLOW_COLOUR, line=BAND, dash=(4.0, 3.0)),
    )


def rules(*, draft: bool = False) -> list[dict[str, Any]]:
    """Return how closed and slow roads and their signs are drawn; a draft has bands of its own colour."""
    band = DRAFT_COLOUR if draft else BAND

    def along(colour: str) -> dict[str, Any]:
        return {"casing": band, "casingWidth": _CASING, "line": colour, "width": _WIDTH, "dash": [7, 6]}

    def sign(shape: str, colour: str) -> dict[str, Any]:
        return {"symbol": {"shape": shape, "fill": colour, "line": "#ffffff", "radius": 8}}

    return [along(CLOSED_COLOUR), along(SLOW_COLOUR), sign("noentry", SIGN_COLOUR), sign("triangle", SLOW_COLOUR)]


def closure_parts(drawn: Iterable[DrawnClosure], lang: Lang, timezone: ZoneInfo) -> tuple[list[Part], list[list[str]]]:
    """Return the parts and tips of closures, for the rules of `rules`."""
    parts: list[Part] = []
    tips: list[list[str]] = []
    for each in drawn:
        band = CLOSED if each.closure.closes else SLOWED
        tip = len(tips)
        tips.append(tip_of(each.closure, lang, timezone))
        lines = [line for line in each.lines if len(line) > 1]
        parts += [(band, [np.round(line, 5).ravel().tolist()], tip) for line in lines]
        if lines:
            lon, lat = middle_of(lines)
            parts.append(point_part(lon, lat, CLOSED_SIGN if each.closure.closes else SLOW_SIGN, tip))
    return parts, tips


def closures_json(drawn: Iterable[DrawnClosure], lang: Lang, timezone: ZoneInfo) -> bytes:
    """Return closures as the browser's layer fetches them."""
    parts, tips = closure_parts(drawn, lang, timezone)
    return json.dumps({"parts": parts, "tips": tips}, ensure_ascii=False, separators=(",", ":")).encode()


def draft_shapes(lines: Sequence[Line], *, slowed: bool) -> Shapes:
    """Return the roads of a closure that does not hold yet."""
    band = SLOWED if slowed else CLOSED
    return Shapes(rules(draft=True), [(band, [np.round(line, 5).ravel().tolist()], -1) for line in lines])


def tip_of(closure: Closure, lang: Lang, timezone: ZoneInfo) -> list[str]:
    """Return what a closure is, why and until when, in three lines."""
    what = label("roads.closed", lang)
    if not closure.closes:
        what = label("roads.slowed_to", lang, percent=f"{closure.factor * 100:.0f}")
    reason = closure.reason if len(closure.reason) <= _REASON_CHARACTERS else closure.reason[:_REASON_CHARACTERS] + "…"
    return [what, *([reason] if reason else []), interval_text(closure, lang, timezone)]


def interval_text(closure: Closure, lang: Lang, timezone: ZoneInfo) -> str:
    """Return from when until when a closure holds."""
    start, end = (_moment(at, timezone) for at in (closure.valid_from, closure.valid_to))
    if not end:
        return label("roads.from_on", lang, start=start or "–")
    return label("roads.from_until", lang, start=start or "–", end=end)


def middle_of(lines: Sequence[Line]) -> tuple[float, float]:
    """Return a place on a road near the middle of all of them, for the sign."""
    points = np.concatenate(lines)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    halves = np.concatenate([(line[:-1] + line[1:]) / 2 for line in lines])
    lon, lat = halves[np.argmin(((halves - centre) ** 2).sum(axis=1))].tolist()
    return lon, lat


def _moment(at: datetime | None, timezone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(timezone):%Y-%m-%d %H:%M}"
