"""疏散命令: what everybody is told when a plan is carried out: who leaves when, which way, to which shelter.

Numbers of people are whole and add up: those of a zone's windows to what the plan takes out of the zone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gridgov.i18n import Lang, label
from gridgov.model.plans import Manoeuvre

SCHEMA = "gridgov-orders/1"
AT_ONCE = timedelta(minutes=1)  # clocks are read to the minute


@dataclass(frozen=True, slots=True)
class DepartureWindow:
    """From when to when people of a zone leave along one route; aware UTC, and when the first and last arrive."""

    start: datetime
    end: datetime
    first_arrival: datetime
    last_arrival: datetime
    persons: int
    vehicles: int


@dataclass(frozen=True, slots=True)
class OrderRoute:
    """One way of a zone to one shelter.

    Attributes
    ----------
    number : int
        1, 2, … within the zone, the way of most people first.
    edges : tuple of int
        Edges of the road network, in order.
    coordinates : tuple of (lon, lat)
        Empty on a network without coordinates, as are the `steps`.
    steps : tuple of Manoeuvre
        The route in words.
    travel_time_s : float
        On the way, when the plan is kept.
    """

    number: int
    shelter_id: str
    edges: tuple[int, ...]
    coordinates: tuple[tuple[float, float], ...]
    steps: tuple[Manoeuvre, ...]
    length_m: float
    travel_time_s: float
    windows: tuple[DepartureWindow, ...]

    @property
    def persons(self) -> int:
        """People who take this way."""
        return sum(window.persons for window in self.windows)

    @property
    def vehicles(self) -> int:
        """Vehicles on this way, rounded up for each window."""
        return sum(window.vehicles for window in self.windows)


@dataclass(frozen=True, slots=True)
class BusCall:
    """A bus that comes for people without a car: when it is there, how many it takes, where to."""

    at: datetime
    persons: int
    shelter_id: str


@dataclass(frozen=True, slots=True)
class ZoneOrder:
    """What one zone (a grid) is told.

    Attributes
    ----------
    name : mapping of language to text
    area_code, area_name
        The street (街道) of the zone; "" where unknown.
    households, in_need : int or None
        None where nobody knows: null is not zero.
    unmet : tuple of (reason, persons)
        Who has no way out in this plan; reasons of the plan: ``no_route``, ``no_place``, ``too_late``.
    buses : tuple of BusCall
        By time; their people are not among `persons`.
    """

    zone_id: str
    names: dict[str, str]
    area_code: str
    area_names: dict[str, str]
    lon: float
    lat: float
    households: int | None
    in_need: int | None
    routes: tuple[OrderRoute, ...]
    unmet: tuple[tuple[str, int], ...] = ()
    buses: tuple[BusCall, ...] = ()

    @property
    def persons(self) -> int:
        """People who leave."""
        return sum(route.persons for route in self.routes)

    @property
    def vehicles(self) -> int:
        """Vehicles that leave."""
        return sum(route.vehicles for route in self.routes)

    @property
    def unmet_persons(self) -> int:
        """People without a way out in this plan."""
        return sum(persons for _, persons in self.unmet)

    @property
    def first_departure(self) -> datetime | None:
        """When the first leave; None where nobody does."""
        return min((window.start for window in self.windows), default=None)

    @property
    def last_departure(self) -> datetime | None:
        """When the last leave."""
        return max((window.end for window in self.windows), default=None)

    @property
    def last_arrival(self) -> datetime | None:
        """When the last are in their shelter."""
        return max((window.last_arrival for window in self.windows), default=None)

    @property
    def windows(self) -> tuple[DepartureWindow, ...]:
        """All windows of all routes."""
        return tuple(window for route in self.routes for window in route.windows)

    def name(self, lang: Lang) -> str:
        """Return the zone's name, its Chinese one or its id where it has none."""
        return self.names.get(lang) or self.names.get("zh") or self.zone_id

    def area_name(self, lang: Lang) -> str:
        """Return the street's name, its code where it has none."""
        return self.area_names.get(lang) or self.area_names.get("zh") or self.area_code

    def unmet_texts(self, lang: Lang) -> list[str]:
        """Return who has no way out and why, as sentences."""
        reasons = {"no_route", "no_place", "too_late", "no_bus"}
        return [
            label(f"orders.unmet.{reason if reason in reasons else 'other'}", lang, persons=persons, reason=reason)
            for reason, persons in self.unmet
        ]


@dataclass(frozen=True, slots=True)
class ShelterOrder:
    """One shelter and who comes there."""

    shelter_id: str
    name: str
    address: str
    lon: float
    lat: float
    capacity_persons: int
    persons: int


@dataclass(frozen=True, slots=True)
class EvacuationOrders:
    """All orders of one plan.

    Attributes
    ----------
    announced_at : datetime
        The moment 0 of the plan, aware.
    timezone : str
        Of all printed times.
    plan_digest : str
        Of the roads and demand that the plan was made for.
    zones : tuple of ZoneOrder
        By street, then by first departure.
    """

    announced_at: datetime
    timezone: str
    plan_digest: str
    clearance_time_s: float
    lower_bound_s: float | None
    zones: tuple[ZoneOrder, ...]
    shelters: tuple[ShelterOrder, ...]

    @property
    def persons(self) -> int:
        """People who leave."""
        return sum(zone.persons for zone in self.zones)

    @property
    def vehicles(self) -> int:
        """Vehicles that leave."""
        return sum(zone.vehicles for zone in self.zones)

    @property
    def unmet_persons(self) -> int:
        """People without a way out in this plan."""
        return sum(zone.unmet_persons for zone in self.zones)

    def shelter(self, shelter_id: str) -> ShelterOrder:
        """Return a shelter of the plan."""
        return next(shelter for shelter in self.shelters if shelter.shelter_id == shelter_id)

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the district's time."""
        return moment.astimezone(ZoneInfo(self.timezone))

    def clock(self, moment: datetime | None) -> str:
        """Return a moment as the district's people read it: the hour, and the day where it is another one."""
        if moment is None:
            return ""
        local, first = self.local(moment), self.local(self.announced_at)
        return f"{local:%H:%M}" if local.date() == first.date() else f"{local:%m-%d %H:%M}"

    def to_dict(self) -> dict[str, Any]:
        """Return the orders as plain data for JSON (schema ``gridgov-orders/1``)."""
        return {"schema": SCHEMA, **_plain(asdict(self))}


@dataclass(frozen=True, slots=True)
class DoorTask:
    """What one grid worker does in one zone before people leave.

    Attributes
    ----------
    reason : str
        ``duty``: the zone is in the worker's duty area; ``nearest``: nobody's is, and this worker is nearest by road.
    doors : int or None
        Households to knock at; None where their number is unknown.
    escort_persons : int or None
        Who may need help on the way (the elderly, where only they are known).
    before : datetime
        When the first of the zone leave.
    """

    worker_id: str
    worker_name: str
    zone_id: str
    reason: str
    doors: int | None
    escort_persons: int | None
    before: datetime
    shelter_ids: tuple[str, ...]
    travel_time_s: float | None = None

    def text(self, lang: Lang, orders: EvacuationOrders, *, now: datetime | None = None) -> str:
        """Return the task as sentences; with `now`, one whose time has come or comes within a minute is "at once"."""
        zone = next(zone for zone in orders.zones if zone.zone_id == self.zone_id)
        shelters = label("orders.and", lang).join(orders.shelter(one).name or one for one in self.shelter_ids)
        knock = "knock_now" if now is not None and self.before < now + AT_ONCE else "knock"
        knock = f"orders.task.{knock}{'_unknown' if self.doors is None else ''}"
        clock = orders.clock(self.before)
        text = label(knock, lang, zone=zone.name(lang), doors=self.doors, clock=clock, shelters=shelters)
        if self.escort_persons:
            text = label("orders.task.escort", lang, text=text, persons=self.escort_persons)
        return text


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value != value else value  # NaN: a zone without a place  # noqa: PLR0124


def shared_out(total: int, shares: Iterable[float]) -> list[int]:
    """Return whole numbers near `shares` in proportion that add up to `total` (largest remainders)."""
    wanted = [max(0.0, share) for share in shares]
    whole = sum(wanted)
    if not wanted or whole <= 0:
        return [0] * len(wanted)
    exact = [total * share / whole for share in wanted]
    given = [int(one) for one in exact]
    by_rest = sorted(range(len(exact)), key=lambda i: (given[i] - exact[i], i))
    for i in by_rest[: total - sum(given)]:
        given[i] += 1
    return given
