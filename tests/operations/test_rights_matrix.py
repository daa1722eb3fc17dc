"""Who may do what, where: every operation x role x area, written by hand and asserted cell by cell.

A cell says where a role may do it:
    all   everywhere, whatever the account's area
    area  what lies in the account's area
    own   what is given to this very person, wherever it lies
    read  in the account's area, and what is given to this person
    self  for oneself only
    whole by an account whose area is everywhere
    -     never
"""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from PIL import Image
from shapely.geometry import mapping

import gridgov.operations
from gridgov.analysis.suitability import Criterion
from gridgov.config import Settings
from gridgov.errors import InputError, NotFoundError, RecordNotFoundError, RightsError
from gridgov.evacuation import EvacuationParams
from gridgov.hazards.plume import Wind
from gridgov.hazards.zoning import moved
from gridgov.model.changes import PopulationScaled
from gridgov.model.clock import Limit, LimitUnit
from gridgov.model.closures import Closure
from gridgov.model.features import FeatureQuery
from gridgov.model.incident_life import Action
from gridgov.model.positions import Position
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.what_if import Question, Scenario
from gridgov.model.workers import WorkerStatus
from gridgov.operations import (
    accessibility,
    accounts,
    analysing,
    audit_trail,
    auditing,
    batch_analyses,
    bus_input,
    busing,
    catalogue,
    closure_effects,
    closure_map,
    closures,
    comparing,
    coverage,
    crew,
    dispatching,
    door_rounds,
    duty_months,
    emergency,
    emergency_map,
    evacuating,
    evacuation_input,
    evacuation_runs,
    evacuation_view,
    features,
    grid_choices,
    hazard_models,
    hazards,
    hotspots,
    impact,
    incidents,
    moving,
    nearness,
    open311,
    open_drafts,
    orders,
    outlines,
    photos,
    positions,
    reached_areas,
    redesigning,
    reporting,
    scenario_comparison,
    scenario_drafts,
    scenario_files,
    scenario_map,
    scenario_reports,
    scenario_runs,
    scenarios,
    service_areas,
    siting,
    speeds,
    suiting,
    tasks,
    terrain_products,
    uploading,
    what_if,
)
from gridgov.operations import places as grid_places
from gridgov.operations.accounts import AT_THE_SHELL, AccountDraft
from gridgov.operations.moving import MoveArguments
from gridgov.operations.terrain_products import TerrainProduct
from gridgov.operations.uploading import LayerUpload
from gridgov.workspace import Workspace, open_workspace

TABLE = """
operation                 public worker supervisor commander planner admin
report_incident           all    area   area       area      -       -
progress_of               all    all    all        all       all     all
add_photo                 all    all    all        all       -       -
read_incident             -      read   area       area      area    -
timeline                  -      read   area       area      area    -
read_photo                -      read   area       area      area    -
read_reporters            -      -      area       area      -       -
duplicates_of             -      -      area       -         -       -
tasks_of                  -      self   -          -         -       -
route_to_task             -      own    -          -         -       -
duty_status               -      all    -          -         -       -
district_outline          all    all    all        all       all     all
dispatch_at               -      -      area       area      -       -
dispatch_to               -      -      area       area      -       -
close_roads               -      -      area       area      -       -
reopen_roads              -      -      area       area      -       -
learn_speeds              -      -      -          whole     whole   -
use_speeds                -      -      -          whole     whole   -
read_speeds               -      all    all        all       all     all
speed_versions            -      all    all        all       all     all
list_layers               -      all    all        all       all     all
describe_layer            -      all    all        all       all     all
layer_versions            -      all    all        all       all     all
read_layer_version        -      all    all        all       all     all
preview_layer             -      all    all        all       all     all
layer_findings            -      all    all        all       all     all
findings_of_layer         -      all    all        all       all     all
compare_layers            -      all    all        all       all     all
aside_file                -      -      -          -         all     all
withdraw_version          -      -      -          -         whole   whole
restore_version           -      -      -          -         whole   whole
inspect_upload            -      -      -          -         whole   whole
upload_layer              -      -      -          -         whole   whole
make_terrain              -      -      -          -         whole   whole
make_viewshed             -      -      -          -         whole   whole
closures_of               -      all    all        all       all     all
listed_closures           -      all    all        all       all     all
drawn_closures            -      all    all        all       all     all
closure_near              -      all    all        all       all     all
hazard_areas              -      all    all        all       all     all
closure_effects           -      all    all        all       all     all
coverage                  -      all    all        all       all     all
find_hotspots             -      area   area       area      area    -
propose_patrols           -      area   area       area      area    -
redesign_duty             -      -      area       area      area    -
compare_months            -      -      area       area      area    -
duty_change               -      -      area       area      area    -
redraw_grids              -      -      area       area      area    -
overlay_layers            -      all    all        all       all     all
zonal_statistics          -      all    all        all       all     all
zonal_in_batches          -      all    all        all       all     all
access_in_batches         -      all    all        all       all     all
land_cover_change         -      all    all        all       all     all
red_line_conflicts        -      all    all        all       all     all
suitability               -      all    all        all       all     all
within_distance           -      all    all        all       all     all
save_scenario             -      -      area       area      area    -
keep_scenario             -      -      area       area      area    -
run_scenario              -      -      all        all       all     -
run_scenarios             -      -      all        all       all     -
compare_scenarios         -      -      all        all       all     -
scenario_of               -      -      all        all       all     -
read_scenario_file        -      -      all        all       all     -
new_scenario              -      -      all        all       all     -
try_scenario              -      -      all        all       all     -
scenario_from_bytes       -      -      all        all       all     -
scenario_file             -      -      all        all       all     -
askable                   -      -      all        all       all     -
with_change               -      -      all        all       all     -
without_change            -      -      all        all       all     -
with_other_change         -      -      all        all       all     -
clicked_grid              -      -      all        all       all     -
grid_shapes               -      -      all        all       all     -
free_grid_code            -      -      all        all       all     -
hazard_for                -      -      all        all       all     -
place_choices             -      -      all        all       all     -
closure_sizes             -      -      all        all       all     -
keep_open_draft           -      -      all        all       all     -
open_draft_of             -      -      all        all       all     -
start_comparison          -      -      all        all       all     -
comparison_run            -      -      all        all       all     -
planning_view             -      -      all        all       all     -
comparison_view           -      -      all        all       all     -
draft_overlay             -      -      all        all       all     -
run_overlay               -      -      all        all       all     -
difference_overlay        -      -      all        all       all     -
comparison_file           -      -      all        all       all     -
rename_scenario           -      -      area       area      area    -
remove_scenario           -      -      area       area      area    -
apply_scenario            -      -      area       area      -       -
scenarios_of              -      all    all        all       all     all
read_scenario             -      all    all        all       all     all
draft_from_hazard         -      all    all        all       all     all
draw_hazard               -      -      -          area      -       -
compute_flood             -      -      -          area      -       -
compute_plume             -      -      -          area      -       -
compute_fire              -      -      -          area      -       -
compute_slope             -      -      -          area      -       -
hazard_numbers            -      all    all        all       all     all
suggested_levels          -      all    all        all       all     all
withdraw_hazard           -      -      -          area      -       -
hazards_of                -      all    all        all       all     all
read_hazard               -      all    all        all       all     all
impact_of                 -      all    all        all       all     all
road_consequences         -      all    all        all       all     all
evacuation_input          -      -      -          area      -       -
evacuate                  -      -      -          area      -       -
keep_plan                 -      -      -          area      -       -
start_evacuation          -      -      -          area      -       -
give_orders               -      -      -          area      -       -
withdraw_evacuation       -      -      -          area      -       -
run_of                    -      -      -          all       -       -
running                   -      -      -          all       -       -
evacuations_of            -      all    all        all       all     all
read_evacuation           -      all    all        all       all     all
lateness_s                -      all    all        all       all     all
danger_of                 -      all    all        all       all     all
read_plan                 -      all    all        all       all     all
read_plan_document        -      all    all        all       all     all
orders_of                 -      all    all        all       all     all
order_file                -      all    all        all       all     all
door_tasks_of             -      -      -          area      -       -
issue_door_tasks          -      -      -          area      -       -
door_progress             -      -      -          all       -       -
bus_plan_of               -      -      -          area      -       -
read_bus_plan             -      all    all        all       all     all
warning_of                -      -      -          area      -       -
plan_view                 -      all    all        all       all     all
compare_with_nearest      -      -      -          area      -       -
emergency_numbers         -      all    all        all       all     all
emergency_shapes          -      all    all        all       all     all
emergency_overlay         -      all    all        all       all     all
shelter_list              -      all    all        all       all     all
prepare_numbers           -      all    all        all       all     all
shelter_near              -      all    all        all       all     all
running_view              -      -      -          all       -       -
record_positions          -      self   -          -         -       -
set_status                -      self   area       area      -       -
collections_of            -      all    all        all       all     all
collection_of             -      all    all        all       all     all
items_of                  -      all    all        all       all     all
item_of:grid              -      all    all        all       all     all
item_of:incident          -      read   area       area      area    -
grid_at                   -      all    all        all       all     all
read_grid                 -      all    all        all       all     all
isochrone_at              -      all    all        all       all     all
reached_areas             -      all    all        all       all     all
facility_access           -      all    all        all       all     all
propose_sites             -      -      all        all       all     -
layers_of                 -      all    all        all       all     all
services_of               all    all    all        all       all     all
service_of                all    all    all        all       all     all
public_requests           all    all    all        all       all     all
public_request            all    all    all        all       all     all
list_accounts             -      -      -          -         -       all
add_account               -      -      -          -         -       area
change_account            -      -      -          -         -       area
disable_account           -      -      -          -         -       area
enable_account            -      -      -          -         -       area
set_password              -      -      -          -         -       area
audit_events              -      -      -          -         -       whole
audit_trail               -      -      -          -         -       whole
present_checkpoint        -      -      -          -         -       whole
move:file                 -      -      area       -         -       -
move:reject               -      -      area       -         -       -
move:dispatch             -      -      area       area      -       -
move:undo_dispatch        -      -      area       area      -       -
move:accept               -      own    -          -         -       -
move:arrive               -      own    -          -         -       -
move:resolve              -      own    -          -         -       -
move:verify               -      -      area       -         -       -
move:rework               -      -      area       -         -       -
move:close                -      -      area       -         -       -
move:void                 -      -      area       -         -       -
move:suspend              -      -      area       area      -       -
move:resume               -      -      area       area      -       -
move:request_extension    -      own    -          -         -       -
move:grant_extension      -      -      area       -         -       -
move:refuse_extension     -      -      area       -         -       -
move:escalate             -      -      area       area      -       -
move:deescalate           -      -      area       area      -       -
move:merge                -      -      area       -         -       -
move:unmerge              -      -      area       -         -       -
move:remind               -      -      area       area      -       -
move:note                 -      own    area       area      -       -
"""
# Operations that answer with what the person may see, so that no single cell says it: tested below, one by one, and in
# test_assigning.py, test_door_rounds.py, test_positions.py, test_situation.py and test_worklists.py.
FILTERED = {
    "list_incidents", "count_incidents", "filter_of", "positions_of", "workers_at", "incident_near", "worklist",
    "worklist_numbers", "ready_workers", "streets_of", "assign", "overrides", "tours",
    "dispatch_batch", "my_door_tasks", "finish_door_task", "call_for_help", "worker_names",
}  # fmt: skip
# What the operations of `features` are made of.
PARTS = {
    "asked_access",
    "asked_workspace",
    "collection",
    "page",
    "item",
    "frame",
    "may_see",
    "check_hazard_area",
    "put_on_books",
    "check_area",
    "grids_within",
    "check_own",
    "check_hazard_stands",
}
# An administrator of a part does not even learn that an account elsewhere exists.
HIDDEN = {"change_account", "disable_account", "enable_account", "set_password"}
OWN_ACCOUNT = {"change_own_password"}  # needs the password itself: test_accounts.py

PLANNING = {
    "new_scenario", "try_scenario", "scenario_from_bytes", "scenario_file", "askable", "with_change", "without_change",
    "with_other_change", "clicked_grid", "grid_shapes", "free_grid_code", "hazard_for", "place_choices",
    "closure_sizes", "keep_open_draft", "open_draft_of", "start_comparison", "comparison_run", "planning_view",
    "comparison_view", "draft_overlay", "run_overlay", "difference_overlay", "comparison_file",
}  # fmt: skip

HEAD, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
ROLES = [Role(name) for name in HEAD[1:]]
CELLS = [(row[0], role, cell) for row in ROWS for role, cell in zip(ROLES, row[1:], strict=True)]


class Hands:
    """A clock that the tests put forward."""

    def __init__(self) -> None:
        self.now = datetime(2026, 7, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


CLOCK = Hands()
NUMBERS = count()


@pytest.fixture(scope="module")
def here(village: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The village with an empty store in memory and a clock that can pass limits."""
    settings = Settings(store="memory:", photos=str(tmp_path_factory.mktemp("photos")))
    workspace = open_workspace(village, settings=settings, clock=CLOCK)
    workspace.start_clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crew, "LOOK_EVERY_S", 0.0)  # where somebody stands counts at once
        yield workspace


def worker_ids(here: Workspace) -> list[str]:
    """Ids of workers; the first is the worker who acts here."""
    return [str(worker_id) for worker_id in here.layer("workers")["worker_id"]]


@pytest.fixture(scope="module")
def places(here: Workspace) -> dict[str, tuple[float, float, str]]:
    """A point inside the area of the account, one in another street, with their grid codes."""
    grids = here.layer("grids")
    codes = grids["grid_code"].astype(str)
    other = codes[~codes.str.startswith(codes.iloc[0][:12])].iloc[0]
    found = {}
    for name, position in (("inside", 0), ("outside", int((codes == other).to_numpy().argmax()))):
        point = grids.geometry.iloc[position].representative_point()
        found[name] = (point.x, point.y, codes.iloc[position])
    return found


def area_of(places: dict[str, tuple[float, float, str]]) -> str:
    """The community of the inside point: the area of the accounts here."""
    return places["inside"][2][:12]


def person_of(role: Role, area: str, here: Workspace, places: dict[str, tuple[float, float, str]]) -> Person:
    areas = {"community": (area_of(places),), "everywhere": EVERYWHERE, "nowhere": ()}[area]
    return Person(f"{role}-{area}", role, areas, worker_id=worker_ids(here)[0] if role is Role.WORKER else "")


BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "PNG")
    return out.getvalue()


def make_incident(here: Workspace, place: tuple[float, float, str], **changes: Any) -> str:
    form = reporting.ReportForm(class_code=CLASS, lon=place[0], lat=place[1], reporter_name="王芳", **changes)
    return reporting.report_incident(here, BOSS, form).id


CLASS = "0101"
A = Action
WAY: dict[Action, tuple[Action, ...]] = {
    A.FILE: (),
    A.REJECT: (),
    A.DISPATCH: (A.FILE,),
    A.UNDO_DISPATCH: (A.FILE, A.DISPATCH),
    A.ACCEPT: (A.FILE, A.DISPATCH),
    A.ARRIVE: (A.FILE, A.DISPATCH, A.ACCEPT),
    A.RESOLVE: (A.FILE, A.DISPATCH, A.ACCEPT),
    A.VERIFY: (A.FILE, A.DISPATCH, A.ACCEPT, A.RESOLVE),
    A.REWORK: (A.FILE, A.DISPATCH, A.ACCEPT, A.RESOLVE),
    A.CLOSE: (A.FILE, A.DISPATCH, A.ACCEPT, A.RESOLVE, A.VERIFY),
    A.VOID: (A.FILE,),
    A.SUSPEND: (A.FILE,),
    A.RESUME: (A.FILE, A.SUSPEND),
    A.REQUEST_EXTENSION: (A.FILE, A.DISPATCH, A.ACCEPT),
    A.GRANT_EXTENSION: (A.FILE, A.DISPATCH, A.ACCEPT, A.REQUEST_EXTENSION),
    A.REFUSE_EXTENSION: (A.FILE, A.DISPATCH, A.ACCEPT, A.REQUEST_EXTENSION),
    A.ESCALATE: (),
    A.DEESCALATE: (A.ESCALATE,),
    A.MERGE: (),
    A.UNMERGE: (A.MERGE,),
    A.REMIND: (A.FILE, A.DISPATCH),
    A.NOTE: (),
}
HANDLING = {A.ACCEPT, A.ARRIVE, A.RESOLVE, A.REQUEST_EXTENSION}


def arguments(here: Workspace, action: Action, incident_id: str, handler: str) -> MoveArguments:
    """What a move needs so that nothing but rights can be objected to it."""
    hour = Limit(1, LimitUnit.WORK_HOURS)
    if action is A.DISPATCH:
        return MoveArguments(handler=handler)
    if action is A.REQUEST_EXTENSION:
        return MoveArguments(reason="雨天", limit=hour)
    if action is A.MERGE:
        record, _ = incidents.load_incident(here, incident_id)
        return MoveArguments(into=make_incident(here, (record.lon, record.lat, "")))
    if action is A.NOTE:
        return MoveArguments(note="备注")
    return MoveArguments(reason="理由") if "reason" in moving.NEEDS[action] else MoveArguments()


def bring_to(here: Workspace, incident_id: str, way: tuple[Action, ...], handler: str) -> None:
    """Move an incident along its way by people who may."""
    for action in way:
        actor = Person("w", Role.WORKER, (), handler) if action in HANDLING else BOSS
        moving.move_incident(here, actor, incident_id, action, arguments(here, action, incident_id, handler))


def prepare(
    here: Workspace, operation: str, person: Person, place: tuple[float, float, str], handler: str
) -> Callable[[], Any]:
    """Return the call of one operation on a fresh incident at a place, given to `handler` where it has a handler."""
    if operation == "report_incident":
        form = reporting.ReportForm(class_code=CLASS, lon=place[0], lat=place[1])
        return lambda: reporting.report_incident(here, person, form)
    if operation == "add_photo":
        return lambda: photos.add_photo(here, person, picture())
    if operation == "tasks_of":
        return lambda: incidents.tasks_of(here, person, handler)
    if operation in {"record_positions", "set_status", "dispatch_at"}:
        return prepare_duty(here, operation, person, place, handler)
    if operation in PLANNING:
        return prepare_planning(here, operation, person)
    if "scenario" in operation and operation != "scenarios_of":
        return prepare_scenario(here, operation, person, place)
    if operation in {"close_roads", "reopen_roads"}:
        return prepare_closure(here, operation, person, place)
    if operation in HAZARDS:
        return prepare_hazard(here, operation, person, place)
    if operation in EVACUATIONS:
        return prepare_evacuation(here, operation, person, place)
    if operation.startswith("move:"):
        return prepare_move(here, Action(operation.removeprefix("move:")), person, place, handler)
    if "account" in operation or "password" in operation:
        return prepare_account(here, operation, person, place)
    if (general := on_the_whole(here, operation, person, place) or on_layers(here, operation, person)) is not None:
        return general
    digest = photos.add_photo(here, BOSS, picture())
    incident_id = make_incident(here, place, photos=(digest,))
    bring_to(here, incident_id, (A.FILE, A.DISPATCH), handler)
    one: dict[str, Callable[[], Any]] = {
        "progress_of": lambda: reporting.progress_of(here, person, incident_id),
        "route_to_task": lambda: tasks.route_to_task(here, person, incident_id, place[0], place[1]),
        "duty_status": lambda: tasks.duty_status(here, person),  # one's own, always
        "district_outline": lambda: outlines.district_outline(here, person),
        "dispatch_to": lambda: dispatching.dispatch_to(here, person, incident_id),
        "read_incident": lambda: incidents.read_incident(here, person, incident_id),
        "timeline": lambda: incidents.timeline(here, person, incident_id, "zh"),
        "read_photo": lambda: photos.read_photo(here, person, incident_id, digest),
        "read_reporters": lambda: incidents.read_reporters(here, person, incident_id, reason="回访"),
        "duplicates_of": lambda: incidents.duplicates_of(here, person, incident_id),
        "item_of:incident": lambda: features.item_of(here, person, "incidents", incident_id),
    }
    return one[operation]


def analyses(here: Workspace, person: Person, place: tuple[float, float, str]) -> dict[str, Callable[[], Any]]:
    """Return the calls of the analyses of layers."""
    forest, grids = analysing.LayerUse("forest"), analysing.LayerUse("grids")
    drawn = mapping(shapely.Point(place[:2]))
    people = suiting.Measure(what="field", column="persons"), Criterion("persons", 1)
    asked = suiting.SuitabilityQuery(criteria=(people,), k=1, draws=1)
    return {
        "overlay_layers": lambda: analysing.overlay_layers(here, person, grids, forest),
        "zonal_statistics": lambda: analysing.zonal_statistics(here, person, "elevation"),
        "zonal_in_batches": lambda: batch_analyses.zonal_in_batches(here, person, "elevation"),
        "access_in_batches": lambda: batch_analyses.access_in_batches(here, person, [accessibility.AccessQuery()]),
        "land_cover_change": lambda: analysing.land_cover_change(here, person, "land_cover", "land_cover"),
        "red_line_conflicts": lambda: analysing.red_line_conflicts(here, person, drawn, [forest]),
        "suitability": lambda: suiting.suitability(here, person, asked),
        "within_distance": lambda: nearness.within_distance(here, person, forest, distance_m=50.0),
    }


def redesigns(here: Workspace, person: Person, place: tuple[float, float, str]) -> dict[str, Callable[[], Any]]:
    """Return the calls of what is planned from the incidents of a community."""
    area = place[2][:12]
    quick = hotspots.ScanParams(replicas=19), redesigning.RedesignParams(time_limit_s=0.0, rounds=1)
    look = hotspots.HotspotQuery(area=area, permutations=99, scan=quick[0])
    cut = redesigning.RedesignQuery(area=area, params=quick[1])

    def months() -> redesigning.MonthComparison:
        return redesigning.compare_months(here, person, redesigning.redesign_duty(here, BOSS, cut), days=1)

    return {
        "find_hotspots": lambda: hotspots.find_hotspots(here, person, look),
        "propose_patrols": lambda: hotspots.propose_patrols(here, person, look),
        "redesign_duty": lambda: redesigning.redesign_duty(here, person, cut),
        "compare_months": months,
        "duty_change": lambda: duty_months.duty_change(here, person, redesigning.redesign_duty(here, BOSS, cut)),
        "redraw_grids": lambda: redesigning.redraw_grids(here, person, area),
    }


def on_the_whole(
    here: Workspace, operation: str, person: Person, place: tuple[float, float, str]
) -> Callable[[], Any] | None:
    """Return the call of an operation that is about no incident of its own."""
    everything: dict[str, Callable[[], Any]] = {
        "collections_of": lambda: features.collections_of(here, person, "zh"),
        "collection_of": lambda: features.collection_of(here, person, "grids", "zh"),
        "items_of": lambda: features.items_of(here, person, "grids", FeatureQuery(limit=1)),
        "item_of:grid": lambda: features.item_of(here, person, "grids", place[2]),
        "grid_at": lambda: grid_places.grid_at(here, person, place[0], place[1]),
        "read_grid": lambda: grid_places.read_grid(here, person, place[2]),
        "closures_of": lambda: closures.closures_of(here, person),
        "listed_closures": lambda: closure_map.listed_closures(here, person),
        "drawn_closures": lambda: closure_map.drawn_closures(here, person),
        "closure_near": lambda: closure_map.closure_near(here, person, place[0], place[1], within_m=40.0),
        "hazard_areas": lambda: closure_map.hazard_areas(here, person),
        "closure_effects": lambda: closure_effects.closure_effects(here, person),
        "coverage": lambda: coverage.coverage(here, person),
        **redesigns(here, person, place),
        **analyses(here, person, place),
        "scenarios_of": lambda: scenarios.scenarios_of(here, person),
        "draft_from_hazard": lambda: scenarios.draft_from_hazard(here, person, "hazards", "H0001", buffer_m=50.0),
        "learn_speeds": lambda: speeds.learn_speeds(here, person),
        "use_speeds": lambda: speeds.use_speeds(here, person, ""),
        "read_speeds": lambda: speeds.read_speeds(here, person),
        "speed_versions": lambda: speeds.speed_versions(here, person),
        "isochrone_at": lambda: service_areas.isochrone_at(here, person, place[0], place[1], [1.0]),
        "reached_areas": lambda: reached_areas.reached_areas(here, person, place[0], place[1], [1.0]),
        "facility_access": lambda: accessibility.facility_access(here, person),
        "propose_sites": lambda: siting.propose_sites(here, person, siting.SitingQuery(candidates="school")),
        "layers_of": lambda: grid_places.layers_of(here, person),
        "services_of": lambda: open311.services_of(here, person, "zh"),
        "service_of": lambda: open311.service_of(here, person, CLASS, "zh"),
        "public_requests": lambda: open311.public_requests(here, person, open311.RequestQuery(), "zh"),
        "audit_events": lambda: auditing.audit_events(here, person),
        "audit_trail": lambda: audit_trail.audit_trail(here, person),
        "present_checkpoint": lambda: audit_trail.present_checkpoint(here, person),
    }
    if operation == "public_request":
        citizen = open311.CitizenReport(service_code=CLASS, lon=place[0], lat=place[1])
        ticket = open311.report_publicly(here, citizen)
        return lambda: open311.public_request(here, person, ticket, "zh")
    return everything.get(operation)


def on_layers(here: Workspace, operation: str, person: Person) -> Callable[[], Any] | None:
    """Return the call of an operation of the catalogue; what would write is given what cannot be used."""

    def past_the_rights(act: Callable[[], Any]) -> Callable[[], None]:
        def tried() -> None:
            with suppress(InputError, NotFoundError):
                act()

        return tried

    nothing = LayerUpload(kind="no_such")
    return {
        "list_layers": lambda: catalogue.list_layers(here, person),
        "describe_layer": lambda: catalogue.describe_layer(here, person, "land_cover@2020"),
        "layer_versions": lambda: catalogue.layer_versions(here, person, "land_cover"),
        "read_layer_version": lambda: catalogue.read_layer_version(here, person, "farmland"),
        "preview_layer": lambda: catalogue.preview_layer(here, person, "farmland"),
        "layer_findings": lambda: catalogue.layer_findings(here, person, "farmland"),
        "findings_of_layer": lambda: catalogue.findings_of_layer(here, person, "farmland", "zh"),
        "compare_layers": lambda: comparing.compare_layers(here, person, "land_cover@2020", "land_cover", "zh"),
        "aside_file": past_the_rights(lambda: catalogue.aside_file(here, person, "farmland")),
        "withdraw_version": past_the_rights(lambda: catalogue.withdraw_version(here, person, "farmland")),
        "restore_version": past_the_rights(lambda: catalogue.restore_version(here, person, "farmland")),
        "inspect_upload": past_the_rights(lambda: uploading.inspect_upload(here, person, "a.exe", b"")),
        "upload_layer": past_the_rights(lambda: uploading.upload_layer(here, person, "a.exe", b"", nothing)),
        "make_terrain": past_the_rights(
            lambda: terrain_products.make_terrain(here, person, TerrainProduct.SLOPE, elevation="farmland")
        ),
        "make_viewshed": past_the_rights(lambda: terrain_products.make_viewshed(here, person, [])),
    }.get(operation)


def prepare_account(
    here: Workspace, operation: str, person: Person, place: tuple[float, float, str]
) -> Callable[[], Any]:
    """Return a call about an account whose area is the grid of a place."""
    account_id = f"someone{next(NUMBERS)}"
    draft = AccountDraft(account_id=account_id, role=Role.PLANNER, areas=(place[2],))
    if operation != "add_account":  # a password takes a while on purpose: only who may do it needs a fresh account
        account_id = account_id if person.role is Role.ADMIN else "somebody"
        draft = replace(draft, account_id=account_id)
        if here.store.entity(f"account:{account_id}") is None:
            accounts.add_account(here, AT_THE_SHELL, draft, password=f"a long password of {account_id}")
    if operation == "enable_account" and person.role is Role.ADMIN:
        accounts.disable_account(here, AT_THE_SHELL, account_id)
    one: dict[str, Callable[[], Any]] = {
        "list_accounts": lambda: accounts.list_accounts(here, person),
        "add_account": lambda: accounts.add_account(here, person, draft, password="a long password"),
        "change_account": lambda: accounts.change_account(here, person, replace(draft, name="Li")),
        "disable_account": lambda: accounts.disable_account(here, person, account_id),
        "enable_account": lambda: accounts.enable_account(here, person, account_id),
        "set_password": lambda: accounts.set_password(here, person, account_id, "another long password"),
    }
    return one[operation]


def prepare_duty(
    here: Workspace, operation: str, person: Person, place: tuple[float, float, str], worker_id: str
) -> Callable[[], Any]:
    """Return a call about a worker who stands at a place."""
    stands = Position(worker_id, here.now(), place[0], place[1])
    if operation == "record_positions":
        return lambda: positions.record_positions(here, person, [stands])
    if operation == "dispatch_at":
        return lambda: dispatching.dispatch_at(here, person, place[0], place[1])
    here.store.record_positions([stands])
    return lambda: positions.set_status(here, person, worker_id, WorkerStatus.FREE)


def prepare_closure(
    here: Workspace, operation: str, person: Person, place: tuple[float, float, str]
) -> Callable[[], Any]:
    """Return a call about a closure across the road that is nearest to a place, within its grid."""
    draft = closures.ClosureDraft(edges=road_within(here, place[2]), reason="施工")
    if operation == "close_roads":
        return lambda: closures.close_roads(here, person, draft)
    closure, _ = closures.close_roads(here, BOSS, draft)
    return lambda: closures.reopen_roads(here, person, closure.closure_id)


HAZARDS = {
    "compute_flood", "compute_plume", "compute_fire", "compute_slope", "hazard_numbers", "suggested_levels",
    "draw_hazard",
    "withdraw_hazard", "hazards_of", "read_hazard", "impact_of", "road_consequences", "emergency_numbers",
    "emergency_shapes", "emergency_overlay", "shelter_list", "shelter_near",
    "prepare_numbers",
}  # fmt: skip
COMMANDER = Person("commander", Role.COMMANDER, EVERYWHERE)


def prepare_hazard(
    here: Workspace, operation: str, person: Person, place: tuple[float, float, str]
) -> Callable[[], Any]:
    """Return a call about a hazard that touches one grid only."""
    lon, lat = place[:2]
    ring = [(lon - 1e-5, lat - 1e-5), (lon + 1e-5, lat - 1e-5), (lon, lat + 1e-5), (lon - 1e-5, lat - 1e-5)]
    drawn = {"type": "Polygon", "coordinates": [ring]}
    if operation == "draw_hazard":
        return lambda: hazards.draw_hazard(here, person, drawn, buffer_m=0.0)
    at, wind = {"type": "Point", "coordinates": [lon, lat]}, Wind(4.0, 270.0)
    gas = hazard_models.GasRelease(lon=lon, lat=lat, substance="ammonia", wind=wind, rate_g_s=0.02)
    models: dict[str, Callable[[], Any]] = {
        "compute_flood": lambda: hazard_models.compute_flood(
            here, person, at, ((0, 1.0),), datum="source", within_m=1.0
        ),
        "compute_plume": lambda: hazard_models.compute_plume(here, person, gas),
        "compute_fire": lambda: hazard_models.compute_fire(here, person, at, wind, until_s=1.0, fuel="park"),
        "compute_slope": lambda: hazard_models.compute_slope(here, person, **hillside(here, place[2])),
        "hazard_numbers": lambda: hazard_models.hazard_numbers(here, person),
        "suggested_levels": lambda: hazard_models.suggested_levels(here, person, hillside(here, place[2])["source"]),
    }
    if operation in models:
        return models[operation]
    hazard_id = hazards.draw_hazard(here, COMMANDER, drawn, buffer_m=0.0).hazard_id
    one: dict[str, Callable[[], Any]] = {
        "withdraw_hazard": lambda: hazards.withdraw_hazard(here, person, hazard_id),
        "hazards_of": lambda: hazards.hazards_of(here, person),
        "read_hazard": lambda: hazards.read_hazard(here, person, hazard_id),
        "impact_of": lambda: impact.impact_of(here, person, hazard_id),
        "emergency_numbers": lambda: emergency.emergency_numbers(here, person, hazard_id),
        "emergency_shapes": lambda: emergency_map.emergency_shapes(here, person, f"numbers.{hazard_id}", "zh"),
        "emergency_overlay": lambda: emergency_map.emergency_overlay(here, person, "zh", hazard_id=hazard_id),
        "shelter_list": lambda: emergency.shelter_list(here, person),
        "prepare_numbers": lambda: emergency_map.prepare_numbers(here, person, hazard_id),
        "shelter_near": lambda: emergency.shelter_near(here, person, lon, lat, within_m=2.0),
        "road_consequences": lambda: impact.road_consequences(here, person, hazard_id),
    }
    return one[operation]


EVACUATIONS = {
    "evacuation_input", "evacuate", "keep_plan", "start_evacuation", "give_orders", "withdraw_evacuation", "run_of",
    "running", "evacuations_of", "read_evacuation", "read_plan", "read_plan_document", "plan_view",
    "running_view", "compare_with_nearest", "orders_of", "order_file", "door_tasks_of", "warning_of", "read_bus_plan",
    "bus_plan_of", "issue_door_tasks", "door_progress", "lateness_s", "danger_of",
}  # fmt: skip
ANSWERED: dict[str, Any] = {}
SCENARIO_FILE = Path(__file__).with_name("scenario.toml")


def prepare_evacuation(
    here: Workspace, operation: str, person: Person, place: tuple[float, float, str]
) -> Callable[[], Any]:
    """Return a call about the evacuation of one grid; the plan is computed once for each place."""
    lon, lat, grid_code = place
    if grid_code not in ANSWERED:
        corner = [(lon - 1e-4, lat - 1e-4), (lon + 1e-4, lat - 1e-4), (lon, lat + 1e-4), (lon - 1e-4, lat - 1e-4)]
        drawn = {"type": "Polygon", "coordinates": [corner]}
        hazard = hazards.draw_hazard(here, COMMANDER, drawn, buffer_m=0.0)
        query = evacuation_input.EvacuationQuery(hazard_id=hazard.hazard_id, params=EvacuationParams(time_limit_s=0.0))
        ANSWERED[grid_code] = query, evacuating.evacuate(here, COMMANDER, query)
    query, answer = ANSWERED[grid_code]
    one: dict[str, Callable[[], Any]] = {
        "evacuation_input": lambda: evacuation_input.evacuation_input(here, person, query),
        "evacuate": lambda: evacuating.evacuate(here, person, query),
        "keep_plan": lambda: evacuating.keep_plan(here, person, query, *answer),
        "start_evacuation": lambda: evacuation_runs.start_evacuation(here, person, query).wait(60),
        "running": lambda: evacuation_runs.running(here, person),
        "evacuations_of": lambda: evacuating.evacuations_of(here, person),
    }
    if operation in one:
        return one[operation]
    if operation in {"run_of", "running_view"}:
        run = evacuation_runs.start_evacuation(here, COMMANDER, query)
        run.wait(60)
        asked = evacuation_runs.run_of if operation == "run_of" else evacuation_view.running_view
        return lambda: asked(here, person, run.run_id)
    kept = evacuating.keep_plan(here, COMMANDER, query, *answer).evacuation.evacuation_id
    if operation == "withdraw_evacuation":
        return lambda: evacuating.withdraw_evacuation(here, person, kept, reason="解除")
    if operation in {"issue_door_tasks", "door_progress"}:
        evacuating.give_orders(here, COMMANDER, kept)
        return lambda: getattr(door_rounds, operation)(here, person, kept)
    if operation == "lateness_s":
        recorded = evacuating.read_evacuation(here, COMMANDER, kept)
        return lambda: evacuating.lateness_s(here, person, recorded, here.now())
    if operation == "danger_of":
        return lambda: door_rounds.danger_of(here, person, kept, "zh")
    if operation == "bus_plan_of":
        return lambda: busing.bus_plan_of(here, person, bus_input.BusQuery(vehicles=1), evacuation_id=kept)
    module = evacuation_view if operation in {"plan_view", "compare_with_nearest"} else evacuating
    if operation in {"orders_of", "order_file", "door_tasks_of", "warning_of"}:
        module = orders
    return lambda: getattr(module, operation)(here, person, kept)


def prepare_planning(here: Workspace, operation: str, person: Person) -> Callable[[], Any]:
    """Return a call about a scenario that is put together, compared, drawn or taken away."""
    question = Question(near=("shelters",), minutes=3.0, resources=())
    draft = Scenario("方案", question=question)
    found = here.cached("compared", lambda: scenario_comparison.compare_scenarios(here, BOSS, draft, draft))
    added = replace(draft, changes=(PopulationScaled(1.1),))
    near = shapely.Point(here.layer("grids").geometry.iloc[0].representative_point()).buffer(0.001)
    run = here.cached("run", lambda: scenario_runs.start_comparison(here, BOSS, draft, draft))
    run.wait(60)
    calls: dict[str, Callable[[], Any]] = {
        "new_scenario": lambda: scenario_drafts.new_scenario(here, person, "方案"),
        "try_scenario": lambda: scenario_drafts.try_scenario(here, person, draft),
        "scenario_from_bytes": lambda: scenario_drafts.scenario_from_bytes(here, person, b"seed = 1", "a.toml"),
        "scenario_file": lambda: scenario_drafts.scenario_file(here, person, draft),
        "askable": lambda: scenario_drafts.askable(here, person),
        "with_change": lambda: scenario_drafts.with_change(here, person, draft, PopulationScaled(1.1)),
        "without_change": lambda: scenario_drafts.without_change(here, person, added, 0),
        "with_other_change": lambda: scenario_drafts.with_other_change(here, person, added, 0, PopulationScaled(1.2)),
        "clicked_grid": lambda: grid_choices.clicked_grid(here, person, draft, 119.0, 29.6),
        "grid_shapes": lambda: grid_choices.grid_shapes(here, person, draft, ["x"]),
        "free_grid_code": lambda: grid_choices.free_grid_code(here, person, draft, "x"),
        "hazard_for": lambda: scenario_drafts.hazard_for(here, person, mapping(near)),
        "place_choices": lambda: scenario_drafts.place_choices(here, person, draft, "shelters"),
        "closure_sizes": lambda: scenario_drafts.closure_sizes(here, person, draft),
        "keep_open_draft": lambda: open_drafts.keep_open_draft(here, person, "token", draft),
        "open_draft_of": lambda: open_drafts.open_draft_of(here, person, "token"),
        "start_comparison": lambda: scenario_runs.start_comparison(here, person, draft, draft).wait(60),
        "comparison_run": lambda: scenario_runs.comparison_run(here, person, run.run_id),
        "planning_view": lambda: scenario_map.planning_view(here, person, "zh"),
        "comparison_view": lambda: scenario_map.comparison_view(here, person, "zh"),
        "draft_overlay": lambda: scenario_map.draft_overlay(here, person, draft, "zh"),
        "run_overlay": lambda: scenario_map.run_overlay(here, person, found.first, "shelters", "zh"),
        "difference_overlay": lambda: scenario_map.difference_overlay(here, person, found, "shelters", "zh"),
        "comparison_file": lambda: scenario_reports.comparison_file(here, person, found, "csv", "zh"),
    }
    return calls[operation]


def prepare_scenario(
    here: Workspace, operation: str, person: Person, place: tuple[float, float, str]
) -> Callable[[], Any]:
    """Return a call about a scenario with a closure on a road within the grid of a place."""
    draft = closures.ClosureDraft(edges=road_within(here, place[2]), reason="演练")
    name = f"预案 {next(NUMBERS)}"
    if operation == "save_scenario":
        return lambda: scenarios.save_scenario(here, person, name, [draft])
    what_ifs: dict[str, Callable[[], Any]] = {
        "keep_scenario": lambda: scenarios.keep_scenario(here, person, asked),
        "run_scenario": lambda: what_if.run_scenario(here, person, asked),
        "run_scenarios": lambda: batch_analyses.run_scenarios(here, person, [asked]),
        "compare_scenarios": lambda: scenario_comparison.compare_scenarios(here, person, asked, asked),
        "scenario_of": lambda: scenario_files.scenario_of(here, person, {}, name=name),
        "read_scenario_file": lambda: scenario_files.read_scenario_file(here, person, SCENARIO_FILE),
    }
    if operation in what_ifs:
        asked = Scenario(
            name, (Closure("c", edges=road_within(here, place[2])),), question=Question(near=("shelters",))
        )
        return what_ifs[operation]
    scenario_id = scenarios.save_scenario(here, BOSS, name, [draft]).scenario_id
    if operation == "rename_scenario":
        return lambda: scenarios.rename_scenario(here, person, scenario_id, f"{name} 二")
    return lambda: getattr(scenarios, operation)(here, person, scenario_id)


def hillside(here: Workspace, grid_code: str) -> dict[str, Any]:
    """A steep place in the community of a grid or, where that is flat, far from the first community; its angle."""
    elevation, grids = hazard_models.elevation_of(here), here.layer("grids")
    drop = np.pad(elevation.metres[:, :-1] - elevation.metres[:, 1:], ((0, 0), (0, 1)))
    own = elevation.cells_of(grids.geometry[grids["grid_code"].str.startswith(grid_code[:12])].union_all())
    first = grids["grid_code"].str.startswith(grids["grid_code"].iloc[0][:12])
    elsewhere = np.ones(drop.size, dtype=bool)
    elsewhere[elevation.cells_of(grids.geometry[first].union_all().buffer(0.005))] = False
    if drop.ravel()[own].max() < 4.0:
        own = np.flatnonzero(elsewhere)
    best = int(own[np.argmax(drop.ravel()[own])])
    row, column = divmod(best, drop.shape[1])
    x, y = elevation.transform @ (column + 0.5, row + 0.5)
    place = moved(shapely.Point(x, y), elevation.crs, "EPSG:4326")
    angle = float(np.degrees(np.arctan(drop.ravel()[best] / elevation.transform.a)))
    return {"source": mapping(place), "angle_deg": angle - 1.0, "step_deg": 0.2}


def road_within(here: Workspace, grid_code: str) -> tuple[int, ...]:
    """An edge that lies in one grid and touches no other community."""
    grids, lines = here.layer("grids"), here.network().to_frame()
    own = grids.geometry[grids["grid_code"] == grid_code].iloc[0]
    others = grids.geometry[~grids["grid_code"].str.startswith(grid_code[:12])].union_all()
    fits = lines.intersects(own) & ~lines.intersects(others)
    return (int(lines["edge_id"][fits].iloc[0]),)


def prepare_move(
    here: Workspace, action: Action, person: Person, place: tuple[float, float, str], handler: str
) -> Callable[[], Any]:
    incident_id = make_incident(here, place)
    way = (A.FILE, A.DISPATCH) if action is A.NOTE else WAY[action]
    bring_to(here, incident_id, way, handler)
    given = arguments(here, action, incident_id, handler)
    if action is A.REMIND:
        CLOCK.now += timedelta(days=20)
    return lambda: moving.move_incident(here, person, incident_id, action, given)


def expected(cell: str, area: str, place: str, mine: bool) -> bool:
    in_area = area == "everywhere" or (area == "community" and place == "inside")
    if cell == "whole":
        return area == "everywhere"
    return {"all": True, "area": in_area, "own": mine, "self": mine, "read": in_area or mine, "-": False}[cell]


@pytest.mark.parametrize(("operation", "role", "cell"), CELLS, ids=str)
def test_every_operation_by_every_role_in_every_area(
    here: Workspace, places: dict[str, tuple[float, float, str]], operation: str, role: Role, cell: str
) -> None:
    given_to_me = (True, False) if role is Role.WORKER else (False,)
    for area, place, mine in product(("community", "everywhere", "nowhere"), places, given_to_me):
        person = person_of(role, area, here, places)
        act = prepare(here, operation, person, places[place], worker_ids(here)[0 if mine else 1])
        before = here.store.head()
        if expected(cell, area, place, mine):
            act()
        else:
            with pytest.raises((RightsError, RecordNotFoundError) if operation in HIDDEN else RightsError):
                act()
            assert here.store.head() == before, "a refusal changed something"


def test_lists_hold_only_what_the_person_may_see(here: Workspace, places: dict[str, tuple[float, float, str]]) -> None:
    inside, outside = make_incident(here, places["inside"]), make_incident(here, places["outside"])
    mine = make_incident(here, places["outside"])
    bring_to(here, mine, (A.FILE, A.DISPATCH), worker_ids(here)[0])
    query = incidents.IncidentQuery(order="newest")
    for role, area in product(
        (Role.SUPERVISOR, Role.COMMANDER, Role.PLANNER, Role.WORKER), ("community", "everywhere")
    ):
        person = person_of(role, area, here, places)
        found = {record.id for record in incidents.list_incidents(here, person, query)}
        assert (inside in found, outside in found) == (True, area == "everywhere")
        assert incidents.count_incidents(here, person, query) >= len(found)
    only_own = person_of(Role.WORKER, "nowhere", here, places)
    assert {r.handler for r in incidents.list_incidents(here, only_own, query)} == {worker_ids(here)[0]}
    for role, area in ((Role.PUBLIC, "everywhere"), (Role.ADMIN, "everywhere"), (Role.SUPERVISOR, "nowhere")):
        with pytest.raises(RightsError):
            incidents.list_incidents(here, person_of(role, area, here, places), query)
    elsewhere, person = (
        incidents.IncidentQuery(area=places["outside"][2]),
        person_of(Role.SUPERVISOR, "community", here, places),
    )
    with pytest.raises(RightsError):
        incidents.list_incidents(here, person, elsewhere)


def test_the_table_names_every_operation_that_a_person_can_do() -> None:
    """Whoever writes a new operation has to say here who may do it."""
    found = set()
    for module in pkgutil.iter_modules(gridgov.operations.__path__):
        for name, function in vars(importlib.import_module(f"gridgov.operations.{module.name}")).items():
            own = inspect.isfunction(function) and function.__module__.endswith(f".{module.name}")
            if own and not name.startswith("_") and list(inspect.signature(function).parameters)[:2] == [
                "workspace", "person",
            ]:  # fmt: skip
                found.add(name)
    named = {operation.partition(":")[0] for operation, *_ in ROWS if not operation.startswith("move:")}
    moves = {operation.removeprefix("move:") for operation, *_ in ROWS if operation.startswith("move:")}
    assert found == named | FILTERED | PARTS | OWN_ACCOUNT | {"move_incident"}
    assert moves == {str(action) for action in moving.NEEDS}
