"""成批派遣: who takes which of many incidents, why, what it would take to choose otherwise, and who is left over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gridgov.errors import ParameterError
from gridgov.i18n import Lang, label
from gridgov.model.speed_profiles import HourSpeeds
from gridgov.model.workers import TravelMode

SCHEMA = "gridgov-assignment/1"
CUT_OFF = "cut_off"
"""Reason why nobody goes to an incident: only because of closures."""


@dataclass(frozen=True, slots=True)
class AssignmentTask:
    """One incident that needs one worker.

    Attributes
    ----------
    lon, lat : float
        Degrees WGS 84.
    weight : int
        Urgency: a minute of waiting here counts as much as `weight` minutes at an incident of weight 1. From 1 on.
    skills : tuple of str
        Only workers with all of them.
    modes : tuple of TravelMode
        Only workers who travel this way.
    current_worker : str
        Who is under way to it already; "" nobody.
    """

    incident_id: str
    lon: float
    lat: float
    weight: int = 1
    skills: tuple[str, ...] = ()
    modes: tuple[TravelMode, ...] = tuple(TravelMode)
    current_worker: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.weight, bool) or not isinstance(self.weight, int) or not 1 <= self.weight <= 10_000:
            raise ParameterError(
                f"incident {self.incident_id} has the weight {self.weight!r}; give a whole number from 1 to 10000"
            )
        if not (-180 <= self.lon <= 180 and -90 <= self.lat <= 90):
            raise ParameterError(
                f"incident {self.incident_id} at {self.lon}, {self.lat} is not at a longitude, latitude in degrees"
            )


@dataclass(frozen=True, slots=True)
class Assignment:
    """One worker sent to one incident, and how firm the choice is.

    Attributes
    ----------
    travel_time_ms : int
        From where the worker is now to the incident, along the roads.
    turn : int
        1: the worker's first task; 2: the one after it, …
    kept : bool
        The worker was under way to it before.
    moved_from : str
        Worker who was under way to it and is called back; "" nobody.
    runner_up : str
        Who goes in the best plan in which this worker does not; "" nobody, the incident stays unserved then.
    runner_up_time_ms, difference_ms : int or None
        The runner-up's travel time, and how much more it is (less where the runner-up is nearer but of more use
        elsewhere).
    flip_ms : int or None
        The smallest number of whole milliseconds by which this trip has to take longer for the best plan to choose
        otherwise; None: no delay changes it within the limit of travel times.
    runner_up_flip_ms : int or None
        The smallest number by which the runner-up's trip has to be shorter; None: not even with no time at all.
    nearer : str
        The nearest worker who could go, where that is another one; "" else.
    nearer_time_ms : int or None
    nearer_goes_to : tuple of str
        Incidents where the nearer worker is of more use.
    """

    incident_id: str
    worker_id: str
    name: str
    mode: TravelMode
    travel_time_ms: int
    turn: int = 1
    kept: bool = False
    moved_from: str = ""
    runner_up: str = ""
    runner_up_time_ms: int | None = None
    difference_ms: int | None = None
    flip_ms: int | None = None
    runner_up_flip_ms: int | None = None
    nearer: str = ""
    nearer_time_ms: int | None = None
    nearer_goes_to: tuple[str, ...] = ()

    def texts(self, lang: Lang) -> list[str]:
        """Return why this worker, as sentences."""
        return [self._choice(lang), *self._change(lang), self._next_best(lang), *self._firmness(lang)]

    def _change(self, lang: Lang) -> list[str]:
        return [label("assignment.moved", lang, worker=self.moved_from)] if self.moved_from else []

    def _choice(self, lang: Lang) -> str:
        fields: dict[str, object] = {"worker": self.worker_id, "minutes": _minutes(self.travel_time_ms)}
        if self.nearer and self.nearer_time_ms is not None:
            fields |= {"nearer": self.nearer, "seconds": _seconds(self.travel_time_ms - self.nearer_time_ms)}
            if self.nearer_goes_to:
                return label("assignment.needed_elsewhere", lang, **fields, incident=", ".join(self.nearer_goes_to))
            return label("assignment.kept_nearer" if self.kept else "assignment.waiting", lang, **fields)
        return label("assignment.kept" if self.kept else "assignment.nearest", lang, **fields)

    def _next_best(self, lang: Lang) -> str:
        if not self.runner_up or self.difference_ms is None:
            return label("assignment.no_runner_up", lang, worker=self.worker_id)
        code = "assignment.runner_up_later" if self.difference_ms >= 0 else "assignment.runner_up_nearer"
        return label(code, lang, worker=self.runner_up, seconds=_seconds(abs(self.difference_ms)))

    def _firmness(self, lang: Lang) -> list[str]:
        if self.flip_ms is None:
            return []
        return [label("assignment.flips", lang, seconds=_seconds(self.flip_ms))]


@dataclass(frozen=True, slots=True)
class Unassigned:
    """An incident that nobody goes to.

    `reason` is a code: no_workers, nobody_can_go, beyond_roads, cut_off (only because of closures), nobody_reaches,
    too_far, forbidden, all_taken. `detail` holds what the sentence names: km, minutes, the worker, and for cut_off
    the ids of the `closures` where they are known. `moved_from` was under way to it and is called back; "" nobody.
    """

    incident_id: str
    reason: str
    detail: Mapping[str, str] = field(default_factory=dict)
    moved_from: str = ""

    def text(self, lang: Lang) -> str:
        """Return the reason as a sentence."""
        code = "cut_off_by" if self.reason == CUT_OFF and "closures" in self.detail else self.reason
        sentence = label(f"assignment.unassigned.{code}", lang, incident=self.incident_id, **self.detail)
        back = label("assignment.called_back", lang, worker=self.moved_from) if self.moved_from else ""
        return " ".join(part for part in (sentence, back) if part)


@dataclass(frozen=True, slots=True)
class FlipCheck:
    """The smallest change of an assignment, tried out by making it.

    Attributes
    ----------
    flip_ms : int
        By so much the trip was made longer.
    flips : bool
        Somebody else goes then.
    holds_before : bool
        With one millisecond less the choice is still the best there is.
    """

    incident_id: str
    flip_ms: int
    flips: bool
    holds_before: bool

    @property
    def good(self) -> bool:
        """Whether the change is the smallest one."""
        return self.flips and self.holds_before


@dataclass(frozen=True, slots=True)
class Load:
    """How the work lies on the shoulders of those who could go.

    Gini: 0 where everybody has the same, towards 1 where one has everything.
    """

    workers: int
    workers_with_tasks: int
    tasks_max: int
    tasks_mean: float
    tasks_gini: float
    travel_max_s: float
    travel_mean_s: float
    travel_gini: float


@dataclass(frozen=True, slots=True)
class AssignmentPlan:
    """The cheapest plan for many incidents, with its proof and what the usual way would have cost.

    Attributes
    ----------
    cost : int
        Weighted milliseconds: weight × (travel time + waiting for earlier turns + penalty for calling somebody back),
        and weight × the limit for each unserved incident.
    lower_bound : int
        No plan costs less, whoever of all workers is sent where: proved by prices (`gridgov.dispatch.matching`).
    greedy_cost : int
        The same of sending, in order of urgency, always the nearest one left.
    travel_ms, greedy_travel_ms : int
        Sums of travel times.
    unserved, greedy_unserved : int
        Incidents that nobody goes to.
    stranded_workers : tuple of str
        Workers who could go but whom no road leads to any of the incidents: islands, closures.
    speeds : HourSpeeds or None
        Of which hour the travel times are; None: of a free day.
    checks : tuple of FlipCheck
        Changes that were tried out; empty: none were.
    """

    assignments: tuple[Assignment, ...]
    unassigned: tuple[Unassigned, ...]
    cost: int
    lower_bound: int
    greedy_cost: int
    travel_ms: int
    greedy_travel_ms: int
    greedy_unserved: int
    load: Load
    considered: int
    candidates: int
    stranded_workers: tuple[str, ...] = ()
    speeds: HourSpeeds | None = None
    checks: tuple[FlipCheck, ...] = ()

    @property
    def unserved(self) -> int:
        """Number of incidents that nobody goes to."""
        return len(self.unassigned)

    @property
    def proven(self) -> bool:
        """Whether cost and bound are equal."""
        return self.cost == self.lower_bound

    @property
    def regret(self) -> int:
        """What the usual way would have cost more, weighted milliseconds; never negative."""
        return self.greedy_cost - self.cost

    def texts(self, lang: Lang) -> list[str]:
        """Return the plan in short, as sentences."""
        lines = [
            self._summary(lang),
            label("assignment.proof" if self.proven else "assignment.bound", lang, gap=self.cost - self.lower_bound),
            self._regret(lang),
            label("assignment.load", lang, most=self.load.tasks_max, gini=f"{self.load.tasks_gini:.2f}"),
        ]
        called_back = [one.moved_from for one in self.assignments] + [left.moved_from for left in self.unassigned]
        if moved := sum(1 for worker in called_back if worker):
            code = "assignment.moved_one" if moved == 1 else "assignment.moved_count"
            lines.append(label(code, lang, count=moved))
        if self.speeds is not None:
            lines.append(self.speeds.text(lang))
        if self.checks:
            good = sum(check.good for check in self.checks)
            lines.append(label("assignment.checked", lang, count=len(self.checks), good=good))
        if self.stranded_workers:
            lines.append(label("assignment.stranded", lang, workers=", ".join(self.stranded_workers)))
        return lines

    def _summary(self, lang: Lang) -> str:
        code = "assignment.summary_one" if len(self.assignments) == 1 else "assignment.summary"
        return label(code, lang, count=len(self.assignments), unserved=self.unserved)

    def _regret(self, lang: Lang) -> str:
        """Return what the usual way would have cost; it may travel less where it leaves more incidents."""
        more_ms = self.greedy_travel_ms - self.travel_ms
        road = label("assignment.more_travel" if more_ms >= 0 else "assignment.less_travel", lang,
                     minutes=_minutes(abs(more_ms)))  # fmt: skip
        code = "assignment.regret_one" if self.greedy_unserved == 1 else "assignment.regret"
        return label(code, lang, road=road, unserved=self.greedy_unserved, weighted=_minutes(self.regret))

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data for JSON."""
        return {
            "schema": SCHEMA, **asdict(self),
            "unserved": self.unserved, "proven": self.proven, "regret": self.regret,
        }  # fmt: skip


def _minutes(ms: int) -> str:
    return f"{ms / 60_000:.1f}"


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.1f}"
