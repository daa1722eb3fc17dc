"""What a click shows: facts of a place, the incident that is meant, the worklist, the numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridgov.errors import ParameterError, RecordNotFoundError
from gridgov.operations.catalogue import finding_table, layer_table
from gridgov.operations.dispatching import dispatch_at, grid_code_at, skills_of
from gridgov.operations.mapping import MapSource, console_view
from gridgov.operations.situation import (
    district_facts,
    incident_facts,
    incident_near,
    incident_worklist,
    place_facts,
    shown_incidents,
)
from gridgov.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def workspace(village: Path) -> Workspace:
    return open_workspace(village)


def test_a_place_knows_its_grid_community_street_ground_and_height(workspace: Workspace) -> None:
    grids = workspace.layer("grids")
    row = grids.sort_values("persons").iloc[-1]
    point = row.geometry.representative_point()
    facts = place_facts(workspace, point.x, point.y)
    assert facts.grid is not None
    assert facts.grid.grid_code == row["grid_code"] == grid_code_at(workspace, point.x, point.y)
    assert facts.grid.persons == row["persons"]
    assert facts.grid.community["zh"].endswith(("社区", "村"))
    assert facts.grid.street["zh"].endswith(("街道", "镇", "乡"))
    assert facts.elevation_m is not None
    assert facts.land_cover is not None


def test_a_place_outside_everything_has_no_facts_and_breaks_nothing(workspace: Workspace) -> None:
    facts = place_facts(workspace, 0.0, 0.0)
    assert (facts.grid, facts.elevation_m, facts.land_cover, facts.resources) == (None, None, None, ())


def test_the_worklist_holds_the_open_incidents_the_worst_and_latest_first(workspace: Workspace) -> None:
    work = incident_worklist(workspace, "zh")
    assert work is not None
    assert len(work) == district_facts(workspace).open_incidents > 0
    keys = [(-s, -at.timestamp()) for s, at in zip(work["severity"], work["reported_at"], strict=True)]
    assert keys == sorted(keys)
    assert not set(work["state"]) & {"closed", "void", "rejected"}


def test_the_map_shows_the_incidents_of_the_worklist_and_no_others(workspace: Workspace) -> None:
    work = incident_worklist(workspace, "zh")
    assert work is not None
    assert set(MapSource(workspace.path).layer("incidents")["incident_id"]) == set(work["incident_id"])


def test_a_click_on_an_incident_means_it_and_a_click_elsewhere_does_not(workspace: Workspace) -> None:
    shown = shown_incidents(workspace, open_only=True)
    assert shown is not None
    first = shown.iloc[0]
    assert incident_near(workspace, first["lon"], first["lat"], within_m=2, open_only=True) == first["incident_id"]
    assert incident_near(workspace, first["lon"] + 0.5, first["lat"], within_m=2, open_only=True) is None


def test_an_incident_is_found_by_its_id_and_an_unknown_id_is_refused(workspace: Workspace) -> None:
    work = incident_worklist(workspace, "en")
    assert work is not None
    facts = incident_facts(workspace, work["incident_id"].iloc[0])
    assert facts.class_names["zh"]
    assert facts.class_names["en"]
    with pytest.raises(RecordNotFoundError, match="'nothing'"):
        incident_facts(workspace, "nothing")


def test_a_skill_that_nobody_has_is_refused_with_those_there_are(workspace: Workspace) -> None:
    lon, lat = (workspace.bounds[0] + workspace.bounds[2]) / 2, (workspace.bounds[1] + workspace.bounds[3]) / 2
    with pytest.raises(ParameterError, match=skills_of(workspace)[0]):
        dispatch_at(workspace, lon, lat, skills=["juggling"])
    with pytest.raises(ParameterError, match="drive, ebike, walk"):
        dispatch_at(workspace, lon, lat, modes=["horse"])
    plan = dispatch_at(workspace, lon, lat, skills=[skills_of(workspace)[0]], k=3)
    assert plan.options
    assert all(skills_of(workspace)[0] in option.skills for option in plan.options)


def test_the_same_view_twice_gives_the_same_view(workspace: Workspace) -> None:
    """Else a rerun of the page would load the map anew."""
    assert console_view(workspace, "zh") == console_view(workspace, "zh")


def test_the_catalogue_lists_every_layer_and_every_finding_in_words(workspace: Workspace) -> None:
    for lang in ("zh", "en"):
        assert list(layer_table(workspace, lang)["layer"]) == list(workspace.layer_ids)
        table = finding_table(workspace, lang)
        assert len(table) == len(workspace.findings)
        assert not table["message"].str.startswith("finding.").any()
