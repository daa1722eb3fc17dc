"""Buses for people without a car: before the cars, in the log, in words and on the order sheet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import shapely
from shapely.geometry import mapping

from gridgov.cli import main
from gridgov.config import Settings
from gridgov.errors import ParameterError, SpecError
from gridgov.evacuation import EvacuationParams
from gridgov.model.incident_classes import Certainty
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.bus_input import BusQuery
from gridgov.operations.busing import bus_plan_of, bus_plan_texts
from gridgov.operations.evacuating import RecordedEvacuation, evacuate, keep_plan, read_bus_plan
from gridgov.operations.evacuation_input import EvacuationInput, EvacuationQuery, evacuation_input
from gridgov.operations.evacuation_view import compare_with_nearest
from gridgov.operations.hazards import draw_hazard
from gridgov.operations.orders import order_file, orders_of
from gridgov.profiles.buses import load_bus_profile
from gridgov.verify_plan import verify_document
from gridgov.workspace import Workspace, open_workspace

COMMANDER = Person("commander", Role.COMMANDER, EVERYWHERE)
BUSES = BusQuery(vehicles=12, share_without_car=0.3)
Kept = tuple[Workspace, RecordedEvacuation, EvacuationInput]


@pytest.fixture(scope="module")
def here(village: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("buses")
    for item in village.iterdir():
        if not item.name.startswith("store"):
            (folder / item.name).symlink_to(item)
    return open_workspace(folder, settings=Settings(store="memory:"))


def circle(here: Workspace) -> dict[str, object]:
    west, south, east, north = here.bounds
    return mapping(shapely.Point((west + east) / 2, (south + north) / 2).buffer((east - west) * 0.12))


@pytest.fixture(scope="module")
def kept(here: Workspace) -> Kept:
    """A plan with twelve buses on the books."""
    hazard = draw_hazard(here, COMMANDER, circle(here), arrival_s=0.0)
    query = EvacuationQuery(hazard_id=hazard.hazard_id, params=EvacuationParams(time_limit_s=2.0), buses=BUSES)
    plan, asked = evacuate(here, COMMANDER, query)
    assert verify_document(json.loads(plan.to_json())).ok
    return here, keep_plan(here, COMMANDER, query, plan, asked), asked


def test_buses_take_their_places_people_and_roads_before_the_cars(kept: Kept) -> None:
    here, recorded, asked = kept
    without = EvacuationQuery(hazard_id=recorded.evacuation.hazard_id, params=EvacuationParams(time_limit_s=2.0))
    alone = evacuation_input(here, COMMANDER, without)
    assert asked.buses is not None
    assert asked.buses.persons == pytest.approx(0.3 * alone.demand["persons"].sum(), abs=len(alone.demand))
    assert asked.persons == recorded.evacuation.persons
    assert asked.persons == pytest.approx(alone.persons, abs=len(alone.demand))  # whole people board a bus
    freed = (alone.shelters["capacity_persons"] - asked.shelters["capacity_persons"]).sum()
    assert freed == asked.buses.persons
    assert asked.network.capacity_vph is not None
    assert alone.network.capacity_vph is not None
    assert (asked.network.capacity_vph <= alone.network.capacity_vph).all()
    assert asked.network.capacity_vph.sum() < alone.network.capacity_vph.sum()


def test_a_kept_plan_holds_its_buses(kept: Kept) -> None:
    here, recorded, asked = kept
    plan = read_bus_plan(here, COMMANDER, recorded.evacuation.evacuation_id)
    assert plan is not None
    assert asked.buses is not None
    assert plan.to_dict() == asked.buses.to_dict()
    assert plan.to_dict() == bus_plan_of(here, COMMANDER, evacuation_id=recorded.evacuation.evacuation_id).to_dict()
    assert recorded.evacuation.buses["trips"] == plan.trips
    assert BusQuery.from_dict(recorded.evacuation.query["buses"]) == BUSES
    nearest = compare_with_nearest(here, COMMANDER, recorded.evacuation.evacuation_id)
    assert nearest.clearance_time_s > 0


def test_the_sheet_says_when_a_bus_comes_and_shelters_count_who_comes_by_bus(kept: Kept) -> None:
    here, recorded, asked = kept
    orders = orders_of(here, COMMANDER, recorded.evacuation.evacuation_id).orders
    assert asked.buses is not None
    assert sum(call.persons for zone in orders.zones for call in zone.buses) == asked.buses.persons
    assert sum(shelter.persons for shelter in orders.shelters) == orders.persons + asked.buses.persons
    sheet = order_file(here, COMMANDER, recorded.evacuation.evacuation_id).decode()
    assert "公交接运" in sheet


def test_buses_alone_are_answered_with_their_bound_in_words(kept: Kept) -> None:
    here, recorded, _ = kept
    few = BusQuery(vehicles=2, share_without_car=0.1)
    plan = bus_plan_of(here, COMMANDER, few, evacuation_id=recorded.evacuation.evacuation_id)
    assert 0 < plan.lower_bound_s <= plan.done_s
    first, second = bus_plan_texts(plan, "zh")[:2]
    assert "2 辆" in first
    assert "不可能快于" in second
    west, south, east, north = here.bounds
    depot = BusQuery(depots=(((west + east) / 2, (south + north) / 2, 3),))
    other = bus_plan_of(here, COMMANDER, depot, hazard_id=recorded.evacuation.hazard_id)
    assert {bus.depot_id for bus in other.buses} == {"depot1"}


def test_what_cannot_be_is_refused(kept: Kept) -> None:
    here, recorded, _ = kept
    with pytest.raises(ParameterError, match="0 buses"):
        BusQuery()
    with pytest.raises(ParameterError, match="one of the two"):
        bus_plan_of(here, COMMANDER, BUSES)
    with pytest.raises(ParameterError, match="how many"):
        bus_plan_of(here, COMMANDER, hazard_id=recorded.evacuation.hazard_id)
    with pytest.raises(ParameterError, match="share_without_car"):
        bus_plan_of(
            here, COMMANDER, BusQuery(vehicles=1, share_without_car=1.5), hazard_id=recorded.evacuation.hazard_id
        )
    walk = EvacuationQuery(hazard_id=recorded.evacuation.hazard_id, params=EvacuationParams(mode="walk"), buses=BUSES)
    with pytest.raises(ParameterError, match="on foot"):
        evacuation_input(here, COMMANDER, walk)


def test_the_profile_says_how_sure_it_is(tmp_path: Path) -> None:
    profile = load_bus_profile()
    assert (profile.params.share_without_car, profile.people_certainty) == (0.2, Certainty("U"))
    assert set(profile.sources) == {"share_without_car", "bus", "car_equivalents"}
    file = tmp_path / "buses.toml"
    bus = "seats = 5\nstop_s = 1\nboard_s = 1\nalight_s = 1\ncar_equivalents = 1\nstops_per_trip = 1\n"
    unsure = 'certainty = "U"\n'
    file.write_text(f"[sources]\n[people]\nshare_without_car = 2.0\n{unsure}[bus]\n{bus}{unsure}")
    with pytest.raises(SpecError, match="share_without_car"):
        load_bus_profile(file)


def test_the_command_prints_the_trips(here: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    polygon = tmp_path / "zone.geojson"
    polygon.write_text(json.dumps(circle(here)))
    folder = ["--workspace", str(here.path), "--polygon", str(polygon), "--time-limit", "2"]
    code = main(["evacuate", "--lang", "en", *folder, "--buses", "8", "--without-car", "0.3"])
    told = capsys.readouterr().out
    assert code == 0
    assert " buses make " in told
    assert "cannot be done before" in told
    assert "first stop" in told
    assert main(["evacuate", *folder, "--without-car", "0.3"]) == 2
