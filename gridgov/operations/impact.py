"""影响评估: who and what lies in a hazard of the log, which roads go and who is cut off; nothing is computed twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgov.analysis.cutting_off import RoadConsequences
from gridgov.analysis.cutting_off import road_consequences as consequences_on
from gridgov.analysis.impact import Exposed, Impact, measure_impact
from gridgov.model import TravelMode
from gridgov.model.hazards import Hazard, HazardKind, HazardZone
from gridgov.model.needs import ImpactProfile
from gridgov.model.rights import Person, Right, require
from gridgov.operations.closures import network_now
from gridgov.operations.hazards import RecordedHazard, read_hazard
from gridgov.operations.kept_answers import KeptAnswers
from gridgov.profiles.impact_needs import load_impact_profile
from gridgov.workspace import Workspace

RESOURCES = ("land", "forest", "grassland", "wetland", "water", "sea")
_MOST_KEPT = 24
_STEP_S = 30.0  # consequences of a hazard that has begun are found anew after so long


@dataclass(frozen=True, slots=True)
class HazardImpact:
    """The impact of a hazard at a time of day.

    Attributes
    ----------
    day : bool
        Whether it is counted who is there by day.
    presence_source, presence_certainty : str
        Where the numbers of people by day and night come from.
    """

    recorded: RecordedHazard
    impact: Impact
    day: bool
    presence_source: str
    presence_certainty: str


def impact_of(
    workspace: Workspace, person: Person, hazard_id: str, *, day: bool | None = None, now: datetime | None = None
) -> HazardImpact:
    """Return who and what lies in a hazard.

    Parameters
    ----------
    day : bool, optional
        Count who is there by day (True) or by night; default what it is now.
    now : datetime, optional
        Default the workspace's clock.

    Raises
    ------
    RecordNotFoundError
        There is no such hazard.
    RightsError
        The person may not see the map.
    """
    require(person, Right.LAYER_READ)
    recorded = read_hazard(workspace, person, hazard_id)
    profile = workspace.cached("impact_profile", load_impact_profile)
    if day is None:
        day = profile.presence.is_day((now or workspace.now()).astimezone(workspace.timezone).time())
    impact = _answers(workspace).get(
        ("impact", hazard_id, recorded.revision, day), lambda: _measured(workspace, recorded.hazard, profile, day=day)
    )
    presence = profile.presence
    return HazardImpact(recorded, impact, day, presence.source, str(presence.certainty))


def road_consequences(
    workspace: Workspace, person: Person, hazard_id: str, *, now: datetime | None = None
) -> RoadConsequences:
    """Return which roads a hazard closes and when, which shelters it strikes out, who is cut off and from when on.

    Roads that are closed now are closed. Times are seconds from `now`, to half a minute.

    Parameters
    ----------
    now : datetime, optional
        Default the workspace's clock.

    Raises
    ------
    RecordNotFoundError
        There is no such hazard.
    RightsError
        The person may not see the map.
    LayerNotFoundError
        The workspace has no roads or no grids.
    """
    require(person, Right.LAYER_READ)
    recorded, now = read_hazard(workspace, person, hazard_id), now or workspace.now()
    network = network_now(workspace, TravelMode.DRIVE, now)
    starts = recorded.hazard.starts_at or now
    delay_s = _STEP_S * round((starts - now).total_seconds() / _STEP_S)
    shelters = workspace.layers_of_kind("shelters")
    return _answers(workspace).get(
        ("roads", hazard_id, recorded.revision, delay_s, network.digest),
        lambda: consequences_on(
            network, recorded.hazard.zones, workspace.layer("grids"), shelters,
            delay_s=delay_s, bridges=_bridges(workspace, network.n_edges),
        ),
    )  # fmt: skip


def prepare_impact(workspace: Workspace) -> None:
    """Do what the first answer would have to wait for: read the layers, compile and index the roads.

    Raises
    ------
    GridgovError
        Something is missing.
    """
    west, south, east, north = workspace.bounds
    wide, high = 0.02 * (east - west), 0.02 * (north - south)
    lon, lat = (west + east) / 2, (south + north) / 2
    ring = ((lon, lat), (lon + wide, lat), (lon + wide, lat + high), (lon, lat))
    zones = (HazardZone({"type": "Polygon", "coordinates": (ring,)}),)
    profile = workspace.cached("impact_profile", load_impact_profile)
    _measured(workspace, Hazard(kind=HazardKind.DRAWN, zones=zones), profile, day=True)
    if workspace.has_network and workspace.has("grids"):
        network = network_now(workspace, TravelMode.DRIVE, workspace.now())
        consequences_on(network, zones, workspace.layer("grids"), workspace.layers_of_kind("shelters"))


def _measured(workspace: Workspace, hazard: Hazard, profile: ImpactProfile, *, day: bool) -> Impact:
    exposed = workspace.cached("exposed", lambda: _exposed(workspace))
    grids = exposed.grids
    by_day = day and grids is not None and "persons_day" in grids
    return measure_impact(
        hazard,
        exposed,
        presence=profile.presence.day if day else profile.presence.night,
        needs=profile.needs,
        column="persons_day" if by_day else "persons",
    )


def _exposed(workspace: Workspace) -> Exposed:
    crs = workspace.metric_crs
    grids = workspace.layer("grids").to_crs(crs) if workspace.has("grids") else None
    resources = [
        frame.assign(layer_kind=kind) for kind in RESOURCES if (frame := workspace.layers_of_kind(kind)) is not None
    ]
    return Exposed(
        crs,
        grids,
        _metric(workspace, "facilities"),
        _metric(workspace, "shelters"),
        _metric(workspace, "roads"),
        gpd.GeoDataFrame(pd.concat(resources, ignore_index=True)).to_crs(crs) if resources else None,
    )


def _metric(workspace: Workspace, kind: str) -> gpd.GeoDataFrame | None:
    frame = workspace.layers_of_kind(kind)
    return None if frame is None else frame.to_crs(workspace.metric_crs)


def _bridges(workspace: Workspace, n_edges: int) -> NDArray[np.bool_] | None:
    """Return which edges are bridges, where the roads layer says it."""
    roads = workspace.layers_of_kind("roads")
    if roads is None or not {"bridge", "edge_id"} <= set(roads):
        return None
    marked = roads["bridge"].fillna(value=False).astype(str).str.lower().isin({"true", "yes", "1", "viaduct"})
    bridges = np.zeros(n_edges, dtype=np.bool_)
    bridges[roads["edge_id"][marked.to_numpy()].to_numpy(dtype=np.int64)] = True
    return bridges


def _answers(workspace: Workspace) -> KeptAnswers:
    return workspace.cached("hazard_answers", lambda: KeptAnswers(_MOST_KEPT))
