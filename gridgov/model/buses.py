"""公交接运参数: how buses are used in an evacuation, checked."""

from __future__ import annotations

from dataclasses import dataclass

from gridgov.errors import ParameterError


@dataclass(frozen=True, slots=True)
class BusParams:
    """How buses are used.

    Attributes
    ----------
    share_without_car : float
        Of each zone's people, where the demand has no column `without_car_persons`. An assumption: replace it with a
        survey.
    seats : int
        People in a bus.
    stop_s, board_s, alight_s : float
        At each stop; for each person that boards; at the shelter.
    car_equivalents : float
        Cars of which a bus takes the place on the road.
    stops_per_trip : int
        How many zones with few people may share a bus.
    steps : int
        How many changes of the runs the search may try in vain: its usual end, the same on every machine.
    time_limit_s : float
        Its latest end.
    """

    share_without_car: float = 0.2
    seats: int = 50
    stop_s: float = 60.0
    board_s: float = 2.0
    alight_s: float = 120.0
    car_equivalents: float = 2.0
    stops_per_trip: int = 3
    steps: int = 2000
    time_limit_s: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.share_without_car <= 1.0:
            raise ParameterError(f"share_without_car is {self.share_without_car}; give a share from 0 to 1")
        if self.seats < 1 or self.stops_per_trip < 1 or self.steps < 1:
            raise ParameterError("seats, stops_per_trip and steps must be 1 or more")
        if min(self.stop_s, self.board_s, self.alight_s, self.car_equivalents) < 0 or not self.time_limit_s > 0:
            raise ParameterError("times and car_equivalents must not be below 0, and time_limit_s must be above 0")
