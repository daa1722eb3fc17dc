"""Who goes, and why not the others. All answers are worked out by hand on the tiny city."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import geopandas as gpd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.dispatch import DispatchParams, Roster, plan_dispatch
from gridgov.errors import ParameterError
from gridgov.i18n import LANGS
from gridgov.model import TravelMode
from gridgov.network import RoadNetwork

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 6, 30, 12, 0, tzinfo=SHANGHAI)
Crossing = Callable[[int], tuple[float, float]]
Workers = Callable[..., gpd.GeoDataFrame]


@pytest.fixture
def roster(tiny_city: RoadNetwork) -> Callable[[gpd.GeoDataFrame], Roster]:
    return lambda workers: Roster.from_frame(workers, dict.fromkeys(TravelMode, tiny_city), SHANGHAI)


def test_the_nearest_by_time_comes_first(roster, make_workers: Workers, at_crossing: Crossing) -> None:
    """From crossing 5 the worker at 6 is one block away, at 7 two, at 15 four."""
    plan = plan_dispatch(roster(make_workers(15, 7, 6)), *at_crossing(5), now=NOON)
    assert [(o.rank, o.worker_id, o.travel_time_ms, o.behind_ms) for o in plan.options] == [
        (1, "W2", 10_000, 0),
        (2, "W1", 20_000, 10_000),
        (3, "W0", 40_000, 30_000),
    ]


def test_a_one_way_street_is_driven_from_the_worker_to_the_incident(
    roster, make_workers: Workers, at_crossing: Crossing
) -> None:
    """To crossing 0 the worker at 1 goes round the block (30 s); to crossing 1 the worker at 0 goes straight (10 s)."""
    assert plan_dispatch(roster(make_workers(1)), *at_crossing(0), now=NOON).options[0].travel_time_ms == 30_000
    assert plan_dispatch(roster(make_workers(0)), *at_crossing(1), now=NOON).options[0].travel_time_ms == 10_000


def test_everybody_left_out_has_a_reason(roster, make_workers: Workers, at_crossing: Crossing) -> None:
    workers = make_workers(
        5, (5, {"status": "busy"}), (6, {"shift_start": "16:00", "shift_end": "24:00"}), (7, {"skills": ["traffic"]}),
        (9, {"mode": "walk"}),
    )  # fmt: skip
    workers.loc[workers.index[0], "geometry"] = None
    params = DispatchParams(skills=("traffic",), modes=(TravelMode.DRIVE,))
    plan = plan_dispatch(roster(workers), *at_crossing(5), params, now=NOON)
    assert [option.worker_id for option in plan.options] == ["W3"]
    assert {e.worker_id: e.reason for e in plan.exclusions} == {
        "W0": "no_position", "W1": "missing_skill", "W2": "missing_skill", "W4": "wrong_mode",
    }  # fmt: skip
    assert (plan.candidates, plan.considered) == (1, 5)


def test_who_would_have_been_nearer_is_named_first_with_the_time(
    roster, make_workers: Workers, at_crossing: Crossing
) -> None:
    """The busy worker on the spot beats the free one two blocks away; the busy one far off does not."""
    workers = make_workers((15, {"status": "busy"}), (5, {"status": "busy"}), 7)
    plan = plan_dispatch(roster(workers), *at_crossing(5), DispatchParams(k=1), now=NOON)
    assert [(e.worker_id, e.travel_time_ms) for e in plan.exclusions] == [("W1", 0), ("W0", None)]


@pytest.mark.parametrize(
    ("hour", "minute", "works"),
    [(21, 59, False), (22, 0, True), (23, 59, True), (0, 0, True), (5, 59, True), (6, 0, False)],
)
def test_a_shift_may_pass_midnight(roster, make_workers: Workers, hour: int, minute: int, works: bool) -> None:
    workers = make_workers((5, {"shift_start": "22:00", "shift_end": "06:00"}))
    assert roster(workers).on_shift(datetime(2026, 6, 30, hour, minute, tzinfo=SHANGHAI))[0] == works


def test_shifts_are_local_time(roster, make_workers: Workers) -> None:
    """00:30 UTC is 08:30 in Shanghai."""
    people = roster(make_workers(5))
    assert people.on_shift(datetime(2026, 6, 30, 0, 30, tzinfo=UTC))[0]
    assert not people.on_shift(datetime(2026, 6, 30, 8, 30, tzinfo=UTC))[0]


def test_without_a_shift_a_worker_counts_as_on_duty(roster, make_workers: Workers) -> None:
    assert roster(make_workers((5, {"shift_start": None, "shift_end": None}))).on_shift(NOON)[0]


def test_an_unreachable_worker_is_said_to_be_so(make_workers: Workers, at_crossing: Crossing) -> None:
    """Two streets that do not meet: a worker on the other one has no time, not an infinite one."""
    x, y = [118.98, 118.981, 118.98, 118.981], [29.60, 29.60, 29.61, 29.61]
    network = RoadNetwork.from_arrays([0, 1, 2, 3], [1, 0, 3, 2], [10_000] * 4, x=x, y=y)
    workers = make_workers(0, 0)
    workers.loc[workers.index[1], "geometry"] = gpd.points_from_xy([118.9805], [29.61])[0]
    plan = plan_dispatch(Roster.from_frame(workers, {TravelMode.DRIVE: network}, SHANGHAI), 118.9805, 29.60, now=NOON)
    assert [o.worker_id for o in plan.options] == ["W0"]
    assert [(e.worker_id, e.reason) for e in plan.exclusions] == [("W1", "unreachable")]
    assert (plan.candidates, plan.considered) == (1, 2)


def test_no_workers_and_nobody_able_to_go_are_said_in_words(
    roster, make_workers: Workers, at_crossing: Crossing
) -> None:
    assert plan_dispatch(roster(make_workers()), *at_crossing(5), now=NOON).notes == ("no_workers",)
    busy = plan_dispatch(roster(make_workers((6, {"status": "busy"}))), *at_crossing(5), now=NOON)
    assert busy.options == ()
    assert busy.notes == ("nobody_can_go",)
    for lang in LANGS:
        assert "{" not in busy.note_texts(lang)[0]


def test_a_place_far_from_any_road_is_kept_and_the_distance_is_said(roster, make_workers: Workers) -> None:
    """0.01 degrees of latitude south of crossing 0 are 1,112 m."""
    plan = plan_dispatch(roster(make_workers(4)), 118.98, 29.59, now=NOON)
    assert plan.options[0].travel_time_ms == 10_000
    assert plan.off_road_m == pytest.approx(1_112, rel=0.005)
    assert "far_from_road" in plan.notes


def test_a_place_beyond_all_roads_has_no_arrival_times(roster, make_workers: Workers) -> None:
    """0.5 degrees south of the city are 55 km: nobody is sent on a time that means nothing."""
    plan = plan_dispatch(roster(make_workers(4)), 118.98, 29.1, now=NOON)
    assert plan.options == ()
    assert plan.notes == ("beyond_roads",)
    assert "55" in plan.note_texts("en")[0]


def test_nobody_is_sent_whose_status_or_mode_the_source_should_give_and_does_not(
    roster, make_workers: Workers, at_crossing: Crossing
) -> None:
    workers = make_workers((5, {"status": None}), (6, {"mode": None}), 7)
    plan = plan_dispatch(roster(workers), *at_crossing(5), now=NOON)
    assert [option.worker_id for option in plan.options] == ["W2"]
    assert {e.worker_id: e.reason for e in plan.exclusions} == {"W0": "unknown_status", "W1": "unknown_mode"}


def test_several_skills_must_all_be_there(roster, make_workers: Workers, at_crossing: Crossing) -> None:
    workers = make_workers((5, {"skills": ["traffic"]}), (7, {"skills": ["traffic", "mediation"]}))
    params = DispatchParams(skills=("traffic", "mediation"))
    assert [o.worker_id for o in plan_dispatch(roster(workers), *at_crossing(5), params, now=NOON).options] == ["W1"]


@pytest.mark.parametrize(("lon", "lat", "k"), [(200.0, 29.6, 5), (118.98, 95.0, 5), (118.98, 29.6, 0)])
def test_a_position_that_is_none_and_k_below_one_are_refused(
    roster, make_workers: Workers, lon: float, lat: float, k: int
) -> None:
    with pytest.raises(ParameterError):
        plan_dispatch(roster(make_workers(4)), lon, lat, DispatchParams(k=k), now=NOON)


def test_a_naive_time_is_refused(roster, make_workers: Workers, at_crossing: Crossing) -> None:
    with pytest.raises(ParameterError, match="aware"):
        plan_dispatch(roster(make_workers(4)), *at_crossing(5), now=datetime(2026, 6, 30, 12, 0))


def test_a_plan_is_plain_data(roster, make_workers: Workers, at_crossing: Crossing) -> None:
    plan = plan_dispatch(roster(make_workers(4, (6, {"status": "busy"}))), *at_crossing(5), now=NOON, grid_code="g")
    content = json.loads(json.dumps(plan.to_dict()))
    assert content["schema"] == "gridgov-dispatch/1"
    assert content["options"][0]["worker_id"] == "W0"
    assert content["exclusions"][0]["reason"] == "busy"
    assert content["engines"] == [["drive", "early_stop"]]


@given(nodes=st.lists(st.integers(0, 15), max_size=12), target=st.integers(0, 15), k=st.integers(1, 6))
def test_every_worker_is_either_an_option_or_excluded_or_later_than_the_last_option(
    tiny_city, nodes, target, k
) -> None:
    """Nobody is lost and nobody twice; times rise with rank; a route's line begins and ends where it should."""
    x, y = [118.98 + 0.001 * (n % 4) for n in nodes], [29.60 + 0.001 * (n // 4) for n in nodes]
    workers = gpd.GeoDataFrame(
        {"worker_id": [f"W{i}" for i in range(len(nodes))], "mode": ["drive"] * len(nodes)},
        geometry=gpd.points_from_xy(x, y),
        crs=4326,
    )
    roster = Roster.from_frame(workers, {TravelMode.DRIVE: tiny_city}, SHANGHAI)
    plan = plan_dispatch(
        roster, 118.98 + 0.001 * (target % 4), 29.60 + 0.001 * (target // 4), DispatchParams(k=k), now=NOON
    )
    chosen = [option.worker_id for option in plan.options]
    assert len(set(chosen)) == len(chosen) == min(k, len(nodes))
    assert [option.travel_time_ms for option in plan.options] == sorted(
        option.travel_time_ms for option in plan.options
    )
    assert not plan.exclusions
    for option in plan.options:
        assert option.coordinates[0] == pytest.approx((option.lon, option.lat), abs=1e-9)
        assert option.coordinates[-1] == pytest.approx((plan.lon, plan.lat), abs=1e-9)
