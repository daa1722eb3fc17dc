"""What a selection adds to the map: the incident, the workers who can go, their routes, a chosen area.

These are folium feature groups for st_folium's `feature_group_to_add`: the map and the user's view stay as they are.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import folium
from shapely.geometry.base import BaseGeometry

from gridgov.i18n import Lang, label
from gridgov.maps.cartography import INK
from gridgov.model import DispatchOption, DispatchPlan

RANK_COLOURS = ("#0b6e4f", "#1d6fb8", "#7a4fa3", "#b3591b", "#5b6672")
INCIDENT_COLOUR = "#c0152f"
_CASING = "#ffffff"


def plan_group(plan: DispatchPlan, lang: Lang, *, chosen: int = 1) -> folium.FeatureGroup:
    """Return the incident, the routes and the numbered workers of a plan.

    Parameters
    ----------
    plan : DispatchPlan
    chosen : int
        Rank of the option drawn strong; the others are thinner.
    """
    group = folium.FeatureGroup(name="plan")
    for option in sorted(plan.options, key=lambda option: (option.rank == chosen, -option.rank)):
        _add_route(group, option, plan, strong=option.rank == chosen)
    incident_marker(plan.lon, plan.lat).add_to(group)
    for option in reversed(plan.options):
        _worker_marker(option, lang, strong=option.rank == chosen).add_to(group)
    return group


def incident_marker(lon: float, lat: float) -> folium.Marker:
    """Return the pin of an incident or of any place clicked."""
    pin = (
        '<svg viewBox="0 0 30 40" width="30" height="40" style="filter:drop-shadow(0 1px 2px rgba(15,23,42,.45))">'
        f'<path d="M15 39C11 31 2 24 2 14.5a13 13 0 0 1 26 0C28 24 19 31 15 39Z" fill="{INCIDENT_COLOUR}" '
        'stroke="#fff" stroke-width="2"/><circle cx="15" cy="14.5" r="5" fill="#fff"/></svg>'
    )
    icon = folium.DivIcon(icon_size=(30, 40), icon_anchor=(15, 39), html=pin, class_name="gg-pin")
    return folium.Marker((lat, lon), icon=icon, z_index_offset=1000, interactive=False)


def area_group(geometry: BaseGeometry, *, name: str = "area") -> folium.FeatureGroup:
    """Return the outline of a selected grid or division."""
    group = folium.FeatureGroup(name=name)
    for polygon in getattr(geometry, "geoms", [geometry]):
        ring = [(y, x) for x, y in polygon.exterior.coords]
        for colour, weight, opacity in ((_CASING, 6, 0.9), (INK, 2.5, 1.0)):
            folium.Polygon(ring, color=colour, weight=weight, opacity=opacity, fill=False, interactive=False).add_to(
                group
            )
    return group


def _add_route(group: folium.FeatureGroup, option: DispatchOption, plan: DispatchPlan, *, strong: bool) -> None:
    line = [(lat, lon) for lon, lat in option.coordinates]
    if len(line) > 1:
        _line(group, line, _CASING, 9 if strong else 6, 0.95)
        _line(group, line, rank_colour(option.rank), 5.5 if strong else 3, 1.0 if strong else 0.85)
    ends = (((option.lat, option.lon), line[:1]), ((plan.lat, plan.lon), line[-1:]))
    for place, end in ends:  # the walk between the road and the place itself
        if end and end[0] != place:
            _line(group, [place, end[0]], rank_colour(option.rank), 2, 0.9, dash="2 5")


def _line(
    group: folium.FeatureGroup,
    line: Sequence[tuple[float, float]],
    colour: str,
    weight: float,
    opacity: float,
    *,
    dash: str | None = None,
) -> None:
    folium.PolyLine(  # type: ignore[no-untyped-call]
        line, color=colour, weight=weight, opacity=opacity, dash_array=dash, interactive=False, smooth_factor=0.6
    ).add_to(group)


def _worker_marker(option: DispatchOption, lang: Lang, *, strong: bool) -> folium.Marker:
    minutes = option.travel_time_s / 60
    text = label("console.minutes", lang, minutes=f"{minutes:.1f}" if minutes < 10 else f"{minutes:.0f}")
    badge = f'<div class="gg-marker" style="background:{rank_colour(option.rank)}">{option.rank}</div>'
    tag = f'<div class="gg-marker-label">{html.escape(option.name)} · {text}</div>' if strong else ""
    icon = folium.DivIcon(icon_size=(26, 26), icon_anchor=(13, 13), html=badge + tag, class_name="gg-worker")
    tip = f"<b>{html.escape(option.name)}</b><br>{label(f'console.mode_{option.mode}', lang)} · {text}"
    return folium.Marker(
        (option.lat, option.lon),
        icon=icon,
        tooltip=folium.Tooltip(tip, direction="top", class_name="gg-tip"),
        z_index_offset=900 - 10 * option.rank,
        bubbling_mouse_events=True,
    )


def rank_colour(rank: int) -> str:
    """Return the colour of a rank, the same in the list and on the map."""
    return RANK_COLOURS[min(max(rank, 1), len(RANK_COLOURS)) - 1]
