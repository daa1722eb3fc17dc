"""A city's numbers for buses in an evacuation (data/profiles/buses.toml)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gridgov.config import resource_dir
from gridgov.errors import ParameterError, SpecError
from gridgov.model.buses import BusParams
from gridgov.model.incident_classes import Certainty
from gridgov.profiles.tables import Table


@dataclass(frozen=True, slots=True)
class BusProfile:
    """How buses are used where nothing else is said, and how sure the numbers are.

    Attributes
    ----------
    people_certainty, bus_certainty : Certainty
        Of the share of people without a car; of what concerns the bus.
    sources : mapping of what to its source
    """

    params: BusParams
    people_certainty: Certainty
    bus_certainty: Certainty
    sources: dict[str, str]


def load_bus_profile(path: Path | None = None) -> BusProfile:
    """Read the numbers.

    Parameters
    ----------
    path : Path, optional
        Default data/profiles/buses.toml.

    Raises
    ------
    SpecError
        The file cannot be read, or something in it is missing, unknown or impossible.
    """
    table = Table.read(path or resource_dir("profiles") / "buses.toml")
    sources, people, bus = (table.table(key) for key in ("sources", "people", "bus"))
    try:
        params = BusParams(
            share_without_car=people.number("share_without_car"),
            seats=bus.whole("seats"),
            stop_s=bus.number("stop_s"),
            board_s=bus.number("board_s"),
            alight_s=bus.number("alight_s"),
            car_equivalents=bus.number("car_equivalents"),
            stops_per_trip=bus.whole("stops_per_trip"),
        )
    except ParameterError as error:
        raise SpecError(f"{table.where}: {error}") from error
    profile = BusProfile(
        params,
        Certainty(people.text("certainty", among=list(Certainty))),
        Certainty(bus.text("certainty", among=list(Certainty))),
        sources={name: sources.text(name) for name in sources.keys()},  # noqa: SIM118  # a Table is no dict
    )
    for read in (people, bus, table):
        read.finish()
    return profile
