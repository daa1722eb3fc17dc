"""What an evacuation plan is made by: the parameters of `plan_evacuation`, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gridgov.errors import ParameterError


@dataclass(frozen=True, slots=True)
class EvacuationParams:
    """What a plan is made by.

    Attributes
    ----------
    max_routes_per_zone : int or None
        At most so many different routes for each zone; None: no limit (shorter, but hard to announce).
    occupancy_persons_per_vehicle : float
        Persons in a vehicle; on foot always 1.
    time_limit_s : float
        The computation stops at the next good moment after so many seconds and returns the best so far.
    target_gap : float
        It stops, too, when clearance time / proven bound − 1 is no larger.
    mode : {'drive', 'walk'}
        On foot `capacity_vph` are persons an hour (width · 1.25 persons/(m·s) · 3600) and travel times those of
        walkers.
    capacity_factor : float
        Multiplies every capacity, for a sensitivity run (0.7).
    contraflow : bool
        Opposite lanes may be turned: an edge and its twin share the sum of their capacities.
    mobilisation : {'at_once', 'rayleigh', 'logit'}
        How people get ready to leave: all at once, or along an S-curve.
    mobilisation_s : float
        Rayleigh: the mode sigma of 1 − exp(−t²/2σ²); logit: the half time of 1/(1 + exp(−4.4 (t − h)/h)), scaled to 0
        at the order.
    lane_capacity_vph : float
        What one more lane carries, for the price of a bottleneck.
    """

    max_routes_per_zone: int | None = 2
    occupancy_persons_per_vehicle: float = 2.5
    time_limit_s: float = 60.0
    target_gap: float = 0.005
    mode: Literal["drive", "walk"] = "drive"
    capacity_factor: float = 1.0
    contraflow: bool = False
    mobilisation: Literal["at_once", "rayleigh", "logit"] = "at_once"
    mobilisation_s: float = 1800.0
    lane_capacity_vph: float = 1000.0

    def __post_init__(self) -> None:
        routes = self.max_routes_per_zone
        if routes is not None and (isinstance(routes, bool) or not isinstance(routes, int) or not 1 <= routes <= 100):
            raise ParameterError(f"max_routes_per_zone is {routes!r}; give a whole number from 1 to 100, or None")
        ranges = {
            "occupancy_persons_per_vehicle": (0.1, 100.0),
            "time_limit_s": (0.0, 86_400.0),
            "target_gap": (0.0, 10.0),
            "capacity_factor": (0.01, 100.0),
            "mobilisation_s": (1.0, 864_000.0),
            "lane_capacity_vph": (1.0, 100_000.0),
        }
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not math.isfinite(value) or not least <= value <= most:
                raise ParameterError(f"{name} is {value!r}; give a number from {least:g} to {most:g}")
        if self.mode not in ("drive", "walk"):
            raise ParameterError(f"mode is {self.mode!r}; give 'drive' or 'walk'")
        if self.mobilisation not in ("at_once", "rayleigh", "logit"):
            raise ParameterError(f"mobilisation is {self.mobilisation!r}; give 'at_once', 'rayleigh' or 'logit'")

    @property
    def occupancy(self) -> float:
        """Persons in what moves: a vehicle, or one walker."""
        return 1.0 if self.mode == "walk" else self.occupancy_persons_per_vehicle
