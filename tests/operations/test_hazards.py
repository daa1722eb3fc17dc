"""Hazards of the log: drawn, changed, withdrawn, repeated; their impact and what they do to the roads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping

from gridgov.config import Settings
from gridgov.errors import ConflictError, LayerNotFoundError, ParameterError, RecordNotFoundError
from gridgov.hazards import Wind
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.changes import read_changes, seen_by
from gridgov.operations.hazard_models import (
    GasRelease,
    compute_fire,
    compute_flood,
    compute_plume,
    compute_slope,
)
from gridgov.operations.hazards import HazardHeader, draw_hazard, hazards_of, read_hazard, withdraw_hazard
from gridgov.operations.impact import impact_of, road_consequences
from gridgov.workspace import Workspace, open_workspace

COMMANDER = Person("commander", Role.COMMANDER, EVERYWHERE)


@pytest.fixture
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


def circle(here: Workspace, radius_deg: float = 0.004) -> dict[str, Any]:
    middle = shapely.union_all(here.layer("grids").geometry.array).centroid
    return dict(mapping(middle.buffer(radius_deg)))


def test_a_drawn_hazard_is_on_the_books_until_it_is_withdrawn_and_stays_on_record(here: Workspace) -> None:
    hazard = draw_hazard(here, COMMANDER, circle(here), HazardHeader(name="化工厂泄漏"), arrival_s=1800)
    (known,) = hazards_of(here, COMMANDER)
    assert (known.hazard, known.status, known.revision) == (hazard, "active", 1)
    assert hazard.starts_at == here.now()
    gone = withdraw_hazard(here, COMMANDER, hazard.hazard_id, reason="解除")
    assert (gone.status, gone.reason, gone.by) == ("withdrawn", "解除", "commander")
    assert hazards_of(here, COMMANDER) == ()
    assert [one.status for one in hazards_of(here, COMMANDER, withdrawn_too=True)] == ["withdrawn"]
    with pytest.raises(ConflictError, match="before"):
        withdraw_hazard(here, COMMANDER, hazard.hazard_id)


def test_a_changed_hazard_keeps_its_id_and_every_form_of_it_stays_in_the_log(here: Workspace) -> None:
    first = draw_hazard(here, COMMANDER, circle(here))
    second = draw_hazard(here, COMMANDER, circle(here, 0.006), HazardHeader(replaces=first.hazard_id))
    assert second.hazard_id == first.hazard_id
    known = read_hazard(here, COMMANDER, first.hazard_id)
    assert (known.hazard, known.revision) == (second, 2)
    kinds = [event.kind for event in here.store.events(entity_id=f"hazard:{first.hazard_id}")]
    assert kinds == ["hazard.drawn", "hazard.updated"]
    assert here.store.replayed_digest() == here.store.state_digest()


def test_the_same_call_twice_draws_one_hazard(here: Workspace) -> None:
    header = HazardHeader(idempotency_key="draw-it-only-once")
    assert draw_hazard(here, COMMANDER, circle(here), header) == draw_hazard(here, COMMANDER, circle(here), header)
    assert len(hazards_of(here, COMMANDER)) == 1


def test_everybody_who_sees_the_map_hears_of_a_hazard(here: Workspace) -> None:
    draw_hazard(here, COMMANDER, circle(here))
    (change,) = read_changes(here, 0)
    assert seen_by(Person("w", Role.WORKER, ("x",)), change)
    assert not seen_by(Person("p", Role.PUBLIC, ()), change)


def test_a_hazard_that_does_not_exist_is_said_so(here: Workspace) -> None:
    with pytest.raises(RecordNotFoundError, match="no hazard"):
        impact_of(here, COMMANDER, "250101-XXXXXX")
    with pytest.raises(ParameterError, match="characters"):
        draw_hazard(here, COMMANDER, circle(here), HazardHeader(name="x" * 300))


def test_an_impact_counts_by_day_and_by_night_and_is_measured_once(here: Workspace) -> None:
    hazard = draw_hazard(here, COMMANDER, circle(here))
    by_night = impact_of(here, COMMANDER, hazard.hazard_id, day=False)
    by_day = impact_of(here, COMMANDER, hazard.hazard_id, day=True)
    assert by_night.impact.figures["persons"].value > 0
    assert by_day.impact.figures["persons"] != by_night.impact.figures["persons"]
    assert by_day.presence_certainty == "U"
    assert impact_of(here, COMMANDER, hazard.hazard_id, day=True).impact is by_day.impact
    draw_hazard(here, COMMANDER, circle(here, 0.001), HazardHeader(replaces=hazard.hazard_id))
    less = impact_of(here, COMMANDER, hazard.hazard_id, day=True).impact.figures["persons"]
    assert less.value < by_day.impact.figures["persons"].value


def test_numbers_of_grids_streets_and_levels_add_up_to_the_whole(here: Workspace) -> None:
    hazard = draw_hazard(here, COMMANDER, circle(here))
    impact = impact_of(here, COMMANDER, hazard.hazard_id).impact
    whole = impact.figures["persons"].value
    for part in (impact.by_grid, impact.by_community, impact.by_street, impact.by_level, impact.by_arrival):
        assert part["persons"].sum() == pytest.approx(whole)
    assert impact.figures["persons"].low < whole < impact.figures["persons"].high


def test_roads_close_when_the_hazard_comes_counted_from_now(here: Workspace) -> None:
    header = HazardHeader(starts_at=here.now() + timedelta(minutes=10))
    hazard = draw_hazard(here, COMMANDER, circle(here), header, arrival_s=1200)
    answer = road_consequences(here, COMMANDER, hazard.hazard_id)
    assert set(answer.closes_s[np.isfinite(answer.closes_s)]) == {1800}
    later = road_consequences(here, COMMANDER, hazard.hazard_id, now=here.now() + timedelta(hours=2))
    assert set(later.closes_s[np.isfinite(later.closes_s)]) == {0}
    assert answer.closing["edges"].sum() > 0
    assert (answer.cut_off["cut_off_s"].dropna() == 1800).all()


def test_a_flood_of_the_village_river_reaches_people_roads_and_fields(here: Workspace) -> None:
    water = here.layer("water")
    river = mapping(water.geometry.iloc[int(water["area_m2"].to_numpy().argmax())])
    hazards = [
        compute_flood(here, COMMANDER, river, ((0.0, 0.0), (3600.0, level)), datum="source") for level in (2.0, 5.0)
    ]
    low, high = (impact_of(here, COMMANDER, hazard.hazard_id).impact.figures for hazard in hazards)
    assert 0 < low["persons"].value < high["persons"].value
    assert low["road_m"].value < high["road_m"].value
    assert high["persons"].low <= high["persons"].value <= high["persons"].high
    closing = road_consequences(here, COMMANDER, hazards[1].hazard_id).closing
    assert closing["after_s"].is_monotonic_increasing
    assert len(closing) > 1
    assert here.store.replayed_digest() == here.store.state_digest()


def test_a_workspace_without_elevation_says_what_is_missing(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(here, "of_kind", lambda kind: ())
    with pytest.raises(LayerNotFoundError, match="no elevation"):
        compute_slope(here, COMMANDER, {"type": "Point", "coordinates": [119.0, 29.6]})


def test_a_fire_burns_what_the_land_cover_says_and_one_fuel_everywhere_when_told(here: Workspace) -> None:
    place = mapping(here.layer("grids").geometry.iloc[0].representative_point())
    hazard = compute_fire(here, COMMANDER, place, Wind(4.0, 270.0), until_s=600.0, fuel="forest")
    assert hazard.inputs["rates_m_min"] == {"forest": 0.8}
    with pytest.raises(ParameterError, match="it knows forest"):
        compute_fire(here, COMMANDER, place, Wind(4.0, 270.0), fuel="coal")


def test_gas_is_computed_for_the_night_at_night(here: Workspace) -> None:
    west, south, east, north = here.bounds
    gas = GasRelease(lon=(west + east) / 2, lat=(south + north) / 2, substance="1017", wind=Wind(3.0, 0.0))
    by_day = compute_plume(here, COMMANDER, gas)
    by_night = compute_plume(here, COMMANDER, replace(gas, night=True))
    assert (by_day.inputs["downwind_m"], by_night.inputs["downwind_m"]) == (400, 1600)
    assert impact_of(here, COMMANDER, by_night.hazard_id).impact.figures["persons"].value > 0
    with pytest.raises(ParameterError, match="no concentrations"):
        compute_plume(here, COMMANDER, replace(gas, substance="unknown", rate_g_s=10.0))
