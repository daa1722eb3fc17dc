"""Hualien: how near its people are to the 198 real shelters, and where the next ones would serve best."""

from __future__ import annotations

import pytest

from gridgov.model.rights import EVERYWHERE, Person, Role
from gridgov.model.siting import SitingModel, SitingStatus
from gridgov.operations.accessibility import AccessQuery, facility_access
from gridgov.operations.importing import ImportReport
from gridgov.operations.siting import SitingQuery, propose_sites
from gridgov.workspace import Workspace

pytestmark = pytest.mark.real
PLANNER = Person("planner", Role.PLANNER, EVERYWHERE)


def test_everybody_is_within_reach_or_counted_apart(imported: tuple[ImportReport, Workspace]) -> None:
    """The roads are those of the city: who lives beyond, and the shelters there, are named and in no time."""
    found = facility_access(imported[1], PLANNER, AccessQuery(of="shelters"))
    figures, notes = found.figures["persons"], {note.code: len(note.ids) for note in found.notes}
    assert figures.persons == 221_329
    assert figures.persons_within + figures.persons_beyond + figures.persons_unreached == 221_329
    assert figures.persons_within >= 200_000
    assert notes["persons_unknown"] == figures.grids_unknown == 270
    assert found.sources + notes["sites_off_roads"] == 198
    assert figures.median_s is not None
    assert figures.p90_s is not None
    assert 30 < figures.median_s < figures.p90_s < 600


@pytest.mark.parametrize("model", [SitingModel.P_MEDIAN, SitingModel.P_CENTRE, SitingModel.MAX_COVERING])
def test_three_more_shelters_among_all_areas_are_proved_the_best(
    imported: tuple[ImportReport, Workspace], model: SitingModel
) -> None:
    """2,117 areas times 2,117 candidates beside 198 shelters."""
    found = propose_sites(imported[1], PLANNER, SitingQuery(model=model, k=3, minutes=5))
    assert found.plan.status is SitingStatus.OPTIMAL
    assert len(found.plan.opened) == 3
    assert found.before is not None
    assert found.after is not None
    assert found.after.mean_s < found.before.mean_s


def test_the_shelters_have_too_few_places_for_a_fifth_of_the_people(imported: tuple[ImportReport, Workspace]) -> None:
    query = SitingQuery(k=5, with_capacity=True, new_capacity_persons=2000, demand_share=0.2)
    (reason,) = propose_sites(imported[1], PLANNER, query).plan.reasons
    assert reason.code == "capacity_below_demand"
    assert reason.fields["missing"] > 0
