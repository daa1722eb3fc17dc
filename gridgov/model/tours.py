"""巡回派遣: tours of workers with several incidents each, and how far they can be from the best."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gridgov.i18n import Lang, label
from gridgov.model.speed_profiles import HourSpeeds

SCHEMA = "gridgov-tours/1"


@dataclass(frozen=True, slots=True)
class TourStop:
    """One incident of a tour; times in milliseconds from now."""

    incident_id: str
    travel_ms: int
    arrive_ms: int
    begin_ms: int
    done_ms: int


@dataclass(frozen=True, slots=True)
class Tour:
    """What one worker does, in order."""

    worker_id: str
    name: str
    stops: tuple[TourStop, ...]


@dataclass(frozen=True, slots=True)
class TourPlan:
    """Tours of all workers.

    Attributes
    ----------
    left_out : tuple of (incident id, reason)
        ``nobody_reaches``: no worker who may take it comes there along the roads; ``nobody_in_time``: none could begin
        in time even without other tasks; ``no_room``.
    cost, lower_bound : int
        Travel times, and four hours for each incident left out; no tours cost less than the bound.
    out_of_time : bool
        The clock ended the search: longer, it might find better ones.
    workers : int
        How many workers took part.
    """

    tours: tuple[Tour, ...]
    left_out: tuple[tuple[str, str], ...]
    travel_ms: int
    cost: int
    lower_bound: int
    out_of_time: bool
    workers: int
    speeds: HourSpeeds | None = None

    @property
    def gap(self) -> float:
        """How much dearer than the best the tours can be at most, as a share of their cost."""
        return 0.0 if self.cost == 0 else (self.cost - self.lower_bound) / self.cost

    def texts(self, lang: Lang) -> list[str]:
        """Return the plan in short, as sentences."""
        done = sum(len(tour.stops) for tour in self.tours)
        lines = [
            label("tours.summary", lang, count=done, workers=len(self.tours), minutes=f"{self.travel_ms / 60_000:.1f}"),
            label("tours.gap" if self.gap > 0 else "tours.proof", lang, percent=f"{100 * self.gap:.1f}"),
        ]
        if self.out_of_time:
            lines.append(label("tours.out_of_time", lang))
        if self.speeds is not None:
            lines.append(self.speeds.text(lang))
        return lines + [label(f"tours.{reason}", lang, incident=incident) for incident, reason in self.left_out]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data for JSON."""
        return {"schema": SCHEMA, **asdict(self), "gap": self.gap}
