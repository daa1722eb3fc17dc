"""What the API takes and gives about evacuations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from gridgov.api.schemas import Code, Given, Key, Reason, Shown, Time, Words

_Number = Annotated[float, Field(allow_inf_nan=False)]


class EvacuationParamsGiven(Given):
    """How a plan is made; see `EvacuationParams` of the library."""

    max_routes_per_zone: Annotated[int, Field(ge=1, le=100)] | None = 2
    occupancy_persons_per_vehicle: Annotated[float, Field(ge=0.1, le=100)] = 2.5
    time_limit_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    target_gap: Annotated[float, Field(ge=0, le=10)] = 0.005
    mode: Literal["drive", "walk"] = "drive"
    capacity_factor: Annotated[float, Field(ge=0.01, le=100)] = 1.0
    contraflow: bool = False
    mobilisation: Literal["at_once", "rayleigh", "logit"] = "at_once"
    mobilisation_s: Annotated[float, Field(ge=1, le=864_000)] = 1800.0


class BusesGiven(Given):
    """Buses for people without a car: how many, from the shelters; what is left out comes from the profile."""

    vehicles: Annotated[int, Field(ge=1, le=2000)]
    share_without_car: Annotated[float, Field(ge=0, le=1)] | None = None
    seats: Annotated[int, Field(ge=1, le=500)] | None = None


class EvacuationGiven(Given):
    """What a plan is asked for."""

    hazard_id: Key
    params: EvacuationParamsGiven = EvacuationParamsGiven()
    roads_close: bool | None = None
    shelters_out: Annotated[list[Key], Field(max_length=1000)] = Field(default_factory=list)
    places: Annotated[dict[Key, Annotated[int, Field(ge=0, le=10_000_000)]], Field(max_length=1000)] = Field(
        default_factory=dict
    )
    closed_edges: Annotated[list[Annotated[int, Field(ge=0, le=2**31 - 1)]], Field(max_length=10_000)] = Field(
        default_factory=list
    )
    replaces: Code = ""
    buses: BusesGiven | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class StepShown(Shown):
    """One better answer of a computation."""

    elapsed_s: float
    stage: str
    clearance_time_s: float
    lower_bound_s: float
    gap: float | None
    unmet_persons: float


class RunShown(Shown):
    """A computation in the background; `evacuation_id` when its plan is on the books."""

    run_id: str
    hazard_id: str
    started_by: str
    state: Literal["running", "done", "stopped", "failed"]
    elapsed_s: float
    error: str
    steps: list[StepShown]
    evacuation_id: str | None


class EvacuationShown(Shown):
    """An evacuation on the books; `leave_by`: who leaves later is too late for a deadline or closing of the plan."""

    evacuation_id: str
    hazard_id: str
    hazard_revision: int
    replaces: str
    status: Literal["planned", "ordered", "replaced", "withdrawn"]
    by: str
    at: datetime
    leave_at: datetime | None
    note: str
    replaced_by: str
    leave_by: datetime | None
    digest: str
    clearance_time_s: float
    lower_bound_s: float
    gap: float | None
    persons: float
    unmet_persons: float
    zones: int
    shelters: int
    query: dict[str, Any]
    buses: dict[str, Any]


class OrdersGiven(Given):
    """When the order to leave holds; without it, now."""

    leave_at: Time | None = None
    note: Annotated[Words, Field(max_length=500)] = ""


class WithdrawalGiven(Given):
    """Why."""

    reason: Annotated[Reason, Field(max_length=500)]


class DoorTaskShown(Shown):
    """One grid at whose doors a worker knocks; `help_at`: when the worker called for help there."""

    evacuation_id: str
    worker_id: str
    zone_id: str
    doors: int | None
    escort_persons: int | None
    before: datetime
    texts: dict[str, str]
    done_at: datetime | None
    help_at: datetime | None
    help_note: str


class DoorProgressShown(Shown):
    """In how many grids everybody has been told; `without`: nobody could be sent there; `calls`: help is needed."""

    grids: int
    done: int
    workers: int
    late: list[str]
    without: list[str]
    calls: list[DoorTaskShown]


class DoorCall(Given):
    """What a worker needs at the doors of a grid; `wanted` false: not any more."""

    note: Words = ""
    wanted: bool = True
