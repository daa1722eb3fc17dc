"""Weighted suitability, the firmness of its ranking, and proximity."""

from __future__ import annotations

from itertools import product
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgov.analysis.metric_layers import MetricLayer, metric_layer
from gridgov.analysis.proximity import buffers, nearest
from gridgov.analysis.suitability import Criterion, rank_sensitivity, suitability
from gridgov.errors import ParameterError

CRS = "EPSG:4549"
X, Y = 403_000.0, 3_276_000.0
VALUES = {"persons": [100, 300, 200, 0], "metres": [0, 500, 1000, 250]}
CRITERIA = [Criterion("persons", 3), Criterion("metres", 1, "less")]


def test_scores_are_the_weighted_sum_computed_by_hand() -> None:
    found = suitability(VALUES, CRITERIA)
    assert found.weights.tolist() == [0.75, 0.25]
    assert found.score.tolist() == pytest.approx([0.75 / 3 + 0.25, 0.75 + 0.125, 0.5, 0.1875])
    table = found.table(["a", "b", "c", "d"])
    assert table["id"].tolist() == ["b", "a", "c", "d"]
    assert (table["persons"] + table["metres"]).to_numpy() == pytest.approx(table["score"].to_numpy())


def test_breakpoints_and_fixed_ends_give_scores_that_do_not_depend_on_the_others() -> None:
    curve = Criterion("metres", 1, breakpoints=((0, 0), (250, 1), (1000, 0)))
    assert suitability(VALUES, [curve]).score.tolist() == pytest.approx([0, 2 / 3, 0, 1])
    fixed = Criterion("persons", 1, low=0, high=200)
    assert suitability(VALUES, [fixed]).score.tolist() == pytest.approx([0.5, 1, 1, 0])


def test_what_a_constraint_excludes_has_no_score_and_does_not_stretch_the_scale() -> None:
    found = suitability(VALUES, CRITERIA, excluded=[False, True, False, False])
    assert np.isnan(found.score[1])
    assert found.scores[0].tolist()[::2] == [0.5, 1.0]
    assert found.table(list("abcd"))["rank"].isna().sum() == 1


def test_what_is_not_known_has_no_score_and_is_said() -> None:
    found = suitability({**VALUES, "metres": [0, np.nan, 1000, 250]}, CRITERIA)
    assert np.isnan(found.score[1])
    assert found.findings[0].rule == "suitability_unknown"
    assert found.findings[0].detail == {"count": 1, "criteria": "metres"}
    idle = suitability({**VALUES, "metres": [0, np.nan, 1000, 250]}, [CRITERIA[0], Criterion("metres", 0)])
    assert not np.isnan(idle.score).any()  # without a weight it does not matter


def test_cells_of_a_raster_are_scored_as_grids_are() -> None:
    cells = {name: np.reshape(values, (2, 2)) for name, values in VALUES.items()}
    assert suitability(cells, CRITERIA).score.ravel().tolist() == suitability(VALUES, CRITERIA).score.tolist()


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ([Criterion("persons", 0), Criterion("metres", 0)], "the weights of persons, metres sum to zero"),
        ([], "no criterion is given"),
        ([Criterion("persons", 1), Criterion("persons", 2)], "'persons' is given twice"),
        ([Criterion("noise", 1)], "'noise' has no values; there are persons, metres"),
    ],
)
def test_weights_of_zero_and_unknown_criteria_are_refused(criteria: list[Criterion], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        suitability(VALUES, criteria)


@pytest.mark.parametrize(
    "options",
    [{"weight": -1}, {"weight": float("nan")}, {"weight": 1, "direction": "up"}, {"weight": 1, "low": 2, "high": 2},
     {"weight": 1, "breakpoints": ((1, 0), (1, 1))}, {"weight": 1, "breakpoints": ((0, 0), (1, 2))}],
)  # fmt: skip
def test_a_criterion_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="criterion 'x'"):
        Criterion("x", **options)


def test_constraints_that_leave_nothing_infinite_values_and_odd_shapes_are_refused() -> None:
    with pytest.raises(ParameterError, match="exclude everything"):
        suitability(VALUES, CRITERIA, excluded=[True] * 4)
    with pytest.raises(ParameterError, match="'metres' is infinite in row 2"):
        suitability({**VALUES, "metres": [0, np.inf, 1, 2]}, CRITERIA)
    with pytest.raises(ParameterError, match="give as many"):
        suitability({**VALUES, "metres": [0, 1]}, CRITERIA)


def test_a_criterion_that_is_the_same_everywhere_is_said_and_changes_no_ranking() -> None:
    found = suitability({**VALUES, "same": [4] * 4}, [*CRITERIA, Criterion("same", 5)])
    assert [finding.rule for finding in found.findings] == ["criterion_constant"]
    assert found.table(list("abcd"))["id"].tolist() == suitability(VALUES, CRITERIA).table(list("abcd"))["id"].tolist()
    assert all("{" not in finding.message(lang) for finding, lang in product(found.findings, ("zh", "en")))


def test_a_ranking_that_every_weight_agrees_with_is_firm_and_a_close_one_is_not() -> None:
    better = suitability({"a": [3, 2, 1], "b": [30, 20, 10]}, [Criterion("a", 1), Criterion("b", 1)])
    firm = rank_sensitivity(better, k=1, seed=1)
    assert (firm.same_top, firm.same_first) == (1, 1)
    assert firm.table[["best_rank", "worst_rank"]].to_numpy().tolist() == [[1, 1], [2, 2], [3, 3]]
    close = suitability({"a": [1.0, 0.0], "b": [0.0, 0.99]}, [Criterion("a", 1, high=1), Criterion("b", 1, high=1)])
    shaky = rank_sensitivity(close, k=1, seed=1)
    assert 0.4 < shaky.same_top < 0.6
    assert shaky.table["worst_rank"].tolist() == [2, 2]
    assert shaky.table["share_in_top"].sum() == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_draws_and_the_excluded_take_no_part() -> None:
    result = suitability(VALUES, CRITERIA, excluded=[False, False, False, True])
    first, again = (rank_sensitivity(result, k=2, seed=9) for _ in range(2))
    assert first.table.equals(again.table)
    assert first.table["position"].tolist() == [1, 2, 0]
    with pytest.raises(ParameterError, match="k is 4, but 3 alternatives have a score"):
        rank_sensitivity(result, k=4, seed=9)


def layer(name: str, shapes: list[Any]) -> MetricLayer:
    return metric_layer(gpd.GeoDataFrame(geometry=shapes, crs=CRS), name, metric_crs=CRS)[0]


def point(x: float, y: float) -> Any:
    return shapely.Point(X + x, Y + y)


def test_the_nearest_is_measured_in_metres_from_border_to_border() -> None:
    grids = layer("g", [shapely.box(X, Y, X + 100, Y + 100), shapely.box(X + 900, Y, X + 1000, Y + 100)])
    found = nearest(grids, layer("h", [point(400, 50), point(50, 50), point(50, 50)]))
    assert found["distance_m"].tolist() == [0, 500]
    assert found["nearest_row"].tolist() == [2, 1]
    near = nearest(grids, layer("h", [point(400, 50)]), within_m=350)
    assert near["distance_m"].tolist()[0] == 300
    assert near["nearest_row"].isna().tolist() == [False, True]
    assert near["nearest_id"].tolist() == ["1", ""]


def test_buffers_are_round_and_in_metres() -> None:
    made = buffers(layer("h", [point(0, 0), point(100, 0)]), 100)
    assert made.size().tolist() == pytest.approx([np.pi * 1e4] * 2, rel=1e-3)
    union = buffers(layer("h", [point(0, 0), point(100, 0)]), 100, united=True)
    lens = 1e4 * (2 * np.pi / 3 - np.sqrt(3) / 2)
    assert union.size().tolist() == pytest.approx([2 * np.pi * 1e4 - lens], rel=1e-3)


def test_buffers_that_cannot_be_name_the_row() -> None:
    with pytest.raises(ParameterError, match="layer h: the distance of row 2"):
        buffers(layer("h", [point(0, 0), point(1, 0)]), [5, -1])
    with pytest.raises(ParameterError, match="nothing is left of row 1"):
        buffers(layer("g", [shapely.box(X, Y, X + 10, Y + 10)]), -6)
