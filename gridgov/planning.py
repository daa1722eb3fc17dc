"""规划: everything that a planner's script asks for, under one import.

    from gridgov import planning

Nothing is defined here. Each name stands in a module of its own, which explains it (`help(planning.propose_sites)`);
``docs/planning.md`` shows them at work, one after the other.

Every function takes a workspace and a person; `planner` makes one that may do all of it.
"""

from __future__ import annotations

from gridgov.analysis.overlay import class_areas
from gridgov.analysis.patrol import PatrolParams
from gridgov.analysis.scan import ScanParams
from gridgov.analysis.suitability import Criterion
from gridgov.grids.code_changes import restate
from gridgov.grids.redesign import RedesignParams
from gridgov.grids.redraw import GridLimits
from gridgov.grids.workload import WorkloadWeights
from gridgov.model import TravelMode
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.siting import SitingModel, SitingStatus
from gridgov.model.what_if import Question, Scenario
from gridgov.operations.accessibility import AccessQuery, access_difference, facility_access
from gridgov.operations.analysing import (
    LayerUse,
    land_cover_change,
    overlay_layers,
    red_line_conflicts,
    zonal_statistics,
)
from gridgov.operations.batch_analyses import BatchRun, access_in_batches, run_scenarios, zonal_in_batches
from gridgov.operations.batch_computing import Machines, open_cluster
from gridgov.operations.catalogue import (
    describe_layer,
    layer_findings,
    layer_versions,
    list_layers,
    preview_layer,
    read_layer_version,
)
from gridgov.operations.duty_months import duty_change
from gridgov.operations.hotspots import HotspotQuery, find_hotspots, propose_patrols
from gridgov.operations.importing import import_sample, import_workspace
from gridgov.operations.nearness import within_distance
from gridgov.operations.redesigning import RedesignQuery, compare_months, redesign_duty, redraw_grids
from gridgov.operations.scenario_comparison import compare_runs, compare_scenarios
from gridgov.operations.scenario_files import read_scenario_file, scenario_of
from gridgov.operations.scenario_reports import comparison_file, figures_frame
from gridgov.operations.scenarios import keep_scenario, read_scenario, scenarios_of
from gridgov.operations.site_sets import SitePoint
from gridgov.operations.siting import SitingQuery, propose_sites
from gridgov.operations.suiting import Constraint, Measure, SuitabilityQuery, suitability
from gridgov.operations.terrain_products import TerrainProduct, make_terrain
from gridgov.operations.uploading import LayerUpload, upload_layer
from gridgov.operations.what_if import run_scenario, unchanged
from gridgov.workspace import open_workspace

__all__ = [
    "EVERYWHERE",
    "AccessQuery",
    "BatchRun",
    "Constraint",
    "Criterion",
    "GridLimits",
    "HotspotQuery",
    "LayerUpload",
    "LayerUse",
    "Machines",
    "Measure",
    "PatrolParams",
    "Person",
    "Question",
    "RedesignParams",
    "RedesignQuery",
    "Role",
    "ScanParams",
    "Scenario",
    "SitePoint",
    "SitingModel",
    "SitingQuery",
    "SitingStatus",
    "SuitabilityQuery",
    "TerrainProduct",
    "TravelMode",
    "WorkloadWeights",
    "access_difference",
    "access_in_batches",
    "class_areas",
    "compare_months",
    "compare_runs",
    "compare_scenarios",
    "comparison_file",
    "describe_layer",
    "duty_change",
    "facility_access",
    "figures_frame",
    "find_hotspots",
    "import_sample",
    "import_workspace",
    "keep_scenario",
    "land_cover_change",
    "layer_findings",
    "layer_versions",
    "list_layers",
    "make_terrain",
    "open_cluster",
    "open_workspace",
    "overlay_layers",
    "planner",
    "preview_layer",
    "propose_patrols",
    "propose_sites",
    "read_layer_version",
    "read_scenario",
    "read_scenario_file",
    "red_line_conflicts",
    "redesign_duty",
    "redraw_grids",
    "restate",
    "run_scenario",
    "run_scenarios",
    "scenario_of",
    "scenarios_of",
    "suitability",
    "unchanged",
    "upload_layer",
    "within_distance",
    "zonal_in_batches",
    "zonal_statistics",
]


def planner(name: str = "planner", *, areas: tuple[str, ...] = EVERYWHERE) -> Person:
    """Return a planner for scripts without accounts; `areas` are beginnings of grid codes, by default everywhere."""
    return Person(name, Role.PLANNER, areas)
