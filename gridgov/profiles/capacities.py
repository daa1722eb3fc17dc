"""Capacities of lanes by class of road: those of the import (data/profiles/speeds.toml), or measured ones of a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gridgov.errors import SpecError
from gridgov.model.incident_classes import Certainty
from gridgov.profiles.tables import Table


@dataclass(frozen=True, slots=True)
class LaneCapacities:
    """Vehicles an hour that a lane of each class of road passes, as assumed at the import and as measured."""

    assumed_vph: dict[str, float]
    measured_vph: dict[str, float]
    source: str
    certainty: Certainty


def load_capacities(path: Path) -> LaneCapacities:
    """Read a file that `gridgov calibrate` wrote.

    Raises
    ------
    SpecError
        The file cannot be read, or something in it is missing, unknown or impossible.
    """
    table = Table.read(path)
    about, classes = table.table("capacity"), table.table("classes")
    assumed, measured = {}, {}
    for name in classes.keys():  # noqa: SIM118  # a Table is no dict
        row = classes.table(name)
        assumed[name], measured[name] = row.number("assumed_vph"), row.number("lane_capacity_vph")
        for further in ("street_vph", "merge_vph", "crossing_vph"):
            row.number(further, 0.0)
        row.finish()
        if not (assumed[name] > 0 and measured[name] > 0):
            raise SpecError(f"{row.where}: capacities must be greater than 0")
    found = LaneCapacities(
        assumed, measured, about.text("source"), Certainty(about.text("certainty", among=list(Certainty)))
    )
    about.finish()
    table.finish()
    return found
