"""How large a city's grids are (data/profiles/grids.toml)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gridgov.config import resource_dir
from gridgov.model.incident_classes import Certainty
from gridgov.profiles.tables import Table


@dataclass(frozen=True, slots=True)
class GridSizeProfile:
    """How many households and persons a grid has, how sure that is, and where it comes from.

    Attributes
    ----------
    least_households, most_households, most_persons : int
    certainty : Certainty
    sources : mapping of what to its source
    """

    least_households: int
    most_households: int
    most_persons: int
    certainty: Certainty
    sources: dict[str, str]


def load_grid_size_profile(path: Path | None = None) -> GridSizeProfile:
    """Read the numbers.

    Parameters
    ----------
    path : Path, optional
        Default data/profiles/grids.toml.

    Raises
    ------
    SpecError
        The file cannot be read, or something in it is missing or unknown.
    """
    table = Table.read(path or resource_dir("profiles") / "grids.toml")
    sources, size = table.table("sources"), table.table("size")
    profile = GridSizeProfile(
        least_households=size.whole("least_households"),
        most_households=size.whole("most_households"),
        most_persons=size.whole("most_persons"),
        certainty=Certainty(size.text("certainty", among=list(Certainty))),
        sources={name: sources.text(name) for name in sources.keys()},  # noqa: SIM118  # a Table is no dict
    )
    for read in (size, table):
        read.finish()
    return profile
