"""gridgov: one map of a city district for the ordinary day and for the worst day.

The package, in the order in which its parts may import each other (left to right):

    errors | crs, i18n, config | model | grids | network | dispatch
      | layers, maps, sample, store, profiles | workspace | operations | api | cli

errors      the tree of errors          crs         metric CRS of a place, GCJ-02
i18n        texts in zh and en          config      settings and the program's own files
model       the nouns                   grids       codes, topology, point → grid, roll-up
network     RoadNetwork, nearest        dispatch    who can go, who is nearest, why
evacuation  who leaves when, which way, to which shelter, and a bound that no plan can beat
layers      files in, checked           maps        thin folium maps, vector tiles
sample      the synthetic district      store       event log and current state
profiles    a city's classes, limits    workspace   wires settings, layers, networks and clock
operations  the use cases               api, cli    HTTP and the command line
planning    the planner's use cases under one import, for scripts and notebooks
verify_audit  checks an event log with the standard library only
verify_plan   checks an evacuation plan and its bound with numpy only

The public names below are loaded when they are first used, so that `import gridgov` is quick. All errors raised on
purpose are `GridgovError`; its branches, such as `ParameterError` or `SourceError`, stand in `gridgov.errors`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gridgov.errors import GridgovError
    from gridgov.evacuation import EvacuationParams, plan_evacuation
    from gridgov.network import RoadNetwork, nearest_workers
    from gridgov.workspace import Workspace, open_workspace

_HOMES = {
    "EvacuationParams": "gridgov.evacuation",
    "GridgovError": "gridgov.errors",
    "RoadNetwork": "gridgov.network",
    "Workspace": "gridgov.workspace",
    "nearest_workers": "gridgov.network",
    "open_workspace": "gridgov.workspace",
    "plan_evacuation": "gridgov.evacuation",
}

__all__ = [
    "EvacuationParams",
    "GridgovError",
    "RoadNetwork",
    "Workspace",
    "__version__",
    "nearest_workers",
    "open_workspace",
    "plan_evacuation",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gridgov' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
