"""Turn-by-turn directions of a route: streets in the order in which they are travelled, and the turns between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridgov.model import Manoeuvre
from gridgov.network.routes import Route
from gridgov.network.topology import metres_per_degree
from gridgov.network.validation import Floats

STRAIGHT_DEG, SLIGHT_DEG, NORMAL_DEG, SHARP_DEG = 25.0, 60.0, 120.0, 170.0
LOOK_M = (
    15.0  # a turn is measured between the lines this far before and behind it, so that a rounded corner counts whole
)


@dataclass(frozen=True)
class _Leg:
    """Consecutive edges that read as one street."""

    turn: str
    street: str
    first: int
    last: int


def directions(route: Route) -> tuple[Manoeuvre, ...]:
    """Return the steps of a route, from ``depart`` to ``arrive``.

    Edges of one street name are one step unless the way turns back on itself; edges without a name are one step as
    long as they go straight on. Lengths of the steps sum to the route's length, times to its travel time.

    Parameters
    ----------
    route : Route

    Returns
    -------
    tuple of Manoeuvre
        Empty turns are never left out: a route that goes nowhere is ``depart`` and ``arrive``.
    """
    lines = [route.piece_coordinates(i) for i in range(len(route.edges))]
    steps = [_manoeuvre(route, leg, lines[leg.first]) for leg in _legs(route, lines)]
    street = steps[-1].street if steps else ""
    if not steps:
        steps = [Manoeuvre("depart", "", 0.0, 0.0, route.start.lon, route.start.lat)]
    return (*steps, Manoeuvre("arrive", street, 0.0, 0.0, route.end.lon, route.end.lat))


def _legs(route: Route, lines: list[Floats]) -> list[_Leg]:
    names = [route.network.street_name(edge) for edge in route.edges]
    legs: list[_Leg] = []
    for i, name in enumerate(names):
        turn = "depart" if i == 0 else turn_code(_angle_deg(lines[i - 1], lines[i]))
        same = i > 0 and name == names[i - 1] and turn != "uturn" and (bool(name) or turn == "straight")
        if same:
            legs[-1] = _Leg(legs[-1].turn, name, legs[-1].first, i)
        else:
            legs.append(_Leg(turn, name, i, i))
    return legs


def _manoeuvre(route: Route, leg: _Leg, line: Floats) -> Manoeuvre:
    part = slice(leg.first, leg.last + 1)
    lon, lat = line[0] if len(line) else (float("nan"), float("nan"))
    length_m = float(route.piece_length_m[part].sum())
    seconds = float(route.piece_travel_time_ms[part].sum()) / 1000
    return Manoeuvre(leg.turn, leg.street, length_m, seconds, float(lon), float(lat))


def turn_code(angle_deg: float) -> str:
    """Return the code of a turn; the angle is positive to the right (clockwise), -180 … 180."""
    size, side = abs(angle_deg), "right" if angle_deg > 0 else "left"
    if size < STRAIGHT_DEG:
        return "straight"
    if size >= SHARP_DEG:
        return "uturn"
    return f"slight_{side}" if size < SLIGHT_DEG else side if size <= NORMAL_DEG else f"sharp_{side}"


def _angle_deg(before: Floats, after: Floats) -> float:
    """Return how far the way turns from one line to the next, clockwise, -180 … 180."""
    if len(before) < 2 or len(after) < 2:
        return 0.0
    scale = np.array(metres_per_degree(float(after[0, 1])))
    arriving = -_heading(before[::-1] * scale)
    leaving = _heading(after * scale)
    if not arriving.any() or not leaving.any():  # a line without length has no direction
        return 0.0
    turned = np.degrees(np.arctan2(*leaving) - np.arctan2(*arriving))  # (east, north): bearings clockwise from north
    return float((turned + 180.0) % 360.0 - 180.0)


def _heading(line_m: Floats) -> Floats:
    """Return the vector from the start of a line to the point `LOOK_M` along it, or to its end."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line_m, axis=0).T))])
    ahead = [np.interp(LOOK_M, along, line_m[:, axis]) for axis in (0, 1)]
    return np.asarray(np.array(ahead) - line_m[0])
