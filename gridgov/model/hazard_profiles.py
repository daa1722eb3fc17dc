"""Numbers behind computed hazards, as a city or a handbook states them, each with its source and certainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridgov.errors import ParameterError
from gridgov.model.incident_classes import Certainty


@dataclass(frozen=True, slots=True)
class LevelScale:
    """From which measure on a zone has the levels 1, 2, 3 and 4.

    Attributes
    ----------
    limits : tuple of 4 float
        Rising.
    """

    limits: tuple[float, ...]
    source: str
    certainty: Certainty

    def __post_init__(self) -> None:
        if len(self.limits) != 4 or any(a >= b for a, b in zip(self.limits, self.limits[1:], strict=False)):
            raise ParameterError(f"a scale of levels is {self.limits}; give four rising numbers")

    def levels_of(self, measure: ArrayLike) -> NDArray[np.int8]:
        """Return the levels of measures; below the first limit still 1."""
        return np.clip(np.searchsorted(self.limits, np.asarray(measure), side="right"), 1, 4).astype(np.int8)


@dataclass(frozen=True, slots=True)
class Spill:
    """How far people are in danger after a spill.

    Attributes
    ----------
    isolation_m : float
        In all directions.
    day_m, night_m : float
        Downwind.
    """

    isolation_m: float
    day_m: float
    night_m: float


@dataclass(frozen=True, slots=True)
class Substance:
    """A substance that is poisonous to breathe in.

    Attributes
    ----------
    un_number : str
    small, large : Spill or None
        Up to about 200 litres, and more.
    limits_mg_m3 : tuple of 3 float or None
        Concentrations in the air from which the levels 2, 3 and 4 begin.
    """

    code: str
    un_number: str
    names: Mapping[str, str]
    small: Spill | None
    large: Spill | None
    limits_mg_m3: tuple[float, float, float] | None
    source: str
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Fuel:
    """What burns, and how fast on flat ground without wind.

    Attributes
    ----------
    land_cover : tuple of int
        Classes of the land-cover raster that are this fuel.
    rate_m_min : float
    """

    code: str
    names: Mapping[str, str]
    land_cover: tuple[int, ...]
    rate_m_min: float
    source: str
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class HazardProfile:
    """All numbers behind computed hazards."""

    depth: LevelScale
    substances: tuple[Substance, ...]
    fuels: tuple[Fuel, ...]
    reach_angle_deg: float
    reach_step_deg: float
    reach_source: str
    reach_certainty: Certainty

    def substance(self, code: str) -> Substance:
        """Return a substance by its code or UN number.

        Raises
        ------
        ParameterError
            There is none.
        """
        for one in self.substances:
            if code in {one.code, one.un_number}:
                return one
        known = ", ".join(one.code for one in self.substances)
        raise ParameterError(f"the substance '{code[:40]}' is not in the profile; it knows {known}")
