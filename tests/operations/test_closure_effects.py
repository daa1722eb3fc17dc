"""What closing roads would change: by hand in a tiny city, and against a network that is read anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgov.config import Settings
from gridgov.errors import ParameterError, RecordNotFoundError
from gridgov.model import TravelMode
from gridgov.model.incident_life import Action
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.network import RoadNetwork
from gridgov.network.planning import EARLY_STOP
from gridgov.operations.assigning import assign
from gridgov.operations.board import board_of
from gridgov.operations.closure_effects import ClosureEffects, closure_effects
from gridgov.operations.closures import ClosureDraft, close_roads, closures_of, reopen_roads, roster_at
from gridgov.operations.coverage import can_go, fixed_places, grid_places
from gridgov.operations.crew import crew_of
from gridgov.operations.dispatching import dispatch_at
from gridgov.operations.moving import MoveArguments, move_incident
from gridgov.operations.reaching_now import incident_places, under_way, waiting
from gridgov.operations.reporting import ReportForm, report_incident
from gridgov.operations.service_areas import isochrone_at
from gridgov.workspace import LayerEntry, Manifest, Workspace, open_workspace

BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
HOUR = timedelta(hours=1)
BLOCK_MS = 10_000
NIGHT = "2026-07-05T03:00:00+08:00"  # streets are free
CODES = [f"33990100100100{number}" for number in range(1, 6)]


def city_of(folder: Path, network: RoadNetwork, workers: gpd.GeoDataFrame, grids: gpd.GeoDataFrame) -> Workspace:
    """A workspace of a network, workers and grids that were made by hand."""
    data = folder / "data-1"
    (data / "layers").mkdir(parents=True)
    times = {str(mode): network.travel_time_ms for mode in (TravelMode.EBIKE, TravelMode.WALK)}
    RoadNetwork.from_arrays(
        network.tail, network.head, network.travel_time_ms, x=network.x, y=network.y, mode_times_ms=times
    ).save(data / "network.npz")
    layers = []
    for name, frame in (("workers", workers), ("grids", grids)):
        frame.to_parquet(data / "layers" / f"{name}.parquet")
        kind = "point" if name == "workers" else "polygon"
        layers.append(LayerEntry(name, name, len(frame), 0, 0, "by hand", {"zh": name, "en": name}, kind))
    layers.append(LayerEntry("roads", "roads", network.n_edges, 0, 0, "by hand", {"zh": "路", "en": "roads"}, "line"))
    names, bounds = {"zh": "小城", "en": "Tiny"}, (118.97, 29.59, 118.99, 29.61)
    manifest = Manifest(
        "tiny", names, "Asia/Shanghai", "EPSG:32650", bounds, "1", "data-1", NIGHT, NIGHT, tuple(layers)
    )
    (folder / "workspace.json").write_text(manifest.to_json(), encoding="utf-8")
    return open_workspace(folder, settings=Settings(store="memory:"))


@pytest.fixture
def tiny(
    tmp_path: Path,
    tiny_city: RoadNetwork,
    make_workers: Callable[..., gpd.GeoDataFrame],
    at_crossing: Callable[[int], tuple[float, float]],
) -> Workspace:
    """The tiny city; W0 at crossing 4, W1 at crossing 15; grids around crossings 5, 7, 12 and 15, and all the rest."""
    round_the_clock = {"shift_start": "00:00", "shift_end": "24:00"}
    workers = make_workers((4, round_the_clock), (15, round_the_clock)).drop(columns=["shift_start", "shift_end"])
    boxes = [shapely.box(x - 2e-4, y - 2e-4, x + 2e-4, y + 2e-4) for x, y in map(at_crossing, (5, 7, 12, 15))]
    boxes.append(shapely.box(118.979, 29.599, 118.984, 29.604).difference(shapely.union_all(boxes)))
    grids = gpd.GeoDataFrame({"grid_code": CODES, "persons": [10, 20, None, 40, 0]}, geometry=boxes, crs="EPSG:4326")
    return city_of(tmp_path / "tiny", tiny_city, workers, grids)


def between(tiny_city: RoadNetwork, *pairs: tuple[int, int]) -> tuple[int, ...]:
    """Edges of streets, both directions."""
    ends = list(zip(tiny_city.tail.tolist(), tiny_city.head.tolist(), strict=True))
    return tuple(ends.index(way) for a, b in pairs for way in ((a, b), (b, a)) if way in ends)


def incident_at(here: Workspace, place: tuple[float, float], handler: str = "") -> str:
    """Report and file an incident, and send somebody where a handler is given."""
    incident_id = report_incident(here, BOSS, ReportForm(class_code="0101", lon=place[0], lat=place[1])).id
    move_incident(here, BOSS, incident_id, Action.FILE, MoveArguments())
    if handler:
        move_incident(here, BOSS, incident_id, Action.DISPATCH, MoveArguments(handler=handler))
    return incident_id


def test_a_closed_street_makes_the_next_worker_late_and_another_one_the_nearest(
    tiny: Workspace, tiny_city: RoadNetwork, at_crossing: Callable[[int], tuple[float, float]]
) -> None:
    """At crossing 6 W0 arrives after 2 blocks; without 5-6 and 4-5 and 4-8 she cannot leave, and W1 needs 3."""
    late = incident_at(tiny, at_crossing(6))
    found = closure_effects(tiny, BOSS, [ClosureDraft(edges=between(tiny_city, (4, 5), (4, 8), (5, 6), (4, 0)))])
    (effect,) = found.incidents
    assert (effect.incident_id, effect.before_ms, effect.after_ms) == (late, 2 * BLOCK_MS, 3 * BLOCK_MS)
    assert (effect.worker_before, effect.worker_after, effect.is_other_worker) == ("W0", "W1", True)
    assert (effect.change, effect.delay_ms, effect.reason) == ("later", BLOCK_MS, "")
    assert [(worker.worker_id, worker.reason) for worker in found.workers] == [("W0", "on_closed_road")]


def test_grids_are_compared_by_hand_and_unknown_population_is_counted_apart(
    tiny: Workspace, tiny_city: RoadNetwork
) -> None:
    """Before: crossings 5, 7, 12, 15 after 1, 2, 2, 0 blocks. Crossing 12 without its two streets: cut off."""
    draft = ClosureDraft(edges=between(tiny_city, (12, 13), (8, 12)))
    grids = closure_effects(tiny, BOSS, [draft], limit_min=0.25).grids.iloc[:4]
    assert grids["id"].tolist() == CODES[:4]
    assert grids["before_ms"].tolist() == [BLOCK_MS, 2 * BLOCK_MS, 2 * BLOCK_MS, 0]
    assert grids["after_ms"].isna().tolist() == [False, False, True, False]
    assert grids["cut_off"].tolist() == [False, False, True, False]
    assert grids["service"].tolist() == ["kept", "none", "none", "kept"]
    wider = closure_effects(tiny, BOSS, [draft], limit_min=0.5).summary
    assert (wider.grids_lost, wider.persons_lost, wider.grids_lost_without_population) == (1, 0, 1)
    assert (wider.edges, wider.streets) == (4, 2)


def test_a_worker_under_way_is_late_only_if_every_quickest_way_is_cut(
    tiny: Workspace, tiny_city: RoadNetwork, at_crossing: Callable[[int], tuple[float, float]]
) -> None:
    """From crossing 4 to 10 there are three quickest ways of 3 blocks: closing one street of one of them is no harm."""
    incident_at(tiny, at_crossing(10), handler="W0")
    assert closure_effects(tiny, BOSS, [ClosureDraft(edges=between(tiny_city, (5, 6)))]).incidents == ()
    both = ClosureDraft(edges=between(tiny_city, (6, 10), (9, 10)))
    (effect,) = closure_effects(tiny, BOSS, [both]).incidents
    assert (effect.is_under_way, effect.route_is_cut, effect.change) == (True, True, "later")
    assert (effect.before_ms, effect.after_ms) == (3 * BLOCK_MS, 5 * BLOCK_MS)


def test_an_incident_whose_own_road_is_closed_is_said_with_its_id(
    tiny: Workspace, tiny_city: RoadNetwork, at_crossing: Callable[[int], tuple[float, float]]
) -> None:
    (x, y), (to_x, _) = at_crossing(5), at_crossing(6)
    own = incident_at(tiny, ((x + to_x) / 2, y), handler="W0")
    found = closure_effects(tiny, BOSS, [ClosureDraft(edges=between(tiny_city, (5, 6)))])
    (effect,) = found.incidents
    assert (effect.change, effect.after_ms, effect.delay_ms, effect.reason) == (
        "cut_off", None, None, "on_closed_road",
    )  # fmt: skip
    assert own in effect.text("zh")
    assert [note.code for note in found.notes] == ["incidents_on_closed_road"]
    assert own in found.notes[0].text("en")
    assert found.incidents == closure_effects(tiny, BOSS, [ClosureDraft(edges=between(tiny_city, (5, 6)))]).incidents


def test_nobody_who_can_go_is_said_and_no_time_is_invented(
    tiny: Workspace, tiny_city: RoadNetwork, at_crossing: Callable[[int], tuple[float, float]]
) -> None:
    for worker, crossing in (("W0", 1), ("W1", 2)):
        incident_at(tiny, at_crossing(crossing), handler=worker)
    found = closure_effects(tiny, BOSS, [ClosureDraft(edges=between(tiny_city, (5, 6)))])
    assert [note.code for note in found.notes] == ["nobody_can_go"]
    assert found.grids[["before_ms", "after_ms"]].isna().all(axis=None)
    assert set(found.grids["change"]) == {"never"}


def test_a_street_closed_to_cars_only_stays_open_to_people_on_foot(
    tiny: Workspace, tiny_city: RoadNetwork, at_crossing: Callable[[int], tuple[float, float]]
) -> None:
    incident_at(tiny, at_crossing(6))
    streets = between(tiny_city, (4, 5), (4, 8))
    on_foot = ClosureDraft(edges=streets, modes=(TravelMode.WALK,))
    assert closure_effects(tiny, BOSS, [on_foot]).incidents == ()
    by_car = replace(on_foot, modes=(TravelMode.DRIVE,))
    assert closure_effects(tiny, BOSS, [by_car]).incidents != ()
    closure, _ = close_roads(tiny, BOSS, on_foot)
    assert closure.modes == (TravelMode.WALK,)
    assert dispatch_at(tiny, BOSS, *at_crossing(6)).options[0].travel_time_ms == 2 * BLOCK_MS
    assert roster_at(tiny, tiny.now()).groups[TravelMode.DRIVE].network is not None


def test_a_dispatch_names_the_closure_that_alone_cuts_the_place_off(
    tiny: Workspace, tiny_city: RoadNetwork, at_crossing: Callable[[int], tuple[float, float]]
) -> None:
    guilty, _ = close_roads(tiny, BOSS, ClosureDraft(edges=between(tiny_city, (12, 13), (8, 12))))
    close_roads(tiny, BOSS, ClosureDraft(edges=between(tiny_city, (1, 2))))
    plan = dispatch_at(tiny, BOSS, *at_crossing(12))
    assert (plan.options, plan.closures) == ((), (guilty.closure_id,))
    assert plan.notes == ("nobody_reaches", "cut_off_by_closures")
    assert guilty.closure_id in plan.note_texts("zh")[1]
    both = [close_roads(tiny, BOSS, ClosureDraft(edges=between(tiny_city, way)))[0] for way in ((3, 7), (2, 3))]
    reopen_roads(tiny, BOSS, guilty.closure_id)
    assert dispatch_at(tiny, BOSS, *at_crossing(12)).closures == ()
    far = dispatch_at(tiny, BOSS, *at_crossing(3))
    assert {closure.closure_id for closure in both} <= set(far.closures)


def test_a_plan_for_many_names_the_closures_that_cut_off_each_of_its_incidents(
    tiny: Workspace, tiny_city: RoadNetwork, at_crossing: Callable[[int], tuple[float, float]]
) -> None:
    guilty, _ = close_roads(tiny, BOSS, ClosureDraft(edges=between(tiny_city, (12, 13), (8, 12))))
    close_roads(tiny, BOSS, ClosureDraft(edges=between(tiny_city, (1, 2))))
    cut, _ = incident_at(tiny, at_crossing(12)), incident_at(tiny, at_crossing(6))
    (left,) = (one for one in assign(tiny, BOSS).unassigned if one.reason == "cut_off")
    assert (left.incident_id, dict(left.detail)) == (cut, {"closures": guilty.closure_id})
    assert f"cut the place off ({guilty.closure_id})" in left.text("en")
    assert guilty.closure_id in left.text("zh")


def test_from_a_place_on_a_closed_road_nothing_is_within_reach_and_that_is_said(
    tiny: Workspace, tiny_city: RoadNetwork, at_crossing: Callable[[int], tuple[float, float]]
) -> None:
    (west, south), (east, north) = at_crossing(5), at_crossing(6)
    middle = (west + east) / 2, (south + north) / 2
    assert len(isochrone_at(tiny, BOSS, *middle, [2]).pieces)
    guilty, _ = close_roads(tiny, BOSS, ClosureDraft(edges=between(tiny_city, (5, 6))))
    with pytest.raises(ParameterError, match=rf"lies on a closed road.*{guilty.closure_id}.*another road"):
        isochrone_at(tiny, BOSS, *middle, [2])


def test_odd_drafts_are_said_with_their_numbers_and_the_others_count(tiny: Workspace, tiny_city: RoadNetwork) -> None:
    now, edges = tiny.now(), between(tiny_city, (5, 6))
    nowhere = {"type": "LineString", "coordinates": [[0.0, 0.0], [0.1, 0.1]]}
    drafts = [
        ClosureDraft(geometry=nowhere),
        ClosureDraft(edges=edges, valid_from=now, valid_to=now),
        ClosureDraft(edges=edges, valid_from=now + HOUR),
        ClosureDraft(edges=edges),
        ClosureDraft(edges=edges, factor=0.5),
    ]
    found = closure_effects(tiny, BOSS, drafts)
    assert {(finding.rule, finding.key) for finding in found.findings} == {
        ("closure_hits_no_edge", "draft-1"),
        ("closure_holds_never", "draft-2"),
        ("closure_not_then", "draft-3"),
        ("closure_contradiction", "draft-4"),
    }
    assert all(finding.message("zh") and finding.key in finding.message("zh") for finding in found.findings)
    assert found.summary.edges == len(edges)
    with pytest.raises(ParameterError, match="draft-1"):
        closure_effects(tiny, BOSS, [ClosureDraft()])
    with pytest.raises(RecordNotFoundError, match="nothing"):
        closure_effects(tiny, BOSS, reopened=["nothing"])


def test_a_draft_of_tomorrow_is_looked_at_tomorrow(tiny: Workspace, tiny_city: RoadNetwork) -> None:
    later = tiny.now() + 24 * HOUR
    found = closure_effects(tiny, BOSS, [ClosureDraft(edges=between(tiny_city, (5, 6)), valid_from=later)])
    assert (found.when, found.summary.edges, found.findings) == (later, 2, ())


def test_opening_a_closure_is_the_mirror_of_closing_it(
    tiny: Workspace, tiny_city: RoadNetwork, at_crossing: Callable[[int], tuple[float, float]]
) -> None:
    incident_at(tiny, at_crossing(12))
    draft = ClosureDraft(edges=between(tiny_city, (12, 13), (8, 12)))
    there = closure_effects(tiny, BOSS, [draft])
    closure, _ = close_roads(tiny, BOSS, draft)
    back = closure_effects(tiny, BOSS, reopened=[closure.closure_id])
    assert back.grids["after_ms"].tolist() == there.grids["before_ms"].tolist()
    assert [effect.change for effect in back.incidents] == ["restored"]
    assert set(back.edges.kind) == {"opened"}
    assert closures_of(tiny, BOSS).closures == (closure,)
    reopen_roads(tiny, BOSS, closure.closure_id)
    again = closure_effects(tiny, BOSS, [draft])
    assert json.dumps(again.grids.to_json()) == json.dumps(there.grids.to_json())
    assert again.incidents == there.incidents


def fresh_networks(here: Workspace) -> dict[TravelMode, RoadNetwork]:
    """The roads read anew, at the speeds of the moment: nothing is shared with the workspace."""
    base = RoadNetwork.load(here.data / "network.npz")
    crew = crew_of(here)
    return {
        mode: base.for_mode(mode).with_speed_factors(roster_speeds(here, mode))
        for mode in crew.roster.groups
    }  # fmt: skip


def roster_speeds(here: Workspace, mode: TravelMode) -> np.ndarray:
    overlay = roster_at(here, here.now()).groups[mode].network._overlay
    return np.ones(here.network().n_edges) if overlay is None else overlay.speed_factor


def test_effects_equal_a_full_recomputation_on_roads_read_anew(village: Path) -> None:
    """One search for each pair of worker and target on networks that know nothing of views and closures."""
    here = open_workspace(village, settings=Settings(store="memory:"))
    workers = here.layer("workers")["worker_id"].tolist()
    points = here.layer("grids").geometry.representative_point()
    for number, point in enumerate(points[:40]):
        incident_at(here, (point.x, point.y), handler=workers[number // 4] if number % 4 == 0 else "")
    middle, half = points.iloc[len(points) // 2], 0.002
    area = shapely.box(middle.x - half, middle.y - half, middle.x + half, middle.y + half)
    found = closure_effects(here, BOSS, [ClosureDraft(geometry=shapely.geometry.mapping(area))])
    assert found.summary.edges > 0
    check_times(here, found)


def check_times(here: Workspace, found: ClosureEffects) -> None:
    roster, board = crew_of(here).roster, board_of(here)
    able = can_go(roster, here.now())
    grids, incidents = [], []
    for mode, base in fresh_networks(here).items():
        group, closed = roster.groups[mode], base.with_closures(found.edges.edge_id)
        chosen = np.flatnonzero(able[group.rows])
        for many, places in ((grids, grid_places(here, mode)), (incidents, incident_places(here, board)[mode])):
            many.append(closed.travel_times(group.places[chosen], places, engine=EARLY_STOP).astype(float))
    least = [np.vstack(parts) for parts in (grids, incidents)]
    grid_ms, incident_ms = (np.where(times < 0, np.inf, times).min(axis=0) for times in least)
    assert found.grid_after_ms.tolist() == np.where(np.isinf(grid_ms), -1, grid_ms).astype(int).tolist()
    row_of = {incident: row for row, incident in enumerate(board["incident_id"].tolist())}
    assert {waiting(board)[row_of[one.incident_id]] for one in found.incidents} <= {True, False}
    for one in found.incidents:
        if not one.is_under_way:
            time = incident_ms[row_of[one.incident_id]]
            assert one.after_ms == (None if np.isinf(time) else int(time))
    assert int((waiting(board) | under_way(board)).sum()) == found.summary.incidents == 40


def test_facilities_that_are_cut_off_are_listed_by_category(village: Path) -> None:
    here = open_workspace(village, settings=Settings(store="memory:"))
    ids, places = fixed_places(here, "shelters", TravelMode.DRIVE)
    x, y = float(places.lon[0]), float(places.lat[0])
    area = shapely.geometry.mapping(shapely.box(x - 1e-4, y - 1e-4, x + 1e-4, y + 1e-4))
    found = closure_effects(here, BOSS, [ClosureDraft(geometry=area)])
    lost = {effect.category: effect.cut_off for effect in found.facilities}
    assert ids[0] in lost["shelters"]
    assert found.summary.facilities_cut_off == sum(map(len, lost.values()))


def test_who_may_not_see_incidents_or_workers_is_not_told_of_them(village: Path) -> None:
    here = open_workspace(village, settings=Settings(store="memory:"))
    points = here.layer("grids").geometry.representative_point()
    for point in points[:20]:
        incident_at(here, (point.x, point.y))
    west, south, east, north = here.bounds
    draft = ClosureDraft(geometry=shapely.geometry.mapping(shapely.box(west, south, east, (south + north) / 2)))
    boss = closure_effects(here, BOSS, [draft])
    assert boss.incidents
    assert boss.workers
    planner = closure_effects(here, Person("p", Role.PLANNER, EVERYWHERE), [draft])
    assert [one.incident_id for one in planner.incidents] == [one.incident_id for one in boss.incidents]
    assert {one.worker_before + one.worker_after for one in planner.incidents} == {""}
    assert planner.workers == ()
    admin = closure_effects(here, Person("a", Role.ADMIN, EVERYWHERE), [draft])
    assert (admin.incidents, admin.workers, admin.summary.incidents) == ((), (), 0)
    assert admin.summary.grids_cut_off == boss.summary.grids_cut_off > 0
