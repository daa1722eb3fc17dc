"""立案标准: classes of events and components, with the limits of their handling and how sure each number is.

The values come from data/profiles/incidents.toml: another city is another file and no code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from gridgov.errors import ParameterError, RecordNotFoundError
from gridgov.i18n import Lang
from gridgov.model.clock import Limit
from gridgov.model.component_ids import ComponentIdScheme
from gridgov.model.incidents import IncidentKind
from gridgov.model.workers import TravelMode

AgencyRule = Literal["owner_first", "place_first"]
Names = Mapping[str, str]


class Certainty(StrEnum):
    """How sure a number is: read in a public source, in a secondary one, or not verified."""

    READ = "V"
    SECONDARY = "S"
    UNVERIFIED = "U"


@dataclass(frozen=True, slots=True)
class ClassLimit:
    """The limit of a class under a condition and in an area class; both empty: wherever nothing else fits."""

    limit: Limit
    source: str
    certainty: Certainty
    condition: str = ""
    area_class: str = ""
    names: Names = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IncidentClass:
    """A minor (小类) of events or components.

    Attributes
    ----------
    code : str
        Digits of the major and the minor.
    major : str
        Code of the major (大类).
    owner : str
        Code of the agency that is responsible by duty (属主).
    rule : str
        ``owner_first`` (先属主后属地) or ``place_first`` (先属地后属主).
    limits : tuple of ClassLimit
        At least one without condition and area class.
    filing, closing : mapping
        When it is filed and when it may be closed, in words.
    certainty : Certainty
        Of code and words; each limit has its own.
    """

    kind: IncidentKind
    code: str
    major: str
    names: Names
    owner: str
    rule: AgencyRule
    limits: tuple[ClassLimit, ...]
    filing: Names
    closing: Names
    source: str
    certainty: Certainty

    def name(self, lang: Lang) -> str:
        """Return the name in a language."""
        return self.names[lang]

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions one can choose from at filing, each once."""
        return tuple(dict.fromkeys(limit.condition for limit in self.limits if limit.condition))

    def limit_for(self, condition: str = "", area_class: str = "") -> ClassLimit:
        """Return the limit that fits best: condition and area, then the condition, the area, and the general one.

        Raises
        ------
        ParameterError
            The class has no such condition.
        """
        if condition and condition not in self.conditions:
            known = ", ".join(self.conditions) or "none"
            raise ParameterError(f"class {self.code} has no condition '{condition}'; it has {known}")
        wanted = ((condition, area_class), (condition, ""), ("", area_class), ("", ""))
        table = {(limit.condition, limit.area_class): limit for limit in self.limits}
        return next(table[key] for key in wanted if key in table)


@dataclass(frozen=True, slots=True)
class ClassNeed:
    """Who can handle a class: workers with all of the skills, travelling in one of the modes."""

    skills: tuple[str, ...] = ()
    modes: tuple[TravelMode, ...] = tuple(TravelMode)
    source: str = ""
    certainty: Certainty = Certainty.UNVERIFIED


EVERYBODY = ClassNeed()


@dataclass(frozen=True, slots=True)
class IncidentProfile:
    """What a city says about its incidents: classes by code, majors, agencies, the split of a component's id.

    `needs` says who can handle a class, where not everybody can. `streets` gives the agency of a street by its 9-digit
    code; a street that is not there has an office of its own, ``street-<code>``. `coordinator` takes what belongs to
    nobody.
    """

    classes: Mapping[str, IncidentClass]
    majors: Mapping[IncidentKind, Mapping[str, Names]]
    agencies: Mapping[str, Names]
    coordinator: str
    component_id: ComponentIdScheme
    area_classes: Mapping[str, Names] = field(default_factory=dict)
    streets: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, ClassNeed] = field(default_factory=dict)

    def need_of(self, code: str) -> ClassNeed:
        """Return who can handle a class; of a class that is not in the profile: everybody."""
        return self.needs.get(code, EVERYBODY)

    def of(self, code: str) -> IncidentClass:
        """Return a class by its code.

        Raises
        ------
        RecordNotFoundError
            No class has that code.
        """
        if code not in self.classes:
            raise RecordNotFoundError(
                f"class '{code}' is unknown: choose one of the {len(self.classes)} of the profile"
            )
        return self.classes[code]
