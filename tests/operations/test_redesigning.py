"""Duty areas, grids, hot spots and patrols of the sample village."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from gridgov.analysis.scan import ScanParams
from gridgov.config import Settings
from gridgov.errors import ParameterError, RightsError
from gridgov.grids.redesign import RedesignParams
from gridgov.grids.redraw import GridLimits
from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.operations.hotspots import HotspotQuery, Hotspots, find_hotspots, propose_patrols
from gridgov.operations.redesigning import (
    DutyRedesign,
    RedesignQuery,
    compare_months,
    redesign_duty,
    redraw_grids,
)
from gridgov.profiles.grids import load_grid_size_profile
from gridgov.workspace import Workspace, open_workspace

PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)
BOSS = Person("boss", Role.SUPERVISOR, EVERYWHERE)
QUICK = RedesignQuery(params=RedesignParams(time_limit_s=0.3, rounds=10))


@pytest.fixture(scope="module")
def here(village: Path) -> Workspace:
    return open_workspace(village, settings=Settings(store="memory:"))


@pytest.fixture(scope="module")
def found(here: Workspace) -> DutyRedesign:
    return redesign_duty(here, BOSS, QUICK)


@pytest.fixture(scope="module")
def spots(here: Workspace) -> Hotspots:
    return find_hotspots(here, PLANNER, HotspotQuery(permutations=999, scan=ScanParams(replicas=39)))


def test_every_grid_has_a_worker_where_it_can_and_nothing_is_worse(found: DutyRedesign) -> None:
    solved = found.communities[found.communities["reason"] == ""]
    frame = found.frame
    inside = frame["community_code"].isin(solved["community_code"])
    assert len(solved) > 0
    assert (frame["after"][inside] != "").all()
    assert (frame["after"][~inside] == "").all()
    assert frame["load"].sum() == pytest.approx(1.0)
    assert (solved["bound"] <= solved["after"] + 1e-9).all()
    assert (solved["after"] <= solved["before"] + 1e-9).all()
    workers = found.workers
    assert workers["load_after"].sum() == pytest.approx(frame["load"][inside].sum())
    assert workers["grids_after"].sum() == inside.sum()


def test_the_shapes_of_areas_are_those_of_their_grids(found: DutyRedesign) -> None:
    for when in ("before", "after"):
        areas = found.areas(when)
        assert set(areas.geometry.geom_type) == {"Polygon"}
        assert areas["grids"].sum() == (found.frame[when] != "").sum()


def test_a_planner_sees_areas_by_number_and_not_who_works_there(here: Workspace, found: DutyRedesign) -> None:
    hidden = redesign_duty(here, PLANNER, QUICK)
    assert not set(hidden.worker_names.tolist()) & set(found.worker_names.tolist())
    assert hidden.answer.owner.tolist() == found.answer.owner.tolist()
    assert all("/" in name for name in hidden.worker_names)


def test_a_simulated_month_has_the_same_incidents_before_and_after(here: Workspace, found: DutyRedesign) -> None:
    months = compare_months(here, BOSS, found, days=20)
    assert months.before.incidents == months.after.incidents > 50
    for month in (months.before, months.after):
        assert month.median_s is not None
        assert 0 <= month.median_s <= month.p90_s
        assert len(month.busy_h) == len(found.worker_names)
    always = compare_months(here, BOSS, found, days=20, shifts=False)
    assert always.after.by_owner > months.after.by_owner
    assert compare_months(here, BOSS, found, days=20) == months


def test_areas_cut_by_somebody_else_are_no_way_around_the_own_area(here: Workspace, found: DutyRedesign) -> None:
    street = str(here.layer("grids")["street_code"].iloc[0])
    part = Person("part", Role.SUPERVISOR, (street,))
    if len(redesign_duty(here, part, QUICK).rows) < len(found.rows):
        with pytest.raises(ParameterError, match="beyond the area"):
            compare_months(here, part, found)
    with pytest.raises(RightsError):
        redesign_duty(here, Person("worker", Role.WORKER, EVERYWHERE), QUICK)


def test_a_part_of_a_community_is_not_cut(here: Workspace) -> None:
    code = str(here.layer("grids")["grid_code"].iloc[0])
    with pytest.raises(ParameterError, match="no whole community"):
        redesign_duty(here, BOSS, RedesignQuery(area=code))
    with pytest.raises(ParameterError, match="no grid has a code"):
        redesign_duty(here, BOSS, RedesignQuery(area="999"))


def test_redrawn_grids_cover_the_old_ones_and_keep_their_incidents(here: Workspace) -> None:
    made = redraw_grids(here, PLANNER, limits=GridLimits(40, 120, 400))
    old, new = here.layer("grids"), made.redraw.frame
    assert made.redraw.merged + made.redraw.cut > 0
    assert shapely.coverage_is_valid(np.asarray(new.geometry.array))
    assert new["persons"].sum() == pytest.approx(float(old["persons"].sum()))
    assert made.incidents.sum() == here.layer("incidents")["grid_code"].isin(old["grid_code"]).sum() - _nothing(here)
    assert made.incidents.index.tolist() == sorted(new["grid_code"])


def test_redrawn_grids_carry_every_count_of_the_old_ones_in_whole_numbers(here: Workspace) -> None:
    made = redraw_grids(here, PLANNER, limits=GridLimits(20, 60, 150)).redraw
    old, new = here.layer("grids"), made.frame
    assert made.merged > 0
    assert made.cut > 0
    assert new.columns.tolist() == old.columns.tolist()
    for name in ("persons", "households", "persons_day", "elderly_persons", "children_persons"):
        assert new[name].dtype == "Int64"
        assert new[name].sum() == old[name].sum(), name
    assert new["street_code"].notna().all()
    assert new["name"].notna().sum() == new["grid_code"].isin(old["grid_code"]).sum()
    assert shapely.coverage_is_valid(np.asarray(new.geometry.array))


def _nothing(here: Workspace) -> int:
    layer = here.layer("incidents")
    known = layer["grid_code"].isin(here.layer("grids")["grid_code"])
    return int((layer["state"].isin(["rejected", "void"]) & known).sum())


def test_the_limits_of_the_profile_carry_their_source_and_certainty(here: Workspace) -> None:
    profile = load_grid_size_profile()
    made = redraw_grids(here, PLANNER)
    assert made.limits == GridLimits(profile.least_households, profile.most_households, profile.most_persons)
    assert profile.certainty == "U"
    assert set(profile.sources) == {"size", "most_persons"}


def test_hot_spots_count_every_incident_once(here: Workspace, spots: Hotspots) -> None:
    assert spots.frame["incidents"].sum() == spots.incidents > 100
    assert spots.frame["grid_code"].tolist() == here.layer("grids")["grid_code"].tolist()
    assert {code for region in spots.regions for code in region} == set(
        spots.frame["grid_code"][spots.frame["hot"]].tolist()
    )
    assert len(spots.clusters) == len(spots.scan.significant)


def test_hot_spots_of_a_part_hold_that_part_only(here: Workspace) -> None:
    street = str(here.layer("grids")["street_code"].iloc[0])
    part = Person("part", Role.SUPERVISOR, (street,))
    one = find_hotspots(here, part, HotspotQuery(permutations=99, scan=ScanParams(replicas=19)))
    assert one.frame["grid_code"].str.startswith(street).all()


def test_patrols_are_tested_on_days_that_they_were_not_planned_from(here: Workspace) -> None:
    proposal = propose_patrols(here, PLANNER, HotspotQuery(permutations=999), held_out_days=7)
    assert proposal.test is not None
    assert proposal.held_out_days == 7
    assert 0 <= proposal.test.hit_low <= proposal.test.hit_rate <= proposal.test.hit_high <= 1
    assert proposal.trained_on + proposal.test.incidents == len(here.layer("incidents")) - _outside(here)
    assert proposal.plan["hours"].sum() == pytest.approx(min(200, 168 * len(here.layer("grids"))))
    assert set(proposal.plan["grid_code"]) <= set(here.layer("grids")["grid_code"])


def _outside(here: Workspace) -> int:
    layer = here.layer("incidents")
    known = layer["grid_code"].isin(here.layer("grids")["grid_code"])
    return int((~known | layer["state"].isin(["rejected", "void"])).sum())
