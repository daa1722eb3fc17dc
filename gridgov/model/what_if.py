"""假设分析: a scenario = the base, what would be other, the question that is put to it and the moment it holds.

A scenario of closures alone can be put in force as it is (`operations.scenarios.apply_scenario`); with other changes it
is there to be compared. Closures act on the roads and the other changes on layers and speeds, so only the order of the
latter matters.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from gridgov.errors import ParameterError
from gridgov.model.changes import Change, change_from_dict, change_to_dict
from gridgov.model.closures import Closure
from gridgov.model.events import format_time, plain_json
from gridgov.model.hazards import Hazard
from gridgov.model.typed_reading import Fields
from gridgov.model.workers import TravelMode

MOST_CHANGES = 500
NEAR = ("shelters", "fire_station", "workers")
RESOURCES = ("farmland", "forest", "grassland", "wetland", "water")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a scenario is asked.

    Attributes
    ----------
    near : tuple of str
        What must be near to people: shelters, workers, or categories of facilities.
    minutes : float
        Within which time.
    mode : TravelMode or None
        None: workers each in their own mode, everything else by car.
    resources : tuple of str
        Kinds of layers of areas whose hectares count; the usual ones stand for those of them that there are.
    hazard : Hazard or None
        A copy of the hazard, so that the answer does not depend on what becomes of it.
    evacuate : bool
        Whether a plan is computed for the hazard.
    evacuation_s : float
        The longest computation of a plan, seconds.
    month : bool
        Whether a month of dispatch is simulated: what duty areas change.

    Raises
    ------
    ParameterError
        The minutes or seconds make no sense, or a plan is wanted without a hazard.
    """

    near: tuple[str, ...] = NEAR
    minutes: float = 15.0
    mode: TravelMode | None = None
    resources: tuple[str, ...] = RESOURCES
    hazard: Hazard | None = None
    evacuate: bool = False
    evacuation_s: float = 30.0
    month: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "near", tuple(dict.fromkeys(self.near)))  # named twice is asked once
        object.__setattr__(self, "resources", tuple(dict.fromkeys(self.resources)))
        if not 0 < self.minutes <= 1440:
            raise ParameterError(f"the question's minutes are {self.minutes:g}; give more than 0, at most 1440")
        if not 0 < self.evacuation_s <= 3600:
            raise ParameterError(f"evacuation_s is {self.evacuation_s:g}; give seconds above 0, at most 3600")
        if self.evacuate and self.hazard is None:
            raise ParameterError("a plan is asked for, but no hazard to leave; give the question a hazard")

    def to_dict(self) -> dict[str, Any]:
        """Return the question as plain data for JSON."""
        return {
            "near": list(self.near), "minutes": self.minutes, "mode": None if self.mode is None else str(self.mode),
            "resources": list(self.resources), "hazard": None if self.hazard is None else self.hazard.to_dict(),
            "evacuate": self.evacuate, "evacuation_s": self.evacuation_s,
            **({"month": True} if self.month else {}),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Question:
        """Return the question that `to_dict` gave, and that somebody may have edited.

        Raises
        ------
        ParameterError
            A word is unknown or a value is of another type; the sentence names its path.
        """
        return cls._read(Fields.of(data, "question"))

    @classmethod
    def _read(cls, given: Fields) -> Question:
        given.only(*(each.name for each in fields(cls)))
        hazard = given.table("hazard")
        return cls(
            near=given.words("near", NEAR),
            minutes=given.number("minutes", 15.0),
            mode=given.mode("mode"),
            resources=given.words("resources", RESOURCES),
            hazard=None if hazard is None else _hazard(hazard),
            evacuate=given.truth("evacuate"),
            evacuation_s=given.number("evacuation_s", 30.0),
            month=given.truth("month"),
        )


@dataclass(frozen=True, slots=True)
class Base:
    """What a scenario starts from.

    Attributes
    ----------
    data : str
        Version of the imported data.
    at : datetime or None
        Aware; the moment at which everything is asked.
    closures : tuple of Closure
        Those on the books that held when the scenario was made.
    """

    data: str = ""
    at: datetime | None = None
    closures: tuple[Closure, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """假设方案: closures and other changes under one name.

    Raises
    ------
    ParameterError
        Two of the closures have the same id, or there are too many changes.
    """

    name: str
    closures: tuple[Closure, ...] = ()
    changes: tuple[Change, ...] = ()
    question: Question | None = None
    base: Base = Base()
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.changes) > MOST_CHANGES:
            raise ParameterError(f"scenario {self.name} has {len(self.changes)} changes; at most {MOST_CHANGES}")
        seen: set[str] = set()
        for closure in self.closures:
            if closure.closure_id in seen:
                raise ParameterError(f"scenario {self.name} holds closure {closure.closure_id} twice; give each its id")
            seen.add(closure.closure_id)

    @property
    def only_closures(self) -> bool:
        """Whether it could be put in force as it is."""
        return bool(self.closures) and not self.changes

    @property
    def digest(self) -> str:
        """Fingerprint of question, changes and base; not of the name, nor of the order in which closures came."""
        told = {key: value for key, value in self.to_dict().items() if key != "name"}
        told["closures"] = sorted(
            told["closures"], key=lambda each: str(each["closure_id"])
        )  # their order is no matter
        plain = json.dumps(plain_json(told), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()

    def with_closure(self, closure: Closure) -> Scenario:
        """Return the scenario with one more closure; one of the same id is replaced."""
        others = (kept for kept in self.closures if kept.closure_id != closure.closure_id)
        return replace(self, closures=(*others, closure))

    def without(self, closure_id: str) -> Scenario:
        """Return the scenario without a closure.

        Raises
        ------
        ParameterError
            There is none of that id.
        """
        kept = tuple(closure for closure in self.closures if closure.closure_id != closure_id)
        if len(kept) == len(self.closures):
            raise ParameterError(f"scenario {self.name} holds no closure {closure_id}")
        return replace(self, closures=kept)

    def holding_at(self, when: datetime) -> tuple[Closure, ...]:
        """Return the closures that are valid at a moment."""
        return tuple(closure for closure in self.closures if closure.holds_at(when))

    def to_dict(self) -> dict[str, Any]:
        """Return the scenario as plain data for JSON; what it does not have is left out."""
        base = {
            "data": self.base.data,
            "at": None if self.base.at is None else format_time(self.base.at),
            "closures": [closure.to_dict() for closure in self.base.closures],
        }
        return {
            "name": self.name,
            "closures": [closure.to_dict() for closure in self.closures],
            **({"changes": [change_to_dict(change) for change in self.changes]} if self.changes else {}),
            **({"question": self.question.to_dict()} if self.question else {}),
            **({"base": base} if self.base != Base() else {}),
            **({"seed": self.seed} if self.seed else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scenario:
        """Return the scenario that `to_dict` gave, and that somebody may have edited.

        Raises
        ------
        ParameterError
            A word is unknown or a value is of another type; the sentence names its path, such as question.minutes.
        """
        given = Fields.of(data).only("name", "closures", "changes", "question", "base", "seed")
        question, base = given.table("question"), given.table("base")
        return cls(
            name=given.text("name"),
            closures=tuple(_closure(item) for item in given.tables("closures")),
            changes=tuple(_change(item) for item in given.tables("changes")),
            question=None if question is None else Question._read(question),
            base=Base() if base is None else _base(base),
            seed=given.whole("seed", 0),
        )


def _base(given: Fields) -> Base:
    given.only("data", "at", "closures")
    return Base(given.text("data", ""), given.moment("at"), tuple(_closure(item) for item in given.tables("closures")))


def _closure(given: Fields) -> Closure:
    given.only(*(each.name for each in fields(Closure)))
    geometry = given.table("geometry")
    return Closure(
        closure_id=given.text("closure_id"),
        valid_from=given.moment("valid_from"),
        valid_to=given.moment("valid_to"),
        reason=given.text("reason", ""),
        factor=given.number("factor", 0.0),
        edges=given.wholes("edges"),
        geometry=None if geometry is None else geometry.data,
        topology=given.text("topology", ""),
        source=given.text("source", ""),
        modes=given.modes("modes"),
    )


def _change(given: Fields) -> Change:
    try:
        return change_from_dict(given.data)
    except ParameterError as error:
        raise ParameterError(f"{given.path}: {error}") from error


def _hazard(given: Fields) -> Hazard:
    given.only(*(each.name for each in fields(Hazard)))
    try:
        return Hazard.from_dict(given.data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        said = error if isinstance(error, ParameterError) else f"cannot be read ({error!r}); write it again with --save"
        raise ParameterError(f"{given.path}: {said}") from error


@dataclass(frozen=True, slots=True)
class Indicator:
    """指标: one figure of a scenario.

    Attributes
    ----------
    code : str
        Its words are ``what_if.indicator.<code>``; `subject` says of what: shelters, forest, ….
    value : float or None
        None: it cannot be said, such as a time where nothing is reached.
    unit : str
        s, persons, share, m2, or count.
    better : int
        1: more is better, -1: less is better, 0: neither.
    exact : bool
        Whether a run on another day must give the same: not where a computation was stopped by the clock.
    """

    code: str
    subject: str
    value: float | None
    unit: str
    better: int = 0
    exact: bool = True

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise ParameterError(f"indicator {self.code} of {self.subject} is {self.value}; leave out what is unknown")

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the others of a scenario."""
        return self.code, self.subject

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as plain data for JSON."""
        return {
            "code": self.code, "subject": self.subject, "value": self.value, "unit": self.unit,
            "better": self.better, "exact": self.exact,
        }  # fmt: skip
