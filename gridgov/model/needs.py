"""Minimum needs of people who had to leave their homes, and who is where by day and by night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from gridgov.model.incident_classes import Certainty


@dataclass(frozen=True, slots=True)
class Need:
    """What one displaced person needs at least.

    Attributes
    ----------
    names, unit : dict
        By language.
    per_person : float
    per : str
        ``day``, ``week`` or ``once``.
    whole : bool
        Only whole pieces make sense (what is needed once: beds, toilets): totals are rounded up.
    """

    code: str
    names: dict[str, str]
    unit: dict[str, str]
    per_person: float
    per: str
    whole: bool
    source: str
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Presence:
    """How many people are in the district at a time of day, for each resident.

    Attributes
    ----------
    day_from, day_to : time
        Local time; day is from the first to before the second.
    day, night : float
        Factors on the residents; by day only where the grids do not say it themselves.
    """

    day_from: time
    day_to: time
    day: float
    night: float
    source: str
    certainty: Certainty

    def is_day(self, local: time) -> bool:
        """Return whether a local time is day."""
        return self.day_from <= local < self.day_to


@dataclass(frozen=True, slots=True)
class ImpactProfile:
    """The numbers behind an impact."""

    presence: Presence
    needs: tuple[Need, ...]
